using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// The different keys that the rows of one level have for one included relation, numbered from 0 in the order of their first row.
/// Rows that share a key share what it leads to, and a key is asked for once.
/// </summary>
sealed class KeyRows(ImmutableArray<int> columns, ImmutableArray<Field> fields)
{
    readonly Dictionary<Key, int> _numbers = [];
    readonly List<Value> _values = [];
    readonly List<int> _ofRows = [];

    /// <summary>Different keys.</summary>
    public int Count => _numbers.Count;

    public int Parts => fields.Length;

    /// <summary>Number of the key of each row; -1 where a part is null, which leads nowhere.</summary>
    public List<int> OfRows => _ofRows;

    public Value Part(int key, int part) => _values[key * Parts + part];

    /// <summary>Takes the key of the row that the statement stands on.</summary>
    public void Add(Statement row, int firstColumn)
    {
        Value first = Read(row, firstColumn, 0);
        Value[] rest = Parts == 1 ? [] : new Value[Parts - 1];
        bool absent = first.IsNull;
        for (int i = 0; i < rest.Length; i++)
        {
            rest[i] = Read(row, firstColumn, i + 1);
            absent |= rest[i].IsNull;
        }
        if (absent)
        {
            _ofRows.Add(-1);
            return;
        }
        Key key = new(first, rest);
        if (!_numbers.TryGetValue(key, out int number))
        {
            number = _numbers.Count;
            _numbers.Add(key, number);
            _values.Add(first);
            _values.AddRange(rest);
        }
        _ofRows.Add(number);
    }

    Value Read(Statement row, int firstColumn, int part) =>
        row.ColumnValue(firstColumn + columns[part], fields[part].StoredKind, fields[part].Scale);

    readonly struct Key(Value first, Value[] rest) : IEquatable<Key>
    {
        readonly Value _first = first;
        readonly Value[] _rest = rest;

        public bool Equals(Key other) => _first.Equals(other._first) && _rest.AsSpan().SequenceEqual(other._rest);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            if (_rest.Length == 0) return _first.GetHashCode();
            HashCode hash = default;
            hash.Add(_first);
            foreach (Value part in _rest) hash.Add(part);
            return hash.ToHashCode();
        }
    }
}
