using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Plinth.Schema;

namespace Plinth.Codegen;

/// <summary>The shapes of records, inputs and embedded values as JSON Schema (2020-12).</summary>
/// <param name="isVisible">Models that the document may name: relations to others are left out.</param>
sealed class OpenApiSchemas(AppSchema schema, Func<Model, bool> isVisible)
{
    public JsonObject Components(ImmutableArray<Model> models)
    {
        JsonObject schemas = OpenApiParts.Schemas();
        foreach (EnumType type in schema.Enums)
            schemas[type.Name] = Described(new JsonObject { ["type"] = "string", ["enum"] = new JsonArray(
                [.. type.Values.Select(v => (JsonNode)v)]) }, type.Doc);
        foreach (EmbeddedType type in schema.Types) schemas[type.Name] = Embedded(type, tag: null);
        foreach (UnionType union in schema.Unions) AddUnion(schemas, union);
        foreach (Model model in models)
        {
            schemas[model.Name] = Record(model);
            schemas[model.Name + "Create"] = Input(model, f => f.IsCreatable, isPatch: false);
            schemas[model.Name + "Patch"] = Input(model, f => f.IsUpdatable, isPatch: true);
            schemas[model.Name + "Page"] = Page(model);
        }
        return schemas;
    }

    /// <summary>The field's type with its arity, without its documentation: keys and short filters.</summary>
    public JsonObject Type(Field field)
    {
        JsonObject item = One(field);
        if (!field.IsList) Validate(item, field, field.Type);
        JsonObject type = item;
        if (field.IsList)
        {
            type = new JsonObject { ["type"] = "array", ["items"] = item };
            if (field.Validators.OfType<LengthValidator>().FirstOrDefault() is { } length)
                Bound(type, length.Min, length.Max, "minItems", "maxItems");
        }
        return field.IsNullable ? Nullable(type) : type;
    }

    static JsonObject One(Field field) => field.Type switch
    {
        ScalarFieldType scalar => (JsonObject)JsonNode.Parse(scalar.Scalar.JsonSchema)!, // A JSON object, by its contract.
        EnumFieldType type => OpenApiParts.Ref("schemas", type.Enum.Name),
        EmbeddedFieldType type => OpenApiParts.Ref("schemas", type.TypeName),
        UnionFieldType type => OpenApiParts.Ref("schemas", type.UnionName),
        _ => throw new InvalidOperationException($"a field type without a schema: {field.Type}"),
    };

    JsonObject Member(Field field)
    {
        JsonObject type = Described(Type(field), field.Doc);
        if (field.Deprecated is { } why)
        {
            type["deprecated"] = true;
            if (field.Doc is null) type["description"] = why;
        }
        if (field.Default is LiteralDefault { Value: var value } && Literal(value) is { } literal) type["default"] = literal;
        return type;
    }

    JsonObject Record(Model model)
    {
        JsonObject properties = [];
        foreach (Field field in model.Fields.Where(f => f.Leaves))
        {
            JsonObject member = Member(field);
            member.Remove("default");
            if (!field.IsCreatable && !field.IsUpdatable) member["readOnly"] = true;
            properties[field.Name] = member;
        }
        foreach (Relation relation in model.Relations.Where(r => isVisible(schema.TargetOf(r))))
        {
            JsonObject target = OpenApiParts.Ref("schemas", relation.Target);
            JsonObject member = relation.IsToOne ? Nullable(target) : new JsonObject { ["type"] = "array", ["items"] = target };
            properties[relation.Name] = Described(member, relation.Doc ?? $"Only with `include={relation.Name}`.");
        }
        return Described(new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. model.Key.Select(k => (JsonNode)k)]),
        }, model.Doc);
    }

    JsonObject Input(Model model, Func<Field, bool> takes, bool isPatch)
    {
        JsonObject properties = [];
        JsonArray required = [];
        foreach (Field field in model.Fields.Where(f => takes(f) || (isPatch && f.IsVersion)))
        {
            JsonObject member = Member(field);
            if (isPatch) member.Remove("default");
            properties[field.Name] = member;
            if (!isPatch && !field.IsNullable && !field.IsList && field.Default is null) required.Add((JsonNode)field.Name);
        }
        JsonObject input = new() { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (required.Count > 0) input["required"] = required;
        return input;
    }

    static JsonObject Page(Model model) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject
        {
            ["items"] = new JsonObject { ["type"] = "array", ["items"] = OpenApiParts.Ref("schemas", model.Name) },
            ["page"] = PageInfo(model),
        },
        ["required"] = new JsonArray("items", "page"),
    };

    /// <summary>The total is always there where lists count without being asked.</summary>
    static JsonObject PageInfo(Model model)
    {
        JsonObject page = OpenApiParts.Ref("schemas", "PageInfo");
        if (model.IsPaged) page["required"] = new JsonArray("total");
        return page;
    }

    JsonObject Embedded(EmbeddedType type, string? tag)
    {
        JsonObject properties = [];
        JsonArray required = [];
        if (tag is not null)
        {
            properties["type"] = new JsonObject { ["const"] = tag };
            required.Add((JsonNode)"type");
        }
        foreach (Field field in type.Fields.Where(f => !f.IsServerOnly))
        {
            properties[field.Name] = Member(field);
            if (!field.IsNullable && !field.IsList && field.Default is null) required.Add((JsonNode)field.Name);
        }
        JsonObject value = new() { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (required.Count > 0) value["required"] = required;
        return Described(value, type.Doc);
    }

    void AddUnion(JsonObject schemas, UnionType union)
    {
        JsonArray variants = [];
        JsonObject mapping = [];
        foreach (string variant in union.Variants)
        {
            string name = union.Name + variant;
            schemas[name] = Embedded(schema.Type(variant), tag: variant);
            variants.Add((JsonNode)OpenApiParts.Ref("schemas", name));
            mapping[variant] = "#/components/schemas/" + name;
        }
        schemas[union.Name] = Described(new JsonObject
        {
            ["oneOf"] = variants,
            ["discriminator"] = new JsonObject { ["propertyName"] = "type", ["mapping"] = mapping },
        }, union.Doc);
    }

    static void Validate(JsonObject type, Field field, FieldType fieldType)
    {
        if (field.Normalisers.Contains(Normaliser.Html)) type["contentMediaType"] = "text/html";
        if (fieldType is not ScalarFieldType { Scalar.Kind: var kind }) return;
        foreach (Validator validator in field.Validators)
        {
            switch (validator)
            {
                case LengthValidator length when kind == ValueKind.String: Bound(
                    type, length.Min, length.Max, "minLength", "maxLength"); break;
                case RangeValidator range when kind is ValueKind.Int or ValueKind.Double && type["type"]?.GetValue<string>() != "string":
                    if (range.Min is { } min) type["minimum"] = min;
                    if (range.Max is { } max) type["maximum"] = max;
                    break;
                case RegexValidator regex: type["pattern"] = regex.Pattern; break;
                case EmailValidator: type["format"] = "email"; break;
                case UrlValidator: type["format"] = "uri"; break;
                case Iso4217Validator: type["pattern"] = "^[A-Z]{3}$"; break;
                case OneOfValidator oneOf when oneOf.Values.All(v => Literal(v) is not null):
                    type["enum"] = new JsonArray([.. oneOf.Values.Select(v => Literal(v))]);
                    if (field.IsNullable) ((JsonArray)type["enum"]!).Add((JsonNode?)null);
                    break;
            }
        }
    }

    static void Bound(JsonObject type, int? min, int? max, string minName, string maxName)
    {
        if (min is { } least) type[minName] = least;
        if (max is { } most) type[maxName] = most;
    }

    static JsonNode? Literal(Value value) => value.Kind switch
    {
        ValueKind.Boolean => value.Boolean,
        ValueKind.Int => value.Int,
        ValueKind.Double => value.Double,
        ValueKind.String => value.String,
        _ => null,
    };

    static JsonObject Nullable(JsonObject type)
    {
        if (type["type"] is JsonValue name)
        {
            type["type"] = new JsonArray(name.GetValue<string>(), "null");
            return type;
        }
        // An object without a type (Json) takes null already; a reference cannot, so the two stand side by side.
        return type.ContainsKey("$ref") ? new JsonObject { ["anyOf"] = new JsonArray(type, new JsonObject { ["type"] = "null" }) } : type;
    }

    static JsonObject Described(JsonObject type, string? text)
    {
        if (text is not null) type["description"] = text;
        return type;
    }
}
