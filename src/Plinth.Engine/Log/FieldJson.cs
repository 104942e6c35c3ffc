using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>The values of fields in payloads: the JSON forms of the wire.</summary>
static class FieldJson
{
    public static void Write(ByteOutput output, Field field, in Value value)
    {
        if (value.IsNull)
        {
            JsonText.WriteNull(output);
        }
        else if (value.Kind == ValueKind.Json)
        {
            // Lists, embedded values and unions are stored in the form of the wire.
            output.Write(value.Json);
        }
        else if (field.Type is ScalarFieldType { Scalar: var scalar })
        {
            scalar.WriteJson(output, value);
        }
        else
        {
            JsonText.WriteString(output, value.String);
        }
    }

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

        switch (field.Type)
        {
            case ScalarFieldType { Scalar: var scalar }:
                return scalar.TryRead(ref json, out value);
            case EnumFieldType when json.TokenType == JsonTokenType.String:
                value = Value.From(json.GetString()!); // Not null: it is a string token.
                return true;
            default:
                return false;
        }
    }
}
