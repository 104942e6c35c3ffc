using Plinth.Schema;

namespace Plinth.Projections;

/// <summary>The stored key of a projection's row: tenant first. Its values are nobody's to change.</summary>
readonly struct GroupKey : IEquatable<GroupKey>, IComparable<GroupKey>
{
    readonly int _hash;

    public GroupKey(Value[] values)
    {
        Values = values;
        HashCode hash = default;
        foreach (Value value in values) hash.Add(value);
        _hash = hash.ToHashCode();
    }

    public Value[] Values { get; }

    public bool Equals(GroupKey other) => _hash == other._hash && Values.AsSpan().SequenceEqual(other.Values);

    public override bool Equals(object? obj) => obj is GroupKey other && Equals(other);

    public override int GetHashCode() => _hash;

    /// <summary>Spreads keys evenly over 32 bits, where the hash may leave the upper ones alone.</summary>
    public int Stable() => unchecked((int)((uint)_hash * 2654435769u));

    /// <summary>One order for everyone, so that two who lock the same rows do not wait for one another.</summary>
    public int CompareTo(GroupKey other)
    {
        for (int i = 0; i < Values.Length; i++)
        {
            int order = Expressions.Comparison.Order(Values[i], other.Values[i]);
            if (order != 0) return order;
        }
        return 0;
    }
}
