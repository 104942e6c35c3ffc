using Plinth.Sql;

namespace Plinth.Store;

/// <summary>
/// One connection to the database, held by one thread at a time. It counts the statements that it runs, so that a request, and a test,
/// can tell how many it took.
/// </summary>
abstract class Connection : IDisposable
{
    /// <summary>Times that a change of tables is tried, where others wait for it and it for them.</summary>
    const int DefiningTriesMax = 5;

    /// <summary>Statements run on this connection since it was opened; a statement that is reset and stepped again counts again.</summary>
    public abstract long StatementsRun { get; }

    /// <summary>Rows inserted, updated or deleted on this connection since it was opened.</summary>
    public abstract long RowsChanged { get; }

    /// <summary>Rows that the latest insert, update or delete itself concerned.</summary>
    public abstract long RowsConcerned { get; }

    /// <summary>The hidden row number that the latest insert on this connection took.</summary>
    public abstract long LastRow { get; }

    public abstract bool InTransaction { get; }

    /// <summary>Other processes may write to the database at the same time.</summary>
    public virtual bool IsShared => false;

    /// <summary>
    /// A statement that fails undoes itself and leaves its transaction as it was; otherwise only a savepoint brings the transaction back.
    /// </summary>
    public virtual bool UndoesStatements => true;

    /// <summary>Statements may be sent before their answers are asked for: many are one way to the server and back.</summary>
    public virtual bool SendsAhead => false;

    /// <summary>Times that the server was waited for; 0 where it is embedded.</summary>
    public virtual long WaysTaken => 0;

    /// <summary>On whose behalf statements are prepared from now on: whose it is when one fails that was not waited for.</summary>
    public object? Owner { get; set; }

    /// <summary>Sends what waits, so that a failure is known now.</summary>
    public virtual void Flush()
    {
    }

    /// <summary>Prepares a statement, or takes it from the connection's cache, keyed by its text.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.Bug"/> when the text is not good SQL.</exception>
    public abstract Statement Prepare(string sql);

    public Statement Prepare(SqlText sql) => Prepare(sql.Text);

    /// <summary>
    /// Prepares a statement that is stepped through while others run, over more rows than memory should hold. It belongs to the
    /// transaction, and begins one where there is none.
    /// </summary>
    public virtual Statement PrepareScan(string sql) => Prepare(sql);

    /// <summary>
    /// Prepares a statement that is stepped through over more rows than memory should hold, while nothing else runs on the connection:
    /// who leaves it before its end has to end the transaction. It takes whole numbers only.
    /// </summary>
    public virtual Statement PrepareStream(string sql) => PrepareScan(sql);

    /// <summary>Starts a transaction that reads one snapshot of the database, taken at its first read.</summary>
    public abstract void BeginRead();

    /// <summary>Keeps other processes from making or changing tables, until the transaction ends.</summary>
    public virtual void LockDefinitions()
    {
    }

    /// <summary>
    /// Makes or changes tables in a transaction of its own, while no other process does. What is run is run again where others and it have
    /// waited for one another, and the database has let it go: who builds an index beside those who write waits for everyone who had begun.
    /// </summary>
    /// <param name="run">Good to be run a second time.</param>
    public void Define(Action run)
    {
        for (int tries = 1; !TryDefine(run, isLast: tries == DefiningTriesMax); tries++) { }
    }

    bool TryDefine(Action run, bool isLast)
    {
        BeginWrite();
        try
        {
            LockDefinitions();
            run();
            Commit();
            return true;
        }
        catch (StoreException both) when (both.Failure is StoreFailure.Conflict && !isLast)
        {
            return false;
        }
        finally
        {
            Rollback();
        }
    }

    /// <summary>Tells other processes, with the commit, that the log has grown.</summary>
    public virtual void Tell()
    {
    }

    /// <summary>Starts a transaction that may write; only the writer's connection can.</summary>
    public abstract void BeginWrite();

    /// <summary>Makes the transaction durable (as far as the database's durability setting says), or throws and leaves it open.</summary>
    public abstract void Commit();

    /// <summary>The next transaction may begin behind a commit that has not been answered yet.</summary>
    public virtual bool GoesOn => false;

    /// <summary>
    /// Commits, and lets the next transaction begin right behind it: the database goes on without waiting to be asked. Throws as
    /// <see cref="Commit"/> does, and then nothing of the next one has happened.
    /// </summary>
    /// <param name="begin">
    /// Begins it and sends its first statements (<see cref="Statement.Send"/>), of which none is waited for here; false when there is none.
    /// </param>
    /// <returns>Whether the next transaction has begun.</returns>
    public virtual bool CommitThen(Func<bool> begin) => throw new InvalidOperationException("here one transaction ends before the next");

    /// <summary>
    /// What is sent next is the last of a transaction that reads: where its end would be a way of its own to the server, it goes along.
    /// </summary>
    public virtual void EndRead()
    {
    }

    /// <summary>Ends the transaction without a trace. Does nothing when the database has ended it already.</summary>
    public abstract void Rollback();

    public abstract void Savepoint();

    /// <summary>
    /// Whether foreign keys are checked at the commit instead of after each statement, within this transaction: records that refer to one
    /// another in a circle can only go one after the other.
    /// </summary>
    public abstract void DeferForeignKeys(bool deferred);

    public abstract void ReleaseSavepoint();

    /// <summary>Undoes what was done since the savepoint, and removes it.</summary>
    public abstract void RollbackToSavepoint();

    /// <summary>Stops the checking of foreign keys, for a table that is rebuilt. Outside a transaction only.</summary>
    public abstract void SuspendForeignKeys();

    public abstract void ResumeForeignKeys();

    /// <summary>The tables that are there, by name, each with the names of its columns.</summary>
    public abstract IReadOnlyDictionary<string, IReadOnlyList<string>> Tables();

    /// <summary>The references between tables, where they are constraints apart.</summary>
    public virtual IReadOnlyList<StoredReference> References() => [];

    /// <summary>
    /// The statements that are missing until those tables refuse the changes of other programs, or take them, as the database is set to:
    /// none when all is so already, or where no other program can write. Run in a transaction of the writer.
    /// </summary>
    public virtual IReadOnlyList<string> GuardSteps(IReadOnlyList<string> tables) => [];

    /// <summary>Rows that refer to rows that are not there, each as a sentence; at most 100.</summary>
    public abstract IReadOnlyList<string> BrokenForeignKeys();

    /// <summary>Bounds what runs until <see cref="ClearLimits"/>: statements stop when the time is over or the caller leaves.</summary>
    public abstract void SetLimits(TimeSpan? time, CancellationToken cancel);

    public abstract void ClearLimits();

    public abstract void Dispose();

    /// <summary>Runs statements without parameters or results, such as DDL; they do not enter the cache.</summary>
    public abstract void Execute(string sql);

    /// <summary>Runs a statement without parameters and gives its first value; null when there is no row.</summary>
    public long? ScalarInt64(string sql)
    {
        using Statement statement = Prepare(sql);
        return statement.Step() && !statement.IsNull(0) ? statement.ColumnInt64(0) : null;
    }

    public string? ScalarText(string sql)
    {
        using Statement statement = Prepare(sql);
        return statement.Step() && !statement.IsNull(0) ? statement.ColumnText(0) : null;
    }
}
