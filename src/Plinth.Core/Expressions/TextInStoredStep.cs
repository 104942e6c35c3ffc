using System.Text.Json;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Whether a text stands in a stored list of texts (<c>x in tags</c>, <c>tags.exists(t, t == x)</c>), bound: the list is read where it
/// lies, in its bytes, and no item becomes a string.
/// </summary>
sealed class TextInStoredStep(Step stored, Step item) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value list = stored.Evaluate(ref e);
        if (list.Kind != ValueKind.Json) return Truth.Unknown;
        string? text = item.TextOrNull(ref e);
        Utf8JsonReader json = new(list.Json);
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray) return Truth.Unknown;
        Truth any = Truth.False;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            e.Spend(1);
            if (text is null || json.TokenType != JsonTokenType.String) any = Truth.Unknown;
            else if (json.ValueTextEquals(text)) return Truth.True;
        }
        return any;
    }
}
