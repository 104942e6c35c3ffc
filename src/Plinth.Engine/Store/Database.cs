using Plinth.Sql;

namespace Plinth.Store;

/// <summary>
/// One open database: one connection that writes, owned by the committer's thread, and a bounded set of connections that read. Everything
/// can be asked synchronously; what requests ask (a lent connection, an opened statement) also has an asynchronous form, which an embedded
/// database completes in place and a remote one when its answer is there.
/// </summary>
abstract class Database : IDisposable
{
    /// <summary>The library and its version, for <c>/version</c>.</summary>
    public abstract string Version { get; }

    /// <summary>Other processes may write to it at the same time.</summary>
    public virtual bool IsShared => false;

    /// <summary>
    /// Whether the tables are to refuse the changes of other programs; null where no other program can be refused so.
    /// </summary>
    public virtual bool? IsGuarded => null;

    /// <summary>Events of one part of the log, where its table is divided by position; null where it is one whole.</summary>
    public virtual long? LogPartEvents => null;

    /// <summary>How it spells SQL.</summary>
    public abstract Dialect Dialect { get; }

    public abstract StoreOptions Options { get; }

    /// <summary>A statement costs a call and no way over a wire: many small ones are as good as one large one.</summary>
    public abstract bool IsInProcess { get; }

    /// <summary>Most reads that are neither short nor slow at one time; 0 where they are not bounded apart.</summary>
    public virtual int UsualReadsMax => 0;

    /// <summary>Servers that follow this one, for reads that may be a little old.</summary>
    public virtual IReadOnlyList<DatabaseCopy> Copies => [];

    /// <summary>The connection that writes. Only the committer's thread may touch it.</summary>
    public abstract Connection Writer { get; }

    /// <summary>Statements run on all connections since the database was opened.</summary>
    public abstract long StatementsRun { get; }

    /// <summary>
    /// Lends a connection for reading to the calling thread. Waits for one when all are lent, at most the read time.
    /// </summary>
    /// <param name="cancel">Stops the wait, and every statement that runs on the lent connection.</param>
    /// <exception cref="StoreException"><see cref="StoreFailure.Busy"/> when no connection came free in time.</exception>
    public abstract ReadLease Read(CancellationToken cancel);

    /// <summary>The same for a request: a remote database lends without holding the thread, and lets each lane have its part.</summary>
    public virtual ValueTask<ReadLease> ReadAsync(ReadLane lane, CancellationToken cancel) => new(Read(cancel));

    public ValueTask<ReadLease> ReadAsync(CancellationToken cancel) => ReadAsync(ReadLane.Usual, cancel);

    /// <summary>
    /// Finds out what became of the writer's last commit, whose answer was lost: waits until its session has ended, so that nothing of it
    /// can come later, and asks.
    /// </summary>
    /// <exception cref="StoreException">It could not be found out.</exception>
    public virtual bool IsCommitted(Func<Connection, bool> isThere) => throw new InvalidOperationException("an embedded database answers");

    /// <summary>
    /// Calls a function, on some thread, whenever another process may have committed to the log. Nothing promises that it is called: who
    /// must know looks as well. Null where no other process can.
    /// </summary>
    /// <param name="heard">There may be something new.</param>
    /// <param name="lost">The server went away, or the way to it: what answers next may be another one.</param>
    public virtual IDisposable? Listen(Action heard, Action lost) => null;

    /// <summary>Texts between the processes of this database. Null where there are no others.</summary>
    /// <param name="name">What all of them listen to: letters, digits and _.</param>
    /// <param name="waitingMax">Texts that may wait to be sent.</param>
    /// <param name="heard">Takes each text, in order, on one thread at a time; must not throw.</param>
    /// <param name="opened">Called whenever it begins to listen: what was told before was not heard.</param>
    public virtual Bus? OpenBus(string name, int waitingMax, Action<string> heard, Action opened) => null;

    /// <summary>A reading connection of its own, outside the pool and its time bound: for replay, checks and exports.</summary>
    public abstract Connection OpenReader();

    /// <summary>Work of the writer's thread between two groups: checkpoints the write-ahead log when it has grown enough.</summary>
    /// <param name="idle">Nobody has come for a while, so a smaller log is worth it.</param>
    public abstract void Tend(bool idle);

    /// <summary>
    /// Takes out of the database's own files what was deleted and overwritten in it, which would stay there until the place is used again:
    /// for erasures. On the writer's thread, outside a transaction; as long as it takes, nothing is written.
    /// </summary>
    /// <param name="fullText">Full-text tables that held something of it.</param>
    /// <returns>
    /// False when readers held on to what was before: it can be tried again. Null where the database's own housekeeping does it in time.
    /// </returns>
    public abstract bool? Scrub(IReadOnlyCollection<string> fullText);

    /// <summary>Copies one snapshot of the database into a new file while readers and the writer go on.</summary>
    /// <param name="path">The file to make; it appears whole, under this name, only when the copy is complete and on disk.</param>
    /// <param name="progress">Told the share copied so far, 0 to 1.</param>
    /// <param name="cancel">Stops between two steps and leaves nothing behind.</param>
    public abstract void Backup(string path, Action<double>? progress, CancellationToken cancel);

    /// <summary>What is wrong with the file; empty when it is sound.</summary>
    public abstract IReadOnlyList<string> CheckIntegrity();

    public abstract void Dispose();

    internal abstract void Return(Connection reader);
}

/// <summary>A reading connection on loan; disposing, once, ends its transaction and gives it back.</summary>
readonly struct ReadLease : IDisposable
{
    readonly Database _database;

    internal ReadLease(Database database, Connection connection)
    {
        _database = database;
        Connection = connection;
    }

    public Connection Connection { get; }

    public void Dispose() => _database.Return(Connection);
}
