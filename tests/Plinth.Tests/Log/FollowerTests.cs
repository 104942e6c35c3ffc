using System.Collections.Concurrent;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class FollowerTests
{
    static readonly FollowerOptions s_quick = new()
    {
        FailuresMax = 3, FirstPause = TimeSpan.FromMilliseconds(1), PauseMax = TimeSpan.FromMilliseconds(4),
        Lease = TimeSpan.FromMilliseconds(300),
    };

    /// <summary>Its lease does not end while a test holds it up.</summary>
    static readonly FollowerOptions s_patient = s_quick with { Lease = TimeSpan.FromMinutes(2) };

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
    public async Task A_parked_follower_stays_as_it_is_while_its_process_looks_on()
    {
        int looks = 0;
        using LogFixture fixture = new(over: database => new FailingDatabase(database)
        {
            OnStatement = sql =>
            {
                if (sql.StartsWith("select position from plinth_followers", StringComparison.Ordinal)) Interlocked.Increment(ref looks);
            },
        });
        for (int i = 1; i <= 3; i++) await fixture.CreatedAsync(i, $"note {i}");
        FollowerWork poisoned = new((events, _) => events.Any(e => e.Position == 2) ? throw new InvalidDataException("poison")
            : ValueTask.CompletedTask, null);
        await using DurableFollower follower = new(fixture.Store, "hooks", poisoned, options: s_quick);
        await UntilAsync(() => follower.Status.State == FollowerState.Parked);
        int before = Volatile.Read(ref looks);
        await UntilAsync(() => Volatile.Read(ref looks) >= before + 3);
        FollowerStatus status = follower.Status;
        Assert.Equal(
            (FollowerState.Parked, 1L, 2L, "InvalidDataException: poison"),
            (status.State, status.Position, status.FailedAt, status.Error));
    }

    [Fact]
    public async Task A_follower_without_options_starts_where_it_is_told_to()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 3; i++) await fixture.CreatedAsync(i, $"note {i}");
        ConcurrentQueue<long> seen = new();
        await using DurableFollower follower = new(fixture.Store, "later", new FollowerWork(Into(seen), null), after: 2);
        await UntilAsync(() => follower.Status.Position == 3);
        Assert.Equal([3L], seen);
    }

    /// <summary>What says nothing about an event is tried again for ever; what the event's own writing runs into parks it.</summary>
    [Theory]
    [InlineData("Unavailable", false)]
    [InlineData("TimedOut", false)]
    [InlineData("Busy", false)]
    [InlineData("TooLarge", true)]
    public async Task A_failure_to_write_parks_only_when_it_is_the_event_s(string failure, bool parks)
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        int tries = 0;
        FollowerWork work = new(null, (_, _) =>
        {
            if (++tries < 10) throw new StoreException(Enum.Parse<StoreFailure>(failure), "so it is");
        });
        await using DurableFollower follower = new(fixture.Store, "writer", work, options: s_patient);
        if (parks)
        {
            await UntilAsync(() => follower.Status.State == FollowerState.Parked);
            Assert.Equal(s_patient.FailuresMax, tries);
            return;
        }
        await UntilAsync(() => follower.Status.Position == 1);
        Assert.Null(follower.Status.Error);
        Assert.Equal(10, tries);
    }

    [Fact]
    public async Task A_lane_that_is_full_is_no_fault_of_the_event()
    {
        using LogFixture fixture = new(limits: Limits.Default with { WriteQueue = 2 });
        await fixture.CreatedAsync(1, "one");
        using SemaphoreSlim release = new(0);
        Task[] full = [];
        int tries = 0;
        FollowerHandler effect = (_, _) =>
        {
            if (++tries == 1) full = Fill();
            if (tries == 8) release.Release();
            return ValueTask.CompletedTask;
        };
        await using DurableFollower follower = new(fixture.Store, "hooks", new FollowerWork(effect, null), options: s_patient);
        try
        {
            await UntilAsync(() => follower.Status.Position == 3);
        }
        finally
        {
            release.Release(8);
        }
        Assert.Null(follower.Status.Error);
        Assert.True(tries > 8);
        await Task.WhenAll(full);

        Task[] Fill()
        {
            Task holding = fixture.Store.Committer.RunAsync(new WriteAction<Done>(_ =>
            {
                release.Wait();
                return Done.It;
            }), CancellationToken.None).AsTask();
            Assert.True(SpinWait.SpinUntil(() => fixture.Store.Committer.Waiting == 0, TimeSpan.FromSeconds(60)));
            return [holding, fixture.CreateAsync(2, "two").AsTask(), fixture.CreateAsync(3, "three").AsTask()];
        }
    }

    [Fact]
    public async Task A_lane_that_is_closed_is_no_fault_of_the_event_and_nobody_leads_without_one()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        int tries = 0;
        FollowerHandler effect = (_, _) =>
        {
            if (Interlocked.Increment(ref tries) == 1) fixture.Store.Committer.Dispose();
            return ValueTask.CompletedTask;
        };
        await using DurableFollower follower = new(fixture.Store, "hooks", new FollowerWork(effect, null), options: s_quick);
        // The lease ends, and cannot be taken again.
        await UntilAsync(() => tries > 0 && follower.Status.State == FollowerState.Waiting);
        Assert.Equal(0, follower.Status.Position);
    }

    [Fact]
    public async Task A_leader_whose_lease_is_over_does_nothing_more_before_it_has_claimed_anew()
    {
        JumpingClock clock = new();
        using LogFixture fixture = new(clock: clock);
        await fixture.CreatedAsync(1, "one");
        FollowerOptions options = s_quick with { Lease = TimeSpan.FromSeconds(2), FailuresMax = int.MaxValue, FirstPause = TimeSpan.Zero };
        ConcurrentQueue<long> terms = new();
        FollowerHandler effect = (_, _) =>
        {
            using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
            terms.Enqueue(lease.Connection.ScalarInt64("select term from plinth_followers") ?? 0);
            if (!terms.TryPeek(out long first) || first < terms.Last()) return ValueTask.CompletedTask;
            // As if the process had slept: what it does next, another node may have done.
            clock.Jump(options.Lease);
            throw new InvalidDataException("woken");
        };
        await using DurableFollower follower = new(fixture.Store, "hooks", new FollowerWork(effect, null), options: options);
        await UntilAsync(() => follower.Status.Position == 1);
        Assert.Equal([1L, 2L], terms.Distinct());
    }

    [Fact]
    public async Task What_a_leader_does_while_another_takes_the_lead_does_not_count()
    {
        using LogFixture fixture = new();
        fixture.Store.Database.Writer.Execute("create table counted (position bigint not null)");
        await fixture.CreatedAsync(1, "one");
        int tries = 0;
        FollowerHandler effect = async (_, cancel) =>
        {
            if (Interlocked.Increment(ref tries) > 1) return;
            FollowerClaim? taken = (await fixture.Store.Committer.RunAsync(FollowerTable.Claim(fixture.Store.Database.Dialect, "counter", 0,
                TimeSpan.FromMilliseconds(50), isForced: true, isFresh: true), cancel)).Value;
            Assert.NotNull(taken);
        };
        FollowerWork work = new(effect, (transaction, events) => Count(transaction, events[0].Position));
        await using DurableFollower follower = new(fixture.Store, "counter", work, options: s_quick);
        await UntilAsync(() => follower.Status.Position == 1);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(1, lease.Connection.ScalarInt64("select count(*) from counted"));
        Assert.True(tries > 1);
    }

    [Fact]
    public async Task A_time_out_of_a_follower_s_own_is_a_failure_and_its_end_is_none()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        int tries = 0;
        TaskCompletionSource waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using FollowerRun run = new(fixture.Store.Tail, "slow", async (_, cancel) =>
        {
            if (++tries < 3) throw new OperationCanceledException("its own time-out");
            waits.SetResult();
            await Task.Delay(Timeout.Infinite, cancel);
        }, s_quick);
        using CancellationTokenSource stop = new();
        Task<bool> running = run.RunAsync(0, 0, stop.Token);
        await waits.Task;
        Assert.Equal((FollowerState.Retrying, 2), (run.Status.State, run.Status.Failures));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(2, run.Status.Failures);
    }

    [Fact]
    public async Task A_long_error_is_kept_in_part()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        using FollowerRun run = fixture.Store.Tail.Run("loud", 0, (_, _) => throw new InvalidDataException(new string('x', 2000)), s_quick);
        await UntilAsync(() => run.Status.State == FollowerState.Parked);
        Assert.Equal("InvalidDataException: " + new string('x', 478), run.Status.Error);
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
            FollowerTable.Advance(dialect, "counter", term, 0, 1, s_quick.Lease, static t => Count(t, 1)), CancellationToken.None)).Value;
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
            Assert.True(i < 6000, "it did not come to be within a minute");
            await Task.Delay(10);
        }
    }

    /// <summary>The system's clock, which can jump ahead.</summary>
    sealed class JumpingClock : TimeProvider
    {
        long _ahead;

        public override long GetTimestamp() => System.GetTimestamp() + Volatile.Read(ref _ahead);

        public void Jump(TimeSpan by) => Interlocked.Add(ref _ahead, (long)(by.TotalSeconds * TimestampFrequency));
    }

    static void Count(WriteTransaction transaction, long position)
    {
        using Statement insert = transaction.Prepare("insert into counted (position) values (?1)");
        insert.BindInt64(1, position);
        insert.Run();
    }
}
