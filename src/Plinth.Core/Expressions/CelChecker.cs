using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// Resolves names against a scope and types every part: <see cref="CelNode"/> to <see cref="CheckedNode"/>. What the executions need
/// not know about is gone afterwards: bare enum words, promotions, literal conversions, a hop that only reads the key it came by.
/// Without a schema the names are those of a <see cref="CelEnvironment"/> and nothing is promoted; functions, loops and types are the
/// same. The parts of this class: names (Names, Unbound), operators and promotions (Operators), functions (Calls), loops (Macros).
/// </summary>
sealed partial class CelChecker
{
    readonly ExpressionScope _scope;
    readonly Limits _limits;
    readonly List<CelError> _errors = [];
    readonly List<(string Name, VariableNode Node)> _variables = [];
    readonly List<int> _variableHops = [];
    readonly TypeBindings _types = new();
    readonly CelEnvironment? _environment;

    CelChecker(ExpressionScope scope, Limits limits) => (_scope, _limits, _environment) = (scope, limits, scope.Environment);

    bool IsUnchecked => _environment is { IsUnchecked: true };

    /// <summary>An expression is answered exactly when there is no diagnostic.</summary>
    /// <param name="expected">What the place needs; literals and integers are converted to it where that loses nothing.</param>
    public static (CheckedExpression? Expression, ImmutableArray<Diagnostic> Diagnostics) Check(
        CelNode root, ExpressionScope scope, SourceText source, CelType? expected = null, Limits? limits = null)
    {
        CelChecker checker = new(scope, limits ?? Limits.Default);
        CheckedNode? node = null;
        try
        {
            node = checker.Node(root, expected);
            if (checker._errors.Count == 0) node = checker.Finished(node, expected, root.Span);
        }
        catch (CelError error)
        {
            checker._errors.Add(error);
        }
        if (checker._errors.Count == 0 && node is not null)
            return (scope.Environment is null ? CheckedExpression.Of(node) : CheckedExpression.Unbound(node), []);
        return (null, [.. checker._errors.Select(e => new Diagnostic(e.Code, Severity.Error, source, e.Span, e.Message, e.Hint))]);
    }

    /// <summary>The whole: of the type that is needed, and not dearer than any evaluation may be.</summary>
    CheckedNode Finished(CheckedNode node, CelType? expected, Span span)
    {
        if (_environment is not null) return node with { Type = _types.Resolve(node.Type, isLast: true) };
        long estimate = CostEstimate.Of(node);
        if (estimate > _limits.ExpressionEstimate)
        {
            throw new CelError("limit_exceeded", span,
                $"the expression may take {estimate} steps, more than {_limits.ExpressionEstimate}", "limits.expressionEstimate");
        }
        return AsExpected(node, expected);
    }

    CheckedNode AsExpected(CheckedNode node, CelType? expected)
    {
        if (expected is null) return node;
        if (node is LiteralNode { Value.IsNull: true } nothing) return nothing with { Type = expected };
        if (Convert(node, expected) is { } converted) return converted;
        string? hint = (expected.Kind, node.Type.Kind) switch
        {
            (CelKind.Bool, CelKind.Dyn) => "compare it, as in … == true",
            (CelKind.Double, CelKind.Int) => "write double(…)",
            (CelKind.Bool, CelKind.Record or CelKind.Auth) => "compare it with null, as in … != null",
            (CelKind.Bool, CelKind.Records) => "use exists(…), as in deals.exists(d, …)",
            _ => null,
        };
        throw new CelError("type_mismatch", node.Span, $"expected {expected.Name}, found {node.Type.Name}", hint);
    }

    /// <param name="hint">The type that a bare enum word would have.</param>
    CheckedNode Node(CelNode node, CelType? hint = null)
    {
        CheckedNode made = node switch
        {
            CelLiteral literal => Literal(literal),
            CelIdentifier name => Identifier(name, hint),
            CelSelect select => Select(select),
            CelIndex index => Index(index),
            CelHas has => Has(has),
            CelUnary { Operator: CelOperator.Not } not => new NotNode(Logical(not.Operand)),
            CelUnary negate => Negate(negate),
            CelBinary { Operator: CelOperator.And or CelOperator.Or } logic => Logic(logic),
            CelBinary binary => Binary(binary),
            CelConditional conditional => Conditional(conditional, hint),
            CelListLiteral list => List(list, hint),
            CelMapLiteral map => Map(map),
            CelMacro macro => Macro(macro),
            CelBind bind => Bind(bind),
            CelCall call => Call(call),
            CelMessage message =>
                throw new CelError("not_available", message.Span, $"values of {message.TypeName} cannot be written in an expression"),
            _ => throw new InvalidOperationException($"no check for {node.GetType().Name}"),
        };
        return made.Span == default ? made with { Span = node.Span } : made;
    }

    /// <summary>U+0000 is never stored, and databases end a text there: it could only ever compare wrongly.</summary>
    LiteralNode Literal(CelLiteral node) => _environment is not null
        ? new LiteralNode(CelType.OfKind(node.Value.Kind), node.Value.IsNull ? CelNull.It : node.Value)
        : node.Value.Kind == ValueKind.String && node.Value.String.Contains('\0')
        ? throw new CelError("invalid_literal", node.Span, "no stored text holds U+0000")
        : new LiteralNode(CelType.OfKind(node.Value.Kind), node.Value);

    CheckedNode Logical(CelNode node)
    {
        CheckedNode operand = Node(node, CelType.Bool);
        if (_environment is null) return operand.Type.Kind is CelKind.Bool ? operand : AsExpected(operand, CelType.Bool);
        if (IsUnchecked || _types.Fits(CelType.Bool, operand.Type)) return operand;
        throw new CelError("type_mismatch", node.Span, $"expected bool, found {_types.Resolve(operand.Type).Name}");
    }

    /// <summary>Chains become one node; a mistake in one operand does not hide those of the others.</summary>
    CheckedNode Logic(CelBinary node)
    {
        ImmutableArray<CheckedNode>.Builder items = ImmutableArray.CreateBuilder<CheckedNode>();
        Stack<CelNode> open = new([node]);
        while (open.TryPop(out CelNode? next))
        {
            if (next is CelBinary inner && inner.Operator == node.Operator)
            {
                open.Push(inner.Right);
                open.Push(inner.Left);
                continue;
            }
            try
            {
                items.Add(Logical(next));
            }
            catch (CelError error)
            {
                _errors.Add(error);
            }
        }
        return node.Operator == CelOperator.And ? new AndNode(items.ToImmutable()) : new OrNode(items.ToImmutable());
    }

    CheckedNode Conditional(CelConditional node, CelType? hint)
    {
        CheckedNode condition = Logical(node.Condition);
        CheckedNode then = Node(node.Then, hint), otherwise = Node(node.Else, hint);
        if (_environment is not null)
        {
            if (!IsUnchecked && !_types.Fits(then.Type, otherwise.Type)) throw Mismatch(then, otherwise, node.Span);
            return new ConditionalNode(_types.Join(then.Type, otherwise.Type), condition, then, otherwise);
        }
        if (then is LiteralNode { Value.IsNull: true } none) then = none with { Type = otherwise.Type };
        else if (otherwise is LiteralNode { Value.IsNull: true } nothing) otherwise = nothing with { Type = then.Type };
        (then, otherwise) = Align(then, otherwise, node.Span, sameKind: true);
        CelType type = then.Type.Kind == CelKind.Dyn ? then.Type
            : otherwise.Type.Kind == CelKind.Dyn ? otherwise.Type
            : Wider(then.Type, otherwise.Type);
        if (type.Kind is CelKind.Record or CelKind.Records or CelKind.Auth or CelKind.Request)
            throw new CelError("type_mismatch", node.Span, "a choice between records is not possible", "choose between their fields");
        return new ConditionalNode(type, condition, then, otherwise);
    }

    /// <summary>Words of one enum stay words; a word beside any other text is text.</summary>
    static CelType Wider(CelType a, CelType b) => a is WordType && !a.Equals(b) ? CelType.String : a;

    CheckedNode List(CelListLiteral node, CelType? hint)
    {
        CelType? element = (hint as ListType)?.Element;
        List<CheckedNode> items = [];
        foreach (CelNode item in node.Items) items.Add(Item(item, element));
        if (_environment is null) return MakeList(items, element, node.Span);
        CelType joined = items.Count == 0 ? _types.Fresh() : items.Select(ItemType).Aggregate(_types.Join);
        return new ListNode(new ListType(joined), [.. items]);
    }

    CheckedNode Item(CelNode node, CelType? hint)
    {
        if (node is not CelOptionalItem optional) return Node(node, hint);
        CheckedNode item = Node(optional.Value);
        if (item.Type.Kind is not (CelKind.Optional or CelKind.Dyn) && !IsUnchecked
            && !_types.Fits(new OptionalType(_types.Fresh()), item.Type))
        {
            throw new CelError("type_mismatch", item.Span, $"expected an optional behind '?', found {item.Type.Name}",
                "write optional.of(…), or leave the '?' away");
        }
        return new OptionalItemNode(item) { Span = node.Span };
    }

    /// <summary>Of the value that an item puts into its list.</summary>
    CelType ItemType(CheckedNode item) => item is not OptionalItemNode ? item.Type
        : _types.Resolve(item.Type) is OptionalType optional ? optional.Value
        : CelType.Dyn;

    /// <summary>One element type where all agree (decimals at the largest scale), else dyn.</summary>
    ListNode MakeList(List<CheckedNode> items, CelType? element, Span span)
    {
        foreach (CheckedNode item in items)
        {
            if (item.Type.Kind is CelKind.Record or CelKind.Records or CelKind.Auth or CelKind.Request)
                throw new CelError("type_mismatch", item.Span, $"{item.Type.Name} cannot stand in a list");
            if (item is LiteralNode { Value.IsNull: true }) continue;
            element = element is null ? ItemType(item) : Common(element, ItemType(item));
        }
        element ??= CelType.Dyn;
        return new ListNode(new ListType(element), [.. items.Select(i => Convert(i, element) ?? i)]) { Span = span };
    }

    static CelType Common(CelType a, CelType b)
    {
        if (a.Equals(b)) return a;
        if (a is DecimalCelType x && b is DecimalCelType y) return x.Scale >= y.Scale ? a : b;
        if (a is DecimalCelType && b.Kind == CelKind.Int) return a;
        if (a.Kind == CelKind.Int && b is DecimalCelType) return b;
        if (a.Kind == CelKind.String && b.Kind == CelKind.String) return CelType.String;
        return CelType.Dyn;
    }

    MapNode Map(CelMapLiteral node)
    {
        var entries = ImmutableArray.CreateBuilder<KeyValuePair<CheckedNode, CheckedNode>>();
        CelType? key = null, value = null;
        HashSet<Value> literals = [];
        foreach (var (left, right) in node.Entries)
        {
            CheckedNode name = Node(left), item = Item(right, hint: null);
            if (_environment is null) CheckEntry(name, item, literals);
            key = key is null ? name.Type : Meet(key, name.Type);
            value = value is null ? ItemType(item) : Meet(value, ItemType(item));
            entries.Add(new(name, item));
        }
        CelType Open() => _environment is null ? CelType.Dyn : _types.Fresh();
        return new MapNode(new MapType(key ?? (_environment is null ? CelType.String : Open()), value ?? Open()), entries.ToImmutable());
    }

    CelType Meet(CelType a, CelType b) => _environment is null ? Common(a, b) : _types.Join(a, b);

    static void CheckEntry(CheckedNode key, CheckedNode item, HashSet<Value> literals)
    {
        if (key.Type.Kind is not (CelKind.String or CelKind.Int or CelKind.Uint or CelKind.Bool or CelKind.Dyn))
        {
            throw new CelError("type_mismatch", key.Span, $"a {key.Type.Name} is no key of a map",
                "keys are texts, whole numbers or bools");
        }
        if (key is LiteralNode literal && !literals.Add(literal.Value))
            throw new CelError("invalid_literal", key.Span, $"the key '{literal.Value}' stands twice");
        if (!item.Type.IsValue) throw new CelError("type_mismatch", item.Span, $"{item.Type.Name} cannot stand in a map");
    }
}
