using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>An explanation as it stands in an answer: places, texts, truths and classes of values.</summary>
static class ExplanationJson
{
    public static void Write(ByteOutput output, ExplainedOperation explained)
    {
        output.Write("{\"operation\":"u8);
        JsonText.WriteString(output, explained.Operation);
        output.Write(",\"model\":"u8);
        JsonText.WriteString(output, explained.Model);
        if (explained.Field is { } field)
        {
            output.Write(",\"field\":"u8);
            JsonText.WriteString(output, field);
        }
        output.Write(",\"verdict\":"u8);
        JsonText.WriteString(output, explained.Verdict);
        if (explained.Records is { } records)
        {
            output.Write(",\"records\":"u8);
            JsonText.WriteString(output, records);
        }
        output.Write(",\"rules\":["u8);
        for (int i = 0; i < explained.Rules.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            Write(output, explained.Rules[i]);
        }
        output.Write("]}"u8);
    }

    static void Write(ByteOutput output, ExplainedRule rule)
    {
        output.Write("{\"place\":"u8);
        JsonText.WriteString(output, rule.Place);
        output.Write(",\"rule\":"u8);
        JsonText.WriteString(output, rule.Text);
        output.Write(",\"truth\":"u8);
        JsonText.WriteString(output, rule.Truth);
        output.Write(",\"terms\":["u8);
        for (int i = 0; i < rule.Terms.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            Write(output, rule.Terms[i]);
        }
        output.Write("]}"u8);
    }

    static void Write(ByteOutput output, ExplainedTerm term)
    {
        output.Write("{\"term\":"u8);
        JsonText.WriteString(output, term.Text);
        output.Write(",\"truth\":"u8);
        JsonText.WriteString(output, term.Truth);
        output.Write(",\"reads\":["u8);
        for (int i = 0; i < term.Reads.Length; i++)
        {
            output.Write(i > 0 ? ",{\"name\":"u8 : "{\"name\":"u8);
            JsonText.WriteString(output, term.Reads[i].Name);
            output.Write(",\"is\":"u8);
            JsonText.WriteString(output, term.Reads[i].Is);
            output.Write((byte)'}');
        }
        output.Write("]}"u8);
    }
}
