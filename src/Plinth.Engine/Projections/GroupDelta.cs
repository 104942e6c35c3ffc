using Plinth.Schema;

namespace Plinth.Projections;

/// <summary>
/// What changes in one row of a projection: records that came and went, what they add and take away. Only the outcome counts, so that it
/// does not matter in which order it was gathered.
/// </summary>
sealed class GroupDelta(int aggregates)
{
    readonly Kept[] _kept = new Kept[aggregates];

    public struct Kept
    {
        /// <summary>In units of the field: exact, whatever is added.</summary>
        public Int128 Sum;

        /// <summary>Values that are not null.</summary>
        public long Count;

        /// <summary>The best of those that came, and of those that went.</summary>
        public Value Came, Went;
    }

    public long Records { get; private set; }

    public ref readonly Kept Of(int aggregate) => ref _kept[aggregate];

    /// <param name="program">Of the projection.</param>
    /// <param name="inputs">The record's.</param>
    /// <param name="sign">1 for one that came, -1 for one that went.</param>
    public void Add(ProjectionProgram program, Value[] inputs, int sign)
    {
        Records += sign;
        for (int i = 0; i < _kept.Length; i++)
        {
            KeptAggregate aggregate = program.Aggregates[i];
            if (aggregate.Input < 0) continue;
            ref readonly Value value = ref inputs[aggregate.Input];
            if (value.IsNull) continue;
            ref Kept kept = ref _kept[i];
            kept.Count += sign;
            if (aggregate.IsExtreme)
            {
                ref Value best = ref sign > 0 ? ref kept.Came : ref kept.Went;
                if (aggregate.IsBetter(value, best)) best = value;
            }
            else if (aggregate.Function != ProjectedFunction.Count)
            {
                kept.Sum += sign * (Int128)(value.Kind == ValueKind.Decimal ? value.DecimalUnits : value.Int);
            }
        }
    }
}

/// <summary>The changes of a projection's rows, gathered from records before and after.</summary>
sealed class ProjectionDelta(ProjectionProgram program)
{
    readonly Dictionary<GroupKey, GroupDelta> _groups = [];

    /// <summary>By key, in one order for everyone.</summary>
    public IEnumerable<KeyValuePair<GroupKey, GroupDelta>> Groups => _groups.OrderBy(static g => g.Key);

    public int Count => _groups.Count;

    public GroupDelta Of(in GroupKey key) => _groups[key];

    /// <summary>A record was one thing and is another; null where it was not there, or is not any more.</summary>
    public void Change(Value[]? before, Value[]? after)
    {
        Contribution? was = program.Of(before), now = program.Of(after);
        if (was is { } old && now is { } same && old.Key.Equals(same.Key) && old.Inputs.AsSpan().SequenceEqual(same.Inputs)) return;
        if (was is { } gone) Group(gone.Key).Add(program, gone.Inputs, -1);
        if (now is { } come) Group(come.Key).Add(program, come.Inputs, 1);
    }

    /// <summary>A record is there.</summary>
    public void Add(in Contribution contribution) => Group(contribution.Key).Add(program, contribution.Inputs, 1);

    GroupDelta Group(in GroupKey key) =>
        _groups.TryGetValue(key, out GroupDelta? group) ? group : _groups[key] = new GroupDelta(program.Aggregates.Length);
}
