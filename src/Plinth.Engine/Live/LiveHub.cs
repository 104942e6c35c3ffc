using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>The items of one run of a query, all of one snapshot of the database.</summary>
sealed record LiveRows(LivePlan Plan, List<LiveItem> Items, LogPlace Place);

/// <summary>
/// All live queries of a process: one follower of the log gives each change to the queries that it may concern. Work goes by query and
/// rights, whatever the number of those who subscribe. Thread-safe.
/// </summary>
sealed class LiveHub : IDisposable
{
    /// <summary>The least time between two runs of one query.</summary>
    public static readonly TimeSpan RunsApart = TimeSpan.FromMilliseconds(50);

    /// <summary>How often rules that look at the clock are asked anew.</summary>
    static readonly TimeSpan s_clockEvery = TimeSpan.FromSeconds(30);

    static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>Runs at the same time: requests need connections too.</summary>
    const int RunsMax = 4;

    /// <summary>Updates of one batch that are completed from the database; for more, running the queries again is cheaper.</summary>
    const int CompletedMax = 100;

    /// <summary>How often a client that resumes reads on while changes come in, before it is given everything anew.</summary>
    const int ResumesMax = 5;

    readonly Engine _engine;
    readonly Action<string> _warn;
    readonly Lock _gate = new();
    readonly SemaphoreSlim _runs = new(RunsMax);
    readonly Dictionary<Key, LiveQuery> _queries = [];
    readonly Dictionary<string, LiveIndex> _byModel = new(StringComparer.Ordinal);
    readonly FollowerRun _following;
    readonly ITimer _look;
    Snapshot _snapshot;
    LogPlace _place; // under the gate: up to there the queries have been given everything
    long _position;
    long _clockAt;
    long _runCount;
    long _breaks;
    int _isDisposed;

    /// <param name="engine">Whose records are followed; it outlives the hub.</param>
    /// <param name="warn">Takes what an operator should know.</param>
    public LiveHub(Engine engine, Action<string> warn)
    {
        (_warn, _breaks) = (warn, engine.Log.Breaks);
        (_engine, _snapshot, _position, _clockAt) = (engine, engine.Current, engine.Log.Head, engine.Time.GetTimestamp());
        _place = new LogPlace(_position, Guid.Empty);
        _following = engine.Log.Run("live queries", _position, FollowAsync, new FollowerOptions { FailuresMax = null }, Broken);
        engine.Projections.Changed += ProjectionChanged;
        _look = engine.Time.CreateTimer(static hub => ((LiveHub)hub!).Look(), this, s_lookEvery, s_lookEvery); // The state given here.
    }

    public Limits Limits => _engine.Limits;

    /// <summary>Different queries, by what they ask and by rights.</summary>
    public int Queries
    {
        get
        {
            lock (_gate) return _queries.Count;
        }
    }

    /// <summary>Times that a query was run.</summary>
    public long Runs => Volatile.Read(ref _runCount);

    /// <summary>Begins to tell a client of a query's items and their changes.</summary>
    /// <param name="caller">Who asks: everything that is told is under their rules.</param>
    /// <param name="request">A list; names unresolved.</param>
    /// <param name="resume">The position of the last frame that the client has seen, when it comes back.</param>
    /// <param name="deliver">Takes the frames, beginning with the items. Must be quick and must not throw.</param>
    public Result<LiveSubscription> Subscribe(Caller caller, ReadRequest request, string? resume, Action<LiveFrame> deliver)
    {
        request = request with { IsLive = true };
        Snapshot snapshot = _engine.Current;
        if (LivePlan.Of(snapshot, caller, request, _engine.Now, Limits).Failed(out Fault? fault, out LivePlan? plan)) return fault;
        LiveSubscription subscription = new(this, caller, request, deliver) { IsReset = resume is not null };
        ResumePoint? from = resume is not null && plan.IsIncremental ? new LiveFrames(plan).Resumed(resume) : null;
        try
        {
            for (int resumed = 0; from is { } point && resumed < ResumesMax; resumed++)
            {
                if ((subscription.Missed = LiveMissed.Read(plan, _engine.Store, point)) is not { } missed) break;
                if (missed.UpTo >= Volatile.Read(ref _position)) break;
            }
        }
        catch (StoreException e) when (e.ToFault() is { } unread)
        {
            return unread;
        }
        return Join(subscription, plan) is { } refused ? refused : subscription;
    }

    /// <summary>Whether a position was given out for this query to a caller of these rights.</summary>
    public bool HasGiven(Caller caller, ReadRequest request, string position)
    {
        Result<LivePlan> plan = LivePlan.Of(_engine.Current, caller, request with { IsLive = true }, _engine.Now, Limits);
        return plan.IsOk && new LiveFrames(plan.Value).Resumed(position) is not null;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _engine.Projections.Changed -= ProjectionChanged;
        _look.Dispose();
        _following.Dispose();
        lock (_gate)
        {
            foreach (LiveQuery query in _queries.Values) query.Abandon();
            _queries.Clear();
            _byModel.Clear();
        }
    }

    internal static bool IsPassing(Fault fault) => fault.Kind == Faults.StorageUnavailable || fault.Kind == Faults.Timeout
        || fault.Kind == Faults.NotReady || fault.Kind == Faults.Overloaded;

    internal void Leave(LiveSubscription leaving)
    {
        lock (_gate)
        {
            leaving.HasLeft = true;
            if (leaving.Query is not { } query) return;
            leaving.Query = null;
            if (query.Leave(leaving)) Remove(query);
        }
    }

    /// <summary>A query has ended by itself.</summary>
    internal void Forget(LiveQuery query) => ThreadPool.UnsafeQueueUserWorkItem(
        static of =>
        {
            // Not where it ended: there its own lock is held, which is taken after ours everywhere else.
            lock (of.Hub._gate) of.Hub.Remove(of.Query);
        },
        (Hub: this, Query: query), preferLocal: false);

    /// <summary>Reads on for a client that resumes; when it cannot be told what it missed, it is given everything anew.</summary>
    internal void CatchUp(LiveSubscription resuming, LivePlan plan)
    {
        try
        {
            if (resuming.Missed?.TryReadOn(plan, _engine.Store) == false) resuming.Missed = null;
        }
        catch (StoreException)
        {
            resuming.Missed = null;
        }
    }

    internal Task PauseAsync(bool ran) =>
        Task.Delay(ran ? RunsApart : TimeSpan.FromSeconds(1), _engine.Time);

    /// <summary>Reads all items, and the position that they are of.</summary>
    internal async Task<Result<LiveRows>> RunAsync(LivePlan plan)
    {
        await _runs.WaitAsync().ConfigureAwait(false);
        try
        {
            Interlocked.Increment(ref _runCount);
            if (plan.ReadsNow)
            {
                Result<LivePlan> now = LivePlan.Of(plan.Snapshot, plan.Caller, plan.Request, _engine.Now, Limits);
                if (!now.IsOk) return now.Fault;
                plan = now.Value;
            }
            using ReadLease lease = await _engine.Store.Database.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            lease.Connection.BeginRead();
            LogPlace place = await EventLog.ReadPlaceAsync(lease.Connection, CancellationToken.None).ConfigureAwait(false);
            ReadRun run = new(plan.Program, plan.Read, lease.Connection, plan.Snapshot.Reads.Secret, _engine.Limits);
            Result<List<ReadItem>> read = await run.ItemsAsync(plan.IsWhole, CancellationToken.None).ConfigureAwait(false);
            if (read.Failed(out Fault? fault, out List<ReadItem>? items)) return fault;
            return new LiveRows(plan, items.ConvertAll(item => plan.Item.Of(item)), place);
        }
        catch (StoreException e) when (e.ToFault() is { } fault)
        {
            return fault;
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Bug)
        {
            // Run over the tables of the next schema: it is planned anew when that is noticed.
            return Faults.NotReady.Says("the schema is being replaced");
        }
        catch (ObjectDisposedException)
        {
            return Faults.NotReady.Says("the server is stopping");
        }
        catch (Exception e)
        {
            // Nobody awaits a run: whoever follows the query is told, and the operator what it was.
            _warn($"a live query of {plan.Model.Name} broke: {e}");
            return Faults.Internal.Says("an unexpected error; the server's log has it");
        }
        finally
        {
            _runs.Release();
        }
    }

    Fault? Join(LiveSubscription joining, LivePlan plan)
    {
        lock (_gate)
        {
            if (joining.HasLeft) return null;
            Key key = new(plan);
            if (!_queries.TryGetValue(key, out LiveQuery? query) || !query.TryJoin(joining, _place))
            {
                if (query is not null) Remove(query);
                if (_queries.Count >= Limits.LiveQueries)
                {
                    return Faults.Overloaded.Says($"as many different live queries are kept here as may (limits.liveQueries)")
                        with { RetryAfterSeconds = 5 };
                }
                query = new LiveQuery(this, plan);
                _queries.Add(key, query);
                IndexOf(plan.Model.Name).Add(query, isRoot: true);
                foreach (string related in plan.Needs.Related.Keys) IndexOf(related).Add(query, isRoot: false);
                query.TryJoin(joining, _place);
            }
            joining.Query = query;
            return null;
        }
    }

    LiveIndex IndexOf(string model) => _byModel.TryGetValue(model, out LiveIndex? index) ? index : _byModel[model] = new LiveIndex();

    void Remove(LiveQuery query)
    {
        Key key = new(query.Plan);
        // Of rules that look at the clock the plan has changed since: its query is found by itself.
        if (query.Plan.ReadsNow) key = _queries.FirstOrDefault(q => ReferenceEquals(q.Value, query)).Key;
        if (key.Plan is null || !_queries.TryGetValue(key, out LiveQuery? known) || !ReferenceEquals(known, query)) return;
        _queries.Remove(key);
        Unindex(query.Plan.Model.Name, query, isRoot: true);
        foreach (string related in query.Plan.Needs.Related.Keys) Unindex(related, query, isRoot: false);
    }

    void Unindex(string model, LiveQuery query, bool isRoot)
    {
        if (!_byModel.TryGetValue(model, out LiveIndex? index)) return;
        index.Remove(query, isRoot);
        if (index.IsEmpty) _byModel.Remove(model);
    }

    ValueTask FollowAsync(IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        int completed = 0;
        List<LiveQuery> found = [];
        for (int i = 0; i < events.Count; i++)
        {
            LogEvent happened = events[i];
            if (happened.Position <= Volatile.Read(ref _position)) continue;
            if (happened.RecordId.Length == 0) Replace();
            Take(happened, found, ref completed);
        }
        return ValueTask.CompletedTask;
    }

    void Take(LogEvent happened, List<LiveQuery> found, ref int completed)
    {
        LiveChange? change = null;
        lock (_gate)
        {
            if (_byModel.ContainsKey(happened.Model) && _snapshot.Schema.FindModel(happened.Model) is { } model)
                change = new LiveChange(happened, _snapshot, model);
        }
        // The database is not asked under the lock; who subscribes meanwhile is given the change like all others.
        if (change is not null && (happened.Rows is not null || completed++ < CompletedMax)) change.Complete(_engine.Store);
        lock (_gate)
        {
            if (change is not null && _byModel.TryGetValue(happened.Model, out LiveIndex? index))
            {
                found.Clear();
                index.Find(change, found);
                foreach (LiveQuery query in found)
                {
                    if (IsOfTenant(happened, query.Plan)) query.Take(change);
                }
                foreach (LiveQuery query in index.Dependents)
                {
                    bool matters = change.IsOfExistence || query.Plan.Needs.Related[happened.Model].Overlaps(change.Changed);
                    if (matters && IsOfTenant(happened, query.Plan)) query.MarkDirty(happened.Position);
                }
            }
            DirtyProjections(happened);
            _place = LogPlace.Of(happened);
            Volatile.Write(ref _position, happened.Position);
        }
    }

    /// <summary>
    /// The place in the log was lost. What clients have may hold what never was, or lack what nobody will tell: they are told so, and
    /// begin anew.
    /// </summary>
    void Broken(LogBreak broken)
    {
        List<LiveSubscription> all = [];
        lock (_gate)
        {
            // All that there is was made under the one of before.
            Volatile.Write(ref _snapshot, _engine.Current);
            foreach (LiveQuery query in _queries.Values) all.AddRange(query.Abandon());
            _queries.Clear();
            _byModel.Clear();
            _place = broken.Head;
            Volatile.Write(ref _position, broken.Head.Position);
            Volatile.Write(ref _breaks, broken.Number);
        }
        LiveFrame end = LiveFrame.End(Faults.LogBroken.Says("this server has lost its place in the log", "subscribe again") with
        {
            RetryAfterSeconds = 1,
        });
        foreach (LiveSubscription subscription in all) subscription.Deliver(end);
    }

    /// <summary>What is counted over the record in its own transaction has changed with it.</summary>
    void DirtyProjections(LogEvent happened)
    {
        foreach (var (name, index) in _byModel)
        {
            if (_snapshot.Schema.FindModel(name)?.Projection is not { IsInline: true } projection) continue;
            if (!string.Equals(projection.From, happened.Model, StringComparison.Ordinal)) continue;
            foreach (LiveQuery query in index.Roots)
            {
                if (IsOfTenant(happened, query.Plan)) query.MarkDirty(happened.Position);
            }
        }
    }

    /// <summary>Records of one tenant are reached from those of the same alone.</summary>
    static bool IsOfTenant(LogEvent happened, LivePlan plan) =>
        happened.TenantId is null || plan.Tenant is null || string.Equals(happened.TenantId, plan.Tenant, StringComparison.Ordinal);

    /// <summary>A projection's rows have changed: that has no event, so its queries are run again.</summary>
    void ProjectionChanged(string model)
    {
        lock (_gate)
        {
            if (!_byModel.TryGetValue(model, out LiveIndex? index)) return;
            foreach (LiveQuery query in index.Roots) query.Rerun();
        }
    }

    /// <summary>Other nodes tell nobody which projections they have moved on.</summary>
    void LookAtProjections()
    {
        List<string> followed;
        lock (_gate) followed = [.. _byModel.Keys.Where(name => _snapshot.Schema.FindModel(name)?.Projection is not null)];
        if (followed.Count == 0) return;
        try
        {
            foreach (string moved in _engine.Projections.Moved(followed)) ProjectionChanged(moved);
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException)
        {
            // The next look is soon.
        }
    }

    /// <summary>Another schema may serve by now, and rules may look at the clock.</summary>
    void Look()
    {
        // Where the place in the log was lost, all is made anew for that, and clients are told why.
        bool isBroken = _engine.Log.Breaks != Volatile.Read(ref _breaks);
        if (!isBroken && !ReferenceEquals(_engine.Current, Volatile.Read(ref _snapshot))) Replace();
        if (_engine.Store.Database.IsShared) LookAtProjections();
        if (_engine.Time.GetElapsedTime(_clockAt) < s_clockEvery) return;
        _clockAt = _engine.Time.GetTimestamp();
        lock (_gate)
        {
            foreach (LiveQuery query in _queries.Values)
            {
                if (query.Plan.ReadsNow) query.Rerun();
            }
        }
    }

    /// <summary>The schema was replaced, or a change of it gave records values: everyone is given what they see now.</summary>
    void Replace()
    {
        List<LiveSubscription> all = [];
        lock (_gate)
        {
            Volatile.Write(ref _snapshot, _engine.Current);
            foreach (LiveQuery query in _queries.Values) all.AddRange(query.Abandon());
            _queries.Clear();
            _byModel.Clear();
        }
        foreach (LiveSubscription subscription in all)
        {
            (subscription.IsReset, subscription.Missed) = (true, null);
            Result<LivePlan> plan = LivePlan.Of(_engine.Current, subscription.Caller, subscription.Request, _engine.Now, Limits);
            Fault? refused = plan.IsOk ? Join(subscription, plan.Value) : plan.Fault;
            if (refused is not null) subscription.Deliver(LiveFrame.End(refused));
        }
    }

    /// <summary>The same plan and the same values have the same items: the values hold the caller's claims that rules ask for.</summary>
    readonly struct Key(LivePlan plan) : IEquatable<Key>
    {
        public LivePlan? Plan { get; } = plan;

        public bool Equals(Key other)
        {
            if (ReferenceEquals(Plan, other.Plan)) return true;
            if (Plan is null || other.Plan is null || Plan.ReadsNow || other.Plan.ReadsNow) return false;
            return ReferenceEquals(Plan.Read.Plan, other.Plan.Read.Plan) && Plan.IsWhole == other.Plan.IsWhole
                && Plan.Read.Values.AsSpan().SequenceEqual(other.Plan.Read.Values);
        }

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.Add(Plan is null ? 0 : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Plan.Read.Plan));
            if (Plan is null or { ReadsNow: true }) return hash.ToHashCode();
            foreach (Value value in Plan.Read.Values) hash.Add(value);
            return hash.ToHashCode();
        }
    }
}
