using System.CommandLine;
using System.Text;
using System.Text.Json;
using Plinth.Cli.Schemas;
using Plinth.Language.Importing;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth schema import file</c>: a schema of Prisma, JSON Schema or OpenAPI as one of ours, on standard output; what it could not carry
/// is listed on standard error.
/// </summary>
static class SchemaImportCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string> file = new("file") { Description = "A .prisma file, or JSON Schema or OpenAPI as .json, .yaml or .yml" };
        Option<string?> from = new("--from") { Description = "prisma or json, when the file's name does not say" };
        from.AcceptOnlyFromAmong("prisma", "json");
        Option<string?> output = SchemaOutput.Option();
        Command command = new("import", "A schema of Prisma, JSON Schema or OpenAPI as one of ours") { file, from, output };
        command.SetAction(parsed => Run(shell, parsed.GetValue(file) ?? "", parsed.GetValue(from), parsed.GetValue(output),
            parsed.GetValue(CommonOptions.Json)));
        return command;
    }

    static int Run(Shell shell, string file, string? from, string? output, bool json)
    {
        string path = Path.GetFullPath(Path.Combine(shell.Folder, file));
        if (!File.Exists(path))
        {
            shell.Error.WriteLine($"plinth: no file '{file}'");
            return ExitCode.WrongUse;
        }
        SourceText source = new(file, File.ReadAllText(path));
        bool isPrisma = from is null ? Path.GetExtension(file) == ".prisma" : from == "prisma";
        Imported imported = isPrisma ? PrismaImport.Import(source, Limits.Default)
            : YamlNotation.IsYaml(source) ? JsonSchemaImport.ImportYaml(source, YamlEvents.Of(source), Limits.Default)
            : JsonSchemaImport.Import(source, Limits.Default);
        if (json) return Json(shell, imported);
        SchemaLoading.Show(shell, imported.Diagnostics);
        foreach (ImportNote note in imported.Notes)
            shell.Error.WriteLine(note.Path.Length == 0 ? $"note: {note.Message}" : $"note: {note.Path}: {note.Message}");
        return imported.Text is { } text ? SchemaOutput.Write(shell, text, output) : ExitCode.Found;
    }

    /// <summary>One object: the schema or null, the notes, and what was wrong.</summary>
    static int Json(Shell shell, Imported imported)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes))
        {
            writer.WriteStartObject();
            writer.WriteString("schema", imported.Text);
            writer.WriteStartArray("notes");
            foreach (ImportNote note in imported.Notes)
            {
                writer.WriteStartObject();
                writer.WriteString("path", note.Path);
                writer.WriteString("message", note.Message);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WritePropertyName("diagnostics");
            writer.WriteRawValue(DiagnosticText.Json(imported.Diagnostics));
            writer.WriteEndObject();
        }
        shell.Out.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
        return imported.Text is null ? ExitCode.Found : ExitCode.Done;
    }
}
