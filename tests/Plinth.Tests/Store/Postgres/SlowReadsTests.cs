using Npgsql;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Reads that take long, held by a lock of another session, beside those that do not.</summary>
public class SlowReadsTests
{
    const string Models = """
        model Note { id Int @id  text String  @@allow("all", true) }
        model Other { id Int @id  text String  @@allow("all", true) }
        """;

    const string Lock = "lock table notes in access exclusive mode";

    /// <summary>More than a node has connections.</summary>
    const int Many = 40;

    /// <summary>A quarter of a node's connections.</summary>
    const int Slow = 4;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(100);
    static readonly ReadRequest s_notes = new() { Model = "Note", Kind = ReadKind.List };
    static readonly ReadRequest s_others = new() { Model = "Other", Kind = ReadKind.List };
    static readonly ReadRequest s_note = new() { Model = "Note", Kind = ReadKind.Get, Key = ["1"] };
    static readonly ReadRequest s_other = new() { Model = "Other", Kind = ReadKind.Get, Key = ["1"] };

    readonly string _name = "slow-" + Guid.NewGuid().ToString("n");

    [Fact]
    public async Task Lists_that_wait_hold_up_no_record_by_its_key()
    {
        await using PostgresNodes nodes = New();
        Engine engine = await FilledAsync(nodes);
        Task<bool>[] lists;
        using (nodes.Hold(Lock))
        {
            lists = Ask(engine, s_notes, Many);
            await UntilAsync(() => Waiting() > 0);
            Assert.True(await AskAsync(engine, s_other, default).WaitAsync(s_patience));
            Assert.DoesNotContain(lists, static list => list.IsCompleted);
        }

        Assert.All(await Task.WhenAll(lists), Assert.True);
    }

    [Fact]
    public async Task A_plan_that_was_slow_has_a_few_connections_and_the_lists_of_others_go_on()
    {
        SteppedClock clock = new();
        await using PostgresNodes nodes = New();
        Engine engine = await FilledAsync(nodes, clock);
        Assert.True(await AskAsync(engine, s_others, default));
        Task<bool> first;
        using (nodes.Hold(Lock))
        {
            first = AskAsync(engine, s_notes, default);
            await UntilAsync(() => Waiting() == 1);
            clock.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.True(await first);
        Task<bool>[] lists;
        using (nodes.Hold(Lock))
        {
            lists = Ask(engine, s_notes, Many);
            await UntilAsync(() => Waiting() == Slow);
            foreach (Task<bool> other in Ask(engine, s_others, Many)) Assert.True(await other.WaitAsync(s_patience));
            Assert.Equal(Slow, Waiting());
            Assert.DoesNotContain(lists, static list => list.IsCompleted);
        }

        Assert.All(await Task.WhenAll(lists), Assert.True);
    }

    [Fact]
    public async Task A_shared_statement_is_stopped_when_everyone_has_left_and_not_before()
    {
        await using PostgresNodes nodes = New();
        Engine engine = await FilledAsync(nodes);
        CancellationTokenSource[] callers = [.. Enumerable.Range(0, 6).Select(static _ => new CancellationTokenSource())];
        Task<bool>[] asked;
        using (nodes.Hold(Lock))
        {
            // Two travel by themselves; the others wait for one of them to be back.
            asked = [AskAsync(engine, s_note, callers[0].Token), AskAsync(engine, s_note, callers[1].Token)];
            await UntilAsync(() => Waiting() == 2);
            asked = [.. asked, .. callers[2..].Select(caller => AskAsync(engine, s_note, caller.Token))];

            await callers[5].CancelAsync();
            await GoneAsync(asked[5]);
            Assert.Equal(2, Waiting());

            // The place of the first is taken by all who wait, in one statement.
            await callers[0].CancelAsync();
            await GoneAsync(asked[0]);
            await UntilAsync(() => Waiting() == 2);
            await callers[2].CancelAsync();
            await callers[3].CancelAsync();
            Assert.False(asked[4].IsCompleted);
            await callers[1].CancelAsync();
            await GoneAsync(asked[1]);
            await UntilAsync(() => Waiting() == 1);
        }

        Assert.True(await asked[4].WaitAsync(s_patience));
        using (nodes.Hold(Lock))
        {
            using CancellationTokenSource last = new();
            Task<bool> alone = AskAsync(engine, s_note, last.Token);
            await UntilAsync(() => Waiting() == 1);
            await last.CancelAsync();
            await GoneAsync(alone);
            await UntilAsync(() => Waiting() == 0);
        }

        Assert.True(await AskAsync(engine, s_note, default).WaitAsync(s_patience));
        foreach (CancellationTokenSource caller in callers) caller.Dispose();
    }

    [Fact]
    public void A_plan_is_slow_beyond_the_bound_and_until_it_takes_half_of_it()
    {
        Limits limits = Limits.Default with { SlowMs = 40 };
        ReadPace pace = new(isShort: false);
        void Learn(int milliseconds, bool isDone = true, int times = 40)
        {
            for (int i = 0; i < times; i++) pace.Learn(TimeSpan.FromMilliseconds(milliseconds), isDone, limits.SlowMs);
        }

        Learn(39);
        Assert.Equal(ReadLane.Usual, pace.Lane);
        // One that was stopped says nothing, unless it had taken longer already.
        Learn(1, isDone: false);
        Learn(41, isDone: false);
        Assert.Equal(ReadLane.Slow, pace.Lane);
        Learn(21);
        Assert.Equal(ReadLane.Slow, pace.Lane);
        Learn(19);
        Assert.Equal(ReadLane.Usual, pace.Lane);

        ReadPace ofKey = new(isShort: true);
        Assert.Equal(ReadLane.Short, ofKey.Lane);
        ofKey.Learn(TimeSpan.FromSeconds(1), isDone: true, limits.SlowMs);
        Assert.Equal(ReadLane.Slow, ofKey.Lane);
    }

    PostgresNodes New() => new(PostgresCluster.Shared.Url(options: "&application_name=" + _name), Models)
    {
        CacheBytes = 0, StatementMs = 200_000,
    };

    static async Task<Engine> FilledAsync(PostgresNodes nodes, TimeProvider? clock = null)
    {
        Engine engine = await nodes.StartAsync(clock: clock);
        foreach (string model in new[] { "Note", "Other" })
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"q"}""", model: model));
        return engine;
    }

    static Task<bool>[] Ask(Engine engine, ReadRequest request, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => AskAsync(engine, request, default))];

    static async Task<bool> AskAsync(Engine engine, ReadRequest request, CancellationToken cancel)
    {
        Result<ReadReply> reply = await engine.ReadAsync(Caller.System, request, cancel);
        if (reply.IsOk) reply.Value.Dispose();
        return reply.IsOk;
    }

    static Task GoneAsync(Task<bool> asked) => Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked.WaitAsync(s_patience));

    /// <summary>Sessions of this test's node that wait for a lock.</summary>
    int Waiting()
    {
        using TempFolder folder = new();
        using NpgsqlDataSource source = PostgresServer.Of(PostgresCluster.Shared.Url(), "tests").Writers(new() { Folder = folder.Path });
        using NpgsqlCommand count = source.CreateCommand(
            $"select count(*)::int from pg_stat_activity where wait_event_type = 'Lock' and application_name = '{_name}'");
        return (int)count.ExecuteScalar()!; // a count
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource enough = new(s_patience);
        while (!isSo()) await Task.Delay(10, enough.Token);
    }

    /// <summary>Time that passes when a test says so.</summary>
    sealed class SteppedClock : TimeProvider
    {
        long _ticks = 1;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref _ticks);

        public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
    }
}
