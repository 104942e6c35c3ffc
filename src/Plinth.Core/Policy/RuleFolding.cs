using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// Puts one pattern of the caller's parts into a rule: truths become literals, the caller's values become slots that are known not to
/// be null. What follows from it is for the simplifier.
/// </summary>
/// <param name="pattern">One character per part: <see cref="RuleTemplate.Pattern"/>.</param>
/// <param name="firstSlots">The slot of the first (mostly only) value of each part.</param>
sealed class RuleFolding(string pattern, ImmutableArray<int> firstSlots) : NodeRewriter
{
    public override CheckedNode Rewrite(CheckedNode node) => node is SlotNode part ? Part(part) : Children(node);

    CheckedNode Part(SlotNode part) => pattern[part.Slot] switch
    {
        't' => LiteralNode.True,
        'f' => LiteralNode.False,
        'u' => new LiteralNode(part.Type, Value.Null),
        'v' => part with { Slot = firstSlots[part.Slot] },
        var list => List((ListType)part.Type, firstSlots[part.Slot], RuleTemplate.ListSlots(list)),
    };

    static ListNode List(ListType type, int firstSlot, int items) =>
        new(type, [.. Enumerable.Range(firstSlot, items).Select(slot => (CheckedNode)new SlotNode(type.Element, slot, IsSmall: false))]);
}
