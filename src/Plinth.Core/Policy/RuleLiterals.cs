using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// What the rules of a model compare its fields and the caller's claims with: the values, and of numbers their neighbours, at which a rule
/// can come out otherwise.
/// </summary>
sealed class RuleLiterals : NodeVisitor
{
    readonly Dictionary<string, HashSet<Value>> _fields = new(StringComparer.Ordinal), _claims = new(StringComparer.Ordinal);

    public RuleLiterals(AppSchema schema, Model model)
    {
        foreach (AccessRule rule in model.Rules)
        {
            if (rule.When is { } when) Visit(CheckedExpression.Of(when, ExpressionScope.Rule(schema, model)).Root);
            if (rule.After is { } after) Visit(CheckedExpression.Of(after, ExpressionScope.After(schema, model)).Root);
        }
    }

    public IEnumerable<Value> OfField(Field field) => Of(_fields, field);

    public IEnumerable<Value> OfClaim(Field claim) => Of(_claims, claim);

    public override void Visit(CheckedNode node)
    {
        if (node is CallNode { Arguments: [var left, var right] })
        {
            if (right is LiteralNode a) Note(left, a.Value);
            if (left is LiteralNode b) Note(right, b.Value);
        }
        if (node is InNode { List: ListNode list } within)
        {
            foreach (CheckedNode item in list.Items)
            {
                if (item is LiteralNode literal) Note(within.Item, literal.Value);
            }
        }
        // A truth by itself, a null test, or anything else that a rule asks of it.
        if (node is FieldNode { Record: RowNode } or ClaimNode) Note(node, null);
        base.Visit(node);
    }

    void Note(CheckedNode of, Value? value)
    {
        (Dictionary<string, HashSet<Value>> Known, Field What)? known = of switch
        {
            FieldNode { Record: RowNode } own => (_fields, own.Field),
            ClaimNode claim => (_claims, claim.Claim),
            _ => null,
        };
        if (known is not var (all, field)) return;
        if (!all.TryGetValue(field.Name, out HashSet<Value>? values)) all.Add(field.Name, values = []);
        if (value is not { IsNull: false } literal) return;
        values.Add(literal);
        if (literal.Kind != ValueKind.Int || literal.Int is long.MinValue or long.MaxValue) return;
        values.Add(Value.From(literal.Int - 1));
        values.Add(Value.From(literal.Int + 1));
    }

    static IEnumerable<Value> Of(Dictionary<string, HashSet<Value>> known, Field field)
    {
        if (!known.TryGetValue(field.Name, out HashSet<Value>? values) || field.IsList || field.IsJsonStored) return [];
        IEnumerable<Value> more = field.Type switch
        {
            EnumFieldType { Enum.Values: var words } => words.Select(Value.From),
            ScalarFieldType { Scalar.Kind: ValueKind.Boolean } => [Value.True, Value.False],
            _ => [],
        };
        return [.. values.Concat(more).Distinct(), .. field.IsNullable ? new[] { Value.Null } : []];
    }
}
