using System.Text;
using Plinth.Language.Yaml;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// What the native notation bears (<see cref="SchemaScaleTests"/>), the others do: a schema of the one is written in the other and read
/// again. Growth is judged by bytes allocated, which are the same on every machine.
/// </summary>
public class NotationBoundsTests
{
    static readonly string[] s_paths = ["schema.plinth", "schema.cstack", "schema.yaml"];

    public static TheoryData<string> Notations => [.. s_paths];

    static SchemaReading Read(string path, string text, Limits? limits = null) =>
        path.EndsWith("yaml", StringComparison.Ordinal) ? YamlSchemas.Read(text, limits)
            : SchemaReader.Read([new SourceText(path, text)], limits ?? Limits.Default);

    /// <summary>Models in a ring, each with relations in both directions, a rule over them, and a mixed lot of fields.</summary>
    static string Ring(string path, int models)
    {
        StringBuilder text = new();
        if (path.EndsWith("yaml", StringComparison.Ordinal))
        {
            text.Append("version: 1\nauth: none\ncollections:\n");
            for (int i = 0; i < models; i++)
            {
                int next = (i + 1) % models, across = (i * 7 + 3) % models;
                text.Append($"  r{i}:\n    fields:\n      id: {{ type: uuid, primary: true, default: auto }}\n");
                text.Append($"      next_id: {{ type: uuid, nullable: true, references: r{next}.id, index: true }}\n");
                text.Append("      across: { type: relation, nullable: true, onDelete: set null, ");
                text.Append($"relation: {{ collection: r{across} }} }}\n");
                text.Append("      kind: { type: select, select: { values: [a, b], maxSelect: 1 }, default: a }\n");
                text.Append("      name: { type: string, validate: { minLength: 1, pattern: \"^[a-z]\" } }\n");
                text.Append("    rules: { read: \"doc.next.id == doc.id || doc.kind == 'a'\", create: \"true\" }\n");
            }
            return text.ToString();
        }
        for (int i = 0; i < models; i++)
        {
            int next = (i + 1) % models, before = (i + models - 1) % models;
            text.Append($"model R{i} {{\n  id Uuid @id\n  nextId Uuid?\n");
            text.Append($"  next R{next}? @relation(fields: [nextId], references: [id])\n");
            text.Append($"  prevs R{before}[] @relation(fields: [id], references: [nextId])\n");
            text.Append("  name String @length(min: 1) @regex(\"^[a-z]\")\n  @@index([nextId, name])\n");
            text.Append("  @@allow(\"read\", next.id == id || name == \"a\")\n}\n");
        }
        string made = text.ToString();
        return path.EndsWith("plinth", StringComparison.Ordinal)
            ? made.Replace(" @relation(fields: [id], references: [nextId])", "", StringComparison.Ordinal) : made;
    }

    [Theory]
    [MemberData(nameof(Notations))]
    public void Reading_interlinked_models_costs_in_proportion_to_the_text(string path)
    {
        (string small, string large) = (Ring(path, 120), Ring(path, 960));
        double growth = (double)large.Length / small.Length;
        (long first, long second) = (Bytes(small), Bytes(large));
        Assert.True(second < first * growth * 1.5, $"{first} bytes, then {second} for {growth:0.0} times the text");

        long Bytes(string text)
        {
            long least = long.MaxValue;
            for (int i = 0; i < 2; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                SchemaReading reading = Read(path, text);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
                Assert.Empty(reading.Diagnostics.Select(DiagnosticText.Render));
            }
            return least;
        }
    }

    [Theory]
    [MemberData(nameof(Notations))]
    public void Ten_thousand_models_are_refused_by_the_name_of_a_limit(string path)
    {
        SchemaReading reading = Read(path, Ring(path, 10_000));
        Assert.Null(reading.Schema);
        Assert.Contains("(limits.", Assert.Single(reading.Diagnostics).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Notations))]
    public void Ten_megabytes_are_read_and_a_byte_more_is_refused(string path)
    {
        string text = Ring(path, 300);
        char comment = path.EndsWith("yaml", StringComparison.Ordinal) ? '#' : '/';
        StringBuilder whole = new(text);
        while (whole.Length < Limits.Default.SchemaBytes - 100) whole.Append(comment).Append(comment).Append(" a line that says nothing\n");
        Assert.NotNull(Read(path, whole.ToString()).Schema);
        whole.Append('\n', Limits.Default.SchemaBytes + 1 - whole.Length);
        Assert.Contains("limits.schemaBytes", Assert.Single(Read(path, whole.ToString()).Diagnostics).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Notations))]
    public void Line_ends_and_a_byte_order_mark_change_nothing(string path)
    {
        string text = Ring(path, 3);
        byte[] plain = Json(text);
        Assert.Equal(plain, Json(text.Replace("\n", "\r\n", StringComparison.Ordinal)));
        Assert.Equal(plain, Json("\uFEFF" + text));
        // Between words; where YAML indents, a tab is a mistake of its own grammar, and answered.
        Assert.Equal(plain, Json(text.Replace(": [", ":\t[", StringComparison.Ordinal).Replace("{ ", "{\t", StringComparison.Ordinal)));

        byte[] Json(string of)
        {
            SchemaReading reading = Read(path, of);
            Assert.Empty(reading.Diagnostics.Select(DiagnosticText.Render));
            return SchemaJson.Write(reading.Schema!);
        }
    }

    [Fact]
    public void A_tab_that_indents_yaml_is_answered() =>
        Assert.NotEmpty(YamlSchemas.Read("version: 1\ncollections:\n\ta: {}\n").Diagnostics);

    [Theory]
    [MemberData(nameof(Notations))]
    public void A_hundred_levels_are_read_or_refused_by_a_limit(string path)
    {
        foreach (int depth in (int[])[40, 90, 100, 101, 20_000])
        {
            string condition = new string('(', depth) + "true" + new string(')', depth);
            string text = path.EndsWith("yaml", StringComparison.Ordinal)
                ? Yaml("", condition)
                : $"model A {{ id Uuid @id\n  @@allow(\"read\", {condition})\n}}\n";
            SchemaReading reading = Read(path, text);
            if (depth == 40) Assert.NotNull(reading.Schema);
            if (reading.Schema is null)
                Assert.Contains(reading.Diagnostics, d => $"{d.Message} {d.Hint}".Contains("limits.", StringComparison.Ordinal));
        }
    }

    static string Yaml(string fields, string rule) => $$"""
        version: 1
        auth: none
        collections:
          a:
            fields: { id: { type: uuid, primary: true }{{fields}} }
            rules: { read: "{{rule}}" }
        """;

    public static TheoryData<string, string, string> Hidden
    {
        get
        {
            TheoryData<string, string, string> data = [];
            foreach (string path in s_paths)
            {
                data.Add(path, "n\u0430me", "U+0430");
                data.Add(path, "zero\u200bwidth", "U+200B");
                data.Add(path, "a\u202eb", "U+202E");
                data.Add(path, "\uff41bc", "U+FF41");
                data.Add(path, "a\u00adb", "U+00AD");
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Hidden))]
    public void What_hides_in_a_name_or_in_a_rule_is_refused_with_its_code_point(string path, string word, string named)
    {
        foreach (bool isName in (bool[])[true, false])
        {
            (string field, string rule) = isName ? (word, "true") : ("title", $"title == '{word}'");
            string text = path.EndsWith("yaml", StringComparison.Ordinal)
                ? Yaml($", {field}: string", rule)
                : $"model A {{ id Uuid @id\n  {field} String\n  @@allow(\"read\", {rule})\n}}\n";
            SchemaReading reading = Read(path, text);
            Assert.Null(reading.Schema);
            Assert.Contains(reading.Diagnostics, d => d.Message.Contains(named, StringComparison.Ordinal));
        }
    }
}
