using Plinth.Schema;

namespace Plinth.Log;

/// <summary>
/// One change of one record (or, for <see cref="EventKinds.Migrated"/>, of all records of a model), as the log keeps it. A command makes
/// it; the committer gives it its place. Immutable once committed, so followers share it.
/// </summary>
sealed class LogEvent
{
    /// <summary>Its place in the log, from 1, dense, in commit order; 0 until the end of its transaction.</summary>
    public long Position { get; internal set; }

    /// <summary>Its place in its transaction, from 0.</summary>
    public int Ordinal { get; internal set; }

    /// <summary>The transaction that committed it.</summary>
    public Guid TransactionId { get; internal set; }

    public required Guid EventId { get; init; }

    /// <summary>The model's name at the time.</summary>
    public required string Model { get; init; }

    /// <summary>The text form of the key, parts joined by commas; empty for events of a whole model.</summary>
    public required string RecordId { get; init; }

    /// <summary>The record's hidden version after the change; 0 for events of a whole model.</summary>
    public required long Version { get; init; }

    /// <summary>One of <see cref="EventKinds"/>, or a declared kind.</summary>
    public required string Kind { get; init; }

    /// <summary>The stored payload: UTF-8 JSON by API name, secret values sealed. Null once purging or retention has removed it.</summary>
    public required byte[]? Data { get; internal set; }

    /// <summary>SHA-256 of the stored payload; stays when the payload goes.</summary>
    public required byte[] Digest { get; init; }

    /// <summary>
    /// What the personal values of the payload are sealed with, besides the key: whoever takes it away erases them, and the digest stays
    /// true. Null where there are none, or none any more.
    /// </summary>
    public byte[]? Salt { get; internal set; }

    /// <summary>
    /// The record of another model that the personal values are about: its model, a colon, its id. Null where they are about the record
    /// itself.
    /// </summary>
    public string? Subject { get; init; }

    /// <summary>Who did it: a subject, "system", or null for an anonymous caller.</summary>
    public string? Actor { get; init; }

    public string? TenantId { get; init; }

    /// <summary>Microseconds since 1970-01-01T00:00:00Z; never below that of an earlier position.</summary>
    public long At { get; internal set; }

    /// <summary>What made it happen: a request id, a migration, a parent's event.</summary>
    public string? Cause { get; init; }

    /// <summary>Version of the schema under which it was decided.</summary>
    public required int SchemaVersion { get; init; }

    /// <summary>
    /// The record's values, after the change or, where it is gone, as they were last. In memory alone and until the commit is settled:
    /// caches learn from them what a change concerns. Null of events that were read from the log, and of those of a whole model.
    /// </summary>
    internal Value[]? Row { get; set; }

    /// <summary>The values before, where there are others than <see cref="Row"/>.</summary>
    internal Value[]? RowBefore { get; set; }

    /// <summary>The commit is settled; followers may hold the event for long.</summary>
    internal void ForgetRows() => (Row, RowBefore) = (null, null);

    /// <summary>
    /// The whole record before and after, as the writer of this process had them, by ordinal of the fields; nobody changes them. Not kept:
    /// null of an event that was read from the log.
    /// </summary>
    public (Value[]? Before, Value[]? After)? Rows { get; init; }
}

/// <summary>The events of a group that is about to be committed.</summary>
/// <param name="Events">In order; of a very long transaction the last ones.</param>
/// <param name="Position">Of the last one.</param>
/// <param name="IsWhole">There were no others: none was written out before.</param>
readonly record struct Announcement(IReadOnlyList<LogEvent> Events, long Position, bool IsWhole);

/// <summary>The kinds of events that the engine itself writes.</summary>
static class EventKinds
{
    /// <summary><c>set</c>: the whole row.</summary>
    public const string Created = "created";

    /// <summary><c>set</c>: the changed fields; <c>was</c>: their previous values.</summary>
    public const string Updated = "updated";

    /// <summary>Soft: <c>set</c> and <c>was</c> of the fields that mark it. Hard: <c>was</c>, the whole row, without <c>set</c>.</summary>
    public const string Deleted = "deleted";

    /// <summary>Like <see cref="Updated"/>, of the fields that marked the deletion.</summary>
    public const string Restored = "restored";

    /// <summary>The record is gone for good, and the payloads of its earlier events with it.</summary>
    public const string Purged = "purged";

    /// <summary>
    /// What is personal is gone from the record and from all that the log says of it. <c>set</c>: the whole row as it is since; without it,
    /// the record was gone before.
    /// </summary>
    public const string Erased = "erased";

    /// <summary>
    /// Of a whole model: <c>set</c> gives every record a field's value, <c>renamed</c> and <c>dropped</c> tell what became of names.
    /// </summary>
    public const string Migrated = "migrated";
}
