using System.Collections.Immutable;

namespace Plinth.Language;

/// <summary>Where an attribute may stand.</summary>
[Flags]
enum AttributeTargets
{
    /// <summary>A stored field of a model.</summary>
    Field = 1,

    /// <summary>A to-one relation that holds the key; what it says goes to the implied key field.</summary>
    Relation = 2,

    /// <summary>The other side of a relation, which has no column.</summary>
    OtherSide = 4,

    /// <summary>A field of an embedded type.</summary>
    Member = 8,

    /// <summary>The model as a whole; written with @@.</summary>
    Model = 16,

    /// <summary>What a projection keeps.</summary>
    Kept = 32,

    /// <summary>What a projection counts by.</summary>
    CountedBy = 64,

    /// <summary>The projection as a whole; written with @@.</summary>
    Projection = 128,
}

/// <summary>What a field's type must be for an attribute to make sense on it.</summary>
[Flags]
enum TypeFit
{
    Text = 1,
    Integer = 2,
    Fraction = 4,
    Moment = 8,
    Bytes = 16,
    Other = 32,

    /// <summary>Also on a list, whose items are of the types said.</summary>
    Lists = 64,

    /// <summary>On a list of anything.</summary>
    AnyList = 128,
    Any = Text | Integer | Fraction | Moment | Bytes | Other | Lists | AnyList,
}

enum ArgumentKind
{
    /// <summary>A CEL expression of type bool, or of the field's type.</summary>
    Expression,

    /// <summary>A string.</summary>
    Text,

    /// <summary>A whole number that is not negative.</summary>
    Count,

    /// <summary>A decimal number.</summary>
    Number,

    /// <summary>One of the words listed with the argument.</summary>
    Word,

    /// <summary><c>[a, b]</c> of the words listed with the argument, or one of them without brackets.</summary>
    Words,

    /// <summary><c>[a, b]</c>, or one name without brackets; a to-one relation stands for its key fields.</summary>
    Fields,

    /// <summary>The same, each with an optional <c>(desc)</c>.</summary>
    SortedFields,

    /// <summary>Names of operations in a string, or a list of such strings.</summary>
    Operations,

    /// <summary>The same of a channel: <c>join publish all</c>.</summary>
    ChannelOperations,

    /// <summary><c>"read"</c>, <c>"write"</c> or both, in a string or a list of strings.</summary>
    Accesses,

    /// <summary>A literal, an enum value, a generator or a claim: what <c>@default</c> takes.</summary>
    Default,

    /// <summary><c>[…]</c> of literals of the field's type.</summary>
    Literals,

    /// <summary>The name of a scalar type.</summary>
    Type,
}

sealed record AttributeArgument(string Name, ArgumentKind Kind, string Doc)
{
    public bool IsRequired { get; init; }

    /// <summary>Only as <c>name: value</c>, never by position.</summary>
    public bool IsNamed { get; init; }

    /// <summary>The words that an argument of kind <see cref="ArgumentKind.Word"/> may be.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>Known, and refused by name in this version.</summary>
    public bool IsAvailable { get; init; } = true;
}

/// <param name="Name">With its @ or @@.</param>
/// <param name="Doc">One sentence or a few: what it does.</param>
/// <param name="Example">Members of a model, as the reference prints them and a test compiles them. Empty when not available.</param>
sealed record AttributeSpec(string Name, AttributeTargets Targets, string Doc, string Example)
{
    public ImmutableArray<AttributeArgument> Arguments { get; init; } = [];

    public TypeFit Fits { get; init; } = TypeFit.Any;

    /// <summary>May stand more than once at one place.</summary>
    public bool Repeats { get; init; }

    public bool IsAvailable { get; init; } = true;

    public bool IsModelLevel => Name.StartsWith("@@", StringComparison.Ordinal);
}
