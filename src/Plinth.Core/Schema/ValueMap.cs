namespace Plinth.Schema;

/// <summary>String keys to values; small (claims, embedded values), so a linear scan in written order beats a hash table.</summary>
sealed class ValueMap : IEquatable<ValueMap>
{
    public static readonly ValueMap Empty = new([]);

    readonly KeyValuePair<string, Value>[] _entries;

    public ValueMap(KeyValuePair<string, Value>[] entries) => _entries = entries;

    public int Count => _entries.Length;

    public ReadOnlySpan<KeyValuePair<string, Value>> Entries => _entries;

    public bool TryGet(string key, out Value value)
    {
        foreach (ref readonly var entry in _entries.AsSpan())
        {
            if (!string.Equals(entry.Key, key, StringComparison.Ordinal)) continue;
            value = entry.Value;
            return true;
        }
        value = default;
        return false;
    }

    public bool Equals(ValueMap? other)
    {
        if (other is null || other.Count != Count) return false;
        foreach (ref readonly var entry in _entries.AsSpan())
        {
            if (!other.TryGet(entry.Key, out Value theirs) || theirs != entry.Value) return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as ValueMap);

    public override int GetHashCode() => Count;
}
