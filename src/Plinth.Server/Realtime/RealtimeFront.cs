using System.Collections.Concurrent;
using Plinth.Http;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>
/// <c>GET /realtime</c>: a socket for any number of subscriptions, or, for a request that names a query, a stream of events for one. Knows
/// all conversations, looks after their credentials, and ends them when the server does.
/// </summary>
sealed class RealtimeFront : IAsyncDisposable
{
    readonly RealtimeParts _parts;
    readonly Origins _origins;
    readonly Tickets _tickets;
    readonly ConcurrentDictionary<RealtimeSession, byte> _sessions = new();
    readonly CancellationTokenSource _stop = new();
    readonly CredentialWatch _watch;
    readonly Occupancy _byAddress = new();
    int _count;

    public RealtimeFront(RealtimeParts parts, ServerOptions options, Tickets tickets)
    {
        (_parts, _origins, _tickets) = (parts, new Origins(options), tickets);
        _watch = new CredentialWatch(parts.Time);
    }

    /// <summary>Conversations at the moment.</summary>
    public int Count => Volatile.Read(ref _count);

    public async ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        if (exchange.Route.Endpoint == Endpoint.Ticket) return await TicketAsync(exchange);
        if (_origins.RefusePage(exchange.Headers) is { } foreign) return foreign;
        bool isSocket = exchange.Upgrade is { IsUpgradableRequest: true } && Handshake.IsAsked(exchange.Headers);
        if (!isSocket && exchange.Target.Query.IsEmpty)
        {
            return Faults.MalformedRequest.Says("open a WebSocket here, or ask for events with ?query=<JSON> or ?channel=<name>",
                $"subprotocols are {Handshake.Json} and {Handshake.Cbor}");
        }
        if (Interlocked.Increment(ref _count) > _parts.Options.ConnectionsMax || _stop.IsCancellationRequested)
        {
            Interlocked.Decrement(ref _count);
            return Faults.Overloaded.Says("as many clients follow changes here as may (realtime.connections)")
                with { RetryAfterSeconds = 5 };
        }
        string network = ClientNetwork.Of(exchange.Address);
        try
        {
            if (!_byAddress.TryEnter(network, _parts.Options.ConnectionsPerAddressMax))
            {
                return Faults.Overloaded.Says("as many clients of this address follow changes here as may (realtime.connectionsPerAddress)")
                    with { RetryAfterSeconds = 5 };
            }
            try
            {
                return isSocket ? await SocketAsync(exchange) : await EventsAsync(exchange);
            }
            finally
            {
                _byAddress.Leave(network);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _count);
        }
    }

    /// <summary>Tells all clients to go elsewhere, before the server waits for requests to end.</summary>
    public void Drain()
    {
        if (_stop.IsCancellationRequested) return;
        _stop.Cancel();
        foreach (RealtimeSession session in _sessions.Keys) session.End(null, 1001, drops: false);
    }

    public async ValueTask DisposeAsync()
    {
        Drain();
        await _watch.DisposeAsync();
        _tickets.Dispose();
        _stop.Dispose();
    }

    async ValueTask<Fault?> SocketAsync(Exchange exchange)
    {
        if (Handshake.Read(exchange.Headers).Failed(out Fault? fault, out Handshake? handshake)) return fault;
        using RealtimeSession session = new(_parts, exchange, _parts.CredentialOf(exchange), handshake.UsesCbor);
        exchange.EndTimeLimit();
        await using Stream stream = await handshake.AcceptAsync(exchange);
        await WithAsync(session, () => new SocketRun(session, _parts.Options, handshake, _parts.Time).RunAsync(stream, exchange.Cancel));
        return null;
    }

    async ValueTask<Fault?> EventsAsync(Exchange exchange)
    {
        if (EventStream.Parse(exchange, _parts.Limits).Failed(out Fault? fault, out EventStream? stream)) return fault;
        string? credential = _parts.CredentialOf(exchange);
        if (stream.Ticket is { } ticket)
        {
            if ((await RedeemAsync(exchange, ticket, stream)).Failed(out fault, out credential)) return fault;
        }
        using RealtimeSession session = new(_parts, exchange, credential, usesCbor: false) { EndsWithSubscription = true };
        // What is wrong with the query is answered as to any request.
        Fault? refused = stream.Channel is { } channel ? await session.JoinAsync(stream.Id, channel, exchange.Cancel)
            : session.Subscribe(stream.Id, stream.Query, stream.Resume);
        if (refused is not null) return refused;
        exchange.EndTimeLimit();
        await WithAsync(session, () => stream.RunAsync(session, exchange, _parts.Options, exchange.Cancel));
        return null;
    }

    /// <summary>A ticket for whoever asks with a credential: what an event stream of a browser shows instead of it.</summary>
    async ValueTask<Fault?> TicketAsync(Exchange exchange)
    {
        if (_parts.CredentialOf(exchange) is not { } credential) return Faults.Unauthorized.Says("a ticket is for who has signed in");
        ByteOutput body = exchange.Scratch;
        body.Write("{\"ticket\":"u8);
        JsonText.WriteString(body, _tickets.Seal(credential));
        body.Write(",\"expiresIn\":"u8);
        JsonText.WriteInt(body, Tickets.Seconds);
        body.Write((byte)'}');
        exchange.ResponseHeaders.CacheControl = "no-store";
        await exchange.SendAsync(201, Negotiation.Json, body.WrittenMemory);
        return null;
    }

    /// <summary>
    /// The credential in a ticket. One that is used, on whatever node, or old is good for coming back alone: with the position of a frame
    /// that its caller was given for the same query.
    /// </summary>
    async ValueTask<Result<string>> RedeemAsync(Exchange exchange, string ticket, EventStream stream)
    {
        if (_tickets.Open(ticket) is not { } opened) return Faults.Unauthorized.Says("the ticket is not one of ours");
        Result<Caller> resolved = await _parts.Resolve(opened.Credential, exchange.Address, exchange.Cancel);
        if (resolved.Failed(out Fault? fault, out Caller? caller)) return fault;
        ReadRequest? request = null;
        if (stream.Channel is null)
        {
            if (_parts.Read(caller, stream.Query).Failed(out fault, out var asked)) return fault;
            request = asked.Request;
        }
        bool isFirst = false;
        if (opened.IsFresh)
        {
            Result<bool> taken = await _parts.TakeOnce(opened.Id, exchange.Cancel);
            if (!taken.IsOk) return taken.Fault;
            isFirst = taken.Value;
        }
        bool comesBack = request is not null && stream.Resume is { } resume && _parts.Hub.HasGiven(caller, request, resume);
        if (!isFirst && !comesBack) return Faults.Unauthorized.Says("the ticket was used, or is too old: ask for another");
        exchange.Caller = caller;
        return opened.Credential;
    }

    async Task WithAsync(RealtimeSession session, Func<Task> run)
    {
        _sessions.TryAdd(session, 0);
        using IDisposable watched = _watch.Watch(session.LookAsync, () => session.End(null, 1011, drops: true));
        try
        {
            // The server may have begun to stop before the session was known.
            if (_stop.IsCancellationRequested) session.End(null, 1001, drops: false);
            await run();
        }
        finally
        {
            _sessions.TryRemove(session, out _);
        }
    }
}
