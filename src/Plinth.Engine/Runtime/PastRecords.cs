using System.Collections.Concurrent;
using System.Collections.Immutable;
using Plinth.Log;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// The records of a model that something happened to between a position and the end of the log, as they were at the position. Immutable
/// but for what lists remember of them, so requests share it.
/// </summary>
sealed class PastRecords
{
    /// <summary>Bytes of remembered lists for each value held: lists take twice the memory of what they are made of, at most.</summary>
    const int ListBytesPerValue = 64;

    /// <summary>Records beyond which a list is not remembered, but made anew for each page.</summary>
    const int RememberedMax = 50_000;

    readonly Dictionary<RecordKey, UndoneRecord> _records;
    readonly ConcurrentDictionary<PastList, PlacedRows> _lists = new();
    readonly string _model;
    long _listBytes;
    readonly ImmutableArray<Field> _key;

    /// <param name="model">Whose records they are.</param>
    /// <param name="head">The end of the log.</param>
    /// <param name="byId">The records by the id that the log has; those that are not whole yet are still to be completed.</param>
    public PastRecords(Model model, long head, IReadOnlyDictionary<string, UndoneRecord> byId)
    {
        (_model, _key, Head, ById) = (model.Name, model.StoredKey, head, byId);
        _records = new Dictionary<RecordKey, UndoneRecord>(byId.Count);
        foreach (var (id, record) in byId)
        {
            if (RecordIds.TryRead(model, id, out Value[]? key)) _records[RecordKey.OfStored(model.Name, key)] = record;
        }
        Size = _records.Count * (_key.Length + 2L) + _records.Values.Sum(static record => (long)record.Values.Length);
    }

    public long Head { get; }

    public IReadOnlyDictionary<string, UndoneRecord> ById { get; }

    public int Count => _records.Count;

    /// <summary>Values that it holds.</summary>
    public long Size { get; }

    /// <summary>Few enough for its lists to be remembered.</summary>
    public bool Remembers => _records.Count <= RememberedMax;

    /// <summary>Those that were there.</summary>
    public IEnumerable<UndoneRecord> Existing => _records.Values.Where(static record => record.IsKnown);

    public List<Value[]> Keys() => [.. _records.Keys.Select(static key => key.Values())];

    /// <summary>Those that were there and about which the events have not said all.</summary>
    public List<(Value[] Key, UndoneRecord? Record)> Incomplete() =>
        [.. _records.Where(static r => !r.Value.IsWhole).Select(static r => (r.Key.Values(), (UndoneRecord?)r.Value))];

    /// <summary>Whether the record that a statement stands on is one of them.</summary>
    /// <param name="row">The statement.</param>
    /// <param name="columns">Those of the stored key.</param>
    public bool Holds(Statement row, ImmutableArray<int> columns)
    {
        Span<Value> key = new Value[columns.Length];
        for (int i = 0; i < key.Length; i++) key[i] = row.ColumnValue(columns[i], _key[i]);
        return _records.ContainsKey(RecordKey.OfStored(_model, key));
    }

    /// <summary>Their part of a list, if it was made already.</summary>
    public PlacedRows? Find(PastList list) => _lists.GetValueOrDefault(list);

    public void Keep(PastList list, PlacedRows rows)
    {
        long bytes = rows.Bytes, bound = Size * ListBytesPerValue;
        if (bytes > bound) return;
        if (Interlocked.Add(ref _listBytes, bytes) > bound)
        {
            _lists.Clear();
            Interlocked.Exchange(ref _listBytes, bytes);
        }
        _lists[list] = rows;
    }
}
