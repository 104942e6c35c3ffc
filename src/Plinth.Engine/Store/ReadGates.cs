namespace Plinth.Store;

/// <summary>
/// How many connections the reads of each lane may hold. Short reads have all of them, and a quarter to themselves; the slow ones are
/// bounded by a quarter, so that usual ones have half whatever happens. Safe for any number of threads.
/// </summary>
/// <param name="connections">All that reads may hold.</param>
/// <param name="waitMax">How long one may wait for its turn.</param>
sealed class ReadGates(int connections, TimeSpan waitMax) : IDisposable
{
    readonly SemaphoreSlim _usual = new(Usual(connections));
    readonly SemaphoreSlim _slow = new(Quarter(connections));

    /// <summary>How many connections those hold at most that are not short.</summary>
    public static int Usual(int connections) => Math.Max(1, connections - Quarter(connections));

    static int Quarter(int connections) => Math.Max(1, connections / 4);

    /// <summary>Waits for a turn, which <see cref="Leave"/> ends.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.Busy"/> when none came in time.</exception>
    public ValueTask EnterAsync(ReadLane lane, CancellationToken cancel) => lane switch
    {
        ReadLane.Short => ValueTask.CompletedTask,
        ReadLane.Usual => EnterAsync(_usual, cancel),
        ReadLane.Slow => EnterSlowAsync(cancel),
        _ => throw new InvalidOperationException($"no such lane: {lane}"),
    };

    public void Leave(ReadLane lane)
    {
        if (lane == ReadLane.Short) return;
        _usual.Release();
        if (lane == ReadLane.Slow) _slow.Release();
    }

    public void Dispose()
    {
        _usual.Dispose();
        _slow.Dispose();
    }

    async ValueTask EnterSlowAsync(CancellationToken cancel)
    {
        await EnterAsync(_slow, cancel);
        try
        {
            await EnterAsync(_usual, cancel);
        }
        catch
        {
            _slow.Release();
            throw;
        }
    }

    ValueTask EnterAsync(SemaphoreSlim gate, CancellationToken cancel) =>
        gate.Wait(0, CancellationToken.None) ? ValueTask.CompletedTask : WaitAsync(gate, cancel);

    async ValueTask WaitAsync(SemaphoreSlim gate, CancellationToken cancel)
    {
        if (!await gate.WaitAsync(waitMax, cancel))
            throw new StoreException(StoreFailure.Busy, "No connection for a read came free in time.");
    }
}
