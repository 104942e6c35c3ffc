namespace Plinth.Runtime;

/// <summary>Those who wait for the log to come up to a position. Safe for any number of threads.</summary>
sealed class PositionWaits
{
    /// <summary>
    /// How long it is worth to wait for what is committed already and on its way: some times a notification's way. Then the database is
    /// asked.
    /// </summary>
    static readonly TimeSpan s_waitMax = TimeSpan.FromMilliseconds(25);

    readonly Lock _gate = new();
    readonly List<(long Position, TaskCompletionSource Come)> _waiting = [];
    int _count;

    /// <summary>True when the position has come; false when that takes too long.</summary>
    /// <param name="position">What must have come.</param>
    /// <param name="reached">What has come.</param>
    /// <param name="cancel">Ends the wait with an exception.</param>
    public ValueTask<bool> ReachAsync(long position, Func<long> reached, CancellationToken cancel) =>
        reached() >= position ? new(true) : WaitAsync(position, reached, cancel);

    /// <summary>Everything up to a position has come.</summary>
    public void Reached(long position)
    {
        // Who is about to wait looks again once it is counted.
        if (Volatile.Read(ref _count) == 0) return;
        lock (_gate)
        {
            for (int i = _waiting.Count - 1; i >= 0; i--)
            {
                if (_waiting[i].Position > position) continue;
                _waiting[i].Come.TrySetResult();
                _waiting.RemoveAt(i);
            }
            Volatile.Write(ref _count, _waiting.Count);
        }
    }

    async ValueTask<bool> WaitAsync(long position, Func<long> reached, CancellationToken cancel)
    {
        TaskCompletionSource come = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Add((position, come));
            Interlocked.Exchange(ref _count, _waiting.Count);
        }
        try
        {
            if (reached() >= position) return true;
            await come.Task.WaitAsync(s_waitMax, cancel);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            Leave(come);
        }
    }

    void Leave(TaskCompletionSource come)
    {
        lock (_gate)
        {
            _waiting.RemoveAll(w => ReferenceEquals(w.Come, come));
            Volatile.Write(ref _count, _waiting.Count);
        }
    }
}
