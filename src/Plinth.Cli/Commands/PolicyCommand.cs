using System.Collections.Immutable;
using System.CommandLine;
using Plinth.Cli.Hosting;
using Plinth.Cli.Policies;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Sql.Dialects.Sqlite;
using Plinth.Text;
using Command = System.CommandLine.Command;

namespace Plinth.Cli.Commands;

/// <summary><c>plinth policy explain|matrix</c>: why a rule lets someone in or not, and what everyone may do.</summary>
static class PolicyCommand
{
    public static Command Build(Shell shell) => new("policy", "What the rules say") { BuildExplain(shell), BuildMatrix(shell) };

    static Command BuildMatrix(Shell shell)
    {
        Argument<string?> path = CommonOptions.Folder();
        Option<bool> html = new("--html") { Description = "As a page" };
        Command command = new("matrix", "Role by operation by ownership, for every model; and which rules were seen both ways") { path,
            html };
        command.SetAction(parsed =>
        {
            if (SchemaFiles.Find(shell, parsed.GetValue(path)) is not { } sources) return ExitCode.WrongUse;
            var reading = SchemaLoading.Read(sources, Limits.Default, SqliteDialect.It);
            SchemaLoading.Show(shell, reading.Diagnostics);
            if (reading.Schema is not { } schema) return ExitCode.Found;
            PolicyMatrix matrix = PolicyMatrix.Of(schema, Limits.Default, shell.Time.GetUtcNow().ToUnixTimeMilliseconds() * 1000);
            shell.Out.Write(parsed.GetValue(CommonOptions.Json) ? MatrixText.Json(matrix)
                : parsed.GetValue(html) ? MatrixText.Html(matrix)
                : MatrixText.Plain(matrix));
            return ExitCode.Done;
        });
        return command;
    }

    static Command BuildExplain(Shell shell)
    {
        Argument<string> operation = new("operation") { Description = "list, get, create, update, delete, restore or purge" };
        Argument<string> model = new("model") { Description = "The model, by name or route" };
        Argument<string?> key = new("id") { Description = "The record's key", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> identity = new("--as") { Description = "Who asks: claims as JSON, or a role; nobody when absent",
            HelpName = "claims" };
        Option<string?> folder = new("--project") { Description = "The project folder (default: found upwards from here)",
            HelpName = "dir" };
        Command command = new("explain", "Which rules let someone do something, and which term of which keeps them from it")
            { operation, model, key, identity, folder, CommonOptions.Data };
        command.SetAction((parsed, cancel) => EngineSession.RunAsync(shell, parsed, parsed.GetValue(folder), async (_, engine) =>
        {
            AppSchema schema = engine.Current.Schema;
            if (ModelArgument.Find(shell, schema, parsed.GetValue(model) ?? "") is not { } of) return ExitCode.WrongUse;
            if (!Enum.TryParse(parsed.GetValue(operation), ignoreCase: true, out Operation asked))
            {
                await shell.Error.WriteLineAsync($"plinth: '{parsed.GetValue(operation)}' is no operation");
                return ExitCode.WrongUse;
            }
            Value claims = Value.Null;
            if (parsed.GetValue(identity) is { } text)
            {
                (claims, string? problem) = DevelopmentIdentity.Read(schema, text);
                if (problem is not null)
                {
                    await shell.Error.WriteLineAsync("plinth: " + problem);
                    return ExitCode.WrongUse;
                }
            }
            return await ExplainAsync(shell, engine, of, asked, new Caller(claims, "someone"), parsed.GetValue(key), cancel);
        }, cancel));
        return command;
    }

    static async Task<int> ExplainAsync(
        Shell shell, Engine engine, Model model, Operation operation, Caller caller, string? key, CancellationToken cancel)
    {
        ImmutableArray<string>? parts = key is null ? null : [.. key.Split(',')];
        if (parts is { } named && named.Length != model.Key.Length)
        {
            await shell.Error.WriteLineAsync($"plinth: the key of {model.Name} is {string.Join(',', model.Key)}");
            return ExitCode.WrongUse;
        }
        ExplainedOperation explained = await engine.ExplainAsync(caller, model, operation, parts, cancel);
        string who = caller.IsAnonymous ? "nobody" : "this identity";
        await shell.Out.WriteLineAsync($"{operation.ToString().ToLowerInvariant()} {model.Name}{(key is null ? "" : " " + key)} as {who}");
        foreach (ExplainedRule rule in explained.Rules)
        {
            await shell.Out.WriteLineAsync($"  {rule.Place}: {rule.Text}\n    {rule.Truth}");
            foreach (ExplainedTerm term in rule.Terms.Length > 1 || rule.Terms.Any(static t => t.Reads.Length > 0) ? rule.Terms : [])
            {
                string reads = string.Join(", ", term.Reads.Select(static r => $"{r.Name} is {r.Is}"));
                await shell.Out.WriteLineAsync($"      {term.Text}: {term.Truth}{(reads.Length == 0 ? "" : $" ({reads})")}");
            }
        }
        await shell.Out.WriteLineAsync(explained.Verdict);
        return explained.HasRecord ? ExitCode.Done : ExitCode.Found;
    }
}
