using System.Collections.Immutable;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Schema;

/// <summary>What one field holds, before arity (optional, list) is looked at.</summary>
abstract record FieldType
{
    private protected FieldType()
    {
    }

    /// <summary>As written in the schema language.</summary>
    public abstract string Name { get; }
}

sealed record ScalarFieldType(ScalarType Scalar) : FieldType
{
    public override string Name => Scalar.Name;
}

/// <summary>One word of a closed set, stored as text.</summary>
sealed record EnumFieldType(EnumType Enum) : FieldType
{
    public override string Name => Enum.Name;
}

/// <summary>An embedded value, stored as JSON.</summary>
sealed record EmbeddedFieldType(string TypeName) : FieldType
{
    public override string Name => TypeName;
}

/// <summary>One of several embedded types, told apart by its member <c>type</c>; stored as JSON.</summary>
sealed record UnionFieldType(string UnionName) : FieldType
{
    public override string Name => UnionName;
}

sealed record EnumType(string Name, ImmutableArray<string> Values)
{
    public string? Doc { get; init; }

    public Span Span { get; init; }
}

/// <summary>A value type: fields without identity, embedded in records as JSON.</summary>
sealed record EmbeddedType(string Name, ImmutableArray<Field> Fields)
{
    public string? Doc { get; init; }

    public Span Span { get; init; }

    public Field? Field(string name) => Fields.FirstOrDefault(f => string.Equals(f.Name, name, StringComparison.Ordinal));
}

/// <summary>Variants are names of embedded types; the tag on the wire is the name as written.</summary>
sealed record UnionType(string Name, ImmutableArray<string> Variants)
{
    public string? Doc { get; init; }

    public Span Span { get; init; }
}
