using System.Collections.Immutable;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>
/// <c>Prefer: explain</c>: why an answer is a refusal or empty, for identities of the roles that were set. From anyone else it is a
/// preference that is not known, and changes nothing: not the answer, nor the statements.
/// </summary>
sealed class Explains(Engine engine, ServerOptions options)
{
    /// <summary>Whether this identity may be told. Keys of programs never are: their scopes are for data.</summary>
    public bool May(Exchange exchange)
    {
        if (options.ExplainRoles.IsEmpty || exchange.Caller.IsKey) return false;
        if (options.ExplainRoles.Contains(ServerOptions.Everyone)) return true;
        Value claims = exchange.Caller.Auth;
        if (claims.Kind != ValueKind.Map || !claims.Map.TryGet("role", out Value role)) return false;
        return role.Kind == ValueKind.String && options.ExplainRoles.Contains(role.String, StringComparer.Ordinal);
    }

    /// <summary>Asked for, by who may be told.</summary>
    public bool IsAsked(Exchange exchange) => RequestHeaders.Prefers(exchange.Headers["Prefer"], "explain") && May(exchange);

    /// <summary>Adds to a refusal what the rules said to it, once it is known to be asked for.</summary>
    public async ValueTask AddAsync(Exchange exchange, Model model, Fault fault)
    {
        Refused what = new(model, exchange.Route.Endpoint, exchange.Method, exchange.RawKey, IsPurge(exchange));
        if (await OfAsync(exchange, what, fault) is { } explained) Add(exchange, explained);
    }

    public static void Add(Exchange exchange, byte[] explained)
    {
        exchange.ResponseHeaders["Preference-Applied"] = "explain";
        exchange.Explanation = explained;
    }

    /// <summary>What was refused: a request, or one operation of a batch.</summary>
    /// <param name="RawKey">As it stands in the path; empty where no record is named.</param>
    internal sealed record Refused(Model Model, Endpoint Endpoint, Method Method, string RawKey, bool Purges);

    /// <summary>What the rules said to a refusal, as JSON; null where they had nothing to say.</summary>
    public async ValueTask<byte[]?> OfAsync(Exchange exchange, Refused what, Fault fault)
    {
        bool isOfRecord = fault.Kind == Faults.Unauthorized || fault.Kind == Faults.Forbidden || fault.Kind == Faults.NotFound;
        // A field that the caller may not know of is unknown to them; the rules say whether it is one.
        ImmutableArray<string> fields = [.. fault.Details.Select(static d => d.Field)];
        bool isOfFields = fields.Any(name => engine.Current.Schema.FindModel(what.Model.Name)?.Field(name) is { Rules.IsEmpty: false });
        if (!isOfRecord && !isOfFields) return null;
        ImmutableArray<string>? key = null;
        if (what.RawKey.Length > 0)
        {
            var parts = KeyText.Parse(what.Model, what.RawKey);
            if (!parts.IsOk) return null;
            key = parts.Value;
        }
        ImmutableArray<Operation> operations = Operations(what);
        bool writes = operations is not ([Operation.List] or [Operation.Get]);
        return await engine.ExplainedJsonAsync(
            exchange.Caller, what.Model, isOfRecord ? operations : [], fields, writes, key, exchange.Cancel);
    }

    /// <summary>An empty list with what the rules said to it; null where nobody asked, who asks may not know, or it is not empty.</summary>
    public async ValueTask<ByteOutput?> OfEmptyAsync(Exchange exchange, Model model, ReadRequest request, ReadOnlyMemory<byte> body)
    {
        if (request.Kind != ReadKind.List || !body.Span.StartsWith("{\"items\":[]"u8) || !IsAsked(exchange)) return null;
        byte[] explained = await engine.ExplainedJsonAsync(
            exchange.Caller, model, [Operation.List], [], writes: false, null, exchange.Cancel);
        exchange.ResponseHeaders["Preference-Applied"] = "explain";
        ByteOutput whole = new(body.Length + explained.Length + 16);
        whole.Write(body.Span[..^1]);
        whole.Write(",\"explain\":"u8);
        whole.Write(explained);
        whole.Write((byte)'}');
        return whole;
    }

    // What is changed must be readable first, and what is put may have to be made.
    static ImmutableArray<Operation> Operations(Refused what) => (what.Endpoint, what.Method) switch
    {
        (Endpoint.Item, Method.Put) => [Operation.Get, Operation.Update, Operation.Create],
        (Endpoint.Item, Method.Patch) or (Endpoint.Revert, _) => [Operation.Get, Operation.Update],
        (Endpoint.Item, Method.Delete) when what.Purges => [Operation.Get, Operation.Purge],
        (Endpoint.Item, Method.Delete) => [Operation.Get, Operation.Delete],
        (Endpoint.Item or Endpoint.History, _) => [Operation.Get],
        (Endpoint.Restore, _) => [Operation.Restore],
        (Endpoint.Collection, Method.Post) => [Operation.Create],
        (Endpoint.Collection, Method.Patch) => [Operation.Update],
        (Endpoint.Collection, Method.Delete) => [Operation.Delete],
        _ => [Operation.List],
    };

    static bool IsPurge(Exchange exchange) => exchange.Target.Query.Contains("purge=true", StringComparison.Ordinal);
}
