using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Hosting;
using Plinth.Cli.Policies;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Store.Sqlite;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth test [folder]</c>: the policy tests of a project, each on an empty database of its own that is gone afterwards.
/// </summary>
static class TestCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string?> filter = new("--filter") { Description = "Only tests whose title or file contains the text", HelpName = "text" };
        Command command = new("test", "Run the policy tests: policies/*.policy.test") { folder, filter };
        command.SetAction((parsed, cancel) => EngineSession.GuardAsync(
            shell, () => RunAsync(shell, parsed, parsed.GetValue(folder), parsed.GetValue(filter) ?? "", cancel)));
        return command;
    }

    static async Task<int> RunAsync(Shell shell, ParseResult parsed, string? folder, string filter, CancellationToken cancel)
    {
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        if (SchemaLoading.Load(shell, opened) is not { } schema) return ExitCode.Found;
        string policies = Path.Combine(opened.Project.Folder, "policies");
        string[] files = Directory.Exists(policies) ? Directory.GetFiles(policies, "*.policy.test", SearchOption.AllDirectories) : [];
        if (files.Length == 0)
        {
            await shell.Error.WriteLineAsync("plinth: no policies/*.policy.test in the project");
            return ExitCode.WrongUse;
        }
        int tests = 0, expectations = 0;
        List<string> problems = [], failures = [];
        foreach (string file in files.Order(StringComparer.Ordinal))
        {
            string shown = Path.GetRelativePath(shell.Folder, file);
            var (read, wrong) = PolicyTestFile.Read(shown, await File.ReadAllTextAsync(file, cancel));
            problems.AddRange(wrong);
            foreach (PolicyTest test in wrong.IsEmpty ? read : [])
            {
                if (!$"{shown} {test.Title}".Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
                var (failed, looked) = await PlayAsync(opened, schema, shell.Time, shown, test, cancel);
                failures.AddRange(failed);
                (tests, expectations) = (tests + 1, expectations + looked);
            }
        }
        foreach (string problem in problems) await shell.Error.WriteLineAsync(problem);
        foreach (string failure in failures) await shell.Out.WriteLineAsync(failure);
        await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json)
            ? string.Create(CultureInfo.InvariantCulture,
                $$"""{"tests":{{tests}},"expectations":{{expectations}},"failures":{{failures.Count}},"problems":{{problems.Count}}}""")
            : string.Create(CultureInfo.InvariantCulture, $"{tests} tests, {expectations} expectations, {failures.Count} failed"));
        return problems.Count > 0 ? ExitCode.WrongUse : failures.Count > 0 ? ExitCode.Found : ExitCode.Done;
    }

    static async Task<(ImmutableArray<string> Failures, int Expectations)> PlayAsync(
        OpenedProject opened, AppSchema schema, TimeProvider time, string path, PolicyTest test, CancellationToken cancel)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("plinth-test-");
        try
        {
            EngineOptions options = Composition.Engine(opened, time, migrate: true);
            // Whatever database the project is served from: what a test writes is nobody's.
            options = options with
            {
                Store = options.Store with { Folder = folder.FullName, Durability = Durability.Off },
                OpenDatabase = SqliteDatabase.Open,
            };
            Result<Engine> result = await Engine.OpenAsync(options, schema, cancel);
            if (result.Failed(out Fault? fault, out Engine? engine)) return ([$"{path}:{test.Line}: {fault.Message}"], 0);
            await using (engine)
            {
                PolicyTestRun run = new(engine, path);
                return (await run.PlayAsync(test, cancel), run.Expectations);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
