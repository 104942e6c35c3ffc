using Plinth.Store;
using Plinth.Store.Sqlite;

namespace Plinth.Cli.Commands;

/// <summary>Looks at a backup before anything is replaced by it.</summary>
static class Restoring
{
    /// <summary>Why the database of a folder of its own is not sound, or null. It is closed, and in one file, afterwards.</summary>
    public static string? Refusal(StoreOptions options)
    {
        try
        {
            using Database database = SqliteDatabase.Open(options, TimeProvider.System);
            return database.CheckIntegrity() is [var first, ..] ? first : null;
        }
        catch (StoreException failure)
        {
            return failure.Message;
        }
    }
}
