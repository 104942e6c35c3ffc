namespace Plinth.Store.Sqlite;

/// <summary>
/// Puts another database in the place of the one in a data folder, whole or not at all, whatever happens on the way. The other one is made
/// ready in a workplace inside the folder. One rename decides: from then on the new file waits under a name that says so, and what is left
/// to do (the old write-ahead log goes, then the waiting file takes the database's name) is done by whoever opens the folder next, should
/// this process not live to do it. The folder is held from the first step to the last.
/// </summary>
sealed class SqliteReplacement : IDisposable
{
    const string WorkplaceName = "replacing";
    const string PendingSuffix = ".pending";

    readonly StoreOptions _options;
    readonly FolderLock _held;

    SqliteReplacement(StoreOptions options, FolderLock held) => (_options, _held) = (options, held);

    /// <summary>An empty folder in which a database is to be made, whole and closed, before <see cref="Commit"/>.</summary>
    public string Workplace => Path.Combine(_options.Folder, WorkplaceName);

    /// <summary>Takes the folder, which is made when absent, and completes what an earlier replacement began.</summary>
    /// <exception cref="StoreException">Another process holds the folder, or it cannot be written.</exception>
    public static SqliteReplacement Begin(StoreOptions options)
    {
        FolderLock held = FolderLock.Make(options.Folder);
        try
        {
            Complete(options);
            SqliteReplacement replacement = new(options, held);
            replacement.Clear();
            Directory.CreateDirectory(replacement.Workplace);
            return replacement;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Puts the database of the workplace in place. When it returns, that is on disk.</summary>
    public void Commit()
    {
        string made = (_options with { Folder = Workplace }).File;
        FileInfo log = new(made + "-wal");
        if (log.Exists && log.Length > 0) throw new InvalidOperationException("the database of the workplace was not closed");
        using (FileStream file = new(made, FileMode.Open, FileAccess.ReadWrite)) file.Flush(flushToDisk: true);
        File.Move(made, _options.File + PendingSuffix, overwrite: true);
        Complete(_options);
        Clear();
    }

    public void Dispose()
    {
        Clear();
        _held.Dispose();
    }

    /// <summary>Does what a replacement that was decided on has left undone. The caller holds the folder.</summary>
    public static void Complete(StoreOptions options)
    {
        string pending = options.File + PendingSuffix;
        if (!File.Exists(pending)) return;

        // The decision must be on disk before anything of the old database goes, and the old log before the new file comes: the library
        // would take whatever log lies beside a database for its own.
        FolderFlush.Run(options.Folder);
        File.Delete(options.File + "-wal");
        File.Delete(options.File + "-shm");
        FolderFlush.Run(options.Folder);
        File.Move(pending, options.File, overwrite: true);
        FolderFlush.Run(options.Folder);
    }

    /// <summary>Whether the folder's database is about to be another one: whoever only reads cannot complete that.</summary>
    public static bool IsPending(StoreOptions options) => File.Exists(options.File + PendingSuffix);

    void Clear()
    {
        if (Directory.Exists(Workplace)) Directory.Delete(Workplace, recursive: true);
    }
}
