using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>How copies of the database are watched. By real standbys: <c>ReplicaTests</c>.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ReplicasTests
{
    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public void A_copy_that_is_silent_for_a_second_is_left_out_and_is_asked_one_thing_at_a_time()
    {
        LookClock clock = new();
        TaskCompletionSource<ReadLease> answer = new();
        int asked = 0;
        DatabaseCopy copy = new(
            "copy", (_, _) => new ValueTask<ReadLease>((++asked == 1 ? answer : new TaskCompletionSource<ReadLease>()).Task));
        using LogFixture fixture = new(over: database => new FailingDatabase(database) { Followers = [copy] }, clock: clock);
        using Replicas replicas = new(fixture.Store.Database, fixture.Store.Tail);
        Replica replica = Assert.Single(replicas.All);
        Assert.Null(Chosen());
        clock.Look();
        // While it is looked at, a read finds it well.
        Assert.True(replicas.Suffices(replica, new CopyState(0, Follows: true, 1), TimeSpan.MaxValue, position: 0, schemaVersion: 1));
        Assert.Same(replica, Chosen());

        clock.Pass(TimeSpan.FromSeconds(1));
        clock.Look();
        Assert.Same(replica, Chosen());
        clock.Pass(TimeSpan.FromSeconds(0.25));
        clock.Look();
        Assert.Null(Chosen());
        Assert.Equal(1, asked);

        // Once it has answered it is asked again.
        answer.SetResult(fixture.Store.Database.Read(CancellationToken.None));
        Assert.True(SpinWait.SpinUntil(AsksAgain, TimeSpan.FromSeconds(60)));

        bool AsksAgain()
        {
            clock.Look();
            return asked == 2;
        }

        Replica? Chosen() => replicas.Choose(TimeSpan.MaxValue, position: 0);
    }

    [Fact]
    public async Task A_copy_shows_where_its_log_ends_and_one_that_has_lost_the_head_of_it_says_so()
    {
        using WriteFixture fixture = new("""model Note { id Int @id  @@allow("all", true) }""");
        await fixture.Do(CommandKind.Create, "Note", """{"id":1}""");
        Assert.Equal(new CopyState(1, Follows: false, 1), State());
        fixture.Store.Database.Writer.Execute("delete from plinth_log_head");
        StoreException lost = Assert.Throws<StoreException>(() => State());
        Assert.Equal((StoreFailure.Corrupt, "The log has no head."), (lost.Failure, lost.Message));

        CopyState State()
        {
            using Connection reader = fixture.Store.Database.OpenReader();
            using Statement asked = Replica.Asking(reader, TestDatabase.Dialect.FollowsAnother);
            return Replica.StateOf(asked);
        }
    }

    /// <summary>Time passes, and timers go off, when a test says so.</summary>
    sealed class LookClock : TimeProvider
    {
        long _ticks = 1;
        Action _last = static () => { };

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Pass(TimeSpan time) => _ticks += time.Ticks;

        /// <summary>The timer that was made last goes off.</summary>
        public void Look() => _last();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _last = () => callback(state);
            return new Idle();
        }

        sealed class Idle : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }
}
