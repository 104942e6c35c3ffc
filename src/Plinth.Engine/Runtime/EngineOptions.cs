using System.Collections.Immutable;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>How an engine is opened.</summary>
sealed record EngineOptions
{
    public required StoreOptions Store { get; init; }

    /// <summary>Opens the database of the kind that the program was set to.</summary>
    public required Func<StoreOptions, TimeProvider, Database> OpenDatabase { get; init; }

    public Limits Limits { get; init; } = Limits.Default;

    /// <summary>Bring the tables to the schema when it is opened; else a difference refuses the start.</summary>
    public bool Migrate { get; init; }

    /// <summary>Keep the projections while it is open; else they are left to others.</summary>
    public bool KeepsProjections { get; init; } = true;

    /// <summary>Values of the claim <c>role</c> whose bearers may audit.</summary>
    public ImmutableArray<string> AuditRoles { get; init; } = ["admin", "auditor"];

    /// <summary>Roles (the claim <c>role</c>) whose holders may erase a person.</summary>
    public ImmutableArray<string> ErasureRoles { get; init; } = ["admin"];

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
