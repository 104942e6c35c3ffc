using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Schema;

/// <summary>
/// <c>@upcast(3, …)</c>: what a value of a field becomes that is of an earlier version of the schema. A function of that value alone, so
/// that it means the same for a record as it is, for what an event set, and for what an event took away.
/// </summary>
/// <param name="Version">Values of versions before it are brought by it.</param>
/// <param name="From">The type that values had; null: the field's own, of an enum text.</param>
/// <param name="Value">Over the value of then, which it knows as <see cref="Old"/>.</param>
sealed record Upcast(int Version, ScalarType? From, Condition Value)
{
    /// <summary>What the expression calls the value of then.</summary>
    public const string Old = "old";

    public Span Span { get; init; }

    /// <summary>Places in the source are no part of what it says.</summary>
    public bool Equals(Upcast? other) => other is not null && Version == other.Version && Value.Equals(other.Value)
        && string.Equals(From?.Name, other.From?.Name, StringComparison.Ordinal);

    public override int GetHashCode() => HashCode.Combine(Version, Value);

    /// <summary>The type of what it takes.</summary>
    public FieldType TypeOfThen(Field field) => From is not null ? new ScalarFieldType(From)
        : field.Type is EnumFieldType ? new ScalarFieldType(StringType.It) : field.Type;

    /// <summary>The type of what one of a field's steps gives: what the next one takes, and of the last the field's own.</summary>
    public static FieldType TypeAfter(Field field, int step) =>
        step + 1 < field.Upcasts.Length ? field.Upcasts[step + 1].TypeOfThen(field) : field.Type;
}
