using System.Globalization;
using System.Security.Cryptography;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// The oldest events taken away whole: the log begins at a signed place, and what is left is evidence as before. Whole parts, of which a
/// server drops each in one step, have tests of their own.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class LogStartTests
{
    const string Schema = "model Note { id Int @id  text String  @@allow(\"all\", true) }";

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task Events_older_than_they_are_kept_go_and_the_log_begins_where_it_was_signed()
    {
        using WriteFixture fixture = new(Schema);
        await WriteAsync(fixture, from: 1, count: 10);
        SignedCheckpoint older = SignedCheckpoint.Sign(fixture.Store.Keys, fixture.Store.Log.Last);
        await WriteAsync(fixture, from: 11, count: 10);
        SignedCheckpoint atCut = SignedCheckpoint.Sign(fixture.Store.Keys, fixture.Store.Log.Last);
        fixture.Clock.Advance(TimeSpan.FromDays(20));
        await WriteAsync(fixture, from: 21, count: 10);
        SignedCheckpoint newer = SignedCheckpoint.Sign(fixture.Store.Keys, fixture.Store.Log.Last);
        List<string> rows = await fixture.Rows("Note");
        await using (Retention retention = new(fixture.Store, new(TimeSpan.FromDays(5), TimeSpan.FromDays(10)), null, static _ => { }))
        {
            for (int i = 0; i < 2; i++) Assert.Equal(new RetentionStep(20, 20, null), await retention.StepAsync(CancellationToken.None));
        }

        Assert.Equal(Enumerable.Range(21, 10).Select(static i => (long)i), Positions(fixture));
        Assert.Equal(21, fixture.Scalar("select min(first_position) from plinth_commits"));
        Assert.Equal(rows, await fixture.Rows("Note"));
        Assert.Equal(new LogVerification(10, 10, null) { After = 20 }, Verify(fixture, atCut, newer));
        Assert.Equal(" from position 21 on", Verify(fixture).From);
        Assert.Contains("nothing is left of what was signed at 10", Verify(fixture, older, newer).Wrong, StringComparison.Ordinal);
        Assert.Equal(new LogVerification(10, 10, null) { After = 20 }, fixture.Store.Verify(CancellationToken.None));

        // What is gone is not guessed, and what followed is as it was.
        Assert.NotNull(Replay(fixture, from: 19).Refused);
        ReplayReport replay = Replay(fixture, from: 20);
        Assert.Equal((null, 10, 0), (replay.Refused, replay.Events, replay.Differences.Count));
        Assert.Equal("as_of_too_old", (await AsOfAsync(fixture, 19))?.Code);
        Assert.Null(await AsOfAsync(fixture, 20));
        await WriteAsync(fixture, from: 31, count: 1);
        Assert.Equal(31, fixture.Engine.Position);
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task Events_alone_may_be_bounded_and_their_values_go_with_them()
    {
        using LogFixture fixture = new(over: static real => new FailingDatabase(real));
        for (int i = 1; i <= 4; i++) await fixture.CreatedAsync(i, $"note {i}");
        await using Retention retention = new(fixture.Store, new(null, TimeSpan.Zero), null, static _ => { });

        // Of what is old the last transaction stays: the log has an end.
        for (int i = 0; i < 2; i++) Assert.Equal(new RetentionStep(3, 3, null), await retention.StepAsync(CancellationToken.None));

        Assert.Equal(new LogVerification(1, 1, null) { After = 3 }, fixture.Store.Verify(CancellationToken.None));
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(3, LogCut.Position(lease.Connection));
    }

    [Fact]
    public async Task A_log_that_is_younger_than_that_loses_nothing()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        await using Retention retention = new(
            fixture.Store, new(TimeSpan.FromDays(1), TimeSpan.FromDays(1)), null, static _ => { });
        Assert.Equal(new RetentionStep(0, 0, null), await retention.StepAsync(CancellationToken.None));
        Assert.Equal(new LogVerification(1, 1, null), fixture.Store.Verify(CancellationToken.None));
        Assert.Equal("", fixture.Store.Verify(CancellationToken.None).From);
    }

    [Fact]
    public async Task However_many_events_go_none_of_them_is_left()
    {
        using LogFixture fixture = new(over: static real => new FailingDatabase(real));
        byte[] data = "{}"u8.ToArray();
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(transaction =>
        {
            for (int i = 0; i < 11_000; i++)
            {
                transaction.Append(new LogEvent
                {
                    EventId = Guid.CreateVersion7(), Model = "Gone", RecordId = "1", Version = i, Kind = EventKinds.Updated, Data = data,
                    Digest = SHA256.HashData(data), SchemaVersion = 1,
                });
            }
            return Done.It;
        }), CancellationToken.None);
        await fixture.CreatedAsync(1, "one");
        Assert.Equal(11_000, (await LogStart.MoveAsync(fixture.Store, long.MaxValue, CancellationToken.None)).Value);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(1, lease.Connection.ScalarInt64("select count(*) from plinth_events"));
        Assert.Equal(1, lease.Connection.ScalarInt64("select count(*) from plinth_commits"));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
    }

    [Theory]
    [InlineData("delete from plinth_log_start", "The transaction at 4 does not follow position 0")]
    [InlineData("update plinth_log_start set signed = 'nonsense'", "is not what was signed")]
    [InlineData("update plinth_log_start set signed = replace(signed, '\"3\"', '\"4\"')", "is not what was signed")]
    [InlineData("delete from plinth_events where position = 4; delete from plinth_commits where first_position = 4", "does not follow")]
    public async Task Who_makes_the_log_shorter_without_its_keys_is_found_out(string tampering, string expected)
    {
        using LogFixture fixture = new(over: static real => new FailingDatabase(real));
        for (int i = 1; i <= 6; i++) await fixture.CreatedAsync(i, $"note {i}");
        Assert.Equal(3, (await LogStart.MoveAsync(fixture.Store, 3, CancellationToken.None)).Value);
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        fixture.Store.Database.Writer.Execute(tampering);
        Assert.Contains(expected, fixture.Store.Verify(CancellationToken.None).Wrong, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_log_begins_must_be_signed_by_its_own_key()
    {
        using LogFixture fixture = new(over: static real => new FailingDatabase(real)), other = new();
        for (int i = 1; i <= 6; i++) await fixture.CreatedAsync(i, $"note {i}");
        await LogStart.MoveAsync(fixture.Store, 3, CancellationToken.None);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        byte[] stranger = SignedCheckpoint.PublicKey(other.Store.Keys);
        Assert.Contains("by another key", EventLog.Verify(lease.Connection, stranger, [], CancellationToken.None).Wrong,
            StringComparison.Ordinal);
        Assert.Null(EventLog.Verify(lease.Connection, CancellationToken.None).Wrong);
    }

    [Theory]
    [InlineData("insert into plinth_log_start", 6)]
    [InlineData("delete from plinth_events", 6)]
    [InlineData("delete from plinth_commits", 3)]
    public async Task What_cannot_be_taken_away_now_is_the_next_time(string statement, int left)
    {
        FailingDatabase? database = null;
        using LogFixture fixture = new(over: real => database = new FailingDatabase(real));
        for (int i = 1; i <= 6; i++) await fixture.CreatedAsync(i, $"note {i}");
        database!.OnStatement = sql =>
        {
            if (sql.StartsWith(statement, StringComparison.Ordinal)) throw new StoreException(StoreFailure.Full, "made to fail");
        };
        Assert.Equal(Faults.StorageUnavailable.Code, (await LogStart.MoveAsync(fixture.Store, 3, CancellationToken.None)).Fault?.Code);
        using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None))
            Assert.Equal(left, lease.Connection.ScalarInt64("select count(*) from plinth_events"));
        // The log is sound at each step between.
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);

        database.OnStatement = null;
        Assert.Equal(3, (await LogStart.MoveAsync(fixture.Store, 3, CancellationToken.None)).Value);
        Assert.Equal(new LogVerification(3, 3, null) { After = 3 }, fixture.Store.Verify(CancellationToken.None));
    }

    static async Task WriteAsync(WriteFixture fixture, int from, int count)
    {
        for (int i = from; i < from + count; i++) await fixture.Do(CommandKind.Create, "Note", $$"""{"id":{{i}},"text":"t"}""");
    }

    static IEnumerable<long> Positions(WriteFixture fixture)
    {
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        return [.. EventLog.Read(lease.Connection, 0, int.MaxValue).Select(static e => e.Position)];
    }

    static LogVerification Verify(WriteFixture fixture, params SignedCheckpoint[] expected)
    {
        using Connection reader = fixture.Store.Database.OpenReader();
        return EventLog.Verify(reader, SignedCheckpoint.PublicKey(fixture.Store.Keys), expected, CancellationToken.None);
    }

    static ReplayReport Replay(WriteFixture fixture, long from)
    {
        using Connection reader = fixture.Store.Database.OpenReader();
        return new Replay(fixture.Schema, fixture.Store.Keys, new Ddl(fixture.Store.Database.Dialect, fixture.Schema))
            .Run(reader, new ReplayScope([], from), null, CancellationToken.None);
    }

    static async Task<Fault?> AsOfAsync(WriteFixture fixture, long position)
    {
        ReadRequest list = new() { Model = "Note", Kind = ReadKind.List, AsOf = position.ToString(CultureInfo.InvariantCulture) };
        Result<ReadReply> read = await fixture.Engine.ReadAsync(Caller.System, list, CancellationToken.None);
        if (read.IsOk) read.Value.Dispose();
        return read.Fault;
    }
}
