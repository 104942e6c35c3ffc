using System.Collections.Concurrent;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>The log's table is divided by position: parts are made ahead, old ones go in one step.</summary>
public class LogPartitionsTests
{
    [Fact]
    public async Task Parts_are_made_ahead_of_the_events_on_several_nodes_and_reading_passes_through_all_of_them()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine first = await nodes.StartAsync(), second = await nodes.StartAsync();
        ConcurrentQueue<long> seen = new();
        using FollowerRun follower = second.Log.Run("reader", 0, FollowerTests.Into(seen));
        await Task.WhenAll(WriteAsync(first, 1, 70), WriteAsync(second, 1000, 70));
        await FollowerTests.UntilAsync(() => seen.Count == 140);
        Assert.Equal(Enumerable.Range(1, 140).Select(static i => (long)i), seen);

        // Behind the last group of each there was place for as many events as a part has.
        Assert.InRange(Parts(first)[^1].Until, 140 + 20, 140 + 80);
        Assert.All(Parts(first).Zip(Parts(first).Skip(1)), pair => Assert.Equal(pair.First.Until + 20, pair.Second.Until));
        Assert.Equal(0, nodes.Scalar("select count(*) from only plinth_events"));
        Assert.Equal(20, nodes.Scalar("select count(*) from plinth_events_from_21"));
        RequireSound(first);
    }

    [Fact]
    public async Task A_transaction_of_more_events_than_there_is_place_for_runs_again_when_there_is()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 50 };
        Engine engine = await nodes.StartAsync();
        string body = "[" + string.Join(',', Enumerable.Range(1, 700).Select(static i => $$"""{"id":{{i}},"text":"t"}""")) + "]";
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.CreateMany, body));
        Assert.Equal(700, engine.Store.Log.Head);
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":701,"text":"t"}"""));
        RequireSound(engine);
    }

    [Fact]
    public async Task A_log_that_was_one_whole_becomes_the_first_part_while_another_node_writes()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 100 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, 30);
        string[] before = Digests(engine);

        MakeWhole(nodes);
        Assert.Empty(Parts(engine));
        await WriteAsync(engine, 31, 10);

        Task writing = WriteAsync(engine, 100, 150);
        Engine later = await nodes.StartAsync();
        await writing;
        await WriteAsync(later, 1000, 10);

        Assert.Equal("plinth_events_from_1", Parts(later)[0].Name);
        Assert.Equal(before, Digests(later)[..before.Length]);
        Assert.Equal(200, later.Store.Log.Head);
        Assert.Equal(0, nodes.Scalar("select count(*) from pg_constraint where conname like 'plinth_events_until%'"));

        // The indexes of the whole are those of the part: each is there once.
        Assert.Equal(
            nodes.Scalar("select count(*) from pg_index where indrelid = 'plinth_events'::regclass"),
            nodes.Scalar("select count(*) from pg_index where indrelid = 'plinth_events_from_1'::regclass"));
        RequireSound(later);
        RequireSound(engine);
    }

    [Theory]
    [InlineData(5, null, 21)]
    [InlineData(15, null, 41)]
    [InlineData(5, 61, 61)]
    public async Task The_first_part_ends_where_there_is_place_for_half_a_part_or_where_an_earlier_start_has_begun(
        int events, int? begun, int until)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, events);
        MakeWhole(nodes);
        if (begun is { } bound)
            nodes.Execute($"alter table plinth_events add constraint plinth_events_until_{bound} check (position < {bound}) not valid");
        Engine later = await nodes.StartAsync();
        Assert.Equal(("plinth_events_from_1", until), Parts(later)[0]);
        await WriteAsync(later, 1000, 70);
        RequireSound(later);
    }

    [Fact]
    public async Task Old_parts_are_dropped_whole_and_the_log_begins_behind_them()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, 75);

        foreach (long upTo in new[] { 50, 59, 10 })
            Assert.Equal(40, (await LogStart.MoveAsync(engine.Store, upTo, CancellationToken.None)).Value);

        Assert.Equal(41, nodes.Scalar("select min(position) from plinth_events"));
        Assert.Equal(41, nodes.Scalar("select min(first_position) from plinth_commits"));
        Assert.Equal(new LogVerification(35, 35, null) { After = 40 }, engine.Store.Verify(CancellationToken.None));
        await WriteAsync(engine, 100, 30);
        Assert.Equal(105, engine.Store.Log.Head);

        // The part that is written to stays, whatever is asked.
        Assert.Equal(100, (await LogStart.MoveAsync(engine.Store, long.MaxValue, CancellationToken.None)).Value);
        Assert.Equal(5, nodes.Scalar("select count(*) from plinth_events"));
        Assert.Null(await PostgresNodes.ReadAsync(engine, "1"));
        RequireSound(engine);
        Engine later = await nodes.StartAsync();
        await WriteAsync(later, 200, 30);
        RequireSound(later);
    }

    [Fact]
    public async Task A_transaction_that_goes_on_in_the_next_part_goes_whole()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, 15);
        string body = "[" + string.Join(',', Enumerable.Range(100, 10).Select(static i => $$"""{"id":{{i}},"text":"t"}""")) + "]";
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.CreateMany, body));
        await WriteAsync(engine, 200, 30);

        // What it has in the first part may not go as long as the rest of it has to stay.
        Assert.Equal(0, (await LogStart.MoveAsync(engine.Store, 24, CancellationToken.None)).Value);
        Assert.Equal(1, nodes.Scalar("select min(position) from plinth_events"));
        Assert.Equal(25, (await LogStart.MoveAsync(engine.Store, 25, CancellationToken.None)).Value);
        Assert.Equal(26, nodes.Scalar("select min(position) from plinth_events"));
        RequireSound(engine);
    }

    [Fact]
    public async Task Retention_drops_the_parts_in_which_all_is_too_old()
    {
        TestClock clock = new();
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync(clock: clock);
        await WriteAsync(engine, 1, 50);
        clock.Advance(TimeSpan.FromDays(20));
        await WriteAsync(engine, 100, 25);
        await using Retention retention = new(engine.Store, new(null, TimeSpan.FromDays(10)), null, static _ => { });
        Assert.Equal(new RetentionStep(40, 40, null), await retention.StepAsync(CancellationToken.None));
        Assert.Equal(41, nodes.Scalar("select min(position) from plinth_events"));
        RequireSound(engine);
    }

    [Fact]
    public async Task A_part_that_is_being_read_is_not_waited_for_long_and_nobody_waits_behind_it()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, 45);
        using (nodes.Hold("select count(*) from plinth_events"))
        {
            Result<long> refused = await LogStart.MoveAsync(engine.Store, upTo: 40, CancellationToken.None);
            Assert.Equal(Faults.Overloaded.Code, refused.Fault?.Code);
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":900,"text":"t"}"""));
            // It is signed already where the log is to begin.
            RequireSound(engine);
        }

        Assert.Equal(40, (await LogStart.MoveAsync(engine.Store, upTo: 40, CancellationToken.None)).Value);
        Assert.Equal(41, nodes.Scalar("select min(position) from plinth_events"));
        RequireSound(engine);
    }

    static void MakeWhole(PostgresNodes nodes) => nodes.Execute(Whole);

    /// <summary>As an earlier version made it: one table, with indexes of these names.</summary>
    public const string Whole = """
        create table whole (like plinth_events including defaults including constraints);
        insert into whole select * from plinth_events order by position;
        drop table plinth_events;
        alter table whole rename to plinth_events;
        alter table plinth_events add constraint plinth_events_pkey primary key (position);
        create index plinth_events_record on plinth_events (model, record_id, position);
        create index plinth_events_model on plinth_events (model, position);
        create index plinth_events_actor on plinth_events (actor, position) where actor is not null
        """;

    static async Task WriteAsync(Engine engine, int from, int count)
    {
        for (int i = from; i < from + count; i++)
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{i}},"text":"t"}"""));
    }

    static List<(string Name, long Until)> Parts(Engine engine)
    {
        using Connection reader = engine.Store.Database.OpenReader();
        return LogPartitions.All(reader);
    }

    static string[] Digests(Engine engine)
    {
        using Connection reader = engine.Store.Database.OpenReader();
        return [.. EventLog.Read(reader, 0, 1000).Select(static e => Convert.ToHexString(e.Digest))];
    }

    static void RequireSound(Engine engine)
    {
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        using Connection reader = engine.Store.Database.OpenReader();
        ReplayReport replay = engine.Replay(ReplayScope.Whole with { From = LogCut.Position(reader) }, null, CancellationToken.None);
        Assert.Null(replay.Refused);
        Assert.Empty(replay.Differences);
    }
}
