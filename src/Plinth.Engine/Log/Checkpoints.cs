using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>How far the named followers have come: what follows the log and keeps something of its own goes on from there.</summary>
static class Checkpoints
{
    const string Upsert = $"insert into {LogTables.Followers} (name, position) values (?1, ?2) "
        + "on conflict (name) do update set position = excluded.position";

    const string Select = $"select position from {LogTables.Followers} where name = ?1";

    /// <summary>A unit that saves a checkpoint; it makes no event.</summary>
    public static WriteUnit<Done> Save(string follower, long position) => new WriteAction<Done>(transaction =>
    {
        using Statement upsert = transaction.Prepare(Upsert);
        upsert.BindText(1, follower);
        upsert.BindInt64(2, position);
        upsert.Run();
        return Done.It;
    });

    /// <summary>The last position saved; 0 when there is none.</summary>
    public static long Read(Connection connection, string follower)
    {
        using Statement select = connection.Prepare(Select);
        select.BindText(1, follower);
        return select.Step() ? select.ColumnInt64(0) : 0;
    }
}
