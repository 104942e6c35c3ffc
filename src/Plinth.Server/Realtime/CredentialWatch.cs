using System.Collections.Concurrent;

namespace Plinth.Realtime;

/// <summary>
/// Has the credentials of all open conversations looked at again, four times a second: what ends a session ends its sockets within one.
/// Each is looked at for itself. One that takes its time holds nobody up and is not asked anew meanwhile; one that fails ends its own
/// conversation and is not looked at again.
/// </summary>
sealed class CredentialWatch : IAsyncDisposable
{
    static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(250);

    readonly ConcurrentDictionary<Watched, byte> _all = new();
    readonly CancellationTokenSource _stop = new();
    readonly TimeProvider _time;
    readonly Task _watching;

    public CredentialWatch(TimeProvider time)
    {
        _time = time;
        _watching = WatchAsync();
    }

    /// <summary>Conversations that are looked after.</summary>
    public int Count => _all.Count;

    /// <summary>Looks after one until the answer is disposed.</summary>
    /// <param name="recheck">Looks at its credential, and ends it when that is no longer good.</param>
    /// <param name="fail">Ends it because that could not be found out: who cannot be looked at goes, and may come back.</param>
    public IDisposable Watch(Func<CancellationToken, ValueTask> recheck, Action fail)
    {
        Watched watched = new(this, recheck, fail);
        _all.TryAdd(watched, 0);
        return watched;
    }

    /// <summary>Idempotent, as the server's own end is.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_every, _time, _stop.Token);
                foreach (var (watched, _) in _all) _ = watched.LookAsync(_stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    sealed class Watched(CredentialWatch watch, Func<CancellationToken, ValueTask> recheck, Action fail) : IDisposable
    {
        int _isLooking;

        /// <summary>Never throws. Our own tokens are looked at without a wait, so that a round over them is one.</summary>
        public async Task LookAsync(CancellationToken cancel)
        {
            if (Interlocked.Exchange(ref _isLooking, 1) != 0) return;
            try
            {
                await recheck(cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                // The server stops, and ends them all.
            }
            catch (Exception)
            {
                Dispose();
                fail();
            }
            finally
            {
                Volatile.Write(ref _isLooking, 0);
            }
        }

        public void Dispose() => watch._all.TryRemove(this, out _);
    }
}
