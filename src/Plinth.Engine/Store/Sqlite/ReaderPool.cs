namespace Plinth.Store.Sqlite;

/// <summary>
/// The connections that read, opened when first needed. A thread finds the one it used last, whose pages and statements are warm, in its
/// own slot; only when that is taken does it look further.
/// </summary>
sealed class ReaderPool(StoreOptions options, TimeProvider clock) : IDisposable
{
    readonly SqliteConnection?[] _free = new SqliteConnection?[options.ReadersMax];
    readonly SemaphoreSlim _places = new(options.ReadersMax, options.ReadersMax);
    readonly List<SqliteConnection> _all = [];
    volatile bool _isClosed;

    public long StatementsRun
    {
        get
        {
            lock (_all) return _all.Sum(static connection => connection.StatementsRun);
        }
    }

    public SqliteConnection Take(CancellationToken cancel)
    {
        if (!_places.Wait(options.ReadTimeMax, cancel))
        {
            throw new StoreException(StoreFailure.Busy, $"No reading connection came free within {options.ReadTimeMax.TotalSeconds} s.");
        }

        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            return TakeFree() ?? Open();
        }
        catch
        {
            _places.Release();
            throw;
        }
    }

    public void Return(SqliteConnection connection)
    {
        int slot = Slot();
        for (int i = 0; i < _free.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _free[slot], connection, null) is null) break;
            slot = (slot + 1) % _free.Length;
        }

        _places.Release();
    }

    /// <summary>Waits for all that are lent, then closes them.</summary>
    public void Dispose()
    {
        _isClosed = true;
        for (int i = 0; i < options.ReadersMax; i++) _places.Wait(options.ReadTimeMax);
        lock (_all)
        {
            foreach (SqliteConnection connection in _all) connection.Dispose();
            _all.Clear();
        }

        _places.Dispose();
    }

    SqliteConnection? TakeFree()
    {
        int slot = Slot();
        for (int i = 0; i < _free.Length; i++)
        {
            if (_free[slot] is not null && Interlocked.Exchange(ref _free[slot], null) is { } connection) return connection;
            slot = (slot + 1) % _free.Length;
        }

        return null;
    }

    SqliteConnection Open()
    {
        SqliteConnection connection = SqliteConnection.OpenReader(options, clock);
        lock (_all) _all.Add(connection);
        return connection;
    }

    int Slot() => Environment.CurrentManagedThreadId % _free.Length;
}
