using System.Collections.Frozen;
using System.Collections.Immutable;
using static Plinth.Language.AttributeTargets;
using HtmlPresets = Plinth.Schema.HtmlPresets;
using Kind = Plinth.Language.ArgumentKind;

namespace Plinth.Language;

/// <summary>
/// Every attribute of the language: the only place where one is known. The binder checks places, types and arguments by this table,
/// suggestions and the reference page come from it, and a test compiles every example.
/// </summary>
static class Attributes
{
    const AttributeTargets Column = Field | Relation;
    const TypeFit TextLike = TypeFit.Text | TypeFit.Lists;
    const TypeFit Numbers = TypeFit.Integer | TypeFit.Fraction;
    const TypeFit Single = TypeFit.Text | TypeFit.Integer | TypeFit.Fraction | TypeFit.Moment | TypeFit.Bytes | TypeFit.Other;

    static readonly AttributeArgument s_name = new("name", Kind.Text, "name of the index in the database") { IsNamed = true };
    static readonly AttributeArgument s_where = new("where", Kind.Expression,
        "only rows for which it is true are covered") { IsNamed = true };
    static readonly AttributeArgument s_code =
        new("code", Kind.Text, "the error code of a conflict, instead of `conflict`") { IsNamed = true };
    static readonly ImmutableArray<string> s_actions = ["restrict", "cascade", "setNull"];

    public static ImmutableArray<AttributeSpec> All { get; } =
    [
        // Keys and columns.
        new("@id", Field, "The key of the model. A key of several fields is written `@@id`.", "code String @id")
            { Fits = TypeFit.Text | TypeFit.Integer | TypeFit.Moment | TypeFit.Other },
        new("@default", Column | Member,
            "The value when a create names none: a literal, an enum value, `now()`, `uuid7()`, `uuid4()`, `cuid()`, `nanoid()`, "
            + "`autoincrement()`, or a claim `auth.x` (a required claim that is missing is an error, not null).",
            "createdAt DateTime @default(now())\n  state String @default(\"new\")\n  ownerId Uuid @default(auth.id)")
            { Arguments = [new("value", Kind.Default, "the value") { IsRequired = true }] },
        new("@unique", Column, "No two records (live ones, with `@@softDelete`) hold the same value.",
            "slug String @unique(code: \"slug_taken\")")
            { Arguments = [s_code, s_name], Fits = Single },
        new("@index", Column, "An index over this field alone.", "createdAt DateTime @index") { Arguments = [s_name], Fits = Single },
        new("@map", Column | Kept | CountedBy, "The column's name in the database.", "title String @map(\"ttl\")")
            { Arguments = [new("column", Kind.Text, "the column") { IsRequired = true }] },
        new("@relation", Relation | OtherSide,
            "Says how a relation works: which fields hold the key and what they refer to, and what deleting or changing the referred "
            + "record does. Without `fields`, key fields named after the relation are added (`companyId`) unless they are written out.",
            "company Company? @relation(onDelete: setNull)")
            {
                Arguments =
                [
                    new("name", Kind.Text, "pairs the two sides where several relations join the same models"),
                    new("fields", Kind.Fields, "fields of this model that hold the key") { IsNamed = true },
                    new("references", Kind.Fields, "fields of the other model; its key by default") { IsNamed = true },
                    new("onDelete", Kind.Word, "what deleting the referred record does") { IsNamed = true, Words = s_actions },
                    new("onUpdate", Kind.Word, "what changing the referred fields does") { IsNamed = true, Words = s_actions },
                ],
            },
        new("@version", Field,
            "Counts the record's writes from 1. Updates must then say which version they mean (`If-Match`, or this field).",
            "revision Int @version") { Fits = TypeFit.Integer },
        new("@updatedAt", Field, "The time of the last write.", "updatedAt DateTime @updatedAt") { Fits = TypeFit.Moment },
        new("@computed", Field, "Computed from the row's own fields at each write, and stored. Never in inputs.",
            "firstName String\n  lastName String\n  displayName String @computed(firstName + \" \" + lastName)")
            { Arguments = [new("value", Kind.Expression, "an expression of the field's type") { IsRequired = true }] },

        // Who sees it.
        new("@readonly", Column, "In outputs, never in inputs.", "rank Int @default(0) @readonly"),
        new("@immutable", Column, "Taken on create, refused afterwards.", "sku String @immutable"),
        new("@serverOnly", Field, "Never leaves and never enters: not in outputs, inputs, filters, sorts, events or errors.",
            "secret String? @serverOnly"),
        new("@pii", Field,
            "About a person: encrypted in the log, redacted wherever events are shown, and erased with the person. What is not optional "
            + "must be `String` or `Text`, so that a mark can stand in its place.", "phone String? @pii"),
        new("@sensitive", Field, "Encrypted in the log and redacted wherever events are shown.", "salary Int? @sensitive"),
        new("@allow", Column | Kept,
            "Lets callers read or write the field. Without any for an access, whoever may the record may the field; with some, one must be "
            + "true. A rule that is the same for every record makes the field unknown to those it does not let in.",
            "salary Int? @allow(\"read\", auth != null)\n"
            + "  rate Int? @allow(\"write\", auth != null, message: \"sign in to set the rate\")")
            { Arguments = FieldRuleArguments(), Repeats = true },
        new("@deny", Column | Kept, "Keeps callers from reading or writing the field, when it is true or unknown.",
            "closed Boolean @default(false)\n  price Int @deny(\"write\", closed)")
            { Arguments = FieldRuleArguments(), Repeats = true },

        // Validators.
        new("@length", Field | Member, "Length in characters (text), bytes (`Bytes`) or items (lists); both ends belong to it.",
            "name String @length(1, 80)\n  tags String[] @length(max: 5)")
            {
                Arguments = [new("min", Kind.Count, "at least"), new("max", Kind.Count, "at most")],
                Fits = TypeFit.Text | TypeFit.Bytes | TypeFit.AnyList,
            },
        new("@range", Field | Member, "A number between two bounds; both belong to it.",
            "score Int @range(0, 100)\n  rate Decimal(5, 2) @range(max: 99.5)")
            { Arguments = [new("min", Kind.Number, "at least"), new("max", Kind.Number, "at most")], Fits = Numbers | TypeFit.Lists },
        new("@regex", Field | Member, "Must match the pattern (RE2 syntax, matched anywhere unless anchored).",
            "zip String @regex(\"^[0-9]{5}$\")")
            { Arguments = [new("pattern", Kind.Text, "the pattern") { IsRequired = true }], Fits = TextLike },
        new("@email", Field | Member, "Must be an e-mail address.", "email String @email") { Fits = TextLike },
        new("@url", Field | Member, "Must be an absolute http or https URL.", "site String? @url") { Fits = TextLike },
        new("@iso4217", Field | Member, "Must be a currency code (`EUR`).", "currency String @iso4217") { Fits = TextLike },
        new("@oneOf", Field | Member, "Must be one of the values listed.", "size String @oneOf([\"S\", \"M\", \"L\"])")
            { Arguments = [new("values", Kind.Literals, "the values") { IsRequired = true }],
                Fits = TypeFit.Text | Numbers | TypeFit.Lists },
        new("@check", Field, "Must not be false; where it is unknown (null is involved) it passes, as in SQL.",
            "quantity Int @check(quantity % 2 == 0)")
            { Arguments = [new("condition", Kind.Expression, "over the row's own fields") { IsRequired = true }], Repeats = true },

        // Normalisers.
        new("@trim", Field | Member, "White space at both ends is removed before validation.", "name String @trim") { Fits = TypeFit.Text },
        new("@lowercase", Field | Member, "Made lower case before validation.", "email String @lowercase") { Fits = TypeFit.Text },
        new("@uppercase", Field | Member, "Made upper case before validation.", "country String @uppercase") { Fits = TypeFit.Text },
        new("@html", Field | Member,
            "HTML, cleaned before validation: what is none of the allowed formats is dropped and its text kept. Paragraphs and line breaks "
            + "always stay; scripts, styles, attributes and addresses that run something never do. Without arguments: `basic`.",
            "body Text @html(standard, deny: [heading])\n  note String @html(minimal)")
            {
                Arguments =
                [
                    new("preset", Kind.Word, "what is allowed: each has what the one before has, and more") { Words = HtmlPresets.Names },
                    new("allow", Kind.Words, "formats besides those of the preset") { IsNamed = true, Words = HtmlPresets.Words },
                    new("deny", Kind.Words, "formats of the preset that are not allowed") { IsNamed = true, Words = HtmlPresets.Words },
                ],
                Fits = TextLike,
            },

        // Life of a field.
        new("@renamedFrom", Column, "The field's former name: the column is renamed instead of dropped and added.",
            "title String @renamedFrom(\"name\")")
            { Arguments = [new("old", Kind.Text, "the former name") { IsRequired = true }] },
        new("@upcast", Field,
            "What a value of an earlier version of the schema is now: an expression of `old`, that value, and of nothing else. It brings "
            + "the records that are there when the schema is applied, and what older events of the log say each time they are read. The "
            + "version is that of `app { version = … }`, raised with it; values of versions before it are brought. What was applied stays "
            + "as it is: a further change is a further step, and the steps follow one another.",
            "stage String @upcast(2, old == \"won\" ? \"closed\" : old)\n  size BigInt @upcast(2, int(old), from: String)")
            {
                Arguments =
                [
                    new("version", Kind.Count, "the first version whose values are of the new form") { IsRequired = true },
                    new("value", Kind.Expression, "the value now, of the field's type") { IsRequired = true },
                    new("from", Kind.Type, "the type before, where it was another; of an enum the words are text") { IsNamed = true },
                ],
                Repeats = true,
                Fits = Single & ~TypeFit.Bytes,
            },
        new("@deprecated", Column | OtherSide | Member | Kept | CountedBy,
            "Marked as deprecated in everything that is generated from the schema.",
            "fax String? @deprecated(\"nobody has one\")")
            { Arguments = [new("why", Kind.Text, "the reason and the way out") { IsRequired = true }] },

        // Models.
        new("@@id", Model, "The key, of several fields.", "order Int\n  line Int\n  @@id([order, line])")
            { Arguments = [new("fields", Kind.Fields, "in key order") { IsRequired = true }] },
        new("@@unique", Model, "No two records (live ones, with `@@softDelete`) agree in all of these fields.",
            "country String\n  number String\n  @@unique([country, number])")
            { Arguments = [new("fields", Kind.Fields, "the fields") { IsRequired = true }, s_where, s_code, s_name], Repeats = true },
        new("@@index", Model | Projection, "An index.", "state String\n  createdAt DateTime\n  @@index([state, createdAt(desc)])")
            {
                Arguments =
                [
                    new("fields", Kind.SortedFields, "the fields") { IsRequired = true }, s_where, s_name,
                    new("using", Kind.Word, "the kind of index") { IsNamed = true, IsAvailable = false },
                    new("opclass", Kind.Text, "how an index of that kind compares") { IsNamed = true, IsAvailable = false },
                ],
                Repeats = true,
            },
        new("@@fulltext", Model, "The list takes `search=`: all words must occur in these fields, the last one as a prefix.",
            "title String\n  body Text\n  @@fulltext([title, body])")
            {
                Arguments =
                [
                    new("fields", Kind.Fields, "`String` and `Text` fields") { IsRequired = true },
                    new("language", Kind.Text, "stemming") { IsNamed = true, IsAvailable = false },
                ],
            },
        new("@@check", Model, "Must not be false for any row; where it is unknown (null is involved) it passes, as in SQL.",
            "startsOn Date\n  endsOn Date?\n  @@check(endsOn >= startsOn)")
            {
                Arguments =
                [
                    new("condition", Kind.Expression, "over the row's own fields") { IsRequired = true },
                    new("name", Kind.Text, "name of the check in errors and in the database") { IsNamed = true },
                ],
                Repeats = true,
            },
        new("@@map", Model | Projection, "The table's name.", "@@map(\"tbl_people\")")
            { Arguments = [new("table", Kind.Text, "the table") { IsRequired = true }] },
        new("@@route", Model | Projection, "The path segment below `/api/`.", "@@route(\"people\")")
            { Arguments = [new("segment", Kind.Text, "the segment") { IsRequired = true }] },
        new("@@allow", Model | Projection,
            "A rule that lets callers in: a write is allowed when one rule holds as a whole. Without any, nobody but the system gets in.",
            "ownerId Uuid\n  @@allow(\"read\", true)\n  @@allow(\"update\", ownerId == auth.id, after: ownerId == before.ownerId)")
            { Arguments = RuleArguments("the row before the operation (on create, the proposed row)"), Repeats = true },
        new("@@deny", Model | Projection, "A rule that keeps callers out whatever the allow rules say, when it is true or unknown.",
            "locked Boolean @default(false)\n  @@allow(\"all\", true)\n  @@deny(\"update, delete\", locked)")
            { Arguments = RuleArguments("the row before and the row after"), Repeats = true },
        new("@@softDelete", Model, "Deleting marks the record (`deletedAt`) and it can be restored; `purge` removes it.", "@@softDelete"),
        new("@@paged", Model | Projection,
            "Every list says how many records there are in all (`page.total`), as with `count=exact`.", "@@paged"),
        new("@@renamedFrom", Model, "The model's former name: the table is renamed instead of dropped and added.",
            "@@renamedFrom(\"Customer\")")
            { Arguments = [new("old", Kind.Text, "the former name") { IsRequired = true }] },
        new("@@tenant", Model,
            "With `tenancy = row`, the field that says which tenant a record belongs to, instead of a hidden `tenantId`; "
            + "`none` shares the model's records among all tenants. The value is the identity's `auth.tenantId`, and never a request's.",
            "orgId Uuid\n  @@tenant(orgId)")
            { Arguments = [new("field", Kind.Fields, "the field, or `none`") { IsRequired = true }] },
        new("@@subject", Model,
            "The record is about the person whom this field leads to: erasing that person erases the `@pii` fields here, too. Without it, "
            + "a record with `@pii` fields is about itself. The field does not change once it is set.",
            "patient Patient @relation @immutable\n  finding String? @pii\n  @@subject(patient)")
            { Arguments = [new("field", Kind.Fields, "a field that holds the key of one other record") { IsRequired = true }] },
        new("@@where", Projection,
            "Only records for which it is true are counted; where it is unknown (null is involved), they are not.",
            "@@where(stage != \"lost\")")
            { Arguments = [new("condition", Kind.Expression, "over the model's own fields") { IsRequired = true }] },
        new("@@inline", Projection,
            "Kept in the transaction of each write, so that whoever reads after a write finds it counted. Writes that change the same "
            + "record of the projection wait for one another.",
            "@@inline"),
        new("@@audit", Model,
            "Who reads its records is kept, too: which ones, when and by whom, for `/audit/reads`. An answer is not given before that is "
            + "durable, so reading costs a write. (Who changes a record is in the log of every model, without an attribute.)",
            "@@audit(read)")
            { Arguments = [new("what", Kind.Word, "`read`") { IsRequired = true, Words = ["read"] }] },
        Later("@@emit"), Later("@@on"), Later("@@public"), Later("@@ui"),
        Later("@@retain"), Later("@@internal"), Later("@@subscribe"), Later("@@mcp"),
    ];

    /// <summary>What stands in a channel; its own, for a channel is joined and published to, not read and written.</summary>
    public static ImmutableArray<AttributeSpec> OfChannels { get; } =
    [
        new("@@allow", 0, "Lets callers join, or publish.", "@@allow(\"join\", auth != null)")
            { Arguments = ChannelRuleArguments(), Repeats = true },
        new("@@deny", 0, "Keeps callers out whatever the allow rules say, when it is true or unknown.", "@@deny(\"publish\", room == 1)")
            { Arguments = ChannelRuleArguments(), Repeats = true },
    ];

    static readonly FrozenDictionary<string, AttributeSpec> s_byName = All.ToFrozenDictionary(a => a.Name, StringComparer.Ordinal);

    public static AttributeSpec? Find(string spelling) => s_byName.GetValueOrDefault(spelling);

    public static IEnumerable<string> Names => All.Select(a => a.Name);

    static AttributeSpec Later(string name) => new(name, Model, "", "") { IsAvailable = false, Repeats = true };

    static ImmutableArray<AttributeArgument> FieldRuleArguments() =>
    [
        new("accesses", Kind.Accesses, "`read`, `write` or both, separated by commas") { IsRequired = true },
        new("when", Kind.Expression, "on the row: of a create the proposed one, of an update the row before") { IsRequired = true },
        new("message", Kind.Text, "what a caller is told who may not write it") { IsNamed = true },
    ];

    static ImmutableArray<AttributeArgument> ChannelRuleArguments() =>
    [
        new("operations", Kind.ChannelOperations, "`join publish all`, several separated by commas") { IsRequired = true },
        new("when", Kind.Expression, "on the parameters"),
        new("message", Kind.Text, "what a refused caller is told") { IsNamed = true },
    ];

    static ImmutableArray<AttributeArgument> RuleArguments(string when) =>
    [
        new("operations", Kind.Operations,
            "`list get read create update delete restore purge all`, several separated by commas") { IsRequired = true },
        new("when", Kind.Expression, "on " + when),
        new("after", Kind.Expression, "on the row after the write; `before` is in scope") { IsNamed = true },
        new("message", Kind.Text, "what a refused caller is told") { IsNamed = true },
    ];
}
