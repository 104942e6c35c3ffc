using System.Text;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>A type whose JSON form is a string made of plain ASCII: it is parsed from, and formatted to, its text form alone.</summary>
abstract class StringForm : ScalarType
{
    /// <summary>Bytes that the longest text form needs.</summary>
    protected const int LengthMax = 64;

    /// <summary>Writes the text form, at most <see cref="LengthMax"/> bytes of ASCII, and answers how many.</summary>
    protected abstract int Format(in Value value, Span<byte> to);

    public sealed override string Format(in Value value)
    {
        Span<byte> bytes = stackalloc byte[LengthMax];
        return Encoding.ASCII.GetString(bytes[..Format(value, bytes)]);
    }

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = default;
        return json.TokenType == JsonTokenType.String && TryParseToken(ref json, out value);
    }

    public sealed override void WriteJson(ByteOutput output, in Value value)
    {
        Span<byte> to = output.GetSpan(LengthMax + 2);
        to[0] = (byte)'"';
        int length = Format(value, to[1..]);
        to[length + 1] = (byte)'"';
        output.Advance(length + 2);
    }

    /// <summary>Parses the text of the token (a string without escapes, or a number).</summary>
    protected bool TryParseToken(ref Utf8JsonReader json, out Value value)
    {
        ReadOnlySpan<byte> token = json.ValueSpan;
        value = default;
        if (token.Length > LengthMax) return false;
        Span<char> text = stackalloc char[LengthMax];
        return Ascii.ToUtf16(token, text, out int length) == System.Buffers.OperationStatus.Done && TryParse(text[..length], out value);
    }
}
