using System.CommandLine;
using System.Globalization;
using System.Text;
using Plinth.Cli.Transfer;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth export Model [file]</c>: every record of a model, to a file or to standard output.</summary>
static class ExportCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string> model = new("model") { Description = "The model, by name or route" };
        Argument<string> file = new("file") { Description = "The file to write; - is standard output" };
        Argument<string?> folder = CommonOptions.Folder();
        Option<string?> format = new("--format") { Description = "json, ndjson or csv (default: by the file's extension, else ndjson)" };
        Command command = new("export", "Write every record of a model") { model, file, folder, format, TenantOption.It, CommonOptions.Data,
            CommonOptions.Set };
        command.SetAction((parsed, cancel) => EngineSession.LookAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            if (ModelArgument.Find(shell, engine.Current.Schema, parsed.GetValue(model) ?? "") is not { } source) return ExitCode.WrongUse;
            string path = parsed.GetValue(file) ?? "-";
            string? named = parsed.GetValue(format);
            if ((path == "-" && named is null ? RecordFormat.NdJson : RecordFormats.Of(named, path)) is not { } form)
            {
                await shell.Error.WriteLineAsync("plinth: the format is not known; say --format json, ndjson or csv");
                return ExitCode.WrongUse;
            }
            if (TenantOption.Caller(shell, parsed, engine.Current.Schema, source) is not { } caller) return ExitCode.WrongUse;
            return await RunAsync(shell, engine, caller, source, path, form, parsed, cancel);
        }, cancel));
        return command;
    }

    static async Task<int> RunAsync(
        Shell shell, Engine engine, Caller caller, Model model, string path, RecordFormat format, ParseResult parsed,
            CancellationToken cancel)
    {
        Task<Result<long>> WriteAsync(TextWriter to) =>
            Progress.RunAsync(shell, parsed.GetValue(CommonOptions.NoColor), $"exporting {model.Name}", 0,
            progress => Exporting.RunAsync(engine, caller, model, format, to, progress, cancel));

        Result<long> result;
        if (path == "-")
        {
            result = await WriteAsync(shell.Out);
        }
        else
        {
            await using StreamWriter to = new(
                Path.Combine(shell.Folder, path), append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            result = await WriteAsync(to);
        }
        if (result.Failed(out Fault? fault, out long count))
        {
            SchemaLoading.Show(shell, fault);
            return ExitCode.Failed;
        }
        if (path != "-") await shell.Out.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"exported {count} {model.Name} records to {path}"));
        return ExitCode.Done;
    }
}
