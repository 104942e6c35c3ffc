using System.CommandLine;
using System.Globalization;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth audit verify|checkpoint|cut</c>: the chain of the log's hashes, signed statements of where it was, and retention.
/// </summary>
static class AuditCommand
{
    public static Command Build(Shell shell) =>
        new("audit", "The log as evidence") { BuildVerify(shell), BuildCheckpoint(shell), BuildCut(shell) };

    static Command BuildVerify(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string[]> checkpoints = new("--checkpoint")
        {
            Description = "A file made by audit checkpoint, which the log must agree with (may be given again)", HelpName = "file",
        };
        Option<string?> key = new("--key")
        {
            Description = "The public key that signed them (default: that of the data folder)", HelpName = "base64",
        };
        Command verify = new("verify", "Check that no event was changed, removed or inserted")
        {
            folder, checkpoints, key, CommonOptions.Data,
        };
        verify.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            List<SignedCheckpoint> expected = [];
            string signer = parsed.GetValue(key) ?? Convert.ToBase64String(SignedCheckpoint.PublicKey(engine.Store.Keys));
            string? wrong = Read(parsed.GetValue(checkpoints) ?? [], signer, expected, out byte[] signing);
            if (wrong is not null)
            {
                await shell.Error.WriteLineAsync("plinth: " + wrong);
                return ExitCode.Found;
            }
            using Connection reader = engine.Store.Database.OpenReader();
            LogVerification found = EventLog.Verify(reader, signing, expected, cancel);
            await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json) ? Json(found) : Text(found, expected.Count));
            return found.Wrong is null ? ExitCode.Done : ExitCode.Found;
        }, cancel));
        return verify;
    }

    static Command BuildCheckpoint(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string?> file = new("--out") { Description = "The file to write (default: the output)", HelpName = "file" };
        Command command = new("checkpoint", "Sign where the log is now; keep the file away from the database")
        {
            folder, file, CommonOptions.Data,
        };
        command.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            using Connection reader = engine.Store.Database.OpenReader();
            string text = SignedCheckpoint.Sign(engine.Store.Keys, EventLog.ReadHead(reader)).Text();
            if (parsed.GetValue(file) is { } path) await File.WriteAllTextAsync(path, text + "\n", cancel);
            else await shell.Out.WriteLineAsync(text);
            return ExitCode.Done;
        }, cancel));
        return command;
    }

    static Command BuildCut(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Option<string> before = new("--before")
        {
            Description = "A time (RFC 3339) or a position: the values of events up to it are taken away",
            HelpName = "moment",
            Required = true,
        };
        Option<string> file = new("--out")
        {
            Description = "Where the signed checkpoint of the cut is written", HelpName = "file", Required = true,
        };
        Option<bool> whole = new("--events")
        {
            Description = "Take the events themselves, too: what happened, when and by whom, in whole parts where the database has them",
        };
        Command command = new("cut", "Retention: take the values of old events away, keep what happened and the hashes")
        {
            folder, before, file, whole, CommonOptions.Data,
        };
        command.SetAction((parsed, cancel) =>
        {
            if (!parsed.GetValue(CommonOptions.Yes))
            {
                shell.Error.WriteLine("plinth: what is taken away does not come back; say --yes");
                return Task.FromResult(ExitCode.WrongUse);
            }
            Cut cut = new(parsed.GetValue(before) ?? "", parsed.GetValue(file) ?? "", parsed.GetValue(whole));
            return EngineSession.RunAsync(
                shell, parsed, parsed.GetValue(folder), (_, engine) => CutAsync(shell, parsed, engine.Store, cut, cancel), cancel);
        });
        return command;
    }

    /// <summary>What is to be taken away, and where it is signed.</summary>
    sealed record Cut(string Before, string File, bool TakesEvents);

    static async Task<int> CutAsync(Shell shell, ParseResult parsed, EventStore store, Cut asked, CancellationToken cancel)
    {
        LogHead? head;
        using (Connection reader = store.Database.OpenReader())
        {
            if (PositionOf(reader, asked.Before) is not { } position)
            {
                await shell.Error.WriteLineAsync("plinth: --before takes a position of the log or an instant as in RFC 3339");
                return ExitCode.WrongUse;
            }
            head = LogCut.HeadAt(reader, position);
        }
        if (head is null)
        {
            await shell.Out.WriteLineAsync("nothing in the log is that old");
            return ExitCode.Done;
        }
        // Before anything is taken away: a cut without its evidence would look like one that somebody else made.
        await File.WriteAllTextAsync(asked.File, SignedCheckpoint.Sign(store.Keys, head).Text() + "\n", cancel);
        Result<long> cut = await Progress.RunAsync(shell, parsed.GetValue(CommonOptions.NoColor), "cutting", head.Position,
            progress => LogCut.RunAsync(store, head.Position, progress, cancel));
        Result<long> start = 0L;
        if (cut.IsOk && asked.TakesEvents) start = await LogStart.MoveAsync(store, head.Position, cancel);
        if (cut.Failed(out Fault? fault, out long removed) || start.Failed(out fault, out _))
        {
            SchemaLoading.Show(shell, fault);
            return ExitCode.Failed;
        }
        await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json)
            ? string.Create(CultureInfo.InvariantCulture, $$"""{"position":{{head.Position}},"payloads":{{removed}},"after":{{start.Value}}}""")
            : string.Create(CultureInfo.InvariantCulture, $"{removed} payloads up to position {head.Position} were taken away")
                + (start.Value == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; the log begins after position {start.Value}")));
        return ExitCode.Done;
    }

    static long? PositionOf(Connection reader, string moment)
    {
        if (long.TryParse(moment, NumberStyles.None, CultureInfo.InvariantCulture, out long position)) return position;
        if (!DateTimeType.It.TryParse(moment, out Value at)) return null;
        using Statement select = PastEvents.PositionAt(reader, at.Ticks - 1, EventLog.ReadHead(reader).Position);
        select.Step();
        return select.ColumnInt64(0);
    }

    /// <summary>Reads the files and the key; what is wrong with one as a sentence.</summary>
    static string? Read(string[] files, string signer, List<SignedCheckpoint> into, out byte[] key)
    {
        key = new byte[signer.Length];
        if (!Convert.TryFromBase64String(signer, key, out int length)) return "--key is not base64";
        key = key[..length];
        foreach (string file in files)
        {
            if (SignedCheckpoint.Read(File.ReadAllText(file)) is not { } read) return $"{file} is no checkpoint";
            if (!read.IsSigned()) return $"{file} was changed after it was signed";
            if (Convert.ToBase64String(read.Key) != signer) return $"{file} was signed by another key";
            into.Add(read);
        }
        return null;
    }

    static string Text(LogVerification found, int checkpoints) => string.Create(CultureInfo.InvariantCulture,
        $"{found.Events} events in {found.Commits} commits{found.From}: {found.Wrong ?? "as they were written"}")
        + (checkpoints > 0 && found.Wrong is null ? ", and as the checkpoints say" : "");

    static string Json(LogVerification found)
    {
        string wrong = found.Wrong is null ? "null" : JsonLine.Text(found.Wrong);
        return string.Create(
            CultureInfo.InvariantCulture, $$"""{"events":{{found.Events}},"commits":{{found.Commits}},"after":{{found.After}},"wrong":{{wrong}}}""");
    }
}
