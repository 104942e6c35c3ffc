using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Schema;

enum ReferentialAction
{
    /// <summary>Refuse while children live (the default).</summary>
    Restrict,
    Cascade,
    SetNull,
}

/// <summary>
/// One side of a relation. The side that holds the key (<see cref="IsToOne"/>, "owning") names <see cref="Fields"/> of its own model
/// and <see cref="References"/> of the target; the other side mirrors them: its Fields are the target's References.
/// So for both sides: <c>this.Fields[i] == target.References[i]</c>.
/// </summary>
sealed record Relation
{
    public required string Name { get; init; }

    /// <summary>The model this side belongs to.</summary>
    public required string Model { get; init; }

    /// <summary>The model it leads to.</summary>
    public required string Target { get; init; }

    /// <summary>This side holds the foreign key.</summary>
    public required bool IsOwning { get; init; }

    /// <summary>At most one record at the other end (always when owning; the other side only when the key is unique).</summary>
    public required bool IsToOne { get; init; }

    /// <summary>No record may be at the other end (owning side: the key is nullable).</summary>
    public bool IsOptional { get; init; }

    /// <summary>Names of fields of <see cref="Model"/>.</summary>
    public required ImmutableArray<string> Fields { get; init; }

    /// <summary>Names of fields of <see cref="Target"/>.</summary>
    public required ImmutableArray<string> References { get; init; }

    /// <summary>The name of the other side, when it is declared.</summary>
    public string? Inverse { get; init; }

    /// <summary>What deleting the referred record does to the holder of the key. The same on both sides.</summary>
    public ReferentialAction OnDelete { get; init; }

    /// <summary>What changing the referred key does (keys other than the id can change).</summary>
    public ReferentialAction OnUpdate { get; init; }

    public string? Doc { get; init; }

    public string? Deprecated { get; init; }

    public Span Span { get; init; }
}
