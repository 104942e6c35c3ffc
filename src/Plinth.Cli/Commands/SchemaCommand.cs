using System.CommandLine;
using System.Text;
using Plinth.Cli.Schemas;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth schema print</c>: the checked schema as canonical JSON.</summary>
static class SchemaCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string?> path = CommonOptions.Folder();
        Command print = new("print", "The checked schema as canonical JSON") { path };
        print.SetAction(parsed =>
        {
            if (SchemaFiles.Find(shell, parsed.GetValue(path)) is not { } sources) return ExitCode.WrongUse;
            SchemaReading reading = SchemaReader.Read(sources, Limits.Default, YamlEvents.Of);
            foreach (Diagnostic error in reading.Diagnostics.Where(d => d.Severity == Severity.Error)) shell.Error.WriteLine(
                DiagnosticText.Render(error));
            if (reading.Schema is null) return ExitCode.Found;
            shell.Out.WriteLine(Encoding.UTF8.GetString(SchemaJson.Write(reading.Schema)));
            return ExitCode.Done;
        });
        return new("schema", "The schema in other forms")
        {
            print, SchemaConvertCommand.Build(shell), SchemaImportCommand.Build(shell), SchemaDiagramCommand.Build(shell),
        };
    }
}
