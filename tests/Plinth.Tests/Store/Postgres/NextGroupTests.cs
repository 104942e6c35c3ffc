using System.Collections.Concurrent;
using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Groups that go right behind the commit of the one before, and what becomes of each when one of the two fails.</summary>
public class NextGroupTests
{
    const int GroupCommands = 10;

    [Fact]
    public async Task A_group_that_follows_another_costs_one_way_to_the_server()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { GroupCommands = GroupCommands };
        Engine engine = await nodes.StartAsync();
        long ways = 0, groups = 0;
        string?[] codes = await WriteAsync(
            engine, CommandKind.Create, 3 * GroupCommands,
            () => (ways, groups) = (engine.Store.Database.Writer.WaysTaken, engine.Store.Committer.Groups));
        Assert.All(codes, Assert.Null);
        Assert.Equal(1 + 3, engine.Store.Committer.Groups - groups);

        // The commit of what they waited for; then the inserts of the first, and each commit with the inserts of the next.
        Assert.Equal(1 + 1 + 3, engine.Store.Database.Writer.WaysTaken - ways);
        RequireSound(engine, 3 * GroupCommands);
    }

    [Fact]
    public async Task When_the_log_needs_a_new_part_the_next_group_waits_for_it()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { GroupCommands = GroupCommands, LogPartEvents = GroupCommands };
        Engine engine = await nodes.StartAsync();
        string?[] codes = await WriteAsync(engine, CommandKind.Create, 6 * GroupCommands, static () => { });
        Assert.All(codes, Assert.Null);
        RequireSound(engine, 6 * GroupCommands);
        Assert.True(nodes.Scalar("select count(*) from pg_inherits where inhparent = 'plinth_events'::regclass") >= 6);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(5, 15)]
    [InlineData(5, 6, 15, 16)]
    public async Task What_fails_with_a_commit_takes_nobody_with_it_in_its_group_nor_in_the_next(params int[] wrong)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { GroupCommands = GroupCommands };
        Engine engine = await nodes.StartAsync();
        for (int i = 0; i < 3 * GroupCommands; i++)
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, Note(100 + i, "first")));
        nodes.Execute("alter table notes add constraint decent check (text <> 'wrong')");

        // What an update changes goes with the commit, and in front of the next group's statements.
        string?[] codes = await WriteAsync(engine, CommandKind.Update, 3 * GroupCommands, static () => { }, wrong);
        Assert.Equal(wrong, Enumerable.Range(0, codes.Length).Where(i => codes[i] is "conflict"));
        Assert.Equal(codes.Length - wrong.Length, codes.Count(static code => code is null));
        RequireSound(engine, codes.Length);
        Assert.Equal(codes.Length - wrong.Length, nodes.Scalar("select count(*) from notes where text = 'right'"));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(5, 15, 25)]
    public async Task A_statement_that_fails_behind_a_commit_leaves_that_commit_alone(params int[] wrong)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { GroupCommands = GroupCommands };
        Engine engine = await nodes.StartAsync();
        nodes.Execute("alter table notes add constraint decent check (text <> 'wrong')");
        string?[] codes = await WriteAsync(engine, CommandKind.Create, 3 * GroupCommands, static () => { }, wrong);
        Assert.Equal(wrong, Enumerable.Range(0, codes.Length).Where(i => codes[i] is "conflict"));
        Assert.Equal(codes.Length - wrong.Length, codes.Count(static code => code is null));
        RequireSound(engine, codes.Length - wrong.Length);
    }

    [Fact]
    public async Task Sessions_that_are_ended_under_load_lose_no_acknowledged_write_and_leave_no_other()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { GroupCommands = GroupCommands };
        Engine engine = await nodes.StartAsync();
        ConcurrentDictionary<int, string?> codes = [];
        using CancellationTokenSource stop = new();
        Task[] writing = [.. Enumerable.Range(1, 3 * GroupCommands).Select(WriteAsync)];
        for (int ended = 0; ended < 5; ended++)
        {
            int until = codes.Count(static pair => pair.Value is null) + 100;
            await UntilAsync(() => codes.Count(static pair => pair.Value is null) > until);
            nodes.Execute($"select pg_terminate_backend({((PostgresConnection)engine.Store.Database.Writer).SessionId}, 5000)");
        }

        await stop.CancelAsync();
        await Task.WhenAll(writing);
        Assert.All(codes.Values, static code => Assert.True(code is null or "storage_unavailable", code));
        RequireSound(engine, codes.Values.Count(static code => code is null));

        async Task WriteAsync(int writer)
        {
            for (int id = writer * 1_000_000; !stop.IsCancellationRequested; id++)
                codes[id] = (await PostgresNodes.WriteAsync(engine, CommandKind.Create, Note(id, "t")))?.Code;
        }
    }

    [Fact]
    public async Task Nodes_whose_groups_follow_one_another_write_one_log()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { GroupCommands = GroupCommands };
        Engine[] engines = [await nodes.StartAsync(), await nodes.StartAsync()];
        Assert.Null(await PostgresNodes.WriteAsync(engines[0], CommandKind.Create, Note(1, "shared")));

        // Each changes the record that all of them change, and makes some of its own.
        await Task.WhenAll(Enumerable.Range(1, 40).Select(async writer =>
        {
            for (int i = 0; i < 10; i++)
            {
                Engine engine = engines[writer % 2];
                Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, Note((writer * 1000) + i, "own")));
                Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Update, $$"""{"text":"{{writer}} {{i}}"}""", key: "1"));
            }
        }));
        RequireSound(engines[0], 1 + (40 * 10));
        Assert.Equal(1 + (40 * 20), nodes.Scalar("select position from plinth_log_head"));
        Assert.Equal(1 + (40 * 10), nodes.Scalar("select _version from notes where id = 1"));
    }

    /// <summary>Commands that wait behind one that holds the lane, so that their groups are full; answers what became of each.</summary>
    static async Task<string?[]> WriteAsync(Engine engine, CommandKind kind, int count, Action before, params int[] wrong)
    {
        List<Task<Fault?>> running = [];
        await using (await HeldLane.HoldAsync(engine.Store.Committer))
        {
            // One after the other: the order of arrival is that of the groups.
            for (int i = 0; i < count; i++)
            {
                string text = wrong.Contains(i) ? "wrong" : "right", id = (100 + i).ToString(CultureInfo.InvariantCulture);
                running.Add(kind == CommandKind.Create
                    ? PostgresNodes.WriteAsync(engine, kind, Note(100 + i, text))
                    : PostgresNodes.WriteAsync(engine, kind, $$"""{"text":"{{text}}"}""", key: id));
                await UntilAsync(() => engine.Store.Committer.Waiting == running.Count);
            }

            before();
        }

        return [.. (await Task.WhenAll(running)).Select(static fault => fault?.Code)];
    }

    static void RequireSound(Engine engine, int notes)
    {
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
        using Connection reader = engine.Store.Database.OpenReader();
        Assert.Equal(notes, reader.ScalarInt64("select count(*) from notes"));
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (!isSo()) await Task.Delay(1, enough.Token);
    }

    static string Note(int id, string text) => $$"""{"id":{{id}},"text":"{{text}}"}""";
}
