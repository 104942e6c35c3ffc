using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Policy;

/// <summary>
/// The caller's parts of a set of rules: every greatest sub-tree that reads the caller or the clock and nothing of a row. They are
/// evaluated once per request; what is left of the rules depends on their truth, on which are null and on how long lists are, and on
/// nothing else, so it is folded once for each such pattern and shared by all callers who show it.
/// </summary>
sealed class RuleTemplate
{
    readonly ImmutableArray<CompiledExpression> _compiled;

    RuleTemplate(ImmutableArray<CheckedNode> parts, ImmutableArray<CheckedNode> conditions)
    {
        (Parts, Conditions) = (parts, conditions);
        _compiled = [.. parts.Select(static p => CompiledExpression.Compile(CheckedExpression.Of(p)))];
    }

    public ImmutableArray<CheckedNode> Parts { get; }

    /// <summary>The conditions, with a slot in place of each part.</summary>
    public ImmutableArray<CheckedNode> Conditions { get; }

    public static RuleTemplate Of(ImmutableArray<CheckedExpression> conditions)
    {
        Splitter splitter = new();
        ImmutableArray<CheckedNode> split = [.. conditions.Select(c => splitter.Rewrite(c.Root))];
        return new RuleTemplate([.. splitter.Parts], split);
    }

    public Value Evaluate(int part, in EvaluationContext context) => _compiled[part].Evaluate(context);

    /// <summary>What of the part's value decides the fold: its truth, its absence, its length.</summary>
    public static char Pattern(CheckedNode part, in Value value) => value switch
    {
        { IsNull: true } => 'u',
        { Kind: ValueKind.List } => ListPattern(value.List.Length),
        _ when part.Type.Kind != CelKind.Bool => 'v',
        _ => value.IsTrue ? 't' : 'f',
    };

    /// <summary>The slots that a list takes, of its pattern.</summary>
    public static int ListSlots(char pattern) => pattern - ListMark;

    // Lists of similar length share a fold: rounded up, the last item repeated. One that no statement could take is unknown, which denies.
    static char ListPattern(int items) => items switch
    {
        0 => ListMark,
        > ListItemsMax => 'u',
        _ => (char)(ListMark + (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)items)),
    };

    const char ListMark = '\u0100';

    const int ListItemsMax = 8192;

    sealed class Splitter : NodeRewriter
    {
        public List<CheckedNode> Parts { get; } = [];

        public override CheckedNode Rewrite(CheckedNode node)
        {
            ExpressionReads reads = ExpressionReads.Of(node);
            if (!reads.IsConstantForCaller || !(reads.Caller || reads.Now)) return Children(node);
            int known = Parts.IndexOf(node);
            if (known < 0)
            {
                known = Parts.Count;
                Parts.Add(node);
            }
            return new SlotNode(node.Type, known, IsSmall: false);
        }
    }
}
