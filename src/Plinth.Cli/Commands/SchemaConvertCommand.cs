using System.Collections.Immutable;
using System.CommandLine;
using Plinth.Cli.Schemas;
using Plinth.Language;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth schema convert [path] --to plinth|yaml</c>: the same schema in the other notation, or why that cannot be.</summary>
static class SchemaConvertCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> path = CommonOptions.Folder();
        Option<string> to = new("--to") { Description = "plinth or yaml", Required = true };
        to.AcceptOnlyFromAmong("plinth", "yaml");
        Option<string?> output = SchemaOutput.Option();
        Command command = new("convert",
            "The schema in the other notation: lossless, or an error that says what cannot be carried") { path, to, output };
        command.SetAction(parsed => Run(shell, parsed.GetValue(path), parsed.GetValue(to) == "yaml", parsed.GetValue(output)));
        return command;
    }

    static int Run(Shell shell, string? path, bool toYaml, string? output)
    {
        if (SchemaFiles.Find(shell, path) is not { } sources) return ExitCode.WrongUse;
        SchemaReading reading = SchemaReader.Read(sources, Limits.Default, YamlEvents.Of);
        SchemaLoading.Show(shell, [.. reading.Diagnostics.Where(d => d.Severity == Severity.Error)]);
        if (reading.Schema is not { } schema) return ExitCode.Found;
        var (text, lost) = toYaml ? YamlConversion.ToYaml(schema, YamlEvents.Of, Limits.Default)
            : YamlConversion.ToNative(schema, sources, YamlEvents.Of, Limits.Default);
        if (text is null)
        {
            shell.Error.WriteLine($"plinth: {lost}");
            return ExitCode.Found;
        }
        if (toYaml || sources.Any(YamlNotation.IsYaml)) SayWhatIsNotMeaning(shell, sources, toYaml);
        return SchemaOutput.Write(shell, text, output);
    }

    /// <summary>Comments and mixins are how a schema is written, not what it says; nobody should find out later.</summary>
    static void SayWhatIsNotMeaning(Shell shell, ImmutableArray<SourceText> sources, bool toYaml)
    {
        bool hasComments = sources.Any(s => YamlNotation.IsYaml(s)
            ? s.Text.Split('\n').Any(l => l.TrimStart().StartsWith('#'))
            : Parser.Parse(s, new Findings(1), Limits.Default).Comments.Any(c => c.Kind != CommentKind.Doc));
        bool hasMixins = toYaml && sources.Any(s => Parser.Parse(s, new Findings(1), Limits.Default).Blocks
            .Any(b => b is RecordSyntax { Kind: RecordKind.Mixin }));
        if (hasComments) shell.Error.WriteLine("plinth: comments are not carried, but for those that document");
        if (hasMixins) shell.Error.WriteLine("plinth: mixins are written out where they are used");
    }
}

/// <summary>Where a text that a command makes goes: standard output, or a file that does not exist.</summary>
static class SchemaOutput
{
    public static Option<string?> Option() => new("--out") { Description = "Write to this file, which must not exist", HelpName = "file" };

    public static int Write(Shell shell, string text, string? output)
    {
        if (output is null)
        {
            shell.Out.Write(text);
            return ExitCode.Done;
        }
        string file = Path.GetFullPath(Path.Combine(shell.Folder, output));
        if (File.Exists(file))
        {
            shell.Error.WriteLine($"plinth: '{output}' exists, and nothing is overwritten");
            return ExitCode.Failed;
        }
        File.WriteAllText(file, text);
        return ExitCode.Done;
    }
}
