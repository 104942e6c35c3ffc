using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Takes the values out of an expression: what remains is its shape, which keys the cache of plans. Null, true and false stay, since
/// they decide the form of the SQL; so do positions in lists, which become part of a path, and patterns of <c>matches</c>.
/// </summary>
sealed class LiteralLifter : NodeRewriter
{
    readonly List<Value> _values;

    LiteralLifter(List<Value> values) => _values = values;

    public static (CheckedExpression Shape, ImmutableArray<Value> Literals) Lift(CheckedExpression expression)
    {
        List<Value> values = [];
        return (Lift(expression, values), [.. values]);
    }

    /// <summary>Appends to the values of a plan that lifts several expressions: slots count from the values already there.</summary>
    public static CheckedExpression Lift(CheckedExpression expression, List<Value> values) =>
        CheckedExpression.Of(new LiteralLifter(values).Rewrite(expression.Root));

    public override CheckedNode Rewrite(CheckedNode node)
    {
        switch (node)
        {
            case LiteralNode { Value.Kind: ValueKind.Null or ValueKind.Boolean or ValueKind.Map or ValueKind.Json
                or ValueKind.Other }: return node;
            case LiteralNode { Value: { Kind: ValueKind.List } list, Type: ListType type } literal:
                return new ListNode(type, [.. list.List.Select(v => Rewrite(new LiteralNode(type.Element, v)))]) { Span = literal.Span };
            case LiteralNode literal:
                _values.Add(literal.Value);
                return new SlotNode(literal.Type, _values.Count - 1, IsSmall(literal.Value)) { Span = literal.Span };
            case CallNode { Function: CelFunction.Matches } matches:
                return matches with { Arguments = [Rewrite(matches.Arguments[0]), matches.Arguments[1]] };
            case IndexNode { Index: LiteralNode } index: return index with { Target = Rewrite(index.Target) };
            default: return Children(node);
        }
    }

    static bool IsSmall(in Value value) => value.Kind switch
    {
        ValueKind.Int => value.Int is >= int.MinValue and <= int.MaxValue,
        ValueKind.Decimal => value.DecimalUnits is >= int.MinValue and <= int.MaxValue,
        _ => false,
    };
}

/// <summary>
/// The text that two expressions share exactly when one statement serves both: structure, names and types, not lifted values.
/// </summary>
static class ShapeKey
{
    public static string Of(CheckedExpression shape)
    {
        StringBuilder to = new();
        Write(to, shape.Root);
        return to.ToString();
    }

    static void Write(StringBuilder to, CheckedNode node)
    {
        switch (node)
        {
            case LiteralNode literal: WriteLiteral(to, literal); break;
            case SlotNode slot: to.Append(CultureInfo.InvariantCulture,
                $"${slot.Slot}{(slot.IsSmall ? 's' : ' ')}:{TypeOf(slot.Type)}"); break;
            case RowNode: to.Append('@'); break;
            case BeforeNode: to.Append("@before"); break;
            case VariableNode variable: to.Append(CultureInfo.InvariantCulture, $"v{variable.Id}"); break;
            case HopNode hop: Write(to, hop.From, $">{hop.Relation.Model}.{hop.Relation.Name}"); break;
            case FieldNode field: Write(to, field.Record, $".{field.Field.Name}"); break;
            case MemberNode member: Write(to, member.Target, $"?{Quoted(member.Name)}:{TypeOf(member.Type)}"); break;
            case IndexNode index: Call(to, "[]", index.Target, index.Index); break;
            case AuthNode: to.Append("auth"); break;
            case ClaimNode claim: to.Append("auth.").Append(claim.Claim.Name); break;
            case NowNode: to.Append("now"); break;
            case RequestNode request: to.Append("request.").Append(request.Member); break;
            case NotNode not: Call(to, "!", not.Operand); break;
            case AndNode and: Call(to, "&", [.. and.Items]); break;
            case OrNode or: Call(to, "|", [.. or.Items]); break;
            case ConditionalNode c: Call(to, $"if:{TypeOf(c.Type)}", c.Condition, c.Then, c.Else); break;
            case IsNullNode test: Call(to, "null", test.Operand); break;
            case HasNode has: Call(to, "has", has.Member); break;
            case CallNode call: Call(to, $"{call.Function}:{TypeOf(call.Type)}", [.. call.Arguments]); break;
            case InNode within: Call(to, "in", within.Item, within.List); break;
            case ListNode list: Call(to, "list", [.. list.Items]); break;
            case MapNode map:
                Call(to, "map", [.. map.Entries.SelectMany(e => new[] { e.Key, e.Value })]);
                break;
            case OptionalItemNode item: Call(to, "?", item.Optional); break;
            case BindNode bind: Call(to, $"bind:{bind.Variable.Id}", bind.Value, bind.Body); break;
            case QuantifierNode q: Call(to, $"{q.Kind}:{Variables(q.Variable, q.Second)}", q.Range, q.Body); break;
            case TransformNode t:
                CheckedNode nothing = LiteralNode.Unknown;
                Call(to, $"{t.Kind}:{Variables(t.Variable, t.Second)}", t.Range, t.Filter ?? nothing, t.Transform ?? nothing);
                break;
            default: throw new InvalidOperationException($"no shape for {node.GetType().Name}");
        }
    }

    static string Variables(VariableNode first, VariableNode? second) =>
        second is null ? $"{first.Id}" : $"{first.Id},{second.Id}";

    static void WriteLiteral(StringBuilder to, LiteralNode literal) =>
        to.Append(literal.Value.Kind).Append('=').Append(Quoted(literal.Value.ToString())).Append(':').Append(TypeOf(literal.Type));

    static string TypeOf(CelType type) => type is DecimalCelType d ? $"decimal{d.Scale.ToString(CultureInfo.InvariantCulture)}" : type.Name;

    /// <summary>Quoted, with quotes doubled: no text can be mistaken for structure.</summary>
    static string Quoted(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    static void Write(StringBuilder to, CheckedNode from, string suffix)
    {
        Write(to, from);
        to.Append(suffix);
    }

    static void Call(StringBuilder to, string name, params ReadOnlySpan<CheckedNode> arguments)
    {
        to.Append(name).Append('(');
        for (int i = 0; i < arguments.Length; i++)
        {
            if (i > 0) to.Append(',');
            Write(to, arguments[i]);
        }
        to.Append(')');
    }
}
