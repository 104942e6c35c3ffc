using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// Retention: the payloads of events up to a position are taken away, what happened to what and when stays, and so do the digests, so that
/// the chain of hashes still holds. Payloads that tell of names, of whole models, stay: later events are read by them.
/// </summary>
static class LogCut
{
    public const string Table = "plinth_log_cut";

    /// <summary>The last position whose payloads were taken away, 0 when none were, as an expression.</summary>
    public const string At = $"coalesce((select position from {Table} where id = 1), 0)";

    /// <summary>Events of one transaction.</summary>
    const int EventsMax = 10_000;

    const string Find = $"select position from {Table} where id = 1";

    // What is gone stays gone, whoever cuts last.
    const string Save = $"insert into {Table} (id, position) values (1, ?1) on conflict (id) do update "
        + $"set position = excluded.position where excluded.position > {Table}.position";

    const string Remove = $"update {LogTables.Events} set data = null, salt = null where position > ?1 and position <= ?2 "
        + "and record_id <> '' and data is not null";

    const string LastCommit =
        $"select first_position + count - 1, at, hash from {LogTables.Commits} where first_position + count - 1 <= ?1 "
        + "and first_position <= ?1 order by first_position desc limit 1";

    const string CommitOf = $"select first_position + count - 1, at, hash from {LogTables.Commits} where first_position <= ?1 "
        + "order by first_position desc limit 1";

    /// <summary>The last position whose payloads were taken away; 0 when none were.</summary>
    public static long Position(Connection connection) =>
        // A database of an earlier version, which is only looked at, may have no place for it.
        connection.Tables().ContainsKey(Table) ? connection.ScalarInt64(Find) ?? 0 : 0;

    /// <summary>The last whole transaction up to a position; null when there is none.</summary>
    public static LogHead? HeadAt(Connection connection, long position) => Head(connection, LastCommit, position);

    /// <summary>The transaction that a position belongs to; null when it is of none.</summary>
    public static LogHead? HeadOf(Connection connection, long position) => Head(connection, CommitOf, position);

    static LogHead? Head(Connection connection, string sql, long position)
    {
        using Statement select = connection.Prepare(sql);
        select.BindInt64(1, position);
        return select.Step() ? new LogHead(select.ColumnInt64(0), select.ColumnInt64(1), select.ColumnBytes(2).ToArray()) : null;
    }

    /// <summary>Takes the payloads away up to a position, a part at a time; what is done stays done when it is stopped.</summary>
    /// <returns>How many were taken away.</returns>
    public static async Task<Result<long>> RunAsync(EventStore store, long upTo, Action<long>? progress, CancellationToken cancel)
    {
        long removed = 0, from;
        using (ReadLease lease = store.Database.Read(cancel)) from = Position(lease.Connection);
        while (from < upTo)
        {
            long to = Math.Min(upTo, from + EventsMax);
            Result<long> part = await store.Committer.RunAsync(Part(from, to), cancel).ConfigureAwait(false);
            if (part.Failed(out Fault? fault, out long count)) return fault;
            removed += count;
            from = to;
            progress?.Invoke(to);
        }
        return removed;
    }

    static WriteUnit<long> Part(long after, long upTo) => new WriteAction<long>(transaction =>
    {
        // The place first: whoever reads what is gone finds that it is.
        Place(transaction, upTo);
        using Statement remove = transaction.Prepare(Remove);
        remove.BindInt64(1, after);
        remove.BindInt64(2, upTo);
        remove.Run();
        return transaction.Connection.RowsConcerned;
    });

    /// <summary>Says that the payloads up to a position are gone.</summary>
    public static void Place(WriteTransaction transaction, long upTo)
    {
        transaction.CutAt(upTo);
        using Statement save = transaction.Prepare(Save);
        save.BindInt64(1, upTo);
        save.Run();
    }
}
