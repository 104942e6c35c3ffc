using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth followers list|resume|skip</c>: what keeps its place in the log (sinks), and what stands still because an event failed too
/// often. Where a server runs on the same PostgreSQL, it takes up a follower again by itself; an embedded one does so when it starts.
/// </summary>
static class FollowersCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command list = new("list", "How far each has come, and why it stands still") { folder, CommonOptions.Data };
        list.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            using Connection reader = engine.Store.Database.OpenReader();
            long head = EventLog.ReadHead(reader).Position;
            foreach (FollowerRow follower in FollowerTable.All(reader))
                await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json) ? Json(follower, head) : Text(follower, head));
            return ExitCode.Done;
        }, cancel));
        return new("followers", "What follows the log and keeps its place: sinks")
        {
            list,
            Unpark(shell, "resume", "Let a parked one try again, from the event that it failed over", isSkipped: false),
            Unpark(shell, "skip", "Let a parked one go on behind the event that it failed over, which it never gets", isSkipped: true),
        };
    }

    static Command Unpark(Shell shell, string name, string description, bool isSkipped)
    {
        Argument<string> follower = new("name") { Description = "The follower's name, as list says it" };
        Argument<string?> folder = CommonOptions.Folder();
        Command command = new(name, description) { follower, folder, CommonOptions.Data };
        command.SetAction((parsed, cancel) =>
        {
            if (isSkipped && !parsed.GetValue(CommonOptions.Yes))
            {
                shell.Error.WriteLine("plinth: what is skipped is not sent any more; say --yes");
                return Task.FromResult(ExitCode.WrongUse);
            }
            return EngineSession.RunAsync(shell, parsed, parsed.GetValue(folder), (_, engine) =>
                UnparkAsync(shell, engine, parsed.GetRequiredValue(follower), isSkipped, cancel), cancel);
        });
        return command;
    }

    static async Task<int> UnparkAsync(Shell shell, Engine engine, string name, bool isSkipped, CancellationToken cancel)
    {
        Result<bool> done = await engine.Store.Committer.RunAsync(FollowerTable.Unpark(name, isSkipped), cancel);
        if (done.Failed(out Fault? fault, out bool wasParked))
        {
            SchemaLoading.Show(shell, fault);
            return ExitCode.Failed;
        }
        if (wasParked) return ExitCode.Done;
        await shell.Error.WriteLineAsync($"plinth: no follower '{name}' is parked");
        return ExitCode.Found;
    }

    static string Text(FollowerRow follower, long head) => string.Create(
        CultureInfo.InvariantCulture, $"{follower.Name}  at {follower.Position}, {Math.Max(0, head - follower.Position)} behind")
        + (follower.Error is { } error
            ? string.Create(CultureInfo.InvariantCulture, $"  parked over {follower.FailedAt}: {error}") : "");

    static string Json(FollowerRow follower, long head) => string.Create(CultureInfo.InvariantCulture,
        $"{{\"name\":{JsonLine.Text(follower.Name)},\"position\":{follower.Position},\"behind\":{Math.Max(0, head - follower.Position)},")
        + (follower.Error is { } error
            ? string.Create(CultureInfo.InvariantCulture, $"\"failedAt\":{follower.FailedAt},\"error\":{JsonLine.Text(error)}}}")
            : "\"failedAt\":null,\"error\":null}");
}
