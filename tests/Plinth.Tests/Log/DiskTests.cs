using System.Diagnostics;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// A disk that is full, and one that cannot be written: a clear fault, nothing half done, and service again when it is over.
/// </summary>
public sealed class DiskTests
{
    [Fact]
    public async Task On_a_full_disk_writes_are_refused_reads_go_on_and_writing_resumes_when_there_is_room()
    {
        using SmallDisk disk = new(megabytes: 3);
        string filler = Path.Combine(disk.Path, "filler");
        await File.WriteAllBytesAsync(filler, new byte[1 << 20]);
        using EventStore store = StoreProcess.Open(disk.Path);
        Fault? refused = null;
        long written = 0;
        for (int i = 1; i <= 4000 && refused is null; i++)
        {
            Result<long> result = await store.Committer.RunAsync(
                new CreateNote(store, LogFixture.Row(i, $"{i} {new string('x', 900)}")), CancellationToken.None);
            if (result.IsOk) written++;
            refused = result.Fault;
        }

        Assert.Equal(Faults.StorageUnavailable.Code, refused?.Code);
        Assert.Equal(written, Count(store));
        Assert.False(
            (await store.Committer.RunAsync(new CreateNote(store, LogFixture.Row(9000, new string('y', 900))),
            CancellationToken.None)).IsOk);

        File.Delete(filler);
        Result<long> resumed = await store.Committer.RunAsync(new CreateNote(store, LogFixture.Row(9001, "room")), CancellationToken.None);
        Assert.True(resumed.IsOk, resumed.Fault?.Message);
        Assert.Equal(written + 1, Count(store));
        RequireSound(store);
    }

    [Fact]
    public async Task A_disk_that_cannot_be_written_is_named_at_the_start_and_works_once_it_can()
    {
        using SmallDisk disk = new(megabytes: 8);
        using (EventStore store = StoreProcess.Open(disk.Path))
        {
            await store.Committer.RunAsync(new CreateNote(store, LogFixture.Row(1, "one")), CancellationToken.None);
        }

        disk.Remount("ro");
        StoreException refused = Assert.Throws<StoreException>(() => StoreProcess.Open(disk.Path).Dispose());
        Assert.Equal(StoreFailure.ReadOnly, refused.Failure);
        Assert.Contains(disk.Path, refused.Message, StringComparison.Ordinal);
        disk.Remount("rw");
        using EventStore again = StoreProcess.Open(disk.Path);
        Assert.Equal(1, Count(again));
    }

    [Fact]
    public async Task A_file_that_turns_read_only_refuses_writes_and_nothing_else()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        fixture.Store.Database.Writer.Execute("pragma query_only = on");
        Fault fault = (await fixture.CreateAsync(2, "two")).Fault!;
        Assert.Equal(Faults.StorageUnavailable.Code, fault.Code);
        Assert.Equal(1, Count(fixture.Store));
        fixture.Store.Database.Writer.Execute("pragma query_only = off");
        await fixture.CreatedAsync(2, "two");
        RequireSound(fixture.Store);
    }

    static long Count(EventStore store)
    {
        using ReadLease lease = store.Database.Read(CancellationToken.None);
        return lease.Connection.ScalarInt64("select count(*) from notes") ?? -1;
    }

    static void RequireSound(EventStore store)
    {
        Assert.Empty(store.Database.CheckIntegrity());
        using Connection reader = store.Database.OpenReader();
        Assert.Null(EventLog.Verify(reader, CancellationToken.None).Wrong);
        Assert.Empty(new Replay(LogFixture.Schema, store.Keys, new Ddl(store.Database.Dialect, LogFixture.Schema))
            .Run(reader, null, CancellationToken.None).Differences);
    }

    /// <summary>
    /// A small file system in memory, mounted for one test. Needs the right to mount; a test that cannot have it fails and says so.
    /// </summary>
    sealed class SmallDisk : IDisposable
    {
        readonly TempFolder _folder = new();

        public SmallDisk(int megabytes) => Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", _folder.Path);

        public string Path => _folder.Path;

        public void Remount(string mode) => Run("mount", "-o", "remount," + mode, _folder.Path);

        public void Dispose()
        {
            Run("umount", "-l", _folder.Path);
            _folder.Dispose();
        }

        static void Run(string program, params string[] arguments)
        {
            using Process process = Process.Start(program, arguments);
            process.WaitForExit();
            Assert.True(process.ExitCode == 0,
                $"{program} {string.Join(' ', arguments)} failed: these tests need the right to mount a tmpfs");
        }
    }
}
