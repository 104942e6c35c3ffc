using System.Globalization;
using Npgsql;
using Plinth.Sql;
using Plinth.Sql.Dialects.Postgres;

namespace Plinth.Store.Postgres;

/// <summary>A database of a PostgreSQL server, shared by any number of processes.</summary>
sealed class PostgresDatabase : Database
{
    const int OldestVersion = 15;

    /// <summary>How long it is looked for what became of a lost commit.</summary>
    static readonly TimeSpan s_lostTime = TimeSpan.FromSeconds(20);

    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    readonly ManualResetEvent _pause = new(false);
    int _closed;

    readonly NpgsqlDataSource _readers;
    readonly NpgsqlDataSource _writers;
    readonly ReadGates _gates;
    readonly List<(NpgsqlDataSource Source, ReadGates Gates)> _copies = [];
    readonly PostgresConnection _writer;
    readonly bool _isPooled, _isWriterPooled, _isGuarded;
    readonly long _logPartEvents;
    readonly List<PostgresBus> _buses = [];
    long _statementsRun;

    PostgresDatabase(StoreOptions options, PostgresServer server)
    {
        Options = options;
        _readers = server.Readers(options);
        _gates = new ReadGates(server.ReadersMax, options.ReadTimeMax);
        UsualReadsMax = ReadGates.Usual(server.ReadersMax);
        _writers = server.Writers(options);
        (_isPooled, _isWriterPooled, _isGuarded) = (server.IsPooled, server.IsWriterPooled, server.IsGuarded);
        _logPartEvents = server.LogPartEvents;
        _writer = new PostgresConnection(this, _writers, 0, _isWriterPooled);
        Copies = [.. server.Copies.Select(CopyOf)];
    }

    public override Dialect Dialect => PostgresDialect.It;

    public override StoreOptions Options { get; }

    public override string Version => _version;

    public override IReadOnlyList<DatabaseCopy> Copies { get; }

    public override Connection Writer => _writer;

    public override int UsualReadsMax { get; }

    public override bool IsShared => true;

    public override bool IsInProcess => false;

    public override bool? IsGuarded => _isGuarded;

    public override long? LogPartEvents => _logPartEvents;

    public override long StatementsRun => Volatile.Read(ref _statementsRun);

    string _version = "PostgreSQL";

    /// <summary>Reaches the server and makes the functions that statements are written with.</summary>
    /// <exception cref="StoreException">It cannot be reached, is too old, or its database has another encoding than UTF-8.</exception>
    public static PostgresDatabase Open(StoreOptions options, PostgresServer server)
    {
        Directory.CreateDirectory(options.Folder);
        PostgresDatabase database = new(options, server);
        try
        {
            database.Introduce();
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public override ReadLease Read(CancellationToken cancel)
    {
        PostgresConnection connection = NewReader();
        connection.SetLimits(Options.ReadTimeMax, cancel);
        return new ReadLease(this, connection);
    }

    public override ValueTask<ReadLease> ReadAsync(ReadLane lane, CancellationToken cancel) =>
        LendAsync(_readers, _gates, _isPooled, lane, cancel);

    async ValueTask<ReadLease> LendAsync(
        NpgsqlDataSource source, ReadGates gates, bool isPooled, ReadLane lane, CancellationToken cancel)
    {
        await gates.EnterAsync(lane, cancel);
        PostgresConnection connection = new(this, source, Options.ReadTimeMax.TotalSeconds, isPooled) { Gates = gates, Lane = lane };
        connection.SetLimits(Options.ReadTimeMax, cancel);
        return new ReadLease(this, connection);
    }

    /// <summary>Nothing is opened before it is asked for something.</summary>
    DatabaseCopy CopyOf(PostgresServer server)
    {
        NpgsqlDataSource source = server.Readers(Options);
        ReadGates gates = new(server.ReadersMax, Options.ReadTimeMax);
        _copies.Add((source, gates));
        return new DatabaseCopy(server.Shown, (lane, cancel) => LendAsync(source, gates, server.IsPooled, lane, cancel));
    }

    public override Connection OpenReader()
    {
        PostgresConnection reader = NewReader();
        reader.SetLimits(null, CancellationToken.None);
        return reader;
    }

    public override IDisposable Listen(Action heard, Action lost) =>
        new PostgresListener(_writers, () => _writer.SessionId, heard, lost);

    public override Bus OpenBus(string name, int waitingMax, Action<string> heard, Action opened) =>
        Keep(new PostgresBus(_writers, name, waitingMax, heard, opened));

    PostgresBus Keep(PostgresBus bus)
    {
        lock (_buses) _buses.Add(bus);
        return bus;
    }

    public override bool IsCommitted(Func<Connection, bool> isThere)
    {
        // The session is there, so the server has refused, and not fallen silent.
        if (_writer.IsOpen) return false;
        long end = Environment.TickCount64 + (long)s_lostTime.TotalMilliseconds;
        while (true)
        {
            try
            {
                using Connection reader = OpenReader();
                if (isThere(reader)) return true;

                // Whose session it was behind a pooler nobody can say, so what is not there may still come.
                if (!_isWriterPooled && !HasSession(reader, _writer.SessionId)) return isThere(reader);
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Unavailable && Environment.TickCount64 < end)
            {
                // The server may be on its way back.
            }

            if (Environment.TickCount64 >= end)
            {
                throw new StoreException(StoreFailure.Unknown, "The connection was lost while a group was committed.");
            }

            _pause.WaitOne(s_pause);
        }
    }

    /// <summary>Whether the session is still at work on the server, which may take its time to notice that we are gone.</summary>
    static bool HasSession(Connection reader, int session)
    {
        using Statement select = reader.Prepare("select 1 from pg_stat_activity where pid = ?1::int");
        select.BindInt64(1, session);
        return select.Step();
    }

    // The server looks after its own log.
    public override void Tend(bool idle)
    {
    }

    // Autovacuum's; what a page of a table or of the write-ahead log keeps until then, no statement reads.
    public override bool? Scrub(IReadOnlyCollection<string> fullText) => null;

    public override void Backup(string path, Action<double>? progress, CancellationToken cancel) =>
        throw new StoreException(StoreFailure.Unavailable, "A server's database is backed up by the server's own tools, such as pg_dump.");

    public override IReadOnlyList<string> CheckIntegrity()
    {
        using Connection reader = OpenReader();
        List<string> wrong = [];
        using Statement select = reader.Prepare("""
            select 'The index ' || c.relname || ' is not valid.' from pg_index i join pg_class c on c.oid = i.indexrelid
              where not i.indisvalid and c.relnamespace = current_schema()::regnamespace
            union all
            select 'The reference ' || conname || ' was never checked.' from pg_constraint
              where not convalidated and connamespace = current_schema()::regnamespace
            """);
        while (select.Step()) wrong.Add(select.ColumnText(0));
        return wrong;
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        _pause.Set();
        lock (_buses) _buses.ForEach(static bus => bus.Stop());
        _writer.Dispose();
        _pause.Dispose();
        _readers.Dispose();
        _writers.Dispose();
        _gates.Dispose();
        foreach (var (source, gates) in _copies)
        {
            source.Dispose();
            gates.Dispose();
        }
    }

    internal override void Return(Connection reader) => ((PostgresConnection)reader).Release();

    internal void Count() => Interlocked.Increment(ref _statementsRun);

    PostgresConnection NewReader() => new(this, _readers, Options.ReadTimeMax.TotalSeconds, _isPooled);

    void Introduce()
    {
        long version = _writer.ScalarInt64("select current_setting('server_version_num')::bigint") ?? 0;
        _version = string.Create(CultureInfo.InvariantCulture, $"PostgreSQL {version / 10000}.{version % 10000}");
        if (version < OldestVersion * 10000)
        {
            throw new StoreException(StoreFailure.Unavailable, $"{_version} is too old: {OldestVersion} or later is needed.");
        }

        string? encoding = _writer.ScalarText("select current_setting('server_encoding')::text");
        if (!string.Equals(encoding, "UTF8", StringComparison.Ordinal))
        {
            throw new StoreException(
                StoreFailure.Unavailable, $"The database is encoded in {encoding}; make one with encoding 'UTF8' and template template0.");
        }

        if (Options.ReadOnly) return;
        _writer.Define(() => _writer.Execute(PostgresFunctions.Create));
    }
}
