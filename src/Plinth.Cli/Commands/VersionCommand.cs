using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth version</c></summary>
static class VersionCommand
{
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";

    public static Command Build(Shell shell)
    {
        Command command = new("version", "The version of the program and of what it runs on");
        command.SetAction(parsed =>
        {
            string runtime = RuntimeInformation.FrameworkDescription, platform = RuntimeInformation.RuntimeIdentifier;
            shell.Out.WriteLine(parsed.GetValue(CommonOptions.Json)
                ? $$"""{"version":"{{Version}}","runtime":"{{runtime}}","platform":"{{platform}}"}"""
                : $"plinth {Version} ({runtime}, {platform})");
            return ExitCode.Done;
        });
        return command;
    }
}
