using Plinth.Sql;
using Plinth.Sql.Dialects.Sqlite;
using SQLitePCL;

namespace Plinth.Store.Sqlite;

/// <summary>The embedded database: one file in the data folder, its write-ahead log beside it.</summary>
sealed class SqliteDatabase : Database
{
    const int PageBytes = 4096;
    const int BackupStepPages = 500;

    /// <summary>Times the checkpoint size at which readers are made to let go of the write-ahead log, so that it starts over.</summary>
    const int LogBound = 16;

    /// <summary>Times that the busy time-out (5 s) is waited for readers: longer than a request may read.</summary>
    const int ScrubTries = 3;

    readonly TimeProvider _clock;
    readonly FolderLock? _lock;
    readonly SqliteConnection _writer;
    readonly ReaderPool _readers;
    int _pagesSinceCheckpoint;

    SqliteDatabase(StoreOptions options, TimeProvider clock, FolderLock? held, SqliteConnection writer)
    {
        (Options, _clock, _lock, _writer) = (options, clock, held, writer);
        _readers = new ReaderPool(options, clock);
    }

    public override Dialect Dialect { get; } = new SqliteDialect { HasStrictTables = SqliteLibrary.HasStrictTables };

    public override StoreOptions Options { get; }

    public override bool IsInProcess => true;

    public override string Version => SqliteLibrary.Version!; // Set by Use, without which nothing opens.

    public override Connection Writer => _writer;

    public override long StatementsRun => _writer.StatementsRun + _readers.StatementsRun;

    /// <summary>Opens the database in the folder, and creates both where they are absent and may be written.</summary>
    /// <exception cref="StoreException">Another process holds it, or it cannot be opened.</exception>
    public static SqliteDatabase Open(StoreOptions options, TimeProvider clock)
    {
        SqliteLibrary.Use(options.LibraryPath);
        if (options.ReadOnly)
        {
            if (!SqliteReplacement.IsPending(options))
                return new SqliteDatabase(options, clock, null, SqliteConnection.OpenReader(options, clock));
            throw new StoreException(StoreFailure.Unavailable,
                $"The database in {options.Folder} is being replaced. If no reset or restore is running, one was interrupted: "
                + "start the server, or run it again, and it is completed.");
        }

        FolderLock held = FolderLock.Make(options.Folder);
        try
        {
            SqliteReplacement.Complete(options);
            return new SqliteDatabase(options, clock, held, SqliteConnection.OpenWriter(options, clock));
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    public override ReadLease Read(CancellationToken cancel)
    {
        SqliteConnection connection = _readers.Take(cancel);
        connection.SetLimits(Options.ReadTimeMax, cancel);
        return new ReadLease(this, connection);
    }

    public override Connection OpenReader() => SqliteConnection.OpenReader(Options, _clock);

    public override void Tend(bool idle)
    {
        _pagesSinceCheckpoint += _writer.TakePagesWritten();
        int pagesMax = Math.Max(1, Options.CheckpointBytes / PageBytes);
        if (_pagesSinceCheckpoint < (idle ? pagesMax / 4 : pagesMax) || Options.ReadOnly) return;
        _pagesSinceCheckpoint = 0;
        raw.sqlite3_wal_checkpoint_v2(_writer.Handle, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out int logPages, out _);
        if (logPages > pagesMax * LogBound)
        {
            raw.sqlite3_wal_checkpoint_v2(_writer.Handle, "main", raw.SQLITE_CHECKPOINT_RESTART, out _, out _);
        }
    }

    /// <summary>
    /// Zeroing what is deleted (<c>secure_delete</c>) leaves copies behind where pages were split, so the file is written anew; then
    /// nothing of the write-ahead log is left. Full-text tables keep deleted words in their segments: they are made again first.
    /// </summary>
    public override bool? Scrub(IReadOnlyCollection<string> fullText)
    {
        if (Options.ReadOnly) return false;
        foreach (string table in fullText)
            _writer.Execute($"insert into \"{table}\"(\"{table}\") values ('rebuild')");
        _writer.Execute("vacuum");
        for (int tries = 0; tries < ScrubTries; tries++)
        {
            // It waits some seconds for readers to let go of the log; those of requests do, within their bound.
            int code = raw.sqlite3_wal_checkpoint_v2(_writer.Handle, "main", raw.SQLITE_CHECKPOINT_TRUNCATE, out int logPages, out _);
            if (code == raw.SQLITE_OK && logPages <= 0) return true;
            if (code is not (raw.SQLITE_OK or raw.SQLITE_BUSY)) throw SqliteErrors.Of(_writer.Handle, code);
        }

        return false;
    }

    public override void Backup(string path, Action<double>? progress, CancellationToken cancel)
    {
        string partial = path + ".partial";
        File.Delete(partial);
        using SqliteConnection source = SqliteConnection.OpenReader(Options, _clock);
        try
        {
            CopyTo(partial, source, progress, cancel);
            using (FileStream copy = new(partial, FileMode.Open, FileAccess.ReadWrite)) copy.Flush(flushToDisk: true);
            File.Move(partial, path, overwrite: true);
            FolderFlush.Run(Path.GetDirectoryName(Path.GetFullPath(path))!); // A file has a folder.
        }
        finally
        {
            File.Delete(partial);
        }
    }

    public override IReadOnlyList<string> CheckIntegrity()
    {
        using Connection reader = OpenReader();
        List<string> wrong = [];
        using (Statement check = reader.Prepare("pragma integrity_check(100)"))
        {
            while (check.Step())
            {
                string line = check.ColumnText(0);
                if (!string.Equals(line, "ok", StringComparison.Ordinal)) wrong.Add(line);
            }
        }

        wrong.AddRange(reader.BrokenForeignKeys());
        return wrong;
    }

    public override void Dispose()
    {
        // Readers first: the last connection to close checkpoints, and a reading one cannot.
        _readers.Dispose();
        _writer.Dispose();
        _lock?.Dispose();
    }

    internal override void Return(Connection reader)
    {
        SqliteConnection connection = (SqliteConnection)reader;
        connection.ClearLimits();
        connection.Rollback();
        _readers.Return(connection);
    }

    static void CopyTo(string path, SqliteConnection source, Action<double>? progress, CancellationToken cancel)
    {
        // Holding the snapshot keeps the copy from starting over at every commit of the writer.
        source.BeginRead();
        source.ScalarInt64("select count(*) from sqlite_schema");
        int code = raw.sqlite3_open_v2(path, out sqlite3 target, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE, null);
        try
        {
            if (code != raw.SQLITE_OK) throw SqliteErrors.Of(target, code);
            using sqlite3_backup copy = raw.sqlite3_backup_init(target, "main", source.Handle, "main");
            if (copy.IsInvalid) throw SqliteErrors.Of(target, raw.sqlite3_errcode(target));
            while ((code = raw.sqlite3_backup_step(copy, BackupStepPages)) == raw.SQLITE_OK)
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Invoke(1 - ((double)raw.sqlite3_backup_remaining(copy) / raw.sqlite3_backup_pagecount(copy)));
            }

            if (code != raw.SQLITE_DONE) throw SqliteErrors.Of(code, raw.sqlite3_errstr(code).utf8_to_string(), code);
            progress?.Invoke(1);
        }
        finally
        {
            target.manual_close_v2();
            source.Rollback();
        }
    }
}
