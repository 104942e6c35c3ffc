using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>A database that fails where a test tells it to; everything else is the real one's.</summary>
sealed class FailingDatabase : Database
{
    readonly Database _real;

    public FailingDatabase(Database real)
    {
        _real = real;
        Writer = new FailingConnection(this, real.Writer);
    }

    public Action? OnCommit { get; set; }

    /// <summary>Once the commit has happened: its answer is lost.</summary>
    public Action? AfterCommit { get; set; }

    public Action? OnRollback { get; set; }

    public Action<bool>? OnTend { get; set; }

    /// <summary>Before each reading; throws for a database that is out of reach.</summary>
    public Action? OnRead { get; set; }

    /// <summary>Told the text of each statement that is taken up, by readers and the writer.</summary>
    public Action<string>? OnStatement { get; set; }

    /// <summary>
    /// Lets statements go ahead where the real one does; otherwise each is waited for, and none that failed is told from others.
    /// </summary>
    public bool SendsAhead { get; init; }

    /// <summary>Says that others write to it.</summary>
    public bool SaysShared { get; init; }

    /// <summary>Says that these follow it.</summary>
    public IReadOnlyList<DatabaseCopy> Followers { get; init; } = [];

    /// <summary>What is put over its bus; null where it is to have none.</summary>
    public Func<Bus, Bus>? OverBus { get; init; }

    public override Bus? OpenBus(string name, int waitingMax, Action<string> heard, Action opened) =>
        OverBus is { } over && _real.OpenBus(name, waitingMax, heard, opened) is { } bus ? over(bus) : null;

    public override string Version => _real.Version;

    public override Dialect Dialect => _real.Dialect;

    public override StoreOptions Options => _real.Options;

    public override bool IsInProcess => _real.IsInProcess;

    public override Connection Writer { get; }

    public override bool IsShared => SaysShared || _real.IsShared;

    public override IReadOnlyList<DatabaseCopy> Copies => Followers;

    public override bool IsCommitted(Func<Connection, bool> isThere) => _real.IsCommitted(isThere);

    public override long StatementsRun => _real.StatementsRun;

    public override ReadLease Read(CancellationToken cancel)
    {
        OnRead?.Invoke();
        return new ReadLease(this, new FailingConnection(this, _real.Read(cancel).Connection));
    }

    public override Connection OpenReader() => _real.OpenReader();

    public override bool? Scrub(IReadOnlyCollection<string> fullText) => _real.Scrub(fullText);

    public override void Tend(bool idle)
    {
        OnTend?.Invoke(idle);
        _real.Tend(idle);
    }

    public override void Backup(string path, Action<double>? progress, CancellationToken cancel) => _real.Backup(path, progress, cancel);

    public override IReadOnlyList<string> CheckIntegrity() => _real.CheckIntegrity();

    public override void Dispose() => _real.Dispose();

    internal override void Return(Connection reader) => _real.Return(((FailingConnection)reader).Real);

    sealed class FailingConnection(FailingDatabase database, Connection real) : Connection
    {
        public Connection Real => real;

        public override long StatementsRun => real.StatementsRun;

        public override long RowsChanged => real.RowsChanged;

        public override long RowsConcerned => real.RowsConcerned;

        public override long LastRow => real.LastRow;

        public override bool InTransaction => real.InTransaction;

        public override bool IsShared => real.IsShared;

        public override bool UndoesStatements => real.UndoesStatements;

        public override bool SendsAhead => database.SendsAhead && real.SendsAhead;

        public override void Tell() => real.Tell();

        public override void Flush() => real.Flush();

        public override Statement Prepare(string sql)
        {
            database.OnStatement?.Invoke(sql);
            return real.Prepare(sql);
        }

        public override Statement PrepareScan(string sql)
        {
            database.OnStatement?.Invoke(sql);
            return real.PrepareScan(sql);
        }

        public override void LockDefinitions() => real.LockDefinitions();

        public override IReadOnlyList<StoredReference> References() => real.References();

        public override void BeginRead() => real.BeginRead();

        public override void BeginWrite() => real.BeginWrite();

        public override void Commit()
        {
            database.OnCommit?.Invoke();
            real.Commit();
            database.AfterCommit?.Invoke();
        }

        public override void Rollback()
        {
            database.OnRollback?.Invoke();
            real.Rollback();
        }

        public override void Savepoint() => real.Savepoint();

        public override void ReleaseSavepoint() => real.ReleaseSavepoint();

        public override void RollbackToSavepoint() => real.RollbackToSavepoint();

        public override void DeferForeignKeys(bool deferred) => real.DeferForeignKeys(deferred);

        public override void SuspendForeignKeys() => real.SuspendForeignKeys();

        public override void ResumeForeignKeys() => real.ResumeForeignKeys();

        public override IReadOnlyDictionary<string, IReadOnlyList<string>> Tables() => real.Tables();

        public override IReadOnlyList<string> BrokenForeignKeys() => real.BrokenForeignKeys();

        public override void SetLimits(TimeSpan? time, CancellationToken cancel) => real.SetLimits(time, cancel);

        public override void ClearLimits() => real.ClearLimits();

        public override void Execute(string sql) => real.Execute(sql);

        public override void Dispose() => real.Dispose();
    }
}
