using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>Others are asked about the credentials of open connections as often as it takes, by a clock of the test's own.</summary>
public sealed class OthersRechecksTests
{
    static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(1);

    readonly HandClock _clock = new();
    readonly List<TaskCompletionSource<Result<Identified>>> _asked = [];

    [Fact]
    public async Task However_many_connections_show_a_credential_it_is_asked_about_once_and_again_when_it_is_time()
    {
        OthersRechecks rechecks = Opened();
        Task<Result<Identified>>[] all = [.. Enumerable.Range(0, 100).Select(_ => rechecks.AskAsync("a", default).AsTask())];
        Assert.Single(_asked);
        _clock.Pass(TimeSpan.FromMinutes(1));
        // One that takes its time is not asked again meanwhile.
        Task<Result<Identified>> late = rechecks.AskAsync("a", default).AsTask();
        Assert.Single(_asked);
        _asked[0].SetResult(Known("ann"));
        Assert.All(await Task.WhenAll([.. all, late]), static told => Assert.Equal("ann", told.Value.Subject));
        Task<Result<Identified>> second = rechecks.AskAsync("a", default).AsTask();
        Assert.Equal(2, _asked.Count);
        _asked[1].SetResult(Known("ann"));
        Assert.True((await second).IsOk);
        _clock.Pass(OthersRechecks.Every - s_moment);
        Assert.True((await rechecks.AskAsync("a", default)).IsOk);
        Assert.Equal(2, _asked.Count);
        _clock.Pass(s_moment);
        Task<Result<Identified>> again = rechecks.AskAsync("a", default).AsTask();
        Assert.Equal(3, _asked.Count);
        _asked[2].SetResult(Sessions.Unauthorized);
        Assert.Equal("unauthorized", (await again).Fault?.Code);
        Task<Result<Identified>> other = rechecks.AskAsync("b", default).AsTask();
        Assert.Equal(4, _asked.Count);
        _asked[3].SetResult(Known("bob"));
        Assert.Equal("bob", (await other).Value.Subject);
        // What is asked and waited for stays below a second with a look every quarter of it.
        Assert.True(OthersRechecks.Every + TimeSpan.FromMilliseconds(250) < TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Who_cannot_tell_is_believed_for_a_second_after_he_last_could_and_asked_again_at_once()
    {
        OthersRechecks rechecks = Opened();
        Assert.True((await AnsweredAsync(rechecks, Known("ann"))).IsOk);
        _clock.Pass(OthersRechecks.Every);
        Assert.True((await AnsweredAsync(rechecks, Faults.NotReady.Says("cannot tell"))).IsOk);
        _clock.Pass(OthersRechecks.BelievedFor - OthersRechecks.Every - s_moment);
        Assert.True((await FailedAsync(rechecks)).IsOk);
        _clock.Pass(s_moment);
        Assert.Equal("not_ready", (await FailedAsync(rechecks)).Fault?.Code);
        Assert.True((await AnsweredAsync(rechecks, Known("ann"))).IsOk);
        // A clear no is believed at once.
        _clock.Pass(OthersRechecks.Every);
        Assert.Equal("unauthorized", (await AnsweredAsync(rechecks, Sessions.Unauthorized)).Fault?.Code);
    }

    [Fact]
    public async Task What_nobody_shows_any_more_is_forgotten()
    {
        OthersRechecks rechecks = Opened();
        for (int i = 0; i < 50; i++)
        {
            Task<Result<Identified>> one = rechecks.AskAsync("credential " + i, default).AsTask();
            _asked[^1].SetResult(Known("x"));
            await one;
        }
        Assert.Equal(50, rechecks.Kept);
        _clock.Pass(TimeSpan.FromMinutes(1));
        Task<Result<Identified>> another = rechecks.AskAsync("another", default).AsTask();
        Assert.Equal(1, rechecks.Kept);
        _asked[^1].SetResult(Known("x"));
        await another;
    }

    OthersRechecks Opened() => new(
        (_, _) =>
        {
            TaskCompletionSource<Result<Identified>> asked = new();
            _asked.Add(asked);
            return new(asked.Task);
        },
        _clock);

    async Task<Result<Identified>> AnsweredAsync(OthersRechecks rechecks, Result<Identified> told)
    {
        Task<Result<Identified>> asking = rechecks.AskAsync("a", default).AsTask();
        _asked[^1].SetResult(told);
        return await asking;
    }

    async Task<Result<Identified>> FailedAsync(OthersRechecks rechecks)
    {
        Task<Result<Identified>> asking = rechecks.AskAsync("a", default).AsTask();
        _asked[^1].SetException(new InvalidOperationException("broken"));
        return await asking;
    }

    static Result<Identified> Known(string subject) => new Identified(Value.Null, subject, null, null);

    sealed class HandClock : TimeProvider
    {
        long _now = 1;

        public void Pass(TimeSpan time) => _now += time.Ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;
    }
}
