using System.CommandLine;
using Plinth.Cli.Projects;
using Plinth.Language;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth fmt [path]</c>: rewrites schema files in the canonical layout, comments kept.</summary>
static class FmtCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> path = CommonOptions.Folder();
        Option<bool> check = new("--check") { Description = "Change nothing; exit 1 when a file would change" };
        Command command = new("fmt", "Lay out the schema's files") { path, check };
        command.SetAction(parsed => Run(shell, parsed.GetValue(path), parsed.GetValue(check)));
        return command;
    }

    static int Run(Shell shell, string? path, bool checkOnly)
    {
        string start = Path.GetFullPath(Path.Combine(shell.Folder, path ?? "."));
        string[] files = File.Exists(start) ? [start] : [.. Project.Find(start)?.SchemaPaths() ?? []];
        if (files.Length == 0)
        {
            shell.Error.WriteLine($"plinth: no {Project.SchemaFile} in {path ?? "this folder or above it"}");
            return ExitCode.WrongUse;
        }
        int changed = 0;
        foreach (string file in files)
        {
            string shown = Path.GetRelativePath(shell.Folder, file);
            SourceText source = new(shown, File.ReadAllText(file));
            if (YamlNotation.IsYaml(source))
            {
                shell.Error.WriteLine($"plinth: {shown} is YAML, whose layout is its author's; `plinth schema convert` rewrites it");
                return ExitCode.WrongUse;
            }
            Findings findings = new(Limits.Default.SchemaFindings);
            Parser.Parse(source, findings, Limits.Default);
            if (findings.HasErrors)
            {
                SchemaLoading.Show(shell, findings.InOrder([source]));
                return ExitCode.Found;
            }
            string text = SchemaFormatter.Format(source);
            if (string.Equals(text, source.Text, StringComparison.Ordinal)) continue;
            changed++;
            shell.Out.WriteLine(checkOnly ? $"{shown} would change" : $"{shown} laid out");
            if (!checkOnly) File.WriteAllText(file, text);
        }
        return checkOnly && changed > 0 ? ExitCode.Found : ExitCode.Done;
    }
}
