using Plinth.Http;
using Plinth.Live;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>Who is known by a credential: <c>unauthorized</c> when it is not good, <c>not_ready</c> when that cannot be told now.</summary>
delegate ValueTask<Result<Caller>> ResolveCaller(string credential, string address, CancellationToken cancel);

/// <summary>
/// The same of a conversation that is open. Null: that cannot be told now, and no change reaches this node meanwhile either.
/// </summary>
delegate ValueTask<Result<Caller?>> RecheckCaller(ShownCredential credential, string address, CancellationToken cancel);

/// <summary>What a client asks for, from the JSON of its query.</summary>
delegate Result<(Model Model, ReadRequest Request)> ReadQuery(Caller caller, ReadOnlyMemory<byte> query);

/// <summary>
/// One client's conversation, whatever carries it: who it is, what it follows, and what waits for it. Frames of one client are handled one
/// after the other; what its subscriptions deliver comes from any thread.
/// </summary>
sealed partial class RealtimeSession : IDisposable
{
    /// <summary>Seconds of the rate that may be spent at once.</summary>
    const int Burst = 10;

    readonly RealtimeParts _parts;
    readonly Bucket _rate = new();
    readonly Lock _gate = new();
    readonly Dictionary<string, Followed> _followed = new(StringComparer.Ordinal);
    readonly string _address;
    readonly string _requestId, _traceId;
    Presented _who;
    readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    bool _isOver;

    public RealtimeSession(RealtimeParts parts, Exchange exchange, string? credential, bool usesCbor)
    {
        (_parts, _address, UsesCbor) = (parts, exchange.Address, usesCbor);
        _who = new Presented(exchange.Caller, credential is null ? null : new ShownCredential(credential));
        (_requestId, _traceId) = (exchange.RequestId, exchange.TraceId);
        Outbox = new Outbox(parts.Options.QueueBytes);
    }

    /// <summary>Who it is and by what credential, which are replaced together; null where it came without one.</summary>
    sealed record Presented(Caller Caller, ShownCredential? Credential);

    /// <summary>A subscription and what it takes to make it again.</summary>
    sealed class Followed(byte[] id, CborShape shape)
    {
        public byte[] Id => id;

        public CborShape Shape => shape;

        public required ReadOnlyMemory<byte> Query { get; init; }

        /// <summary>What it asked for, of a channel.</summary>
        public ChannelRequest? Channel { get; init; }

        public IDisposable? Subscription { get; set; }
    }

    public Outbox Outbox { get; }

    /// <summary>Looks whether the client is still there, where what carries the conversation does not tell.</summary>
    public Action? Beat { get; set; }

    public bool UsesCbor { get; }

    /// <summary>It carries one subscription, and is over with it: a browser's stream comes back by itself, and begins it anew.</summary>
    public bool EndsWithSubscription { get; init; }

    /// <summary>Why it ends, as a socket says it; 1000 while it goes on.</summary>
    public int CloseCode { get; private set; } = 1000;

    /// <summary>Completes when it has ended, for whatever reason; the last frames may still wait.</summary>
    public Task Over => _over.Task;

    /// <summary>Takes one frame of the client.</summary>
    /// <param name="bytes">JSON or CBOR, as was agreed on.</param>
    /// <param name="isBinary">How the frame came.</param>
    /// <param name="cancel">The client has gone.</param>
    public async ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, bool isBinary, CancellationToken cancel)
    {
        if (isBinary != UsesCbor)
        {
            Tell([], Faults.MalformedBody.Says(UsesCbor ? "a frame of CBOR is binary" : "a frame of JSON is text"));
            return;
        }
        Result<ReadOnlyMemory<byte>> json = UsesCbor ? CborToJson.Transcode(bytes, _parts.Limits) : bytes;
        if (json.IsOk) await TakeAsync(json.Value, cancel);
        else Tell([], json.Fault);
    }

    async ValueTask TakeAsync(ReadOnlyMemory<byte> json, CancellationToken cancel)
    {
        int perSecond = _parts.Options.FramesPerSecondMax;
        long ticks = _parts.Time.GetUtcNow().UtcTicks;
        if (!_rate.TryTake(ticks, TimeSpan.TicksPerSecond / perSecond, perSecond * Burst, out _, out _))
        {
            Tell([], Faults.RateLimited.Says($"more than {perSecond} frames per second (realtime.framesPerSecond)")
                with { RetryAfterSeconds = 1 });
            return;
        }
        if (ClientFrame.Parse(json, _parts.Limits).Failed(out Fault? wrong, out ClientFrame? frame))
        {
            Tell([], wrong);
            return;
        }
        if (frame.Type == "publish")
        {
            await PublishAsync(frame, cancel);
            return;
        }
        if (frame.Type == "presence")
        {
            Show(frame);
            return;
        }
        Fault? fault = frame.Type switch
        {
            "subscribe" when frame.Channel is { } channel && frame.Query.IsEmpty =>
                await JoinAsync(frame.Id, new ChannelRequest(channel, frame.Parameters, frame.Presence), cancel),
            "subscribe" => Subscribe(frame.Id, frame.Query, frame.Resume),
            "cancel" => Cancel(frame.Id),
            "auth" => await AuthenticateAsync(frame, cancel),
            "ping" => Send("{\"type\":\"pong\"}"u8.ToArray()),
            "pong" => null,
            _ => Faults.MalformedBody.Says($"there is no frame of the type '{Shown.Name(frame.Type)}'",
                "frames are auth, subscribe, cancel, publish, presence, ping and pong"),
        };
        if (fault is not null) Tell(frame.Id, fault);
    }

    /// <summary>Begins to follow a query under an id.</summary>
    public Fault? Subscribe(byte[] id, ReadOnlyMemory<byte> query, string? resume)
    {
        if (id.Length == 0) return Faults.MalformedBody.Says("subscribe needs an id, a text or a number");
        if (query.IsEmpty) return Faults.MalformedBody.Says("subscribe needs a query, an object with a model at least, or a channel");
        if (_parts.Read(_who.Caller, query).Failed(out Fault? fault, out var asked)) return fault;
        string key = System.Text.Encoding.UTF8.GetString(id);
        Followed followed = new(id, UsesCbor ? _parts.ShapeOf(asked.Model) : CborShape.Plain) { Query = query.ToArray() };
        return Add(key, followed) ?? Begin(key, followed, asked.Request, resume);
    }

    Fault? Add(string key, Followed followed)
    {
        lock (_gate)
        {
            if (_followed.ContainsKey(key))
                return Faults.MalformedBody.Says($"{Shown.Name(key)} is subscribed to already: cancel it first");
            if (_followed.Count >= _parts.Options.SubscriptionsMax)
            {
                return Faults.LimitExceeded.Says(
                    $"a connection has {_parts.Options.SubscriptionsMax} subscriptions at most", "realtime.subscriptions is the setting");
            }
            _followed.Add(key, followed);
            return null;
        }
    }

    /// <summary>Keeps what was begun; false when it is wanted no more, or was not begun.</summary>
    bool Keep(string key, Followed followed, IDisposable? begun)
    {
        lock (_gate)
        {
            bool isKnown = _followed.TryGetValue(key, out Followed? known) && ReferenceEquals(known, followed);
            if (isKnown && begun is null) _followed.Remove(key);
            if (!isKnown || begun is null || _isOver) return false;
            followed.Subscription = begun;
            return true;
        }
    }

    /// <summary>Looks whether the client is there, and its credential still good and says the same. Ends the session when not.</summary>
    public ValueTask LookAsync(CancellationToken cancel)
    {
        Beat?.Invoke();
        return RecheckAsync(cancel);
    }

    async ValueTask RecheckAsync(CancellationToken cancel)
    {
        Presented who = Volatile.Read(ref _who);
        if (who.Credential is not { } credential) return;
        Result<Caller?> now = await _parts.Recheck(credential, _address, cancel);
        // Another credential came meanwhile: it is looked at the next time.
        if (!ReferenceEquals(who, Volatile.Read(ref _who))) return;
        if (now.IsOk && (now.Value is not { } caller || caller.Auth == who.Caller.Auth)) return;
        if (now.Fault?.Kind == Faults.NotReady)
            End(now.Fault, 1013, drops: true);
        else
            End(Faults.Unauthorized.Says("the session has ended, or what the credentials say has changed"), 4401, drops: true);
    }

    /// <summary>Ends it: the client is told why with the last frame.</summary>
    public void End(Fault? fault, int closeCode, bool drops)
    {
        lock (_gate)
        {
            if (_isOver) return;
            (_isOver, CloseCode) = (true, closeCode);
        }
        Outbox.Close(fault is null ? null : ProblemFrame([], fault), drops);
        _over.TrySetResult();
        // Whoever delivered the frame that was too much holds the query's lock.
        ThreadPool.UnsafeQueueUserWorkItem(static session => session.Dispose(), this, preferLocal: false);
    }

    public void Dispose()
    {
        List<Followed> all;
        lock (_gate)
        {
            _isOver = true;
            _over.TrySetResult();
            all = [.. _followed.Values];
            _followed.Clear();
        }
        foreach (Followed followed in all) followed.Subscription?.Dispose();
    }

    Fault? Begin(string key, Followed followed, ReadRequest request, string? resume)
    {
        Result<LiveSubscription> begun = _parts.Hub.Subscribe(_who.Caller, request, resume, frame => Deliver(key, followed, frame));
        if (!Keep(key, followed, begun.IsOk ? begun.Value : null) && begun.IsOk) begun.Value.Dispose();
        return begun.IsOk ? null : begun.Fault;
    }

    Fault? Cancel(byte[] id)
    {
        Followed? followed;
        lock (_gate) _followed.Remove(System.Text.Encoding.UTF8.GetString(id), out followed);
        followed?.Subscription?.Dispose();
        return null;
    }

    async ValueTask<Fault?> AuthenticateAsync(ClientFrame frame, CancellationToken cancel)
    {
        if (frame.Token is not { } token) return Faults.MalformedBody.Says("auth needs a token");
        Result<Caller> resolved = await _parts.Resolve(token, _address, cancel);
        if (resolved.Failed(out Fault? fault, out Caller? caller))
        {
            if (fault.Kind == Faults.Unauthorized) End(fault, 4401, drops: true);
            return fault;
        }
        bool isScoped = caller.IsKey || _who.Caller.IsKey;
        bool isSame = caller.Auth == _who.Caller.Auth && caller.SessionId == _who.Caller.SessionId && !isScoped;
        Volatile.Write(ref _who, new Presented(caller, new ShownCredential(token)));
        if (frame.Id.Length > 0) Send((byte[])[.. "{\"type\":\"result\",\"id\":"u8, .. frame.Id, (byte)'}']);
        return isSame ? null : await RenewAsync(cancel);
    }

    /// <summary>Other rights: everything that is followed begins anew under them.</summary>
    async ValueTask<Fault?> RenewAsync(CancellationToken cancel)
    {
        List<KeyValuePair<string, Followed>> all;
        lock (_gate) all = [.. _followed];
        foreach (var (key, followed) in all)
        {
            followed.Subscription?.Dispose();
            Fault? fault = followed.Channel is { } channel ? await EnterAsync(key, followed, channel, cancel)
                : _parts.Read(_who.Caller, followed.Query).Failed(out Fault? unread, out var asked) ? unread
                : Begin(key, followed, asked.Request, resume: "");
            if (fault is null) continue;
            lock (_gate) _followed.Remove(key);
            Tell(followed.Id, fault);
        }
        return null;
    }

    void Deliver(string key, Followed followed, LiveFrame frame)
    {
        if (frame.Ended is { } fault)
        {
            lock (_gate) _followed.Remove(key);
            Tell(followed.Id, fault);
            if (EndsWithSubscription) End(null, 1000, drops: false);
            return;
        }
        OutFrame shared = frame.Words(followed.Id).Form(static json => new OutFrame(json));
        Queue(UsesCbor ? shared.Cbor(followed.Shape) : shared);
    }

    void Tell(byte[] id, Fault fault) => Queue(ProblemFrame(id, fault));

    Fault? Send(ReadOnlyMemory<byte> json)
    {
        Queue(OfOne(json));
        return null;
    }

    /// <summary>A frame that this client alone is told.</summary>
    OutFrame OfOne(ReadOnlyMemory<byte> json) => UsesCbor ? new OutFrame(json).Cbor(CborShape.Plain) : new OutFrame(json);

    void Queue(OutFrame frame)
    {
        if (Outbox.TryAdd(frame)) return;
        End(Faults.Lagged.Says($"more than {_parts.Options.QueueBytes} bytes waited for this client (realtime.queueBytes)",
            "subscribe again with resume") with { RetryAfterSeconds = 1 }, 4408, drops: true);
    }

    /// <param name="of">The frame that is refused, where its refusal ends no subscription.</param>
    /// <param name="id">Of the subscription.</param>
    /// <param name="fault">Why.</param>
    OutFrame ProblemFrame(byte[] id, Fault fault, string? of = null)
    {
        using ByteOutput frame = new(512);
        frame.Write("{\"type\":\"error\","u8);
        if (id.Length > 0)
        {
            frame.Write("\"id\":"u8);
            frame.Write(id);
            frame.Write((byte)',');
        }
        if (of is not null)
        {
            frame.Write("\"of\":"u8);
            JsonText.WriteString(frame, of);
            frame.Write((byte)',');
        }
        frame.Write("\"problem\":"u8);
        Problem.Write(frame, fault, Statuses.Of(fault.Kind), _traceId, _requestId);
        frame.Write((byte)'}');
        return OfOne(frame.ToArray());
    }
}
