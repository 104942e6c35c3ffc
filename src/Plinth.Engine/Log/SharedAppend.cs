using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// The end of a group's transaction where other processes append as well: one statement takes the row of the head, whose lock decides whose
/// turn it is until the commit, and writes the events with their positions, the transaction's row and its hash. It needs no knowledge of
/// where the log ends, so that nothing is asked before it and the commit goes along with it: one way to the server and back.
/// </summary>
/// <remarks>
/// The hash is made by the database from the same bytes as <see cref="EventLog"/> makes it from, since position and time are known only
/// under the lock: the row of the head is read by the update itself, which waits for its turn and then sees the row as it is by then.
/// </remarks>
static class SharedAppend
{
    const string Text = $"""
        with head as (
          update {LogTables.Head} set position = position + ?1, at = greatest(at, ?2),
            hash = sha256(hash || (select string_agg(
              int8send(position + e.n) || int8send(e.version) || int8send(greatest(at, ?2)) || e.rest, ''::bytea order by e.n)
              from unnest(?3::bigint[], ?4::bytea[]) with ordinality e(version, rest, n)))
          where id = 1 returning position - ?1 as before, at, hash),
        placed as (
          insert into {LogTables.Events} (position, ordinal, tx_id, event_id, model, record_id, version, kind, data, digest, actor,
            tenant_id, at, cause, schema_version, salt, subject)
          select head.before + e.n, e.n - 1, ?5, e.event_id, e.model, e.record_id, e.version, e.kind, e.data, e.digest, e.actor,
            e.tenant_id, head.at, e.cause, e.schema_version, e.salt, e.subject
          from head, unnest(?6::bytea[], ?7::text[], ?8::text[], ?3::bigint[], ?9::text[], ?10::bytea[], ?11::bytea[], ?12::text[],
            ?13::text[], ?14::text[], ?15::bigint[], ?16::bytea[], ?17::text[]) with ordinality
            e(event_id, model, record_id, version, kind, data, digest, actor, tenant_id, cause, schema_version, salt, subject, n)),
        told as (insert into {LogTables.Commits} (first_position, count, tx_id, at, hash) select before + 1, ?1, ?5, at, hash from head)
        select before, at, hash from head
        """;

    /// <summary>
    /// Binds a transaction's events; they get its id, and the rest of their place from the answer. Other processes are told with the
    /// commit.
    /// </summary>
    public static Statement Prepare(Connection connection, LogEvent[] events, long now)
    {
        Guid transactionId = Guid.CreateVersion7();
        for (int i = 0; i < events.Length; i++) (events[i].Ordinal, events[i].TransactionId) = (i, transactionId);
        connection.Tell();
        Statement append = connection.Prepare(Text);
        append.BindInt64(1, events.Length);
        append.BindInt64(2, now);
        append.BindArray(3, Array.ConvertAll(events, static e => e.Version));
        append.BindArray(4, Unplaced(events));
        append.BindBytes(5, transactionId.ToByteArray(bigEndian: true));
        append.BindArray(6, Array.ConvertAll(events, static e => (byte[]?)e.EventId.ToByteArray(bigEndian: true)));
        append.BindArray(7, Array.ConvertAll(events, static e => (string?)e.Model));
        append.BindArray(8, Array.ConvertAll(events, static e => (string?)e.RecordId));
        append.BindArray(9, Array.ConvertAll(events, static e => (string?)e.Kind));
        append.BindArray(10, Array.ConvertAll(events, static e => e.Data));
        append.BindArray(11, Array.ConvertAll(events, static e => (byte[]?)e.Digest));
        append.BindArray(12, Array.ConvertAll(events, static e => e.Actor));
        append.BindArray(13, Array.ConvertAll(events, static e => e.TenantId));
        append.BindArray(14, Array.ConvertAll(events, static e => e.Cause));
        append.BindArray(15, Array.ConvertAll(events, static e => (long)e.SchemaVersion));
        append.BindArray(16, Array.ConvertAll(events, static e => e.Salt));
        append.BindArray(17, Array.ConvertAll(events, static e => e.Subject));
        return append;
    }

    /// <summary>Reads where the events stand, and gives the head that they made.</summary>
    public static LogHead Place(Statement append, LogEvent[] events) => append.Step()
        ? Place(events, append.ColumnInt64(0), append.ColumnInt64(1), append.ColumnBytes(2))
        : throw new StoreException(StoreFailure.Corrupt, "The log has no head.");

    public static LogHead Place(LogEvent[] events, long before, long at, ReadOnlySpan<byte> hash)
    {
        for (int i = 0; i < events.Length; i++) (events[i].Position, events[i].At) = (before + 1 + i, at);
        return new LogHead(before + events.Length, at, hash.ToArray());
    }

    static byte[]?[] Unplaced(LogEvent[] events)
    {
        byte[]?[] all = new byte[events.Length][];
        using ByteOutput rest = new(256);
        for (int i = 0; i < events.Length; i++)
        {
            rest.Clear();
            EventLog.WriteUnplaced(rest, events[i]);
            all[i] = rest.ToArray();
        }

        return all;
    }
}
