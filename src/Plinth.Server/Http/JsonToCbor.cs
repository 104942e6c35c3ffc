using System.Collections.Frozen;
using System.Formats.Cbor;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Plinth.Schema;

namespace Plinth.Http;

/// <summary>
/// What lies at each member of an answer, as far as CBOR needs to know: where bytes stand (native there, base64 in JSON), and what the
/// members of members are. Everything else is told from the JSON itself.
/// </summary>
sealed class CborShape
{
    public static readonly CborShape Plain = new();
    public static readonly CborShape Bytes = new() { IsBytes = true };

    static readonly ConditionalWeakTable<AppSchema, Dictionary<string, CborShape>> s_models = [];

    CborShape[]? _items;
    FrozenDictionary<string, CborShape>? _variants;
    FrozenDictionary<string, CborShape> _members = FrozenDictionary<string, CborShape>.Empty;

    public bool IsBytes { get; private init; }

    public CborShape Member(string name) => _members.GetValueOrDefault(name, Plain);

    /// <summary>A record, also inside <c>{items: […]}</c>: an array has the shape of its items.</summary>
    public static CborShape OfRecord(AppSchema schema, Model model) => s_models.GetValue(schema, Build)[model.Name];

    public static CborShape OfList(AppSchema schema, Model model) => OfMember("items", OfRecord(schema, model));

    public static CborShape OfMember(string name, CborShape shape) =>
        new() { _members = new Dictionary<string, CborShape> { [name] = shape }.ToFrozenDictionary() };

    /// <summary>A frame about records of a model: one of them, or several.</summary>
    public static CborShape OfFrame(AppSchema schema, Model model) => new()
    {
        _members = new Dictionary<string, CborShape> { ["items"] = OfRecord(schema, model), ["item"] = OfRecord(schema, model) }
            .ToFrozenDictionary(),
    };

    /// <summary>An array whose items differ.</summary>
    public static CborShape OfItems(CborShape[] items) => new() { _items = items };

    public CborShape Item(int index) => _items is null ? this : _items[index];

    static Dictionary<string, CborShape> Build(AppSchema schema)
    {
        // Models and types refer to one another in circles, so every shape is there before its members are filled in.
        Dictionary<string, CborShape> models = schema.Models.ToDictionary(m => m.Name, _ => new CborShape());
        Dictionary<string, CborShape> types = schema.Types.ToDictionary(t => t.Name, _ => new CborShape());
        Dictionary<string, CborShape> unions = schema.Unions.ToDictionary(u => u.Name, _ => new CborShape());
        foreach (EmbeddedType type in schema.Types) types[type.Name]._members = Fields(type.Fields).ToFrozenDictionary();
        foreach (UnionType union in schema.Unions)
        {
            // Variants are told apart by the member "type", which comes first; members of one name and different types are looked up by it.
            unions[union.Name]._variants = union.Variants.ToFrozenDictionary(v => v, v => types[v]);
        }
        foreach (Model model in schema.Models)
        {
            models[model.Name]._members = Fields(model.Fields)
                .Concat(model.Relations.Select(r => KeyValuePair.Create(r.Name, models[r.Target]))).ToFrozenDictionary();
        }
        return models;

        IEnumerable<KeyValuePair<string, CborShape>> Fields(IEnumerable<Field> fields) =>
            fields.Select(f => KeyValuePair.Create(f.Name, f.Type switch
        {
            ScalarFieldType { Scalar.Kind: ValueKind.Bytes } => Bytes,
            EmbeddedFieldType embedded => types[embedded.TypeName],
            UnionFieldType union => unions[union.UnionName],
            _ => Plain,
        }));
    }

    /// <summary>For a union, the variant that the object at hand says it is.</summary>
    public CborShape Variant(Utf8JsonReader atObject)
    {
        if (_variants is null) return this;
        int depth = atObject.CurrentDepth;
        while (atObject.Read() && atObject.CurrentDepth > depth)
        {
            if (atObject.TokenType != JsonTokenType.PropertyName || atObject.CurrentDepth != depth + 1) continue;
            bool isType = atObject.ValueTextEquals("type"u8);
            atObject.Read();
            if (isType) return _variants.GetValueOrDefault(atObject.GetString() ?? "", Plain);
        }
        return Plain;
    }
}

/// <summary>An answer of ours, written as JSON, as CBOR: the same document, with bytes in their native form.</summary>
static class JsonToCbor
{
    public static byte[] Transcode(ReadOnlySpan<byte> json, CborShape shape)
    {
        CborWriter writer = new(CborConformanceMode.Lax, convertIndefiniteLengthEncodings: true);
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 1000 });
        reader.Read();
        Value(ref reader, writer, shape);
        return writer.Encode();
    }

    static void Value(ref Utf8JsonReader reader, CborWriter writer, CborShape shape)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: Object(ref reader, writer, shape.Variant(reader)); break;
            case JsonTokenType.StartArray: Array(ref reader, writer, shape); break;
            case JsonTokenType.String when shape.IsBytes: writer.WriteByteString(reader.GetBytesFromBase64()); break;
            case JsonTokenType.String: writer.WriteTextString(reader.GetString()!); break; // A string token is never null.
            case JsonTokenType.Number: Number(ref reader, writer); break;
            case JsonTokenType.True: writer.WriteBoolean(true); break;
            case JsonTokenType.False: writer.WriteBoolean(false); break;
            case JsonTokenType.Null: writer.WriteNull(); break;
            default: throw new InvalidOperationException($"an answer of ours is not JSON: {reader.TokenType}");
        }
    }

    static void Object(ref Utf8JsonReader reader, CborWriter writer, CborShape shape)
    {
        writer.WriteStartMap(null);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!; // A property name is never null.
            writer.WriteTextString(name);
            reader.Read();
            Value(ref reader, writer, shape.Member(name));
        }
        writer.WriteEndMap();
    }

    static void Array(ref Utf8JsonReader reader, CborWriter writer, CborShape shape)
    {
        writer.WriteStartArray(null);
        for (int i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++) Value(ref reader, writer, shape.Item(i));
        writer.WriteEndArray();
    }

    static void Number(ref Utf8JsonReader reader, CborWriter writer)
    {
        if (reader.TryGetInt64(out long whole)) writer.WriteInt64(whole);
        else writer.WriteDouble(reader.GetDouble());
    }
}
