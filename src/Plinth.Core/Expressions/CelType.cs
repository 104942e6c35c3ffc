using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Expressions;

/// <summary>
/// What an expression yields. Nullability is not part of it: every operand may be unknown, and the evaluator and the lowering carry
/// that through.
/// </summary>
abstract record CelType
{
    private protected CelType()
    {
    }

    /// <summary>As diagnostics call it.</summary>
    public abstract string Name { get; }

    public static readonly CelType Null = new PlainType(CelKind.Null);
    public static readonly CelType Dyn = new PlainType(CelKind.Dyn);
    public static readonly CelType Bool = new PlainType(CelKind.Bool);
    public static readonly CelType Int = new PlainType(CelKind.Int);
    public static readonly CelType Uint = new PlainType(CelKind.Uint);
    public static readonly CelType Double = new PlainType(CelKind.Double);
    public static readonly CelType String = new PlainType(CelKind.String);
    public static readonly CelType Bytes = new PlainType(CelKind.Bytes);
    public static readonly CelType Timestamp = new PlainType(CelKind.Timestamp);
    public static readonly CelType Duration = new PlainType(CelKind.Duration);
    public static readonly CelType Date = new PlainType(CelKind.Date);
    public static readonly CelType Time = new PlainType(CelKind.Time);
    public static readonly CelType Uuid = new PlainType(CelKind.Uuid);

    public CelKind Kind => this switch
    {
        PlainType plain => plain.PlainKind,
        DecimalCelType => CelKind.Decimal,
        WordType => CelKind.String,
        ListType => CelKind.List,
        MapType => CelKind.Map,
        StructType or UnionStructType => CelKind.Struct,
        RecordType => CelKind.Record,
        RecordsType => CelKind.Records,
        AuthType => CelKind.Auth,
        RequestType => CelKind.Request,
        _ => throw new InvalidOperationException($"no kind for {GetType().Name}"),
    };

    public bool IsNumeric => Kind is CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.Decimal;

    /// <summary>Whether values of the type have an order.</summary>
    public bool IsOrdered => Kind is not (CelKind.Null or CelKind.List or CelKind.Map or CelKind.Struct or CelKind.Record or CelKind.Records
        or CelKind.Auth or CelKind.Request);

    /// <summary>The type of a field's value, its arity included.</summary>
    public static CelType Of(AppSchema schema, Field field) => field.IsList ? new ListType(Of(schema, field.Type)) : Of(schema, field.Type);

    public static CelType Of(AppSchema schema, FieldType type) => type switch
    {
        EnumFieldType e => new WordType(e.Enum.Name, e.Enum.Values),
        EmbeddedFieldType e => new StructType(schema.Type(e.TypeName)),
        UnionFieldType u => new UnionStructType(schema.Union(u.UnionName)),
        ScalarFieldType { Scalar: DecimalType d } => new DecimalCelType(d.Scale),
        ScalarFieldType { Scalar.Kind: var kind } => OfKind(kind),
        _ => throw new InvalidOperationException($"no expression type for {type.Name}"),
    };

    public static CelType OfKind(ValueKind kind) => kind switch
    {
        ValueKind.Null => Null,
        ValueKind.Boolean => Bool,
        ValueKind.Int => Int,
        ValueKind.Uint => Uint,
        ValueKind.Double => Double,
        ValueKind.String => String,
        ValueKind.Bytes => Bytes,
        ValueKind.DateTime => Timestamp,
        ValueKind.Date => Date,
        ValueKind.Time => Time,
        ValueKind.Duration => Duration,
        ValueKind.Uuid => Uuid,
        ValueKind.Json or ValueKind.List or ValueKind.Map => Dyn,
        _ => throw new InvalidOperationException($"values of kind {kind} have no type of their own"),
    };

    public sealed override string ToString() => Name;
}

enum CelKind
{
    Null,
    Dyn,
    Bool,
    Int,
    Uint,
    Double,
    Decimal,
    String,
    Bytes,
    Timestamp,
    Duration,
    Date,
    Time,
    Uuid,
    List,
    Map,
    Struct,
    Record,
    Records,
    Auth,
    Request,
}

sealed record PlainType(CelKind PlainKind) : CelType
{
    public override string Name => PlainKind.ToString().ToLowerInvariant();
}

/// <summary>Scaled integers: the scale is static, so that evaluator and database align the same way.</summary>
sealed record DecimalCelType(int Scale) : CelType
{
    public const int ScaleMax = 18;

    public override string Name => "decimal";
}

/// <summary>Text that is one word of a closed set: an enum, or the tag of a union.</summary>
sealed record WordType(string EnumName, System.Collections.Immutable.ImmutableArray<string> Words) : CelType
{
    public override string Name => EnumName;

    public bool Equals(WordType? other) => other is not null && string.Equals(EnumName, other.EnumName, StringComparison.Ordinal);

    public override int GetHashCode() => EnumName.GetHashCode(StringComparison.Ordinal);
}

sealed record ListType(CelType Element) : CelType
{
    public override string Name => $"list({Element.Name})";
}

/// <summary>Keys are strings.</summary>
sealed record MapType(CelType Value) : CelType
{
    public override string Name => $"map(string, {Value.Name})";
}

sealed record StructType(EmbeddedType Type) : CelType
{
    public override string Name => Type.Name;
}

sealed record UnionStructType(UnionType Union) : CelType
{
    public override string Name => Union.Name;
}

/// <summary>One row of a model.</summary>
sealed record RecordType(Model Model) : CelType
{
    public override string Name => Model.Name;
}

/// <summary>The rows at the far end of a to-many relation.</summary>
sealed record RecordsType(Model Model) : CelType
{
    public override string Name => $"list({Model.Name})";
}

sealed record AuthType(AuthShape? Shape) : CelType
{
    public override string Name => "auth";
}

sealed record RequestType : CelType
{
    public override string Name => "request";
}
