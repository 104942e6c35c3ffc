using Plinth.Http;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>Which command a method on a route is, with everything of it that stands in the URL: for requests and for the operations of a
/// batch.</summary>
static class RestCommands
{
    /// <summary>The others take none, and refuse one.</summary>
    public static bool TakesBody(Endpoint endpoint, Method method) => endpoint switch
    {
        Endpoint.Collection => method is Method.Post or Method.Patch,
        Endpoint.Item => method is Method.Put or Method.Patch,
        _ => false,
    };

    /// <summary>The command without its body. A create of many is told from a create by the body.</summary>
    public static Result<Command> Of(Endpoint endpoint, Method method, Model model, string rawKey, ReadOnlySpan<char> query, Limits limits)
    {
        var split = QueryString.Split(query, limits);
        if (!split.IsOk) return split.Fault;
        List<Parameter> parameters = split.Value;
        if (endpoint == Endpoint.Collection)
        {
            return method == Method.Post ? Create(model, parameters, limits)
                : Many(model, method == Method.Patch ? CommandKind.UpdateMany : CommandKind.DeleteMany, parameters, limits);
        }
        var key = KeyText.Parse(model, rawKey);
        if (!key.IsOk) return key.Fault;
        Command command = new() { Model = model.Name, Kind = CommandKind.Update, Key = key.Value };
        return (endpoint, method) switch
        {
            (Endpoint.Restore, Method.Post) => Plain(command with { Kind = CommandKind.Restore }, model, parameters, limits),
            (Endpoint.Item, Method.Patch) => Plain(command, model, parameters, limits),
            (Endpoint.Item, Method.Put) => Upsert(command with { Kind = CommandKind.Upsert }, model, parameters, limits),
            (Endpoint.Item, Method.Delete) => Delete(command with { Kind = CommandKind.Delete }, model, parameters, limits),
            _ => throw new InvalidOperationException($"not a route of commands: {method} {endpoint}"),
        };
    }

    /// <summary>The command with its body, as JSON.</summary>
    public static Command WithBody(Command command, ReadOnlyMemory<byte> json) => command with
    {
        Body = json,
        Kind = command.Kind == CommandKind.Create && RestBodies.FirstByte(json.Span) == '[' ? CommandKind.CreateMany : command.Kind,
    };

    /// <summary>Adds what headers say: preconditions, the preference for a short answer.</summary>
    public static Result<Command> WithPreconditions(Command command, Microsoft.Extensions.Primitives.StringValues ifMatch, bool minimal)
    {
        var precondition = EntityTag.Precondition(ifMatch);
        if (!precondition.IsOk) return precondition.Fault;
        if (ifMatch.Count > 0
            && command.Kind is CommandKind.Create or CommandKind.CreateMany or CommandKind.UpdateMany or CommandKind.DeleteMany)
            return Faults.MalformedHeader.Says("If-Match: is taken by writes of one existing record only");
        return command with { IfVersion = precondition.Value.Version, AnyVersion = precondition.Value.Any, Minimal = minimal };
    }

    static Result<Command> Create(Model model, List<Parameter> parameters, Limits limits) =>
        Plain(new Command { Model = model.Name, Kind = CommandKind.Create }, model, parameters, limits);

    static Result<Command> Plain(Command command, Model model, List<Parameter> parameters, Limits limits) =>
        ReadParameters.Only(model, parameters, limits) is { } unknown ? unknown : command;

    static Result<Command> Upsert(Command command, Model model, List<Parameter> parameters, Limits limits)
    {
        if (ReadParameters.Only(model, parameters, limits, "on") is { } unknown) return unknown;
        if (parameters is []) return command;
        return parameters[0].Text.Length > 0 ? command with { On = parameters[0].Text } : Faults.MalformedParameter.Says("on: is empty");
    }

    static Result<Command> Delete(Command command, Model model, List<Parameter> parameters, Limits limits)
    {
        if (ReadParameters.Only(model, parameters, limits, "purge") is { } unknown) return unknown;
        return parameters switch
        {
            [] or [{ Text: "false" }] => command,
            [{ Text: "true" }] => command with { Kind = CommandKind.Purge },
            _ => Faults.MalformedParameter.Says("purge: is neither true nor false"),
        };
    }

    static Result<Command> Many(Model model, CommandKind kind, List<Parameter> parameters, Limits limits)
    {
        if (parameters.All(p => p.Name == "filter" && string.IsNullOrWhiteSpace(p.Text)))
        {
            string verb = kind == CommandKind.UpdateMany ? "changing" : "deleting";
            return Faults.FilterRequired.Says(
                $"{verb} many of {model.Route} needs a filter that is not empty", hint: "?filter=… or ?field=value");
        }
        var filter = ReadParameters.FilterOnly(model, parameters, limits);
        if (!filter.IsOk) return filter.Fault;
        return new Command { Model = model.Name, Kind = kind, Filter = filter.Value.Filter, ShortFilters = filter.Value.Short };
    }
}
