using Plinth.Text;

namespace Plinth.Schema;

/// <summary>
/// A CEL expression as it stands in the schema. The IR keeps text and place; the checked tree is made, and kept, by <c>Expressions</c>.
/// Two conditions are the same when their text is; comments and layout are no part of it, so it is not always what stands at the place.
/// </summary>
sealed record Condition(string Text, SourceText Source, Span Span)
{
    public bool Equals(Condition? other) => other is not null && string.Equals(Text, other.Text, StringComparison.Ordinal);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}
