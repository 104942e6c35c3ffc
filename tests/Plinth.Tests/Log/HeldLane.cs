using Plinth.Text;

namespace Plinth.Log;

/// <summary>The lane of writers, held from when this is there until it is released: who comes meanwhile waits, and goes together.</summary>
sealed class HeldLane : IAsyncDisposable
{
    readonly TaskCompletionSource _isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly SemaphoreSlim _release = new(0);
    readonly Task<Result<Done>> _holding;
    bool _isReleased;

    HeldLane(Committer lane) => _holding = lane.RunAsync(
        new WriteAction<Done>(
            _ =>
            {
                _isHeld.TrySetResult();
                _release.Wait();
                return Done.It;
            },
            isExclusive: true),
        CancellationToken.None).AsTask();

    /// <summary>Answers when it is held, since before that the holder is one of those that wait.</summary>
    public static async Task<HeldLane> HoldAsync(Committer lane)
    {
        HeldLane held = new(lane);
        await held._isHeld.Task;
        return held;
    }

    /// <summary>What became of the holder itself, once it was let go.</summary>
    public Task<Result<Done>> Ended => _holding;

    public void Release()
    {
        if (_isReleased) return;
        _isReleased = true;
        _release.Release();
    }

    public async ValueTask DisposeAsync()
    {
        Release();
        await _holding;
        _release.Dispose();
    }
}
