using System.Collections.Immutable;

namespace Plinth.Plan;

/// <summary>
/// A change as any surface states it. Bodies are UTF-8 JSON (other wire forms are transcoded at the edge) and are read against the model
/// by the planner.
/// </summary>
sealed record Command
{
    public required string Model { get; init; }

    public required CommandKind Kind { get; init; }

    /// <summary>The parts of the key as the URL has them, decoded; empty for creates and filtered writes.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>The record, or its merge patch (RFC 7396), or an array of records for <see cref="CommandKind.CreateMany"/>.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Filtered writes.</summary>
    public string? Filter { get; init; }

    public ImmutableArray<ShortFilter> ShortFilters { get; init; } = [];

    /// <summary>The version part of If-Match, when one was sent; "*" is <see cref="AnyVersion"/>.</summary>
    public long? IfVersion { get; init; }

    public bool AnyVersion { get; init; }

    /// <summary>Upsert by this unique key (its fields' names joined by commas, or the key's name) instead of the primary key.</summary>
    public string? On { get; init; }

    /// <summary><c>Prefer: return=minimal</c>.</summary>
    public bool Minimal { get; init; }

    public IdempotencyKey? Idempotency { get; init; }

    /// <summary>
    /// The product's own work (a password's hash, the end of a session): the body may name what no caller ever writes. Only for the
    /// system; no surface can say it.
    /// </summary>
    public bool AsServer { get; init; }

    /// <summary>Objects in the body stand for whole values: they are not merged into what is stored.</summary>
    public bool ReplacesValues { get; init; }
}

enum CommandKind
{
    Create,
    CreateMany,
    Update,
    UpdateMany,
    Upsert,
    Delete,
    DeleteMany,
    Restore,
    Purge,
}

/// <summary>
/// Scope and key under which a committed answer is kept; the digest tells whether a repeated key comes with the same request.
/// </summary>
sealed record IdempotencyKey(string Scope, string Key, ImmutableArray<byte> RequestDigest);
