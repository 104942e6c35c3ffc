using System.Collections.Immutable;
using Plinth.Cli.Hosting;
using Plinth.Cli.Schemas;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>Reads a project's schema for commands that need a good one; mistakes are shown where they are.</summary>
static class SchemaLoading
{
    /// <summary>Null when the schema has mistakes; then they were shown.</summary>
    public static AppSchema? Load(Shell shell, OpenedProject opened)
    {
        SchemaReading reading = Read(
            opened.Project.Sources(shell.Folder), opened.Settings.Limits(), Composition.Dialect(opened.Settings));
        Show(shell, reading.Diagnostics);
        return reading.Schema;
    }

    /// <summary>The schema, if it is sound and the database can decide what its rules leave to it.</summary>
    public static SchemaReading Read(IReadOnlyList<SourceText> sources, Limits limits, Dialect dialect)
    {
        return Lowered(SchemaReader.Read(sources, limits, YamlEvents.Of), dialect);
    }

    static SchemaReading Lowered(SchemaReading reading, Dialect dialect)
    {
        if (reading.Schema is not { } schema) return reading;
        ImmutableArray<Diagnostic> refused = RuleLowering.Check(schema, dialect);
        return refused.IsEmpty ? reading : new SchemaReading(null, [.. reading.Diagnostics, .. refused]);
    }

    /// <summary>
    /// The same with what is said of rules that are hardly meant. Both look at every condition, so they do it side by side.
    /// </summary>
    public static async Task<SchemaReading> AdviseAsync(IReadOnlyList<SourceText> sources, Limits limits, Dialect dialect)
    {
        SchemaReading reading = SchemaReader.Read(sources, limits, YamlEvents.Of);
        if (reading.Schema is not { } schema) return reading;
        Task<ImmutableArray<Diagnostic>> advice = Task.Run(() => RuleAdvice.Of(schema));
        SchemaReading lowered = Lowered(reading, dialect);
        // What the product brings is as it is meant to be.
        IEnumerable<Diagnostic> said = (await advice).Where(d => !PlatformModels.IsOurs(d.Source));
        return lowered.Schema is null ? lowered : new SchemaReading(schema, [.. reading.Diagnostics, .. said]);
    }

    public static void Show(Shell shell, ImmutableArray<Diagnostic> diagnostics)
    {
        foreach (Diagnostic found in diagnostics) shell.Error.WriteLine(DiagnosticText.Render(found));
    }

    /// <summary>A fault as a person reads it on the command line.</summary>
    public static void Show(Shell shell, Fault fault)
    {
        shell.Error.WriteLine($"plinth: {fault.Message}");
        foreach (FaultDetail detail in fault.Details)
            shell.Error.WriteLine(detail.Field.Length == 0 ? $"  {detail.Message}" : $"  {detail.Field}: {detail.Message}");
        if (fault.Hint is { } hint) shell.Error.WriteLine($"  hint: {hint}");
    }
}
