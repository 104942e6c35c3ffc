using System.Globalization;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>GET, HEAD and QUERY: parameters → one request value → the engine → bytes, with the headers that go with them.</summary>
sealed class RestReads(Engine engine, Limits limits, Answers answers, Explains explains)
{
    public ValueTask<Fault?> ListAsync(Exchange exchange, Model model)
    {
        if (RestBodies.None(exchange) is { } body) return new(body);
        var parameters = QueryString.Split(exchange.Target.Query, limits);
        if (!parameters.IsOk) return new(parameters.Fault);
        return ReadAsync(exchange, model, ReadParameters.List(engine.SeenBy(exchange.Caller, model), parameters.Value, limits));
    }

    /// <summary>QUERY on the collection and POST on …/query: the parameters are in the body, and nowhere else.</summary>
    public async ValueTask<Fault?> QueryAsync(Exchange exchange, Model model)
    {
        if (!exchange.Target.Query.IsEmpty)
            return Faults.UnknownParameter.Says("the parameters belong into the body here, not into the URL");
        var body = await RestBodies.ReadAsync(exchange, limits, exchange.Cancel);
        if (!body.IsOk) return body.Fault;
        var parameters = QueryBody.Parse(body.Value, limits);
        if (!parameters.IsOk) return parameters.Fault;
        return await ReadAsync(exchange, model, ReadParameters.List(engine.SeenBy(exchange.Caller, model), parameters.Value, limits));
    }

    public ValueTask<Fault?> AggregateAsync(Exchange exchange, Model model)
    {
        if (RestBodies.None(exchange) is { } body) return new(body);
        var parameters = QueryString.Split(exchange.Target.Query, limits);
        if (!parameters.IsOk) return new(parameters.Fault);
        return ReadAsync(exchange, model, ReadParameters.Aggregate(engine.SeenBy(exchange.Caller, model), parameters.Value, limits));
    }

    public ValueTask<Fault?> GetAsync(Exchange exchange, Model model)
    {
        if (RestBodies.None(exchange) is { } body) return new(body);
        var key = KeyText.Parse(model, exchange.RawKey);
        if (!key.IsOk) return new(key.Fault);
        var parameters = QueryString.Split(exchange.Target.Query, limits);
        if (!parameters.IsOk) return new(parameters.Fault);
        return ReadAsync(exchange, model, ReadParameters.One(engine.SeenBy(exchange.Caller, model), parameters.Value, key.Value, limits));
    }

    /// <summary>The events of one record: <c>limit</c>, and <c>after</c> a position.</summary>
    public async ValueTask<Fault?> HistoryAsync(Exchange exchange, Model model)
    {
        if (RestBodies.None(exchange) is { } body) return body;
        var key = KeyText.Parse(model, exchange.RawKey);
        if (!key.IsOk) return key.Fault;
        var parameters = QueryString.Split(exchange.Target.Query, limits);
        if (!parameters.IsOk) return parameters.Fault;
        var page = HistoryParameters.Parse(parameters.Value);
        if (!page.IsOk) return page.Fault;
        if (await answers.WaitForPositionAsync(exchange) is { } behind) return behind;
        var result = await engine.HistoryAsync(exchange.Caller, model.Name, key.Value, page.Value.After, page.Value.Limit, exchange.Cancel);
        if (result.Failed(out Fault? fault, out ReadReply? reply)) return fault;
        using (reply)
        {
            answers.Annotate(exchange, reply.Position, reply.Timings);
            await answers.SendAsync(exchange, 200, reply.Body.WrittenMemory, CborShape.Plain);
            return null;
        }
    }

    async ValueTask<Fault?> ReadAsync(Exchange exchange, Model model, Result<ReadRequest> parsed)
    {
        if (!parsed.IsOk) return parsed.Fault;
        ReadRequest request = parsed.Value;
        Snapshot snapshot = engine.Current;
        Result<TimeSpan?> ageMax = RequestHeaders.MaxStaleness(exchange);
        if (!ageMax.IsOk) return ageMax.Fault;
        Result<long?> position = RequestHeaders.MinPosition(exchange);
        if (!position.IsOk) return position.Fault;
        if (await answers.WaitForPositionAsync(exchange) is { } behind) return behind;
        Freshness fresh = new(ageMax.Value, position.Value ?? 0);
        Result<ReadReply> result = await engine.ReadAsync(exchange.Caller, request, exchange.Cancel, fresh);
        if (result.Failed(out Fault? fault, out ReadReply? reply)) return fault;
        using (reply)
        {
            answers.Annotate(exchange, reply.Position, reply.Timings);
            if (request.Kind == ReadKind.Get)
            {
                string tag = EntityTag.Of(reply.Version, snapshot.Version, exchange.AnswersCbor, reply.NeedsBodyHash ? reply.Body.Written
                    : default);
                if (Precondition(exchange, reply.Version) is { } failed) return failed;
                exchange.ResponseHeaders.ETag = tag;
                if (exchange.Headers.IfNoneMatch.Count > 0 && EntityTag.Matches(exchange.Headers.IfNoneMatch, tag))
                {
                    exchange.SendEmpty(304);
                    return null;
                }
            }
            CborShape shape = !exchange.AnswersCbor || request.Kind == ReadKind.Aggregate ? CborShape.Plain
                : request.Kind == ReadKind.Get ? CborShape.OfRecord(snapshot.Schema, model)
                : CborShape.OfList(snapshot.Schema, model);
            using ByteOutput? explained = await explains.OfEmptyAsync(exchange, model, request, reply.Body.WrittenMemory);
            await answers.SendAsync(exchange, 200, (explained ?? reply.Body).WrittenMemory, shape);
            return null;
        }
    }

    /// <summary>If-Match on a read (RFC 9110, 13.1.1): the version that the client means to see, or nothing.</summary>
    static Fault? Precondition(Exchange exchange, long version)
    {
        var demanded = EntityTag.Precondition(exchange.Headers.IfMatch);
        if (!demanded.IsOk) return demanded.Fault;
        return demanded.Value.Version is { } expected && expected != version
            ? Faults.PreconditionFailed.Says(
                string.Create(CultureInfo.InvariantCulture, $"the record has version {version}, If-Match names {expected}"))
            : null;
    }
}
