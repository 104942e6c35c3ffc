using System.Collections.Concurrent;
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
        foreach (int id in acknowledged)
        {
            string key = id.ToString(System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(await PostgresNodes.ReadAsync(engine, key) is null, $"{key} was acknowledged and is not there");
        }

        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
    }

    static async Task WriteAsync(
        Engine engine, int writer, ConcurrentBag<int> acknowledged, ConcurrentBag<string> refusals, CancellationToken stop)
    {
        for (int id = writer * 1_000_000; !stop.IsCancellationRequested; id++)
        {
            Fault? fault = await PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{id}},"text":"{{writer}}"}""");
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
