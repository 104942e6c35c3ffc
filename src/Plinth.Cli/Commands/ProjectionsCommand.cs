using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Hosting;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Projections;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth projections</c>: how they stand, whether they are right, and building them anew.</summary>
static class ProjectionsCommand
{
    public static Command Build(Shell shell) => new("projections", "What is counted together over records")
    {
        List(shell), Rebuild(shell), Verify(shell),
    };

    static Option<string[]> Named() => new("--projection")
    {
        Description = "Of this projection only; may be given more than once", HelpName = "Name",
    };

    static Command List(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command list = new("list", "List the projections, and how much of the log each has seen") { folder, CommonOptions.Data };
        list.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            foreach (ProjectionReport report in engine.Projections.Report(engine.Current.Schema, cancel))
                await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json) ? Json(report) : Text(report));
            return ExitCode.Done;
        }, cancel));
        return list;
    }

    static Command Rebuild(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string[]> named = Named();
        Command rebuild = new("rebuild", "Count the records anew, beside the rows that are read, and swap them")
        {
            folder, named, CommonOptions.Data,
        };
        rebuild.SetAction((parsed, cancel) => OpenedAsync(shell, parsed, parsed.GetValue(folder), engine =>
            EachAsync(shell, parsed, engine, parsed.GetValue(named), "building", async (model, progress) =>
            {
                long started = shell.Time.GetTimestamp(), records = 0;
                Result<ProjectionState> built = await engine.Projections.BuildAsync(engine.Current.Schema, model, count =>
                {
                    records = Math.Max(records, count);
                    progress(count);
                }, cancel);
                if (built.Failed(out Fault? fault, out ProjectionState? state))
                {
                    SchemaLoading.Show(shell, fault);
                    return ExitCode.Failed;
                }
                await shell.Out.WriteLineAsync(Built(shell, parsed, model, records, state, started));
                return ExitCode.Done;
            }), cancel));
        return rebuild;
    }

    static Command Verify(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string[]> named = Named();
        Command verify = new("verify", "Count the records anew, and compare with the rows") { folder, named, CommonOptions.Data };
        verify.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), (_, engine) =>
            EachAsync(shell, parsed, engine, parsed.GetValue(named), "comparing", async (model, progress) =>
            {
                ProjectionVerification found = engine.Projections.Verify(engine.Current.Schema, model, progress, cancel);
                await shell.Out.WriteLineAsync(Compared(parsed, model, found));
                return found.Differences.Count == 0 ? ExitCode.Done : ExitCode.Found;
            }), cancel));
        return verify;
    }

    /// <summary>For writing to the projections alone: nothing is migrated, and nobody here follows the log meanwhile.</summary>
    static async Task<int> OpenedAsync(
        Shell shell, ParseResult parsed, string? folder, Func<Engine, Task<int>> work, CancellationToken cancel)
    {
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        if (SchemaLoading.Load(shell, opened) is not { } schema) return ExitCode.Found;
        EngineOptions options = Composition.Engine(opened, shell.Time, migrate: false) with { KeepsProjections = false };
        return await EngineSession.RunAsync(shell, opened, schema, options, (_, engine) => work(engine), cancel);
    }

    static async Task<int> EachAsync(
        Shell shell, ParseResult parsed, Engine engine, string[]? names, string what, Func<Model, Action<long>, Task<int>> work)
    {
        List<Model> all = [.. ProjectionKeeper.ProjectionsOf(engine.Current.Schema)];
        foreach (string name in names ?? [])
        {
            if (all.Exists(m => string.Equals(m.Name, name, StringComparison.Ordinal))) continue;
            string hint = Names.DidYouMean(name, all.Select(static m => m.Name)) is { } near ? $" ({near})" : "";
            await shell.Error.WriteLineAsync($"plinth: there is no projection '{name}'{hint}");
            return ExitCode.WrongUse;
        }
        int code = ExitCode.Done;
        foreach (Model model in all.Where(m => names is null or [] || names.Contains(m.Name, StringComparer.Ordinal)))
        {
            long records = engine.Projections.CountRecords(engine.Current.Schema, model);
            int one = await Progress.RunAsync(
                shell, parsed.GetValue(CommonOptions.NoColor), $"{what} {model.Name}", records, progress => work(model, progress));
            code = Math.Max(code, one);
        }
        return code;
    }

    static string Text(ProjectionReport report)
    {
        string seen = report.State is not { } state ? "not built yet" : report.Behind == 0
            ? $"up to date, built {Time(state)}"
            : string.Create(CultureInfo.InvariantCulture, $"{report.Behind} events behind, built {Time(state)}");
        return $"{report.Projection.Name,-24} from {report.From,-16} {seen}";
    }

    static string Json(ProjectionReport report)
    {
        string built = report.State is { } state ? JsonLine.Text(Time(state)) : "null";
        return string.Create(CultureInfo.InvariantCulture,
            $$"""{"name":"{{report.Projection.Name}}","from":"{{report.From}}","position":"{{report.State?.Position ?? 0}}",""")
            + string.Create(CultureInfo.InvariantCulture, $"\"behind\":{report.Behind},\"builtAt\":{built}}}");
    }

    static string Built(Shell shell, ParseResult parsed, Model model, long records, ProjectionState state, long started)
    {
        double seconds = shell.Time.GetElapsedTime(started).TotalSeconds;
        return parsed.GetValue(CommonOptions.Json)
            ? string.Create(CultureInfo.InvariantCulture,
                $$"""{"name":"{{model.Name}}","records":{{records}},"position":"{{state.Position}}","seconds":{{seconds:0.000}}}""")
            : string.Create(CultureInfo.InvariantCulture,
                $"{model.Name}: {records} records in {seconds:0.00} s, as of position {state.Position}");
    }

    static string Compared(ParseResult parsed, Model model, ProjectionVerification found)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            string differences = string.Join(',', found.Differences.Select(JsonLine.Text));
            return string.Create(CultureInfo.InvariantCulture,
                $$"""{"name":"{{model.Name}}","records":{{found.Records}},"rows":{{found.Rows}},"differences":[{{differences}}]}""");
        }
        string head = string.Create(CultureInfo.InvariantCulture, $"{model.Name}: {found.Rows} rows of {found.Records} records: ");
        return found.Differences.Count == 0 ? head + "as a fresh count gives"
            : head + "different; plinth projections rebuild counts anew\n  " + string.Join("\n  ", found.Differences);
    }

    static string Time(ProjectionState state) => DateTimeType.It.Format(Value.FromDateTime(state.BuiltAt));
}
