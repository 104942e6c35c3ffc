using Plinth.Cli.Schemas;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>Reading YAML schemas in tests, in one word.</summary>
static class YamlSchemas
{
    public static SchemaReading Read(string text, Limits? limits = null) =>
        SchemaReader.Read([new SourceText("schema.yaml", text)], limits ?? Limits.Default, YamlEvents.Of);

    public static AppSchema Load(string text)
    {
        SchemaReading reading = Read(text);
        Assert.True(reading.Schema is not null, string.Join("\n\n", reading.Diagnostics.Select(DiagnosticText.Render)) + "\n" + text);
        return reading.Schema;
    }

    /// <summary><c>line:column code</c> of each finding, in order.</summary>
    public static string[] Places(string text, Limits? limits = null) => [.. Read(text, limits).Diagnostics.Select(d =>
    {
        var (line, column) = d.Source.Position(d.Span.Start);
        return $"{line}:{column} {d.Code}";
    })];

    /// <summary>A file with one collection, whose fields are given as lines below <c>fields:</c>.</summary>
    public static string WithFields(string fields, string more = "") => $"""
        version: 1
        collections:
          things:
            fields:
              id: uuid
        {string.Join('\n', fields.Split('\n').Select(l => "      " + l))}
            key: id
            rules: [{"{ allow: read, when: \"true\" }"}]
        {more}
        """;
}
