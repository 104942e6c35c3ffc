using System.Diagnostics;
using System.Security.Cryptography;
using Plinth.Evolution;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Projections;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// The one pipeline: every surface turns what it hears into a read or a command and hands it here with its caller. Nothing reaches the
/// database past the planner, and nothing reaches the planner without a caller. Safe for any number of threads.
/// </summary>
sealed partial class Engine : IAsyncDisposable
{
    readonly EngineOptions _options;
    readonly SemaphoreSlim _applying = new(1, 1);
    readonly Writes _writes;
    readonly FollowerRun? _following;
    readonly Replicas _replicas;
    readonly ReadsBy _readsBy;
    readonly CurrentCache _records;
    Snapshot _current;
    IReadOnlyList<LogEvent>? _announced; // of the writer's thread, as is the next
    bool _isAnnouncedWhole;

    Engine(EngineOptions options, EventStore store, Snapshot first)
    {
        (_options, Store, _current) = (options, store, first);
        Projections = new ProjectionKeeper(store);
        Projections.Derive(first.Schema);
        _writes = new Writes(store, () => Current.Writes, options.Time, options.Limits);
        _replicas = new Replicas(store.Database, store.Tail);
        _readsBy = new ReadsBy(store.Database, options.Time, options.Limits);
        bool isShared = store.Database.IsShared;
        _records = new CurrentCache(
            position => new RecordCache(options.Limits.CacheBytes, position, isShared, store.Keys), store.Log.Head, store.Tail.Breaks);
        store.Committer.Announce = Announce;
        store.Committer.Settle = Settle;
        store.Tail.Broken = Broken;
        if (isShared && _records.Now.IsOn)
        {
            _following = store.Tail.Run(
                "records", _records.Now.Position, FollowAsync, new() { FailuresMax = null }, _records.BeginAnew);
        }
    }

    /// <summary>The schema that serves now. A request takes it once.</summary>
    public Snapshot Current => Volatile.Read(ref _current);

    /// <summary>
    /// A model of the schema that serves, as the caller sees it: a field that no record could show them is not to be named.
    /// </summary>
    public Model SeenBy(Caller caller, Model model)
    {
        Snapshot snapshot = Current;
        return snapshot.Policies.Fields.IsEmpty ? model : snapshot.Policies.SeenBy(caller, Now).Schema.FindModel(model.Name) ?? model;
    }

    /// <summary>The database and its log: for backups, replay and health.</summary>
    public EventStore Store { get; }

    public LogTail Log => Store.Tail;

    /// <summary>What is counted together over other models' records, and who keeps it.</summary>
    public ProjectionKeeper Projections { get; }

    public Limits Limits => _options.Limits;

    public TimeProvider Time => _options.Time;

    /// <summary>
    /// Told of every commit of this process before it is acknowledged, on the writer's thread: what must have taken effect by then (the
    /// end of a session). A long transaction gives its last events only.
    /// </summary>
    public Action<IReadOnlyList<LogEvent>>? Committed { get; set; }

    /// <summary>
    /// Position of the last event that every read from now on has seen: committed, and, where others write as well, known here.
    /// </summary>
    public long Position => !Store.Database.IsShared ? Store.Log.Head
        : _records.Now.IsOn && _records.Breaks == Store.Tail.Breaks ? _records.Now.Position : Store.Tail.Head;

    /// <summary>
    /// How long a log that others write as well may not have been read to its end before records at hand are passed over: nobody knows then
    /// what others have changed.
    /// </summary>
    static readonly TimeSpan s_unreadMax = TimeSpan.FromSeconds(1);

    bool IsCacheTrue => !Store.Database.IsShared || (Store.Tail.Age < s_unreadMax && _records.Breaks == Store.Tail.Breaks);

    /// <summary>What the record cache did since the start.</summary>
    public CacheCounts Cache => _records.Now.Counts;

    /// <summary>Microseconds since the epoch: taken once per request.</summary>
    public long Now => (Time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>
    /// Opens the database and brings it to the schema, or, where the options do not allow that, makes sure that it is there already.
    /// </summary>
    /// <returns>The fault <c>migration_refused</c> when the database cannot serve the schema; nothing was changed then.</returns>
    /// <exception cref="StoreException">The database cannot be opened: in use, damaged, not permitted.</exception>
    public static async Task<Result<Engine>> OpenAsync(EngineOptions options, AppSchema schema, CancellationToken cancel)
    {
        EventStore store = EventStore.Open(options.OpenDatabase(options.Store, options.Time), options.Time, options.Limits);
        try
        {
            if (!options.Store.ReadOnly)
            {
                StagedRows.Sweep(options.Store.Folder);
                await Writes.CreateTablesAsync(store, cancel).ConfigureAwait(false);
            }
            Result<int> version = await VersionAsync(options, store, schema, cancel).ConfigureAwait(false);
            if (version.IsOk && !options.Store.ReadOnly) await TableGuards.RequireAsync(store, schema, cancel).ConfigureAwait(false);
            if (version.IsOk)
            {
                Engine engine = new(options, store, NewSnapshot(options, store, schema, version.Value));
                await engine.KeepProjectionsAsync().ConfigureAwait(false);
                return engine;
            }
            store.Dispose();
            return version.Fault;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Migrates the database to another schema and serves it from then on. Requests under way end under the schema they began with.
    /// </summary>
    /// <returns>What was done; or the fault with every refusal and its remedy, and the old schema goes on serving.</returns>
    public async Task<Result<MigrationReport>> ApplyAsync(AppSchema schema, CancellationToken cancel)
    {
        await _applying.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            using Migrator migrator = NewMigrator(Store);
            Result<MigrationReport> applied =
                await migrator.ApplyAsync(schema, report => Serve(schema, report.Version), cancel).ConfigureAwait(false);
            if (applied.IsOk) await KeepProjectionsAsync().ConfigureAwait(false);
            return applied;
        }
        finally
        {
            _applying.Release();
        }
    }

    /// <summary>The steps that <see cref="ApplyAsync"/> would take; nothing is changed.</summary>
    public EvolutionPlan PlanChange(AppSchema schema, CancellationToken cancel)
    {
        using Migrator migrator = NewMigrator(Store);
        return migrator.Plan(schema, cancel);
    }

    void Announce(Announcement announced)
    {
        _records.Begin().Announce(Current.Schema, announced);
        _announced = announced.Events.Count > 0 ? announced.Events : null;
        _isAnnouncedWhole = announced.IsWhole;
    }

    void Settle(long position)
    {
        _records.End(position);
        if (_announced is { } events && events[^1].Position is > 0 and var last && last <= position)
        {
            Committed?.Invoke(events);
            ForgetPast(Current, events, _isAnnouncedWhole);
        }
        _announced = null;
    }

    ValueTask FollowAsync(IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        Snapshot current = Current;
        _records.Now.Follow(current.Schema, current.Version, events);
        ForgetPast(current, events, isWhole: true);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await Projections.DisposeAsync().ConfigureAwait(false);
        _following?.Dispose();
        _replicas.Dispose();
        Store.Dispose();
        _applying.Dispose();
    }

    Task KeepProjectionsAsync() => _options.Store.ReadOnly || !_options.KeepsProjections
        ? Task.CompletedTask : Projections.ServeAsync(Current.Schema, Current.Version);

    // In the writer's turn: no command runs between the tables' new form and the schema that knows it.
    void Serve(AppSchema schema, int version)
    {
        Volatile.Write(ref _current, NewSnapshot(_options, Store, schema, version));
        Projections.Derive(schema);
        _records.Now.Clear();
    }

    static Migrator NewMigrator(EventStore store) => new(store, new IdSource(RandomNumberGenerator.Fill));

    static async Task<Result<int>> VersionAsync(EngineOptions options, EventStore store, AppSchema schema, CancellationToken cancel)
    {
        using Migrator migrator = NewMigrator(store);
        if (options.Migrate)
        {
            Result<MigrationReport> applied = await migrator.ApplyAsync(schema, null, cancel).ConfigureAwait(false);
            return applied.IsOk ? applied.Value.Version : applied.Fault;
        }
        if (migrator.VersionOf(schema, cancel) is { } version) return version;
        return Faults.MigrationRefused.Says(
            "the database was not made for this schema", "apply the schema to it first; serving changes nothing by itself");
    }

    static Snapshot NewSnapshot(EngineOptions options, EventStore store, AppSchema schema, int version) =>
        new(schema, version, store.Database.Dialect, options.Limits, store.Keys.Derive("cursors"));

    static int Microseconds(long from, long to) => (int)Math.Min(int.MaxValue, Stopwatch.GetElapsedTime(from, to).TotalMicroseconds);
}
