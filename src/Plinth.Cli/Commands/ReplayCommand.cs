using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Transfer;
using Plinth.Log;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth replay</c>: folds the whole log and compares the outcome with the tables. They must be equal.</summary>
static class ReplayCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string[]> models = new("--model") { Description = "Only this model (may be given again)", HelpName = "name" };
        Option<long> from = new("--from")
        {
            Description = "Begin after this position, with the records as they were there", HelpName = "position",
        };
        Option<bool> verify = new("--verify") { Description = "Also follow the chain of hashes, as audit verify does" };
        Command command = new("replay", "Rebuild every table from the log, beside the real ones, and compare")
        {
            folder, models, from, verify, CommonOptions.Data,
        };
        command.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            ReplayScope scope = new([.. parsed.GetValue(models) ?? []], parsed.GetValue(from));
            if (scope.Models.FirstOrDefault(name => engine.Current.Schema.FindModel(name) is null) is { } unknown)
            {
                await shell.Error.WriteLineAsync($"plinth: there is no model '{unknown}'");
                return ExitCode.WrongUse;
            }
            if (parsed.GetValue(verify) && engine.Store.Verify(cancel).Wrong is { } wrong)
            {
                await shell.Error.WriteLineAsync("plinth: " + wrong);
                return ExitCode.Found;
            }
            long started = shell.Time.GetTimestamp();
            ReplayReport report = await Progress.RunAsync(
                shell, parsed.GetValue(CommonOptions.NoColor), "replaying", engine.Position - scope.From,
                progress => Task.FromResult(engine.Replay(scope, (at, _) => progress(at - scope.From), cancel)),
                unit: "events");
            if (report.Refused is { } refused)
            {
                await shell.Error.WriteLineAsync("plinth: " + refused);
                return ExitCode.Failed;
            }
            double seconds = shell.Time.GetElapsedTime(started).TotalSeconds;
            await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json) ? Json(report, seconds) : Text(report, seconds));
            return report.Differences.Count == 0 ? ExitCode.Done : ExitCode.Found;
        }, cancel));
        return command;
    }

    static string Text(ReplayReport report, double seconds)
    {
        double speed = report.Events / Math.Max(seconds, 0.001);
        string head = string.Create(CultureInfo.InvariantCulture,
            $"{report.Events} events, {report.Records} records in {seconds:0.00} s ({speed:0} events/s): ");
        return report.Differences.Count == 0 ? head + "equal to the tables" : head + "different\n  "
            + string.Join("\n  ", report.Differences);
    }

    static string Json(ReplayReport report, double seconds)
    {
        string differences = string.Join(',', report.Differences.Select(JsonLine.Text));
        return string.Create(CultureInfo.InvariantCulture, $"{{\"events\":{report.Events},\"records\":{report.Records},")
            + string.Create(
                CultureInfo.InvariantCulture,
                    $"\"seconds\":{seconds:0.000},\"eventsPerSecond\":{report.Events / Math.Max(seconds, 0.001):0},")
            + $"\"differences\":[{differences}]}}";
    }
}
