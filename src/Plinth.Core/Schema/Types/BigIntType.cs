using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;

namespace Plinth.Schema.Types;

/// <summary>64-bit signed; a string in JSON, since readers that hold numbers as doubles would lose digits. Numbers are taken too.</summary>
sealed class BigIntType : StringForm
{
    public static readonly BigIntType It = new();

    public override string Name => "BigInt";

    public override ValueKind Kind => ValueKind.Int;

    public override string Expected => "an integer from -9223372036854775808 to 9223372036854775807, as a string or a number";

    public override string JsonSchema => """{"type":"string","format":"int64","pattern":"^-?[0-9]{1,19}$"}""";

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = default;
        return (json.TokenType is JsonTokenType.String or JsonTokenType.Number) && TryParseToken(ref json, out value);
    }

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        bool read = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number);
        value = Value.From(number);
        return read;
    }

    protected override int Format(in Value value, Span<byte> to)
    {
        Utf8Formatter.TryFormat(value.Int, to, out int length);
        return length;
    }
}
