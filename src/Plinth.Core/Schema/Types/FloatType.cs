using System.Globalization;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>IEEE 754 binary64. NaN and infinities are refused: no wire form and no index keeps them the same.</summary>
sealed class FloatType : ScalarType
{
    public static readonly FloatType It = new();

    public override string Name => "Float";

    public override ValueKind Kind => ValueKind.Double;

    public override string Expected => "a finite number";

    public override string JsonSchema => """{"type":"number","format":"double"}""";

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = default;
        if (json.TokenType != JsonTokenType.Number || !json.TryGetDouble(out double number) || !double.IsFinite(number)) return false;
        value = Of(number);
        return true;
    }

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        bool read = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number);
        value = Of(number);
        return read;
    }

    public override void WriteJson(ByteOutput output, in Value value) => JsonText.WriteDouble(output, value.Double);

    public override string Format(in Value value) => value.Double.ToString("R", CultureInfo.InvariantCulture);

    // -0 and 0 are one value in every comparison; keeping one of them keeps stored bytes equal too.
    static Value Of(double number) => Value.From(number == 0 ? 0d : number);
}
