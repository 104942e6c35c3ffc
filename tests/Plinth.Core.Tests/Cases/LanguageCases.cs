using System.Text;
using Plinth.Cli.Schemas;
using Plinth.Language;
using Plinth.Language.Cstack;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cases;

/// <summary>
/// <c>cases/language</c>: schema texts (<c>-- schema [file name] --</c>, several are read as one) and what reading them gives: the
/// diagnostics, the canonical JSON of the model, or the formatted text. A case that lists no diagnostics has none.
/// </summary>
public class LanguageCases
{
    public static TheoryData<string> Paths => Corpus.Of("language");

    [Theory]
    [MemberData(nameof(Paths))]
    public void Holds(string path)
    {
        CaseFile file = Corpus.Read(path);
        file.AllowOnly("schema", "diagnostics", "json", "fmt");
        SourceText[] sources = [.. file.All("schema").Select(Source)];
        SchemaReading reading = SchemaReader.Read(sources, Limits.Default, YamlEvents.Of);
        string diagnostics = string.Join('\n', reading.Diagnostics.Select(Line));
        if (file.Find("diagnostics") is { } expected) file = Golden.Holds(file, expected, diagnostics);
        else Assert.True(diagnostics.Length == 0, $"{path}: diagnostics that the case does not list:\n{diagnostics}");

        if (file.Find("json") is { } json)
        {
            Assert.NotNull(reading.Schema);
            byte[] written = SchemaJson.Write(reading.Schema);
            file = Golden.Holds(file, json, Encoding.UTF8.GetString(written));
            Assert.Equal(written, SchemaJson.Write(SchemaJson.Read(written)));
        }
        if (file.Find("fmt") is { } formatted)
        {
            string text = SchemaFormatter.Format(sources.Single());
            Golden.Holds(file, formatted, text);
            Assert.Equal(text, SchemaFormatter.Format(new SourceText("schema.plinth", text)));
        }
        if (sources is [var only] && CstackReader.IsCstack(only) && reading.Schema is { } schema) ReadsAlikeWhenFormatted(only, schema);
    }

    /// <summary>What fmt writes is native, and says what the file said, whatever the file is called.</summary>
    static void ReadsAlikeWhenFormatted(SourceText source, AppSchema schema)
    {
        string text = SchemaFormatter.Format(source);
        foreach (string path in (string[])["schema.plinth", source.Path])
        {
            SchemaReading again = SchemaReader.Read([new SourceText(path, text)]);
            Assert.True(again.Schema is not null, string.Join("\n\n", again.Diagnostics.Select(DiagnosticText.Render)));
            Assert.Equal(Encoding.UTF8.GetString(SchemaJson.Write(schema)), Encoding.UTF8.GetString(SchemaJson.Write(again.Schema)));
        }
    }

    static SourceText Source(CaseSection section) =>
        new(section.Arguments.Length == 0 ? "schema.plinth" : section.Arguments, section.Content);

    /// <summary>One line per finding; the excerpt with its caret has tests of its own.</summary>
    static string Line(Diagnostic d) => $"{d.Place} {d.Severity.ToString().ToLowerInvariant()} {d.Code}: {d.Message}"
        + (d.Hint is null ? "" : $" · {d.Hint}");
}
