using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

sealed class BooleanType : ScalarType
{
    public static readonly BooleanType It = new();

    public override string Name => "Boolean";

    public override ValueKind Kind => ValueKind.Boolean;

    public override string Expected => "true or false";

    public override string JsonSchema => """{"type":"boolean"}""";

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = Value.From(json.TokenType == JsonTokenType.True);
        return json.TokenType is JsonTokenType.True or JsonTokenType.False;
    }

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        value = Value.From(text is "true");
        return text is "true" or "false";
    }

    public override void WriteJson(ByteOutput output, in Value value) => JsonText.WriteBoolean(output, value.Boolean);

    public override string Format(in Value value) => value.Boolean ? "true" : "false";
}
