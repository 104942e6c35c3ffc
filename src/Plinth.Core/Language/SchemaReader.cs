using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language;

/// <param name="Schema">Null exactly when an error is among the diagnostics.</param>
/// <param name="Diagnostics">In the order of the files, then of their text.</param>
sealed record SchemaReading(AppSchema? Schema, ImmutableArray<Diagnostic> Diagnostics);

/// <summary>Text → checked model: the one way into a schema.</summary>
static class SchemaReader
{
    /// <summary>Reads files as one schema, in any order.</summary>
    public static SchemaReading Read(IReadOnlyList<SourceText> sources) => Read(sources, Limits.Default);

    public static SchemaReading Read(IReadOnlyList<SourceText> sources, Limits limits)
    {
        Findings findings = new(limits.SchemaFindings);
        List<SchemaSyntax> files = [];
        foreach (SourceText source in sources) files.Add(Parser.Parse(source, findings, limits));
        AppSchema? schema = Binder.Bind(files, findings, limits);
        return new SchemaReading(findings.HasErrors ? null : schema, findings.InOrder(sources));
    }
}
