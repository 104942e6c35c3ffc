using System.Collections.Immutable;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>An explanation as it stands in an answer: places, texts, truths and classes of values.</summary>
static class ExplanationJson
{
    public static void Write(ByteOutput output, ExplainedOperation explained)
    {
        Member(output, "{\"operation\":"u8, explained.Operation);
        Member(output, ",\"model\":"u8, explained.Model);
        if (explained.Field is { } field) Member(output, ",\"field\":"u8, field);
        Member(output, ",\"verdict\":"u8, explained.Verdict);
        if (explained.Records is { } records) Member(output, ",\"records\":"u8, records);
        List(output, ",\"rules\":["u8, explained.Rules, Write);
    }

    static void Write(ByteOutput output, ExplainedRule rule)
    {
        Member(output, "{\"place\":"u8, rule.Place);
        Member(output, ",\"rule\":"u8, rule.Text);
        Member(output, ",\"truth\":"u8, rule.Truth);
        List(output, ",\"terms\":["u8, rule.Terms, Write);
    }

    static void Write(ByteOutput output, ExplainedTerm term)
    {
        Member(output, "{\"term\":"u8, term.Text);
        Member(output, ",\"truth\":"u8, term.Truth);
        List(output, ",\"reads\":["u8, term.Reads, static (output, read) =>
        {
            Member(output, "{\"name\":"u8, read.Name);
            Member(output, ",\"is\":"u8, read.Is);
            output.Write((byte)'}');
        });
    }

    static void Member(ByteOutput output, ReadOnlySpan<byte> name, string value)
    {
        output.Write(name);
        JsonText.WriteString(output, value);
    }

    /// <summary>The last member of an object, and the object's end.</summary>
    static void List<T>(ByteOutput output, ReadOnlySpan<byte> name, ImmutableArray<T> items, Action<ByteOutput, T> write)
    {
        output.Write(name);
        for (int i = 0; i < items.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            write(output, items[i]);
        }
        output.Write("]}"u8);
    }
}
