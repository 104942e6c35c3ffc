using Plinth.Store;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class LogTailTests
{
    [Fact]
    public async Task A_follower_gets_every_event_once_in_order_from_wherever_it_starts()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 20; i++) await fixture.CreatedAsync(i, $"note {i}");
        using LogFollower fromFive = fixture.Store.Tail.Follow(5);
        // Not Tail.Head: followers are told after the writer is, so it may still be a step behind the last acknowledgement.
        using LogFollower fromNow = fixture.Store.Tail.Follow(20);
        Task<List<long>> five = TakeAsync(fromFive, 115), now = TakeAsync(fromNow, 100);
        await Task.WhenAll(Enumerable.Range(21, 100).Select(i => fixture.CreateAsync(i, $"note {i}").AsTask()));
        Assert.Equal(Enumerable.Range(6, 115).Select(i => (long)i), await five);
        Assert.Equal(Enumerable.Range(21, 100).Select(i => (long)i), await now);
    }

    [Fact]
    public async Task A_follower_that_lags_reads_on_from_the_log_and_misses_nothing()
    {
        using LogFixture fixture = new();
        using LogFollower slow = fixture.Store.Tail.Follow(0, queueMax: 10);
        for (int i = 1; i <= 60; i++) await fixture.CreatedAsync(i, $"note {i}");
        Assert.True(slow.Lags > 0);
        Task<List<long>> seen = TakeAsync(slow, 160);
        for (int i = 61; i <= 160; i++) await fixture.CreatedAsync(i, $"note {i}");
        Assert.Equal(Enumerable.Range(1, 160).Select(i => (long)i), await seen);
    }

    [Fact]
    public async Task What_was_written_some_other_way_is_found_by_the_poll()
    {
        using LogFixture fixture = new();
        using LogFollower follower = fixture.Store.Tail.Follow(0);
        fixture.Store.Committer.Publish = null;
        await fixture.CreatedAsync(1, "one");
        Assert.Equal([1L], await TakeAsync(follower, 1));
    }

    [Fact]
    public async Task A_closed_tail_ends_its_followers()
    {
        using LogFixture fixture = new();
        LogFollower follower = fixture.Store.Tail.Follow(0);
        Task<List<long>> waiting = TakeAsync(follower, 1);
        fixture.Store.Tail.Dispose();
        Assert.Empty(await waiting);
    }

    static async Task<List<long>> TakeAsync(LogFollower follower, int count)
    {
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(20));
        List<long> positions = [];
        await foreach (IReadOnlyList<LogEvent> events in follower.ReadAllAsync(bound.Token))
        {
            positions.AddRange(events.Select(happened => happened.Position));
            if (positions.Count >= count) break;
        }

        return positions;
    }

    [Fact]
    public async Task A_group_that_the_log_has_shown_already_is_not_given_twice()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 4; i++) await fixture.CreatedAsync(i, $"note {i}");
        List<LogEvent> all;
        using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None)) all = EventLog.Read(lease.Connection, 0, 10);
        using LogFollower follower = fixture.Store.Tail.Follow(4);

        // The head moves before a group is offered, so the log may have shown a part of it, or all.
        follower.Offer([all[2], all[3]]);
        follower.Offer([all[3], Next(all[3], 5)]);
        Assert.Equal([5L], await TakeAsync(follower, 1));

        static LogEvent Next(LogEvent from, long position) => new()
        {
            Position = position, EventId = Guid.CreateVersion7(), Model = from.Model, RecordId = "5", Version = 1, Kind = from.Kind,
            Data = from.Data, Digest = from.Digest, SchemaVersion = 1,
        };
    }

    [Fact]
    public async Task A_follower_that_is_behind_when_the_tail_closes_ends_without_reading_on()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");

        // The tail is told after the command: told later, it would offer the event to a follower that is not behind.
        while (fixture.Store.Tail.Head < 1) await Task.Delay(1);
        LogFollower follower = fixture.Store.Tail.Follow(0);
        fixture.Store.Tail.Dispose();
        Assert.Empty(await TakeAsync(follower, 1));
        Assert.Throws<ObjectDisposedException>(() => fixture.Store.Tail.Follow(0));
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public void A_poll_of_a_database_that_has_gone_does_nothing()
    {
        using TempFolder folder = new();
        EventStore store = StoreProcess.Open(folder.Path);
        ManualTimer clock = new();
        using LogTail tail = new(store.Database, store.Log, clock);
        clock.Fire();
        store.Dispose();
        clock.Fire();
        Assert.Equal(0, tail.Head);
    }

    /// <summary>A clock whose one timer goes off when the test says so.</summary>
    sealed class ManualTimer : TimeProvider
    {
        Action _fire = static () => { };

        public void Fire() => _fire();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return base.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
