using System.CommandLine;
using Plinth.Cli.Templates;
using Plinth.Cli.Transfer;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth init folder --template empty|crm|blog|books</c></summary>
static class InitCommand
{
    const string Ignored = ".plinth/\n.env\n";

    public static Command Build(Shell shell)
    {
        Argument<string> folder = new("folder") { Description = "The folder to make; it may exist when it is empty" };
        Option<string> template = new("--template") { Description = "empty, crm, blog or books", DefaultValueFactory = _ => "empty" };
        template.AcceptOnlyFromAmong([.. Template.Names]);
        Command command = new("init", "Make a new project") { folder, template };
        command.SetAction((parsed, cancel) =>
            RunAsync(shell, parsed.GetValue(folder) ?? "", parsed.GetValue(template) ?? "empty", parsed.GetValue(CommonOptions.Json),
                cancel));
        return command;
    }

    static async Task<int> RunAsync(Shell shell, string folder, string template, bool json, CancellationToken cancel)
    {
        string target = Path.GetFullPath(Path.Combine(shell.Folder, folder));
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            await shell.Error.WriteLineAsync($"plinth: '{folder}' is not empty, and nothing is overwritten");
            return ExitCode.Failed;
        }
        int files = 0;
        foreach (var (path, content) in Template.Files(template))
        {
            string to = Path.Combine(target, path);
            Directory.CreateDirectory(Path.GetDirectoryName(to) ?? target);
            await using (content)
            await using (FileStream file = File.Create(to)) await content.CopyToAsync(file, cancel);
            files++;
        }
        await File.WriteAllTextAsync(Path.Combine(target, ".gitignore"), Ignored, cancel);
        await shell.Out.WriteLineAsync(json
            ? $$"""{"folder":{{JsonLine.Text(target)}},"template":"{{template}}","files":{{files + 1}}}"""
            : $"made {folder} from the template '{template}' ({files + 1} files)\nnext: plinth dev {folder}");
        return ExitCode.Done;
    }
}
