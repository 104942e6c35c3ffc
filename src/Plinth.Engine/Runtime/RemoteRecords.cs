using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Keys and records of a database that is a way off. The keys of the list are read first, and with them the log's position in their
/// snapshot; a run over them notes what it lacks, which is fetched all together, and then runs once more. Lives as long as the request.
/// </summary>
/// <remarks>
/// What is fetched must be of the moment of the keys. Each statement tells its position: two that tell the same show the same, because
/// whatever changes a record moves the log. Where they differ the whole is read again in one transaction.
/// </remarks>
sealed class RemoteRecords(RecordRun.Request asked, Connection connection) : IRecordSource
{
    readonly List<RecordKey> _keys = [];
    Dictionary<RecordKey, CachedRecord?>? _loaded;
    Dictionary<RecordLevel, HashSet<RecordKey>>? _missing;
    Dictionary<RecordInclude, Dictionary<RecordKey, RecordKey[]>>? _children;
    Dictionary<RecordInclude, Dictionary<RecordKey, Value[]>>? _parents;
    int _next;
    long _count;

    Value Tenant => asked.Caller.Tenant;

    public bool Lacks => _missing is not null || _parents is not null;

    public bool IsRuled => true;

    /// <summary>The log's position in the snapshot of the keys; null where there were none.</summary>
    public long? Position { get; private set; }

    /// <summary>Reads the keys of the list.</summary>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancel">Stops the statement.</param>
    public async ValueTask OpenAsync(long limit, CancellationToken cancel)
    {
        SqlText sql = asked.Program.KeysFor(limit);
        Value[] values = [.. asked.Read.Values];
        values[asked.Read.Plan.Slots.Limit] = Value.From(limit);
        using Statement rows = connection.Prepare(sql);
        rows.Bind(sql, values);
        using Statement? count = asked.Count is { } text ? connection.Prepare(text) : null;
        if (count is not null)
        {
            count.Bind(asked.Count!, asked.Read.Values); // As above.
            count.Send();
        }
        await rows.OpenAsync(cancel);
        Take(rows);
        if (count is not null && count.Step()) _count = count.ColumnInt64(0);
    }

    /// <summary>Takes the keys of the list, after a statement that was asked before.</summary>
    public void Take(Statement rows)
    {
        RecordLevel root = asked.Program.Root;
        while (rows.Step())
        {
            Position ??= rows.ColumnInt64(root.Key.Length);
            _keys.Add(root.KeyOf(Tenant, rows, 0));
        }
    }

    /// <summary>For the next run: from the first key on.</summary>
    public void Rewind() => _next = 0;

    public bool NextKey(long limit, out RecordKey key)
    {
        bool isThere = _next < _keys.Count;
        key = isThere ? _keys[_next++] : default;
        return isThere;
    }

    public CachedRecord? Load(RecordLevel level, in RecordKey key)
    {
        if (_loaded is not null && _loaded.TryGetValue(key, out CachedRecord? record)) return record;
        _missing ??= new(ReferenceEqualityComparer.Instance);
        if (!_missing.TryGetValue(level, out HashSet<RecordKey>? missing)) _missing.Add(level, missing = []);
        missing.Add(key);
        return null;
    }

    public void AddChildren(RecordInclude include, Value[] link, long limit, KeyList keys)
    {
        RecordKey parent = RecordKey.OfStored(include.Level.Model.Name, link);
        if (_children is not null && _children.TryGetValue(include, out Dictionary<RecordKey, RecordKey[]>? known)
            && known.TryGetValue(parent, out RecordKey[]? found))
        {
            foreach (RecordKey key in found) keys.Add(key);
            return;
        }
        _parents ??= new(ReferenceEqualityComparer.Instance);
        if (!_parents.TryGetValue(include, out Dictionary<RecordKey, Value[]>? parents)) _parents.Add(include, parents = []);
        parents.TryAdd(parent, [.. link]);
    }

    public long Count() => _count;

    /// <summary>Fetches what the last run lacked. False when it is of another moment than the keys.</summary>
    public async ValueTask<bool> FetchAsync(Func<RecordInclude, long> limitOf, CancellationToken cancel)
    {
        List<(RecordLevel Level, RecordKey[] Keys, Statement Rows)> records = [];
        List<(RecordInclude Include, RecordKey[] Parents, Statement Rows)> lists = [];
        try
        {
            foreach (var (level, keys) in _missing ?? [])
            {
                RecordKey[] missing = [.. keys];
                records.Add((level, missing, Send(level, missing)));
            }
            foreach (var (include, parents) in _parents ?? [])
                lists.Add((include, [.. parents.Keys], Send(include, [.. parents.Values], limitOf(include))));
            (_missing, _parents) = (null, null);
            bool isOne = true;
            foreach (var (level, keys, rows) in records) isOne &= Take(level, keys, await OpenedAsync(rows, cancel));
            foreach (var (include, parents, rows) in lists) isOne &= Take(include, parents, await OpenedAsync(rows, cancel));
            return isOne || connection.InTransaction;
        }
        finally
        {
            foreach (var (_, _, rows) in records) rows.Dispose();
            foreach (var (_, _, rows) in lists) rows.Dispose();
        }
    }

    static async ValueTask<Statement> OpenedAsync(Statement sent, CancellationToken cancel)
    {
        await sent.OpenAsync(cancel);
        return sent;
    }

    Statement Send(RecordLevel level, RecordKey[] keys)
    {
        SqlText sql = level.LoadMany ?? throw new InvalidOperationException("records are not loaded by arrays of keys here");
        Statement rows = connection.Prepare(sql);
        Value[][] parts = [.. keys.Select(static key => key.Values())];
        for (int i = 0; i < sql.Parameters.Length; i++)
        {
            ArrayParameter array = (ArrayParameter)sql.Parameters[i];
            rows.BindItems(i + 1, array.Kind, Array.ConvertAll(parts, key => key[array.Part]));
        }
        rows.Send();
        return rows;
    }

    Statement Send(RecordInclude include, Value[][] links, long limit)
    {
        SqlText sql = include.ChildrenFor(limit);
        Value[] values = [.. asked.Read.Values];
        values[asked.Read.Plan.Slots.IncludeLimits + include.Shape.Number] = Value.From(limit);
        Statement rows = connection.Prepare(sql);
        for (int i = 0; i < sql.Parameters.Length; i++)
        {
            switch (sql.Parameters[i])
            {
                case ArrayParameter array: rows.BindItems(i + 1, array.Kind, Array.ConvertAll(links, link => link[array.Part])); break;
                case SlotParameter { Slot: var slot }: rows.Bind(i + 1, values[slot]); break;
                case ConstantParameter { Value: var constant }: rows.Bind(i + 1, constant); break;
                default: throw new InvalidOperationException("a parameter of no known kind");
            }
        }
        rows.Send();
        return rows;
    }

    /// <summary>Takes and keeps records. False when they are of another moment than the keys, or nobody can say of which.</summary>
    bool Take(RecordLevel level, RecordKey[] keys, Statement rows)
    {
        long? position = null;
        _loaded ??= [];
        foreach (RecordKey key in keys) _loaded[key] = null;
        while (rows.Step())
        {
            position ??= rows.ColumnInt64(level.PositionColumn + 1);
            using ByteOutput json = new(512);
            level.Writer.Write(json, rows, 1);
            json.Write((byte)'}');
            CachedRecord record = new(rows.ColumnInt64(level.VersionColumn + 1), asked.SchemaVersion, json.ToArray());
            RecordKey key = keys[(int)rows.ColumnInt64(0)];
            _loaded[key] = record;
            asked.Cache.FillExactly(key, position.Value, record);
        }
        return position == Position;
    }

    bool Take(RecordInclude include, RecordKey[] parents, Statement rows)
    {
        _children ??= new(ReferenceEqualityComparer.Instance);
        if (!_children.TryGetValue(include, out Dictionary<RecordKey, RecordKey[]>? known)) _children.Add(include, known = []);
        List<RecordKey>[] found = [.. parents.Select(static _ => new List<RecordKey>())];
        long? position = null;
        while (rows.Step())
        {
            position ??= rows.ColumnInt64(include.Level.Key.Length + 1);
            found[(int)rows.ColumnInt64(0)].Add(include.Level.KeyOf(Tenant, rows, 1));
        }
        for (int i = 0; i < parents.Length; i++) known[parents[i]] = [.. found[i]];
        return position == Position;
    }
}
