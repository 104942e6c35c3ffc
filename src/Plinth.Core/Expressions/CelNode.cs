using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// What the parser makes of an expression: names not yet resolved, types not yet known. Macros are nodes of their own, never
/// expanded: a quantifier lowers to <c>exists (…)</c>, which an expanded loop could not.
/// </summary>
abstract record CelNode(Span Span);

/// <summary>null, bool, int, uint, double, string or bytes.</summary>
sealed record CelLiteral(Span Span, Value Value) : CelNode(Span);

/// <param name="IsRooted">Written with a leading dot: never a variable of a macro.</param>
sealed record CelIdentifier(Span Span, string Name, bool IsRooted) : CelNode(Span);

/// <summary><c>target.name</c>; with <paramref name="IsOptional"/> <c>target.?name</c>.</summary>
sealed record CelSelect(Span Span, CelNode Target, string Name, Span NameSpan, bool IsOptional) : CelNode(Span);

/// <summary><c>target[index]</c>; with <paramref name="IsOptional"/> <c>target[?index]</c>.</summary>
sealed record CelIndex(Span Span, CelNode Target, CelNode Index, bool IsOptional) : CelNode(Span);

/// <summary><c>name(arguments)</c> or <c>target.name(arguments)</c>.</summary>
sealed record CelCall(Span Span, CelNode? Target, string Name, Span NameSpan, ImmutableArray<CelNode> Arguments) : CelNode(Span);

sealed record CelUnary(Span Span, CelOperator Operator, CelNode Operand) : CelNode(Span);

sealed record CelBinary(Span Span, CelOperator Operator, CelNode Left, CelNode Right) : CelNode(Span);

sealed record CelConditional(Span Span, CelNode Condition, CelNode Then, CelNode Else) : CelNode(Span);

sealed record CelListLiteral(Span Span, ImmutableArray<CelNode> Items) : CelNode(Span);

sealed record CelMapLiteral(Span Span, ImmutableArray<KeyValuePair<CelNode, CelNode>> Entries) : CelNode(Span);

/// <summary><c>pkg.Type{field: value}</c>: of the grammar; no type of ours is made so.</summary>
sealed record CelMessage(Span Span, string TypeName, ImmutableArray<KeyValuePair<string, CelNode>> Fields) : CelNode(Span);

/// <summary><c>?value</c> as an item of a list, or as the value of an entry: nothing stands there when the optional is empty.</summary>
sealed record CelOptionalItem(Span Span, CelNode Value) : CelNode(Span);

/// <summary><c>has(target.name)</c></summary>
sealed record CelHas(Span Span, CelSelect Select) : CelNode(Span);

/// <summary>
/// <c>range.all(variable, body)</c> and its kin. With a <paramref name="Transform"/> the body is the filter before it, as in
/// <c>map(v, filter, transform)</c>. Two variables are index and item of a list, key and value of a map.
/// </summary>
sealed record CelMacro(
    Span Span, CelMacroKind Kind, CelNode Range, ImmutableArray<CelVariable> Variables, CelNode Body, CelNode? Transform) : CelNode(Span);

sealed record CelVariable(string Name, Span Span);

/// <summary><c>cel.bind(variable, value, body)</c></summary>
sealed record CelBind(Span Span, CelVariable Variable, CelNode Value, CelNode Body) : CelNode(Span);

enum CelMacroKind
{
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    TransformList,
    TransformMap,
    TransformMapEntry,
    SortBy,
    OptMap,
    OptFlatMap,
}

enum CelOperator
{
    Or,
    And,
    Not,
    Negate,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}
