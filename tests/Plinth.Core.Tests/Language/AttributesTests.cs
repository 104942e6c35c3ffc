using Plinth.Cases;
using Plinth.Text;

namespace Plinth.Language;

public class AttributesTests
{
    /// <summary>Names that examples refer to.</summary>
    const string Surroundings = """
        auth { id Uuid  tenantId Uuid? }
        model Company { id Uuid @id  @@allow("read", true) }
        model Patient { id Uuid @id  @@allow("read", true) }

        """;

    public static TheoryData<string> Available => [.. Attributes.All.Where(a => a.IsAvailable).Select(a => a.Name)];

    public static TheoryData<string> Later => [.. Attributes.All.Where(a => !a.IsAvailable).Select(a => a.Name)];

    [Theory]
    [MemberData(nameof(Available))]
    public void The_example_of_an_attribute_is_read_without_findings(string name)
    {
        string text = Schema(Attributes.Find(name)!.Example, name);
        Assert.Contains(name, text, StringComparison.Ordinal);
        SchemaReading reading = Schemas.Read(text);
        Assert.Empty(reading.Diagnostics.Select(DiagnosticText.Render));
        Assert.NotNull(reading.Schema);
    }

    /// <summary>What an attribute says is in the model: without it, the model is another.</summary>
    [Theory]
    [MemberData(nameof(Available))]
    public void An_attribute_leaves_its_mark_on_the_model(string name)
    {
        string example = Attributes.Find(name)!.Example;
        string with = Printed(Schema(example, name));
        int at = example.IndexOf(name, StringComparison.Ordinal), end = at + name.Length;
        if (end < example.Length && example[end] == '(') end = ClosingParenthesis(example, end) + 1;
        string without = example.Remove(at, end - at);
        // A relation that says nothing about itself is a relation all the same.
        Assert.NotEqual(with, Printed(Schema(without, name)));
    }

    [Theory]
    [MemberData(nameof(Later))]
    public void An_attribute_of_a_later_version_is_refused_by_name(string name)
    {
        string text = name.StartsWith("@@", StringComparison.Ordinal)
            ? $"model A {{ id Int @id  {name}(x, y: 3)  @@allow(\"read\", true) }}"
            : $"model A {{ id Int @id {name}(\"read\", true)  @@allow(\"read\", true) }}";
        Diagnostic finding = Assert.Single(Schemas.Read(text).Diagnostics);
        Assert.Equal(Codes.NotAvailable, finding.Code);
        Assert.Equal($"{name} is not available in this version", finding.Message);
    }

    [Fact]
    public void The_reference_page_is_made_from_the_table() => Golden.FileHolds("docs/reference/schema.md", AttributeReference.Markdown());

    [Fact]
    public void The_schema_that_the_reference_begins_with_is_read_without_findings_and_laid_out()
    {
        Assert.Empty(Schemas.Read(BlockReference.Whole + "\n").Diagnostics.Select(DiagnosticText.Render));
        SchemaReading blocks = Schemas.Read(string.Join("\n\n", BlockReference.All.Select(b => b.Example)));
        Assert.Empty(blocks.Diagnostics.Select(DiagnosticText.Render));
        // What begins the page is in the one layout, but for the comments that explain it in a column of their own.
        Assert.Equal(Squeezed(BlockReference.Whole), Squeezed(SchemaFormatter.Format(new("schema.plinth", BlockReference.Whole))));

        static string Squeezed(string text) => string.Join('\n', text.Split('\n').Select(l =>
            string.Join(' ', l.Split(' ', StringSplitOptions.RemoveEmptyEntries)))).TrimEnd();
    }

    [Fact]
    public void The_reference_explains_every_block_and_every_type()
    {
        Assert.Equal(Blocks.Known.Order(StringComparer.Ordinal), BlockReference.All.Select(b => b.Keyword).Order(StringComparer.Ordinal));
        foreach (BlockExample block in BlockReference.All) Assert.Contains(block.Keyword + " ", block.Example, StringComparison.Ordinal);
        string page = AttributeReference.Markdown();
        foreach (string type in Plinth.Schema.Types.ScalarTypes.Names) Assert.Contains($"| `{type}", page, StringComparison.Ordinal);
        foreach (string name in Attributes.All.Where(a => a.IsAvailable).Select(a => a.Name))
            Assert.Contains($"### `{name}`", page, StringComparison.Ordinal);
    }

    static string Schema(string members, string name)
    {
        if (Attributes.Find(name) is { Targets: AttributeTargets.Projection })
        {
            return Surroundings + "model Deal { id Int @id  stage String  @@allow(\"read\", true) }\n"
                + $"projection Example from Deal {{\n  key stage\n  n Int = count()\n  {members}\n  @@allow(\"read\", true)\n}}\n";
        }
        string id = members.Contains("@id", StringComparison.Ordinal) ? "" : "id Int @id";
        string rule = members.Contains("@@allow", StringComparison.Ordinal) ? "" : "@@allow(\"read\", true)";
        string app = members.Contains("orgId", StringComparison.Ordinal) ? "app example { tenancy = row }\n"
            : members.Contains("@upcast", StringComparison.Ordinal) ? "app example { version = 2 }\n" : "";
        return $"{app}{Surroundings}model Example {{\n  {id}\n  {members}\n  {rule}\n}}\n";
    }

    /// <summary>The model's JSON, or what is wrong with the text.</summary>
    static string Printed(string text)
    {
        SchemaReading reading = Schemas.Read(text);
        return reading.Schema is { } schema
            ? System.Text.Encoding.UTF8.GetString(Plinth.Schema.SchemaJson.Write(schema))
            : string.Join('\n', reading.Diagnostics.Select(d => d.Message));
    }

    static int ClosingParenthesis(string text, int open)
    {
        for (int at = open, depth = 0; ; at++)
        {
            if (text[at] == '(') depth++;
            if (text[at] == ')' && --depth == 0) return at;
        }
    }
}
