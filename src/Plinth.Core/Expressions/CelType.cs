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
        OptionalType => CelKind.Optional,
        TypeType => CelKind.Type,
        AbstractType => CelKind.Abstract,
        TypeParameter => CelKind.Parameter,
        RecordType => CelKind.Record,
        RecordsType => CelKind.Records,
        AuthType => CelKind.Auth,
        RequestType => CelKind.Request,
        _ => throw new InvalidOperationException($"no kind for {GetType().Name}"),
    };

    public bool IsNumeric => Kind is CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.Decimal;

    /// <summary>Whether values of the type have an order.</summary>
    public bool IsOrdered => Kind < CelKind.List && Kind != CelKind.Null;

    /// <summary>A value that can be stored, compared or put into a list; records and the caller are no values.</summary>
    public bool IsValue => Kind < CelKind.Record;

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
    Optional,
    Type,
    Abstract,
    Parameter,
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

    /// <summary>In a signature: a decimal of whatever scale.</summary>
    public static readonly DecimalCelType AnyScale = new(-1);

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

sealed record MapType(CelType Key, CelType Value) : CelType
{
    public override string Name => $"map({Key.Name}, {Value.Name})";
}

/// <summary>A value that may not be there, by CEL's optional extension.</summary>
sealed record OptionalType(CelType Value) : CelType
{
    public override string Name => $"optional_type({Value.Name})";
}

/// <summary>The type of types, as <c>type(x)</c> gives them.</summary>
sealed record TypeType(CelType Named) : CelType
{
    public override string Name => $"type({Named.Name})";
}

/// <summary>A type that an environment declares and nobody looks into.</summary>
sealed record AbstractType(string TypeName, System.Collections.Immutable.ImmutableArray<CelType> Parameters) : CelType
{
    public override string Name =>
        Parameters.IsEmpty ? TypeName : $"{TypeName}({string.Join(", ", Parameters.Select(p => p.Name))})";

    public bool Equals(AbstractType? other) =>
        other is not null && string.Equals(TypeName, other.TypeName, StringComparison.Ordinal)
            && Parameters.SequenceEqual(other.Parameters);

    public override int GetHashCode() => TypeName.GetHashCode(StringComparison.Ordinal);
}

/// <summary>A type to be found while an expression is checked: the element of an empty list, the A of a function's signature.</summary>
sealed record TypeParameter(int Id) : CelType
{
    public override string Name => $"_{Id.ToString(System.Globalization.CultureInfo.InvariantCulture)}";
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
