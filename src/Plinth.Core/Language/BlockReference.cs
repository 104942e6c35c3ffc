using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language;

/// <param name="Example">A schema that a test reads, together with the other examples.</param>
sealed record BlockExample(string Keyword, string Doc, string Example);

/// <summary>
/// The first half of the page <c>docs/reference/schema.md</c>, for who has not seen a schema yet: one that is whole, then files, blocks,
/// types and names. The second half is <see cref="AttributeReference"/>.
/// </summary>
static class BlockReference
{
    /// <summary>What the page begins with; a schema by itself.</summary>
    public const string Whole = """
        auth { id Uuid   role String }             // what a rule may know about the caller

        enum State { draft published }

        /// A text that people read. Docs travel into everything that is generated.
        model Post {
          id        Uuid     @id @default(uuid7())
          title     String   @length(1, 200) @trim
          body      Text?                          // ? may be null
          tags      String[]                       // [] is a list
          state     State    @default(draft)
          authorId  Uuid     @default(auth.id)     // who creates it is its author
          comments  Comment[]                      // the other side of Comment.post
          createdAt DateTime @default(now())

          @@index([state, createdAt(desc)])
          @@allow("read",   state == "published")                        // everyone
          @@allow("all",    auth.id == authorId)                         // its author
          @@allow("delete", auth.role == "admin")
        }

        model Comment {
          id   Uuid   @id @default(uuid7())
          text String @length(1, 2000)
          post Post   @relation(onDelete: cascade) // adds the field postId

          @@allow("read",   post.state == "published")
          @@allow("create", auth != null)
        }
        """;

    public static ImmutableArray<BlockExample> All { get; } =
    [
        new("app", "The name of the project, and defaults for all lists. One per schema, optional. `version` counts the forms that values "
            + "have had ([`@upcast`](#upcast)); it is 1 where nothing is said, and never goes down.",
            "app shop { defaults { pageSize = 50  maxPageSize = 500 } }"),
        new("auth", "The claims of a caller that expressions may name as `auth.…`; `auth` is null for an anonymous one. One per schema.",
            "auth { id Uuid  role Role  email String? }"),
        new("enum", "A closed set of words. A field of it holds one; rules compare it with a string or the bare word.",
            "enum Role { admin editor reader }"),
        new("type", "A value with fields and no identity, stored inside a record as JSON. Types may hold types.",
            "type Address { street String  city String  zip String @regex(\"^[0-9]{5}$\") }"),
        new("union", "One of several types; the member `type` of the JSON says which.",
            "type Paragraph { text String }\ntype Picture { url Url  width Int }\nunion Block = Paragraph | Picture"),
        new("mixin", "Fields, attributes and rules that models share: `use Name` stands for them. What the model writes itself wins.",
            "mixin Stamps { createdAt DateTime @default(now())  updatedAt DateTime @updatedAt }"),
        new("model", "A table, a route and its rules. Fields hold values; a field whose type is a model is a relation, a list of one its "
            + "other side. Without `@@allow` nobody but the system can reach it.",
            "model Page {\n  use Stamps\n  id Uuid @id @default(uuid7())\n  blocks Block[]\n  address Address?\n"
            + "  @@allow(\"read\", true)\n}"),
        new("extend", "Fields and rules for a model that the product brings: `User`, `Session` and what belongs to them. "
            + "Saying it brings them.",
            "extend User { role Role @default(reader)  motto String? }"),
        new("channel", "What its members publish to one another, and who is there; nothing of it is stored. `@@allow(\"join\", …)` and "
            + "`@@allow(\"publish\", …)` see the parameters; one whose type is a model can be followed (`page.state`). `presence` lets "
            + "members see one another, `presence: Type` and `message: Type` say of what form. `leader: reelect` (or `close`) gives it a "
            + "leader: who is there first. Guide: [Realtime](../guides/realtime.md).",
            "type Cursor { x Int  y Int }\nchannel editing(page: Page) {\n  presence: Cursor\n"
            + "  @@allow(\"join, publish\", auth != null)\n}"),
        new("projection", "Numbers about the records of a model, kept up to date by the engine and read like a model: one record for all "
            + "records that agree in the keys, with what is counted (`count() count(field)`), added up (`sum avg`) or outstanding "
            + "(`min max`) in them. A key is a field, or an expression over fields. Nobody writes to it.",
            "projection PagesByYear from Page {\n  key year Int = createdAt.getFullYear()\n  pages Int = count()\n"
            + "  newest DateTime = max(createdAt)\n  @@allow(\"read\", true)\n}"),
    ];

    public static void Write(StringBuilder page)
    {
        page.Append("A schema declares a whole backend: what is stored, what is valid, who may do what. This one is complete:\n\n");
        Fence(page, Whole);
        page.Append("\n`plinth check` finds every mistake in it at once, `plinth fmt` lays it out, `plinth dev` serves it.\n");
        Files(page);
        BlockTable(page);
        Types(page);
        Names(page);
    }

    static void Files(StringBuilder page)
    {
        page.Append("\n## Files\n\nThe schema is the file `schema.plinth`, or all files `schema/*.plinth` read as one, in any order; ");
        page.Append("findings name the file.\nWhite space is free: a field ends where the next name begins, commas are optional. ");
        page.Append("`//` is a comment, `///` documents what stands below it.\n");
        page.Append("`.cstack` files are read too: [Coming from CrateStack](../guides/coming-from-cratestack.md).\n");
        page.Append(CultureInfo.InvariantCulture, $"A file has at most {Limits.Default.SchemaBytes >> 20} MB, a schema ");
        page.Append(CultureInfo.InvariantCulture, $"{Limits.Default.SchemaBlocks} blocks, a model {Limits.Default.SchemaFields} fields; ");
        page.Append("the settings `limits.schema…` move these.\n");
    }

    static void BlockTable(StringBuilder page)
    {
        page.Append("\n## Blocks\n\n| block | declares |\n| --- | --- |\n");
        foreach (BlockExample block in All) page.Append(CultureInfo.InvariantCulture, $"| `{block.Keyword}` | {block.Doc} |\n");
        page.Append('\n');
        Fence(page, string.Join("\n\n", All.Select(b => b.Example)));
        page.Append("\nKnown, but not available in this version, and refused by name: ").Append(Words(Blocks.NotAvailable)).Append(".\n");
    }

    static void Types(StringBuilder page)
    {
        page.Append("\n## Types\n\nEach may be optional (`T?`, null is a value) or a list (`T[]`, never null). ");
        page.Append("Types, unions and enums of the schema are types too.\n\n| type | holds | in JSON |\n| --- | --- | --- |\n");
        foreach (string name in ScalarTypes.Names)
        {
            bool hasDigits = name == "Decimal";
            ScalarType type = ScalarTypes.Find(name) ?? new DecimalType(12, 2);
            page.Append(CultureInfo.InvariantCulture, $"| `{(hasDigits ? "Decimal(12, 2)" : name)}` | {type.Expected} | {Json(type)} |\n");
        }
        page.Append("\nNot available in this version: ").Append(Words(ScalarTypes.NotAvailable)).Append(".\n");
    }

    static string Json(ScalarType type) => JsonNode.Parse(type.JsonSchema) is JsonObject schema && schema["type"] is { } kind
        ? kind.ToString() : "anything";

    static void Names(StringBuilder page)
    {
        page.Append("\n## Names\n\nWhat you write is the name on the wire. A table and a route are the plural in snake_case ");
        page.Append("(`WebhookDelivery` → `webhook_deliveries`: s, x, ch, sh take es, consonant and y become ies, others take s), ");
        page.Append("a column is the name in snake_case; `@@map`, `@@route` and `@map` say otherwise.\n\n");
        page.Append("Names are ASCII letters, digits and `_`, at most ");
        page.Append(CultureInfo.InvariantCulture, $"{Limits.NameLength} characters. A field of a model cannot be called ");
        page.Append(Words(Declarations.ListParameters)).Append(" (parameters of lists) or ");
        page.Append(Words(Declarations.LiteralWords.AddRange(Declarations.ScopeWords)));
        page.Append(" (words of expressions), and does not begin with `_`; `@map` keeps a column of such a name.\n");
        page.Append("A field called `use` is written between backticks; so may any other word of the language be.\n");
    }

    static void Fence(StringBuilder page, string text) => page.Append("```plinth\n").Append(text).Append("\n```\n");

    internal static string Words(IEnumerable<string> words) => string.Join(' ', words.Order(StringComparer.Ordinal).Select(w => $"`{w}`"));
}
