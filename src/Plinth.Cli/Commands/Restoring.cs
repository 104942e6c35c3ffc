using Plinth.Store;
using Plinth.Store.Sqlite;

namespace Plinth.Cli.Commands;

/// <summary>Looks at a backup before anything is replaced by it.</summary>
static class Restoring
{
    /// <summary>Why the file is no sound database, or null. It is looked at in a copy: opening may write beside the file.</summary>
    public static string? Refusal(string path)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("plinth-restore-");
        try
        {
            StoreOptions options = new() { Folder = folder.FullName, ReadOnly = true };
            File.Copy(path, options.File);
            using Database database = SqliteDatabase.Open(options, TimeProvider.System);
            return database.CheckIntegrity() is [var first, ..] ? first : null;
        }
        catch (StoreException failure)
        {
            return failure.Message;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
