using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>What the place that a condition stands in makes of unknown.</summary>
enum UnknownMeans
{
    /// <summary>It is kept.</summary>
    Unknown,

    /// <summary>Only truth counts.</summary>
    False,

    /// <summary>Only falsity counts (below a negation of which only truth counts).</summary>
    True,
}

/// <summary>Kleene's laws applied to literals: what is decided already disappears.</summary>
static class Simplifier
{
    public static CheckedNode Simplify(CheckedNode node, UnknownMeans unknown)
    {
        switch (node)
        {
            case LiteralNode { Type.Kind: CelKind.Bool, Value.IsNull: true } when unknown != UnknownMeans.Unknown:
                return unknown == UnknownMeans.False ? LiteralNode.False : LiteralNode.True;
            case AndNode and: return Items(and, and.Items, unknown, isAnd: true);
            case OrNode or: return Items(or, or.Items, unknown, isAnd: false);
            case NotNode not: return Not(not, unknown);
            case ConditionalNode conditional: return Conditional(conditional, unknown);
            case IsNullNode test:
                CheckedNode operand = Simplify(test.Operand, UnknownMeans.Unknown);
                if (operand is LiteralNode literal) return literal.Value.IsNull ? LiteralNode.True : LiteralNode.False;
                return ReferenceEquals(operand, test.Operand) ? test : test with { Operand = operand };
            case CallNode call: return Call(call, unknown);
            case InNode within: return In(within, unknown);
            case QuantifierNode { Range: LiteralNode { Value.IsNull: true } }: return Unknown(unknown);
            case QuantifierNode quantifier: return Quantifier(quantifier, unknown);
            default: return node;
        }
    }

    static CheckedNode Unknown(UnknownMeans unknown) => Simplify(LiteralNode.Unknown, unknown);

    static CheckedNode Items(CheckedNode node, ImmutableArray<CheckedNode> items, UnknownMeans unknown, bool isAnd)
    {
        ImmutableArray<CheckedNode>.Builder kept = ImmutableArray.CreateBuilder<CheckedNode>(items.Length);
        bool isUnknown = false;
        foreach (CheckedNode item in items)
        {
            CheckedNode simple = Simplify(item, unknown);
            if (simple is not LiteralNode literal)
            {
                kept.Add(simple);
                continue;
            }
            if (literal.Value.IsNull) isUnknown = true;
            else if (literal.Value.IsTrue != isAnd) return isAnd ? LiteralNode.False : LiteralNode.True;
        }
        // One unknown is as good as many.
        if (isUnknown) kept.Add(LiteralNode.Unknown);
        if (kept.Count == 0) return isAnd ? LiteralNode.True : LiteralNode.False;
        if (kept.Count == 1) return kept[0];
        if (kept.Count == items.Length && Same(kept, items)) return node;
        return isAnd ? new AndNode(kept.ToImmutable()) { Span = node.Span } : new OrNode(kept.ToImmutable()) { Span = node.Span };
    }

    static bool Same(ImmutableArray<CheckedNode>.Builder kept, ImmutableArray<CheckedNode> items)
    {
        for (int i = 0; i < items.Length; i++)
        {
            if (!ReferenceEquals(kept[i], items[i])) return false;
        }
        return true;
    }

    static CheckedNode Not(NotNode node, UnknownMeans unknown)
    {
        UnknownMeans inner = unknown switch
        {
            UnknownMeans.False => UnknownMeans.True,
            UnknownMeans.True => UnknownMeans.False,
            _ => unknown,
        };
        CheckedNode operand = Simplify(node.Operand, inner);
        return operand switch
        {
            LiteralNode { Value.IsNull: true } => operand,
            LiteralNode literal => literal.Value.IsTrue ? LiteralNode.False : LiteralNode.True,
            NotNode twice => twice.Operand,
            _ => ReferenceEquals(operand, node.Operand) ? node : node with { Operand = operand },
        };
    }

    static CheckedNode Conditional(ConditionalNode node, UnknownMeans unknown)
    {
        CheckedNode condition = Simplify(node.Condition, UnknownMeans.Unknown);
        bool isBool = node.Type.Kind == CelKind.Bool;
        if (condition is LiteralNode literal)
        {
            if (literal.Value.IsNull) return isBool ? Unknown(unknown) : new LiteralNode(node.Type, Value.Null) { Span = node.Span };
            CheckedNode taken = literal.Value.IsTrue ? node.Then : node.Else;
            return isBool ? Simplify(taken, unknown) : taken;
        }
        if (!isBool) return ReferenceEquals(condition, node.Condition) ? node : node with { Condition = condition };
        CheckedNode then = Simplify(node.Then, unknown), otherwise = Simplify(node.Else, unknown);
        bool isSame = ReferenceEquals(condition, node.Condition) && ReferenceEquals(then, node.Then)
            && ReferenceEquals(otherwise, node.Else);
        return isSame ? node : node with { Condition = condition, Then = then, Else = otherwise };
    }

    /// <summary>An unknown argument makes the call unknown.</summary>
    static CheckedNode Call(CallNode node, UnknownMeans unknown)
    {
        // An optional of what is unknown is one of nothing, which is known.
        if (node.Function is CelFunction.IfKnown or CelFunction.Or or CelFunction.OrValue) return node;
        if (!node.Arguments.Any(a => a is LiteralNode { Value.IsNull: true })) return node;
        return node.Type.Kind == CelKind.Bool ? Unknown(unknown) : new LiteralNode(node.Type, Value.Null) { Span = node.Span };
    }

    /// <summary>A list that the caller brings becomes its elements, so that every execution sees one form of list.</summary>
    static CheckedNode In(InNode node, UnknownMeans unknown)
    {
        if (node.List is LiteralNode { Value.IsNull: true }) return Unknown(unknown);
        if (node.List is LiteralNode { Value: { Kind: ValueKind.List } list, Type: ListType type })
            node = node with { List = Items(node.List, type, list) };
        if (node.List is not ListNode elements) return node;
        if (elements.Items.IsEmpty) return LiteralNode.False;
        if (node.Item is LiteralNode { Value.IsNull: true }
            || elements.Items.All(i => i is LiteralNode { Value.IsNull: true })) return Unknown(unknown);
        return node;
    }

    static CheckedNode Quantifier(QuantifierNode node, UnknownMeans unknown)
    {
        if (node.Range is LiteralNode { Value: { Kind: ValueKind.List } values, Type: ListType type })
            node = node with { Range = Items(node.Range, type, values) };
        if (node.Range is ListNode { Items.IsEmpty: true }) return node.Kind == QuantifierKind.All ? LiteralNode.True : LiteralNode.False;
        UnknownMeans inner = node.Kind == QuantifierKind.ExistsOne ? UnknownMeans.Unknown : unknown;
        CheckedNode body = Simplify(node.Body, inner);
        // Records and written-out lists are never unknown themselves.
        bool isThere = node.Range.Type is RecordsType || node.Range is ListNode;
        if (isThere && body is LiteralNode { Value.IsFalse: true } && node.Kind == QuantifierKind.Exists) return LiteralNode.False;
        if (isThere && body is LiteralNode { Value.IsTrue: true } && node.Kind == QuantifierKind.All) return LiteralNode.True;
        return ReferenceEquals(body, node.Body) ? node : node with { Body = body };
    }

    static ListNode Items(CheckedNode literal, ListType type, in Value list) =>
        new(type,
            [.. list.List.Select(v => (CheckedNode)new LiteralNode(type.Element, v) { Span = literal.Span })]) { Span = literal.Span };
}
