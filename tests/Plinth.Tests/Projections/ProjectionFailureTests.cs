using System.Collections.Concurrent;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Projections;

/// <summary>What may go wrong between an event and the rows that it changes.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ProjectionFailureTests
{
    const string Schema = """
        model Deal { id Int @id  stage String  score Int  @@softDelete  @@allow(["all", "purge"], true) }
        projection Good from Deal { key stage  n Int = count()  most Int = max(score)  @@allow("read", true) }
        projection Tight from Deal { key stage  total Int = sum(score)  @@allow("read", true) }
        """;

    static readonly FollowerOptions s_quick = new()
    {
        FailuresMax = 3, FirstPause = TimeSpan.FromMilliseconds(1), PauseMax = TimeSpan.FromMilliseconds(4),
        Lease = TimeSpan.FromMilliseconds(300),
    };

    [Fact]
    public async Task An_event_that_has_no_room_parks_its_projection_alone_and_a_rebuild_brings_it_back()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Schema);
        await fixture.Engine.Projections.DisposeAsync();
        await using ProjectionKeeper keeper = new(fixture.Store, s_quick);
        await keeper.ServeAsync(fixture.Schema, fixture.Engine.Current.Version);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"a","score":2000000000}""");
        await fixture.CaughtUpAsync();
        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"a","score":2000000000}""");
        await FollowerTests.UntilAsync(() => Status(fixture, "Tight").State == FollowerState.Parked);
        FollowerStatus parked = Status(fixture, "Tight");
        Assert.Equal(2, parked.FailedAt);
        Assert.Equal("InvalidDataException: Tight a has no room for 4000000000 in total", parked.Error);
        // The writers and the other projection did not notice, and its own rows are those of the event before.
        await fixture.Do(CommandKind.Create, "Deal", """{"id":3,"stage":"b","score":5}""");
        await FollowerTests.UntilAsync(() => Status(fixture, "Good").Position == 3);
        Assert.Equal("""[{"stage":"a","n":2,"most":2000000000},{"stage":"b","n":1,"most":5}]""", await fixture.List("Good"));
        Assert.Equal("""[{"stage":"a","total":2000000000}]""", await fixture.List("Tight"));
        Assert.Contains(keeper.Report(fixture.Schema, CancellationToken.None), static r => r.Behind > 0);
        await fixture.Do(CommandKind.Update, "Deal", """{"score":7}""", "2");
        var built = await keeper.BuildAsync(fixture.Schema, fixture.Schema.Model("Tight"), null, CancellationToken.None);
        Assert.True(built.IsOk, built.Fault?.Message);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":4,"stage":"b","score":6}""");
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"a","total":2000000007},{"stage":"b","total":11}]""", await fixture.List("Tight"));
        fixture.AssertExact("after the rebuild");
    }

    [Fact]
    public async Task A_projection_whose_place_in_the_log_is_lost_holds_up_no_write_and_is_built_anew()
    {
        const string WithInline = Schema + """

            projection Now from Deal { key stage  n Int = count()  @@inline  @@allow("read", true) }
            """;
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(WithInline);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"a","score":5}""");
        await fixture.CaughtUpAsync();
        await fixture.Engine.Projections.DisposeAsync();
        fixture.Execute("delete from plinth_projections");

        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"a","score":6}""");
        Assert.All(fixture.Engine.Projections.Report(fixture.Schema, CancellationToken.None), static report => Assert.Null(report.State));
        foreach (string name in new[] { "Good", "Now" })
        {
            ProjectionVerification verified =
                fixture.Engine.Projections.Verify(fixture.Schema, fixture.Schema.Model(name), null, CancellationToken.None);
            Assert.Equal([$"{name} was not built yet."], verified.Differences);
        }

        await fixture.ReopenAsync(WithInline);
        await fixture.CaughtUpAsync();
        fixture.AssertExact("built anew");
        Assert.Equal("""[{"stage":"a","n":2}]""", await fixture.List("Now"));
        Assert.Equal("""[{"stage":"a","n":2,"most":6}]""", await fixture.List("Good"));
    }

    /// <summary>Behind the end of the log, and before its beginning.</summary>
    [Theory]
    [InlineData("update plinth_projections set position = 99; update plinth_followers set position = 99")]
    [InlineData("update plinth_projections set position = 0; update plinth_followers set position = 0; "
        + "insert into plinth_log_start (id, position, signed) select 1, 2, signed from signed")]
    public async Task A_projection_whose_place_is_none_of_the_logs_is_counted_anew(string makes)
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Schema);
        for (int id = 1; id <= 3; id++)
            await fixture.Do(CommandKind.Create, "Deal", $$"""{"id":{{id}},"stage":"a","score":{{id}}}""");
        await fixture.CaughtUpAsync();
        await fixture.Engine.Projections.DisposeAsync();
        string signed = SignedCheckpoint.Sign(fixture.Store.Keys, new LogHead(2, 0, new byte[32])).Text();
        fixture.Execute(makes.Replace("select 1, 2, signed from signed", $"values (1, 2, '{signed}')", StringComparison.Ordinal)
            + "; delete from deals where id = 1");

        await fixture.Engine.Projections.ServeAsync(fixture.Schema, fixture.Engine.Current.Version);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":4,"stage":"b","score":5}""");
        await fixture.CaughtUpAsync();
        fixture.AssertExact("counted anew");
        Assert.Equal("""[{"stage":"a","n":2,"most":3},{"stage":"b","n":1,"most":5}]""", await fixture.List("Good"));
    }

    [Fact]
    public async Task What_is_delivered_twice_or_was_never_committed_is_counted_once()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Schema);
        await fixture.CaughtUpAsync();
        await fixture.Engine.Projections.DisposeAsync();
        ConcurrentQueue<LogEvent> delivered = new();
        using FollowerRun capture = fixture.Store.Tail.Run("capture", fixture.Store.Log.Head, (events, _) =>
        {
            foreach (LogEvent happened in events) delivered.Enqueue(happened);
            return ValueTask.CompletedTask;
        });
        int seed = Counts.Seed(), changes = Counts.Of(test: 120, soak: 20_000);
        Random random = new(seed);
        for (int i = 1; i <= changes; i++) await ChangeAsync(fixture, random);
        await FollowerTests.UntilAsync(() => delivered.Count > 0 && delivered.Last().Position == fixture.Store.Log.Head);
        Model model = fixture.Schema.Model("Good");
        ProjectionProgram program = new(fixture.Schema, model, fixture.Store.Database.Dialect, fixture.Store.Limits);
        SourceHistory history = new(program, fixture.Schema, fixture.Engine.Current.Version, fixture.Store.Keys);
        List<LogEvent> events = [.. delivered];
        for (int at = 0; at < events.Count;)
        {
            // From somewhere before what was seen to somewhere behind it.
            int from = Math.Max(0, at - random.Next(5)), to = Math.Min(events.Count, at + 1 + random.Next(6));
            IReadOnlyList<LogEvent> some = events[from..to];
            ProjectionStep? worked = WorkOut(fixture, program, history, some);
            if (random.Next(4) == 0) continue; // Its process ended before the checkpoint.
            Assert.NotNull(worked);
            Assert.True(Write(fixture, program, worked));
            Assert.False(Write(fixture, program, worked), "what was written is not written again");
            at = (int)(worked.To - events[0].Position) + 1;
        }
        ProjectionVerification verified = fixture.Engine.Projections.Verify(fixture.Schema, model, null, CancellationToken.None);
        Assert.True(verified.Differences.Count == 0, $"seed {seed}: {string.Join('\n', verified.Differences)}");
        Assert.True(verified.Rows > 0);
        Counts.Report("changes delivered again, and before a checkpoint that never was", events.Count, seed, "counted once each");
    }

    [Fact]
    public async Task Followers_that_are_stopped_anywhere_go_on_exactly()
    {
        int seed = Counts.Seed(), each = Counts.Of(test: 150, soak: 10_000);
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Schema);
        Task writing = Task.WhenAll(Enumerable.Range(0, 3).Select(async writer =>
        {
            Random random = new(unchecked(seed * 31 + writer));
            for (int i = 0; i < each; i++) await ChangeAsync(fixture, random);
        }));
        int stops = 0;
        for (; !writing.IsCompleted || stops < 5; stops++)
        {
            await fixture.Engine.Projections.ServeAsync(fixture.Schema, fixture.Engine.Current.Version);
            await Task.Yield();
        }
        await writing;
        await fixture.CaughtUpAsync();
        fixture.AssertExact($"seed {seed}, stopped {stops} times");
        Counts.Report("changes while projections are stopped anywhere", each * 3, seed, $"exact behind {stops} stops");
    }

    [Fact]
    public async Task Counting_in_parts_gives_what_counting_at_once_gives()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync("""
            model Deal { id Int @id  stage String  score Int  @@allow("all", true) }
            projection Many from Deal { key score  n Int = count()  least Int = min(id)  @@allow("read", true) }
            """);
        Random random = new(Counts.Seed());
        for (int i = 1; i <= 400; i++)
            await fixture.Do(CommandKind.Create, "Deal", $$"""{"id":{{i}},"stage":"a","score":{{random.Next(300)}}}""");
        ProjectionProgram program = new(
            fixture.Schema, fixture.Schema.Model("Many"), fixture.Store.Database.Dialect, fixture.Store.Limits);
        using Connection reader = fixture.Store.Database.OpenReader();
        reader.BeginRead();
        ProjectionReader source = new(program, reader);
        int parts = 0;
        string[] inParts = [.. ProjectionCount.Parts(program, source, 1, null, CancellationToken.None, groupsMax: 20)
            .SelectMany(part =>
            {
                parts++;
                Assert.InRange(part.Count, 0, 20);
                return part;
            }).Select(Shown).Order(StringComparer.Ordinal)];
        string[] atOnce = [.. ProjectionCount.Parts(program, source, 1, null, CancellationToken.None).SelectMany(static p => p)
            .Select(Shown).Order(StringComparer.Ordinal)];
        Assert.Equal(atOnce, inParts);
        Assert.True(parts >= 16, $"{parts} parts");

        static string Shown(Value[] row) => string.Join(' ', row.Select(static v => v.ToString()));
    }

    static FollowerStatus Status(ProjectionFixture fixture, string projection) =>
        fixture.Store.Tail.Followers.Last(f => f.Name == "projection " + projection);

    static async Task ChangeAsync(ProjectionFixture fixture, Random random)
    {
        string id = ProjectionFixture.Number(random.Next(1, 40));
        string body = $"\"stage\":\"{"abc"[random.Next(3)]}\",\"score\":{random.Next(1000)}";
        await (random.Next(8) switch
        {
            < 3 => fixture.TryDo(CommandKind.Create, "Deal", $"{{\"id\":{id},{body}}}"),
            < 6 => fixture.TryDo(CommandKind.Update, "Deal", $"{{{body}}}", id),
            6 => fixture.TryDo(CommandKind.Delete, "Deal", key: id),
            _ => fixture.TryDo(CommandKind.Restore, "Deal", key: id),
        });
    }

    static ProjectionStep? WorkOut(
        ProjectionFixture fixture, ProjectionProgram program, SourceHistory history, IReadOnlyList<LogEvent> events)
    {
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        lease.Connection.BeginRead();
        ProjectionState state = ProjectionStates.Find(lease.Connection, program.Model.Name)!;
        return ProjectionStep.Of(program, state.Position, events, lease.Connection, history);
    }

    static bool Write(ProjectionFixture fixture, ProjectionProgram program, ProjectionStep step) =>
        fixture.Store.Committer.RunAsync(new WriteAction<bool>(transaction =>
        {
            if (!ProjectionStates.MoveOn(transaction.Connection, program.Model.Name, program.Shape, step.From, step.To)) return false;
            foreach (RowChange change in step.Changes)
                ProjectionFollower.Write(transaction.Connection, program.Statements, program.Model, change);
            return true;
        }), CancellationToken.None).AsTask().GetAwaiter().GetResult().Value;
}
