using Plinth.Live;
using Plinth.Runtime;

namespace Plinth.Store.Postgres;

public sealed class LiveOnSeveralNodesTests
{
    const int Together = 10;

    [Fact]
    public async Task What_other_nodes_write_reaches_live_queries_exactly_also_when_one_of_them_dies()
    {
        int seed = Counts.Seed(), changes = Counts.Of(test: 600, soak: 60_000);
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
        foreach (LiveClient client in clients) client.Connect();
        for (int made = 0; made < changes; made += Together)
        {
            Engine[] by = [.. Enumerable.Range(0, Together).Select(_ => writers[random.Next(writers.Count)])];
            await Task.WhenAll(by.Select(engine => Live_queries_equal_fresh_ones.WriteAsync(engine, random).AsTask()));
            if (made == changes / 2)
            {
                await nodes.EndAsync(writers[2]);
                writers.RemoveAt(2);
            }
            if (made % (changes / 6) > 0) continue;
            foreach (LiveClient client in clients) await client.RequireEqualAsync();
        }
        foreach (LiveClient client in clients) await client.RequireEqualAsync();
        Assert.True(clients.Sum(static c => c.List.Changes) > changes / 2, "clients are told of few changes");
    }
}
