using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>Calls: which signature of <see cref="FunctionTable"/> fits the arguments.</summary>
sealed partial class CelChecker
{
    CheckedNode Call(CelCall node)
    {
        if (node.Target is not null && Qualified(node) is { } name)
        {
            if (name is "math.greatest" or "math.least")
                return Extreme(node, name == "math.greatest" ? CelFunction.Greatest : CelFunction.Least);
            return Resolved(node, name, isMethod: false, [.. node.Arguments.Select(a => Node(a))]);
        }
        List<CheckedNode> arguments = [];
        if (node.Target is not null) arguments.Add(Node(node.Target));
        foreach (CelNode argument in node.Arguments) arguments.Add(Node(argument));
        return Special(node, arguments) ?? Resolved(node, node.Name, isMethod: node.Target is not null, arguments);
    }

    /// <summary>A function in a namespace, unless the first part of its name is a variable: <c>math.abs(x)</c>.</summary>
    string? Qualified(CelCall node)
    {
        if (DottedName(node.Target!) is not var (space, isRooted)) return null;
        string first = space.Split('.')[0];
        if (Local(first) is not null || (_environment is null ? IsKnown(first) : Input(first, isRooted) is not null)) return null;
        string name = $"{space}.{node.Name}";
        return name is "math.greatest" or "math.least" || !Overloads(name, isMethod: false).IsEmpty ? name : null;
    }

    ImmutableArray<Overload> Overloads(string name, bool isMethod)
    {
        if (_environment is null) return FunctionTable.Find(name, isMethod);
        foreach (string candidate in isMethod ? [name] : _environment.Candidates(name, isRooted: false))
        {
            ImmutableArray<Overload> found =
            [
                .. FunctionTable.Find(candidate, isMethod),
                .. _environment.Functions
                    .Where(f => f.IsMethod == isMethod && string.Equals(f.Name, candidate, StringComparison.Ordinal)),
            ];
            if (!found.IsEmpty) return found;
        }
        return [];
    }

    /// <summary>
    /// What only a schema knows: records have a size, decimals a scale, patterns are literals, and fixed zones are shifts.
    /// </summary>
    CheckedNode? Special(CelCall node, List<CheckedNode> arguments)
    {
        if (_environment is not null) return null;
        bool isMethod = node.Target is not null;
        switch (node.Name)
        {
            case "size" when arguments is [{ Type: RecordsType }]: return new CallNode(CelType.Int, CelFunction.Size, [arguments[0]]);
            case "dyn" when !isMethod && arguments.Count == 1: return arguments[0] with { };
            case "decimal" when !isMethod && arguments.Count == 1: return Folded(ToDecimal(node, arguments[0]), node);
            case "matches" when arguments.Count == 2: return Matches(node, arguments);
            case var name when isMethod && arguments is [{ Type.Kind: CelKind.Timestamp }, _]
                && name.StartsWith("get", StringComparison.Ordinal): return InZone(node, arguments);
            default: return null;
        }
    }

    CheckedNode Resolved(CelCall node, string name, bool isMethod, List<CheckedNode> arguments)
    {
        CheckedNode made = Resolve(name, isMethod, node.Span, node.NameSpan, arguments);
        if (_environment is not null) return made;
        // A conversion to what it is already.
        bool isConversion = made is CallNode { Function: >= CelFunction.ToInt and <= CelFunction.ToUuid };
        if (isConversion && arguments[0].Type.Kind == made.Type.Kind) return arguments[0];
        return Folded(made, node);
    }

    CheckedNode Resolve(string name, bool isMethod, Span span, Span nameSpan, List<CheckedNode> arguments)
    {
        ImmutableArray<Overload> overloads = Overloads(name, isMethod);
        if (IsUnchecked) return Unchecked(overloads, name, arguments);
        if (overloads.IsEmpty) throw UnknownFunction(name, isMethod, nameSpan);
        if (_environment is null && arguments.Find(a => !a.Type.IsValue) is { } record)
        {
            throw new CelError("type_mismatch", span, $"{record.Type.Name} has no {(isMethod ? "method " : "")}{name}",
                record.Type is RecordType ? "name a field of the record" : null);
        }
        CelType[] types = [.. arguments.Select(a => a.Type)];
        if (_environment is null && types.Select(ScaleOf).Where(s => s >= 0).Distinct().Count() > 1)
            throw new CelError("type_mismatch", span, $"{name} needs decimals with equally many digits behind the point");
        CelType? result = null;
        Overload? first = null;
        foreach (Overload overload in overloads)
        {
            if (overload.Parameters.Length != types.Length) continue;
            var (parameters, open) = Instance(overload);
            if (!_types.Fit(parameters, types)) continue;
            CelType found = _types.Resolve(open);
            result = result is null || result.Equals(found) ? found : CelType.Dyn;
            first ??= overload;
        }
        if (first is null || result is null) throw NoOverload(overloads, name, isMethod, span, types);
        if (result is DecimalCelType { Scale: < 0 }) result = types[0];
        if (first.Function is not { } function) return new LiteralNode(result, EvaluationError.NoOverload);
        return new CallNode(result, function, [.. arguments]) { Span = span };
    }

    /// <summary>Of the decimals that an argument holds, or -1: a scale is part of the type, and no function changes it.</summary>
    static int ScaleOf(CelType type) => type switch
    {
        DecimalCelType number => number.Scale,
        ListType list => ScaleOf(list.Element),
        OptionalType optional => ScaleOf(optional.Value),
        _ => -1,
    };

    /// <summary>With new parameters, so that two calls do not bind each other.</summary>
    (CelType[] Parameters, CelType Result) Instance(Overload overload)
    {
        if (overload.ParameterCount == 0) return ([.. overload.Parameters], overload.Result);
        TypeParameter[] fresh = [.. Enumerable.Range(0, overload.ParameterCount).Select(_ => _types.Fresh())];
        return ([.. overload.Parameters.Select(p => Renamed(p, fresh))], Renamed(overload.Result, fresh));
    }

    static CelType Renamed(CelType type, TypeParameter[] fresh) => type switch
    {
        TypeParameter { Id: < 0 } parameter => fresh[-1 - parameter.Id],
        ListType list => new ListType(Renamed(list.Element, fresh)),
        MapType map => new MapType(Renamed(map.Key, fresh), Renamed(map.Value, fresh)),
        OptionalType optional => new OptionalType(Renamed(optional.Value, fresh)),
        TypeType of => new TypeType(Renamed(of.Named, fresh)),
        AbstractType named => new AbstractType(named.TypeName, [.. named.Parameters.Select(p => Renamed(p, fresh))]),
        _ => type,
    };

    /// <summary>The name says what runs; whether it can is found then.</summary>
    static CheckedNode Unchecked(ImmutableArray<Overload> overloads, string name, List<CheckedNode> arguments)
    {
        if (overloads.IsEmpty) return new LiteralNode(CelType.Dyn, EvaluationError.Undeclared(name));
        return overloads.FirstOrDefault(o => o.Parameters.Length == arguments.Count) is { Function: { } function }
            ? new CallNode(CelType.Dyn, function, [.. arguments])
            : new LiteralNode(CelType.Dyn, EvaluationError.NoOverload);
    }

    static readonly string[] s_macros =
    [
        "all", "exists", "exists_one", "map", "filter", "transformList", "transformMap", "transformMapEntry", "sortBy", "optMap",
        "optFlatMap",
    ];

    CelError UnknownFunction(string name, bool isMethod, Span span)
    {
        if (!FunctionTable.Find(name, !isMethod).IsEmpty)
        {
            return new CelError("type_mismatch", span, isMethod ? $"{name} is no method" : $"{name} is a method",
                isMethod ? $"write {name}(…)" : $"write value.{name}(…)");
        }
        if (name == "changed") return new CelError("not_available", span, "changed() is not available in this version");
        IEnumerable<string> others = isMethod ? s_macros : ["has", "decimal", "math.greatest", "math.least"];
        IEnumerable<string> known = FunctionTable.Names(isMethod).Concat(others);
        return new CelError("unknown_function", span, $"no function is named '{name}'", Names.DidYouMean(name, known));
    }

    CelError NoOverload(ImmutableArray<Overload> overloads, string name, bool isMethod, Span span, CelType[] types)
    {
        string Shown(IEnumerable<CelType> of) => string.Join(", ", of.Select(t => _types.Resolve(t, isLast: true).Name));
        string Signature(Overload o) => isMethod ? $"{Shown(o.Parameters[..1])}.{name}({Shown(o.Parameters[1..])})"
            : $"{name}({Shown(o.Parameters)})";
        string given = isMethod ? $"{Shown(types[..1])}.{name}({Shown(types[1..])})" : $"{name}({Shown(types)})";
        return new CelError("type_mismatch", span, $"there is no {given}",
            "there is " + string.Join(", ", overloads.Take(4).Select(Signature)) + (overloads.Length > 4 ? ", …" : ""));
    }

    /// <summary>A pattern is compiled once, and must be one that every execution reads alike.</summary>
    CheckedNode Matches(CelCall node, List<CheckedNode> arguments)
    {
        CheckedNode made = Resolve("matches", node.Target is not null, node.Span, node.NameSpan, arguments);
        if (arguments[1] is not LiteralNode { Value: { Kind: ValueKind.String } pattern })
            throw new CelError("not_available", arguments[1].Span, "the pattern of matches() is a literal");
        return Regex2.Refusal(pattern.String) is { } refusal
            ? throw new CelError("invalid_literal", arguments[1].Span, $"the pattern is not taken: {refusal}")
            : Folded(made, node);
    }

    /// <summary>
    /// A fixed zone is a shift of the instant before the accessor looks at it; a named one is looked up for each instant.
    /// </summary>
    CheckedNode InZone(CelCall node, List<CheckedNode> arguments)
    {
        CheckedNode made = Resolve(node.Name, isMethod: true, node.Span, node.NameSpan, arguments);
        if (made is not CallNode call || arguments[1] is not LiteralNode { Value: { Kind: ValueKind.String } zone }) return made;
        if (TimeZones.TryOffset(zone.String, out long microseconds))
        {
            CheckedNode shifted = new CallNode(CelType.Timestamp, CelFunction.Add,
                [arguments[0], new LiteralNode(CelType.Duration, Value.FromDuration(microseconds))]) { Span = node.Span };
            return Folded(call with { Arguments = [microseconds == 0 ? arguments[0] : shifted] }, node);
        }
        return TimeZones.Find(zone.String) is not null ? Folded(made, node)
            : throw new CelError("invalid_literal", arguments[1].Span, $"there is no time zone '{zone.String}' on this machine",
                "\"UTC\", offsets such as \"+02:00\", and with the package tzdata names such as \"Europe/Berlin\"");
    }

    /// <summary>The largest or smallest of its arguments, or of a list of numbers.</summary>
    CheckedNode Extreme(CelCall node, CelFunction function)
    {
        if (node.Arguments.IsEmpty)
            throw new CelError("type_mismatch", node.Span, $"math.{node.Name} needs at least one argument");
        CheckedNode made = Node(node.Arguments[0]);
        if (node.Arguments.Length == 1 && _types.Resolve(made.Type) is ListType list)
        {
            if (!IsUnchecked && list.Element.Kind is not (CelKind.Dyn or CelKind.Parameter)) Number(node, made, list.Element);
            return new CallNode(list.Element, function, [made]);
        }
        Number(node, made, made.Type);
        if (node.Arguments.Length == 1) return made.Type.Kind == CelKind.Dyn ? new CallNode(made.Type, function, [made]) : made;
        foreach (CelNode argument in node.Arguments.Skip(1))
        {
            CheckedNode next = Node(argument);
            Number(node, next, next.Type);
            (CheckedNode left, CheckedNode right) = _environment is null ? Align(made, next, node.Span, sameKind: true) : (made, next);
            made = new CallNode(_types.Join(left.Type, right.Type), function, [left, right]) { Span = node.Span };
        }
        return made;
    }

    void Number(CelCall node, CheckedNode argument, CelType type)
    {
        if (IsUnchecked || _types.Resolve(type) is { IsNumeric: true } or { Kind: CelKind.Dyn or CelKind.Parameter }) return;
        throw new CelError("type_mismatch", argument.Span, $"math.{node.Name} needs numbers, found {type.Name}");
    }

    /// <summary>The scale of a decimal is static: that of its literal, 0 for an int.</summary>
    CheckedNode ToDecimal(CelCall node, CheckedNode argument)
    {
        if (argument.Type.Kind == CelKind.Decimal) return argument;
        if (argument.Type.Kind == CelKind.Int) return Convert(argument, new DecimalCelType(0))!;
        if (argument is not LiteralNode { Value: { Kind: ValueKind.String } text })
        {
            throw new CelError("type_mismatch", argument.Span, $"{argument.Type.Name} has no conversion to decimal",
                "write the number as text, as in decimal(\"1.20\")");
        }
        int point = text.String.IndexOf('.', StringComparison.Ordinal);
        int scale = point < 0 ? 0 : Math.Min(DecimalCelType.ScaleMax, text.String.Length - point - 1);
        if (!new DecimalType(DecimalType.PrecisionMax, scale).TryParse(text.String, out Value value))
            throw new CelError("invalid_literal", argument.Span, $"'{text.String}' is no decimal of at most 18 digits");
        return new LiteralNode(new DecimalCelType(scale), value);
    }

    /// <summary>A function of literals is its result; one that has none is a mistake of who wrote it.</summary>
    static CheckedNode Folded(CheckedNode node, CelCall source)
    {
        if (node is not CallNode call || !call.Arguments.All(a => a is LiteralNode { Value.IsNull: false })) return node;
        if (call.Type.Kind >= CelKind.List) return node;
        Value value = CompiledExpression.Compile(CheckedExpression.Of(call)).Evaluate(new EvaluationContext());
        if (!value.IsNull) return new LiteralNode(call.Type, value);
        throw new CelError("invalid_literal", source.Span, source.Name switch
        {
            "timestamp" => "this is no timestamp; expected RFC 3339, such as 2026-01-31T08:30:00Z",
            "duration" => "this is no duration; expected such as 1h30m",
            "date" => "this is no date; expected such as 2026-01-31",
            "time" => "this is no time; expected such as 08:30:00",
            "uuid" => "this is no uuid",
            _ => $"{source.Name} has no result for this" + (value.Reason is { } reason ? $": {reason}" : ""),
        });
    }
}
