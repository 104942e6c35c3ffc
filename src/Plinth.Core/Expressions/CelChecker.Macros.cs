namespace Plinth.Expressions;

/// <summary>Loops, bindings and the macros of optionals: what brings variables into scope.</summary>
sealed partial class CelChecker
{
    VariableNode Variable(CelType type, int hops)
    {
        VariableNode variable = new(type, _variableHops.Count);
        _variableHops.Add(hops);
        return variable;
    }

    /// <summary>What is checked while the variables have these names.</summary>
    T With<T>(ReadOnlySpan<CelVariable> names, ReadOnlySpan<VariableNode?> variables, Func<T> check)
    {
        int before = _variables.Count;
        for (int i = 0; i < names.Length; i++) _variables.Add((names[i].Name, variables[i]!));
        try
        {
            return check();
        }
        finally
        {
            _variables.RemoveRange(before, _variables.Count - before);
        }
    }

    BindNode Bind(CelBind node)
    {
        CheckedNode value = Node(node.Value);
        if (value.Type.Kind is CelKind.Auth or CelKind.Request)
            throw new CelError("type_mismatch", node.Value.Span, $"{value.Type.Name} is no value", "bind a member of it");
        VariableNode variable = Variable(value.Type, HopsOf(value));
        CheckedNode body = With([node.Variable], [variable], () => Node(node.Body));
        return new BindNode(body.Type, variable, value, body);
    }

    CheckedNode Macro(CelMacro node)
    {
        if (node.Kind is CelMacroKind.OptMap or CelMacroKind.OptFlatMap) return OfOptional(node);
        CheckedNode range = Node(node.Range);
        bool isPair = node.Variables.Length == 2;
        var (first, second) = VariablesOf(node, range, isPair);
        VariableNode variable = Variable(first, HopsOf(range));
        VariableNode? other = isPair ? Variable(second, HopsOf(range)) : null;
        return With(node.Variables.AsSpan(), [variable, other], () => Loop(node, range, variable, other));
    }

    /// <summary>Types of the variables: item or key; with two of them index and item, or key and value.</summary>
    (CelType First, CelType Second) VariablesOf(CelMacro node, CheckedNode range, bool isPair)
    {
        switch (_types.Resolve(range.Type))
        {
            case RecordsType when isPair:
                throw new CelError("not_available", node.Range.Span, "records of a relation have no position", "use one variable");
            case RecordsType records: return (new RecordType(records.Model), CelType.Dyn);
            case ListType list: return isPair ? (CelType.Int, list.Element) : (list.Element, CelType.Dyn);
            case MapType map: return (map.Key, map.Value);
            case TypeParameter parameter:
                _types.Fits(CelType.Dyn, parameter);
                return (CelType.Dyn, CelType.Dyn);
            case { Kind: CelKind.Dyn }: return (CelType.Dyn, CelType.Dyn);
            case RecordType:
                throw new CelError("type_mismatch", node.Range.Span, "this relation leads to one record, not to a list",
                    "use its fields directly");
            case var _ when IsUnchecked: return (CelType.Dyn, CelType.Dyn);
            case var type: throw new CelError("type_mismatch", node.Range.Span, $"expected a list, found {type.Name}");
        }
    }

    CheckedNode Loop(CelMacro node, CheckedNode range, VariableNode variable, VariableNode? second)
    {
        CheckedNode? filter = node.Transform is null ? null : Logical(node.Body);
        CelType key = second is null ? CelType.Dyn : variable.Type;
        switch (node.Kind)
        {
            case CelMacroKind.Map or CelMacroKind.TransformList:
                CheckedNode item = Transformed(node);
                return new TransformNode(new ListType(item.Type), range, variable, filter, item) { Second = second };
            case CelMacroKind.TransformMap:
                CheckedNode value = Transformed(node);
                return new TransformNode(new MapType(key, value.Type), range, variable, filter, value)
                    { Second = second, Kind = TransformKind.Map };
            case CelMacroKind.TransformMapEntry:
                CheckedNode entries = Transformed(node);
                if (!IsUnchecked && !_types.Fits(new MapType(_types.Fresh(), _types.Fresh()), entries.Type))
                    throw new CelError("type_mismatch", entries.Span, $"expected a map, found {Shown(entries)}", "as in {key: value}");
                return new TransformNode(entries.Type, range, variable, filter, entries) { Second = second, Kind = TransformKind.Entries };
            case CelMacroKind.SortBy: return SortedBy(node, range, variable);
            case CelMacroKind.Filter:
                CelType type = _types.Resolve(range.Type) is ListType or RecordsType ? range.Type : new ListType(variable.Type);
                return new TransformNode(type, range, variable, Logical(node.Body), null);
            default:
                QuantifierKind kind = node.Kind switch
                {
                    CelMacroKind.All => QuantifierKind.All,
                    CelMacroKind.Exists => QuantifierKind.Exists,
                    _ => QuantifierKind.ExistsOne,
                };
                return new QuantifierNode(kind, range, variable, Logical(node.Body)) { Second = second };
        }
    }

    string Shown(CheckedNode node) => _types.Resolve(node.Type, isLast: true).Name;

    CheckedNode Transformed(CelMacro node)
    {
        CheckedNode made = Node(node.Transform ?? node.Body);
        return made.Type.IsValue ? made
            : throw new CelError("type_mismatch", made.Span, "map() cannot make a list of records", "map to a field of the record");
    }

    /// <summary>The list is bound, so that it is made once for itself and its keys.</summary>
    BindNode SortedBy(CelMacro node, CheckedNode range, VariableNode variable)
    {
        if (range.Type is RecordsType)
            throw new CelError("not_available", node.Range.Span, "records of a relation have no position", "use exists(x, …)");
        CheckedNode key = Node(node.Body);
        VariableNode list = Variable(range.Type, HopsOf(range));
        TransformNode keys = new(new ListType(key.Type), list, variable, null, key);
        return new BindNode(range.Type, list, range, new CallNode(range.Type, CelFunction.SortByKeys, [list, keys]));
    }

    /// <summary>
    /// <c>o.optMap(v, body)</c>: none stays none, else the body of what is there; <c>optFlatMap</c>'s body is an optional.
    /// </summary>
    BindNode OfOptional(CelMacro node)
    {
        CheckedNode target = Node(node.Range);
        CelType inner = _types.Fresh();
        if (!IsUnchecked && !_types.Fits(new OptionalType(inner), target.Type))
            throw new CelError("type_mismatch", node.Range.Span, $"expected an optional, found {target.Type.Name}");
        VariableNode optional = Variable(target.Type, 0), value = Variable(_types.Resolve(inner), 0);
        CheckedNode body = With(node.Variables.AsSpan(), [value], () => Node(node.Body));
        CelType type = node.Kind == CelMacroKind.OptMap ? new OptionalType(body.Type) : body.Type;
        if (node.Kind == CelMacroKind.OptFlatMap && !IsUnchecked && !_types.Fits(new OptionalType(_types.Fresh()), body.Type))
            throw new CelError("type_mismatch", body.Span, $"expected an optional, found {body.Type.Name}", "or use optMap");
        CheckedNode there = new BindNode(body.Type, value, new CallNode(value.Type, CelFunction.ValueOf, [optional]), body);
        if (node.Kind == CelMacroKind.OptMap) there = new CallNode(type, CelFunction.OptionalOf, [there]);
        CheckedNode has = new CallNode(CelType.Bool, CelFunction.HasValue, [optional]);
        return new BindNode(type, optional, target, new ConditionalNode(type, has, there, new LiteralNode(type, OptionalValue.None)));
    }
}
