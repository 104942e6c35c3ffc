using System.Globalization;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>POST, PUT, PATCH and DELETE: URL, headers and body → one command → the engine → an answer.</summary>
sealed class RestWrites(Engine engine, Limits limits, Answers answers)
{
    public async ValueTask<Fault?> AnswerAsync(Exchange exchange, ModelRoutes routes)
    {
        Endpoint endpoint = exchange.Route.Endpoint;
        if (endpoint == Endpoint.Revert) return await RevertAsync(exchange, routes);
        if (endpoint == Endpoint.Erase) return await EraseAsync(exchange, routes);
        Result<Command> parsed = RestCommands.Of(
            endpoint, exchange.Method, engine.SeenBy(exchange.Caller, routes.Model), exchange.RawKey, exchange.Target.Query, limits);
        if (!parsed.IsOk) return parsed.Fault;
        if (exchange.Headers.IfNoneMatch.Count > 0) return Faults.MalformedHeader.Says("If-None-Match: is taken by reads only");
        bool minimal = RequestHeaders.PrefersMinimal(exchange.Headers["Prefer"]);
        if (RestCommands.TakesBody(endpoint, exchange.Method))
        {
            if (parsed.Value.Kind == CommandKind.Create && BulkBody.IsBulk(exchange, limits))
                return await BulkAsync(exchange, routes, parsed.Value, minimal);
            var body = await RestBodies.ReadAsync(exchange, limits, exchange.Cancel);
            if (!body.IsOk) return body.Fault;
            parsed = RestCommands.WithBody(parsed.Value, body.Value);
        }
        else if (RestBodies.None(exchange) is { } unwanted)
        {
            return unwanted;
        }
        parsed = RestCommands.WithPreconditions(parsed.Value, exchange.Headers.IfMatch, minimal);
        if (!parsed.IsOk) return parsed.Fault;
        var idempotency = RequestHeaders.Idempotency(exchange, parsed.Value.Body.Span);
        if (!idempotency.IsOk) return idempotency.Fault;
        return await WriteAsync(exchange, routes, parsed.Value with { Idempotency = idempotency.Value });
    }

    async ValueTask<Fault?> WriteAsync(Exchange exchange, ModelRoutes routes, Command command)
    {
        Snapshot snapshot = engine.Current;
        Result<WriteReply> result = await engine.WriteAsync(exchange.Caller, command, exchange.Cancel);
        if (result.Failed(out Fault? fault, out WriteReply? reply)) return fault;
        using (reply)
        {
            await SendAsync(exchange, routes, reply, command.Kind, command.Minimal, snapshot);
            return null;
        }
    }

    /// <summary>POST …/revert with <c>version</c> or <c>asOf</c>: the record as it was, by an update.</summary>
    async ValueTask<Fault?> RevertAsync(Exchange exchange, ModelRoutes routes)
    {
        if (RestBodies.None(exchange) is { } unwanted) return unwanted;
        Model model = engine.SeenBy(exchange.Caller, routes.Model);
        var parameters = QueryString.Split(exchange.Target.Query, limits);
        if (!parameters.IsOk) return parameters.Fault;
        if (ReadParameters.Only(model, parameters.Value, limits, "version", "asOf") is { } unknown) return unknown;
        if (parameters.Value is not [var to])
            return Faults.MalformedParameter.Says("which state the record gets is said by one of version and asOf");
        long version = 0;
        if (to.Name is "version" && !long.TryParse(to.Text, NumberStyles.None, CultureInfo.InvariantCulture, out version))
        {
            const string Why = "is not a whole number";
            return Faults.MalformedParameter.Says("version: " + Why, new FaultDetail("version", Faults.MalformedParameter.Code, Why));
        }
        var key = KeyText.Parse(model, exchange.RawKey);
        if (!key.IsOk) return key.Fault;
        bool minimal = RequestHeaders.PrefersMinimal(exchange.Headers["Prefer"]);
        Command plain = new() { Model = model.Name, Kind = CommandKind.Update, Key = key.Value };
        var command = RestCommands.WithPreconditions(plain, exchange.Headers.IfMatch, minimal);
        if (!command.IsOk) return command.Fault;
        var idempotency = RequestHeaders.Idempotency(exchange, default);
        if (!idempotency.IsOk) return idempotency.Fault;
        Snapshot snapshot = engine.Current;
        var result = await engine.RevertAsync(
            exchange.Caller, command.Value with { Idempotency = idempotency.Value }, to.Name is "asOf" ? to.Text : null, version,
            exchange.Cancel);
        if (result.Failed(out Fault? fault, out WriteReply? reply)) return fault;
        using (reply)
        {
            await SendAsync(exchange, routes, reply, CommandKind.Update, minimal, snapshot);
            return null;
        }
    }

    /// <summary>
    /// POST …/erase: the person that the record is, for administrators. Doing it again is doing it once, so it needs no Idempotency-Key.
    /// </summary>
    async ValueTask<Fault?> EraseAsync(Exchange exchange, ModelRoutes routes)
    {
        // Before anything is read: who may not erase learns nothing about keys either.
        if (engine.ErasureRefusal(exchange.Caller) is { } refused) return refused;
        if (RestBodies.None(exchange) is { } unwanted) return unwanted;
        var parameters = QueryString.Split(exchange.Target.Query, limits);
        if (!parameters.IsOk) return parameters.Fault;
        if (ReadParameters.Only(routes.Model, parameters.Value, limits, "scrub") is { } unknown) return unknown;
        bool scrubs = true;
        if (parameters.Value is [var scrub] && !bool.TryParse(scrub.Text, out scrubs))
        {
            const string Why = "is neither true nor false";
            return Faults.MalformedParameter.Says("scrub: " + Why, new FaultDetail("scrub", Faults.MalformedParameter.Code, Why));
        }
        var key = KeyText.Parse(routes.Model, exchange.RawKey);
        if (!key.IsOk) return key.Fault;
        var result = await engine.EraseAsync(exchange.Caller, routes.Model.Name, key.Value, scrubs, exchange.Cancel);
        if (result.Failed(out Fault? fault, out ErasureReport? erased)) return fault;
        using ByteOutput body = new();
        body.Write("{\"records\":"u8);
        JsonText.WriteInt(body, erased.Records);
        body.Write(",\"events\":"u8);
        JsonText.WriteInt(body, erased.Events);
        body.Write(",\"answers\":"u8);
        JsonText.WriteInt(body, erased.Answers);
        body.Write(erased.IsScrubbed switch
        {
            null => ",\"scrubbed\":null}"u8,
            true => ",\"scrubbed\":true}"u8,
            false => ",\"scrubbed\":false}"u8,
        });
        answers.Annotate(exchange, erased.Position, default);
        await answers.SendAsync(exchange, 200, body.WrittenMemory, CborShape.Plain);
        return null;
    }

    async ValueTask<Fault?> BulkAsync(Exchange exchange, ModelRoutes routes, Command command, bool minimal)
    {
        var many = RestCommands.WithPreconditions(command with { Kind = CommandKind.CreateMany }, exchange.Headers.IfMatch, minimal);
        if (!many.IsOk) return many.Fault;
        // Of what stands before the records; the engine adds them as they pass.
        var idempotency = RequestHeaders.Idempotency(exchange, default);
        if (!idempotency.IsOk) return idempotency.Fault;
        BulkBody body = new(exchange, limits);
        if (body.Refuse() is { } refused) return refused;
        Snapshot snapshot = engine.Current;
        try
        {
            Result<WriteReply> result = await engine.BulkCreateAsync(
                exchange.Caller, routes.Model.Name, body.RecordsAsync(exchange.Cancel), idempotency.Value, exchange.Cancel);
            if (result.Failed(out Fault? fault, out WriteReply? reply)) return fault;
            using (reply)
            {
                await SendAsync(exchange, routes, reply, CommandKind.CreateMany, minimal, snapshot);
                return null;
            }
        }
        catch (BulkBodyException e)
        {
            return e.Fault;
        }
    }

    async ValueTask SendAsync(Exchange exchange, ModelRoutes routes, WriteReply reply, CommandKind kind, bool minimal, Snapshot snapshot)
    {
        var headers = exchange.ResponseHeaders;
        answers.Annotate(exchange, reply.Position, reply.Timings);
        if (reply.IsReplayed) headers["Idempotency-Replayed"] = "true";
        if (minimal) headers["Preference-Applied"] = "return=minimal";
        if (LocationOf(reply, routes) is { } location) headers.Location = location;
        if (HasTag(reply)) headers.ETag = TagOf(reply, snapshot, exchange);
        if (reply.Body is { Length: > 0 } body)
        {
            CborShape shape = exchange.AnswersCbor ? CborShape.OfRecord(snapshot.Schema, routes.Model) : CborShape.Plain;
            await answers.SendAsync(exchange, StatusOf(reply, kind), body.WrittenMemory, shape);
            return;
        }
        exchange.SendEmpty(StatusOf(reply, kind));
    }

    public static string TagOf(WriteReply reply, Snapshot snapshot, Exchange exchange) => EntityTag.Of(
        reply.Version, snapshot.Version, exchange.AnswersCbor, reply is { NeedsBodyHash: true, Body: { } shown } ? shown.Written : default);

    public static string? LocationOf(WriteReply reply, ModelRoutes routes) =>
        reply.Outcome == WriteOutcome.Created && !reply.Key.IsDefaultOrEmpty ? routes.PathOf(reply.Key.AsSpan()) : null;

    public static bool HasTag(WriteReply reply) =>
        reply.Version > 0 && reply.Outcome is WriteOutcome.Created or WriteOutcome.Updated or WriteOutcome.Restored;

    public static int StatusOf(WriteReply reply, CommandKind kind)
    {
        bool empty = reply.Body is not { Length: > 0 };
        return reply.Outcome switch
        {
            WriteOutcome.Created => 201,
            WriteOutcome.Many when kind == CommandKind.CreateMany => 201,
            WriteOutcome.Updated or WriteOutcome.Restored or WriteOutcome.Many => empty ? 204 : 200,
            WriteOutcome.Deleted or WriteOutcome.Purged => 204,
            _ => throw new InvalidOperationException($"an outcome without a status: {reply.Outcome}"),
        };
    }
}
