using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// The database and its log, opened as one: the only way to write is the committer, the only way to follow is the tail. Dispose stops
/// them in order: the tail, the committer once its queue is done, the connections.
/// </summary>
sealed class EventStore : IDisposable
{
    EventStore(Database database, EventLog log, LogKeys keys, LogPartitions? partitions, TimeProvider clock, Limits limits)
    {
        (Database, Log, Keys) = (database, log, keys);
        Events = new EventWriter(keys);
        Tail = new LogTail(database, log, clock);
        Limits = limits;
        Committer = new Committer(database, log, partitions, clock, limits) { Publish = Tail.Publish, Doubt = Tail.Doubt };
    }

    public Database Database { get; }

    public Limits Limits { get; }

    public EventLog Log { get; }

    public LogKeys Keys { get; }

    public EventWriter Events { get; }

    public Committer Committer { get; }

    public LogTail Tail { get; }

    /// <summary>Takes over an open database, whose owner this becomes, and makes the log's tables where they are absent.</summary>
    public static EventStore Open(Database database, TimeProvider clock, Limits limits)
    {
        LogKeys? keys = null;
        try
        {
            bool mayWrite = !database.Options.ReadOnly;
            LogPartitions? partitions =
                mayWrite && database.LogPartEvents is { } partEvents ? new LogPartitions(database.Writer, partEvents) : null;
            if (mayWrite) LogTables.Create(database, partitions);
            keys = LogKeys.Open(database.Options.Folder, mayCreate: mayWrite);
            if (mayWrite && database.IsShared) KeyProof.Require(database, keys);
            return new EventStore(database, new EventLog(database.Writer), keys, partitions, clock, limits);
        }
        catch
        {
            keys?.Dispose();
            database.Dispose();
            throw;
        }
    }

    /// <summary>Folds the log and compares the outcome with the tables: <c>plinth replay</c>, <c>plinth doctor</c>.</summary>
    public ReplayReport Replay(AppSchema schema, Action<long, long>? progress, CancellationToken cancel)
    {
        using Connection reader = Database.OpenReader();
        return new Replay(schema, Keys, new Ddl(Database.Dialect, schema)).Run(reader, progress, cancel);
    }

    /// <summary>Follows the chain of hashes: <c>plinth audit verify</c>.</summary>
    public LogVerification Verify(CancellationToken cancel)
    {
        using Connection reader = Database.OpenReader();
        return EventLog.Verify(reader, SignedCheckpoint.PublicKey(Keys), [], cancel);
    }

    public void Dispose()
    {
        Tail.Dispose();
        Committer.Dispose();
        Database.Dispose();
        Keys.Dispose();
    }
}
