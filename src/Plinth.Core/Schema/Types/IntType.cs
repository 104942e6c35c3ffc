using System.Globalization;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>32-bit signed; a JSON number.</summary>
sealed class IntType : ScalarType
{
    public static readonly IntType It = new();

    public override string Name => "Int";

    public override ValueKind Kind => ValueKind.Int;

    public override string Expected => "an integer from -2147483648 to 2147483647";

    public override string JsonSchema => """{"type":"integer","format":"int32"}""";

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = default;
        if (json.TokenType != JsonTokenType.Number || !json.TryGetInt32(out int number)) return false;
        value = Value.From((long)number);
        return true;
    }

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        bool read = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number);
        value = Value.From((long)number);
        return read;
    }

    public override void WriteJson(ByteOutput output, in Value value) => JsonText.WriteInt(output, value.Int);

    public override string Format(in Value value) => value.Int.ToString(CultureInfo.InvariantCulture);
}
