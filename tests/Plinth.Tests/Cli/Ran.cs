using Plinth.Cli;

namespace Plinth.Tests.Cli;

/// <summary>How a command of the program ended, run in this process, and what it wrote.</summary>
sealed record Ran(int Code, string Out, string Error)
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    /// <summary>All that was written, the errors last.</summary>
    public string Said => Out + Error;

    /// <summary>For the message of a test that fails.</summary>
    public string All => $"exit {Code}\n{Said}";

    public void Deconstruct(out int code, out string said) => (code, said) = (Code, Said);

    /// <summary>Runs a command that ends.</summary>
    /// <param name="folder">The folder it is run in.</param>
    /// <param name="args">As they are typed after the program's name.</param>
    /// <param name="typed">What a person types when asked; null where nobody sits there.</param>
    /// <param name="environment">Variables beyond those of every test.</param>
    public static async Task<Ran> OfAsync(
        string folder, string[] args, string? typed = null, params (string Name, string Value)[] environment)
    {
        using StringWriter output = new(), error = new();
        using CancellationTokenSource bound = new(s_patience);
        Shell shell = ShellIn(folder, output, error, environment) with { Input = typed is null ? null : new StringReader(typed) };
        int code = await PlinthProgram.RunAsync(shell, args, bound.Token);
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>What surrounds the program when a test runs it.</summary>
    public static Shell ShellIn(string folder, TextWriter output, TextWriter error, params (string Name, string Value)[] environment)
    {
        Dictionary<string, string> variables = new(StringComparer.Ordinal) { ["NO_COLOR"] = "1" };
        foreach (var (name, value) in environment) variables[name] = value;
        return new() { Out = output, Error = error, Environment = variables, Folder = folder, Time = TimeProvider.System };
    }
}
