using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Cli.Commands;

/// <summary>
/// <c>plinth erase</c>: a person who asks to be forgotten, without a server. It is what the route does for administrators.
/// </summary>
static class EraseCommand
{
    public static Command Build(Shell shell)
    {
        Argument<string> model = new("model") { Description = "The model whose record is the person" };
        Argument<string> id = new("id") { Description = "The record's key" };
        Argument<string?> folder = CommonOptions.Folder();
        Option<bool> later = new("--no-scrub")
        {
            Description = "Leave what was overwritten in the database's file for now; the next erasure without this takes it out",
        };
        Command command = new("erase", "Erase a person: @pii fields of a record and of all records about it, in tables and in the log")
        {
            model, id, folder, later, TenantOption.It, CommonOptions.Data,
        };
        command.SetAction((parsed, cancel) =>
        {
            if (!parsed.GetValue(CommonOptions.Yes))
            {
                shell.Error.WriteLine("plinth: what is erased does not come back; say --yes");
                return Task.FromResult(ExitCode.WrongUse);
            }
            return EngineSession.RunAsync(shell, parsed, parsed.GetValue(folder), (_, engine) => EraseAsync(
                shell, parsed, engine, parsed.GetRequiredValue(model), parsed.GetRequiredValue(id), !parsed.GetValue(later), cancel),
                cancel);
        });
        return command;
    }

    static async Task<int> EraseAsync(
        Shell shell, ParseResult parsed, Engine engine, string name, string id, bool scrubs, CancellationToken cancel)
    {
        AppSchema schema = engine.Current.Schema;
        if ((schema.FindModel(name) ?? schema.FindRoute(name)) is not { } model)
        {
            await shell.Error.WriteLineAsync($"plinth: there is no model '{name}'");
            return ExitCode.WrongUse;
        }
        if (TenantOption.Caller(shell, parsed, schema, model) is not { } caller) return ExitCode.WrongUse;
        ImmutableArray<string> key = model.Key.Length == 1 ? [id] : [.. id.Split(',').Select(Uri.UnescapeDataString)];
        if ((await engine.EraseAsync(caller, model.Name, key, scrubs, cancel)).Failed(out Fault? fault, out ErasureReport? erased))
        {
            SchemaLoading.Show(shell, fault);
            return ExitCode.Found;
        }
        string scrubbed = erased.IsScrubbed switch { null => "null", true => "true", false => "false" };
        await shell.Out.WriteLineAsync(parsed.GetValue(CommonOptions.Json)
            ? string.Create(CultureInfo.InvariantCulture,
                $"{{\"records\":{erased.Records},\"events\":{erased.Events},\"answers\":{erased.Answers},\"scrubbed\":{scrubbed}}}")
            : string.Create(CultureInfo.InvariantCulture, $"{erased.Records} records and {erased.Events} events were erased")
                + (erased.IsScrubbed == false ? "; what was overwritten is still in the database's file" : ""));
        return ExitCode.Done;
    }
}
