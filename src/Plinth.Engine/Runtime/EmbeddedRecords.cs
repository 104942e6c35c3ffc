using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Keys and records of a database in the process: a statement each, when it is wanted. Lives as long as the request.</summary>
sealed class EmbeddedRecords : IRecordSource, IDisposable
{
    readonly RecordRun.Request _asked;
    readonly Connection _connection;
    Statement? _keys;
    RecordInclude? _include;
    Value[] _childValues = [];

    public EmbeddedRecords(RecordRun.Request asked, Connection connection)
    {
        (_asked, _connection) = (asked, connection);
        // What the keys lead to is read in the snapshot of the keys.
        connection.BeginRead();
    }

    public bool Lacks => false;

    public bool IsRuled => false;

    public bool NextKey(long limit, out RecordKey key)
    {
        _keys ??= OpenKeys(limit);
        bool isThere = _keys.Step();
        key = isThere ? _asked.Program.Root.KeyOf(_asked.Caller.Tenant, _keys, 0) : default;
        return isThere;
    }

    public CachedRecord? Load(RecordLevel level, in RecordKey key)
    {
        using Statement row = _connection.Prepare(level.Load);
        row.Bind(level.Load, key.Values());
        if (!row.Step()) return null;
        using ByteOutput json = new(512);
        level.Writer.Write(json, row, 0);
        json.Write((byte)'}');
        CachedRecord record = new(row.ColumnInt64(level.VersionColumn), _asked.SchemaVersion, json.ToArray());
        _asked.Cache.Fill(key, _asked.Position, record);
        return record;
    }

    public void AddChildren(RecordInclude include, Value[] link, long limit, KeyList keys)
    {
        SqlText sql = include.Keys ?? throw new InvalidOperationException("a relation to one record has no list of keys");
        if (!ReferenceEquals(_include, include))
        {
            _include = include;
            _childValues = [.. _asked.Read.Values, .. link];
            _childValues[_asked.Read.Plan.Slots.IncludeLimits + include.Shape.Number] = Value.From(limit);
        }
        link.CopyTo(_childValues, _childValues.Length - link.Length);
        using Statement row = _connection.Prepare(sql);
        row.Bind(sql, _childValues);
        while (row.Step()) keys.Add(include.Level.KeyOf(_asked.Caller.Tenant, row, 0));
    }

    public long Count()
    {
        SqlText count = _asked.Count ?? throw new InvalidOperationException("nobody counts");
        using Statement statement = _connection.Prepare(count);
        statement.Bind(count, _asked.Read.Values);
        statement.Step();
        return statement.ColumnInt64(0);
    }

    public void Dispose() => _keys?.Dispose();

    Statement OpenKeys(long limit)
    {
        Value[] values = [.. _asked.Read.Values];
        values[_asked.Read.Plan.Slots.Limit] = Value.From(limit);
        Statement keys = _connection.Prepare(_asked.Program.Keys);
        keys.Bind(_asked.Program.Keys, values);
        return keys;
    }
}
