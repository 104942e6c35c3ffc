using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Hosting;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth followers list|resume|skip</c>: what keeps its place in the log (sinks), and what stands still because an event failed too
/// often. A running server takes up a follower again by itself: on PostgreSQL the command tells the database, embedded it asks the server,
/// which alone writes to the data folder, as its operator would (<c>POST /followers/{name}/resume</c>).
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
        Command command = new(name, description) { follower, folder, CommonOptions.Data, CommonOptions.Port };
        command.SetAction((parsed, cancel) =>
        {
            if (isSkipped && !parsed.GetValue(CommonOptions.Yes))
            {
                shell.Error.WriteLine("plinth: what is skipped is not sent any more; say --yes");
                return Task.FromResult(ExitCode.WrongUse);
            }
            if (OpenedProject.Open(shell, parsed, parsed.GetValue(folder)) is not { } opened) return Task.FromResult(ExitCode.WrongUse);
            if (SchemaLoading.Load(shell, opened) is not { } schema) return Task.FromResult(ExitCode.Found);
            return EngineSession.GuardAsync(shell, () =>
                UnparkAsync(shell, opened, schema, parsed.GetRequiredValue(follower), isSkipped, cancel));
        });
        return command;
    }

    static async Task<int> UnparkAsync(
        Shell shell, OpenedProject opened, AppSchema schema, string name, bool isSkipped, CancellationToken cancel)
    {
        EngineOptions options = Composition.Engine(opened, shell.Time, migrate: false) with { KeepsProjections = false };
        try
        {
            if ((await Engine.OpenAsync(options, schema, cancel)).Failed(out Fault? fault, out Engine? engine))
            {
                SchemaLoading.Show(shell, fault);
                return ExitCode.Failed;
            }
            await using (engine) return await UnparkAsync(shell, engine, name, isSkipped, cancel);
        }
        catch (StoreException held) when (held.Failure == StoreFailure.Unavailable && Composition.Server(opened.Settings) is null)
        {
            // A server has the folder, and it alone writes there.
            return await AskAsync(shell, opened, name, isSkipped, held, cancel);
        }
    }

    static async Task<int> AskAsync(
        Shell shell, OpenedProject opened, string name, bool isSkipped, StoreException held, CancellationToken cancel)
    {
        OperatorCall server = OperatorCall.To(opened);
        try
        {
            var (status, message) =
                await server.PostAsync($"/followers/{Uri.EscapeDataString(name)}/{(isSkipped ? "skip" : "resume")}", cancel);
            if (status == 204) return ExitCode.Done;
            await shell.Error.WriteLineAsync($"plinth: {message}");
            if (status == 400) return ExitCode.WrongUse;
            return status == 404 && message.Contains(name, StringComparison.Ordinal) ? ExitCode.Found : ExitCode.Failed;
        }
        catch (HttpRequestException unreachable)
        {
            await shell.Error.WriteLineAsync($"plinth: {held.Message}");
            await shell.Error.WriteLineAsync($"plinth: nor does a server answer at {server.Address}: {unreachable.Message}");
            await shell.Error.WriteLineAsync("  hint: --port is the port that it listens on");
            return ExitCode.Failed;
        }
    }

    static async Task<int> UnparkAsync(Shell shell, Engine engine, string name, bool isSkipped, CancellationToken cancel)
    {
        if (await engine.GoOnAsync(name, isSkipped, cancel) is not { } fault) return ExitCode.Done;
        SchemaLoading.Show(shell, fault);
        return CodeOf(fault.Kind);
    }

    static int CodeOf(FaultCode kind) =>
        kind == Faults.NotFound ? ExitCode.Found : kind == Faults.MalformedParameter ? ExitCode.WrongUse : ExitCode.Failed;

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
