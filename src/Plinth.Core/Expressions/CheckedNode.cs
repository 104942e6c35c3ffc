using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// An expression whose names are resolved and whose types fit: what the evaluator compiles, the policy folds and the lowering writes.
/// A closed set of immutable records; the executions must agree on the meaning of each.
/// </summary>
abstract record CheckedNode(CelType Type)
{
    readonly Place _place;

    /// <summary>Where it stands in its source; not part of its identity: the same words at two places are the same.</summary>
    public Span Span
    {
        get => _place.Span;
        init => _place = new Place(value);
    }

    /// <summary>Equal to every other, so that the equality of nodes does not see it.</summary>
    readonly struct Place(Span span) : IEquatable<Place>
    {
        public Span Span => span;

        public bool Equals(Place other) => true;

        public override bool Equals(object? obj) => obj is Place;

        public override int GetHashCode() => 0;
    }
}

/// <summary>A value known already. <see cref="Value.Null"/> is the null literal, and "unknown" once a part was folded.</summary>
sealed record LiteralNode(CelType Type, Value Value) : CheckedNode(Type)
{
    public static readonly LiteralNode True = new(CelType.Bool, Value.True);
    public static readonly LiteralNode False = new(CelType.Bool, Value.False);
    public static readonly LiteralNode Unknown = new(CelType.Bool, Value.Null);
}

/// <summary>A lifted literal: value number <paramref name="Slot"/> of the request.</summary>
/// <param name="IsSmall">An int or decimal of at most 32 bits: what can be said of its range without knowing it.</param>
sealed record SlotNode(CelType Type, int Slot, bool IsSmall) : CheckedNode(Type);

/// <summary>The row that the expression is about.</summary>
sealed record RowNode(CelType Type) : CheckedNode(Type);

/// <summary>The row as it was before the update.</summary>
sealed record BeforeNode(CelType Type) : CheckedNode(Type);

/// <summary>The variable of a macro; <paramref name="Id"/> is unique within the expression and counts from 0.</summary>
sealed record VariableNode(CelType Type, int Id) : CheckedNode(Type);

/// <summary>Over a relation: one record, or those of a to-many side. Only live records are entered.</summary>
sealed record HopNode(CelType Type, CheckedNode From, Relation Relation) : CheckedNode(Type);

/// <summary>A stored field of a record.</summary>
sealed record FieldNode(CelType Type, CheckedNode Record, Field Field) : CheckedNode(Type);

/// <summary>A member of an embedded value (then <paramref name="Field"/> is set), of a union, of JSON or of a map.</summary>
sealed record MemberNode(CelType Type, CheckedNode Target, string Name, Field? Field) : CheckedNode(Type);

/// <summary>An element of a list or map, or of JSON.</summary>
sealed record IndexNode(CelType Type, CheckedNode Target, CheckedNode Index) : CheckedNode(Type);

/// <summary>The caller's claims as a whole; null when anonymous.</summary>
sealed record AuthNode(CelType Type) : CheckedNode(Type);

sealed record ClaimNode(CelType Type, Field Claim) : CheckedNode(Type);

sealed record NowNode() : CheckedNode(CelType.Timestamp);

sealed record RequestNode(RequestMember Member) : CheckedNode(CelType.String);

enum RequestMember
{
    Ip,
    Method,
}

sealed record NotNode(CheckedNode Operand) : CheckedNode(CelType.Bool);

/// <summary>Kleene: false wins, then unknown.</summary>
sealed record AndNode(ImmutableArray<CheckedNode> Items) : CheckedNode(CelType.Bool);

/// <summary>Kleene: true wins, then unknown.</summary>
sealed record OrNode(ImmutableArray<CheckedNode> Items) : CheckedNode(CelType.Bool);

/// <summary>An unknown condition is an unknown result.</summary>
sealed record ConditionalNode(CelType Type, CheckedNode Condition, CheckedNode Then, CheckedNode Else) : CheckedNode(Type);

/// <summary>The null test, never unknown: true also for what is unknown (a member of nothing).</summary>
sealed record IsNullNode(CheckedNode Operand) : CheckedNode(CelType.Bool);

/// <summary>The key is there, whatever its value; never unknown.</summary>
sealed record HasNode(MemberNode Member) : CheckedNode(CelType.Bool);

/// <summary>An operator or function on values; unknown when an argument is.</summary>
sealed record CallNode(CelType Type, CelFunction Function, ImmutableArray<CheckedNode> Arguments) : CheckedNode(Type);

/// <summary>Some element equals the item; no element: false.</summary>
sealed record InNode(CheckedNode Item, CheckedNode List) : CheckedNode(CelType.Bool);

sealed record ListNode(CelType Type, ImmutableArray<CheckedNode> Items) : CheckedNode(Type);

sealed record MapNode(CelType Type, ImmutableArray<KeyValuePair<CheckedNode, CheckedNode>> Entries) : CheckedNode(Type);

/// <summary>An item of a list or the value of an entry that stands there only when the optional holds something.</summary>
sealed record OptionalItemNode(CheckedNode Optional) : CheckedNode(Optional.Type);

/// <summary>A variable that stands for one value in the body.</summary>
sealed record BindNode(CelType Type, VariableNode Variable, CheckedNode Value, CheckedNode Body) : CheckedNode(Type);

/// <summary>Input number <paramref name="Index"/> of an unbound environment.</summary>
sealed record InputNode(CelType Type, int Index) : CheckedNode(Type);

sealed record QuantifierNode(QuantifierKind Kind, CheckedNode Range, VariableNode Variable, CheckedNode Body) : CheckedNode(CelType.Bool)
{
    /// <summary>With two variables the first is the index or key, and this one the item or value.</summary>
    public VariableNode? Second { get; init; }
}

enum QuantifierKind
{
    All,
    Exists,
    ExistsOne,
}

/// <summary><c>filter</c> (no transform), <c>map</c>, and the transformations of two variables.</summary>
sealed record TransformNode(CelType Type, CheckedNode Range, VariableNode Variable, CheckedNode? Filter, CheckedNode? Transform)
    : CheckedNode(Type)
{
    /// <inheritdoc cref="QuantifierNode.Second"/>
    public VariableNode? Second { get; init; }

    public TransformKind Kind { get; init; }
}

enum TransformKind
{
    /// <summary>A list of what the transform gives.</summary>
    List,

    /// <summary>A map from the index or key to it.</summary>
    Map,

    /// <summary>The entries of the maps that it gives, together.</summary>
    Entries,
}
