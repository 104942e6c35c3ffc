using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// Resolves names against a scope and types every part: <see cref="CelNode"/> to <see cref="CheckedNode"/>. What the executions need
/// not know about is gone afterwards: bare enum words, promotions, literal conversions, a hop that only reads the key it came by.
/// The parts of this class: names (Names), operators and promotions (Operators), functions (Calls).
/// </summary>
sealed partial class CelChecker
{
    readonly ExpressionScope _scope;
    readonly Limits _limits;
    readonly List<CelError> _errors = [];
    readonly List<(string Name, VariableNode Node)> _variables = [];
    readonly List<int> _variableHops = [];

    CelChecker(ExpressionScope scope, Limits limits) => (_scope, _limits) = (scope, limits);

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
            if (checker._errors.Count == 0) node = checker.AsExpected(node, expected);
        }
        catch (CelError error)
        {
            checker._errors.Add(error);
        }
        if (checker._errors.Count == 0 && node is not null) return (CheckedExpression.Of(node), []);
        return (null, [.. checker._errors.Select(e => new Diagnostic(e.Code, Severity.Error, source, e.Span, e.Message, e.Hint))]);
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
            CelCall call => Call(call),
            CelMessage message =>
                throw new CelError("not_available", message.Span, $"values of {message.TypeName} cannot be written in an expression"),
            _ => throw new InvalidOperationException($"no check for {node.GetType().Name}"),
        };
        return made.Span == default ? made with { Span = node.Span } : made;
    }

    /// <summary>U+0000 is never stored, and databases end a text there: it could only ever compare wrongly.</summary>
    static LiteralNode Literal(CelLiteral node) => node.Value.Kind == ValueKind.String && node.Value.String.Contains('\0')
        ? throw new CelError("invalid_literal", node.Span, "no stored text holds U+0000")
        : new LiteralNode(CelType.OfKind(node.Value.Kind), node.Value);

    CheckedNode Logical(CelNode node)
    {
        CheckedNode operand = Node(node, CelType.Bool);
        return operand.Type.Kind is CelKind.Bool ? operand : AsExpected(operand, CelType.Bool);
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
        foreach (CelNode item in node.Items) items.Add(Node(item, element));
        return MakeList(items, element, node.Span);
    }

    /// <summary>One element type where all agree (decimals at the largest scale), else dyn.</summary>
    ListNode MakeList(List<CheckedNode> items, CelType? element, Span span)
    {
        foreach (CheckedNode item in items)
        {
            if (item.Type.Kind is CelKind.Record or CelKind.Records or CelKind.Auth or CelKind.Request)
                throw new CelError("type_mismatch", item.Span, $"{item.Type.Name} cannot stand in a list");
            if (item is LiteralNode { Value.IsNull: true }) continue;
            element = element is null ? item.Type : Common(element, item.Type);
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

    CheckedNode Map(CelMapLiteral node)
    {
        var entries = ImmutableArray.CreateBuilder<KeyValuePair<string, CheckedNode>>();
        CelType? element = null;
        foreach (var (key, value) in node.Entries)
        {
            if (key is not CelLiteral { Value.Kind: ValueKind.String } name)
                throw new CelError("not_available", key.Span, "the keys of a map are string literals in this version");
            if (entries.Any(e => string.Equals(e.Key, name.Value.String, StringComparison.Ordinal)))
                throw new CelError("invalid_literal", key.Span, $"the key '{name.Value.String}' stands twice");
            CheckedNode made = Node(value);
            element = element is null ? made.Type : Common(element, made.Type);
            entries.Add(new(name.Value.String, made));
        }
        return new MapNode(new MapType(element ?? CelType.Dyn), entries.ToImmutable());
    }

    CheckedNode Macro(CelMacro node)
    {
        CheckedNode range = Node(node.Range);
        CelType element = range.Type switch
        {
            RecordsType records => new RecordType(records.Model),
            ListType list => list.Element,
            MapType => CelType.String,
            { Kind: CelKind.Dyn } => CelType.Dyn,
            RecordType => throw new CelError("type_mismatch", node.Range.Span, "this relation leads to one record, not to a list",
                "use its fields directly"),
            _ => throw new CelError("type_mismatch", node.Range.Span, $"expected a list, found {range.Type.Name}"),
        };
        VariableNode variable = new(element, _variableHops.Count);
        _variableHops.Add(HopsOf(range));
        _variables.Add((node.Variable, variable));
        try
        {
            return Macro(node, range, variable);
        }
        finally
        {
            _variables.RemoveAt(_variables.Count - 1);
        }
    }

    CheckedNode Macro(CelMacro node, CheckedNode range, VariableNode variable)
    {
        switch (node.Kind)
        {
            case CelMacroKind.Map:
                CheckedNode? filter = node.Transform is null ? null : Logical(node.Body);
                CheckedNode transform = Node(node.Transform ?? node.Body);
                if (transform.Type.Kind is CelKind.Record or CelKind.Records)
                    throw new CelError("type_mismatch", transform.Span, "map() cannot make a list of records",
                        "map to a field of the record");
                return new TransformNode(new ListType(transform.Type), range, variable, filter, transform);
            case CelMacroKind.Filter:
                CelType type = range.Type is MapType ? new ListType(CelType.String) : range.Type;
                return new TransformNode(type, range, variable, Logical(node.Body), null);
            default:
                QuantifierKind kind = node.Kind switch
                {
                    CelMacroKind.All => QuantifierKind.All,
                    CelMacroKind.Exists => QuantifierKind.Exists,
                    _ => QuantifierKind.ExistsOne,
                };
                return new QuantifierNode(kind, range, variable, Logical(node.Body));
        }
    }
}
