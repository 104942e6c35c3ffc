using System.Collections.Concurrent;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

public class ServerLossTests
{
    const int Writers = 4;

    [Theory]
    [InlineData("fast")]
    [InlineData("immediate")]
    public async Task A_server_that_goes_and_comes_back_costs_refusals_and_no_acknowledged_write(string mode)
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=on");
        await using PostgresNodes nodes = new(cluster);
        Engine engine = await nodes.StartAsync();
        ConcurrentBag<int> acknowledged = [];
        ConcurrentBag<string> refusals = [];
        using CancellationTokenSource stop = new();
        Task[] writing = [.. Enumerable.Range(1, Writers).Select(w => WriteAsync(engine, w, acknowledged, refusals, stop.Token))];

        await UntilAsync(() => acknowledged.Count > 100);
        cluster.Stop(mode);
        int before = acknowledged.Count;
        Assert.Equal(Faults.StorageUnavailable.Code, (await PostgresNodes.ReadAsync(engine, "1000000"))?.Code);
        cluster.Begin();
        await UntilAsync(() => acknowledged.Count > before + 100);
        await stop.CancelAsync();
        await Task.WhenAll(writing);

        // A group whose commit was lost waits for what became of it, so there may be none.
        Assert.All(refusals, code => Assert.Equal(Faults.StorageUnavailable.Code, code));
        await RequireAllAsync(engine, acknowledged);
    }

    [Fact]
    public async Task A_full_disk_refuses_writes_and_nothing_else_and_writing_goes_on_when_there_is_room()
    {
        using SmallDisk disk = SmallDisk.Make();
        using PostgresCluster cluster = PostgresCluster.Start("fsync=on");
        await using PostgresNodes nodes = new(cluster) { CacheBytes = 0 };
        nodes.Execute($"create tablespace small location '{disk.Folder}'");
        nodes.Execute("alter role plinth set default_tablespace = small");
        Engine engine = await nodes.StartAsync();
        ConcurrentBag<int> acknowledged = [];
        ConcurrentBag<string> refusals = [];
        using CancellationTokenSource stop = new();
        string text = new('x', 2000);
        Task[] writing = [.. Enumerable.Range(1, Writers).Select(w => WriteAsync(engine, w, acknowledged, refusals, stop.Token, text))];

        await UntilAsync(() => acknowledged.Count > 100);
        disk.Fill();
        await UntilAsync(() => refusals.Count > 20);
        Assert.Null(await PostgresNodes.ReadAsync(engine, "1000000"));
        int before = acknowledged.Count;
        disk.Free();
        await UntilAsync(() => acknowledged.Count > before + 100);
        await stop.CancelAsync();
        await Task.WhenAll(writing);

        Assert.All(refusals, code => Assert.Equal(Faults.StorageUnavailable.Code, code));
        await RequireAllAsync(engine, acknowledged);
    }

    [Fact]
    public async Task A_full_disk_refuses_a_group_at_once_and_runs_nothing_of_it_again()
    {
        const int Commands = 20;
        using SmallDisk disk = SmallDisk.Make();
        using PostgresCluster cluster = PostgresCluster.Start("fsync=on");
        await using PostgresNodes nodes = new(cluster) { CacheBytes = 0 };
        nodes.Execute($"create tablespace small location '{disk.Folder}'");
        nodes.Execute("alter role plinth set default_tablespace = small");
        Engine engine = await nodes.StartAsync();
        disk.Fill();

        // Pages that are there already have room for some.
        int written = 0;
        (Fault?[] faults, long ways) = await WriteTogetherAsync(engine, written, Commands);
        while (Array.TrueForAll(faults, static fault => fault is null))
        {
            written += Commands;
            (faults, ways) = await WriteTogetherAsync(engine, written, Commands);
        }

        Assert.All(faults, static fault => Assert.Equal(Faults.StorageUnavailable.Code, fault?.Code));
        Assert.All(faults, static fault => Assert.StartsWith("The disk is full.", fault?.Message, StringComparison.Ordinal));

        // Of who held the lane; the inserts; their events with the commit, when there was room for the inserts; and taking it back.
        Assert.InRange(ways, 1, 4);

        disk.Free();
        (faults, _) = await WriteTogetherAsync(engine, written, Commands);
        Assert.All(faults, Assert.Null);
        await RequireAllAsync(engine, Enumerable.Range(1, written + Commands));
    }

    /// <summary>Creates that go as one group, and how often the server was waited for.</summary>
    static async Task<(Fault?[] Faults, long Ways)> WriteTogetherAsync(Engine engine, int written, int commands)
    {
        List<Task<Fault?>> running = [];
        long ways;
        string text = new('x', 2000);
        await using (await HeldLane.HoldAsync(engine.Store.Committer))
        {
            for (int id = written + 1; id <= written + commands; id++)
                running.Add(PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{id}},"text":"{{text}}"}"""));
            await UntilAsync(() => engine.Store.Committer.Waiting == commands);
            ways = engine.Store.Database.Writer.WaysTaken;
        }

        Fault?[] faults = await Task.WhenAll(running);
        return (faults, engine.Store.Database.Writer.WaysTaken - ways);
    }

    [Fact]
    public async Task A_writer_that_finds_no_free_connection_is_busy_and_writes_as_soon_as_there_is_one()
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=on -c max_connections=12");
        await using PostgresNodes nodes = new(cluster) { CacheBytes = 0 };
        Engine engine = await nodes.StartAsync();
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"q"}"""));
        List<IDisposable> held = [];
        await TakeAllAsync();

        // Its session goes, and somebody else takes the place.
        int session = ((PostgresConnection)engine.Store.Database.Writer).SessionId;
        held[^1].Dispose();
        held.RemoveAt(held.Count - 1);
        nodes.Execute($"select pg_terminate_backend({session}, 5000)");
        await TakeAllAsync();
        string[] codes = [await CodeAsync(2), await CodeAsync(3), await CodeAsync(4)];
        Assert.Contains(Faults.Overloaded.Code, codes);
        Assert.All(codes, static code => Assert.Contains(code, (string[])[Faults.Overloaded.Code, Faults.StorageUnavailable.Code]));

        foreach (IDisposable one in held) one.Dispose();
        await UntilAsync(() => WriteNow());
        await RequireAllAsync(engine, [1, 5]);

        async Task<string> CodeAsync(int id) => (await PostgresNodes.WriteAsync(
            engine, CommandKind.Create, $$"""{"id":{{id}},"text":"q"}"""))?.Code ?? "";

        bool WriteNow() => CodeAsync(5).GetAwaiter().GetResult() is "" or "conflict";

        // As many as there are; a session that has just ended gives its place back a moment later.
        async Task TakeAllAsync()
        {
            for (int full = 0; full < 25;)
            {
                try
                {
                    held.Add(nodes.Hold("select 1"));
                    full = 0;
                }
                catch (Npgsql.PostgresException e) when (e.SqlState == Npgsql.PostgresErrorCodes.TooManyConnections)
                {
                    full++;
                    await Task.Delay(20);
                }
            }
        }
    }

    static async Task RequireAllAsync(Engine engine, IEnumerable<int> acknowledged)
    {
        foreach (int id in acknowledged)
        {
            string key = id.ToString(System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(await PostgresNodes.ReadAsync(engine, key) is null, $"{key} was acknowledged and is not there");
        }

        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
    }

    static async Task WriteAsync(
        Engine engine, int writer, ConcurrentBag<int> acknowledged, ConcurrentBag<string> refusals, CancellationToken stop,
        string text = "t")
    {
        for (int id = writer * 1_000_000; !stop.IsCancellationRequested; id++)
        {
            Fault? fault = await PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{id}},"text":"{{text}}"}""");
            if (fault is null) acknowledged.Add(id);
            else refusals.Add(fault.Code);
        }
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (!isSo()) await Task.Delay(20, enough.Token);
    }
}
