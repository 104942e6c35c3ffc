using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// From one notation to the other, lossless or not at all: what was written is read again, and must be the same model to the last byte of
/// its canonical JSON.
/// </summary>
static class YamlConversion
{
    /// <param name="yaml">The events of a YAML text.</param>
    /// <returns>The file, or what the notation cannot carry.</returns>
    public static (string? Text, string? Lost) ToYaml(AppSchema schema, Func<SourceText, IEnumerable<YamlEvent>> yaml, Limits limits)
    {
        if (schema.Channels is [var channel, ..]) return (null, $"YAML has no form for a channel: '{channel.Name}'");
        if (schema.Models.FirstOrDefault(static m => m.Projection is not null) is { } projection)
            return (null, $"YAML has no form for a projection: '{projection.Name}'");
        if (schema.Version != 1) return (null, "YAML has no form for app { version = … }, nor for what it is there for: @upcast");
        string text = YamlWriter.Write(schema);
        return Held(schema, text, SchemaReader.Read([new SourceText("schema.yaml", text)], limits, yaml), "YAML");
    }

    /// <param name="sources">Files of either notation, which were read as <paramref name="schema"/>.</param>
    public static (string? Text, string? Lost) ToNative(
        AppSchema schema, IReadOnlyList<SourceText> sources, Func<SourceText, IEnumerable<YamlEvent>> yaml, Limits limits)
    {
        StringBuilder text = new();
        foreach (SourceText source in sources)
        {
            Findings findings = new(limits.SchemaFindings);
            SourceText native = YamlNotation.IsYaml(source) ? YamlNotation.ToNative(source, yaml(source), findings, limits) : source;
            // Kept by the file alone: the model knows nothing of it.
            if (findings.InOrder([source]).FirstOrDefault(d => d.Code == Codes.KeptForLater) is { } kept)
                return (null, $"the native notation has no words for this yet: {kept.Message}");
            if (text.Length > 0) text.Append('\n');
            text.Append(SchemaFormatter.Format(native, limits));
        }
        return Held(schema, text.ToString(), SchemaReader.Read([new SourceText("schema.plinth", text.ToString())], limits),
            "the native notation");
    }

    static (string?, string?) Held(AppSchema schema, string text, SchemaReading reading, string notation)
    {
        if (reading.Schema is not { } read)
            return (null, $"{notation} cannot carry this: {reading.Diagnostics.First(d => d.Severity == Severity.Error).Message}");
        string[] before = Lines(schema), after = Lines(read);
        if (before.SequenceEqual(after, StringComparer.Ordinal)) return (text, null);
        int at = before.Zip(after).TakeWhile(p => string.Equals(p.First, p.Second, StringComparison.Ordinal)).Count();
        string where = before.Take(at).LastOrDefault(l => l.StartsWith("      \"name\"", StringComparison.Ordinal))?.Trim(' ',
            ',') ?? "the schema";
        string lost = at < before.Length ? before[at].Trim() : "the end";
        return (null, $"{notation} cannot carry a part of {where}: {lost}");
    }

    static string[] Lines(AppSchema schema) => Encoding.UTF8.GetString(SchemaJson.Write(schema)).Split('\n');
}
