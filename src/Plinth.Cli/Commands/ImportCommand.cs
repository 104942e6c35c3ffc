using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Plinth.Cli.Transfer;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;
using Command = System.CommandLine.Command;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth import Model file</c>: all rows of a file, or none.</summary>
static class ImportCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string> model = new("model") { Description = "The model, by name or route" };
        Argument<string> file = new("file") { Description = "A .json, .ndjson or .csv file" };
        Argument<string?> folder = CommonOptions.Folder();
        Option<string?> format = new("--format") { Description = "json, ndjson or csv (default: by the file's extension)" };
        Command command = new("import", "Bring the records of a file in: all or none") { model, file, folder, format, TenantOption.It,
            CommonOptions.Data,
            CommonOptions.Set };
        command.SetAction((parsed, cancel) => EngineSession.RunAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            string path = Path.GetFullPath(Path.Combine(shell.Folder, parsed.GetValue(file) ?? ""));
            if (ModelArgument.Find(shell, engine.Current.Schema, parsed.GetValue(model) ?? "") is not { } target) return ExitCode.WrongUse;
            if (RecordFormats.Of(parsed.GetValue(format), path) is not { } form)
            {
                await shell.Error.WriteLineAsync("plinth: the format is not known; say --format json, ndjson or csv");
                return ExitCode.WrongUse;
            }
            if (!File.Exists(path))
            {
                await shell.Error.WriteLineAsync($"plinth: no file '{parsed.GetValue(file)}'");
                return ExitCode.WrongUse;
            }
            if (TenantOption.Caller(shell, parsed, engine.Current.Schema, target) is not { } caller) return ExitCode.WrongUse;
            return await RunAsync(shell, engine, caller, target, path, form, parsed, cancel);
        }, cancel));
        return command;
    }

    static async Task<int> RunAsync(
        Shell shell, Engine engine, Caller caller, Model model, string path, RecordFormat format, ParseResult parsed,
            CancellationToken cancel)
    {
        long started = shell.Time.GetTimestamp();
        long size = new FileInfo(path).Length;
        var result = await Progress.RunAsync(shell, parsed.GetValue(CommonOptions.NoColor), $"importing {model.Name}", size,
            progress => Importing.RunAsync(engine, caller, model, path, format, progress, cancel));
        if (result.Failed(out Fault? fault, out WriteReply? reply))
        {
            SchemaLoading.Show(shell, fault);
            return ExitCode.Failed;
        }
        long created = Created(reply);
        reply.Dispose();
        double seconds = shell.Time.GetElapsedTime(started).TotalSeconds;
        await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json)
            ? string.Create(
                CultureInfo.InvariantCulture, $$"""{"model":"{{model.Name}}","created":{{created}},"seconds":{{seconds:0.000}}}""")
            : string.Create(CultureInfo.InvariantCulture, $"imported {created} {model.Name} records in {seconds:0.00} s"));
        return ExitCode.Done;
    }

    /// <summary>The answer says how many; the log does not, where others write as well.</summary>
    static long Created(WriteReply reply)
    {
        using JsonDocument answer = JsonDocument.Parse(reply.Body!.WrittenMemory); // A bulk create answers a number.
        return answer.RootElement.GetProperty("created").GetInt64();
    }
}

/// <summary>A model as a person names it: by name or by route.</summary>
static class ModelArgument
{
    public static Model? Find(Shell shell, AppSchema schema, string name)
    {
        if ((schema.FindModel(name) ?? schema.FindRoute(name)) is { } model) return model;
        string hint = Names.DidYouMean(name, schema.Models.Select(m => m.Name)) is { } near ? $" ({near})" : "";
        shell.Error.WriteLine($"plinth: no model '{name}'{hint}");
        return null;
    }
}
