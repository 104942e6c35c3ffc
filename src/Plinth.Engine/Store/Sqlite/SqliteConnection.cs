using System.Globalization;
using SQLitePCL;

namespace Plinth.Store.Sqlite;

/// <summary>One connection, used by one thread at a time (the library's own mutexes are off for it).</summary>
sealed class SqliteConnection : Connection
{
    /// <summary>Steps of the library's virtual machine between two looks at time and token: some tens of microseconds.</summary>
    const int StepsBetweenLooks = 4000;

    const int ConfigDoubleQuotedDml = 1013;
    const int ConfigDoubleQuotedDdl = 1014;
    const int StatusPagesWritten = 9;

    readonly StatementCache _cache;
    readonly TimeProvider _clock;
    readonly sqlite3 _handle;
    long _deadline = long.MaxValue;
    CancellationToken _cancel;
    long _statementsRun;
    long _rowsChanged;

    SqliteConnection(sqlite3 handle, StoreOptions options, TimeProvider clock)
    {
        (_handle, _clock) = (handle, clock);
        _cache = new StatementCache(options.StatementsKeptMax);
        raw.sqlite3_progress_handler(handle, StepsBetweenLooks, _ => IsOver() ? 1 : 0, null);
    }

    public override long StatementsRun => Volatile.Read(ref _statementsRun);

    // Summed by statement: the library's own total also moves when a full-text table writes out what it held back, at any statement.
    public override long RowsChanged => _rowsChanged;

    public override long RowsConcerned => raw.sqlite3_changes(_handle);

    public override long LastRow => raw.sqlite3_last_insert_rowid(_handle);

    public override bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    internal sqlite3 Handle => _handle;

    internal int StatementsKept => _cache.Count;

    /// <summary>Pages that this connection has written since it was last asked: in WAL mode, the growth of the log.</summary>
    internal int TakePagesWritten()
    {
        raw.sqlite3_db_status(_handle, StatusPagesWritten, out int written, out _, resetFlg: 1);
        return written;
    }

    public static SqliteConnection OpenWriter(StoreOptions options, TimeProvider clock)
    {
        SqliteConnection connection = Open(options.File, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE, options, clock);
        try
        {
            // The file's own settings, which count only before the first table.
            connection.Execute("pragma page_size = 4096; pragma encoding = 'UTF-8'");
            string? mode = connection.ScalarText("pragma journal_mode = wal");
            if (!string.Equals(mode, "wal", StringComparison.Ordinal))
            {
                throw new StoreException(StoreFailure.Unavailable,
                    $"The file system of {options.File} does not take a write-ahead log ({mode}).");
            }

            connection.Execute($"pragma synchronous = {Synchronous(options.Durability)}; pragma temp_store = memory");
            connection.Execute(Invariant($"pragma cache_size = {-options.PageCacheBytes / 1024}; pragma mmap_size = 0"));
            if (options.PagesMax is { } pagesMax) connection.Execute(Invariant($"pragma max_page_count = {pagesMax}"));

            // The committer checkpoints between groups, where nobody waits for an answer.
            raw.sqlite3_wal_autocheckpoint(connection._handle, 0);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static SqliteConnection OpenReader(StoreOptions options, TimeProvider clock)
    {
        SqliteConnection connection = Open(options.File, raw.SQLITE_OPEN_READONLY, options, clock);
        connection.Execute(Invariant($"pragma cache_size = {-options.PageCacheBytes / 8192}; pragma mmap_size = {options.MappedBytesMax}"));
        connection.Execute("pragma temp_store = memory");
        return connection;
    }

    static SqliteConnection Open(string file, int flags, StoreOptions options, TimeProvider clock)
    {
        int code = raw.sqlite3_open_v2(file, out sqlite3 handle, flags | raw.SQLITE_OPEN_NOMUTEX, null);
        if (code != raw.SQLITE_OK)
        {
            StoreException failure = SqliteErrors.Of(handle, code);
            handle.manual_close_v2();
            throw new StoreException(failure.Failure, $"{file}: {failure.Message}");
        }

        raw.sqlite3_extended_result_codes(handle, 1);
        raw.sqlite3_busy_timeout(handle, 5000);

        // A misspelt column must be an error, not the text between the quotes.
        raw.sqlite3_db_config(handle, ConfigDoubleQuotedDml, 0, out _);
        raw.sqlite3_db_config(handle, ConfigDoubleQuotedDdl, 0, out _);
        SqliteMatching.Register(handle);
        SqliteConnection connection = new(handle, options, clock);
        connection.Execute("pragma foreign_keys = on; pragma trusted_schema = off");
        return connection;
    }

    public override Statement Prepare(string sql)
    {
        SqliteStatement? statement = _cache.Take(sql);
        if (statement is null)
        {
            statement = Parse(sql);
            _cache.Keep(statement);
        }

        statement.IsLent = true;
        return statement;
    }

    public override void Execute(string sql)
    {
        int code = raw.sqlite3_exec(_handle, sql);
        if (code != raw.SQLITE_OK) throw Failed(code);
    }

    public override void BeginRead() => RunFixed("begin");

    public override void BeginWrite() => RunFixed("begin immediate");

    public override void Commit() => RunFixed("commit");

    public override void Rollback()
    {
        if (InTransaction) RunFixed("rollback");
    }

    public override void Savepoint() => RunFixed("savepoint command");

    public override void DeferForeignKeys(bool deferred) =>
        RunFixed(deferred ? "pragma defer_foreign_keys = on" : "pragma defer_foreign_keys = off");

    public override void ReleaseSavepoint() => RunFixed("release command");

    public override void RollbackToSavepoint()
    {
        RunFixed("rollback to command");
        RunFixed("release command");
    }

    public override void SuspendForeignKeys() => SetForeignKeys("off", 0);

    public override void ResumeForeignKeys() => SetForeignKeys("on", 1);

    public override IReadOnlyList<string> BrokenForeignKeys()
    {
        List<string> broken = [];
        using Statement check = Prepare("pragma foreign_key_check");
        while (broken.Count < 100 && check.Step())
        {
            broken.Add($"{check.ColumnText(0)} row {check.ColumnInt64(1)} refers to a row of {check.ColumnText(2)} that is not there");
        }

        return broken;
    }

    public override IReadOnlyDictionary<string, IReadOnlyList<string>> Tables()
    {
        Dictionary<string, IReadOnlyList<string>> tables = new(StringComparer.Ordinal);
        using Statement columns = Prepare("select m.name, c.name from sqlite_schema m, pragma_table_xinfo(m.name) c "
            + "where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\' order by m.name, c.cid");
        while (columns.Step())
        {
            string table = columns.ColumnText(0);
            if (!tables.TryGetValue(table, out IReadOnlyList<string>? names)) tables.Add(table, names = new List<string>());
            ((List<string>)names).Add(columns.ColumnText(1));
        }

        return tables;
    }

    public override void SetLimits(TimeSpan? time, CancellationToken cancel)
    {
        _deadline = time is { } bound ? _clock.GetTimestamp() + (long)(bound.TotalSeconds * _clock.TimestampFrequency) : long.MaxValue;
        _cancel = cancel;
    }

    public override void ClearLimits() => (_deadline, _cancel) = (long.MaxValue, CancellationToken.None);

    public override void Dispose()
    {
        _cache.Clear();
        _handle.manual_close_v2();
    }

    internal void ForgetStatements() => _cache.Clear();

    internal void CountRows() => _rowsChanged += raw.sqlite3_changes(_handle);

    internal void CountStatement() => Volatile.Write(ref _statementsRun, _statementsRun + 1);

    /// <summary>The exception for a failed call; a caller who has left is told so, rather than that time was over.</summary>
    internal Exception Failed(int code)
    {
        StoreException failure = SqliteErrors.Of(_handle, code);
        return failure.Failure == StoreFailure.TimedOut && _cancel.IsCancellationRequested
            ? new OperationCanceledException("The caller left while a statement ran.", failure, _cancel)
            : failure;
    }

    // Rather than interrupting from another thread: that could hit the statement after the one it was meant for.
    bool IsOver() => _cancel.IsCancellationRequested || (_deadline != long.MaxValue && _clock.GetTimestamp() > _deadline);

    SqliteStatement Parse(string sql)
    {
        int code = raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out sqlite3_stmt handle, out string tail);
        if (code != raw.SQLITE_OK)
        {
            StoreException failure = SqliteErrors.Of(_handle, code);
            throw new StoreException(failure.Failure, $"{failure.Message}: {sql}");
        }

        if (!string.IsNullOrWhiteSpace(tail) || handle.IsInvalid)
        {
            handle.manual_close();
            throw new StoreException(StoreFailure.Bug, $"One statement is prepared at a time: {sql}");
        }

        return new SqliteStatement(this, handle, sql);
    }

    // Not counted: a transaction's frame is not a statement of the request.
    void RunFixed(string sql)
    {
        using Statement statement = Prepare(sql);
        long before = _statementsRun;
        statement.Step();
        _statementsRun = before;
    }

    // The pragma does nothing inside a transaction, and says nothing; hence the look at what it did.
    void SetForeignKeys(string state, long expected)
    {
        Execute($"pragma foreign_keys = {state}");
        if (ScalarInt64("pragma foreign_keys") != expected)
        {
            throw new StoreException(StoreFailure.Bug, "Foreign keys cannot be switched inside a transaction.");
        }
    }

    static string Synchronous(Durability durability) => durability switch
    {
        Durability.Full => "full",
        Durability.Normal => "normal",
        Durability.Off => "off",
        _ => throw new InvalidOperationException($"no durability {durability}"),
    };

    static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
