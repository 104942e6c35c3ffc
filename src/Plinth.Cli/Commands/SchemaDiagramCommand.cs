using System.CommandLine;
using Plinth.Cli.Schemas;
using Plinth.Codegen.Diagrams;
using Plinth.Language;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth schema diagram [path] --format svg|mermaid</c>: models and relations as a picture.</summary>
static class SchemaDiagramCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> path = CommonOptions.Folder();
        Option<string> format = new("--format") { Description = "svg or mermaid", DefaultValueFactory = _ => "svg" };
        format.AcceptOnlyFromAmong("svg", "mermaid");
        Option<string?> output = SchemaOutput.Option();
        Command command = new("diagram", "Models and relations as a picture") { path, format, output };
        command.SetAction(parsed =>
        {
            if (SchemaFiles.Find(shell, parsed.GetValue(path)) is not { } sources) return ExitCode.WrongUse;
            SchemaReading reading = SchemaReader.Read(sources, Limits.Default, YamlEvents.Of);
            SchemaLoading.Show(shell, [.. reading.Diagnostics.Where(d => d.Severity == Severity.Error)]);
            if (reading.Schema is not { } schema) return ExitCode.Found;
            string text = parsed.GetValue(format) == "mermaid" ? MermaidDiagram.Write(schema) : SvgDiagram.Write(schema);
            return SchemaOutput.Write(shell, text, parsed.GetValue(output));
        });
        return command;
    }
}
