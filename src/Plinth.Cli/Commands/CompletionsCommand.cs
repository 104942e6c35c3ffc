using System.CommandLine;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth completions bash|zsh|fish</c>: a script for the shell, which asks the program itself for words.</summary>
static class CompletionsCommand
{
    const string Bash = """
        _plinth() {
          local IFS=$'\n'
          COMPREPLY=(
              $(compgen -W "$("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}") )
        }
        complete -o default -F _plinth plinth

        """;

    const string Zsh = """
        _plinth() {
          local -a words_found
          words_found=( ${(f)"$("${words[1]}" "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)"} )
          compadd -a words_found
        }
        compdef _plinth plinth

        """;

    const string Fish = """
        complete -c plinth -f -a '(set -l line (commandline -cp); plinth "[suggest:"(string length -- $line)"]" "$line" 2>/dev/null)'

        """;

    public static Command Build(Shell shell)
    {
        Argument<string> which = new("shell") { Description = "bash, zsh or fish" };
        which.AcceptOnlyFromAmong("bash", "zsh", "fish");
        Command command = new("completions", "A completion script for your shell: eval \"$(plinth completions bash)\"") { which };
        command.SetAction(parsed =>
        {
            shell.Out.Write(parsed.GetValue(which) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                _ => Fish,
            });
            return ExitCode.Done;
        });
        return command;
    }
}
