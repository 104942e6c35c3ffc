using System.Diagnostics;
using Plinth.Log;
using Plinth.Policy;
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
    readonly RecordCache _cache;
    Snapshot _current;

    Engine(EngineOptions options, EventStore store, Snapshot first)
    {
        (_options, Store, _current) = (options, store, first);
        _cache = new RecordCache(options.Limits.CacheBytes, store.Log.Head);
        store.Committer.Invalidate = events => _cache.Invalidate(Current.Schema, events);
    }

    /// <summary>The schema that serves now. A request takes it once.</summary>
    public Snapshot Current => Volatile.Read(ref _current);

    /// <summary>The database and its log: for backups, replay and health.</summary>
    public EventStore Store { get; }

    public Limits Limits => _options.Limits;

    public TimeProvider Time => _options.Time;

    /// <summary>Position of the last event that is committed.</summary>
    public long Position => Store.Log.Head;

    /// <summary>What the record cache did since the start.</summary>
    public CacheCounts Cache => _cache.Counts;

    /// <summary>Microseconds since the epoch: taken once per request.</summary>
    public long Now => (Time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>Opens the database with a schema.</summary>
    /// <exception cref="StoreException">The database cannot be opened: in use, damaged, not permitted.</exception>
    public static async Task<Result<Engine>> OpenAsync(EngineOptions options, AppSchema schema, CancellationToken cancel)
    {
        EventStore store = EventStore.Open(options.OpenDatabase(options.Store, options.Time), options.Time, options.Limits);
        throw new NotSupportedException();
    }

    public ValueTask DisposeAsync()
    {
        Store.Dispose();
        return ValueTask.CompletedTask;
    }

    static int Microseconds(long from, long to) => (int)Math.Min(int.MaxValue, Stopwatch.GetElapsedTime(from, to).TotalMicroseconds);
}
