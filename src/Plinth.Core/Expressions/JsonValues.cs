using System.Text.Json;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Stored JSON as values, read where an expression looks inside: open documents as lists, maps, texts and numbers; typed ones
/// (lists and embedded values) by the wire forms of their types.
/// </summary>
static class JsonValues
{
    /// <summary>An open document. A number written as an integer of 64 bits is an int, any other a double; as SQL reads them.</summary>
    public static Value Read(ReadOnlySpan<byte> utf8)
    {
        Utf8JsonReader json = new(utf8);
        return json.Read() ? Open(ref json) : Value.Null;
    }

    static Value Open(ref Utf8JsonReader json)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.True: return Value.True;
            case JsonTokenType.False: return Value.False;
            case JsonTokenType.String: return Value.From(json.GetString()!);
            case JsonTokenType.Number: return json.TryGetInt64(out long integer) ? Value.From(integer) : Value.From(json.GetDouble());
            case JsonTokenType.StartArray:
                List<Value> items = [];
                while (json.Read() && json.TokenType != JsonTokenType.EndArray) items.Add(Open(ref json));
                return Value.FromList([.. items]);
            case JsonTokenType.StartObject:
                List<KeyValuePair<string, Value>> entries = [];
                while (json.Read() && json.TokenType != JsonTokenType.EndObject)
                {
                    string key = json.GetString()!;
                    json.Read();
                    entries.Add(new(key, Open(ref json)));
                }
                return Value.FromMap(new ValueMap([.. entries]));
            default: return Value.Null;
        }
    }

    /// <summary>The item that the reader stands on, as a value of the field's type (without its arity).</summary>
    static Value Typed(ref Utf8JsonReader json, ReadOnlySpan<byte> utf8, FieldType type)
    {
        if (json.TokenType == JsonTokenType.Null) return Value.Null;
        switch (type)
        {
            case ScalarFieldType { Scalar.Kind: not ValueKind.Json } scalar:
                return scalar.Scalar.TryRead(ref json, out Value value) ? value : Value.Null;
            case EnumFieldType: return json.TokenType == JsonTokenType.String ? Value.From(json.GetString()!) : Value.Null;
            case ScalarFieldType: return Open(ref json);
            default: return Raw(ref json, utf8);
        }
    }

    /// <summary>An embedded value stays JSON until a member of it is asked for.</summary>
    static Value Raw(ref Utf8JsonReader json, ReadOnlySpan<byte> utf8)
    {
        int start = (int)json.TokenStartIndex;
        json.Skip();
        return Value.FromJson(utf8[start..(int)json.BytesConsumed].ToArray());
    }

    /// <summary>A stored list as values of the element type.</summary>
    public static Value List(ReadOnlySpan<byte> utf8, FieldType element)
    {
        Utf8JsonReader json = new(utf8);
        return json.Read() ? List(ref json, utf8, element) : Value.Null;
    }

    static Value List(ref Utf8JsonReader json, ReadOnlySpan<byte> utf8, FieldType element)
    {
        if (json.TokenType != JsonTokenType.StartArray) return Value.Null;
        List<Value> items = [];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray) items.Add(Typed(ref json, utf8, element));
        return Value.FromList([.. items]);
    }

    /// <summary>A member of an embedded value or union; null when it is not there.</summary>
    /// <param name="field">Its declaration; null: an open value (the tag of a union, a member that variants disagree on).</param>
    public static Value Member(ReadOnlySpan<byte> utf8, string name, Field? field)
    {
        Utf8JsonReader json = new(utf8);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return Value.Null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            bool isIt = json.ValueTextEquals(name);
            json.Read();
            if (!isIt)
            {
                json.Skip();
                continue;
            }
            if (field is null) return Open(ref json);
            return field.IsList ? List(ref json, utf8, field.Type) : Typed(ref json, utf8, field.Type);
        }
        return Value.Null;
    }
}
