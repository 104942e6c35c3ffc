using System.Collections.Immutable;
using System.Globalization;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>The routes of <c>/audit</c>: questions about the log, for administrators and auditors.</summary>
sealed class RestAudit(Engine engine, Limits limits, Answers answers)
{
    static readonly ImmutableArray<string> s_page = ["operation", "tenant", "from", "to", "after", "limit", "order"];

    static readonly ImmutableArray<string> s_reads = ["model", "record", "actor", "tenant", "from", "to", "after", "limit"];

    static readonly ImmutableArray<string> s_statistics = ["actor", "tenant", "from", "to"];

    public async ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        // Before anything is read: what a message names, such as the parts of a key, is for those who may know.
        if (engine.AuditRefusal(exchange.Caller) is { } refused) return refused;
        if (RestBodies.None(exchange) is { } body) return body;
        var parameters = QueryString.Split(exchange.Target.Query, limits);
        if (!parameters.IsOk) return parameters.Fault;
        if (Parse(exchange, parameters.Value).Failed(out Fault? fault, out AuditRequest? request)) return fault;
        if (await answers.WaitForPositionAsync(exchange) is { } behind) return behind;
        var result = exchange.Route.Endpoint switch
        {
            Endpoint.AuditStatistics => await engine.AuditStatisticsAsync(exchange.Caller, request, exchange.Cancel),
            Endpoint.AuditReads => await engine.AuditReadsAsync(exchange.Caller, request, exchange.Cancel),
            _ => await engine.AuditAsync(exchange.Caller, request, exchange.Cancel),
        };
        if (result.Failed(out fault, out ReadReply? reply)) return fault;
        using (reply)
        {
            answers.Annotate(exchange, reply.Position, reply.Timings);
            await answers.SendAsync(exchange, 200, reply.Body.WrittenMemory, CborShape.Plain);
            return null;
        }
    }

    Result<AuditRequest> Parse(Exchange exchange, List<Parameter> parameters)
    {
        AuditRequest request = new();
        ImmutableArray<string> known = s_page;
        string? record = null;
        switch (exchange.Route.Endpoint)
        {
            case Endpoint.AuditStatistics: known = s_statistics; break;
            case Endpoint.AuditReads: known = s_reads; break;
            case Endpoint.AuditActivity:
                if (!PercentText.TryDecode(exchange.RawKey, plusIsSpace: false, out string actor)) return Undecodable("id");
                request = request with { Actor = actor };
                known = known.Add("model");
                break;
            case Endpoint.AuditEntity:
                // The route matched: there is a slash.
                int slash = exchange.RawKey.IndexOf('/', StringComparison.Ordinal);
                if (!PercentText.TryDecode(exchange.RawKey.AsSpan(0, slash), plusIsSpace: false, out string model))
                    return Undecodable("model");
                request = request with { Model = model };
                record = exchange.RawKey[(slash + 1)..];
                known = known.Add("actor");
                break;
            default: known = known.AddRange("model", "record", "actor"); break;
        }
        if (ReadAll(parameters, known, request).Failed(out Fault? fault, out var read)) return fault;
        return Keyed(read.Request, record ?? read.Record);
    }

    static Result<(AuditRequest Request, string? Record)> ReadAll(
        List<Parameter> parameters, ImmutableArray<string> known, AuditRequest request)
    {
        string? record = null;
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (Parameter parameter in parameters)
        {
            string name = Shown.Name(parameter.Name), text = parameter.Text;
            if (!known.Contains(parameter.Name))
            {
                return Faults.UnknownParameter.Says($"unknown parameter '{name}'",
                    new FaultDetail(name, Faults.UnknownParameter.Code, "is not a parameter of this route"))
                    with { Hint = "parameters are " + string.Join(", ", known.Order(StringComparer.Ordinal)) };
            }
            if (!seen.Add(parameter.Name)) return Wrong(name, "is given twice");
            if (text.Length == 0) return Wrong(name, "is empty");
            switch (parameter.Name)
            {
                case "model": request = request with { Model = text }; break;
                case "record": record = text; break;
                case "actor": request = request with { Actor = text }; break;
                case "operation": request = request with { Operation = text }; break;
                case "tenant": request = request with { Tenant = text }; break;
                case "from": request = request with { From = text }; break;
                case "to": request = request with { To = text }; break;
                case "order" when text is "newest" or "oldest": request = request with { OldestFirst = text == "oldest" }; break;
                case "order": return Wrong(name, "is not one of newest, oldest");
                case "after" when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long after):
                    request = request with { After = after };
                    break;
                case "limit" when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit):
                    request = request with { Limit = limit };
                    break;
                default: return Wrong(name, "is not a whole number");
            }
        }
        return record is not null && request.Model is null ? Wrong("record", "needs a model to be a record of") : (request, record);
    }

    /// <summary>With the parts of the record's key, as a path has them.</summary>
    Result<AuditRequest> Keyed(AuditRequest request, string? record)
    {
        AppSchema schema = engine.Current.Schema;
        if (record is null || request.Model is null) return request;
        // An unknown model is named by the engine.
        if ((schema.FindModel(request.Model) ?? schema.FindRoute(request.Model)) is not { } model) return request;
        if (KeyText.Parse(model, record).Failed(out Fault? fault, out var key)) return fault;
        return request with { Key = key };
    }

    static Fault Undecodable(string name) => Wrong(name, "is not percent-encoded UTF-8");

    static Fault Wrong(string name, string why) =>
        Faults.MalformedParameter.Says($"{name}: {why}", new FaultDetail(name, Faults.MalformedParameter.Code, why));
}
