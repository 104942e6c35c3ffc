using Plinth.Text;

namespace Plinth.Language;

/// <summary>The bounds of a schema: each holds what is within it, and names itself beyond.</summary>
public class SchemaLimitsTests
{
    const string Allow = "@@allow(\"all\", true)";

    static string[] Messages(string text, Limits limits) =>
        [.. SchemaReader.Read([new SourceText("schema.plinth", text)], limits).Diagnostics.Select(d => $"{d.Code}: {d.Message}")];

    static void Bounded(string name, Func<Limits, Limits> with, string within, string beyond)
    {
        Limits limits = with(Limits.Default);
        Assert.Empty(Messages(within, limits));
        Assert.Contains(Messages(beyond, limits), message => message.StartsWith("limit_exceeded: ", StringComparison.Ordinal)
            && message.Contains(name, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_has_so_many_bytes()
    {
        string model = $"model A {{ id Int @id {Allow} }}";
        Bounded("limits.schemaBytes", l => l with { SchemaBytes = model.Length }, model, model + " ");
    }

    [Fact]
    public void A_schema_has_so_many_blocks() => Bounded("limits.schemaBlocks", l => l with { SchemaBlocks = 2 },
        $"enum E {{ a }} model A {{ id Int @id {Allow} }}",
        $"enum E {{ a }} enum F {{ a }} model A {{ id Int @id {Allow} }}");

    [Fact]
    public void A_model_has_so_many_members() => Bounded("limits.schemaFields", l => l with { SchemaFields = 3 },
        $"model A {{ id Int @id  a Int {Allow} }}", $"model A {{ id Int @id  a Int  b Int  c Int {Allow} }}");

    [Fact]
    public void Brackets_and_mixins_nest_so_deep()
    {
        Bounded("limits.schemaDepth", l => l with { SchemaDepth = 4 },
            $"model A {{ id Int @id  n Int @check(((n > 1))) {Allow} }}",
            $"model A {{ id Int @id  n Int @check(((((((n > 1))))))) {Allow} }}");
    }

    [Fact]
    public void So_many_findings_are_told()
    {
        string wrong = $"model A {{ id Int @id {string.Concat(Enumerable.Range(0, 20).Select(i => $" f{i} Nope"))} {Allow} }}";
        Assert.True(Messages(wrong, Limits.Default).Length >= 20);
        Assert.InRange(Messages(wrong, Limits.Default with { SchemaFindings = 5 }).Length, 5, 6);
    }
}
