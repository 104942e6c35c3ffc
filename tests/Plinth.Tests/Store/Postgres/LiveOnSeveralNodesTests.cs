using Plinth.Live;
using Plinth.Runtime;

namespace Plinth.Store.Postgres;

public sealed class LiveOnSeveralNodesTests
{
    static readonly int s_together = Counts.Of(test: 10, soak: 50);

    /// <summary>In each run one dies half way.</summary>
    [Fact]
    public async Task What_other_nodes_write_reaches_live_queries_exactly_also_when_one_of_them_dies()
    {
        int seed = Counts.Seed(), runs = Counts.Of(test: 1, soak: 20), told = 0, returns = 0;
        await Counts.InRunsAsync(seed, runs, async run =>
        {
            var (toldOf, cameBack) = await ChangeAsync(run);
            Interlocked.Add(ref told, toldOf);
            Interlocked.Add(ref returns, cameBack);
        });
        Assert.True(told > runs * s_changes / 2, $"seed {seed}: clients are told of few changes: {told}");
        Counts.Report(
            "changes of three nodes, one of which dies, under live queries", runs * s_changes, seed, $"{told} told, {returns} returns");
    }

    static readonly int s_changes = Counts.Of(test: 600, soak: 25_000), s_quietEvery = Counts.Of(test: 100, soak: 1_250);

    /// <summary>Changes that clients were told of, and how often one came back.</summary>
    static async Task<(int Told, int Returns)> ChangeAsync(int seed)
    {
        Random random = new(seed);
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Live_queries_equal_fresh_ones.Schema);
        Engine here = await nodes.StartAsync(), there = await nodes.StartAsync();
        List<Engine> writers = [here, there, await nodes.StartAsync()];
        using LiveHub one = new(here, Live_queries_equal_fresh_ones.Fail), two = new(there, Live_queries_equal_fresh_ones.Fail);
        List<LiveClient> clients = [];
        foreach (var (request, _) in Live_queries_equal_fresh_ones.Queries)
        {
            foreach (var caller in Live_queries_equal_fresh_ones.Callers[..3])
            {
                bool isHere = random.Next(2) == 0;
                clients.Add(new LiveClient(isHere ? here : there, isHere ? one : two, caller, request, seed));
            }
        }
        int returns = 0;
        foreach (LiveClient client in clients) client.Connect();
        for (int made = 0; made < s_changes; made += s_together)
        {
            Engine[] by = [.. Enumerable.Range(0, s_together).Select(_ => writers[random.Next(writers.Count)])];
            await Task.WhenAll(by.Select(engine => Live_queries_equal_fresh_ones.WriteAsync(engine, random).AsTask()));
            if (made == s_changes / 2)
            {
                await nodes.EndAsync(writers[2]);
                writers.RemoveAt(2);
            }
            foreach (LiveClient client in clients)
            {
                if (random.Next(60) > 0) continue;
                client.Disconnect();
                client.Connect();
                returns++;
            }
            if (made % s_quietEvery > 0) continue;
            foreach (LiveClient client in clients) await client.RequireEqualAsync();
        }
        foreach (LiveClient client in clients) await client.RequireEqualAsync();
        return (clients.Sum(static c => c.List.Changes), returns);
    }
}
