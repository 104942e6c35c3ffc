using System.CommandLine;
using Plinth.Cli.Transfer;
using Plinth.Log;
using Plinth.Store;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth keys list|rotate</c>: the keys that seal secret values in the log.</summary>
static class KeysCommand
{
    public static Command Build(Shell shell) => new("keys", "The keys that seal secret values in the log")
    {
        BuildList(shell), BuildRotate(shell),
    };

    static Command BuildList(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command command = new("list", "Name the keys, and the one that seals now") { folder, CommonOptions.Data };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), async opened =>
        {
            using LogKeys keys = LogKeys.Open(opened.DataFolder, mayCreate: false);
            foreach (string id in keys.Ids)
            {
                bool seals = id == keys.CurrentId;
                await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json)
                    ? $$"""{"key":{{JsonLine.Text(id)}},"seals":{{(seals ? "true" : "false")}}}"""
                    : seals ? $"{id}  seals" : $"{id}  opens what it sealed");
            }
        }));
        return command;
    }

    static Command BuildRotate(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command command = new("rotate", "Seal with a new key from now on") { folder, CommonOptions.Data };
        command.SetAction((parsed, cancel) => RunAsync(shell, parsed, parsed.GetValue(folder), async opened =>
        {
            string id;
            // A running server seals with the key that it read at its start, so it must not be one.
            using (FolderLock.Make(opened.DataFolder)) id = LogKeys.Rotate(opened.DataFolder);
            await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json)
                ? $$"""{"key":{{JsonLine.Text(id)}}}"""
                : $"{id} seals from now on; earlier keys stay to open what they sealed. Back up {LogKeys.FileOf(opened.DataFolder)}");
        }));
        return command;
    }

    static async Task<int> RunAsync(Shell shell, ParseResult parsed, string? folder, Func<OpenedProject, Task> work)
    {
        if (OpenedProject.Open(shell, parsed, folder) is not { } opened) return ExitCode.WrongUse;
        return await EngineSession.GuardAsync(shell, async () =>
        {
            await work(opened);
            return ExitCode.Done;
        });
    }
}
