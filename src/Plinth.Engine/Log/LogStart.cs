using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>The first event that is there and the last.</summary>
readonly record struct LogExtent(LogPoint First, LogPoint Last);

/// <summary>
/// Where the log begins, once its oldest transactions were taken away whole, events and hashes: a signed checkpoint of the last of them. It
/// is where following the chain begins from then on, and says that the log was made shorter by who has its keys, and by nobody else.
/// </summary>
static class LogStart
{
    public const string Table = "plinth_log_start";

    /// <summary>Rows that one transaction takes away.</summary>
    const int RowsMax = 5000;

    // It asks for the events as well: until the transaction ends, no part of them can be dropped.
    const string Select = $"select signed from {Table} where id = 1 and exists (select 1 from {LogTables.Events})";

    const string Save = $"insert into {Table} (id, position, signed) values (1, ?1, ?2) on conflict (id) do update "
        + $"set position = excluded.position, signed = excluded.signed where excluded.position > {Table}.position";

    /// <summary>What was signed of a position <c>low</c>, where the log begins after it, as an expression.</summary>
    public const string At = $"(select signed from {Table} where id = 1 and position = low)";

    const string SelectExtent = "select e.position, e.at, h.position, h.at from "
        + $"{LogTables.Head} h left join (select position, at from {LogTables.Events} order by position limit 1) e on 1 = 1 where h.id = 1";

    // What says nothing was signed by nobody.
    static readonly SignedCheckpoint s_unread = new(0, 0, [], [], []);

    /// <summary>The last transaction that is gone; null where the log begins with its first.</summary>
    public static SignedCheckpoint? Find(Connection connection)
    {
        // A database of an earlier version, which is only looked at, may have none.
        if (!connection.Tables().ContainsKey(Table)) return null;
        return connection.ScalarText(Select) is { } signed ? SignedCheckpoint.Read(signed) ?? s_unread : null;
    }

    /// <summary>
    /// Of a time before all events that are there the place in front of them is found, however long ago it is: who took away what came
    /// before has signed its time.
    /// </summary>
    /// <param name="position">That was found.</param>
    /// <param name="at">The time.</param>
    /// <param name="signed">Of the position, where the log begins after it.</param>
    /// <returns>The position, or one before it where the time is of what is gone.</returns>
    public static long Placed(long position, long at, string? signed) =>
        signed is not null && SignedCheckpoint.Read(signed) is { } begins && at < begins.At ? position - 1 : position;

    /// <summary>From which event to which the log is there.</summary>
    public static LogExtent Extent(Connection connection)
    {
        using Statement select = connection.Prepare(SelectExtent);
        if (!select.Step()) return default;
        LogPoint first = select.IsNull(0) ? default : new LogPoint(select.ColumnInt64(0), select.ColumnInt64(1));
        return new LogExtent(first, new LogPoint(select.ColumnInt64(2), select.ColumnInt64(3)));
    }

    /// <summary>
    /// Takes transactions away, oldest first, up to a position. Where the events are kept in parts, whole parts go, one step each however
    /// many events, and the start stays at the end of a part; else some thousands of rows at a time. The last transaction always stays.
    /// What is done stays done when it is stopped; what it left, the next call finds.
    /// </summary>
    /// <returns>The position that the log begins after.</returns>
    public static async Task<Result<long>> MoveAsync(EventStore store, long upTo, CancellationToken cancel)
    {
        bool isDivided = store.Database.LogPartEvents is not null;
        LogHead? last;
        long begins;
        using (ReadLease lease = store.Database.Read(cancel))
        {
            last = Last(lease.Connection, upTo, isDivided);
            begins = Find(lease.Connection)?.Position ?? 0;
        }
        if (last is not null && last.Position > begins)
        {
            begins = last.Position;
            WriteUnit<Done> begin = Begin(SignedCheckpoint.Sign(store.Keys, last));
            if ((await store.Committer.RunAsync(begin, cancel).ConfigureAwait(false)).Fault is { } refused) return refused;
        }
        if (isDivided && (await LogPartitions.DropAsync(store, begins, cancel).ConfigureAwait(false)).Fault is { } held) return held;
        foreach (var (table, column) in new[] { (LogTables.Events, "position"), (LogTables.Commits, "first_position") })
        {
            for (long removed = RowsMax; removed == RowsMax;)
            {
                Result<long> part = await store.Committer.RunAsync(Part(table, column, begins), cancel).ConfigureAwait(false);
                if (part.Failed(out Fault? fault, out removed)) return fault;
            }
        }
        return begins;
    }

    /// <summary>The last transaction that may go.</summary>
    static LogHead? Last(Connection connection, long upTo, bool isDivided)
    {
        // Of a log without any event nothing could be said: not even its time.
        LogHead? last = LogCut.HeadAt(connection, Math.Min(upTo, EventLog.ReadHead(connection).Position - 1));
        if (last is null || !isDivided) return last;
        // A transaction that goes on in the next part goes whole.
        long ended = LogPartitions.All(connection).Select(static part => part.Until - 1).LastOrDefault(until => until <= last.Position);
        return LogCut.HeadOf(connection, ended);
    }

    static WriteUnit<Done> Begin(SignedCheckpoint last) => new WriteAction<Done>(transaction =>
    {
        using (Statement save = transaction.Prepare(Save))
        {
            save.BindInt64(1, last.Position);
            save.BindText(2, last.Text());
            save.Run();
        }
        LogCut.Place(transaction, last.Position);
        return Done.It;
    });

    static WriteUnit<long> Part(string table, string column, long upTo) => new WriteAction<long>(transaction =>
    {
        using Statement remove = transaction.Prepare(
            $"delete from {table} where {column} in (select {column} from {table} where {column} <= ?1 order by {column} limit ?2)");
        remove.BindInt64(1, upTo);
        remove.BindInt64(2, RowsMax);
        remove.Run();
        return transaction.Connection.RowsConcerned;
    });
}
