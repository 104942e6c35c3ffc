using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>A list whatever its page: two reads of which it is equal have the same records of the past in the same order.</summary>
sealed class PastList : IEquatable<PastList>
{
    readonly byte[] _binding;
    readonly FoldedRules[] _rules;
    readonly Value[] _values;
    readonly int[] _fields;
    readonly int _hash;

    public PastList(PlannedRead read)
    {
        ReadPlan plan = read.Plan;
        // Model, tenant, filter, search, order and trash.
        _binding = read.Binding;
        _rules = [.. plan.Rules];
        _fields = [.. plan.Shape.Root.Fields.Select(static field => field.Ordinal)];
        // The rules' own values, claims and the time among them, come first.
        _values = read.Values[..plan.Slots.Filters[0]];
        HashCode hash = default;
        hash.AddBytes(_binding);
        foreach (Value value in _values) hash.Add(value);
        _hash = hash.ToHashCode();
    }

    public bool Equals(PastList? other) => other is not null && _hash == other._hash && _binding.AsSpan().SequenceEqual(other._binding)
        && _values.AsSpan().SequenceEqual(other._values) && _fields.AsSpan().SequenceEqual(other._fields)
        && _rules.Length == other._rules.Length && !_rules.Where((rule, i) => !ReferenceEquals(rule, other._rules[i])).Any();

    public override bool Equals(object? obj) => Equals(obj as PastList);

    public override int GetHashCode() => _hash;
}
