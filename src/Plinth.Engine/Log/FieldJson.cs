using System.Text.Json;
using Plinth.Schema;

namespace Plinth.Log;

/// <summary>Values of fields out of payloads, which hold the JSON forms of the wire.</summary>
static class FieldJson
{
    /// <summary>Reads the token that the reader stands on, and moves to its last.</summary>
    /// <param name="json">A reader over <paramref name="document"/> from its first byte.</param>
    public static bool TryRead(ref Utf8JsonReader json, ReadOnlySpan<byte> document, Field field, out Value value)
    {
        value = Value.Null;
        if (json.TokenType == JsonTokenType.Null) return true;
        if (field.IsJsonStored)
        {
            // Byte for byte: the stored form is normalised already, and replay must give exactly what is in the table.
            int start = (int)json.TokenStartIndex;
            json.Skip();
            value = Value.FromJson(document[start..(int)json.BytesConsumed].ToArray());
            return true;
        }

        if (field.Type is ScalarFieldType { Scalar: var scalar }) return scalar.TryRead(ref json, out value);
        if (json.TokenType != JsonTokenType.String) return false;
        value = Value.From(json.GetString()!); // Not null: it is a string token. What is no scalar and not stored as JSON is a word.
        return true;
    }
}
