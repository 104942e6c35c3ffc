namespace Plinth.Expressions;

/// <summary>Walks a checked tree: the one place that knows the children of each node.</summary>
abstract class NodeVisitor
{
    public virtual void Visit(CheckedNode node)
    {
        switch (node)
        {
            case LiteralNode or SlotNode or RowNode or BeforeNode or VariableNode or AuthNode or ClaimNode or NowNode or RequestNode
                or InputNode: break;
            case HopNode hop: Visit(hop.From); break;
            case FieldNode field: Visit(field.Record); break;
            case MemberNode member: Visit(member.Target); break;
            case IndexNode index: Visit(index.Target); Visit(index.Index); break;
            case NotNode not: Visit(not.Operand); break;
            case AndNode and: foreach (CheckedNode item in and.Items) Visit(item); break;
            case OrNode or: foreach (CheckedNode item in or.Items) Visit(item); break;
            case ConditionalNode conditional: Visit(conditional.Condition); Visit(conditional.Then); Visit(conditional.Else); break;
            case IsNullNode test: Visit(test.Operand); break;
            case HasNode has: Visit(has.Member); break;
            case CallNode call: foreach (CheckedNode argument in call.Arguments) Visit(argument); break;
            case InNode within: Visit(within.Item); Visit(within.List); break;
            case ListNode list: foreach (CheckedNode item in list.Items) Visit(item); break;
            case MapNode map:
                foreach (var (key, value) in map.Entries)
                {
                    Visit(key);
                    Visit(value);
                }
                break;
            case OptionalItemNode item: Visit(item.Optional); break;
            case BindNode bind: Visit(bind.Value); Visit(bind.Body); break;
            case QuantifierNode quantifier: Visit(quantifier.Range); Visit(quantifier.Body); break;
            case TransformNode transform:
                Visit(transform.Range);
                if (transform.Filter is not null) Visit(transform.Filter);
                if (transform.Transform is not null) Visit(transform.Transform);
                break;
            default: throw new InvalidOperationException($"no children known of {node.GetType().Name}");
        }
    }
}
