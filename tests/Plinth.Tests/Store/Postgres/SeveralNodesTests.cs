using System.Collections.Concurrent;
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
    public async Task A_transaction_that_is_held_open_while_others_commit_is_neither_skipped_nor_waited_for()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine[] engines = [await nodes.StartAsync(), await nodes.StartAsync(), await nodes.StartAsync()];
        ConcurrentQueue<long>[] seen = [new(), new(), new()];
        using FollowerRun first = engines[0].Log.Run("first", 0, FollowerTests.Into(seen[0]));
        using FollowerRun second = engines[1].Log.Run("second", 0, FollowerTests.Into(seen[1]));
        using FollowerRun third = engines[2].Log.Run("third", 0, FollowerTests.Into(seen[2]));
        using ManualResetEventSlim held = new(), release = new();
        // It has begun and has written; what it has to say to the log comes last, as in every transaction.
        Task<Result<Done>> holding = engines[0].Store.Committer.RunAsync(
            new WriteAction<Done>(transaction =>
            {
                transaction.Connection.Execute("create table held (id int)");
                held.Set();
                release.Wait();
                return Done.It;
            }),
            CancellationToken.None).AsTask();
        held.Wait();
        Task<Fault?> behind = PostgresNodes.WriteAsync(engines[0], CommandKind.Create, """{"id":6,"text":"s"}""");
        for (int i = 1; i <= 5; i++)
            Assert.Null(await PostgresNodes.WriteAsync(engines[1], CommandKind.Create, $$"""{"id":{{i}},"text":"q"}"""));
        await FollowerTests.UntilAsync(() => seen.All(s => s.Count == 5));
        release.Set();
        Assert.True((await holding).IsOk);
        Assert.Null(await behind);
        await FollowerTests.UntilAsync(() => seen.All(s => s.Count == 6));
        Assert.All(seen, s => Assert.Equal([1L, 2, 3, 4, 5, 6], s));
    }

    [Fact]
    public async Task Other_nodes_hear_of_a_commit_without_looking()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine writer = await nodes.StartAsync(), reader = await nodes.StartAsync(clock: new NoTimers());
        ConcurrentQueue<long> seen = new();
        using FollowerRun follower = reader.Log.Run("reader", 0, FollowerTests.Into(seen));
        for (int i = 1; i <= 40; i++)
        {
            Assert.Null(await PostgresNodes.WriteAsync(writer, CommandKind.Create, $$"""{"id":{{i}},"text":"q"}"""));
            await FollowerTests.UntilAsync(() => seen.Count == i);
        }
    }

    /// <summary>A clock by which nothing is ever looked at from time to time.</summary>
    sealed class NoTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public async Task A_durable_follower_runs_on_one_node_and_another_takes_over_when_it_dies()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine one = await nodes.StartAsync(), two = await nodes.StartAsync();
        FollowerOptions options = new() { Lease = TimeSpan.FromMilliseconds(900) };
        ConcurrentQueue<long> byOne = new(), byTwo = new();
        await using DurableFollower first = new(one.Store, "hooks", new FollowerWork(FollowerTests.Into(byOne), null), options: options);
        await FollowerTests.UntilAsync(() => first.Status.State == FollowerState.Running);
        await using DurableFollower second = new(two.Store, "hooks", new FollowerWork(FollowerTests.Into(byTwo), null), options: options);
        for (int i = 1; i <= 5; i++)
            Assert.Null(await PostgresNodes.WriteAsync(two, CommandKind.Create, $$"""{"id":{{i}},"text":"q"}"""));
        await FollowerTests.UntilAsync(() => first.Status.Position == 5);
        Assert.Equal(FollowerState.Waiting, second.Status.State);
        // It can write no more: nothing gives the lead up, and the lease ends by itself.
        one.Store.Committer.Dispose();
        for (int i = 6; i <= 9; i++)
            Assert.Null(await PostgresNodes.WriteAsync(two, CommandKind.Create, $$"""{"id":{{i}},"text":"q"}"""));
        await FollowerTests.UntilAsync(() => second.Status.Position == 9);
        Assert.Equal([1L, 2, 3, 4, 5], byOne.Distinct().Where(static p => p <= 5));
        Assert.Equal([6L, 7, 8, 9], byTwo);
    }

    [Fact]
    public async Task A_node_with_another_key_is_refused_and_told_which_file_it_needs()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        await nodes.StartAsync();
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => nodes.StartAsync(hasOwnKey: true));
        Assert.Contains("copy master.key", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_commit_whose_answer_was_lost_is_looked_up_and_never_repeated(bool happened, bool ahead)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        FailingDatabase? failing = null;
        Engine engine = await nodes.StartAsync(with: database => failing = new FailingDatabase(database) { SendsAhead = ahead });
        Assert.NotNull(failing);
        void EndSession() => failing.Writer.Execute("select pg_terminate_backend(pg_backend_pid())");
        if (happened) failing.AfterCommit = EndSession;
        else failing.OnCommit = EndSession;
        Fault? fault = await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"once"}""");
        Assert.Equal(happened ? null : Faults.StorageUnavailable.Code, fault?.Code);
        (failing.AfterCommit, failing.OnCommit) = (null, null);
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":2,"text":"then"}"""));
        Assert.Equal(happened, await PostgresNodes.ReadAsync(engine, "1") is null);
        Assert.Null(await PostgresNodes.ReadAsync(engine, "2"));
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
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
