namespace Plinth.Realtime;

/// <summary>The watch over the credentials of open conversations, each for itself.</summary>
public sealed class CredentialWatchTests
{
    static readonly TimeSpan s_bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task One_that_fails_ends_its_own_conversation_and_no_others_watch()
    {
        await using CredentialWatch watch = new(TimeProvider.System);
        List<string> failed = [];
        TaskCompletionSource bothFailed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int atOnce = 0, later = 0;
        void Fail(string who)
        {
            lock (failed)
            {
                failed.Add(who);
                if (failed.Count == 2) bothFailed.SetResult();
            }
        }
        using IDisposable first = watch.Watch(
            _ =>
            {
                Interlocked.Increment(ref atOnce);
                throw new InvalidOperationException("broken at once");
            },
            () => Fail("at once"));
        using IDisposable second = watch.Watch(
            async _ =>
            {
                Interlocked.Increment(ref later);
                await Task.Yield();
                throw new OperationCanceledException("not the watch's own");
            },
            () => Fail("later"));
        Counted good = new();
        using IDisposable third = watch.Watch(good.LookAsync, () => Fail("good"));
        await bothFailed.Task.WaitAsync(s_bound);
        await good.SeenAsync(good.Looks + 2).WaitAsync(s_bound);
        Assert.Equal(["at once", "later"], failed.Order(StringComparer.Ordinal));
        Assert.Equal((1, 1, 1), (atOnce, later, watch.Count));
    }

    [Fact]
    public async Task One_that_takes_its_time_holds_nobody_up_and_is_not_asked_anew_meanwhile()
    {
        await using CredentialWatch watch = new(TimeProvider.System);
        TaskCompletionSource slow = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource again = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int asked = 0;
        using IDisposable first = watch.Watch(
            async _ =>
            {
                if (Interlocked.Increment(ref asked) > 1) again.TrySetResult();
                await slow.Task;
            },
            static () => Assert.Fail("nothing failed"));
        Counted good = new();
        using IDisposable second = watch.Watch(good.LookAsync, static () => Assert.Fail("nothing failed"));
        await good.SeenAsync(3).WaitAsync(s_bound);
        Assert.Equal(1, asked);
        slow.SetResult();
        await again.Task.WaitAsync(s_bound);
    }

    [Fact]
    public async Task Who_has_gone_is_not_looked_at_and_the_end_of_the_watch_fails_nobody()
    {
        Counted gone = new(), good = new();
        await using (CredentialWatch watch = new(TimeProvider.System))
        {
            watch.Watch(gone.LookAsync, static () => Assert.Fail("nothing failed")).Dispose();
            using IDisposable stays = watch.Watch(good.LookAsync, static () => Assert.Fail("nothing failed"));
            using IDisposable waits = watch.Watch(
                static async cancel => await Task.Delay(Timeout.Infinite, cancel), static () => Assert.Fail("the watch has ended it"));
            await good.SeenAsync(2).WaitAsync(s_bound);
        }
        Assert.Equal(0, gone.Looks);
    }

    sealed class Counted
    {
        readonly SemaphoreSlim _looked = new(0);
        int _looks;

        public int Looks => Volatile.Read(ref _looks);

        public ValueTask LookAsync(CancellationToken cancel)
        {
            Interlocked.Increment(ref _looks);
            _looked.Release();
            return ValueTask.CompletedTask;
        }

        public async Task SeenAsync(int looks)
        {
            while (Looks < looks) await _looked.WaitAsync();
        }
    }
}
