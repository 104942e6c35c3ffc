using System.Collections.Immutable;
using System.CommandLine;
using System.Text;
using Plinth.Cli.Projects;
using Plinth.Language;
using Plinth.Sql.Dialects.Sqlite;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth check [path]</c>: every mistake of the schema in one run.</summary>
static class CheckCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> path = CommonOptions.Folder();
        Command command = new("check", "Check the schema: all mistakes at once") { path };
        command.SetAction((parsed, _) => RunAsync(shell, parsed.GetValue(path), parsed.GetValue(CommonOptions.Json)));
        return command;
    }

    static async Task<int> RunAsync(Shell shell, string? path, bool json)
    {
        if (SchemaFiles.Find(shell, path) is not { } sources) return ExitCode.WrongUse;
        SchemaReading reading = await SchemaLoading.AdviseAsync(sources, Limits.Default, SqliteDialect.It);
        if (json) await shell.Out.WriteLineAsync(Encoding.UTF8.GetString(DiagnosticText.Json(reading.Diagnostics)));
        else Print(shell, reading);
        return reading.Schema is null ? ExitCode.Found : ExitCode.Done;
    }

    static void Print(Shell shell, SchemaReading reading)
    {
        foreach (Diagnostic found in reading.Diagnostics) shell.Out.WriteLine(DiagnosticText.Render(found));
        int errors = reading.Diagnostics.Count(d => d.Severity == Severity.Error), warnings = reading.Diagnostics.Length - errors;
        string models = reading.Schema is { } schema ? $"{Count(schema.Models.Length, "model")}, " : "";
        shell.Out.WriteLine($"{models}{Count(errors, "error")}, {Count(warnings, "warning")}");
    }

    internal static string Count(int count, string noun) => count == 1 ? "1 " + noun : $"{count} {noun}s";
}

/// <summary>The schema files that a command is pointed at: a file, a project folder, or the project found upwards from here.</summary>
static class SchemaFiles
{
    /// <summary>Null when nothing is there; then it was said.</summary>
    public static ImmutableArray<SourceText>? Find(Shell shell, string? path)
    {
        string start = Path.GetFullPath(Path.Combine(shell.Folder, path ?? "."));
        if (File.Exists(start)) return [new SourceText(path ?? start, File.ReadAllText(start))];
        Project? project = path is null || (Directory.Exists(start) && Project.IsProject(start)) ? Project.Find(start) : null;
        if (project is not null) return project.Sources(shell.Folder);
        shell.Error.WriteLine($"plinth: no {Project.SchemaFile} in {path ?? "this folder or above it"}");
        return null;
    }
}
