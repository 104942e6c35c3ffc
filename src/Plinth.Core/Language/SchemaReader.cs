using System.Collections.Immutable;
using Plinth.Language.Yaml;
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

    public static SchemaReading Read(IReadOnlyList<SourceText> sources, Limits limits) => Read(sources, limits, yaml: null);

    /// <param name="yaml">The events of a YAML text, by whoever holds the library; without it every source is native.</param>
    public static SchemaReading Read(IReadOnlyList<SourceText> sources, Limits limits, Func<SourceText, IEnumerable<YamlEvent>>? yaml)
    {
        Findings findings = new(limits.SchemaFindings);
        List<SchemaSyntax> files = [];
        foreach (SourceText source in sources)
        {
            SourceText native = yaml is not null && YamlNotation.IsYaml(source)
                ? YamlNotation.ToNative(source, yaml(source), findings, limits)
                : source;
            files.Add(Parser.Parse(native, findings, limits));
        }
        PlatformModels platform = PlatformModels.For(files, findings);
        AppSchema? schema = Binder.Bind(files, platform, findings, limits);
        return new SchemaReading(findings.HasErrors ? null : schema, findings.InOrder(sources));
    }
}
