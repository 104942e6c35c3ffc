using System.Collections.Concurrent;
using Plinth.Store;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class FollowerTests
{
    static readonly FollowerOptions s_quick = new()
    {
        FailuresMax = 3, FirstPause = TimeSpan.FromMilliseconds(1), PauseMax = TimeSpan.FromMilliseconds(4),
        Lease = TimeSpan.FromMilliseconds(300),
    };

    [Fact]
    public async Task A_follower_that_fails_is_tried_again_and_then_parked_with_its_place_and_error_and_stops_nobody_else()
    {
        using LogFixture fixture = new();
        ConcurrentQueue<long> healthy = new(), failing = new();
        int failures = 0;
        using FollowerRun good = fixture.Store.Tail.Run("good", 0, Into(healthy), s_quick);
        using FollowerRun bad = fixture.Store.Tail.Run("bad", 0, (events, _) =>
        {
            foreach (LogEvent happened in events)
            {
                // The first fails twice, which is forgiven; the seventh always.
                if (happened.Position == 1 && failures++ < 2) throw new InvalidDataException("not yet");
                if (happened.Position == 7) throw new InvalidDataException("poison");
            }

            foreach (LogEvent happened in events) failing.Enqueue(happened.Position);
            return ValueTask.CompletedTask;
        }, s_quick);
        await Task.WhenAll(Enumerable.Range(1, 20).Select(i => fixture.CreateAsync(i, $"note {i}").AsTask()));
        await UntilAsync(() => healthy.Count == 20 && bad.Status.State == FollowerState.Parked);
        Assert.Equal(Enumerable.Range(1, 20).Select(i => (long)i), healthy);
        Assert.Equal(Enumerable.Range(1, 6).Select(i => (long)i), failing);
        FollowerStatus status = bad.Status;
        Assert.Equal((6, 14, 3, 7), (status.Position, status.Behind, status.Failures, status.FailedAt));
        Assert.Equal("InvalidDataException: poison", status.Error);
        Assert.Equal(FollowerState.Running, good.Status.State);
        Assert.Contains(fixture.Store.Tail.Followers, f => f is { Name: "bad", State: FollowerState.Parked });
    }

    [Fact]
    public async Task A_failure_that_has_nothing_to_do_with_the_event_never_parks()
    {
        using LogFixture fixture = new();
        ConcurrentQueue<long> seen = new();
        int left = 20;
        using FollowerRun run = fixture.Store.Tail.Run("patient", 0, (events, cancel) =>
            left-- > 0 ? throw new StoreException(StoreFailure.Unavailable, "gone") : Into(seen)(events, cancel), s_quick);
        await fixture.CreatedAsync(1, "one");
        await UntilAsync(() => seen.Count == 1);
        Assert.Null(run.Status.Error);
    }

    [Fact]
    public async Task What_a_durable_follower_writes_is_there_exactly_once_with_its_place_whatever_fails()
    {
        using LogFixture fixture = new();
        fixture.Store.Database.Writer.Execute("create table counted (position bigint not null)");
        for (int i = 1; i <= 30; i++) await fixture.CreatedAsync(i, $"note {i}");
        int calls = 0;
        FollowerWork work = new(null, (transaction, events) =>
        {
            foreach (LogEvent happened in events) Count(transaction, happened.Position);
            // After the writing, so that it has to be undone.
            if (++calls % 3 == 0) throw new InvalidDataException("in the middle");
        });
        await using (DurableFollower follower = new(fixture.Store, "counter", work, options: s_quick))
        {
            await UntilAsync(() => follower.Status.Position == 30);
            for (int i = 31; i <= 40; i++) await fixture.CreatedAsync(i, $"note {i}");
            await UntilAsync(() => follower.Status.Position == 40);
        }

        fixture.Reopen();
        await using (DurableFollower again = new(fixture.Store, "counter", work, options: s_quick))
        {
            for (int i = 41; i <= 50; i++) await fixture.CreatedAsync(i, $"note {i}");
            await UntilAsync(() => again.Status.Position == 50);
        }

        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(50, lease.Connection.ScalarInt64("select count(*) from counted"));
        Assert.Equal(50, lease.Connection.ScalarInt64("select count(distinct position) from counted"));
        Assert.Equal(50, FollowerTable.Position(lease.Connection, "counter"));
    }

    [Fact]
    public async Task A_parked_durable_follower_says_so_in_the_database_and_is_tried_again_by_the_next_process()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 5; i++) await fixture.CreatedAsync(i, $"note {i}");
        FollowerWork poisoned = new((events, _) => events.Any(e => e.Position == 4) ? throw new InvalidDataException("poison")
            : ValueTask.CompletedTask, null);
        await using (DurableFollower follower = new(fixture.Store, "hooks", poisoned, options: s_quick))
        {
            await UntilAsync(() => Row(fixture)?.Error is not null);
        }

        Assert.Equal(new FollowerRow("hooks", 3, "InvalidDataException: poison", 4), Row(fixture));
        fixture.Reopen();
        ConcurrentQueue<long> seen = new();
        await using DurableFollower repaired = new(fixture.Store, "hooks", new FollowerWork(Into(seen), null), options: s_quick);
        await UntilAsync(() => seen.Count == 2);
        Assert.Equal([4L, 5L], seen);
        await UntilAsync(() => Row(fixture) is { Error: null, Position: 5 });

        static FollowerRow? Row(LogFixture fixture)
        {
            using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
            return FollowerTable.All(lease.Connection).FirstOrDefault();
        }
    }

    [Fact]
    public async Task A_former_leader_changes_nothing()
    {
        using LogFixture fixture = new();
        fixture.Store.Database.Writer.Execute("create table counted (position bigint not null)");
        await fixture.CreatedAsync(1, "one");
        var dialect = fixture.Store.Database.Dialect;
        FollowerClaim former = (await ClaimAsync(isForced: false))!.Value;
        Assert.Null(await ClaimAsync(isForced: false));
        FollowerClaim leader = (await ClaimAsync(isForced: true))!.Value;
        Assert.Equal(former.Term + 1, leader.Term);
        Assert.False(await AdvanceAsync(former.Term));
        Assert.False((await fixture.Store.Committer.RunAsync(
            FollowerTable.Renew(dialect, "counter", former.Term, s_quick.Lease), CancellationToken.None)).Value);
        Assert.True(await AdvanceAsync(leader.Term));
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(1, lease.Connection.ScalarInt64("select count(*) from counted"));

        async Task<FollowerClaim?> ClaimAsync(bool isForced) => (await fixture.Store.Committer.RunAsync(
            FollowerTable.Claim(dialect, "counter", 0, TimeSpan.FromMinutes(1), isForced, isFresh: true), CancellationToken.None)).Value;

        async Task<bool> AdvanceAsync(long term) => (await fixture.Store.Committer.RunAsync(
            FollowerTable.Advance(dialect, "counter", term, 1, s_quick.Lease, static t => Count(t, 1)), CancellationToken.None)).Value;
    }

    internal static FollowerHandler Into(ConcurrentQueue<long> seen) => (events, _) =>
    {
        foreach (LogEvent happened in events) seen.Enqueue(happened.Position);
        return ValueTask.CompletedTask;
    };

    internal static async Task UntilAsync(Func<bool> holds)
    {
        for (int i = 0; !holds(); i++)
        {
            Assert.True(i < 2000, "it did not come to be within 20 seconds");
            await Task.Delay(10);
        }
    }

    static void Count(WriteTransaction transaction, long position)
    {
        using Statement insert = transaction.Prepare("insert into counted (position) values (?1)");
        insert.BindInt64(1, position);
        insert.Run();
    }
}
