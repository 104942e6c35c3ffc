using System.Collections.Immutable;
using System.Globalization;
using Plinth.Text;

namespace Plinth.Schema;

/// <summary>
/// The schema as canonical JSON: <c>plinth schema print</c>, and how a deployed schema is kept beside its log. One schema has one text:
/// members stand in a fixed order, what is absent, false or empty is left out, and decimals are strings. What is written here is read
/// by <see cref="Read"/>; places in the source are not kept, conditions are kept as their text.
/// </summary>
static partial class SchemaJson
{
    /// <summary>Of the form of this file; a reader refuses what it does not know.</summary>
    const int Form = 1;

    /// <summary>UTF-8; a line for each field, relation, key and rule; without a line end at the end.</summary>
    public static byte[] Write(AppSchema schema)
    {
        using ByteOutput output = new(4096);
        Write(new JsonLayout(output), schema);
        return output.ToArray();
    }

    static void Write(JsonLayout json, AppSchema schema)
    {
        json.Open('{', isTall: true);
        json.WriteNumber("form", Form);
        json.WriteString("name", schema.Name);
        Optional(json, "doc", schema.Doc);
        if (schema.Version != 1) json.WriteNumber("version", schema.Version);
        Flag(json, "tenanted", schema.IsTenanted);
        json.WriteNumber("pageSize", schema.Defaults.PageSize);
        json.WriteNumber("maxPageSize", schema.Defaults.MaxPageSize);
        if (schema.Auth is { } auth)
        {
            json.Name("auth");
            json.Open('{', isTall: true);
            json.WriteString("name", auth.Name);
            Each(json, "claims", auth.Claims, Write, isRequired: true);
            json.Close('}');
        }
        Each(json, "enums", schema.Enums, Write);
        Each(json, "types", schema.Types, Write);
        Each(json, "unions", schema.Unions, Write);
        Each(json, "models", schema.Models, Write);
        Each(json, "channels", schema.Channels, Write);
        json.Close('}');
    }

    static void Write(JsonLayout json, Channel channel)
    {
        json.WriteString("name", channel.Name);
        Optional(json, "doc", channel.Doc);
        Each(json, "parameters", channel.Parameters, (to, p) =>
        {
            to.WriteString("name", p.Name);
            Optional(to, "type", p.Type?.Name);
            Optional(to, "model", p.Model);
        }, isTall: false);
        Flag(json, "hasPresence", channel.HasPresence);
        Optional(json, "presence", channel.Presence);
        Optional(json, "message", channel.Message);
        if (channel.Leader is { } leader) json.WriteString("leader", NameOf(leader));
        Each(json, "rules", channel.Rules, static (to, rule) => Write(to, rule, ChannelOperation));
    }

    static string ChannelOperation(Operation operation) => operation == Channel.Join ? "join" : "publish";

    static void Write(JsonLayout json, EnumType type)
    {
        json.WriteString("name", type.Name);
        Optional(json, "doc", type.Doc);
        Strings(json, "values", type.Values);
    }

    static void Write(JsonLayout json, EmbeddedType type)
    {
        json.WriteString("name", type.Name);
        Optional(json, "doc", type.Doc);
        Each(json, "fields", type.Fields, Write, isRequired: true);
    }

    static void Write(JsonLayout json, UnionType type)
    {
        json.WriteString("name", type.Name);
        Optional(json, "doc", type.Doc);
        Strings(json, "variants", type.Variants);
    }

    static void Write(JsonLayout json, Model model)
    {
        json.WriteString("name", model.Name);
        Optional(json, "doc", model.Doc);
        json.WriteString("table", model.Table);
        json.WriteString("route", model.Route);
        Strings(json, "key", model.Key);
        Each(json, "fields", model.Fields, Write, isRequired: true);
        Each(json, "relations", model.Relations, Write);
        Each(json, "uniques", model.Uniques, Write);
        Each(json, "indexes", model.Indexes, Write);
        Strings(json, "fullText", model.FullText);
        Each(json, "checks", model.Checks, Write);
        Each(json, "rules", model.Rules, Write);
        Optional(json, "tenant", model.Tenant);
        Optional(json, "subject", model.Subject);
        Flag(json, "softDelete", model.IsSoftDelete);
        Flag(json, "audit", model.AuditsReads);
        Flag(json, "paged", model.IsPaged);
        if (model.Projection is { } projection) Write(json, projection);
        Optional(json, "renamedFrom", model.RenamedFrom);
    }

    static void Write(JsonLayout json, Projection projection)
    {
        json.Name("projection");
        json.Open('{', isTall: false);
        json.WriteString("from", projection.From);
        Optional(json, "where", projection.Where?.Text);
        Each(json, "keys", projection.Keys, static (to, key) =>
        {
            to.WriteString("field", key.Field);
            to.WriteString("value", key.Value.Text);
        }, isTall: false);
        Each(json, "aggregates", projection.Aggregates, static (to, aggregate) =>
        {
            to.WriteString("field", aggregate.Field);
            to.WriteString("function", NameOf(aggregate.Function));
            Optional(to, "value", aggregate.Value?.Text);
        }, isTall: false);
        Flag(json, "inline", projection.IsInline);
        json.Close('}');
    }

    static void Write(JsonLayout json, Field field)
    {
        json.WriteString("name", field.Name);
        Optional(json, "doc", field.Doc);
        if (field.Column.Length > 0) json.WriteString("column", field.Column);
        json.WriteString("type", field.Type.Name);
        Flag(json, "nullable", field.IsNullable);
        Flag(json, "list", field.IsList);
        if (field.Default is { } value) WriteDefault(json, field, value);
        Each(json, "validators", field.Validators, (to, v) => Write(to, field, v), isTall: false);
        if (field.Normalisers.Length > 0) Strings(json, "normalisers", [.. field.Normalisers.Select(NameOf)]);
        if (field.Normalisers.Contains(Normaliser.Html)) Strings(json, "html", HtmlPresets.WordsOf(field.Html));
        Optional(json, "computed", field.Computed?.Text);
        Flag(json, "readonly", field.IsReadonly);
        Flag(json, "immutable", field.IsImmutable);
        Flag(json, "serverOnly", field.IsServerOnly);
        Flag(json, "pii", field.IsPii);
        Flag(json, "sensitive", field.IsSensitive);
        Flag(json, "version", field.IsVersion);
        Flag(json, "updatedAt", field.IsUpdatedAt);
        Flag(json, "implied", field.IsImplied);
        Optional(json, "renamedFrom", field.RenamedFrom);
        Each(json, "upcasts", field.Upcasts, static (to, upcast) =>
        {
            to.WriteNumber("version", upcast.Version);
            Optional(to, "from", upcast.From?.Name);
            to.WriteString("value", upcast.Value.Text);
        }, isTall: false);
        Optional(json, "deprecated", field.Deprecated);
        Each(json, "rules", field.Rules, Write, isTall: false);
        // Only ever of the schema as one caller sees it.
        Flag(json, "writeOnly", field.IsUnreadable);
        Flag(json, "unwritable", field.IsUnwritable);
    }

    static void Write(JsonLayout json, FieldRule rule)
    {
        json.WriteString("effect", rule.Effect == RuleEffect.Allow ? "allow" : "deny");
        Strings(json, "accesses", [.. rule.Accesses.Select(NameOf)]);
        json.WriteString("when", rule.When.Text);
        Optional(json, "message", rule.Message);
    }

    static void WriteDefault(JsonLayout json, Field field, DefaultValue value)
    {
        json.Name("default");
        json.Open('{', isTall: false);
        switch (value)
        {
            case NowDefault: json.WriteString("kind", "now"); break;
            case AutoincrementDefault: json.WriteString("kind", "autoincrement"); break;
            case GeneratedDefault generated: json.WriteString("kind", NameOf(generated.Generator)); break;
            case ClaimDefault claim:
                json.WriteString("kind", "claim");
                Strings(json, "path", claim.Path);
                break;
            case LiteralDefault literal:
                json.WriteString("kind", "literal");
                json.Name("value");
                WriteValue(json, field.Type, literal.Value);
                break;
            default: throw new InvalidOperationException($"no form for {value.GetType().Name}");
        }
        json.Close('}');
    }

    /// <summary>A value in its wire form; a list is JSON already.</summary>
    static void WriteValue(JsonLayout json, FieldType type, in Value value)
    {
        if (value.Kind == ValueKind.Json) json.Raw(value.Json);
        else if (type is ScalarFieldType { Scalar: var scalar })
        {
            using ByteOutput text = new(64);
            scalar.WriteJson(text, value);
            json.Raw(text.Written);
        }
        else json.Text(value.String);
    }

    static void Write(JsonLayout json, Field field, Validator validator)
    {
        switch (validator)
        {
            case LengthValidator length:
                json.WriteString("kind", "length");
                if (length.Min is { } least) json.WriteNumber("min", least);
                if (length.Max is { } most) json.WriteNumber("max", most);
                break;
            case RangeValidator range:
                json.WriteString("kind", "range");
                Optional(json, "min", range.Min?.ToString(CultureInfo.InvariantCulture));
                Optional(json, "max", range.Max?.ToString(CultureInfo.InvariantCulture));
                break;
            case RegexValidator regex:
                json.WriteString("kind", "regex");
                json.WriteString("pattern", regex.Pattern);
                break;
            case EmailValidator: json.WriteString("kind", "email"); break;
            case UrlValidator: json.WriteString("kind", "url"); break;
            case Iso4217Validator: json.WriteString("kind", "iso4217"); break;
            case OneOfValidator oneOf:
                json.WriteString("kind", "oneOf");
                json.Name("values");
                json.Open('[', isTall: false);
                foreach (Value value in oneOf.Values) WriteValue(json, field.Type, value);
                json.Close(']');
                break;
            case CheckValidator check:
                json.WriteString("kind", "check");
                json.WriteString("condition", check.Condition.Text);
                break;
            default: throw new InvalidOperationException($"no form for {validator.GetType().Name}");
        }
    }

    static void Write(JsonLayout json, Relation relation)
    {
        json.WriteString("name", relation.Name);
        Optional(json, "doc", relation.Doc);
        json.WriteString("target", relation.Target);
        Flag(json, "owning", relation.IsOwning);
        Flag(json, "toOne", relation.IsToOne);
        Flag(json, "optional", relation.IsOptional);
        Strings(json, "fields", relation.Fields);
        Strings(json, "references", relation.References);
        Optional(json, "inverse", relation.Inverse);
        if (relation.OnDelete != ReferentialAction.Restrict) json.WriteString("onDelete", NameOf(relation.OnDelete));
        if (relation.OnUpdate != ReferentialAction.Restrict) json.WriteString("onUpdate", NameOf(relation.OnUpdate));
        Optional(json, "deprecated", relation.Deprecated);
    }

    static void Write(JsonLayout json, UniqueKey unique)
    {
        json.WriteString("name", unique.Name);
        Strings(json, "fields", unique.Fields);
        Optional(json, "code", unique.Code);
        Optional(json, "where", unique.Where?.Text);
    }

    static void Write(JsonLayout json, ModelIndex index)
    {
        json.WriteString("name", index.Name);
        Each(json, "fields", index.Fields, (to, field) =>
        {
            to.WriteString("field", field.Field);
            Flag(to, "descending", field.Descending);
        }, isTall: false);
        Optional(json, "where", index.Where?.Text);
    }

    static void Write(JsonLayout json, ModelCheck check)
    {
        json.WriteString("name", check.Name);
        json.WriteString("condition", check.Condition.Text);
    }

    static void Write(JsonLayout json, AccessRule rule) => Write(json, rule, NameOf);

    static void Write(JsonLayout json, AccessRule rule, Func<Operation, string> operation)
    {
        json.WriteString("effect", rule.Effect == RuleEffect.Allow ? "allow" : "deny");
        Strings(json, "operations", [.. rule.Operations.Select(operation)]);
        Optional(json, "when", rule.When?.Text);
        Optional(json, "after", rule.After?.Text);
        Optional(json, "message", rule.Message);
    }

    /// <param name="isTall">Each item takes a line of its own; else the whole array takes none.</param>
    static void Each<T>(
        JsonLayout json, string name, ImmutableArray<T> items, Action<JsonLayout, T> write, bool isRequired = false, bool isTall = true)
    {
        if (items.IsEmpty && !isRequired) return;
        json.Name(name);
        json.Open('[', isTall);
        foreach (T item in items)
        {
            json.Open('{', isTall: item is Model or EmbeddedType or Channel);
            write(json, item);
            json.Close('}');
        }
        json.Close(']');
    }

    static void Strings(JsonLayout json, string name, ImmutableArray<string> items)
    {
        if (items.IsEmpty) return;
        json.Name(name);
        json.Open('[', isTall: false);
        foreach (string item in items) json.Text(item);
        json.Close(']');
    }

    static void Optional(JsonLayout json, string name, string? value)
    {
        if (value is not null) json.WriteString(name, value);
    }

    static void Flag(JsonLayout json, string name, bool value)
    {
        if (value) json.WriteBoolean(name, true);
    }

    /// <summary>Words of closed sets, as the language writes them: <c>setNull</c>, <c>uuid7</c>.</summary>
    static string NameOf<T>(T value)
        where T : struct, Enum
    {
        string name = value.ToString();
        return char.ToLowerInvariant(name[0]) + name[1..];
    }
}
