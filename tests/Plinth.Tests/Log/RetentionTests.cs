using System.Globalization;
using System.Text.Json.Nodes;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>Old values taken away, replays of a part, and signed statements of where the log was.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class RetentionTests
{
    const string Schema = """
        model Note { id Int @id  text String  secret String? @sensitive  @@softDelete  @@allow(["all", "purge"], true) }
        model Other { id Int @id  text String  @@allow("all", true) }
        """;

    [Fact]
    public async Task A_cut_takes_values_away_and_leaves_what_happened_and_the_chain()
    {
        using WriteFixture fixture = new(Schema);
        await Write(fixture, new Random(Counts.Seed()), commands: 60);
        long cut = fixture.Engine.Position;
        await Write(fixture, new Random(Counts.Seed() + 1), commands: 60);
        List<string> rows = [.. await fixture.Rows("Note"), .. await fixture.Rows("Other")];

        Assert.True((await LogCut.RunAsync(fixture.Store, cut, null, CancellationToken.None)).Value > 0);
        Assert.Equal(rows, [.. await fixture.Rows("Note"), .. await fixture.Rows("Other")]);
        using (Connection reader = fixture.Store.Database.OpenReader())
        {
            Assert.Null(EventLog.Verify(reader, CancellationToken.None).Wrong);
            List<LogEvent> events = EventLog.Read(reader, 0, int.MaxValue);
            Assert.All(events, e => Assert.Equal(e.Position <= cut, e.Data is null));
        }

        // What is gone is not guessed.
        ReplayReport whole = Replay(fixture, ReplayScope.Whole);
        Assert.Contains(Text(cut), whole.Refused, StringComparison.Ordinal);
        Assert.Empty(whole.Differences);
        ReplayReport part = Replay(fixture, new ReplayScope([], cut));
        Assert.Null(part.Refused);
        Assert.Empty(part.Differences);
        Assert.True(part.Events > 20);
        ReadRequest list = new() { Model = "Note", Kind = ReadKind.List };
        var old = await fixture.Engine.ReadAsync(Caller.System, list with { AsOf = Text(cut - 1) }, CancellationToken.None);
        Assert.Equal("as_of_too_old", old.Fault?.Code);
        using ReadReply at = (await fixture.Engine.ReadAsync(Caller.System, list with { AsOf = Text(cut) }, CancellationToken.None)).Value;
        // Again, and further: what is gone stays gone.
        Assert.Equal(0, (await LogCut.RunAsync(fixture.Store, cut, null, CancellationToken.None)).Value);
        Assert.True((await LogCut.RunAsync(fixture.Store, fixture.Engine.Position, null, CancellationToken.None)).Value > 0);
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task Retention_by_itself_takes_what_is_old_and_no_follower_needs_and_names_who_needs_it()
    {
        using WriteFixture fixture = new(Schema);
        await Write(fixture, new Random(Counts.Seed()), commands: 30);
        long old = fixture.Engine.Position;
        fixture.Clock.Advance(TimeSpan.FromDays(20));
        await Write(fixture, new Random(Counts.Seed() + 1), commands: 30);
        List<string> told = [];
        await using Retention retention = new(fixture.Store, new(TimeSpan.FromDays(10), null), every: null, told.Add);
        FollowerWork nothing = new((_, _) => ValueTask.CompletedTask, null);
        await using (DurableFollower waiting = new(fixture.Store, "slow", nothing, old / 2))
        {
            using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
            while (waiting.Status.Position < fixture.Engine.Position) await Task.Delay(10, bound.Token);
        }
        await Move("slow", old / 2);
        for (int i = 0; i < 2; i++) Assert.Equal(new RetentionStep(old / 2, 0, "slow"), await retention.StepAsync(CancellationToken.None));
        Assert.Contains("'slow'", Assert.Single(told), StringComparison.Ordinal);
        await Move("slow", fixture.Engine.Position);
        Assert.Equal(new RetentionStep(old, 0, null), await retention.StepAsync(CancellationToken.None));
        Assert.Equal(new RetentionStep(old, 0, null), await retention.StepAsync(CancellationToken.None));
        Assert.Single(told);
        using Connection reader = fixture.Store.Database.OpenReader();
        List<LogEvent> events = EventLog.Read(reader, 0, int.MaxValue);
        Assert.All(events, e => Assert.Equal(e.Position <= old, e.Data is null));
        Assert.Null(EventLog.Verify(reader, CancellationToken.None).Wrong);
        string saved = await File.ReadAllTextAsync(Path.Combine(fixture.Folder, "checkpoints", Text(old) + ".checkpoint"));
        Assert.True(SignedCheckpoint.Read(saved)!.IsSigned());

        async Task Move(string name, long to) => await fixture.Store.Committer.RunAsync(new WriteAction<Plinth.Text.Done>(tx =>
        {
            using Statement move = tx.Prepare($"update {LogTables.Followers} set position = ?1 where name = ?2");
            move.BindInt64(1, to);
            move.BindText(2, name);
            move.Run();
            return Plinth.Text.Done.It;
        }), CancellationToken.None);
    }

    [Fact]
    public async Task A_replay_of_a_model_or_from_a_position_finds_what_a_whole_one_finds()
    {
        using WriteFixture fixture = new(Schema);
        await Write(fixture, new Random(Counts.Seed()), commands: 80);
        long middle = fixture.Engine.Position;
        await Write(fixture, new Random(Counts.Seed() + 1), commands: 80);
        long head = fixture.Engine.Position;
        foreach (long from in new[] { 0, 1, middle / 2, middle, head - 1, head })
        {
            ReplayReport report = Replay(fixture, new ReplayScope([], from));
            Assert.Equal((from, 0, null), (from, report.Differences.Count, report.Refused));
            Assert.Equal((head - from, head), (report.Events, report.Position));
        }
        ReplayReport notes = Replay(fixture, new ReplayScope(["Note"], 0)), others = Replay(fixture, new ReplayScope(["Other"], 0));
        Assert.Equal(head, notes.Events + others.Events);
        Assert.NotNull(Replay(fixture, new ReplayScope([], head + 1)).Refused);

        // A value that was changed behind the log is found where it is looked for.
        await fixture.Do(CommandKind.Create, "Other", """{"id":99,"text":"a"}""");
        await fixture.Store.Committer.RunAsync(new WriteAction<Plinth.Text.Done>(tx =>
        {
            using Statement update = tx.Prepare("update others set text = 'b' where id = 99");
            update.Run();
            return Plinth.Text.Done.It;
        }), CancellationToken.None);
        foreach (ReplayScope scope in new[] { new ReplayScope(["Other"], 0), new ReplayScope([], head) })
            Assert.Contains("Other 99: text", Assert.Single(Replay(fixture, scope).Differences), StringComparison.Ordinal);
        Assert.Empty(Replay(fixture, new ReplayScope(["Note"], 0)).Differences);
    }

    [Fact]
    public async Task A_signed_checkpoint_tells_a_log_that_was_written_anew()
    {
        using WriteFixture fixture = new(Schema), other = new(Schema);
        await fixture.Do(CommandKind.Create, "Note", """{"id":1,"text":"a"}""");
        await other.Do(CommandKind.Create, "Note", """{"id":1,"text":"a"}""");
        SignedCheckpoint signed = SignedCheckpoint.Sign(fixture.Store.Keys, fixture.Store.Log.Last);
        SignedCheckpoint read = SignedCheckpoint.Read(signed.Text())!;
        Assert.True(read.IsSigned());
        Assert.Equal(signed.Text(), read.Text());
        Assert.Equal(SignedCheckpoint.PublicKey(fixture.Store.Keys), read.Key);
        Assert.NotEqual(SignedCheckpoint.PublicKey(other.Store.Keys), read.Key);
        Assert.False((read with { Position = 2 }).IsSigned());
        Assert.False((read with { At = read.At + 1 }).IsSigned());
        Assert.False((read with { Hash = [.. read.Hash.Reverse()] }).IsSigned());
        Assert.False((read with { Key = [1, 2, 3] }).IsSigned());

        // The chain of the other log is whole: only the checkpoint tells that it is not this one.
        Assert.Null(Verify(fixture, read).Wrong);
        await fixture.Do(CommandKind.Create, "Note", """{"id":2,"text":"a"}""");
        Assert.Null(Verify(fixture, read).Wrong);
        Assert.Contains("position 1", Verify(other, read).Wrong, StringComparison.Ordinal);
        Assert.Contains("position 7", Verify(other, read with { Position = 7 }).Wrong, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"position":1,"at":"2026-01-31T08:30:00Z","hash":"","key":"","signature":""}""")]
    [InlineData("""{"position":"one","at":"2026-01-31T08:30:00Z","hash":"","key":"","signature":""}""")]
    [InlineData("""{"position":"1","at":"today","hash":"","key":"","signature":""}""")]
    [InlineData("""{"position":"1","at":null,"hash":"","key":"","signature":""}""")]
    [InlineData("""{"position":"1","at":"2026-01-31T08:30:00Z","hash":"-","key":"","signature":""}""")]
    [InlineData("""{"position":"1","at":"2026-01-31T08:30:00Z","hash":null,"key":"","signature":""}""")]
    public void What_is_no_checkpoint_is_told_as_that(string text) => Assert.Null(SignedCheckpoint.Read(text));

    static LogVerification Verify(WriteFixture fixture, SignedCheckpoint expected)
    {
        using Connection reader = fixture.Store.Database.OpenReader();
        return EventLog.Verify(reader, SignedCheckpoint.PublicKey(fixture.Store.Keys), [expected], CancellationToken.None);
    }

    static ReplayReport Replay(WriteFixture fixture, ReplayScope scope)
    {
        using Connection reader = fixture.Store.Database.OpenReader();
        return new Replay(fixture.Schema, fixture.Store.Keys, new Ddl(fixture.Store.Database.Dialect, fixture.Schema))
            .Run(reader, scope, null, CancellationToken.None);
    }

    static async Task Write(WriteFixture fixture, Random random, int commands)
    {
        for (int i = 0; i < commands; i++)
        {
            string key = Text(random.Next(1, 9)), model = random.Next(3) == 0 ? "Other" : "Note";
            JsonObject body = new() { ["text"] = "t" + random.Next(), };
            if (model == "Note") body["secret"] = "s" + random.Next();
            CommandKind kind = random.Next(6) switch
            {
                < 2 => CommandKind.Create,
                < 4 => CommandKind.Update,
                < 5 => CommandKind.Delete,
                _ => model == "Note" ? CommandKind.Restore : CommandKind.Update,
            };
            if (kind == CommandKind.Create) body["id"] = int.Parse(key, CultureInfo.InvariantCulture);
            bool hasBody = kind is CommandKind.Create or CommandKind.Update;
            await fixture.Send(kind, model, hasBody ? body.ToJsonString() : "", kind == CommandKind.Create ? null : key);
        }
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
