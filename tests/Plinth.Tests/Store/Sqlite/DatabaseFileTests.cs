using System.Globalization;

namespace Plinth.Store.Sqlite;

/// <summary>The file: full, read-only, damaged, copied, held by another.</summary>
public sealed class DatabaseFileTests : IDisposable
{
    readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    SqliteDatabase Open(Func<StoreOptions, StoreOptions>? with = null)
    {
        StoreOptions options = new() { Folder = _folder.Path };
        return SqliteDatabase.Open(with?.Invoke(options) ?? options, TimeProvider.System);
    }

    [Fact]
    public void A_second_writer_of_the_folder_is_refused_and_told_the_process()
    {
        using (Open())
        {
            StoreException refused = Assert.Throws<StoreException>(() => Open());
            Assert.Equal(StoreFailure.Unavailable, refused.Failure);
            Assert.Contains(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), refused.Message, StringComparison.Ordinal);
        }

        Open().Dispose();
    }

    [Fact]
    public void A_folder_opened_for_reading_takes_no_lock_and_cannot_be_written()
    {
        using SqliteDatabase writing = Open();
        writing.Writer.Execute("create table t (id integer primary key); insert into t values (1)");
        using SqliteDatabase reading = Open(o => o with { ReadOnly = true });
        Assert.Equal(1, reading.Writer.ScalarInt64("select id from t"));
        Assert.Equal(StoreFailure.ReadOnly,
            Assert.Throws<StoreException>(() => reading.Writer.Execute("insert into t values (2)")).Failure);
    }

    [Fact]
    public void A_full_database_says_so_and_recovers_when_there_is_room()
    {
        using SqliteDatabase database = Open(o => o with { PagesMax = 40 });
        database.Writer.Execute("create table t (id integer primary key, filler blob)");
        StoreException? full = null;
        for (int i = 0; i < 100 && full is null; i++)
        {
            try
            {
                database.Writer.Execute("insert into t (filler) values (zeroblob(4000))");
            }
            catch (StoreException e)
            {
                full = e;
            }
        }

        Assert.Equal(StoreFailure.Full, full?.Failure);
        database.Writer.Execute("pragma max_page_count = 100000; insert into t (filler) values (zeroblob(4000))");
        Assert.Empty(database.CheckIntegrity());
    }

    [Fact]
    public void A_file_that_is_no_database_is_named_corrupt()
    {
        File.WriteAllBytes(_folder.File("data.db"), [.. Enumerable.Repeat((byte)'x', 8192)]);
        Assert.Equal(StoreFailure.Corrupt, Assert.Throws<StoreException>(() => Open().Dispose()).Failure);
        File.Delete(_folder.File("data.db"));
        Open().Dispose();
    }

    [Fact]
    public async Task A_backup_is_one_whole_snapshot_although_the_writer_goes_on()
    {
        using SqliteDatabase database = Open();
        database.Writer.Execute("create table t (id integer primary key, a integer, filler blob)");
        database.Writer.Execute("with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) "
            + "insert into t select i, 0, zeroblob(300) from n");
        using CancellationTokenSource stop = new();
        Task writing = Task.Factory.StartNew(
            () =>
            {
                // Both halves of the table change together: a torn copy would show two values.
                while (!stop.IsCancellationRequested)
                {
                    database.Writer.Execute("begin immediate; update t set a = a + 1 where id in (1, 20000); commit");
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        string copy = _folder.File("copy.db");
        List<double> seen = [];
        try
        {
            for (int round = 0; round < 5; round++)
            {
                database.Backup(copy, seen.Add, CancellationToken.None);
                using TempFolder restored = new();
                File.Copy(copy, restored.File("data.db"));
                using SqliteDatabase opened = SqliteDatabase.Open(new StoreOptions { Folder = restored.Path }, TimeProvider.System);
                Assert.Equal(20000, opened.Writer.ScalarInt64("select count(*) from t"));
                Assert.Equal(1, opened.Writer.ScalarInt64("select count(distinct a) from t where id in (1, 20000)"));
                Assert.Empty(opened.CheckIntegrity());
            }
        }
        finally
        {
            await stop.CancelAsync();
            await writing;
        }

        Assert.Contains(seen, share => share is > 0 and < 1);
        Assert.Equal(1, seen[^1]);
        Assert.False(File.Exists(copy + ".partial"));
    }

    [Fact]
    public void A_backup_that_is_stopped_leaves_nothing_behind()
    {
        using SqliteDatabase database = Open();
        database.Writer.Execute("create table t (filler blob); insert into t values (zeroblob(20000000))");
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() => database.Backup(_folder.File("copy.db"), _ => source.Cancel(), source.Token));
        Assert.Empty(Directory.GetFiles(_folder.Path, "copy.db*"));
    }

    [Fact]
    public void The_write_ahead_log_is_checkpointed_by_the_writer_and_reused()
    {
        using SqliteDatabase database = Open(o => o with { CheckpointBytes = 400_000 });
        database.Writer.Execute("create table t (id integer primary key, filler blob)");
        for (int i = 0; i < 400; i++)
        {
            database.Writer.Execute("insert into t (filler) values (zeroblob(20000))");
            database.Tend(idle: false);
        }

        Assert.InRange(new FileInfo(_folder.File("data.db-wal")).Length, 1, 2_000_000);
        Assert.True(new FileInfo(_folder.File("data.db")).Length > 7_000_000);
    }
}
