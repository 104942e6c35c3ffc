using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>Copies one JSON value, token by token, into its canonical form: no insignificant space, our escapes, no duplicate
/// member.</summary>
static class JsonCopy
{
    /// <summary>
    /// Copies the value whose first token the reader stands on, and leaves the reader on its last token. False when a string is not
    /// clean text, a member occurs twice or a number has no finite double. Malformed JSON throws the reader's JsonException.
    /// </summary>
    public static bool TryCopy(ref Utf8JsonReader json, ByteOutput output)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.String:
                if (!JsonStrings.TryRead(ref json, out string text)) return false;
                JsonText.WriteString(output, text);
                return true;
            case JsonTokenType.Number:
                if (!json.TryGetDouble(out double number) || !double.IsFinite(number)) return false;
                output.Write(json.ValueSpan);
                return true;
            case JsonTokenType.True or JsonTokenType.False:
                JsonText.WriteBoolean(output, json.TokenType == JsonTokenType.True);
                return true;
            case JsonTokenType.Null:
                JsonText.WriteNull(output);
                return true;
            case JsonTokenType.StartArray:
                return TryCopyArray(ref json, output);
            case JsonTokenType.StartObject:
                return TryCopyObject(ref json, output);
            default:
                return false;
        }
    }

    static bool TryCopyArray(ref Utf8JsonReader json, ByteOutput output)
    {
        output.Write((byte)'[');
        bool first = true;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (!first) output.Write((byte)',');
            first = false;
            if (!TryCopy(ref json, output)) return false;
        }
        output.Write((byte)']');
        return true;
    }

    static bool TryCopyObject(ref Utf8JsonReader json, ByteOutput output)
    {
        output.Write((byte)'{');
        HashSet<string> seen = new(StringComparer.Ordinal);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name;
            try
            {
                name = json.GetString() ?? "";
            }
            catch (InvalidOperationException)
            {
                return false; // a lone surrogate in a name
            }
            if (name.Contains('\0', StringComparison.Ordinal) || !seen.Add(name)) return false;
            if (seen.Count > 1) output.Write((byte)',');
            JsonText.WriteName(output, name);
            json.Read();
            if (!TryCopy(ref json, output)) return false;
        }
        output.Write((byte)'}');
        return true;
    }
}
