using System.CommandLine;
using System.Globalization;
using Plinth.Identity;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth user keys</c>: the keys that sign access tokens.</summary>
static class UserKeysCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> folder = CommonOptions.Folder();
        Command list = new("list", "List the keys that sign or verify access tokens") { folder, CommonOptions.Data };
        list.SetAction((parsed, cancel) => UserCommand.RunAsync(shell, parsed, parsed.GetValue(folder), async (identities, _) =>
        {
            foreach (var (id, algorithm, created, retired) in identities.Keys.List().OrderBy(k => k.CreatedAt))
            {
                string until = retired is { } at ? $"until {PlatformRecords.Time(at)}" : "signs now";
                await shell.Out.WriteLineAsync(
                    string.Create(CultureInfo.InvariantCulture, $"{id}  {algorithm,-5}  since {PlatformRecords.Time(created)}  {until}"));
            }
            return ExitCode.Done;
        }, cancel));
        Command rotate = new("rotate", "Sign with a new key from now on; nobody is signed out")
        {
            folder, CommonOptions.Data, CommonOptions.Set,
        };
        rotate.SetAction((parsed, cancel) => UserCommand.RunAsync(shell, parsed, parsed.GetValue(folder), async (identities, _) =>
        {
            if (await identities.Keys.RotateAsync(cancel) is { } fault)
            {
                SchemaLoading.Show(shell, fault);
                return ExitCode.Failed;
            }
            await shell.Out.WriteLineAsync("a new key signs; the one before verifies until what it signed has expired");
            return ExitCode.Done;
        }, cancel));
        return new("keys", "The keys of access tokens") { list, rotate };
    }
}
