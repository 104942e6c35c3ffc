using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>Checked nodes to steps: picks the narrowest step that fits a node's types.</summary>
/// <param name="isUnbound">Errors are errors: they are not kept as unknown parts of lists and maps.</param>
sealed class StepCompiler(bool isUnbound)
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
        HasNode has => new HasStep(Compile(has.Member.Target), has.Member.Name, isUnbound),
        CallNode call => Call(call),
        InNode within => Within(within),
        ListNode list => new ListStep(All(list.Items), Optional(list.Items), isUnbound),
        MapNode map => Map(map),
        OptionalItemNode item => Compile(item.Optional),
        BindNode bind => Bind(bind),
        InputNode input => new InputStep(input.Index),
        QuantifierNode q => (Step?)Search(q) ?? Quantifier(q),
        TransformNode t => Transform(t),
        SlotNode slot => new SlotStep(slot.Slot),
        _ => throw new InvalidOperationException($"no step for {node.GetType().Name}"),
    };

    Step[] All(ImmutableArray<CheckedNode> nodes) => [.. nodes.Select(Compile)];

    static bool[]? Optional(ImmutableArray<CheckedNode> items) =>
        items.Any(i => i is OptionalItemNode) ? [.. items.Select(i => i is OptionalItemNode)] : null;

    MapStep Map(MapNode map)
    {
        ImmutableArray<CheckedNode> items = [.. map.Entries.Select(e => e.Value)];
        return new MapStep(All([.. map.Entries.Select(e => e.Key)]), All(items), Optional(items), isUnbound);
    }

    Step Variable(VariableNode variable)
    {
        Variables = Math.Max(Variables, variable.Id + 1);
        return new VariableStep(variable.Id);
    }

    LoopVariables Loop(VariableNode first, VariableNode? second)
    {
        Variables = Math.Max(Variables, Math.Max(first.Id, second?.Id ?? 0) + 1);
        return new LoopVariables(first.Id, second?.Id);
    }

    BindStep Bind(BindNode bind)
    {
        Variables = Math.Max(Variables, bind.Variable.Id + 1);
        return new BindStep(bind.Variable.Id, Compile(bind.Value), Compile(bind.Body));
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
        if (call.Function == CelFunction.Matches && call.Arguments[1] is LiteralNode { Value: var pattern })
        {
            return pattern.Kind == ValueKind.String && Regex2.Refusal(pattern.String) is null
                ? new MatchesStep(Compile(call.Arguments[0]), Regex2.Compile(pattern.String))
                : new LiteralStep(EvaluationError.BadPattern);
        }
        if (call.Function == CelFunction.Size && call.Arguments[0].Type is RecordsType) return new CountStep(Compile(call.Arguments[0]));
        Step[] arguments = All(call.Arguments);
        if (!isUnbound && Narrow(call, arguments) is { } narrow) return narrow;
        ResultRule rule = RuleOf(call);
        return (call.Function, arguments) switch
        {
            (CelFunction.Equal, [var a, var b]) => new EqualStep(a, b, isNegated: false),
            (CelFunction.NotEqual, [var a, var b]) => new EqualStep(a, b, isNegated: true),
            (CelFunction.Less or CelFunction.LessOrEqual or CelFunction.Greater or CelFunction.GreaterOrEqual, [var a, var b]) =>
                new OrderStep(call.Function, a, b, asDoubles: isUnbound),
            (CelFunction.Or or CelFunction.OrValue, [var a, var b]) => new OrElseStep(call.Function, a, b),
            (CelFunction.IfKnown, [var a]) => new IfKnownStep(a),
            (CelFunction.Replace, [var a, var b, var c]) when !isUnbound =>
                new BoundReplaceStep(new CallStep3(call.Function, rule, a, b, c), b),
            (_, [var a]) => new CallStep1(call.Function, call.Type, rule, a),
            (_, [var a, var b]) => new CallStep2(call.Function, rule, a, b),
            (_, [var a, var b, var c]) => new CallStep3(call.Function, rule, a, b, c),
            _ => new CallStepN(call.Function, call.Type, arguments),
        };
    }

    /// <summary>
    /// The steps that rules are made of, for operands of one plain type. An int in a field is an int at run time, or null.
    /// </summary>
    static Step? Narrow(CallNode call, Step[] arguments)
    {
        CelKind kind = call.Arguments.IsEmpty ? CelKind.Null : call.Arguments[0].Type.Kind;
        if (kind is not (CelKind.Int or CelKind.String) || call.Arguments.Any(a => a.Type.Kind != kind)) return null;
        return (kind, arguments) switch
        {
            (CelKind.Int, [var a, var b]) when IntStep.Has(call.Function) => new IntStep(call.Function, a, b),
            (CelKind.Int, [var a, var b]) when call.Function <= CelFunction.GreaterOrEqual => new IntOrderStep(call.Function, a, b),
            (CelKind.String, [var a, var b]) when TextTestStep.Has(call.Function) => new TextTestStep(call.Function, a, b),
            (CelKind.String, [var a]) when call.Function == CelFunction.Size => new TextSizeStep(a),
            _ => null,
        };
    }

    Step Within(InNode node)
    {
        bool isText = !isUnbound && node.Item.Type.Kind == CelKind.String;
        if (node.List is ListNode list)
        {
            bool areTexts = isText && list.Items.All(i => i is LiteralNode { Value.Kind: ValueKind.String }) && !list.Items.IsEmpty;
            if (!areTexts) return new InItemsStep(Compile(node.Item), All(list.Items));
            return new TextInItemsStep(Compile(node.Item), [.. list.Items.Select(i => ((LiteralNode)i).Value.String)]);
        }
        if (isText && StoredTexts(node.List) is { } stored) return new TextInStoredStep(stored, Compile(node.Item));
        return new InListStep(Compile(node.Item), Compile(node.List));
    }

    /// <summary>A stored list of texts as its bytes, or null.</summary>
    Step? StoredTexts(CheckedNode list) =>
        list is FieldNode { Field: { IsList: true, Type: EnumFieldType or ScalarFieldType { Scalar.Kind: ValueKind.String } } } field
            ? Raw(field) : null;

    /// <summary>
    /// <c>list.exists(x, x == item)</c> of a stored list of texts, where the item is not about x; null for any other loop.
    /// </summary>
    TextInStoredStep? Search(QuantifierNode node)
    {
        if (isUnbound || node is not { Kind: QuantifierKind.Exists, Second: null, Body: CallNode { Function: CelFunction.Equal } equal })
            return null;
        bool isFirst = equal.Arguments[0] is VariableNode first && first.Id == node.Variable.Id;
        CheckedNode own = equal.Arguments[isFirst ? 0 : 1], item = equal.Arguments[isFirst ? 1 : 0];
        if (own is not VariableNode variable || variable.Id != node.Variable.Id
            || item is not (LiteralNode or ClaimNode or SlotNode or FieldNode)
            || item.Type.Kind != CelKind.String || item is FieldNode { Record: not (RowNode or BeforeNode) }) return null;
        return StoredTexts(node.Range) is { } stored ? new TextInStoredStep(stored, Compile(item)) : null;
    }

    /// <summary>Only what a result of its type could break is looked at again.</summary>
    ResultRule RuleOf(CallNode call) => call.Type.Kind switch
    {
        CelKind.Bool or CelKind.Int or CelKind.Uint or CelKind.String or CelKind.Bytes or CelKind.Decimal or CelKind.Date or CelKind.Time
            or CelKind.Uuid when !isUnbound => ResultRule.Keep,
        _ => isUnbound ? ResultRule.Bound : ResultRule.Settle,
    };

    QuantifierStep Quantifier(QuantifierNode node) =>
        new(node.Kind, Compile(node.Range), Loop(node.Variable, node.Second), Compile(node.Body), Size(node.Body));

    Step Transform(TransformNode node)
    {
        LoopVariables variables = Loop(node.Variable, node.Second);
        int cost = (node.Filter is null ? 0 : Size(node.Filter)) + (node.Transform is null ? 0 : Size(node.Transform));
        Step range = Compile(node.Range);
        Step? filter = node.Filter is null ? null : Compile(node.Filter);
        Step? transform = node.Transform is null ? null : Compile(node.Transform);
        return node.Kind == TransformKind.List
            ? new TransformStep(range, variables, filter, transform, node.Type is RecordsType, isUnbound, cost)
            : new TransformMapStep(node.Kind, range, variables, filter, transform!, isUnbound, cost);
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
