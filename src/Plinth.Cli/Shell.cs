using System.Collections;
using Spectre.Console;

namespace Plinth.Cli;

/// <summary>What the program sees of the world: streams, environment, current folder, clock. Tests give their own.</summary>
sealed record Shell
{
    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>A copy of the process environment; <c>.env</c> is filled into it.</summary>
    public required Dictionary<string, string> Environment { get; init; }

    public required string Folder { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Where the server's log goes: standard error.</summary>
    public Stream? LogStream { get; init; }

    /// <summary>Standard input where it is a pipe or a file; null where a person sits at it.</summary>
    public TextReader? Input { get; init; }

    /// <summary>Asks a person for a text that is not shown; null where there is none to ask.</summary>
    public Func<string, string>? ReadSecret { get; init; }

    /// <summary>What a program of one's own brings.</summary>
    public PlinthExtensions Extensions { get; init; } = new();

    /// <summary>A person is looking: progress bars may move.</summary>
    public bool IsTerminal { get; init; }

    public static Shell OfProcess()
    {
        Dictionary<string, string> environment = new(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        return new()
        {
            Out = Console.Out,
            Error = Console.Error,
            Environment = environment,
            Folder = Directory.GetCurrentDirectory(),
            Time = TimeProvider.System,
            LogStream = Console.OpenStandardError(),
            Input = Console.IsInputRedirected ? Console.In : null,
            ReadSecret = Console.IsInputRedirected ? null : Commands.UserCommand.ReadUnseen,
            IsTerminal = !Console.IsOutputRedirected && !Console.IsErrorRedirected,
        };
    }

    public bool HasColor(bool noColorFlag) => IsTerminal && !noColorFlag && !Environment.ContainsKey("NO_COLOR");

    /// <summary>The console that progress and tables are drawn on: standard error, so that output stays machine-readable.</summary>
    public IAnsiConsole Drawing(bool noColorFlag) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(Error),
        Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
        ColorSystem = HasColor(noColorFlag) ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        Interactive = IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
    });
}

/// <summary>What the program answers to its caller.</summary>
static class ExitCode
{
    public const int Done = 0;

    /// <summary>The check found something.</summary>
    public const int Found = 1;

    public const int WrongUse = 2;
    public const int Failed = 3;
}
