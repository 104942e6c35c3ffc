using System.Text;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>A fault as <c>application/problem+json</c> (RFC 9457), in the one shape of every route.</summary>
static class Problem
{
    public static void Write(ByteOutput output, Fault fault, int status, string traceId, string requestId, byte[]? explanation = null)
    {
        output.Write("{\"type\":"u8);
        JsonText.WriteString(output, "/errors/" + fault.Code);
        output.Write(",\"title\":"u8);
        JsonText.WriteString(output, fault.Kind.Title);
        output.Write(",\"status\":"u8);
        JsonText.WriteInt(output, status);
        output.Write(",\"code\":"u8);
        JsonText.WriteString(output, fault.Code);
        output.Write(",\"message\":"u8);
        WriteText(output, fault.Message);
        output.Write(",\"details\":["u8);
        for (int i = 0; i < fault.Details.Length; i++)
        {
            if (i > 0) output.Write((byte)',');
            output.Write("{\"field\":"u8);
            WriteText(output, fault.Details[i].Field);
            output.Write(",\"code\":"u8);
            WriteText(output, fault.Details[i].Code);
            output.Write(",\"message\":"u8);
            WriteText(output, fault.Details[i].Message);
            output.Write((byte)'}');
        }
        output.Write((byte)']');
        if (fault.Hint is { } hint)
        {
            output.Write(",\"hint\":"u8);
            WriteText(output, hint);
        }
        if (explanation is not null)
        {
            output.Write(",\"explain\":"u8);
            output.Write(explanation);
        }
        output.Write(",\"traceId\":"u8);
        JsonText.WriteString(output, traceId);
        output.Write(",\"requestId\":"u8);
        JsonText.WriteString(output, requestId);
        output.Write((byte)'}');
    }

    // Messages may quote what a caller sent; a lone surrogate in it must not make the answer invalid UTF-8.
    static void WriteText(ByteOutput output, string text) => JsonText.WriteString(output, Encoding.UTF8.GetBytes(text));
}
