using System.CommandLine;
using Plinth.Cli.Commands;

namespace Plinth.Cli;

/// <summary>The program: its commands, and what becomes of wrong use and of failure.</summary>
static class PlinthProgram
{
    /// <returns>0 done, 1 the check found something, 2 wrong use, 3 failed.</returns>
    public static async Task<int> RunAsync(Shell shell, string[] args, CancellationToken cancel)
    {
        RootCommand root = Commands(shell);
        ParseResult parsed = root.Parse(args);
        InvocationConfiguration invocation = new() { Output = shell.Out, Error = shell.Error, EnableDefaultExceptionHandler = false };
        if (parsed.Errors.Count > 0 || CommandLineMistakes.HasStrayOption(parsed))
        {
            foreach (string line in CommandLineMistakes.Of(parsed)) shell.Error.WriteLine("plinth: " + line);
            shell.Error.WriteLine($"  hint: `{CommandLineMistakes.PathOf(parsed.CommandResult)} --help`");
            return ExitCode.WrongUse;
        }
        try
        {
            return await parsed.InvokeAsync(invocation, cancel);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            shell.Error.WriteLine($"plinth: {failure.Message}");
            return ExitCode.Failed;
        }
    }

    static RootCommand Commands(Shell shell) => new("One schema file becomes a complete backend.")
    {
        CommonOptions.Json,
        CommonOptions.Yes,
        CommonOptions.NoColor,
        InitCommand.Build(shell),
        CheckCommand.Build(shell),
        FmtCommand.Build(shell),
        SchemaCommand.Build(shell),
        DevCommand.Build(shell),
        ServeCommand.Build(shell),
        ImportCommand.Build(shell),
        ExportCommand.Build(shell),
        DbCommand.Build(shell),
        ReplayCommand.Build(shell),
        ProjectionsCommand.Build(shell),
        AuditCommand.Build(shell),
        EraseCommand.Build(shell),
        FollowersCommand.Build(shell),
        KeysCommand.Build(shell),
        DoctorCommand.Build(shell),
        TestCommand.Build(shell),
        PolicyCommand.Build(shell),
        UserCommand.Build(shell),
        ConfigCommand.Build(shell),
        CompletionsCommand.Build(shell),
        VersionCommand.Build(shell),
    };
}
