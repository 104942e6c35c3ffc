using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>Checked nodes to steps: picks the narrowest step that fits a node's types.</summary>
sealed class StepCompiler
{
    /// <summary>How many variables the compiled steps use.</summary>
    public int Variables { get; private set; }

    public Step Compile(CheckedNode node) => node switch
    {
        LiteralNode literal => new LiteralStep(literal.Value),
        RowNode => new RowStep(),
        BeforeNode => new BeforeStep(),
        VariableNode variable => Variable(variable),
        HopNode hop => new HopStep(Compile(hop.From), hop.Relation),
        FieldNode field => Field(field),
        MemberNode member => new MemberStep(Compile(member.Target), member.Name, member.Field),
        IndexNode index => new IndexStep(Compile(index.Target), Compile(index.Index)),
        AuthNode => new AuthStep(),
        ClaimNode claim => new ClaimStep(claim.Claim),
        NowNode => new NowStep(),
        RequestNode request => new RequestStep(request.Member),
        NotNode not => new NotStep(Compile(not.Operand)),
        AndNode and => new AndStep(All(and.Items)),
        OrNode or => new OrStep(All(or.Items)),
        ConditionalNode c => new ConditionalStep(Compile(c.Condition), Compile(c.Then), Compile(c.Else)),
        IsNullNode test => new IsNullStep(test.Operand is FieldNode field ? Raw(field) : Compile(test.Operand)),
        HasNode has => new HasStep(Compile(has.Member.Target), has.Member.Name),
        CallNode call => Call(call),
        InNode { List: ListNode list } within => new InItemsStep(Compile(within.Item), All(list.Items)),
        InNode within => new InListStep(Compile(within.Item), Compile(within.List)),
        ListNode list => new ListStep(All(list.Items)),
        MapNode map => new MapStep([.. map.Entries.Select(e => e.Key)], All([.. map.Entries.Select(e => e.Value)])),
        QuantifierNode q => Quantifier(q),
        TransformNode t => Transform(t),
        SlotNode => throw new InvalidOperationException("a shape has no values: evaluate the expression that it was lifted from"),
        _ => throw new InvalidOperationException($"no step for {node.GetType().Name}"),
    };

    Step[] All(ImmutableArray<CheckedNode> nodes) => [.. nodes.Select(Compile)];

    Step Variable(VariableNode variable)
    {
        Variables = Math.Max(Variables, variable.Id + 1);
        return new VariableStep(variable.Id);
    }

    Step Raw(FieldNode field) => field.Record switch
    {
        RowNode => new RowFieldStep(field.Field.Ordinal),
        BeforeNode => new BeforeFieldStep(field.Field.Ordinal),
        _ => new RecordFieldStep(Compile(field.Record), field.Field.Ordinal),
    };

    /// <summary>Lists and open JSON are read where they are used; embedded values stay JSON until a member is asked for.</summary>
    Step Field(FieldNode field)
    {
        Step raw = Raw(field);
        if (field.Field.IsList) return new JsonListStep(raw, field.Field.Type);
        return field.Type.Kind == CelKind.Dyn ? new JsonStep(raw) : raw;
    }

    Step Call(CallNode call)
    {
        if (call.Function == CelFunction.Matches)
        {
            Value pattern = ((LiteralNode)call.Arguments[1]).Value;
            return pattern.IsNull ? new LiteralStep(Value.Null)
                : new MatchesStep(Compile(call.Arguments[0]), Regex2.Compile(pattern.String));
        }
        if (call.Function == CelFunction.Size && call.Arguments[0].Type is RecordsType) return new CountStep(Compile(call.Arguments[0]));
        Step[] arguments = All(call.Arguments);
        return (call.Function, arguments) switch
        {
            (CelFunction.Equal, [var a, var b]) => new EqualStep(a, b, isNegated: false),
            (CelFunction.NotEqual, [var a, var b]) => new EqualStep(a, b, isNegated: true),
            (CelFunction.Less or CelFunction.LessOrEqual or CelFunction.Greater or CelFunction.GreaterOrEqual, [var a, var b]) =>
                new OrderStep(call.Function, a, b),
            (_, [var a]) => new CallStep1(call.Function, call.Type, a),
            (_, [var a, var b]) => new CallStep2(call.Function, a, b),
            (_, [var a, var b, var c]) => new CallStep3(call.Function, a, b, c),
            _ => throw new InvalidOperationException($"{call.Function} with {arguments.Length} arguments"),
        };
    }

    QuantifierStep Quantifier(QuantifierNode node)
    {
        Variables = Math.Max(Variables, node.Variable.Id + 1);
        return new QuantifierStep(node.Kind, Compile(node.Range), node.Variable.Id, Compile(node.Body), Size(node.Body));
    }

    TransformStep Transform(TransformNode node)
    {
        Variables = Math.Max(Variables, node.Variable.Id + 1);
        int cost = (node.Filter is null ? 0 : Size(node.Filter)) + (node.Transform is null ? 0 : Size(node.Transform));
        return new TransformStep(Compile(node.Range), node.Variable.Id, node.Filter is null ? null : Compile(node.Filter),
            node.Transform is null ? null : Compile(node.Transform), node.Type is RecordsType, cost);
    }

    static int Size(CheckedNode node)
    {
        NodeCounter counter = new();
        counter.Visit(node);
        return counter.Count;
    }

    sealed class NodeCounter : NodeVisitor
    {
        public int Count { get; private set; }

        public override void Visit(CheckedNode node)
        {
            Count++;
            base.Visit(node);
        }
    }
}
