using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

public class SeveralNodesTests
{
    const int Nodes = 3;
    const int RoundsPerNode = 40;

    [Fact]
    public async Task Nodes_that_write_at_the_same_time_make_one_log_that_all_see_in_the_same_order()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        List<Engine> engines = [];
        for (int i = 0; i < Nodes; i++) engines.Add(await nodes.StartAsync());
        Assert.Null(await PostgresNodes.WriteAsync(engines[0], CommandKind.Create, """{"id":1,"text":"shared"}"""));

        await Task.WhenAll(engines.Select((engine, node) => WriteAsync(engine, node)));

        // One record for each round of each node, one change of the shared record for each, and its creation.
        int events = (2 * Nodes * RoundsPerNode) + 1;
        List<Guid>[] seen = await Task.WhenAll(engines.Select(engine => FollowAsync(engine, events)));
        Assert.All(seen, order => Assert.Equal(seen[0], order));
        Assert.Null(engines[0].Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engines[1].Store.Replay(engines[1].Current.Schema, null, CancellationToken.None).Differences);
    }

    [Fact]
    public async Task A_node_with_another_key_is_refused_and_told_which_file_it_needs()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        await nodes.StartAsync();
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => nodes.StartAsync(hasOwnKey: true));
        Assert.Contains("copy master.key", refused.Message, StringComparison.Ordinal);
    }

    static async Task WriteAsync(Engine engine, int node)
    {
        for (int i = 0; i < RoundsPerNode; i++)
        {
            Fault? created = await PostgresNodes.WriteAsync(
                engine, CommandKind.Create, $$"""{"id":{{((node + 1) * 1000) + i}},"text":"node {{node}}"}""");
            Assert.Null(created);
            Fault? changed = await PostgresNodes.WriteAsync(
                engine, CommandKind.Update, $$"""{"text":"node {{node}}, round {{i}}"}""", key: "1");
            Assert.Null(changed);
        }
    }

    static async Task<List<Guid>> FollowAsync(Engine engine, int events)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(30));
        using LogFollower follower = engine.Log.Follow(after: 0);
        List<Guid> seen = [];
        long position = 0;
        await foreach (IReadOnlyList<LogEvent> page in follower.ReadAllAsync(enough.Token))
        {
            foreach (LogEvent happened in page)
            {
                Assert.Equal(++position, happened.Position);
                seen.Add(happened.EventId);
            }

            if (seen.Count >= events) break;
        }

        Assert.Equal(events, seen.Count);
        return seen;
    }
}
