using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Codegen;

/// <summary>One believable value per field, the same at every run: examples of the document, which its schemas must accept.</summary>
static class OpenApiExamples
{
    const int DepthMax = 3;

    public static JsonObject Record(AppSchema schema, Model model, bool forInput)
    {
        JsonObject record = [];
        foreach (Field field in model.Fields)
        {
            // A create shows what must or usually will be given; ids and whatever else has a default are the server's.
            bool shown = forInput ? field.IsCreatable && field.Default is null : field.Leaves
                && !(field.IsImplied && field.Name == Model.DeletedAt);
            if (shown) record[field.Name] = Of(schema, field, depth: 0);
        }
        return record;
    }

    public static JsonObject Patch(AppSchema schema, Model model)
    {
        JsonObject patch = [];
        if (model.Fields.FirstOrDefault(f => f.IsUpdatable && !f.IsImplied && !model.Key.Contains(f.Name)) is { } field)
            patch[field.Name] = Of(schema, field, depth: 0);
        return patch;
    }

    public static JsonObject Page(AppSchema schema, Model model) => new()
    {
        ["items"] = new JsonArray(Record(schema, model, forInput: false)),
        ["page"] = new JsonObject { ["next"] = null, ["previous"] = null, ["limit"] = schema.Defaults.PageSize },
    };

    public static JsonNode? Of(AppSchema schema, Field field, int depth)
    {
        if (depth > DepthMax) return field.IsList ? new JsonArray() : null;
        JsonNode? one = field.Validators.OfType<OneOfValidator>().FirstOrDefault() is { } oneOf ? Literal(oneOf.Values[0])
            : field.Validators.OfType<RegexValidator>().FirstOrDefault() is { } regex ? Matching(regex)
            : One(schema, field, depth);
        if (field.IsList) return one is null ? new JsonArray() : new JsonArray(one);
        // A value that cannot be made up is left out by null where null is taken, and else is a placeholder.
        return one ?? (field.IsNullable ? null : JsonValue.Create("…"));
    }

    /// <summary>Values that the patterns people write are about; the first that matches serves.</summary>
    static readonly string[] s_matching =
    [
        "some-name", "DE", "EUR", "12345", "AB 123", "example.org", "abc", "ABC", "a", "A", "1", "12", "123", "1234", "+4930123456",
            "#336699", "2026-01", "v1.0.0", "SKU-1234", "some_name",
    ];

    static JsonNode? Matching(RegexValidator validator)
    {
        Regex regex = Regex2.Compile(validator.Pattern);
        return s_matching.FirstOrDefault(regex.IsMatch) is { } text ? (JsonNode)text : null;
    }

    static JsonNode? One(AppSchema schema, Field field, int depth) => field.Type switch
    {
        EnumFieldType type => type.Enum.Values[0],
        EmbeddedFieldType type => Embedded(schema, type.TypeName, tag: null, depth),
        UnionFieldType type when schema.Union(type.UnionName).Variants is [var first, ..] => Embedded(schema, first, first, depth),
        ScalarFieldType type => Scalar(field, type),
        _ => null,
    };

    static JsonObject Embedded(AppSchema schema, string name, string? tag, int depth)
    {
        JsonObject value = [];
        if (tag is not null) value["type"] = tag;
        foreach (Field field in schema.Type(name).Fields.Where(f => !f.IsServerOnly)) value[field.Name] = Of(schema, field, depth + 1);
        return value;
    }

    static JsonNode? Scalar(Field field, ScalarFieldType type) => type.Scalar.Kind switch
    {
        ValueKind.Boolean => true,
        ValueKind.Int => type.Scalar.Name == "BigInt" ? "1000" : (JsonNode)(long)Math.Ceiling(Least(field)),
        ValueKind.Double => (double)Least(field),
        ValueKind.Decimal => "12.5",
        ValueKind.DateTime => "2026-01-31T12:00:00Z",
        ValueKind.Date => "2026-01-31",
        ValueKind.Time => "12:00:00",
        ValueKind.Duration => "PT1H30M",
        ValueKind.Uuid => "01945c2e-7b1a-7c3e-9d4f-5a6b7c8d9e0f",
        ValueKind.Bytes => "AQID",
        ValueKind.Json => new JsonObject { ["any"] = "value" },
        ValueKind.String => Text(field, type.Scalar.Name),
        _ => null,
    };

    static decimal Least(Field field) => field.Validators.OfType<RangeValidator>().FirstOrDefault() is { } range
        ? range.Min ?? Math.Min(range.Max ?? 1, 1)
        : 1;

    static string Text(Field field, string type)
    {
        if (field.Validators.Any(v => v is EmailValidator)) return "ada@example.org";
        if (type == "Url" || field.Validators.Any(v => v is UrlValidator)) return "https://example.org/";
        if (field.Validators.Any(v => v is Iso4217Validator)) return "EUR";
        if (type == "Cuid") return "ck2x9l0a80000abcdefghijkl";
        if (type == "NanoId") return "V1StGXR8_Z5jdHi6B-myT";
        int least = 0, most = int.MaxValue;
        if (field.Validators.OfType<LengthValidator>().FirstOrDefault() is { } length)
            (least, most) = (length.Min ?? 0, length.Max ?? int.MaxValue);
        string text = "Some " + field.Name;
        if (text.Length < least) text = text.PadRight(least, '.');
        return text.Length > most ? text[..most] : text;
    }

    static JsonNode? Literal(Value value) => value.Kind switch
    {
        ValueKind.Int => value.Int,
        ValueKind.Double => value.Double,
        ValueKind.String => value.String,
        ValueKind.Boolean => value.Boolean,
        _ => null,
    };
}
