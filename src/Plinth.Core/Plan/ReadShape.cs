using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>
/// What a request asks, with every name resolved and no value in it: the same for all requests that differ in values only. No rule is
/// in it yet, so nothing can run it; <see cref="ReadPlan"/> joins it with a caller's rules.
/// </summary>
sealed record ReadShape
{
    public required ReadKind Kind { get; init; }

    public required LevelShape Root { get; init; }

    /// <summary>The page's start, of lists.</summary>
    public PageStart Start { get; init; }

    public CountMode Count { get; init; }

    public AggregateShape? Aggregate { get; init; }

    /// <summary>Rules that the plan needs, each once; levels and hops name them by their position.</summary>
    public required ImmutableArray<RuleNeed> Needs { get; init; }

    /// <summary>It asks for records as they were at some moment, not as they are.</summary>
    public bool IsPast { get; init; }

    /// <summary>Number of includes over all levels.</summary>
    public int Includes { get; init; }

    /// <summary>
    /// Relation hops that the request itself writes enter their target under this rule (a position in <see cref="Needs"/>).
    /// </summary>
    public int HopNeed(string model)
    {
        for (int i = 0; i < Needs.Length; i++)
        {
            RuleNeed need = Needs[i];
            bool isOfRecords = need is { Operation: Operation.List, Field: null };
            if (isOfRecords && string.Equals(need.Model.Name, model, StringComparison.Ordinal)) return i;
        }
        throw new InvalidOperationException($"a hop into {model} was planned without its rule");
    }

    /// <summary>The rule for reading a field (a position in <see cref="Needs"/>); -1 when it has none.</summary>
    public int FieldNeed(string model, Field field)
    {
        if (!field.IsRuled(FieldAccess.Read)) return -1;
        for (int i = 0; i < Needs.Length; i++)
        {
            if (Needs[i].Field?.Ordinal == field.Ordinal && string.Equals(Needs[i].Model.Name, model, StringComparison.Ordinal)) return i;
        }
        throw new InvalidOperationException($"{model}.{field.Name} was planned without its rule");
    }
}

/// <summary>One rule of one model that a request comes under.</summary>
/// <param name="Field">The rule is that for reading this field; the operation then says nothing.</param>
readonly record struct RuleNeed(Model Model, Operation Operation, Field? Field = null);

enum PageStart
{
    First,
    After,
    Before,
    Offset,
}

/// <summary>What one statement reads: the root's records, or those of one included relation for all parents at once.</summary>
sealed record LevelShape
{
    public required Model Model { get; init; }

    /// <summary>Fields answered, in declaration order; the key is always among them.</summary>
    public required ImmutableArray<Field> Fields { get; init; }

    /// <summary>The fields are all that a record has to answer: the request selects none, and none is closed to the caller.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Position in <see cref="ReadShape.Needs"/> of the rule that its records come under.</summary>
    public required int Need { get; init; }

    /// <summary>Of the root when trash is read: the positions of the rules for restore and purge, one of which must allow too.</summary>
    public (int Restore, int Purge)? TrashNeeds { get; init; }

    public TrashMode Trashed { get; init; }

    /// <summary>What the request asks of a record, CEL text and short filters together; null when it asks nothing.</summary>
    public CheckedExpression? Filter { get; init; }

    /// <summary>Slots that <see cref="Filter"/> takes: the values of the short terms, then the literals of the CEL text.</summary>
    public int FilterSlots { get; init; }

    public ImmutableArray<ShortTerm> ShortTerms { get; init; } = [];

    /// <summary>Complete: ends with the key's fields as far as they were not named. Empty for records that come alone.</summary>
    public ImmutableArray<SortTerm> Sort { get; init; } = [];

    public bool Search { get; init; }

    public ImmutableArray<IncludeShape> Includes { get; init; } = [];
}

/// <param name="Number">Position among all includes of the request, which numbers its limit's slot.</param>
/// <param name="Single">At most one record per parent: answered as a record or null, else as an array.</param>
sealed record IncludeShape(Relation Relation, LevelShape Level, int Number, bool Single)
{
    /// <summary>The parent's fields that lead to it, in the order of the relation.</summary>
    public required ImmutableArray<Field> ParentFields { get; init; }

    /// <summary>The fields of the included model that they equal.</summary>
    public required ImmutableArray<Field> TargetFields { get; init; }
}

/// <summary>A field, at the end of a path over to-one relations (mostly an empty one).</summary>
sealed record FieldPath(ImmutableArray<Relation> Relations, Field Field)
{
    public bool IsOwn => Relations.IsEmpty;

    /// <summary>A hop may lead to no record, so whatever the field says, the path may be null.</summary>
    public bool IsNullable => !IsOwn || Field.IsNullable;
}

sealed record SortTerm(FieldPath Path, bool Descending);

enum ShortOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Contains,
    StartsWith,
    EndsWith,
    IsNull,
    IsNotNull,
}

/// <param name="Values">Slots it takes: list operators round up, so that lists of similar length share a plan.</param>
sealed record ShortTerm(FieldPath Path, ShortOperator Operator, int Values);

sealed record AggregateShape(ImmutableArray<Field> GroupBy, bool Count, ImmutableArray<AggregateColumn> Columns);

enum AggregateFunction
{
    Sum,
    Average,
    Min,
    Max,
}

sealed record AggregateColumn(AggregateFunction Function, Field Field);
