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
        Finder finder = new();
        finder.Visit(expression.Root);
        foreach (CheckedNode part in finder.Found) _constants.TryAdd(part, CompiledExpression.Compile(CheckedExpression.Of(part)));
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

    /// <summary>Collects the largest parts that are constant for a caller, in one walk; bare literals are not worth it.</summary>
    sealed class Finder : NodeVisitor
    {
        // Of the part that is visited; null: none.
        HashSet<int>? _free;
        bool _readsRow;

        public List<CheckedNode> Found { get; } = [];

        public override void Visit(CheckedNode node)
        {
            if (node is LiteralNode) return;
            (bool outer, HashSet<int>? outerFree, int found) = (_readsRow, _free, Found.Count);
            _free = null;
            _readsRow = node is RowNode or BeforeNode or HopNode or SlotNode;
            if (node is VariableNode variable) _free = [variable.Id];
            base.Visit(node);
            if (node is QuantifierNode quantifier) Bound(quantifier.Variable, quantifier.Second);
            if (node is TransformNode transform) Bound(transform.Variable, transform.Second);
            if (node is BindNode bind) Bound(bind.Variable, null);
            if (!_readsRow && _free is not { Count: > 0 } && IsFoldable(node))
            {
                // It stands for the parts found inside of it.
                Found.RemoveRange(found, Found.Count - found);
                Found.Add(node);
            }
            _readsRow |= outer;
            if (_free is null) _free = outerFree;
            else if (outerFree is not null) _free.UnionWith(outerFree);
        }

        void Bound(VariableNode first, VariableNode? second)
        {
            _free?.Remove(first.Id);
            if (second is not null) _free?.Remove(second.Id);
        }

        /// <summary>An optional item is no value by itself.</summary>
        static bool IsFoldable(CheckedNode node) =>
            node is not (AuthNode or OptionalItemNode) && node.Type.Kind < CelKind.Map
                && node.Type is not ListType { Element.Kind: >= CelKind.List };
    }

    sealed class Folder(Dictionary<CheckedNode, LiteralNode> values) : NodeRewriter
    {
        public override CheckedNode Rewrite(CheckedNode node) => values.TryGetValue(node, out LiteralNode? value) ? value : Children(node);
    }
}
