using System.Collections.Immutable;

namespace Plinth.Plan;

/// <summary>
/// A query as any surface states it: names and texts, nothing checked yet. The front only splits; every name is resolved, and every
/// policy applied, by the planner.
/// </summary>
sealed record ReadRequest
{
    public required string Model { get; init; }

    public required ReadKind Kind { get; init; }

    /// <summary>For <see cref="ReadKind.Get"/>: the parts of the key as the URL has them, decoded.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>CEL text of <c>filter=</c>.</summary>
    public string? Filter { get; init; }

    /// <summary><c>?status=won&amp;score[gte]=10</c>: all of them hold, together with <see cref="Filter"/>.</summary>
    public ImmutableArray<ShortFilter> ShortFilters { get; init; } = [];

    /// <summary><c>-createdAt,title</c>, split.</summary>
    public ImmutableArray<SortKey> Sort { get; init; } = [];

    /// <summary>Null: the schema's page size.</summary>
    public int? Limit { get; init; }

    public string? After { get; init; }

    public string? Before { get; init; }

    public int? Offset { get; init; }

    /// <summary>Empty: every readable field. The key is always answered.</summary>
    public ImmutableArray<string> Select { get; init; } = [];

    public ImmutableArray<IncludeRequest> Include { get; init; } = [];

    public CountMode Count { get; init; }

    public string? Search { get; init; }

    public TrashMode Trashed { get; init; }

    public AggregateRequest? Aggregate { get; init; }

    /// <summary>A time or a position of the log: the records as they were then. Null: as they are.</summary>
    public string? AsOf { get; init; }

    /// <summary>It is to be kept up to date: without a limit it is the whole set, and no filter may look at the clock.</summary>
    public bool IsLive { get; init; }
}

enum ReadKind
{
    List,
    Get,
    Aggregate,
}

enum CountMode
{
    None,
    Exact,
    Estimated,
}

enum TrashMode
{
    Without,
    With,
    Only,
}

/// <param name="Field">A field, or a path over to-one relations with dots.</param>
/// <param name="Operator">eq, ne, lt, lte, gt, gte, in, nin, like (contains), starts, ends, null.</param>
/// <param name="Text">The text form of the value; for <c>in</c> and <c>nin</c> parts joined by commas.</param>
sealed record ShortFilter(string Field, string Operator, string Text);

/// <param name="Locale">A locale of <c>sort=name:locale</c>, where the dialect has it.</param>
sealed record SortKey(string Field, bool Descending, string? Locale = null);

/// <summary><c>comments(limit:5,sort:-createdAt,select:id+text,filter:…,include:author)</c></summary>
sealed record IncludeRequest(string Relation)
{
    public int? Limit { get; init; }

    public ImmutableArray<SortKey> Sort { get; init; } = [];

    public ImmutableArray<string> Select { get; init; } = [];

    public string? Filter { get; init; }

    public ImmutableArray<IncludeRequest> Include { get; init; } = [];
}

/// <summary><c>count</c>, <c>sum=amount</c>, <c>avg=…</c>, <c>min=…</c>, <c>max=…</c>, with <c>groupBy=stage,owner</c>.</summary>
sealed record AggregateRequest(ImmutableArray<string> GroupBy, bool Count, ImmutableArray<AggregateTerm> Terms);

/// <param name="Function">sum, avg, min or max.</param>
sealed record AggregateTerm(string Function, string Field);
