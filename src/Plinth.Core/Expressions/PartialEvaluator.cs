using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Folds an expression for a caller: every maximal part that reads nothing but the caller, the clock and literals becomes its value,
/// and the logic around it is simplified. What remains depends on the row. The foldable parts are found and compiled once.
/// </summary>
sealed class PartialEvaluator
{
    readonly CheckedExpression _expression;
    readonly Dictionary<CheckedNode, CompiledExpression> _constants = new(ReferenceEqualityComparer.Instance);

    public PartialEvaluator(CheckedExpression expression)
    {
        _expression = expression;
        new Finder(_constants).Visit(expression.Root);
    }

    /// <summary>Nothing to fold: the expression is the same for every caller at every time.</summary>
    public bool IsIndependent => _constants.Count == 0;

    /// <param name="context">The caller and the clock; the rest is not looked at.</param>
    /// <param name="truthOnly">Only truth counts where the result goes (a condition of a rule or filter), so unknown may become
    /// false.</param>
    public CheckedExpression Fold(in EvaluationContext context, bool truthOnly = false)
    {
        CheckedNode root = _expression.Root;
        if (_constants.Count > 0)
        {
            Dictionary<CheckedNode, LiteralNode> values = new(_constants.Count, ReferenceEqualityComparer.Instance);
            foreach (var (node, compiled) in _constants)
                values.Add(node, new LiteralNode(node.Type, compiled.Evaluate(context)) { Span = node.Span });
            root = new Folder(values).Rewrite(root);
        }
        root = Simplifier.Simplify(root, truthOnly ? UnknownMeans.False : UnknownMeans.Unknown);
        return ReferenceEquals(root, _expression.Root) ? _expression : CheckedExpression.Of(root);
    }

    public static CheckedExpression Fold(CheckedExpression expression, in EvaluationContext context, bool truthOnly = false) =>
        new PartialEvaluator(expression).Fold(context, truthOnly);

    /// <summary>Collects the largest parts that are constant for a caller; bare literals are not worth it.</summary>
    sealed class Finder(Dictionary<CheckedNode, CompiledExpression> found) : NodeVisitor
    {
        public override void Visit(CheckedNode node)
        {
            if (node is LiteralNode or AuthNode) return;
            CheckedExpression part = CheckedExpression.Of(node);
            if (part.Reads.IsConstantForCaller && node.Type.Kind < CelKind.Struct && !IsListOfStructs(node.Type)) found.TryAdd(node,
                CompiledExpression.Compile(part));
            else base.Visit(node);
        }

        static bool IsListOfStructs(CelType type) => type is ListType { Element.Kind: >= CelKind.List };
    }

    sealed class Folder(Dictionary<CheckedNode, LiteralNode> values) : NodeRewriter
    {
        public override CheckedNode Rewrite(CheckedNode node) => values.TryGetValue(node, out LiteralNode? value) ? value : Children(node);
    }
}
