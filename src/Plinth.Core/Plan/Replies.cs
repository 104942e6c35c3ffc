using System.Collections.Immutable;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>The answer to a query: one JSON document, and what the edge needs to make headers of it. Dispose returns the buffer.</summary>
sealed class ReadReply(ByteOutput body) : IDisposable
{
    /// <summary>Get: the record. List: <c>{items, page}</c>. Aggregate: <c>{groups}</c>.</summary>
    public ByteOutput Body { get; } = body;

    /// <summary>Of a single record: its hidden version, the first part of the ETag. 0 for others.</summary>
    public long Version { get; init; }

    /// <summary>The representation depends on more than the record's version (includes): a body hash joins the ETag.</summary>
    public bool NeedsBodyHash { get; init; }

    /// <summary>Log position up to which the answer is known to be current.</summary>
    public long Position { get; init; }

    public Timings Timings { get; init; }

    public void Dispose() => Body.Dispose();
}

/// <summary>The outcome of a committed command.</summary>
sealed record WriteReply : IDisposable
{
    public required WriteOutcome Outcome { get; init; }

    /// <summary>
    /// The record after (or the array, or <c>{matched, changed}</c>, or <c>{created}</c>); null when nothing may or should be shown.
    /// </summary>
    public ByteOutput? Body { get; init; }

    public long Version { get; init; }

    /// <summary>The representation depends on more than the record's version (rules of fields): a body hash joins the ETag.</summary>
    public bool NeedsBodyHash { get; init; }

    /// <summary>The key's text parts, for Location; empty where there is no one record.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    public long Position { get; init; }

    /// <summary>The answer of an earlier request with the same idempotency key.</summary>
    public bool IsReplayed { get; init; }

    public Timings Timings { get; init; }

    public void Dispose() => Body?.Dispose();
}

enum WriteOutcome
{
    Created,
    Updated,
    Deleted,
    Restored,
    Purged,

    /// <summary>Filtered writes and creates of many.</summary>
    Many,
}

/// <summary>Microseconds spent per stage and SQL statements run: the Server-Timing header.</summary>
readonly record struct Timings(int Plan, int Sql, int Transaction, int Reply, int Statements, bool CacheHit = false);
