using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Language.Importing;

/// <summary>One property of an object → one member; what it says and a member cannot is noted.</summary>
sealed partial class JsonSchemaMember(
    ImportedSchema schema, JsonDefinitions definitions, JsonPairs pairs, JsonDefinition owner, HashSet<string> taken)
{
    static readonly string[] s_carried =
    [
        "type", "format", "enum", "default", "nullable", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "minItems", "maxItems", "items", "properties", "required", "readOnly", "deprecated", "description", "title",
        "$ref", "allOf", "oneOf", "anyOf", "additionalProperties",
        // Words for readers.
        "example", "examples", "$id", "$schema", "$comment", "$anchor", "xml", "externalDocs", "discriminator", "$defs", "definitions",
    ];

    static readonly string[] s_formats = ["uuid", "date-time", "date", "time", "duration", "uri", "url", "byte", "binary", "password"];

    readonly List<string> _attributes = [];

    public void Write(JsonMember property)
    {
        _attributes.Clear();
        string name = ImportedNames.Field(property.Name, taken);
        if (name != property.Name) schema.Note(property.Path, $"called '{name}'");
        JsonShape shape = JsonShape.Of(property.Schema, definitions);
        if (shape.Problem is { } problem) schema.Note(property.Path, $"became Json: {problem}");
        bool isOptional = !property.IsRequired || shape.IsNullable;
        if (shape.Definition is { Kind: JsonDefinitionKind.Model } target && owner.Kind == JsonDefinitionKind.Model)
        {
            Relation(property, name, shape, target, isOptional);
            return;
        }
        bool isKey = owner.Kind == JsonDefinitionKind.Model && property.Name == "id" && !shape.IsList;
        string type = TypeOf(property, shape);
        if (isKey) Key(property, type);
        Annotations(property);
        Keywords(property, shape);
        string arity = shape.IsList ? "[]" : isOptional && !isKey ? "?" : "";
        schema.Member(string.Join(' ', [$"`{name}` {type}{arity}", .. _attributes]), property.Path, Doc(property));
    }

    void Relation(JsonMember property, string name, JsonShape shape, JsonDefinition target, bool isOptional)
    {
        string? pair = pairs.NameOf(owner, property.Name);
        if (!shape.IsList)
        {
            string named = pair is null ? "" : NativeText.Quoted(pair) + ", ";
            string arity = isOptional ? "?" : "", action = isOptional ? "setNull" : "restrict";
            schema.Member($"`{name}` `{target.Name}`{arity} @relation({named}onDelete: {action})", property.Path, Doc(property));
            return;
        }
        string? between = pairs.BetweenOf(owner, property.Name);
        if (between is not null) schema.Note(property.Path, $"a list on both sides: the model {between} stands between them");
        schema.Member($"`{name}` `{between ?? target.Name}`[] @relation({NativeText.Quoted(pair ?? property.Path)})", property.Path,
            Doc(property));
        if (target.Back.Any(b => b.Path == property.Path))
            schema.Note(property.Path, $"{target.Name} refers back to {owner.Name}: a list is the other side of a reference");
    }

    static string? Doc(JsonMember property) => JsonDefinition.Text(property.Schema, "description") ?? JsonDefinition.Text(property.Schema,
        "title");

    string TypeOf(JsonMember property, JsonShape shape)
    {
        if (shape.Problem is not null) return "Json";
        if (shape.Definition is { } definition)
        {
            if (definition.Kind == JsonDefinitionKind.Model)
            {
                schema.Note(property.Path, $"became Json: a value does not refer to records ({definition.Name})");
                return "Json";
            }
            return $"`{definition.Name}`";
        }
        switch (shape.Type)
        {
            case "string": return Text(property, shape.Schema);
            case "integer": return JsonDefinition.Text(shape.Schema, "format") == "int64" ? "BigInt" : "Int";
            case "number": return "Float";
            case "boolean": return "Boolean";
            case "object" when shape.Schema.TryGetProperty("properties", out JsonElement p) && p.ValueKind == JsonValueKind.Object
                && p.EnumerateObject().Any():
                string wished = owner.Name + char.ToUpperInvariant(property.Name.Length == 0 ? 'X' : property.Name[0])
                    + (property.Name.Length == 0 ? "" : property.Name[1..]);
                return $"`{definitions.Inline(wished, shape.Schema, property.Path).Name}`";
            default: return "Json";
        }
    }

    string Text(JsonMember property, JsonElement text)
    {
        string format = JsonDefinition.Text(text, "format") ?? "";
        if (format == "email") _attributes.Add("@email");
        else if (format.Length > 0 && !s_formats.Contains(format)) schema.Note(property.Path, $"format: {format} is not carried");
        return format switch
        {
            "uuid" => "Uuid",
            "date-time" => "DateTime",
            "date" => "Date",
            "time" => "Time",
            "duration" => "Duration",
            "uri" or "url" => "Url",
            "byte" or "binary" => "Bytes",
            _ => "String",
        };
    }

    void Key(JsonMember property, string type)
    {
        _attributes.Add("@id");
        // Who creates a record names its key, unless the document says that the server does.
        bool isMade = !property.IsRequired || Flag(property.Schema, "readOnly");
        string? made = type switch { "Uuid" => "uuid7()", "String" => "cuid()", "Int" or "BigInt" => "autoincrement()", _ => null };
        if (isMade && made is not null) _attributes.Add($"@default({made})");
        else if (type == "Uuid") _attributes.Add("@default(uuid7())");
    }

    static bool Flag(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    void Annotations(JsonMember property)
    {
        bool isKey = _attributes.Contains("@id");
        if (Flag(property.Schema, "readOnly") && !isKey && owner.Kind == JsonDefinitionKind.Model) _attributes.Add("@readonly");
        if (Flag(property.Schema, "deprecated")) _attributes.Add("@deprecated(\"deprecated\")");
        if (Flag(property.Schema, "writeOnly")) schema.Note(property.Path, "writeOnly is not carried: @serverOnly hides a field both ways");
    }

    void Keywords(JsonMember property, JsonShape shape)
    {
        JsonElement of = shape.Schema;
        if (of.ValueKind != JsonValueKind.Object || shape.Problem is not null) return;
        if (shape.Definition is null)
        {
            bool isText = shape.Type == "string" && JsonDefinition.Text(of, "format") is null or "email" or "password";
            if (isText) Bounds("@length", of, "minLength", "maxLength");
            if (shape.Type is "integer" or "number") Range(property, of);
            if (isText && JsonDefinition.Text(of, "pattern") is { } pattern) Pattern(property, pattern);
            if (of.TryGetProperty("enum", out JsonElement values) && values.ValueKind == JsonValueKind.Array) OneOf(property, shape,
                values);
        }
        if (shape.List is { } list) Bounds("@length", list, "minItems", "maxItems",
            isSecond: _attributes.Any(a => a.StartsWith("@length")));
        Default(property, shape);
        foreach (JsonElement said in new[] { of, shape.List ?? of, property.Schema }.Where(s => s.ValueKind == JsonValueKind.Object))
        {
            foreach (JsonProperty keyword in said.EnumerateObject())
            {
                if (!s_carried.Contains(keyword.Name) && !keyword.Name.StartsWith("x-",
                    StringComparison.Ordinal) && keyword.Name != "writeOnly")
                    schema.Note(property.Path, $"{keyword.Name} is not carried");
            }
        }
    }

    void Bounds(string attribute, JsonElement of, string least, string most, bool isSecond = false)
    {
        if (isSecond) return;
        string? min = Whole(of, least), max = Whole(of, most);
        if (min is null && max is null) return;
        string[] parts = [.. new[] { min is null ? null : "min: " + min, max is null ? null : "max: " + max }.OfType<string>()];
        _attributes.Add($"{attribute}({string.Join(", ", parts)})");
    }

    static string? Whole(JsonElement of, string name) => of.TryGetProperty(name, out JsonElement value)
        && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 0
            ? number.ToString(CultureInfo.InvariantCulture) : null;

    void Range(JsonMember property, JsonElement of)
    {
        string? min = Bound(property, of, "minimum", "exclusiveMinimum", 1), max = Bound(property, of, "maximum", "exclusiveMaximum", -1);
        if (min is null && max is null) return;
        string[] parts = [.. new[] { min is null ? null : "min: " + min, max is null ? null : "max: " + max }.OfType<string>()];
        _attributes.Add($"@range({string.Join(", ", parts)})");
    }

    string? Bound(JsonMember property, JsonElement of, string inclusive, string exclusive, int step)
    {
        bool isExclusive = Flag(of, exclusive);
        if (!of.TryGetProperty(isExclusive ? inclusive : exclusive, out JsonElement value) || value.ValueKind != JsonValueKind.Number)
        {
            isExclusive = false;
            if (!of.TryGetProperty(inclusive, out value) || value.ValueKind != JsonValueKind.Number) return null;
        }
        else
        {
            isExclusive = true;
        }
        if (!value.TryGetDecimal(out decimal bound)) return null;
        if (!isExclusive) return bound.ToString(CultureInfo.InvariantCulture);
        if (JsonDefinition.Text(of, "type") == "integer" && decimal.IsInteger(bound) && Math.Abs(bound) < long.MaxValue)
            return (bound + step).ToString(CultureInfo.InvariantCulture);
        schema.Note(property.Path, $"{exclusive} became inclusive");
        return bound.ToString(CultureInfo.InvariantCulture);
    }

    void Pattern(JsonMember property, string pattern)
    {
        if (Regex2.Refusal(pattern) is { } refusal) schema.Note(property.Path, $"pattern is not carried: {refusal}");
        else _attributes.Add($"@regex({NativeText.Quoted(pattern)})");
    }

    void OneOf(JsonMember property, JsonShape shape, JsonElement values)
    {
        string[] literals = [.. values.EnumerateArray().Where(v => v.ValueKind != JsonValueKind.Null).Select(v => Literal(v, shape.Type))
            .OfType<string>().Distinct()];
        if (literals.Length > 0) _attributes.Add($"@oneOf([{string.Join(", ", literals)}])");
        else schema.Note(property.Path, "enum is not carried");
    }

    void Default(JsonMember property, JsonShape shape)
    {
        JsonElement from = property.Schema.ValueKind == JsonValueKind.Object && property.Schema.TryGetProperty("default",
            out _) ? property.Schema
            : shape.List ?? shape.Schema;
        if (!from.TryGetProperty("default", out JsonElement value) || value.ValueKind == JsonValueKind.Null) return;
        bool isEnum = shape.Definition?.Kind == JsonDefinitionKind.Enum;
        string? literal = shape.IsList
            ? value.ValueKind != JsonValueKind.Array ? null
                : value.EnumerateArray().Select(v => Literal(v, isEnum ? "string" : shape.Type)).ToArray() is var items && items.All(i =>
                    i is not null)
                    ? $"[{string.Join(", ", items)}]" : null
            : Literal(value, isEnum ? "string" : shape.Type);
        if (literal is null || _attributes.Contains("@id")) schema.Note(property.Path, "default is not carried");
        else _attributes.Add($"@default({literal})");
    }

    static string? Literal(JsonElement value, string type) => (type, value.ValueKind) switch
    {
        ("string", JsonValueKind.String) => NativeText.Quoted(value.GetString()!),
        ("integer" or "number", JsonValueKind.Number) when PlainNumber().IsMatch(value.GetRawText()) => value.GetRawText(),
        ("boolean", JsonValueKind.True) => "true",
        ("boolean", JsonValueKind.False) => "false",
        ("" or "object", JsonValueKind.Object or JsonValueKind.Array) => value.GetRawText(),
        _ => null,
    };

    [GeneratedRegex(@"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex PlainNumber();
}
