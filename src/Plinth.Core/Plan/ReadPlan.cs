using System.Collections.Immutable;
using Plinth.Policy;
using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>
/// A shape under a caller's rules: the proof that the read is allowed, and the only thing that can be run. Plain data, without values;
/// one plan serves all requests of its shape by all callers who show the same pattern of claims.
/// </summary>
sealed class ReadPlan
{
    public ReadPlan(ReadShape shape, ImmutableArray<FoldedRules> rules, ImmutableArray<bool> nullBoundary)
    {
        (Shape, Rules, NullBoundary) = (shape, rules, nullBoundary);
        Slots = new ReadSlots(shape, rules, nullBoundary.Length);
    }

    public ReadShape Shape { get; }

    /// <summary>By <see cref="ReadShape.Needs"/>.</summary>
    public ImmutableArray<FoldedRules> Rules { get; }

    /// <summary>Of a page after or before a cursor: which of its sort values are null. Each pattern is a plan of its own.</summary>
    public ImmutableArray<bool> NullBoundary { get; }

    public ReadSlots Slots { get; }

    /// <summary>The rule for reading a field, where it depends on the record; null where the field is there in every record.</summary>
    public (FoldedRules Rules, int FirstSlot)? Mask(Model model, Field field)
    {
        int need = Shape.FieldNeed(model.Name, field);
        return need >= 0 && Rules[need].Outcome != RuleOutcome.Always ? (Rules[need], Slots.Rules[need]) : null;
    }

    /// <summary>Some record of the level may be answered without one of its fields.</summary>
    public bool IsMasked(LevelShape level) => level.Fields.Any(f => Mask(level.Model, f) is not null);
}

/// <summary>Where in the values of a request each part of its plan finds its own.</summary>
sealed class ReadSlots
{
    public ReadSlots(ReadShape shape, ImmutableArray<FoldedRules> rules, int boundary)
    {
        int next = 0;
        int Take(int count)
        {
            int first = next;
            next += count;
            return first;
        }

        Rules = [.. rules.Select(r => Take(r.Values))];
        Key = shape.Kind == ReadKind.Get ? Take(shape.Root.Model.Key.Length) : -1;
        Filters = new int[1 + shape.Includes];
        Filters[0] = Take(shape.Root.FilterSlots);
        TakeIncludes(shape.Root, Take);
        Boundary = Take(boundary);
        Search = shape.Root.Search ? Take(1) : -1;
        Limit = shape.Kind == ReadKind.Get ? -1 : Take(1);
        Offset = shape.Start == PageStart.Offset ? Take(1) : -1;
        IncludeLimits = Take(shape.Includes);
        Count = next;
    }

    /// <summary>The first value of each rule, by need.</summary>
    public ImmutableArray<int> Rules { get; }

    public int Key { get; }

    /// <summary>The first value of each level's filter: the root's at 0, an include's at its number plus 1.</summary>
    public int[] Filters { get; }

    public int Boundary { get; }

    public int Search { get; }

    public int Limit { get; }

    public int Offset { get; }

    /// <summary>The limit of the first include; those of the others follow by number.</summary>
    public int IncludeLimits { get; }

    public int Count { get; }

    void TakeIncludes(LevelShape level, Func<int, int> take)
    {
        foreach (IncludeShape include in level.Includes)
        {
            Filters[include.Number + 1] = take(include.Level.FilterSlots);
            TakeIncludes(include.Level, take);
        }
    }
}

/// <summary>A plan and the values of one request: what the runtime runs.</summary>
/// <param name="Values">By slot.</param>
/// <param name="Limit">Records of the page, at most; 0 where there is no page.</param>
/// <param name="Binding">What its cursors are bound to; empty where there are none.</param>
sealed record PlannedRead(ReadPlan Plan, Value[] Values, int Limit, byte[] Binding)
{
    /// <summary>The moment that is asked about; null where it is the present.</summary>
    public PastMoment? Past { get; init; }
}
