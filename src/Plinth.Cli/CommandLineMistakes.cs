using System.CommandLine;
using System.CommandLine.Parsing;
using Plinth.Text;

namespace Plinth.Cli;

/// <summary>
/// What is wrong with a command line, in terms of what was typed: the nearest command or option, the arguments that are missing.
/// </summary>
static class CommandLineMistakes
{
    public static IReadOnlyList<string> Of(ParseResult parsed)
    {
        CommandResult at = parsed.CommandResult;
        string name = PathOf(at)["plinth".Length..].TrimStart();
        string[] options = [.. Options(at).SelectMany(o => o.Aliases.Prepend(o.Name)).Distinct(StringComparer.Ordinal)];
        List<string> said =
        [
            .. parsed.Tokens.Select(t => t.Value.Split('=')[0])
                .Where(t => IsOption(t) && !options.Contains(t))
                .Select(t => $"no option '{t}'{(name.Length > 0 ? $" of {name}" : "")}" + Nearest(t, options)),
        ];
        if (said.Count > 0) return said;
        string[] commands = [.. at.Command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name)];
        if (commands.Length > 0)
        {
            return parsed.UnmatchedTokens is [var word, ..]
                ? [$"no command '{word}'{(name.Length > 0 ? $" of {name}" : "")}" + Nearest(word, commands)]
                : [$"{(name.Length > 0 ? $"{name} needs" : "needs")} a command: {string.Join(", ", commands)}"];
        }
        string[] missing =
        [
            .. at.Command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > 0 && parsed.GetResult(a) is not { Tokens.Count: > 0 })
                .Select(a => $"<{a.Name}>"),
        ];
        if (missing.Length > 0) return [$"{name} needs {string.Join(" and ", missing)}"];
        return [.. parsed.Errors.Select(e => e.Message).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>What looks like an option was taken for an argument: nothing is named so, unless it follows <c>--</c>.</summary>
    public static bool HasStrayOption(ParseResult parsed) =>
        !parsed.Tokens.Any(t => t.Type == TokenType.DoubleDash)
        && parsed.CommandResult.Command.Arguments.Any(a => parsed.GetResult(a)?.Tokens.Any(t => IsOption(t.Value)) == true);

    static bool IsOption(string text) => text.Length > 2 && text.StartsWith("--", StringComparison.Ordinal);

    /// <summary><c>plinth db restore</c></summary>
    public static string PathOf(CommandResult at) => at.Parent is CommandResult parent ? $"{PathOf(parent)} {at.Command.Name}" : "plinth";

    static IEnumerable<Option> Options(CommandResult at) => at.Command.Options.Concat(
        at.Parent is CommandResult parent ? Options(parent).Where(o => o.Recursive) : []);

    static string Nearest(string wrong, string[] known) => Names.DidYouMean(wrong, known) is { } nearest ? $" ({nearest})" : "";
}
