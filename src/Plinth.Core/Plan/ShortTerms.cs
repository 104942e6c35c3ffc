using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>Short filters and CEL texts as one condition: what a request asks of a record is one tree, whichever way it was said.</summary>
static class ShortTerms
{
    /// <summary>All of them hold. Slots of the short terms come first, then those of the CEL text.</summary>
    public static CheckedExpression? Merge(AppSchema schema, Model model, ImmutableArray<ShortTerm> terms, FilterForm? form)
    {
        ImmutableArray<CheckedNode>.Builder conditions = ImmutableArray.CreateBuilder<CheckedNode>();
        int slot = 0;
        foreach (ShortTerm term in terms)
        {
            conditions.Add(Condition(schema, model, term, slot));
            slot += term.Values;
        }
        if (form is not null) conditions.Add(slot == 0 ? form.Shape.Root : new SlotShift(slot).Rewrite(form.Shape.Root));
        return conditions.Count switch
        {
            0 => null,
            1 => CheckedExpression.Of(conditions[0]),
            _ => CheckedExpression.Of(new AndNode(conditions.ToImmutable())),
        };
    }

    /// <summary>A field at the end of a path, read from the row.</summary>
    public static FieldNode Read(AppSchema schema, Model model, FieldPath path)
    {
        CheckedNode record = new RowNode(new RecordType(model));
        foreach (Relation relation in path.Relations) record = new HopNode(new RecordType(schema.TargetOf(relation)), record, relation);
        return new FieldNode(CelType.Of(schema, path.Field), record, path.Field);
    }

    static CheckedNode Condition(AppSchema schema, Model model, ShortTerm term, int firstSlot)
    {
        FieldNode field = Read(schema, model, term.Path);
        SlotNode Slot(int index) => new(field.Type, firstSlot + index, IsSmall: false);
        CallNode Call(CelFunction function) => new(CelType.Bool, function, [field, Slot(0)]);
        InNode In() => new(field, new ListNode(new ListType(field.Type), [.. Enumerable.Range(0, term.Values).Select(Slot)]));
        return term.Operator switch
        {
            ShortOperator.Equal => Call(CelFunction.Equal),
            ShortOperator.NotEqual => Call(CelFunction.NotEqual),
            ShortOperator.Less => Call(CelFunction.Less),
            ShortOperator.LessOrEqual => Call(CelFunction.LessOrEqual),
            ShortOperator.Greater => Call(CelFunction.Greater),
            ShortOperator.GreaterOrEqual => Call(CelFunction.GreaterOrEqual),
            ShortOperator.Contains => Call(CelFunction.Contains),
            ShortOperator.StartsWith => Call(CelFunction.StartsWith),
            ShortOperator.EndsWith => Call(CelFunction.EndsWith),
            ShortOperator.In => In(),
            ShortOperator.NotIn => new NotNode(In()),
            ShortOperator.IsNull => new IsNullNode(field),
            ShortOperator.IsNotNull => new NotNode(new IsNullNode(field)),
            _ => throw new InvalidOperationException($"no condition for {term.Operator}"),
        };
    }

    sealed class SlotShift(int by) : NodeRewriter
    {
        public override CheckedNode Rewrite(CheckedNode node) =>
            node is SlotNode slot ? slot with { Slot = slot.Slot + by } : Children(node);
    }
}
