using System.Data;
using System.Globalization;
using Npgsql;
using Plinth.Sql.Dialects.Postgres;

namespace Plinth.Store.Postgres;

/// <summary>
/// One session of the server, opened when the first statement needs it. What nobody waits for (begin, savepoints, changes that cannot be
/// refused) is held back and sent in front of the next statement that somebody waits for: one round trip for all of it. So are statements
/// whose answers are wanted later (<see cref="Statement.Send"/>): a group's statements are answered together.
/// </summary>
/// <param name="database">Where sessions come from, and who counts.</param>
/// <param name="source">The pool to take it from.</param>
/// <param name="statementSeconds">Bound of each statement; 0 for none.</param>
/// <param name="isPooled">Each transaction may have another session of a pooler: nothing is set in one, and times are held here.</param>
sealed partial class PostgresConnection(
    PostgresDatabase database, NpgsqlDataSource source, double statementSeconds, bool isPooled) : Connection
{
    const string SavepointText = "savepoint command";

    readonly List<Waiting> _later = [];
    readonly double _usual = statementSeconds;
    NpgsqlConnection? _link;
    CancellationToken _cancel;
    double _wanted = statementSeconds;
    double _actual = statementSeconds;
    bool _isFailed;

    /// <summary>The transaction ends with what is sent next.</summary>
    bool _isEnding;

    // Of the whole process: a session that goes from hand to hand may have kept the statement that reads a cursor, with its columns.
    static long s_cursors;

    long _statementsRun;
    long _rowsChanged;
    long _waysTaken;

    public override long StatementsRun => Volatile.Read(ref _statementsRun);

    public override long RowsChanged => _rowsChanged;

    public override long RowsConcerned => _concerned;

    public override long LastRow => throw new InvalidOperationException("inserts return their rows here");

    public override bool InTransaction => _inTransaction;

    public override bool IsShared => true;

    /// <summary>Where it was lent, which it leaves when its session is given back; null where nobody counts.</summary>
    public ReadGates? Gates { get; init; }

    /// <summary>As what it was lent.</summary>
    public ReadLane Lane { get; init; }

    /// <summary>The session is there, as far as we know.</summary>
    public bool IsOpen => _link is { FullState: ConnectionState.Open };

    public override bool UndoesStatements => false;

    public override bool SendsAhead => true;

    public override long WaysTaken => Volatile.Read(ref _waysTaken);

    /// <summary>The session on the server, for finding out whether it has ended.</summary>
    public int SessionId { get; private set; }

    long _concerned;
    bool _inTransaction;

    public override Statement Prepare(string sql) => new PostgresStatement(this, PostgresText.Of(sql), isScan: false);

    public override Statement PrepareScan(string sql) => new PostgresStatement(this, PostgresText.Of(sql), isScan: true);

    public override Statement PrepareStream(string sql) => new PostgresCopy(this, PostgresText.Of(sql));

    public override void Execute(string sql)
    {
        foreach (string part in Parts(sql)) Run(new NpgsqlBatchCommand(part));
    }

    public override void BeginRead() => Begin("begin isolation level repeatable read read only");

    public override void BeginWrite()
    {
        _wanted = 0;
        Begin("begin");

        // Whose session it is next nobody can say, so each transaction says who writes.
        if (isPooled) Later(new NpgsqlBatchCommand($"set local {PostgresFunctions.Writer} = '{PostgresFunctions.WriterIsEngine}'"));
    }

    public override void Commit()
    {
        if (_isFailed) throw new StoreException(StoreFailure.Unavailable, "a failed transaction cannot be committed");

        // What fails on the way to it leaves the transaction open, and failed: it is rolled back like any other.
        Run(new NpgsqlBatchCommand("commit"));
        _inTransaction = false;
    }

    public override void Rollback()
    {
        Forget();
        bool wasBegun =
            _inTransaction && !_later.Exists(static waiting => waiting.Begins("begin"));
        _later.Clear();
        if (!_inTransaction) return;
        (_inTransaction, _isFailed, _actual) = (false, false, -1);
        if (!wasBegun || _link is not { FullState: ConnectionState.Open }) return;
        Run(new NpgsqlBatchCommand("rollback"));
    }

    public override void EndRead() => _isEnding = _inTransaction;

    public override void Savepoint() => Later(new NpgsqlBatchCommand(SavepointText));

    public override void ReleaseSavepoint() => Later(new NpgsqlBatchCommand("release savepoint command"));

    public override void RollbackToSavepoint()
    {
        // What was not sent yet never happened.
        int unsent = _later.FindLastIndex(static waiting => waiting.Command.CommandText is SavepointText);
        if (unsent >= 0)
        {
            _later.RemoveRange(unsent, _later.Count - unsent);
            return;
        }

        _later.Clear();
        Later(new NpgsqlBatchCommand("rollback to savepoint command"));
        Later(new NpgsqlBatchCommand("release savepoint command"));
        (_isFailed, _actual) = (false, -1);
    }

    public override void DeferForeignKeys(bool deferred)
    {
        Later(new NpgsqlBatchCommand(deferred ? "set constraints all deferred" : "set constraints all immediate"));
    }

    public override void LockDefinitions() =>
        Later(new NpgsqlBatchCommand("do $$begin perform pg_advisory_xact_lock(7310579628130496); end$$"));

    // Whoever hears it knows by the sender's session whether it was itself.
    public override void Tell() => Later(new NpgsqlBatchCommand(PostgresListener.Tell));

    // References are constraints of their own here, dropped and added by the migration that needs it.
    public override void SuspendForeignKeys()
    {
    }

    public override void ResumeForeignKeys()
    {
    }

    public override IReadOnlyList<string> BrokenForeignKeys() => [];

    public override IReadOnlyList<StoredReference> References()
    {
        List<StoredReference> references = [];
        using Statement select = Prepare("""
            select r.relname::text, c.conname::text, array_to_string(array(select a.attname from unnest(c.conkey) with ordinality k(n, o)
                join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n order by k.o), ',')
              from pg_constraint c join pg_class r on r.oid = c.conrelid
              where c.contype = 'f' and c.connamespace = current_schema()::regnamespace
            """);
        while (select.Step()) references.Add(new StoredReference(select.ColumnText(0), select.ColumnText(1), select.ColumnText(2)));
        return references;
    }

    public override IReadOnlyList<string> GuardSteps(IReadOnlyList<string> tables)
    {
        List<string> steps = [];
        using Statement select = Prepare("""
            select quote_ident(c.relname), coalesce(t.tgenabled::text, '') from pg_class c
              left join pg_trigger t on t.tgrelid = c.oid and t.tgname = ?2::name
              where c.relnamespace = current_schema()::regnamespace and c.relname = any(?1::text[]) order by c.relname
            """);
        select.BindArray(1, tables.ToArray<string?>());
        select.BindText(2, PostgresFunctions.Guard);
        while (select.Step())
        {
            string table = select.ColumnText(0), state = select.ColumnText(1);
            bool isOn = state.Length > 0 && state is not "D";
            if (isOn == (database.IsGuarded is true)) continue;
            steps.Add(isOn ? $"drop trigger {PostgresFunctions.Guard} on {table}"
                : state.Length > 0 ? $"alter table {table} enable trigger {PostgresFunctions.Guard}"
                : $"create trigger {PostgresFunctions.Guard} before insert or update or delete or truncate on {table} "
                    + $"for each statement execute function {PostgresFunctions.Guard}()");
        }

        return steps;
    }

    public override IReadOnlyDictionary<string, IReadOnlyList<string>> Tables()
    {
        Dictionary<string, IReadOnlyList<string>> tables = new(StringComparer.Ordinal);
        using Statement select = Prepare("select table_name::text, column_name::text from information_schema.columns "
            + "where table_schema = current_schema() order by table_name, ordinal_position");
        while (select.Step())
        {
            string table = select.ColumnText(0);
            if (!tables.TryGetValue(table, out IReadOnlyList<string>? columns)) tables.Add(table, columns = new List<string>());
            ((List<string>)columns).Add(select.ColumnText(1));
        }

        return tables;
    }

    public override void SetLimits(TimeSpan? time, CancellationToken cancel)
    {
        _wanted = time?.TotalSeconds ?? 0;
        _cancel = cancel;
    }

    public override void ClearLimits() => _cancel = CancellationToken.None;

    public override void Dispose()
    {
        Forget();
        _later.Clear();
        NpgsqlConnection? link = _link;
        (_link, _inTransaction, _isFailed) = (null, false, false);
        if (link is null) return;
        try
        {
            if (!isPooled && _actual != _usual && link.FullState == ConnectionState.Open)
            {
                using NpgsqlBatch batch = Usual(link);
                batch.ExecuteNonQuery();
            }

            link.Dispose();
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e))
        {
            // It is gone, and the pool knows.
        }
    }

    /// <summary>Ends what is open and gives the session back, without holding whoever is done with it.</summary>
    public void Release()
    {
        NpgsqlConnection? link = _link;
        _later.Clear();
        (_link, _inTransaction, _isFailed) = (null, false, false);
        if (link is not null) _ = ReleaseAsync(link, isUsual: isPooled || _actual == _usual);
        else Leave();
    }

    void Leave()
    {
        try
        {
            Gates?.Leave(Lane);
        }
        catch (ObjectDisposedException)
        {
            // The database was closed meanwhile.
        }
    }

    /// <summary>Sent with the next statement that is waited for.</summary>
    /// <param name="command">Changes rows, or none.</param>
    /// <param name="rows">Takes what it answers; null for what answers no rows.</param>
    public void Later(NpgsqlBatchCommand command, PostgresRows? rows = null) => _later.Add(new Waiting(command, rows, Owner));

    /// <summary>The same of a change that cannot be refused.</summary>
    public void ChangeLater(NpgsqlBatchCommand command)
    {
        _rowsChanged++;
        Count();
        Later(command);
    }

    /// <summary>Rows of a statement that was sent ahead count for whoever takes its answer.</summary>
    public void Taken(PostgresRows rows)
    {
        _concerned = rows.Concerned;
        _rowsChanged += _concerned;
        Count();
    }

    public void RequireTransaction()
    {
        if (!_inTransaction) BeginRead();
    }

    public string NextCursor() => string.Create(CultureInfo.InvariantCulture, $"plinth_scan_{Interlocked.Increment(ref s_cursors)}");

    public override void Flush()
    {
        TakeRest();
        if (!_later.Exists(static waiting => waiting.IsWork)) return;
        Waiting last = _later[^1];
        _later.RemoveAt(_later.Count - 1);
        Run(last);
    }

    /// <summary>Sends what waits and a statement, and takes its rows. Answers how many rows it concerned.</summary>
    public long Run(NpgsqlBatchCommand command, PostgresRows? rows = null)
    {
        Waiting waiting = new(command, rows, Owner);
        Run(waiting);
        return Ran(command);
    }

    public async ValueTask<long> RunAsync(NpgsqlBatchCommand command, PostgresRows rows, CancellationToken cancel)
    {
        await RunAsync(new Waiting(command, rows, null), cancel);
        return Ran(command);
    }

    /// <summary>Sends what waits, and takes its answers.</summary>
    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        if (!_later.Exists(static waiting => waiting.IsWork)) return;
        Waiting last = _later[^1];
        _later.RemoveAt(_later.Count - 1);
        await RunAsync(last, cancel);
    }

    async ValueTask RunAsync(Waiting last, CancellationToken cancel)
    {
        Waiting[] sent = [];
        try
        {
            NpgsqlConnection link = _link ??= await source.OpenConnectionAsync(cancel);
            await using NpgsqlBatch batch = Batch(link, last, out sent);
            await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancel);
            for (int answered = 0; ; answered++)
            {
                answered = NextAnswered(sent, answered);
                if (reader.FieldCount == 0 || answered == sent.Length || sent[answered].Rows is not { } taken) break;
                taken.Describe(reader);
                while (await reader.ReadAsync(cancel)) taken.Add(reader);
                if (!await reader.NextResultAsync(cancel)) break;
            }

            Answer(sent);
            End();
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e))
        {
            throw Failed(e, sent, cancel);
        }
    }

    void Run(Waiting last)
    {
        if (_isGoingOn) throw new InvalidOperationException("what goes behind a commit is not waited for in front of it");
        TakeRest();
        Waiting[] sent = [];
        try
        {
            NpgsqlConnection link = Link();
            using Way way = new(Batch(link, last, out sent), sent);
            using (_cancel.CanBeCanceled ? _cancel.UnsafeRegister(static w => ((Way)w!).Cancel(), way) : default) way.Take(until: null);
            End();
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e))
        {
            throw Failed(e, sent, _cancel);
        }
    }

    /// <summary>The reader stops at statements that answer rows, and at no others.</summary>
    static int NextAnswered(Waiting[] sent, int from)
    {
        while (from < sent.Length && sent[from].Rows is null) from++;
        return from;
    }

    NpgsqlConnection Link()
    {
        if (_link is { FullState: ConnectionState.Broken or ConnectionState.Closed })
        {
            _link.Dispose();
            _link = null;
        }

        if (_link is not null) return _link;
        _link = source.OpenConnection();
        SessionId = _link.ProcessID;
        _actual = _usual;
        return _link;
    }

    NpgsqlBatch Batch(NpgsqlConnection link, Waiting last, out Waiting[] sent)
    {
        NpgsqlBatch batch = link.CreateBatch();
        batch.Timeout = isPooled ? (int)Math.Ceiling(_wanted) : 0;
        if (!isPooled && _wanted != _actual && IsBounded(last.Command))
        {
            _actual = _wanted;
            _later.Insert(0, new Waiting(new NpgsqlBatchCommand(
                string.Create(CultureInfo.InvariantCulture, $"set statement_timeout = {(long)(_wanted * 1000)}")), null, null));
        }

        Interlocked.Increment(ref _waysTaken);
        // A read's transaction has nothing to lose: its end needs no way of its own.
        sent = _isEnding ? [.. _later, last, new Waiting(new NpgsqlBatchCommand("commit"), null, null)] : [.. _later, last];
        _later.Clear();
        foreach (Waiting waiting in sent) batch.BatchCommands.Add(waiting.Command);
        return batch;
    }

    // The end of a transaction is not what a bound is for; and a failed one takes no other statement.
    bool IsBounded(NpgsqlBatchCommand command) => !_isFailed && command.CommandText is not ("commit" or "rollback")
        && !_later.Exists(static waiting => waiting.Begins("rollback"));

    static void Answer(ReadOnlySpan<Waiting> sent)
    {
        foreach (Waiting waiting in sent) waiting.Rows?.Answer(waiting.Command);
    }

    void End()
    {
        if (_isEnding) (_isEnding, _inTransaction) = (false, false);
    }

    long Ran(NpgsqlBatchCommand command)
    {
        _concerned = Math.Max(0, (long)command.RecordsAffected);
        _rowsChanged += _concerned;
        Count();
        return _concerned;
    }

    void Count()
    {
        Interlocked.Increment(ref _statementsRun);
        database.Count();
    }

    Exception Failed(Exception failure, Waiting[] sent, CancellationToken cancel)
    {
        // What was sent behind the commit of a transaction that failed has failed with it: the first is the reason.
        Exception e = failure is { InnerException: AggregateException { InnerExceptions: [var first, ..] } } ? first : failure;
        bool ranOut = isPooled && e.InnerException is TimeoutException && _link is { FullState: ConnectionState.Open };
        object? owner = e is PostgresException { BatchCommand: { } command }
            ? Array.Find(sent, waiting => ReferenceEquals(waiting.Command, command)).Owner
            : null;
        StoreException told = ranOut
            ? new StoreException(StoreFailure.TimedOut, "A statement ran past its time and was stopped.")
            : PostgresErrors.Of(e, owner);
        (_isFailed, _isEnding) = (_inTransaction, false);
        _actual = -1;
        if (_link is { FullState: not ConnectionState.Open })
        {
            _link.Dispose();
            (_link, _inTransaction, _isFailed) = (null, false, false);
        }

        return told.Failure == StoreFailure.TimedOut && cancel.IsCancellationRequested
            ? new OperationCanceledException("The caller left while its statement ran.", e, cancel)
            : told;
    }

    void Begin(string begin)
    {
        if (_inTransaction) throw new StoreException(StoreFailure.Bug, "a transaction within a transaction");
        (_inTransaction, _isFailed) = (true, false);
        Later(new NpgsqlBatchCommand(begin));
    }

    /// <summary>What makes a session that was bounded otherwise one like the others.</summary>
    static NpgsqlBatch Usual(NpgsqlConnection link)
    {
        NpgsqlBatch batch = link.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("rollback"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("reset statement_timeout"));
        return batch;
    }

    async Task ReleaseAsync(NpgsqlConnection link, bool isUsual)
    {
        try
        {
            if (!isUsual && link.FullState == ConnectionState.Open)
            {
                await using NpgsqlBatch batch = Usual(link);
                await batch.ExecuteNonQueryAsync();
            }

            await link.DisposeAsync();
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e))
        {
            // It is gone, and the pool knows.
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>
    /// Statements of our own that stand behind one another: the extended protocol takes one at a time. Bodies of functions are between $$.
    /// </summary>
    static IEnumerable<string> Parts(string sql)
    {
        bool isBody = false;
        int start = 0;
        for (int i = 0; i < sql.Length; i++)
        {
            if (sql[i] == '$' && i + 1 < sql.Length && sql[i + 1] == '$')
            {
                isBody = !isBody;
                i++;
            }
            else if (sql[i] == ';' && !isBody && !IsQuoted(sql, start, i))
            {
                yield return sql[start..i];
                start = i + 1;
            }
        }

        if (!string.IsNullOrWhiteSpace(sql[start..])) yield return sql[start..];
    }

    static bool IsQuoted(string sql, int start, int at)
    {
        bool quoted = false;
        for (int i = start; i < at; i++) quoted ^= sql[i] == '\'';
        return quoted;
    }

    /// <summary>A statement on its way.</summary>
    /// <param name="Command">As the driver takes it.</param>
    /// <param name="Rows">Takes its answer; null where it answers no rows.</param>
    /// <param name="Owner">Who is told when it fails.</param>
    readonly record struct Waiting(NpgsqlBatchCommand Command, PostgresRows? Rows, object? Owner)
    {
        /// <summary>It can fail, or is answered: no begin, savepoint or setting.</summary>
        public bool IsWork => Rows is not null || Command.Parameters.Count > 0;

        public bool Begins(string word) => Command.CommandText.StartsWith(word, StringComparison.Ordinal);
    }
}
