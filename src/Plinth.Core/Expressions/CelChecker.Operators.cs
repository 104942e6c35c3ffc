using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>Operators: which operands fit together, and what is promoted so that they do.</summary>
sealed partial class CelChecker
{
    CheckedNode Binary(CelBinary node)
    {
        if (_environment is not null) return Standard(node);
        if (node.Operator is CelOperator.Equal or CelOperator.NotEqual) return Equality(node);
        if (node.Operator == CelOperator.In) return In(node);
        if (node.Operator is >= CelOperator.Less and <= CelOperator.GreaterOrEqual) return Ordering(node);
        return Arithmetic(node, Node(node.Left), Node(node.Right));
    }

    /// <summary>Without a schema nothing is promoted: the operands fit a signature as they are.</summary>
    CheckedNode Standard(CelBinary node)
    {
        string name = node.Operator switch
        {
            CelOperator.Equal => "_==_",
            CelOperator.NotEqual => "_!=_",
            CelOperator.Less => "_<_",
            CelOperator.LessOrEqual => "_<=_",
            CelOperator.Greater => "_>_",
            CelOperator.GreaterOrEqual => "_>=_",
            CelOperator.In => "_in_",
            CelOperator.Add => "_+_",
            CelOperator.Subtract => "_-_",
            CelOperator.Multiply => "_*_",
            CelOperator.Divide => "_/_",
            _ => "_%_",
        };
        CheckedNode left = Node(node.Left), right = Node(node.Right);
        CheckedNode made = Resolve(name, isMethod: false, node.Span, node.Span, [left, right]);
        return made is CallNode { Function: CelFunction.In } ? new InNode(left, right) : made;
    }

    /// <summary>A bare enum word takes its type from the other side, whichever that is.</summary>
    (CheckedNode Left, CheckedNode Right) Operands(CelBinary node)
    {
        if (node.Left is CelIdentifier { IsRooted: false } word && !IsKnown(word.Name))
        {
            CheckedNode other = Node(node.Right);
            return (Node(node.Left, other.Type), other);
        }
        CheckedNode left = Node(node.Left);
        return (left, Node(node.Right, left.Type));
    }

    CheckedNode Equality(CelBinary node)
    {
        bool isNegated = node.Operator == CelOperator.NotEqual;
        var (left, right) = Operands(node);
        CheckedNode made;
        if (left is LiteralNode { Value.IsNull: true }) made = IsNull(right, node.Span);
        else if (right is LiteralNode { Value.IsNull: true }) made = IsNull(left, node.Span);
        else if (left.Type is RecordType a && right.Type is RecordType b) made = SameRecord(left, a.Model, right, b.Model, node.Span);
        else
        {
            (left, right) = Align(left, right, node.Span, sameKind: false);
            return new CallNode(CelType.Bool, isNegated ? CelFunction.NotEqual : CelFunction.Equal, [left, right]);
        }
        return isNegated ? new NotNode(made) : made;
    }

    CheckedNode IsNull(CheckedNode operand, Span span)
    {
        switch (operand)
        {
            case LiteralNode literal: return literal.Value.IsNull ? LiteralNode.True : LiteralNode.False;
            case { Type: RecordsType }:
                throw new CelError("type_mismatch", span, "a relation to many records is never null", "use size() == 0 or exists(x, …)");
            case RowNode or BeforeNode: return LiteralNode.False;
            case HopNode { Relation.IsOwning: true } hop when _scope.ServerOnly && !_scope.Schema.TargetOf(hop.Relation).IsSoftDelete:
                // A foreign key that is set leads somewhere: the key alone decides. (Of a request, only to what its caller may see.)
                Model model = _scope.Schema.Model(hop.Relation.Model);
                ImmutableArray<CheckedNode> parts =
                    [.. hop.Relation.Fields.Select(f => new IsNullNode(FieldOf(hop.From, model.Field(f)!)))];
                return parts.Length == 1 ? parts[0] : new OrNode(parts);
            default: return new IsNullNode(operand);
        }
    }

    /// <summary>Two records of one model are the same when their keys are.</summary>
    CheckedNode SameRecord(CheckedNode left, Model a, CheckedNode right, Model b, Span span)
    {
        if (!string.Equals(a.Name, b.Name, StringComparison.Ordinal))
            throw new CelError("type_mismatch", span, $"a {a.Name} is never a {b.Name}");
        CheckedNode Key(CheckedNode record, string name) =>
            OfRecord(record, a, new CelSelect(record.Span, new CelIdentifier(record.Span, name, false), name, record.Span, false));
        ImmutableArray<CheckedNode> parts =
            [.. a.Key.Select(k => new CallNode(CelType.Bool, CelFunction.Equal, [Key(left, k), Key(right, k)]) { Span = span })];
        return parts.Length == 1 ? parts[0] : new AndNode(parts);
    }

    CheckedNode Ordering(CelBinary node)
    {
        var (left, right) = Operands(node);
        (left, right) = Align(left, right, node.Span, sameKind: false);
        if (!left.Type.IsOrdered || !right.Type.IsOrdered)
        {
            CelType unordered = left.Type.IsOrdered ? right.Type : left.Type;
            throw new CelError("type_mismatch", node.Span, $"{unordered.Name} has no order");
        }
        CelFunction function = node.Operator switch
        {
            CelOperator.Less => CelFunction.Less,
            CelOperator.LessOrEqual => CelFunction.LessOrEqual,
            CelOperator.Greater => CelFunction.Greater,
            _ => CelFunction.GreaterOrEqual,
        };
        return new CallNode(CelType.Bool, function, [left, right]);
    }

    CheckedNode In(CelBinary node)
    {
        if (node.Left is CelIdentifier { IsRooted: false } word && !IsKnown(word.Name))
        {
            CheckedNode words = Node(node.Right);
            return In(Node(node.Left, (words.Type as ListType)?.Element), words, node.Span);
        }
        CheckedNode item = Node(node.Left);
        return In(item, Node(node.Right, new ListType(item.Type)), node.Span);
    }

    CheckedNode In(CheckedNode item, CheckedNode list, Span span)
    {
        switch (list.Type)
        {
            case MapType when item.Type.Kind == CelKind.String && item is LiteralNode key:
                return new HasNode(new MemberNode(CelType.Dyn, list, key.Value.String, null));
            case MapType map when item.Type.Kind == CelKind.Dyn || Fits(map.Key, item.Type): return new InNode(item, list);
            case { Kind: CelKind.Dyn }: return new InNode(item, list);
            case RecordsType:
                throw new CelError("type_mismatch", list.Span, "'in' looks into lists of values", "use exists(x, x.id == …)");
            case ListType when list is ListNode literal:
                return InList(item, literal, span);
            case ListType of:
                // An element type that the item fits as it is; an item is never rounded to fit.
                CheckedNode probe = new VariableNode(of.Element, 0);
                return new InNode(Align(item, probe, span, sameKind: false).Left, list);
            default:
                throw new CelError("type_mismatch", list.Span, $"'in' needs a list at its right, found {list.Type.Name}",
                    list.Type.Kind == CelKind.String ? "a part of a text is found by text.contains(…)" : null);
        }
    }

    CheckedNode InList(CheckedNode item, ListNode list, Span span)
    {
        // Decimals first agree on the largest scale, so that every comparison is between equal scales.
        CelType common = list.Items.Select(i => i.Type).Aggregate(item.Type, Common);
        CheckedNode aligned = common is DecimalCelType ? Convert(item, common) ?? item : item;
        ImmutableArray<CheckedNode>.Builder items = ImmutableArray.CreateBuilder<CheckedNode>(list.Items.Length);
        foreach (CheckedNode element in list.Items)
        {
            if (element is LiteralNode { Value.IsNull: true })
                throw new CelError("type_mismatch", element.Span, "a comparison with null is unknown", "write … == null || … in […]");
            items.Add(Align(aligned, element, element.Span == default ? span : element.Span, sameKind: false).Right);
        }
        return new InNode(aligned, list with { Items = items.MoveToImmutable() });
    }

    /// <summary>Makes two operands comparable, or says why they are not.</summary>
    /// <param name="sameKind">Numbers of different kinds compare exactly, but a choice between them needs one kind.</param>
    (CheckedNode Left, CheckedNode Right) Align(CheckedNode left, CheckedNode right, Span span, bool sameKind)
    {
        CelType a = left.Type, b = right.Type;
        if (a is DecimalCelType x && b is DecimalCelType y && x.Scale != y.Scale)
            return x.Scale < y.Scale ? (Convert(left, b)!, right) : (left, Convert(right, a)!);
        if (a is WordType words && b.Kind == CelKind.String) Admit(words, right);
        else if (b is WordType others && a.Kind == CelKind.String) Admit(others, left);
        if (Fits(a, b)) return (left, right);
        if (!sameKind && a.IsNumeric && b.IsNumeric && a.Kind != CelKind.Decimal && b.Kind != CelKind.Decimal) return (left, right);
        if (Convert(right, a) is { } r) return (left, r);
        if (Convert(left, b) is { } l) return (l, right);
        throw Mismatch(left, right, span);
    }

    static bool Fits(CelType a, CelType b)
    {
        if (a.Kind == CelKind.Dyn || b.Kind == CelKind.Dyn) return a.Kind < CelKind.Record && b.Kind < CelKind.Record;
        if (a.Kind != b.Kind) return false;
        return (a, b) switch
        {
            (ListType x, ListType y) => Fits(x.Element, y.Element),
            (MapType x, MapType y) => Fits(x.Key, y.Key) && Fits(x.Value, y.Value),
            (OptionalType x, OptionalType y) => Fits(x.Value, y.Value),
            (StructType or UnionStructType, _) => a.Equals(b),
            _ => a.Kind < CelKind.Record,
        };
    }

    /// <summary>Text compared with words of an enum must be able to be one of them.</summary>
    static void Admit(WordType words, CheckedNode text)
    {
        if (text.Type is WordType other && !other.Equals(words))
            throw new CelError("type_mismatch", text.Span, $"a {words.EnumName} is never a {other.EnumName}");
        if (text is LiteralNode { Value: { Kind: ValueKind.String } value } && !words.Words.Contains(value.String))
        {
            throw new CelError("unknown_word", text.Span, $"{words.EnumName} has no value '{value.String}'",
                Names.DidYouMean(value.String, words.Words) ?? $"its values are {string.Join(", ", words.Words)}");
        }
    }

    static CelError Mismatch(CheckedNode left, CheckedNode right, Span span)
    {
        string? hint = (left.Type.Kind, right.Type.Kind) switch
        {
            (CelKind.Decimal, CelKind.Double) or (CelKind.Double, CelKind.Decimal) =>
                "decimals are exact: write the number as decimal(\"1.20\")",
            (CelKind.Timestamp, CelKind.String) or (CelKind.String, CelKind.Timestamp) => "write timestamp(\"2026-01-31T08:30:00Z\")",
            (CelKind.Date, CelKind.String) or (CelKind.String, CelKind.Date) => "write date(\"2026-01-31\")",
            (CelKind.Time, CelKind.String) or (CelKind.String, CelKind.Time) => "write time(\"08:30:00\")",
            (CelKind.Duration, CelKind.String) or (CelKind.String, CelKind.Duration) => "write duration(\"1h30m\")",
            (CelKind.Uuid, CelKind.String) or (CelKind.String, CelKind.Uuid) => "write uuid(…)",
            (CelKind.Record, _) or (_, CelKind.Record) => "compare a field of the record, such as its key",
            (CelKind.Int, CelKind.Double) or (CelKind.Double, CelKind.Int) => "write double(…) or int(…)",
            _ => null,
        };
        return new CelError("type_mismatch", span, $"{left.Type.Name} and {right.Type.Name} do not fit together", hint);
    }

    /// <summary>
    /// The node as a value of the target type where that is exact: promotions, and literals of text forms. Null: not possible.
    /// </summary>
    CheckedNode? Convert(CheckedNode node, CelType target)
    {
        if (node is LiteralNode { Value.IsNull: true } nothing) return nothing with { Type = target };
        if (target is WordType words && node.Type.Kind == CelKind.String)
        {
            if (node is not LiteralNode && !node.Type.Equals(target)) return null;
            Admit(words, node);
            return node is LiteralNode literal ? literal with { Type = target } : node;
        }
        if (target is DecimalCelType to) return ToScale(node, to);
        if (target.Kind == CelKind.Uuid && node is LiteralNode { Value: { Kind: ValueKind.String } text })
        {
            return UuidType.It.TryParse(text.String, out Value uuid)
                ? new LiteralNode(target, uuid) { Span = node.Span }
                : throw new CelError("invalid_literal", node.Span, $"'{text.String}' is no uuid");
        }
        if (target is ListType { Element: var element } && node is ListNode list)
        {
            ImmutableArray<CheckedNode>.Builder items = ImmutableArray.CreateBuilder<CheckedNode>(list.Items.Length);
            foreach (CheckedNode item in list.Items)
            {
                if (Convert(item, element) is not { } converted) return null;
                items.Add(converted);
            }
            return new ListNode(target, items.MoveToImmutable()) { Span = node.Span };
        }
        return Fits(node.Type, target) && (node.Type.Kind == target.Kind || target.Kind == CelKind.Dyn) ? node : null;
    }

    static CheckedNode? ToScale(CheckedNode node, DecimalCelType target)
    {
        int scale = node.Type is DecimalCelType from ? from.Scale : 0;
        if (node.Type.Kind is not (CelKind.Decimal or CelKind.Int) || scale > target.Scale) return null;
        if (node.Type.Equals(target)) return node;
        if (node is not LiteralNode literal) return new CallNode(target, CelFunction.Rescale, [node]) { Span = node.Span };
        Value value = Operations.Rescale(literal.Value, target.Scale);
        return value.IsNull
            ? throw new CelError("invalid_literal", node.Span, "the number is beyond the range of a decimal of this scale")
            : new LiteralNode(target, value) { Span = node.Span };
    }

    CheckedNode Negate(CelUnary node)
    {
        CheckedNode operand = Node(node.Operand);
        if (_environment is not null) return Resolve("-_", isMethod: false, node.Span, node.Span, [operand]);
        if (operand.Type.Kind is not (CelKind.Int or CelKind.Double or CelKind.Decimal or CelKind.Dyn))
            throw new CelError("type_mismatch", node.Span, $"{operand.Type.Name} cannot be negated");
        return new CallNode(operand.Type, CelFunction.Negate, [operand]);
    }

    CheckedNode Arithmetic(CelBinary node, CheckedNode left, CheckedNode right)
    {
        CelFunction function = node.Operator switch
        {
            CelOperator.Add => CelFunction.Add,
            CelOperator.Subtract => CelFunction.Subtract,
            CelOperator.Multiply => CelFunction.Multiply,
            CelOperator.Divide => CelFunction.Divide,
            _ => CelFunction.Modulo,
        };
        if (left.Type.Kind == CelKind.Decimal || right.Type.Kind == CelKind.Decimal) return DecimalArithmetic(node, function, left, right);
        CelType? type = ResultOf(function, left.Type, right.Type);
        if (type is null) throw Mismatch(left, right, node.Span);
        bool joins = function == CelFunction.Add && type.Kind is CelKind.String or CelKind.Bytes or CelKind.List;
        return new CallNode(type, joins ? CelFunction.Concat : function, [left, right]);
    }

    static CelType? ResultOf(CelFunction function, CelType left, CelType right)
    {
        bool isSum = function is CelFunction.Add or CelFunction.Subtract;
        return (left.Kind, right.Kind) switch
        {
            (CelKind.Int, CelKind.Int) or (CelKind.Uint, CelKind.Uint) => left,
            (CelKind.Double, CelKind.Double) when function != CelFunction.Modulo => left,
            (CelKind.String, CelKind.String) when function == CelFunction.Add => CelType.String,
            (CelKind.Bytes, CelKind.Bytes) when function == CelFunction.Add => left,
            (CelKind.List, CelKind.List) when function == CelFunction.Add && Fits(left, right) =>
                new ListType(Common(((ListType)left).Element, ((ListType)right).Element)),
            (CelKind.Timestamp, CelKind.Duration) when isSum => left,
            (CelKind.Duration, CelKind.Timestamp) when function == CelFunction.Add => right,
            (CelKind.Timestamp, CelKind.Timestamp) when function == CelFunction.Subtract => CelType.Duration,
            (CelKind.Duration, CelKind.Duration) when isSum => left,
            (CelKind.Dyn, < CelKind.List) or (< CelKind.List, CelKind.Dyn) when left.Kind != CelKind.Null && right.Kind != CelKind.Null =>
                CelType.Dyn,
            _ => null,
        };
    }

    CheckedNode DecimalArithmetic(CelBinary node, CelFunction function, CheckedNode left, CheckedNode right)
    {
        if (left.Type.Kind is not (CelKind.Decimal or CelKind.Int) || right.Type.Kind is not (CelKind.Decimal or CelKind.Int))
            throw Mismatch(left, right, node.Span);
        switch (function)
        {
            case CelFunction.Add or CelFunction.Subtract:
                (left, right) = Align(left, right, node.Span, sameKind: true);
                return new CallNode(left.Type, function, [left, right]);
            case CelFunction.Multiply:
                int scale = ((left.Type as DecimalCelType)?.Scale ?? 0) + ((right.Type as DecimalCelType)?.Scale ?? 0);
                if (scale > DecimalCelType.ScaleMax)
                    throw new CelError("type_mismatch", node.Span,
                        $"the product has {scale} digits after the point; at most 18 are kept exactly");
                left = Convert(left, left.Type as DecimalCelType ?? new DecimalCelType(0))!;
                right = Convert(right, right.Type as DecimalCelType ?? new DecimalCelType(0))!;
                return new CallNode(new DecimalCelType(scale), function, [left, right]);
            default:
                throw new CelError("type_mismatch", node.Span, "a quotient of decimals is not exact",
                    "divide doubles: double(a) / double(b)");
        }
    }
}
