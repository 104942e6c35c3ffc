using Plinth.Log;

namespace Plinth.Store.Sqlite;

/// <summary>A database is replaced whole or not at all, wherever the process dies on the way.</summary>
public sealed class ReplacementTests
{
    [Fact]
    public async Task Killed_at_any_step_the_folder_has_the_old_database_or_the_new_one_whole()
    {
        using TempFolder home = new();
        string fresh = home.File("fresh.db"), folder = home.File("here"), workplace = Path.Combine(folder, "replacing");
        Make(home.File("new"), "new", crashed: false);
        File.Copy(Path.Combine(home.File("new"), "data.db"), fresh);
        Make(home.File("old"), "old", crashed: true);
        Assert.True(new FileInfo(Path.Combine(home.File("old"), "data.db-wal")).Length > 0, "the old one has a log that counts");
        string[] files = ["data.db", "data.db-wal", "data.db-shm", "data.db.pending", "replacing", "replacing/data.db"];
        List<string> found = [];
        await Strace.KillAtEachStepAsync(
            [folder, .. files.Select(file => Path.Combine(folder, file))],
            under =>
            {
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
                Copy(home.File("old"), folder);
                return StoreProcess.Start(under, "store-replace", folder, fresh);
            },
            step =>
            {
                using (Database database = SqliteDatabase.Open(new StoreOptions { Folder = folder }, TimeProvider.System))
                {
                    Assert.Empty(database.CheckIntegrity());
                    found.Add(Content(database));
                }

                // Whatever was left lying is gone with the next replacement.
                StoreProcess.Replace(folder, fresh);
                Assert.False(File.Exists(Path.Combine(folder, "data.db.pending")), step);
                Assert.False(Directory.Exists(workplace), step);
            });
        int decided = found.IndexOf("new 1000");
        Assert.True(decided > 3 && decided < found.Count - 6, string.Join(' ', found));
        Assert.All(found[..decided], content => Assert.Equal("old 1000", content));
        Assert.All(found[decided..], content => Assert.Equal("new 1000", content));
    }

    [Fact]
    public void While_one_is_pending_the_folder_is_not_read_and_the_next_writer_completes_it()
    {
        using TempFolder home = new();
        Make(home.File("new"), "new", crashed: false);
        Make(home.File("old"), "old", crashed: true);
        StoreOptions options = new() { Folder = home.File("old") };
        File.Move(Path.Combine(home.File("new"), "data.db"), options.File + ".pending");
        StoreException refused = Assert.Throws<StoreException>(
            () => SqliteDatabase.Open(options with { ReadOnly = true }, TimeProvider.System));
        Assert.Contains("being replaced", refused.Message, StringComparison.Ordinal);
        using (Database database = SqliteDatabase.Open(options, TimeProvider.System)) Assert.Equal("new 1000", Content(database));
        using Database reader = SqliteDatabase.Open(options with { ReadOnly = true }, TimeProvider.System);
        Assert.Equal("new 1000", Content(reader));
    }

    [Fact]
    public void A_folder_in_use_is_not_touched_and_an_abandoned_replacement_leaves_nothing()
    {
        using TempFolder home = new();
        Make(home.File("old"), "old", crashed: false);
        StoreOptions options = new() { Folder = home.File("old") };
        using (SqliteDatabase.Open(options, TimeProvider.System))
            Assert.Equal(StoreFailure.Unavailable, Assert.Throws<StoreException>(() => SqliteReplacement.Begin(options)).Failure);
        string workplace;
        using (SqliteReplacement replacement = SqliteReplacement.Begin(options))
        {
            workplace = replacement.Workplace;
            Assert.Throws<StoreException>(() => SqliteDatabase.Open(options, TimeProvider.System));
            using (SqliteDatabase open = SqliteDatabase.Open(options with { Folder = workplace }, TimeProvider.System))
            {
                open.Writer.Execute("create table t (a)");
                Assert.Throws<InvalidOperationException>(replacement.Commit);
            }
        }

        Assert.False(Directory.Exists(workplace));
        using Database database = SqliteDatabase.Open(options, TimeProvider.System);
        Assert.Equal("old 1000", Content(database));
    }

    [Fact]
    public void A_folder_that_is_not_there_cannot_be_flushed() =>
        Assert.Throws<IOException>(() => FolderFlush.Run("/nowhere/at/all"));

    /// <summary>A database of a thousand rows; crashed, half of them are in the write-ahead log alone.</summary>
    static void Make(string folder, string content, bool crashed)
    {
        string at = crashed ? folder + "-alive" : folder;
        StoreOptions options = new() { Folder = at, CheckpointBytes = 1 << 30 };
        using (SqliteDatabase database = SqliteDatabase.Open(options, TimeProvider.System))
        {
            database.Writer.Execute("create table t (content text)");
            database.Writer.Execute($"with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) "
                + $"insert into t select '{content}' from n");
            if (crashed) database.Writer.Execute("pragma wal_checkpoint");
            database.Writer.Execute("insert into t select content from t");
            if (crashed) Copy(at, folder);
        }

        File.Delete(Path.Combine(folder, "data.db-shm"));
        File.Delete(Path.Combine(folder, "plinth.pid"));
    }

    static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from, "data.db*")) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    static string Content(Database database)
    {
        using ReadLease lease = database.Read(CancellationToken.None);
        using Statement select = lease.Connection.Prepare("select group_concat(distinct content) || ' ' || count(*) from t");
        Assert.True(select.Step());
        return select.ColumnText(0);
    }
}
