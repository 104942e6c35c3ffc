using System.Collections.Immutable;

namespace Plinth.Plan;

/// <summary>A question about the log: texts as they came, all that is given holds.</summary>
sealed record AuditRequest
{
    /// <summary>A model's name.</summary>
    public string? Model { get; init; }

    /// <summary>With a model: the parts of a record's key, decoded.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    public string? Actor { get; init; }

    /// <summary>Of which kind the events are: <c>created</c>, <c>updated</c>, <c>deleted</c> …</summary>
    public string? Operation { get; init; }

    /// <summary>Only who belongs to no tenant can ask for one.</summary>
    public string? Tenant { get; init; }

    /// <summary>A time or a position: events at it and after it.</summary>
    public string? From { get; init; }

    /// <summary>A time or a position: events up to it.</summary>
    public string? To { get; init; }

    /// <summary><c>page.next</c> of a page before.</summary>
    public long? After { get; init; }

    /// <summary>Null: the schema's page size.</summary>
    public int? Limit { get; init; }

    /// <summary>Else the newest come first.</summary>
    public bool OldestFirst { get; init; }
}
