using System.Security.Cryptography;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// That the processes that share a database hold the same keys: each leaves a proof of its first key, or finds the one that is there.
/// With another key a node would seal what no other can open, and sign cursors that no other takes.
/// </summary>
static class KeyProof
{
    const string Table = "plinth_keys";

    const string Leave = $"insert into {Table} (id, proof) values (1, ?1) on conflict (id) do nothing";

    const string Find = $"select proof from {Table} where id = 1";

    /// <exception cref="StoreException">The database was made with another key than the data folder's.</exception>
    public static void Require(Database database, LogKeys keys)
    {
        Connection connection = database.Writer;
        Dialect dialect = database.Dialect;
        byte[] proof = keys.Derive("proof");
        connection.Define(() =>
        {
            connection.Execute($"create table if not exists {Table} (id {dialect.ColumnType(ValueKind.Int)} not null primary key, "
                + $"proof {dialect.ColumnType(ValueKind.Bytes)} not null)");
            using (Statement leave = connection.Prepare(Leave))
            {
                leave.BindBytes(1, proof);
                leave.Run();
            }

            using (Statement find = connection.Prepare(Find))
            {
                // One is there: it was just left, or had been.
                find.Step();
                if (!CryptographicOperations.FixedTimeEquals(find.ColumnBytes(0), proof))
                {
                    throw new StoreException(StoreFailure.Unavailable,
                        $"The key file in {database.Options.Folder} is another than the one that this database was made with: "
                        + "copy master.key from the data folder of a node that serves it.");
                }
            }
        });
    }
}
