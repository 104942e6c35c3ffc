using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>Puts values in the place of slots: of a shape the expression again that it was lifted from, which can run in memory.</summary>
sealed class SlotValues : NodeRewriter
{
    readonly Value[] _values;
    readonly int _first;

    SlotValues(Value[] values, int first) => (_values, _first) = (values, first);

    /// <param name="shape">With slots from 0.</param>
    /// <param name="values">Of a request, by slot.</param>
    /// <param name="first">Where the values of this shape begin.</param>
    public static CheckedExpression Of(CheckedExpression shape, Value[] values, int first) =>
        CheckedExpression.Of(new SlotValues(values, first).Rewrite(shape.Root));

    public override CheckedNode Rewrite(CheckedNode node) =>
        node is SlotNode slot ? new LiteralNode(slot.Type, _values[_first + slot.Slot]) : Children(node);
}
