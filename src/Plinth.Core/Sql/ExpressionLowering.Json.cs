using System.Globalization;
using System.Text;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Sql;

/// <summary>
/// Looking into stored JSON: lists, embedded values, unions, open documents. A typed member is brought to the form that a column of
/// its type has; an open one is compared by what it is.
/// </summary>
sealed partial class ExpressionLowering
{
    /// <summary>A document and the path into it.</summary>
    /// <param name="Root">A stored field, or the variable of a loop.</param>
    /// <param name="Path">In the dialects' common form: <c>$."a"[0]</c>. Null: the document itself.</param>
    /// <param name="MayBeScalar">The root is an item of an open list, which need not be a document at all.</param>
    readonly record struct JsonPlace(CheckedNode Root, string? Path, bool MayBeScalar);

    static bool IsJson(CheckedNode node) =>
        node is MemberNode or IndexNode || node is VariableNode { Type.Kind: not CelKind.Record };

    JsonPlace PlaceOf(CheckedNode node)
    {
        StringBuilder path = new();
        while (true)
        {
            switch (node)
            {
                case MemberNode member:
                    if (member.Name.AsSpan().ContainsAny('"',
                        '\\')) throw No("a key with quotes or backslashes is looked up in memory only");
                    path.Insert(0, $".\"{member.Name}\"");
                    node = member.Target;
                    break;
                case IndexNode { Index: LiteralNode { Value: { Kind: ValueKind.Int, Int: >= 0 and <= int.MaxValue } at } } index:
                    path.Insert(0, $"[{at.Int.ToString(CultureInfo.InvariantCulture)}]");
                    node = index.Target;
                    break;
                case IndexNode: throw No("only a literal position is looked up by the database");
                case FieldNode or VariableNode:
                    return new JsonPlace(node, path.Length == 0 ? null : "$" + path, node is VariableNode { Type.Kind: CelKind.Dyn });
                case CallNode call: throw No($"what {FunctionTable.NameOf(call.Function)} makes is looked into in memory only");
                default: throw No("JSON that is computed is looked into in memory only");
            }
        }
    }

    void Root(CheckedNode root)
    {
        if (root is VariableNode { Id: var id } && _variables[id] is ItemBinding item) _sql.Column(item.Alias, "value");
        else Value(root);
    }

    /// <param name="node">What is looked up.</param>
    /// <param name="kind">What it is, or what it is compared with.</param>
    void Extracted(CheckedNode node, CelKind kind)
    {
        JsonPlace place = PlaceOf(node);
        if (place.Path is null)
        {
            if (place.Root is VariableNode) _dialect.WriteJsonItem(_sql, ItemOf(place.Root).Alias, kind);
            else Root(place.Root);
            return;
        }
        // An item that is a bare text would not parse as a document.
        if (place.MayBeScalar) _dialect.WriteIfContainer(_sql, ItemOf(place.Root).Alias, () => Extract(place, kind));
        else Extract(place, kind);
    }

    void Extract(JsonPlace place, CelKind kind) => _dialect.WriteJsonExtract(_sql, () => Root(place.Root), place.Path!, kind);

    ItemBinding ItemOf(CheckedNode variable) => (ItemBinding)_variables[((VariableNode)variable).Id];

    /// <summary>The type of what the node holds, before arity; null where it is open.</summary>
    FieldType? ElementOf(CheckedNode node) => node switch
    {
        FieldNode field => field.Field.Type,
        MemberNode member => member.Field?.Type,
        IndexNode index => ElementOf(index.Target),
        VariableNode variable when _variables.GetValueOrDefault(variable.Id) is ItemBinding item => item.Element,
        _ => null,
    };

    void Variable(VariableNode variable)
    {
        if (_variables[variable.Id] is RowBinding) throw No("a record is no value");
        JsonValue(variable);
    }

    /// <summary>A value out of JSON in the form of a column of its type.</summary>
    void JsonValue(CheckedNode node)
    {
        ScalarType? scalar = node.Type is ListType ? null : (ElementOf(node) as ScalarFieldType)?.Scalar;
        switch (scalar)
        {
            case BigIntType: Typed(node, "cast(", $" as {_dialect.IntegerType})"); break;
            case FloatType: Typed(node, "cast(", $" as {_dialect.DoubleType})"); break;
            case DecimalType: Typed(node, "cast(replace(", $", '.', '') as {_dialect.IntegerType})"); break;
            case DateTimeType: _dialect.WriteJsonInstant(_sql, () => Extracted(node, CelKind.String)); break;
            case DateType: _dialect.WriteJsonDay(_sql, () => Extracted(node, CelKind.String)); break;
            case { Kind: ValueKind.Time or ValueKind.Duration or ValueKind.Bytes or ValueKind.Uuid }:
                throw No($"a {scalar.Name} inside of JSON is {(scalar.Kind == ValueKind.Uuid ? "only compared" : "read in memory only")}");
            default: Extracted(node, node.Type.Kind); break;
        }
    }

    void Typed(CheckedNode node, string before, string after)
    {
        Raw(before);
        Extracted(node, CelKind.String);
        Raw(after);
    }

    /// <summary>A uuid as 32 hexadecimal digits in upper case; their order is that of the bytes.</summary>
    void UuidText(CheckedNode node)
    {
        if (!IsJson(node))
        {
            _dialect.WriteHex(_sql, () => Value(node));
            return;
        }
        Raw("replace(").Raw(_dialect.UpperAscii).Raw("(");
        Extracted(node, CelKind.String);
        Raw("), '-', '')");
    }

    void HasKey(HasNode has) => WriteJsonType(has.Member, " is not null)", "(");

    void WriteJsonType(CheckedNode node, string after, string before = "")
    {
        JsonPlace place = PlaceOf(node);
        Raw(before);
        if (place.Path is null && place.Root is VariableNode) _sql.Column(ItemOf(place.Root).Alias, "type");
        else if (place.MayBeScalar) _dialect.WriteIfContainer(_sql, ItemOf(place.Root).Alias, () => TypeAt(place));
        else TypeAt(place);
        Raw(after);
    }

    void TypeAt(JsonPlace place) => _dialect.WriteJsonType(_sql, () => Root(place.Root), place.Path ?? "$");

    void JsonItems(CheckedNode range, string alias)
    {
        JsonPlace place = ListPlace(range);
        _dialect.WriteJsonItems(_sql, () => Root(place.Root), place.Path, alias);
    }

    void JsonLength(CheckedNode list)
    {
        JsonPlace place = ListPlace(list);
        _dialect.WriteJsonLength(_sql, () => Root(place.Root), place.Path);
    }

    JsonPlace ListPlace(CheckedNode range)
    {
        if (range.Type is not ListType) throw No($"a loop over {range.Type.Name} runs in memory only");
        JsonPlace place = PlaceOf(range);
        return place.MayBeScalar ? throw No("a loop inside of open JSON runs in memory only") : place;
    }

    /// <summary>Between what JSON holds and a typed value: equal only where the kinds are, ordered only where they are.</summary>
    void OpenComparison(CelFunction function, string symbol, CheckedNode left, CheckedNode right)
    {
        if (left.Type.Kind != CelKind.Dyn || left is LiteralNode)
        {
            if (right.Type.Kind != CelKind.Dyn || right is LiteralNode) throw No("a claim without a type is compared in memory only");
            (function, symbol) = Mirrored(function, symbol);
            (left, right) = (right, left);
        }
        if (right.Type.Kind == CelKind.Dyn) throw No("two parts of open JSON are compared in memory only");
        string kinds = right.Type.Kind switch
        {
            CelKind.String => _dialect.JsonTextType,
            CelKind.Bool => _dialect.JsonTruthTypes,
            CelKind.Int or CelKind.Double => _dialect.JsonNumberTypes,
            _ => throw No($"open JSON and {right.Type.Name} are compared in memory only"),
        };
        if (!IsPlain(right)) throw No("open JSON is compared with plain fields and literals only");
        if (left is FieldNode) throw No("a whole JSON document is compared in memory only");
        bool isEquality = function is CelFunction.Equal or CelFunction.NotEqual;
        Raw("case when ");
        WriteJsonType(left, $" in ({kinds}) then ");
        Raw("(");
        // Numbers of every size meet here.
        Extracted(left, right.Type.Kind is CelKind.Int or CelKind.Double ? CelKind.Decimal : right.Type.Kind);
        Raw(symbol);
        Operand(right, asText: false, asStored: false);
        Raw(")");
        if (isEquality)
        {
            Raw(" when ");
            WriteJsonType(left, $" <> {_dialect.JsonNullType} and ");
            Value(right);
            Raw(" is not null then ").Raw(function == CelFunction.Equal ? "false" : "true");
        }
        Raw(" end");
    }

    static (CelFunction, string) Mirrored(CelFunction function, string symbol) => function switch
    {
        CelFunction.Less => (CelFunction.Greater, " > "),
        CelFunction.LessOrEqual => (CelFunction.GreaterOrEqual, " >= "),
        CelFunction.Greater => (CelFunction.Less, " < "),
        CelFunction.GreaterOrEqual => (CelFunction.LessOrEqual, " <= "),
        _ => (function, symbol),
    };
}
