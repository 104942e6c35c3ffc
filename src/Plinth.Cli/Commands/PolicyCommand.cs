using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json.Nodes;
using Plinth.Cli.Hosting;
using Plinth.Cli.Policies;
using Plinth.Plan;
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
        // Every rule stands aside for the product itself, which asks with the caller's claims.
        Caller asking = new(caller.Auth, "system", isSystem: true);
        if (key is not null)
        {
            ReadRequest get = new() { Model = model.Name, Kind = ReadKind.Get, Key = [.. key.Split(',')] };
            Result<ReadReply> found = await engine.ReadAsync(asking, get, cancel);
            if (found.Failed(out Fault? fault, out ReadReply? reply))
            {
                SchemaLoading.Show(shell, fault);
                return ExitCode.Found;
            }
            reply.Dispose();
        }
        var rules = await Explanation.OfAsync(
            engine.Current.Schema, model, operation, caller, engine.Now, engine.Limits,
            key is null ? null : (condition, stop) => AskAsync(engine, asking, model, key, condition, stop), cancel);
        string who = caller.IsAnonymous ? "nobody" : "this identity";
        await shell.Out.WriteLineAsync($"{operation.ToString().ToLowerInvariant()} {model.Name}{(key is null ? "" : " " + key)} as {who}");
        foreach (ExplainedRule rule in rules)
        {
            await shell.Out.WriteLineAsync($"  {rule.Place}: {rule.Text}\n    {rule.Truth}");
            foreach (ExplainedTerm term in rule.Terms.Length > 1 || rule.Terms.Any(static t => t.Reads.Length > 0) ? rule.Terms : [])
                await shell.Out.WriteLineAsync($"      {term.Text}: {term.Truth}{(term.Reads.Length == 0 ? "" : $" ({term.Reads})")}");
        }
        await shell.Out.WriteLineAsync(Verdict(engine.Current.Schema, model, caller, rules));
        return ExitCode.Done;
    }

    static string Verdict(AppSchema schema, Model model, Caller caller, ImmutableArray<ExplainedRule> rules)
    {
        if (model.Tenant is not null && caller.Tenant.IsNull)
            return $"refused: records of {schema.Name} belong to tenants, and the identity has no {Model.TenantId}";
        if (rules.FirstOrDefault(static r => IsDeny(r) && r.Truth is "true" or "unknown" && IsDeny(r)) is { } denied)
            return $"refused by {denied.Place}";
        var allows = rules.Where(static r => !IsDeny(r)).ToList();
        if (allows.Count == 0) return "refused: no rule allows it to anyone";
        if (allows.TrueForAll(static r => r.Truth is "false" or "unknown")) return "refused: no rule that allows it is true";
        bool depends = rules.Any(static r => r.Truth.StartsWith("depends", StringComparison.Ordinal));
        if (depends) return "depends on the record: name one by its key";
        return $"allowed by {allows.First(static r => r.Truth == "true").Place}";
    }

    static bool IsDeny(ExplainedRule rule) => rule.Text.StartsWith("@@deny", StringComparison.Ordinal);

    /// <summary>The database is asked for the record under the condition, and under its opposite: neither finds what is unknown.</summary>
    static async ValueTask<bool?> AskAsync(Engine engine, Caller asking, Model model, string key, string condition,
        CancellationToken cancel)
    {
        foreach (bool wanted in new[] { true, false })
        {
            ReadRequest request = new()
            {
                Model = model.Name,
                Kind = ReadKind.List,
                ShortFilters = [.. model.Key.Zip(key.Split(','), static (name, part) => new ShortFilter(name, "eq", part))],
                Filter = wanted ? condition : $"!({condition})",
                Select = model.Key,
            };
            Result<ReadReply> found = await engine.ReadAsync(asking, request, cancel);
            if (found.Failed(out _, out ReadReply? reply)) return null;
            using (reply)
            {
                if (JsonNode.Parse(reply.Body.Written.ToArray())?["items"] is JsonArray { Count: > 0 }) return wanted;
            }
        }
        return null;
    }
}
