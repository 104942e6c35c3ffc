using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>A value that may not be there.</summary>
sealed class OptionalValue : IEquatable<OptionalValue>
{
    public static readonly Value None = Value.FromOther(new OptionalValue(false, default));

    OptionalValue(bool hasValue, in Value value) => (HasValue, Value) = (hasValue, value);

    public bool HasValue { get; }

    public Value Value { get; }

    public static Value Of(in Value value) => Value.FromOther(new OptionalValue(true, value));

    public bool Equals(OptionalValue? other) => other is not null && HasValue == other.HasValue && Value.Equals(other.Value);

    public override bool Equals(object? obj) => Equals(obj as OptionalValue);

    public override int GetHashCode() => HasValue ? Value.GetHashCode() : 0;

    public override string ToString() => HasValue ? $"optional({Value})" : "optional.none()";
}
