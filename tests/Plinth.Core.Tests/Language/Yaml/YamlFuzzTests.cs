using System.Text;
using Plinth.Cli.Schemas;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>Whatever the YAML: an answer, findings with places inside of it, and never one about the text that was made from it.</summary>
public class YamlFuzzTests
{
    static readonly string[] s_soup =
    [
        "version: 1\n", "collections:\n", "  posts:\n", "    fields:\n", "      id: ", "{ type: uuid, primary: true, default: auto }\n",
        "rules: ", "read: ", "\"true\"", "doc.", "auth.id", "==", "has(doc.x)", "(", ")", "[", "]", "{", "}", ",", ": ", "- ", "\n",
            "\n  ", "\n    ",
        "\n      ", "\n        ", "&a ", "*a", "<<: *a", "|\n", ">\n", "'", "\"", "\\", "\t", "\r\n", "#", "? ", "!!str ", "---\n",
            "...\n", "~", "null",
        "type: select", "select: { values: [a, b] }", "relation", "references: posts.id", "validate:", "min: 1", "pattern: \"[\"", "@",
            "@@allow",
        "//", "`", "\uFEFF", "\u202E", "\uD83D\uDE00", "\u0430", "\0", "Decimal(4, 2)", "enums:", "types:", "app:", "auth:", "relations:",
            "0x", "1e9",
        "default: ", "computed: ", "normalise: [trim]", "indexes: ", "fields: [id]", "checks: ", "key: id", "\\uD800",
    ];

    const string Whole = """
        version: 1
        app: { name: blog, pageSize: 10 }
        auth: { name: User, claims: { id: uuid, role: Role } }
        enums: { Role: [admin, user] }
        types:
          Address: { fields: { city: string, zip: { type: string, validate: { pattern: "^[0-9]+$" } } } }
        collections:
          users:
            fields: &base
              id: { type: uuid, primary: true, default: auto }
              role: { type: Role, default: user }
              at: Address
              prices: { type: "Decimal(8, 2)", list: true }
            rules: { read: "true", update: "doc.id == auth.id" }
          posts:
            fields:
              <<: *base
              title: { type: string, minLength: 1, maxLength: 80, normalise: [trim] }
              kind: { type: select, select: { values: [a, b], maxSelect: 1 }, default: a }
              author_id: { type: uuid, references: users.id, onDelete: cascade }
              meta: { type: json, default: { a: [1, x] } }
            indexes: [{ fields: [title, { kind: desc }], where: "doc.kind == 'a'" }]
            checks: ["size(title) > 0"]
            rules:
              - { allow: [read], when: "doc.author.role == 'admin'", message: "no" }
              - { deny: delete, when: "doc.kind == 'b'" }
        """;

    [Fact]
    public void Soup_is_answered()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 600, soak: 100_000);
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new();
            int length = random.Next(1, 80);
            for (int j = 0; j < length; j++) text.Append(s_soup[random.Next(s_soup.Length)]);
            Judge(text.ToString(), seed);
        }
        Counts.Report("YAML schema: soup", count, seed, "answered");
    }

    [Fact]
    public void A_valid_file_with_accidents_is_answered()
    {
        Assert.NotNull(YamlSchemas.Load(Whole));
        int seed = Counts.Seed(), count = Counts.Of(test: 600, soak: 100_000), broken = 0;
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new(Whole);
            int accidents = random.Next(1, 4);
            for (int j = 0; j < accidents; j++) Mutate(text, random);
            if (Judge(text.ToString(), seed).Schema is null) broken++;
        }
        Assert.True(broken > count / 3 && broken < count, $"{broken} of {count} were broken (seed {seed})");
        Counts.Report("YAML schema: accidents", count, seed, $"{broken} refused");
    }

    static void Mutate(StringBuilder text, Random random)
    {
        int at = random.Next(text.Length), length = random.Next(1, 14);
        switch (random.Next(4))
        {
            case 0: text.Remove(at, Math.Min(length, text.Length - at)); break;
            case 1: text.Insert(at, s_soup[random.Next(s_soup.Length)]); break;
            case 2: text[at] = (char)random.Next(32, 127); break;
            default: text.Insert(at, text.ToString(at, Math.Min(length, text.Length - at))); break;
        }
    }

    static SchemaReading Judge(string text, int seed)
    {
        SourceText source = new("schema.yaml", text);
        try
        {
            SchemaReading reading = SchemaReader.Read([source], Limits.Default, YamlEvents.Of);
            Assert.Equal(reading.Schema is null, reading.Diagnostics.Any(d => d.Severity == Severity.Error));
            foreach (Diagnostic diagnostic in reading.Diagnostics)
            {
                Assert.Same(source, diagnostic.Source);
                Assert.True(diagnostic.Span.Start >= 0 && diagnostic.Span.End <= text.Length + 1,
                    $"{diagnostic.Code} points outside of the text (seed {seed})");
                // What is said about the form of the text is said by the reader of YAML: what it writes is always well-formed.
                Assert.False(diagnostic.Code is Codes.Unclosed or Codes.UnexpectedCharacter or Codes.ExpectedName or Codes.UnknownBlock
                    && !diagnostic.Message.Contains(": ", StringComparison.Ordinal), $"{diagnostic.Message} (seed {seed})");
                _ = DiagnosticText.Render(diagnostic);
            }
            return reading;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, text:\n{text}", e);
        }
    }
}
