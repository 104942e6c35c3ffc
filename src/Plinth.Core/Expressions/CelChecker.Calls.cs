using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>Functions: one table of names, each with the forms it takes.</summary>
sealed partial class CelChecker
{
    /// <summary>
    /// Methods of strings: the function, the kinds of its arguments behind the receiver, how many of them are optional, and the result.
    /// </summary>
    static readonly Dictionary<string, (CelFunction Function, CelKind[] Arguments, int Optional, CelType Result)> s_textMethods =
        new(StringComparer.Ordinal)
        {
            ["contains"] = (CelFunction.Contains, [CelKind.String], 0, CelType.Bool),
            ["startsWith"] = (CelFunction.StartsWith, [CelKind.String], 0, CelType.Bool),
            ["endsWith"] = (CelFunction.EndsWith, [CelKind.String], 0, CelType.Bool),
            ["matches"] = (CelFunction.Matches, [CelKind.String], 0, CelType.Bool),
            ["lowerAscii"] = (CelFunction.LowerAscii, [], 0, CelType.String),
            ["upperAscii"] = (CelFunction.UpperAscii, [], 0, CelType.String),
            ["trim"] = (CelFunction.Trim, [], 0, CelType.String),
            ["substring"] = (CelFunction.Substring, [CelKind.Int, CelKind.Int], 1, CelType.String),
            ["charAt"] = (CelFunction.CharAt, [CelKind.Int], 0, CelType.String),
            ["indexOf"] = (CelFunction.IndexOf, [CelKind.String], 0, CelType.Int),
            ["replace"] = (CelFunction.Replace, [CelKind.String, CelKind.String], 0, CelType.String),
        };

    static readonly Dictionary<string, CelFunction> s_accessors = new(StringComparer.Ordinal)
    {
        ["getFullYear"] = CelFunction.GetFullYear,
        ["getMonth"] = CelFunction.GetMonth,
        ["getDate"] = CelFunction.GetDate,
        ["getDayOfMonth"] = CelFunction.GetDayOfMonth,
        ["getDayOfWeek"] = CelFunction.GetDayOfWeek,
        ["getDayOfYear"] = CelFunction.GetDayOfYear,
        ["getHours"] = CelFunction.GetHours,
        ["getMinutes"] = CelFunction.GetMinutes,
        ["getSeconds"] = CelFunction.GetSeconds,
        ["getMilliseconds"] = CelFunction.GetMilliseconds,
    };

    /// <summary>Conversions: the function, its result, and the kinds it takes.</summary>
    static readonly Dictionary<string, (CelFunction Function, CelType Result, CelKind[] From)> s_conversions = new(StringComparer.Ordinal)
    {
        ["int"] = (CelFunction.ToInt, CelType.Int,
            [CelKind.Int, CelKind.Uint, CelKind.Double, CelKind.Decimal, CelKind.String, CelKind.Timestamp, CelKind.Duration]),
        ["uint"] = (CelFunction.ToUint, CelType.Uint, [CelKind.Int, CelKind.Uint, CelKind.Double, CelKind.String]),
        ["double"] = (CelFunction.ToDouble, CelType.Double, [CelKind.Int, CelKind.Uint, CelKind.Double, CelKind.Decimal, CelKind.String]),
        ["string"] = (CelFunction.ToText, CelType.String,
            [
                CelKind.Bool, CelKind.Int, CelKind.Uint, CelKind.Double, CelKind.Decimal, CelKind.String, CelKind.Bytes, CelKind.Timestamp,
                CelKind.Duration, CelKind.Date, CelKind.Time, CelKind.Uuid,
            ]),
        ["bytes"] = (CelFunction.ToBytes, CelType.Bytes, [CelKind.Bytes, CelKind.String]),
        ["bool"] = (CelFunction.ToBool, CelType.Bool, [CelKind.Bool, CelKind.String]),
        ["timestamp"] = (CelFunction.ToTimestamp, CelType.Timestamp, [CelKind.Timestamp, CelKind.String, CelKind.Int]),
        ["duration"] = (CelFunction.ToDuration, CelType.Duration, [CelKind.Duration, CelKind.String]),
        ["date"] = (CelFunction.ToDate, CelType.Date, [CelKind.Date, CelKind.String, CelKind.Timestamp]),
        ["time"] = (CelFunction.ToTime, CelType.Time, [CelKind.Time, CelKind.String, CelKind.Timestamp]),
        ["uuid"] = (CelFunction.ToUuid, CelType.Uuid, [CelKind.Uuid, CelKind.String]),
    };

    /// <summary>Of CEL and its extensions; refused by name until their issue.</summary>
    static readonly HashSet<string> s_notAvailable = new(StringComparer.Ordinal)
    {
        "type", "split", "join", "lastIndexOf", "format", "quote", "reverse", "sort", "distinct", "flatten", "slice", "orValue", "optMap",
            "changed",
    };

    CheckedNode Call(CelCall node)
    {
        if (node.Target is CelIdentifier { Name: "math" } && !IsKnown("math")) return Mathematical(node);
        List<CheckedNode> arguments = [];
        if (node.Target is not null) arguments.Add(Node(node.Target));
        foreach (CelNode argument in node.Arguments) arguments.Add(Node(argument));
        bool isMethod = node.Target is not null;
        CheckedNode? made = node.Name switch
        {
            "size" when arguments.Count == 1 => Size(node, arguments[0]),
            "matches" when arguments.Count == 2 => Matches(node, arguments),
            "decimal" when !isMethod && arguments.Count == 1 => ToDecimal(node, arguments[0]),
            "dyn" when !isMethod && arguments.Count == 1 => arguments[0] with { },
            _ when isMethod && s_textMethods.TryGetValue(node.Name, out var method) => TextMethod(node, arguments, method),
            _ when isMethod && s_accessors.TryGetValue(node.Name, out CelFunction accessor) => Accessor(node, arguments, accessor),
            _ when !isMethod && arguments.Count == 1 && s_conversions.TryGetValue(node.Name, out var conversion) =>
                Conversion(node, arguments[0], conversion),
            _ => null,
        };
        return made is null ? throw UnknownFunction(node, arguments) : Folded(made, node);
    }

    static CelError UnknownFunction(CelCall node, List<CheckedNode> arguments)
    {
        if (s_notAvailable.Contains(node.Name))
            return new CelError("not_available", node.NameSpan, $"{node.Name}() is not available in this version");
        IEnumerable<string> known = [.. s_textMethods.Keys, .. s_accessors.Keys, .. s_conversions.Keys, "size", "decimal", "dyn", "has",
            "all", "exists", "exists_one", "map", "filter"];
        if (known.Contains(node.Name))
        {
            string kinds = string.Join(", ", arguments.Select(a => a.Type.Name));
            return new CelError("type_mismatch", node.Span,
                $"{node.Name} does not take ({kinds})" + (node.Target is null ? "" : " with its receiver first"));
        }
        return new CelError("unknown_function", node.NameSpan, $"no function is named '{node.Name}'", Names.DidYouMean(node.Name, known));
    }

    static CallNode Size(CelCall node, CheckedNode of) => of.Type.Kind is CelKind.String or CelKind.Bytes or CelKind.List or CelKind.Map
        or CelKind.Records or CelKind.Dyn
        ? new CallNode(CelType.Int, CelFunction.Size, [of])
        : throw new CelError("type_mismatch", node.Span, $"{of.Type.Name} has no size");

    CallNode Matches(CelCall node, List<CheckedNode> arguments)
    {
        CallNode made = TextMethod(node, arguments, s_textMethods["matches"]);
        if (made.Arguments[1] is not LiteralNode { Value: { Kind: ValueKind.String } pattern })
            throw new CelError("not_available", made.Arguments[1].Span, "the pattern of matches() is a literal in this version");
        return Regex2.Refusal(pattern.String) is { } refusal
            ? throw new CelError("invalid_literal", made.Arguments[1].Span, $"the pattern is not taken: {refusal}")
            : made;
    }

    CallNode TextMethod(CelCall node, List<CheckedNode> arguments,
        (CelFunction Function, CelKind[] Arguments, int Optional, CelType Result) method)
    {
        CheckedNode receiver = arguments[0];
        if (receiver.Type.Kind is not (CelKind.String or CelKind.Dyn))
        {
            string? hint = receiver.Type is RecordType ? "name a field of the record"
                : receiver.Type.Kind == CelKind.List ? "a list is searched by x in list"
                : null;
            throw new CelError("type_mismatch", node.Span, $"{receiver.Type.Name} has no method {node.Name}", hint);
        }
        int given = arguments.Count - 1;
        if (given > method.Arguments.Length || given < method.Arguments.Length - method.Optional)
            throw new CelError("type_mismatch", node.Span, $"{node.Name} takes {method.Arguments.Length} argument(s), {given} given");
        for (int i = 0; i < given; i++)
        {
            if (arguments[i + 1].Type.Kind != method.Arguments[i] && arguments[i + 1].Type.Kind != CelKind.Dyn)
            {
                throw new CelError("type_mismatch", arguments[i + 1].Span,
                    $"{node.Name} needs a {method.Arguments[i].ToString().ToLowerInvariant()} here, found {arguments[i + 1].Type.Name}");
            }
        }
        return new CallNode(method.Result, method.Function, [.. arguments]);
    }

    static CallNode Accessor(CelCall node, List<CheckedNode> arguments, CelFunction function)
    {
        CheckedNode receiver = arguments[0];
        bool ofDay = function is >= CelFunction.GetFullYear and <= CelFunction.GetDayOfYear;
        bool fits = receiver.Type.Kind switch
        {
            CelKind.Timestamp => true,
            CelKind.Date => ofDay,
            CelKind.Time or CelKind.Duration => !ofDay,
            _ => false,
        };
        if (!fits) throw new CelError("type_mismatch", node.Span, $"{receiver.Type.Name} has no {node.Name}()");
        if (arguments.Count == 1) return new CallNode(CelType.Int, function, [receiver]);
        if (arguments.Count > 2 || receiver.Type.Kind != CelKind.Timestamp
            || arguments[1] is not LiteralNode { Value: { Kind: ValueKind.String } zone })
            throw new CelError("type_mismatch", node.Span, $"{node.Name}() takes a time zone literal at most, and only of a timestamp");
        if (!Operations.TryOffset(zone.String, out long microseconds))
        {
            throw new CelError("not_available", arguments[1].Span, $"the time zone '{zone.String}' is not available in this version",
                "\"UTC\" and offsets such as \"+02:00\" are");
        }
        // A zone is a shift of the instant before the accessor looks at it.
        CheckedNode shifted = new CallNode(CelType.Timestamp, CelFunction.Add,
            [receiver, new LiteralNode(CelType.Duration, Value.FromDuration(microseconds))]) { Span = node.Span };
        return new CallNode(CelType.Int, function, [microseconds == 0 ? receiver : shifted]);
    }

    static CheckedNode Conversion(CelCall node, CheckedNode argument, (CelFunction Function, CelType Result, CelKind[] From) conversion)
    {
        CelKind kind = argument.Type.Kind;
        if (kind != CelKind.Dyn && !conversion.From.Contains(kind))
            throw new CelError("type_mismatch", node.Span, $"{argument.Type.Name} has no conversion to {node.Name}");
        if (kind == conversion.Result.Kind) return argument;
        return new CallNode(conversion.Result, conversion.Function, [argument]);
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

    CheckedNode Mathematical(CelCall node)
    {
        CelFunction? function = node.Name switch
        {
            "greatest" when node.Arguments.Length >= 2 => CelFunction.Greatest,
            "least" when node.Arguments.Length >= 2 => CelFunction.Least,
            "abs" when node.Arguments.Length == 1 => CelFunction.Abs,
            _ => null,
        };
        if (function is null)
        {
            throw new CelError("unknown_function", node.NameSpan, $"math.{node.Name} with {node.Arguments.Length} argument(s) is not known",
                "math.greatest, math.least and math.abs are");
        }
        CheckedNode made = Node(node.Arguments[0]);
        if (!made.Type.IsNumeric || made.Type.Kind == CelKind.Uint)
            throw new CelError("type_mismatch", made.Span, $"math.{node.Name} needs int, double or decimal, found {made.Type.Name}");
        if (function == CelFunction.Abs) return new CallNode(made.Type, CelFunction.Abs, [made]);
        foreach (CelNode argument in node.Arguments.Skip(1))
        {
            var (left, right) = Align(made, Node(argument), node.Span, sameKind: true);
            made = new CallNode(left.Type, function.Value, [left, right]) { Span = node.Span };
        }
        return made;
    }

    /// <summary>A function of literals is its result; one that has none is a mistake of who wrote it.</summary>
    static CheckedNode Folded(CheckedNode node, CelCall source)
    {
        if (node is not CallNode call || !call.Arguments.All(a => a is LiteralNode { Value.IsNull: false })) return node;
        Value value = Operations.Apply(call.Function, call.Type, [.. call.Arguments.Select(a => ((LiteralNode)a).Value)]);
        if (!value.IsNull) return new LiteralNode(call.Type, value);
        throw new CelError("invalid_literal", source.Span, source.Name switch
        {
            "timestamp" => "this is no timestamp; expected RFC 3339, such as 2026-01-31T08:30:00Z",
            "duration" => "this is no duration; expected such as 1h30m",
            "date" => "this is no date; expected such as 2026-01-31",
            "time" => "this is no time; expected such as 08:30:00",
            "uuid" => "this is no uuid",
            _ => $"{source.Name} has no result for this",
        });
    }
}
