using Plinth.Http;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>The REST surface: decides the representation of the answer, then hands the exchange to reads, writes or the batch.</summary>
sealed class RestFront
{
    readonly RestReads _reads;
    readonly RestWrites _writes;
    readonly RestBatch _batch;
    readonly Explains _explains;
    readonly RestAudit _audit;

    public RestFront(Engine engine, ServerOptions options, Func<RouteTable> routes)
    {
        _explains = new Explains(engine, options);
        Answers answers = new(engine, options, _explains);
        _reads = new RestReads(engine, options.Limits, answers, _explains);
        _writes = new RestWrites(engine, options.Limits, answers);
        _audit = new RestAudit(engine, options.Limits, answers);
        _batch = new RestBatch(engine, options.Limits, answers, _explains, routes);
    }

    public ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        // Before anything else: an answer that nobody can read must not be the end of a write.
        Result<bool> cbor = Negotiation.AnswerIsCbor(exchange.Headers.Accept);
        if (!cbor.IsOk) return new(cbor.Fault);
        exchange.AnswersCbor = cbor.Value;
        if (exchange.Route.Endpoint is >= Endpoint.AuditLogs and <= Endpoint.AuditStatistics) return _audit.AnswerAsync(exchange);
        if (exchange.Route.Owner is not { } routes) return _batch.AnswerAsync(exchange);
        return _explains.IsAsked(exchange) ? ExplainedAsync(exchange, routes) : AnswerAsync(exchange, routes);
    }

    async ValueTask<Fault?> ExplainedAsync(Exchange exchange, ModelRoutes routes)
    {
        Fault? fault = await AnswerAsync(exchange, routes);
        if (fault is not null) await _explains.AddAsync(exchange, routes.Model, fault);
        return fault;
    }

    ValueTask<Fault?> AnswerAsync(Exchange exchange, ModelRoutes routes)
    {
        bool reads = exchange.Method is Method.Get or Method.Head;
        return exchange.Route.Endpoint switch
        {
            Endpoint.Collection when reads => _reads.ListAsync(exchange, routes.Model),
            Endpoint.Collection when exchange.Method == Method.Query => _reads.QueryAsync(exchange, routes.Model),
            Endpoint.Query => _reads.QueryAsync(exchange, routes.Model),
            Endpoint.Aggregate => _reads.AggregateAsync(exchange, routes.Model),
            Endpoint.History => _reads.HistoryAsync(exchange, routes.Model),
            Endpoint.Item when reads => _reads.GetAsync(exchange, routes.Model),
            _ => _writes.AnswerAsync(exchange, routes),
        };
    }
}
