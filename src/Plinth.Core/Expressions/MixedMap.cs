using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>A map that has keys which are no texts; one with texts alone is a <see cref="ValueMap"/>.</summary>
sealed class MixedMap(KeyValuePair<Value, Value>[] entries) : IEquatable<MixedMap>
{
    public KeyValuePair<Value, Value>[] Entries => entries;

    public bool Equals(MixedMap? other)
    {
        if (other is null || other.Entries.Length != entries.Length) return false;
        Value theirs = Value.FromOther(other);
        foreach (var (key, value) in entries)
        {
            if (!Maps.TryGet(theirs, key, out Value found) || !found.Equals(value)) return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as MixedMap);

    public override int GetHashCode() => entries.Length;

    public override string ToString() => "{" + string.Join(", ", entries.Select(e => $"{e.Key}: {e.Value}")) + "}";
}
