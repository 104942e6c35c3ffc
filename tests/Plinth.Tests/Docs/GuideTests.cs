using System.Text.RegularExpressions;
using Plinth.Cases;
using Plinth.Cli.Schemas;
using Plinth.Language;
using Plinth.Language.Importing;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Tests.Docs;

/// <summary>The guides for people who come from elsewhere: every example is read, and the schema shown below it is what comes of
/// it.</summary>
public partial class GuideTests
{
    [Fact]
    public void Coming_from_Alyx_shows_what_the_files_mean()
    {
        var blocks = Blocks("coming-from-alyx.md");
        foreach (var (_, text, next) in blocks.Where(b => b.Language == "yaml"))
        {
            SourceText source = new("schema.yaml", text);
            SchemaReading reading = SchemaReader.Read([source], Limits.Default, YamlEvents.Of);
            Assert.True(reading.Diagnostics.IsEmpty, string.Join('\n', reading.Diagnostics.Select(DiagnosticText.Render)));
            Assert.Equal(next, YamlConversion.ToNative(reading.Schema!, [source], YamlEvents.Of, Limits.Default).Text);
        }
        Assert.Equal(2, blocks.Count(b => b.Language == "yaml"));
    }

    [Fact]
    public void Coming_from_Prisma_shows_what_is_imported()
    {
        var blocks = Blocks("coming-from-prisma.md");
        var (_, prisma, fromPrisma) = blocks.Single(b => b.Language == "prisma");
        Assert.Equal(fromPrisma, PrismaImport.Import(new SourceText("schema.prisma", prisma), Limits.Default).Text);
        var (_, json, fromJson) = blocks.Single(b => b.Language == "json");
        Assert.Equal(fromJson, JsonSchemaImport.Import(new SourceText("api.json", json), Limits.Default).Text);
    }

    [Fact]
    public void Projections_shows_a_schema_that_is_read_without_findings()
    {
        var (_, schema, _) = Blocks("projections.md").Single(b => b.Language == "plinth");
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", schema)]);
        Assert.Empty(reading.Diagnostics.Select(DiagnosticText.Render));
        Assert.Equal(SchemaFormatter.Format(new SourceText("schema.plinth", schema)), schema);
    }

    /// <summary>The fenced blocks of a guide, each with the one behind it.</summary>
    static List<(string Language, string Text, string Next)> Blocks(string guide)
    {
        string text = File.ReadAllText(Path.Combine(Corpus.Root, "docs/guides", guide));
        Match[] found = [.. Fence().Matches(text).Cast<Match>()];
        return [.. found.Select((m, i) => (m.Groups[1].Value, m.Groups[2].Value,
            i + 1 < found.Length ? found[i + 1].Groups[2].Value : ""))];
    }

    [GeneratedRegex("^```([a-z]+)[^\n]*\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
