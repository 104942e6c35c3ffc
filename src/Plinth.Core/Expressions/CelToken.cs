using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

enum CelTokenKind
{
    End,
    Identifier,
    Literal,
    Symbol,
}

/// <param name="Text">The name, or the symbol's characters.</param>
readonly record struct CelToken(CelTokenKind Kind, Span Span, string Text, Value Value)
{
    public bool Is(string symbol) => Kind == CelTokenKind.Symbol && string.Equals(Text, symbol, StringComparison.Ordinal);
}

/// <summary>
/// Why an expression cannot be read or does not fit the schema; thrown within this room only, and turned into a diagnostic at its edge.
/// </summary>
sealed class CelError(string code, Span span, string message, string? hint = null) : Exception(message)
{
    public string Code => code;

    public Span Span => span;

    public string? Hint => hint;
}
