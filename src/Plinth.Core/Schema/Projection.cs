using System.Collections.Immutable;

namespace Plinth.Schema;

/// <summary>
/// What the records of a projection are made of: each stands for the records of another model that agree in its key, and holds what was
/// counted and added up over them. The engine keeps it; nobody writes to it.
/// </summary>
/// <param name="From">The model whose records are counted.</param>
/// <param name="Where">Only those for which it is true; null for all. Records in the trash are never counted.</param>
/// <param name="Keys">In key order; a record for which one is null is counted nowhere.</param>
/// <param name="Aggregates">What is kept, in the order written.</param>
/// <param name="IsInline">Kept in the transaction of each write, so that readers see their writes in it.</param>
sealed record Projection(
    string From, Condition? Where, ImmutableArray<ProjectedKey> Keys, ImmutableArray<ProjectedAggregate> Aggregates, bool IsInline)
{
    /// <summary>The hidden field that counts a projection record's records: when it comes to 0, the record goes.</summary>
    public const string Records = "_records";

    /// <summary>Digits that the average of decimals has more than they.</summary>
    public const int AverageDigits = 4;

    /// <summary>The hidden field that adds up what an average is the average of.</summary>
    public static string SumOf(string aggregate) => $"_{aggregate}_sum";

    /// <summary>The hidden field that counts the values that are not null.</summary>
    public static string CountOf(string aggregate) => $"_{aggregate}_count";

    public bool Equals(Projection? other) => other is not null && string.Equals(From, other.From, StringComparison.Ordinal)
        && Equals(Where, other.Where) && Keys.SequenceEqual(other.Keys) && Aggregates.SequenceEqual(other.Aggregates)
        && IsInline == other.IsInline;

    public override int GetHashCode() => From.GetHashCode(StringComparison.Ordinal);
}

/// <param name="Field">Of the projection.</param>
/// <param name="Value">Over the fields of the model that is projected.</param>
sealed record ProjectedKey(string Field, Condition Value);

/// <param name="Field">Of the projection.</param>
/// <param name="Value">Over the fields of the model that is projected; null of a count of records.</param>
sealed record ProjectedAggregate(string Field, ProjectedFunction Function, Condition? Value);

enum ProjectedFunction
{
    /// <summary>Of records; with a value, of those for which it is not null.</summary>
    Count,
    Sum,
    Min,
    Max,

    /// <summary>Of whole numbers a Float; of decimals a Decimal with four digits more, halves to even.</summary>
    Average,
}
