using System.Collections.Immutable;

namespace Plinth.Expressions;

/// <summary>Rebuilds a checked tree bottom-up; unchanged parts stay the same objects.</summary>
abstract class NodeRewriter
{
    public virtual CheckedNode Rewrite(CheckedNode node) => Children(node);

    protected CheckedNode Children(CheckedNode node)
    {
        switch (node)
        {
            case LiteralNode or SlotNode or RowNode or BeforeNode or VariableNode or AuthNode or ClaimNode or NowNode or RequestNode
                or InputNode:
                return node;
            case HopNode hop:
                CheckedNode from = Rewrite(hop.From);
                return ReferenceEquals(from, hop.From) ? hop : hop with { From = from };
            case FieldNode field:
                CheckedNode record = Rewrite(field.Record);
                return ReferenceEquals(record, field.Record) ? field : field with { Record = record };
            case MemberNode member:
                CheckedNode target = Rewrite(member.Target);
                return ReferenceEquals(target, member.Target) ? member : member with { Target = target };
            case IndexNode index: return index with { Target = Rewrite(index.Target), Index = Rewrite(index.Index) };
            case NotNode not:
                CheckedNode operand = Rewrite(not.Operand);
                return ReferenceEquals(operand, not.Operand) ? not : not with { Operand = operand };
            case AndNode and: return Items(and.Items) is { } ands ? and with { Items = ands } : and;
            case OrNode or: return Items(or.Items) is { } ors ? or with { Items = ors } : or;
            case ConditionalNode c: return c with { Condition = Rewrite(c.Condition), Then = Rewrite(c.Then), Else = Rewrite(c.Else) };
            case IsNullNode test: return test with { Operand = Rewrite(test.Operand) };
            case HasNode has: return has with { Member = has.Member with { Target = Rewrite(has.Member.Target) } };
            case CallNode call: return Items(call.Arguments) is { } arguments ? call with { Arguments = arguments } : call;
            case InNode within: return within with { Item = Rewrite(within.Item), List = Rewrite(within.List) };
            case ListNode list: return Items(list.Items) is { } items ? list with { Items = items } : list;
            case MapNode map:
                return map with { Entries = [.. map.Entries.Select(e => KeyValuePair.Create(Rewrite(e.Key), Rewrite(e.Value)))] };
            case OptionalItemNode item: return new OptionalItemNode(Rewrite(item.Optional)) { Span = item.Span };
            case BindNode bind: return bind with { Value = Rewrite(bind.Value), Body = Rewrite(bind.Body) };
            case QuantifierNode q: return q with { Range = Rewrite(q.Range), Body = Rewrite(q.Body) };
            case TransformNode t:
                return t with
                {
                    Range = Rewrite(t.Range),
                    Filter = t.Filter is null ? null : Rewrite(t.Filter),
                    Transform = t.Transform is null ? null : Rewrite(t.Transform),
                };
            default: throw new InvalidOperationException($"no children known of {node.GetType().Name}");
        }
    }

    /// <summary>Null when nothing changed.</summary>
    ImmutableArray<CheckedNode>? Items(ImmutableArray<CheckedNode> items)
    {
        ImmutableArray<CheckedNode>.Builder? changed = null;
        for (int i = 0; i < items.Length; i++)
        {
            CheckedNode item = Rewrite(items[i]);
            if (changed is null && ReferenceEquals(item, items[i])) continue;
            if (changed is null)
            {
                changed = ImmutableArray.CreateBuilder<CheckedNode>(items.Length);
                changed.AddRange(items, i);
            }
            changed.Add(item);
        }
        return changed?.MoveToImmutable();
    }
}
