using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Store;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth audit verify</c>: the chain of the log's hashes, from the first event to the last.</summary>
static class AuditCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command verify = new("verify", "Check that no event was changed, removed or inserted") { folder, CommonOptions.Data };
        verify.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            using Connection reader = engine.Store.Database.OpenReader();
            LogVerification found = EventLog.Verify(reader, cancel);
            await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json) ? Json(found) : Text(found));
            return found.Wrong is null ? ExitCode.Done : ExitCode.Found;
        }, cancel));
        return new("audit", "The log as evidence") { verify };
    }

    static string Text(LogVerification found) => string.Create(CultureInfo.InvariantCulture,
        $"{found.Events} events in {found.Commits} commits: {found.Wrong ?? "as they were written"}");

    static string Json(LogVerification found)
    {
        string wrong = found.Wrong is null ? "null" : JsonLine.Text(found.Wrong);
        return string.Create(
            CultureInfo.InvariantCulture, $$"""{"events":{{found.Events}},"commits":{{found.Commits}},"wrong":{{wrong}}}""");
    }
}
