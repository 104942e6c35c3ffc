using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>A follower's row, for operators.</summary>
/// <param name="Error">Why it is parked; null when it is not.</param>
/// <param name="FailedAt">Position of the event that it failed over.</param>
sealed record FollowerRow(string Name, long Position, string? Error, long FailedAt);

/// <summary>The right to lead a follower, and where it goes on.</summary>
readonly record struct FollowerClaim(long Term, long Position);

/// <summary>
/// <c>plinth_followers</c>: how far durable followers have come and which node leads each. Whoever takes the lead raises the term; what a
/// former leader still sends bears an older one and changes nothing. Leases run by the database's clock, so nodes' clocks may differ.
/// </summary>
static class FollowerTable
{
    const string Insert = $"insert into {LogTables.Followers} (name, position, term, lease_until, failed_at) values (?1, ?2, 0, 0, 0) "
        + "on conflict (name) do nothing";

    const string Release = $"update {LogTables.Followers} set lease_until = 0 where name = ?1 and term = ?2";

    const string SelectPosition = $"select position from {LogTables.Followers} where name = ?1";

    const string SelectAll = $"select name, position, error, failed_at from {LogTables.Followers} order by name";

    static string Claimable(Dialect dialect) =>
        $"name = ?1 and (?2 = 1 or lease_until < {dialect.Clock}) and (?3 = 1 or error is null)";

    /// <summary>Takes the lead when it is free; answers null when it is not.</summary>
    /// <param name="dialect">Whose clock counts.</param>
    /// <param name="name">Of the follower.</param>
    /// <param name="after">Where a new follower starts.</param>
    /// <param name="lease">How long the lead lasts without being renewed.</param>
    /// <param name="isForced">No other process can lead, whatever the lease of one that ended says.</param>
    /// <param name="isFresh">This process has not tried yet, so it also takes one that is parked.</param>
    public static WriteUnit<FollowerClaim?> Claim(
        Dialect dialect, string name, long after, TimeSpan lease, bool isForced, bool isFresh) =>
        new WriteAction<FollowerClaim?>(transaction =>
        {
            using (Statement insert = transaction.Prepare(Insert))
            {
                insert.BindText(1, name);
                insert.BindInt64(2, after);
                insert.Run();
            }

            using Statement claim = transaction.Prepare($"update {LogTables.Followers} set term = term + 1, error = null, failed_at = 0, "
                + $"lease_until = {dialect.Clock} + ?4 where {Claimable(dialect)} returning term, position");
            claim.BindText(1, name);
            claim.BindInt64(2, isForced ? 1 : 0);
            claim.BindInt64(3, isFresh ? 1 : 0);
            claim.BindInt64(4, (long)lease.TotalMicroseconds);
            FollowerClaim? taken = null;
            while (claim.Step()) taken = new FollowerClaim(claim.ColumnInt64(0), claim.ColumnInt64(1));
            return taken;
        });

    /// <summary>Whether <see cref="Claim"/> would take it, asked without writing.</summary>
    public static bool IsFree(Connection reader, Dialect dialect, string name, bool isFresh)
    {
        using Statement select = reader.Prepare(
            $"select count(*) from {LogTables.Followers} where name = ?1 and not ({Claimable(dialect)})");
        select.BindText(1, name);
        select.BindInt64(2, 0);
        select.BindInt64(3, isFresh ? 1 : 0);
        select.Step();
        return select.ColumnInt64(0) == 0;
    }

    /// <summary>
    /// Does a follower's writing and moves its position, in one transaction; false, and nothing is done, when another leads by now, or the
    /// position is not where it was left: the database was put back, or an answer was lost and this was done already.
    /// </summary>
    public static WriteUnit<bool> Advance(
        Dialect dialect, string name, long term, long from, long position, TimeSpan lease, Action<WriteTransaction>? apply) =>
        new WriteAction<bool>(transaction =>
        {
            using (Statement advance = transaction.Prepare($"update {LogTables.Followers} set position = ?3, "
                + $"lease_until = {dialect.Clock} + ?4 where name = ?1 and term = ?2 and position = ?5"))
            {
                advance.BindText(1, name);
                advance.BindInt64(2, term);
                advance.BindInt64(3, position);
                advance.BindInt64(4, (long)lease.TotalMicroseconds);
                advance.BindInt64(5, from);
                advance.Run();
            }

            if (transaction.Connection.RowsConcerned != 1) return false;
            apply?.Invoke(transaction);
            return true;
        });

    /// <summary>Keeps the lead; false when another has it by now.</summary>
    public static WriteUnit<bool> Renew(Dialect dialect, string name, long term, TimeSpan lease) => new WriteAction<bool>(transaction =>
    {
        using (Statement renew = transaction.Prepare(
            $"update {LogTables.Followers} set lease_until = {dialect.Clock} + ?3 where name = ?1 and term = ?2"))
        {
            renew.BindText(1, name);
            renew.BindInt64(2, term);
            renew.BindInt64(3, (long)lease.TotalMicroseconds);
            renew.Run();
        }

        return transaction.Connection.RowsConcerned == 1;
    });

    /// <summary>Keeps why a follower stands still, for whoever looks.</summary>
    public static WriteUnit<Done> Park(string name, long term, string error, long failedAt) => new WriteAction<Done>(transaction =>
    {
        using Statement park = transaction.Prepare(
            $"update {LogTables.Followers} set error = ?3, failed_at = ?4, lease_until = 0 where name = ?1 and term = ?2");
        park.BindText(1, name);
        park.BindInt64(2, term);
        park.BindText(3, error);
        park.BindInt64(4, failedAt);
        park.Run();
        return Done.It;
    });

    /// <summary>
    /// Lets a parked follower go on: whoever may lead it takes it up at its next look. False when none of the name is parked.
    /// </summary>
    /// <param name="name">Of the follower.</param>
    /// <param name="skips">Behind the event that it failed over, instead of with it.</param>
    public static WriteUnit<bool> Unpark(string name, bool skips) => new WriteAction<bool>(transaction =>
    {
        using Statement unpark = transaction.Prepare($"update {LogTables.Followers} set error = null, failed_at = 0, lease_until = 0"
            + (skips ? ", position = failed_at" : "") + " where name = ?1 and error is not null");
        unpark.BindText(1, name);
        unpark.Run();
        return transaction.Connection.RowsConcerned == 1;
    });

    /// <summary>Gives the lead up, so that another need not wait for the lease.</summary>
    public static WriteUnit<Done> Leave(string name, long term) => new WriteAction<Done>(transaction =>
    {
        using Statement release = transaction.Prepare(Release);
        release.BindText(1, name);
        release.BindInt64(2, term);
        release.Run();
        return Done.It;
    });

    /// <summary>Where a follower goes on; 0 when it never began.</summary>
    public static long Position(Connection reader, string name)
    {
        using Statement select = reader.Prepare(SelectPosition);
        select.BindText(1, name);
        return select.Step() ? select.ColumnInt64(0) : 0;
    }

    public static IReadOnlyList<FollowerRow> All(Connection reader)
    {
        using Statement select = reader.Prepare(SelectAll);
        List<FollowerRow> rows = [];
        while (select.Step())
        {
            rows.Add(new FollowerRow(select.ColumnText(0), select.ColumnInt64(1), select.ColumnTextOrNull(2), select.ColumnInt64(3)));
        }

        return rows;
    }
}
