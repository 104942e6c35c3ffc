using System.Collections.Concurrent;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// What happens to a process whose log is not what it was: put back, cut before it was read, or with a hole. It notices, says so once, and
/// goes on from the end; who must have every event stands still, and says what helps.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class LogBreakTests
{
    static readonly FollowerOptions s_quick = new()
    {
        FailuresMax = 3, FirstPause = TimeSpan.FromMilliseconds(1), PauseMax = TimeSpan.FromMilliseconds(4),
        Lease = TimeSpan.FromMilliseconds(300),
    };

    [Fact]
    public async Task A_log_that_was_put_back_is_noticed_and_followed_from_its_end()
    {
        using LogFixture fixture = await FiveAsync();
        LogTail tail = fixture.Store.Tail;
        ConcurrentQueue<LogBreak> told = new();
        ConcurrentQueue<long> seen = new();
        tail.Broken = told.Enqueue;
        List<LogBreak> followers = [];
        using FollowerRun run = tail.Run("reader", 0, FollowerTests.Into(seen), s_quick, followers.Add);
        await FollowerTests.UntilAsync(() => seen.Count == 5);
        await OtherAsync(fixture, "delete from plinth_events where position > 3; update plinth_log_head set position = 3");

        await FollowerTests.UntilAsync(() => tail.Breaks == 1 && tail.TryConfirm());
        LogBreak broken = Assert.Single(told);
        Assert.Equal((LogBreakKind.Rewritten, 5, 3, 1), (broken.Kind, broken.Seen, broken.Head.Position, broken.Number));
        Assert.Equal("the log was put back: what was seen at position 5 is not there, and its end is 3", broken.Text);
        Assert.Equal(3, tail.Head);
        await OtherAsync(fixture, Copy(to: 4) + "; update plinth_log_head set position = 4");
        await FollowerTests.UntilAsync(() => seen.Count == 6);
        Assert.Equal([1L, 2, 3, 4, 5, 4], seen);
        Assert.Equal([broken], followers);
        Assert.Equal(1, tail.Breaks);
    }

    [Fact]
    public async Task The_same_positions_with_other_events_are_another_log()
    {
        using LogFixture fixture = await FiveAsync();
        LogTail tail = fixture.Store.Tail;
        // As it is behind a copy that took over without the last two, and had as many written since.
        await OtherAsync(fixture, $"delete from plinth_events where position > 3; {Copy(to: 4)}; {Copy(to: 5)}; {Copy(to: 6)}; "
            + "update plinth_log_head set position = 6");
        await FollowerTests.UntilAsync(() => tail.Breaks == 1 && tail.TryConfirm());
        Assert.Equal((LogBreakKind.Rewritten, 5, 6), (tail.LastBreak!.Kind, tail.LastBreak.Seen, tail.Head));
    }

    [Fact]
    public async Task A_group_of_our_own_behind_the_end_of_another_log_hides_nothing()
    {
        using LogFixture fixture = await FiveAsync();
        LogTail tail = fixture.Store.Tail;
        LogEvent sixth = new()
        {
            Position = 6, EventId = Guid.CreateVersion7(), Model = "Note", RecordId = "6", Version = 1, Kind = EventKinds.Created,
            Data = null, Digest = [], SchemaVersion = 1,
        };
        // The committer may be the first to meet the other log, and stand in it where the next event would.
        await OtherAsync(fixture, $"delete from plinth_events where position > 3; {Copy(to: 4)}; {Copy(to: 5)}; {Copy(to: 6)}; "
            + "update plinth_log_head set position = 6");
        tail.Publish([sixth]);
        await FollowerTests.UntilAsync(() => tail.Breaks == 1 && tail.TryConfirm());
        Assert.Equal(LogBreakKind.Rewritten, tail.LastBreak!.Kind);
    }

    [Fact]
    public async Task A_hole_is_told_and_what_is_before_it_and_behind_it_is_followed()
    {
        using LogFixture fixture = await FiveAsync();
        LogTail tail = fixture.Store.Tail;
        ConcurrentQueue<long> seen = new();
        ConcurrentQueue<LogBreak> told = new();
        using FollowerRun run = tail.Run("reader", 5, FollowerTests.Into(seen), s_quick, told.Enqueue);
        await OtherAsync(fixture, $"{Copy(to: 6)}; {Copy(to: 9)}; {Copy(to: 10)}; update plinth_log_head set position = 10");
        await FollowerTests.UntilAsync(() => told.Count == 1 && tail.TryConfirm());
        Assert.Equal("the log has a hole: behind position 6 comes 9", Assert.Single(told).Text);
        await OtherAsync(fixture, $"{Copy(to: 11)}; update plinth_log_head set position = 11");
        await FollowerTests.UntilAsync(() => tail.Head == 11 && seen.Contains(11));
        // What comes before the hole may have been given already, or be skipped with it.
        Assert.Equal([11L], seen.Where(static position => position > 6));
        Assert.Equal(1, tail.Breaks);
    }

    [Fact]
    public async Task What_retention_took_before_it_was_read_is_told_and_what_was_seen_before_is_nobodys_business()
    {
        using LogFixture fixture = await FiveAsync();
        LogTail tail = fixture.Store.Tail;
        // All of it had been seen: the log begins elsewhere, and nothing is missing.
        await OtherAsync(fixture, $"{Cut(fixture, 5)}; {Copy(to: 6)}; update plinth_log_head set position = 6; "
            + "delete from plinth_events where position <= 5");
        await FollowerTests.UntilAsync(() => tail.Head == 6 && tail.TryConfirm());
        Assert.Equal(0, tail.Breaks);
        await OtherAsync(fixture, $"{Cut(fixture, 8)}; {Copy(to: 9)}; {Copy(to: 10)}; update plinth_log_head set position = 10; "
            + "delete from plinth_events where position <= 8");
        await FollowerTests.UntilAsync(() => tail.Breaks == 1 && tail.TryConfirm());
        Assert.Equal("the log was cut before it was read: behind position 6 comes 9", tail.LastBreak!.Text);
        Assert.Equal(10, tail.Head);
    }

    /// <summary>Each with the statement that makes it so, what it says, and where it goes on when it is told to skip.</summary>
    [Theory]
    [InlineData("update plinth_followers set position = 9", "its place, position 9, is behind the end of the log, 5", 5)]
    [InlineData("update plinth_followers set position = 1; <cut>", "its place, position 1, is gone: the log begins behind 3", 3)]
    [InlineData("update plinth_followers set position = 2; delete from plinth_events where position in (3, 4)",
        "the log has a hole: behind position 2 comes 5", 4)]
    public async Task Who_must_have_every_event_stands_still_where_it_cannot_and_skips_when_it_is_told_to(
        string makes, string says, int goesOnAt)
    {
        using LogFixture fixture = await FiveAsync();
        ConcurrentQueue<long> seen = new();
        FollowerWork work = new(FollowerTests.Into(seen), null);
        await using (DurableFollower before = new(fixture.Store, "hooks", work, options: s_quick))
        {
            await FollowerTests.UntilAsync(() => Row(fixture)?.Position == 5);
        }

        seen.Clear();
        string cut = Cut(fixture, 3) + "; delete from plinth_events where position <= 3";
        await OtherAsync(fixture, makes.Replace("<cut>", cut, StringComparison.Ordinal));
        await using DurableFollower follower = new(fixture.Store, "hooks", work, options: s_quick);
        await FollowerTests.UntilAsync(() => Row(fixture)?.Error is not null);
        FollowerRow row = Row(fixture)!;
        Assert.Equal($"{says}: told to skip, it goes on behind position {goesOnAt}", row.Error);
        Assert.Equal((goesOnAt, FollowerState.Parked), (row.FailedAt, follower.Status.State));
        Assert.Empty(seen);

        await fixture.Store.Committer.RunAsync(FollowerTable.Unpark("hooks", skips: true), CancellationToken.None);
        await OtherAsync(fixture, $"{Copy(to: 6)}; update plinth_log_head set position = 6");
        await FollowerTests.UntilAsync(() => Row(fixture) is { Error: null, Position: 6 });
        Assert.Equal(Enumerable.Range(goesOnAt + 1, 6 - goesOnAt).Select(static i => (long)i), seen);
    }

    [Fact]
    public async Task A_durable_follower_of_a_log_that_was_put_back_goes_on_where_the_database_has_its_place()
    {
        using LogFixture fixture = await FiveAsync();
        ConcurrentQueue<long> seen = new();
        FollowerWork work = new(FollowerTests.Into(seen), null);
        await using DurableFollower follower = new(fixture.Store, "hooks", work, options: s_quick);
        await FollowerTests.UntilAsync(() => Row(fixture)?.Position == 5);
        // Its place was put back with the log, and its leader's right is as old as that.
        await OtherAsync(fixture, $"delete from plinth_events where position > 3; {Copy(to: 4)}; update plinth_log_head set position = 4; "
            + "update plinth_followers set position = 3");
        await FollowerTests.UntilAsync(() => Row(fixture) is { Position: 4, Error: null });
        Assert.Equal([1L, 2, 3, 4, 5, 4], seen);
        await FollowerTests.UntilAsync(() => follower.Status is { State: FollowerState.Running, Position: 4 });
    }

    [Fact]
    public async Task What_is_written_with_a_place_whose_answer_was_lost_is_not_written_again()
    {
        FailingDatabase? failing = null;
        using LogFixture fixture = new(over: database => failing = new FailingDatabase(database));
        fixture.Store.Database.Writer.Execute("create table counted (position bigint not null)");
        for (int i = 1; i <= 5; i++) await fixture.CreatedAsync(i, $"note {i}");
        bool isLost = false, isCounting = false;
        failing!.AfterCommit = () =>
        {
            if (!isCounting || isLost) return;
            isLost = true;
            throw new StoreException(StoreFailure.Unavailable, "the answer is lost");
        };
        FollowerWork work = new(null, (transaction, events) =>
        {
            isCounting = true;
            foreach (LogEvent happened in events)
            {
                using Statement count = transaction.Prepare("insert into counted (position) values (?1)");
                count.BindInt64(1, happened.Position);
                count.Run();
            }
        });
        await using DurableFollower follower = new(fixture.Store, "counter", work, options: s_quick);
        await FollowerTests.UntilAsync(() => Row(fixture)?.Position == 5 && follower.Status.Position == 5);
        Assert.True(isLost);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(5, lease.Connection.ScalarInt64("select count(*) from counted"));
    }

    /// <summary>Five events, which the reader has seen in the database itself.</summary>
    static async Task<LogFixture> FiveAsync()
    {
        LogFixture fixture = new();
        for (int i = 1; i <= 5; i++) await fixture.CreatedAsync(i, $"note {i}");
        await FollowerTests.UntilAsync(() => fixture.Store.Tail.Head == 5 && fixture.Store.Tail.TryConfirm());
        return fixture;
    }

    /// <summary>In one transaction, past everything: as another process does, or whoever puts a backup back.</summary>
    static async Task OtherAsync(LogFixture fixture, string sql)
    {
        // In the writer's turn: nobody else may touch its connection.
        WriteAction<Done> other = new(transaction =>
        {
            transaction.Connection.Execute(sql);
            return Done.It;
        }, isExclusive: true);
        Assert.True((await fixture.Store.Committer.RunAsync(other, CancellationToken.None)).IsOk);
    }

    static string Copy(int to) =>
        $"insert into plinth_events ({EventLog.Columns}) select {to}, ordinal, tx_id, "
        + (TestDatabase.IsPostgres ? "decode(md5(random()::text), 'hex')" : "randomblob(16)")
        + $", {EventLog.Columns[EventLog.Columns.IndexOf("model", StringComparison.Ordinal)..]} from plinth_events "
        + "where position = (select max(position) from plinth_events)";

    /// <summary>Where the log begins is signed first.</summary>
    static string Cut(LogFixture fixture, long position)
    {
        SignedCheckpoint signed = SignedCheckpoint.Sign(fixture.Store.Keys, new LogHead(position, 0, new byte[32]));
        return "delete from plinth_log_start; "
            + $"insert into plinth_log_start (id, position, signed) values (1, {position}, '{signed.Text()}')";
    }

    static FollowerRow? Row(LogFixture fixture)
    {
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        return FollowerTable.All(lease.Connection).FirstOrDefault();
    }
}
