using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Schema;

/// <summary>JSON → schema, for what <see cref="Write(AppSchema)"/> wrote: anything else is corruption, and throws.</summary>
static partial class SchemaJson
{
    /// <exception cref="InvalidDataException">The bytes are not of this form.</exception>
    public static AppSchema Read(ReadOnlySpan<byte> utf8)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8.ToArray());
            return new Reader(document.RootElement).Whole();
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or KeyNotFoundException
            or FormatException or OverflowException or IndexOutOfRangeException or ArgumentException)
        {
            throw new InvalidDataException($"the stored schema cannot be read: {broken.Message}", broken);
        }
    }

    /// <summary>Types are read by name, so enums, types and unions are known before the first field is.</summary>
    sealed class Reader(JsonElement root)
    {
        readonly Dictionary<string, EnumType> _enums = new(StringComparer.Ordinal);
        readonly HashSet<string> _types = new(StringComparer.Ordinal);
        readonly HashSet<string> _unions = new(StringComparer.Ordinal);

        public AppSchema Whole()
        {
            if (root.GetProperty("form").GetInt32() is not Form) throw new FormatException("it was written by a later version");
            var enums = Each(root, "enums", e => new EnumType(Text(e, "name"), Strings(e, "values")) { Doc = Optional(e, "doc") });
            foreach (EnumType type in enums) _enums.Add(type.Name, type);
            foreach (string name in Each(root, "types", e => Text(e, "name"))) _types.Add(name);
            var unions = Each(root, "unions", e => new UnionType(Text(e, "name"), Strings(e, "variants")) { Doc = Optional(e, "doc") });
            foreach (UnionType union in unions) _unions.Add(union.Name);
            var types = Each(root, "types", e => new EmbeddedType(Text(e, "name"), Fields(e, "fields")) { Doc = Optional(e, "doc") });
            AuthShape? auth = root.TryGetProperty("auth", out JsonElement a) ? new AuthShape(Text(a, "name"), Fields(a, "claims")) : null;
            AppDefaults defaults = new(root.GetProperty("pageSize").GetInt32(), root.GetProperty("maxPageSize").GetInt32());
            return new AppSchema(Text(root, "name"), defaults, auth, enums, types, unions,
                Each(root, "models", Model))
            {
                Doc = Optional(root, "doc"),
                Version = Int(root, "version") ?? 1,
                IsTenanted = Flag(root, "tenanted"),
                Channels = Each(root, "channels", Channel),
            };
        }

        Channel Channel(JsonElement json) => new()
        {
            Name = Text(json, "name"),
            Doc = Optional(json, "doc"),
            Parameters = Each(json, "parameters", p => new ChannelParameter(
                Text(p, "name"), Optional(p, "type") is { } type ? Type(type) : null, Optional(p, "model"))),
            HasPresence = Flag(json, "hasPresence"),
            Presence = Optional(json, "presence"),
            Message = Optional(json, "message"),
            Leader = Optional(json, "leader") is { } leader ? Word<LeaderLeaves>(leader) : null,
            Rules = Each(json, "rules", e => Rule(e, static word => word == "join" ? Schema.Channel.Join : Schema.Channel.Publish)),
            Source = new SourceText("schema.json", ""),
        };

        Model Model(JsonElement json)
        {
            string name = Text(json, "name");
            return new Model
            {
                Name = name,
                Doc = Optional(json, "doc"),
                Table = Text(json, "table"),
                Route = Text(json, "route"),
                Key = Strings(json, "key"),
                Fields = Fields(json, "fields"),
                Relations = Each(json, "relations", e => Relation(e, name)),
                Uniques = Each(json, "uniques", e => new UniqueKey(Text(e, "name"), Strings(e, "fields"), Optional(e, "code"),
                    Condition(e, "where"))),
                Indexes = Each(json, "indexes", e => new ModelIndex(
                    Text(e, "name"), Each(e, "fields", f => new IndexedField(Text(f, "field"), Flag(f, "descending"))),
                        Condition(e, "where"))),
                FullText = Strings(json, "fullText"),
                Checks = Each(json, "checks", e => new ModelCheck(Text(e, "name"), Required(e, "condition"))),
                Rules = Each(json, "rules", Rule),
                Tenant = Optional(json, "tenant"),
                Subject = Optional(json, "subject"),
                IsSoftDelete = Flag(json, "softDelete"),
                AuditsReads = Flag(json, "audit"),
                IsPaged = Flag(json, "paged"),
                Projection = json.TryGetProperty("projection", out JsonElement projection) ? Projection(projection) : null,
                RenamedFrom = Optional(json, "renamedFrom"),
                Source = new SourceText("schema.json", ""),
            };
        }

        static Projection Projection(JsonElement json) => new(
            Text(json, "from"),
            Condition(json, "where"),
            Each(json, "keys", e => new ProjectedKey(Text(e, "field"), Required(e, "value"))),
            Each(json, "aggregates", e => new ProjectedAggregate(
                Text(e, "field"), Word<ProjectedFunction>(Text(e, "function")), Condition(e, "value"))),
            Flag(json, "inline"));

        ImmutableArray<Field> Fields(JsonElement json, string name)
        {
            int ordinal = 0;
            return Each(json, name, e => Field(e) with { Ordinal = ordinal++ });
        }

        Field Field(JsonElement json)
        {
            FieldType type = Type(Text(json, "type"));
            bool isList = Flag(json, "list");
            return new Field
            {
                Name = Text(json, "name"),
                Doc = Optional(json, "doc"),
                Column = Optional(json, "column") ?? "",
                Type = type,
                IsNullable = Flag(json, "nullable"),
                IsList = isList,
                Default = json.TryGetProperty("default", out JsonElement value) ? Default(value, type, isList) : null,
                Validators = Each(json, "validators", e => Validator(e, type)),
                Normalisers = [.. Strings(json, "normalisers").Select(Word<Normaliser>)],
                Html = HtmlPresets.Formats(Strings(json, "html")),
                Computed = Condition(json, "computed"),
                IsReadonly = Flag(json, "readonly"),
                IsImmutable = Flag(json, "immutable"),
                IsServerOnly = Flag(json, "serverOnly"),
                IsPii = Flag(json, "pii"),
                IsSensitive = Flag(json, "sensitive"),
                IsVersion = Flag(json, "version"),
                IsUpdatedAt = Flag(json, "updatedAt"),
                IsImplied = Flag(json, "implied"),
                RenamedFrom = Optional(json, "renamedFrom"),
                Upcasts = Each(json, "upcasts", Upcast),
                Deprecated = Optional(json, "deprecated"),
                Rules = Each(json, "rules", FieldRule),
                IsUnreadable = Flag(json, "writeOnly"),
                IsUnwritable = Flag(json, "unwritable"),
            };
        }

        static Upcast Upcast(JsonElement json) => new(
            json.GetProperty("version").GetInt32(),
            Optional(json, "from") is { } from ? ScalarTypes.Parse(from) ?? throw new FormatException($"unknown type '{from}'") : null,
            Required(json, "value"));

        FieldType Type(string name)
        {
            if (ScalarTypes.Parse(name) is { } scalar) return new ScalarFieldType(scalar);
            if (_enums.TryGetValue(name, out EnumType? known)) return new EnumFieldType(known);
            if (_types.Contains(name)) return new EmbeddedFieldType(name);
            if (_unions.Contains(name)) return new UnionFieldType(name);
            throw new FormatException($"unknown type '{name}'");
        }

        static DefaultValue Default(JsonElement json, FieldType type, bool isList)
        {
            string kind = Text(json, "kind");
            return kind switch
            {
                "now" => new NowDefault(),
                "autoincrement" => new AutoincrementDefault(),
                "claim" => new ClaimDefault(Strings(json, "path")),
                "literal" => new LiteralDefault(Value(json.GetProperty("value"), type, isList)),
                _ => new GeneratedDefault(Word<IdGenerator>(kind)),
            };
        }

        static Value Value(JsonElement json, FieldType type, bool isList)
        {
            byte[] text = Encoding.UTF8.GetBytes(json.GetRawText());
            if (isList) return Plinth.Schema.Value.FromJson(text);
            if (type is not ScalarFieldType { Scalar: var scalar }) return Plinth.Schema.Value.From(json.GetString() ?? "");
            Utf8JsonReader reader = new(text);
            return reader.Read() && scalar.TryRead(ref reader, out Value value) ? value
                : throw new FormatException($"{json.GetRawText()} is no {type.Name}");
        }

        static Validator Validator(JsonElement json, FieldType type)
        {
            string kind = Text(json, "kind");
            return kind switch
            {
                "length" => new LengthValidator(Int(json, "min"), Int(json, "max")),
                "range" => new RangeValidator(Decimal(json, "min"), Decimal(json, "max")),
                "regex" => new RegexValidator(Text(json, "pattern")),
                "email" => new EmailValidator(),
                "url" => new UrlValidator(),
                "iso4217" => new Iso4217Validator(),
                "oneOf" => new OneOfValidator([.. json.GetProperty("values").EnumerateArray().Select(v => Value(v, type, isList: false))]),
                "check" => new CheckValidator(Required(json, "condition")),
                _ => throw new FormatException($"unknown validator '{kind}'"),
            };
        }

        static Relation Relation(JsonElement json, string model) => new()
        {
            Name = Text(json, "name"),
            Doc = Optional(json, "doc"),
            Model = model,
            Target = Text(json, "target"),
            IsOwning = Flag(json, "owning"),
            IsToOne = Flag(json, "toOne"),
            IsOptional = Flag(json, "optional"),
            Fields = Strings(json, "fields"),
            References = Strings(json, "references"),
            Inverse = Optional(json, "inverse"),
            OnDelete = Optional(json, "onDelete") is { } onDelete ? Word<ReferentialAction>(onDelete) : default,
            OnUpdate = Optional(json, "onUpdate") is { } onUpdate ? Word<ReferentialAction>(onUpdate) : default,
            Deprecated = Optional(json, "deprecated"),
        };

        static FieldRule FieldRule(JsonElement json) => new(
            Word<RuleEffect>(Text(json, "effect")), [.. Strings(json, "accesses").Select(Word<FieldAccess>)], Required(json, "when"))
        {
            Message = Optional(json, "message"),
        };

        static AccessRule Rule(JsonElement json) => Rule(json, Word<Operation>);

        static AccessRule Rule(JsonElement json, Func<string, Operation> operation) => new(
            Word<RuleEffect>(Text(json, "effect")), [.. Strings(json, "operations").Select(operation)], Condition(json, "when"),
                Condition(json, "after"))
        {
            Message = Optional(json, "message"),
        };

        static ImmutableArray<T> Each<T>(JsonElement json, string name, Func<JsonElement, T> read) =>
            json.TryGetProperty(name, out JsonElement items) ? [.. items.EnumerateArray().Select(read)] : [];

        static ImmutableArray<string> Strings(JsonElement json, string name) =>
            Each(json, name, e => e.GetString() ?? throw new FormatException($"a null in '{name}'"));

        static string Text(JsonElement json, string name) =>
            json.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null");

        static string? Optional(JsonElement json, string name) =>
            json.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

        static int? Int(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetInt32() : null;

        static decimal? Decimal(JsonElement json, string name) =>
            Optional(json, name) is { } text ? decimal.Parse(text, NumberStyles.Number, CultureInfo.InvariantCulture) : null;

        static bool Flag(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.GetBoolean();

        static T Word<T>(string word)
            where T : struct, Enum => Enum.TryParse(word, ignoreCase: true, out T value) ? value
                : throw new FormatException($"unknown word '{word}'");

        static Condition? Condition(JsonElement json, string name) =>
            Optional(json, name) is { } text ? new Condition(text, new SourceText("schema.json", text), new Span(0, text.Length)) : null;

        static Condition Required(JsonElement json, string name) =>
            Condition(json, name) ?? throw new FormatException($"'{name}' is missing");
    }
}
