using System.Collections.Immutable;

namespace Plinth.Expressions;

/// <summary>What a tree depends on: decides what can be folded, cached and evaluated where.</summary>
sealed record ExpressionReads
{
    public required ImmutableArray<string> OwnFields { get; init; }

    public bool Row { get; init; }

    public bool Before { get; init; }

    public bool Relations { get; init; }

    public bool Caller { get; init; }

    public bool Now { get; init; }

    public bool Variables { get; init; }

    /// <summary>Nothing but literals, the caller and the clock.</summary>
    public bool IsConstantForCaller => !Row && !Before && !Relations && !Variables;

    public static ExpressionReads Of(CheckedNode root)
    {
        Collector collector = new();
        collector.Visit(root);
        return collector.Reads;
    }

    sealed class Collector : NodeVisitor
    {
        // Made when the first is found: most trees asked about are small parts of others.
        SortedSet<string>? _fields;
        HashSet<int>? _bound;
        bool _row, _before, _relations, _caller, _now, _variables;

        SortedSet<string> Fields => _fields ??= new(StringComparer.Ordinal);

        public ExpressionReads Reads => new()
        {
            OwnFields = _fields is null ? [] : [.. _fields],
            Row = _row,
            Before = _before,
            Relations = _relations,
            Caller = _caller,
            Now = _now,
            Variables = _variables,
        };

        public override void Visit(CheckedNode node)
        {
            switch (node)
            {
                case RowNode: _row = true; break;
                case BeforeNode: _before = true; break;
                case AuthNode or ClaimNode or RequestNode: _caller = true; break;
                case NowNode: _now = true; break;
                case FieldNode { Record: RowNode or BeforeNode } field: Fields.Add(field.Field.Name); break;
                case HopNode hop:
                    _relations = true;
                    if (hop.From is RowNode or BeforeNode) Fields.UnionWith(hop.Relation.Fields);
                    break;
                case QuantifierNode quantifier: Bound(quantifier.Variable, quantifier.Second); break;
                case TransformNode transform: Bound(transform.Variable, transform.Second); break;
                case BindNode bind: Bound(bind.Variable, null); break;
                case VariableNode variable: _variables |= _bound is null || !_bound.Contains(variable.Id); break;
            }
            base.Visit(node);
        }

        void Bound(VariableNode first, VariableNode? second)
        {
            _bound ??= [];
            _bound.Add(first.Id);
            if (second is not null) _bound.Add(second.Id);
        }
    }
}
