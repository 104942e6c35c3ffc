using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// On a server, other programs reach the tables too, and what they change never reaches the log. So the tables refuse them, unless the
/// database is set to let them in.
/// </summary>
static class TableGuards
{
    public static string[] TablesOf(AppSchema schema) => [.. schema.Models.Select(static model => model.Table)];

    /// <summary>Guards the tables, or lets others in, within a transaction that makes or changes tables.</summary>
    public static void Set(Connection connection, AppSchema schema)
    {
        foreach (string step in connection.GuardSteps(TablesOf(schema))) connection.Execute(step);
    }

    /// <summary>The same at the start, for tables of an earlier version, or after the setting has changed.</summary>
    public static async ValueTask RequireAsync(EventStore store, AppSchema schema, CancellationToken cancel)
    {
        if (store.Database.IsGuarded is null) return;
        using (ReadLease lease = store.Database.Read(cancel))
        {
            if (lease.Connection.GuardSteps(TablesOf(schema)).Count == 0) return;
        }

        Result<Done> set = await store.Committer.RunAsync(
            new WriteAction<Done>(
                transaction =>
                {
                    transaction.Connection.LockDefinitions();
                    Set(transaction.Connection, schema);
                    return Done.It;
                },
                isExclusive: true),
            cancel).ConfigureAwait(false);
        if (!set.IsOk) throw new StoreException(StoreFailure.Unavailable, $"The tables could not be guarded. {set.Fault.Message}");
    }
}
