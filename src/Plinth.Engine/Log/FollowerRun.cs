using System.Globalization;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// A named follower at work. What fails is tried again with growing pauses, event by event, so that the one at fault is known; after too
/// many failures over the same event the follower is parked with its position and the error. Nobody else notices.
/// </summary>
sealed class FollowerRun : IDisposable
{
    const int ErrorMax = 500;

    readonly LogTail _tail;
    readonly FollowerHandler _handle;
    readonly FollowerOptions _options;
    readonly CancellationTokenSource _stop = new();
    readonly Lock _gate = new();
    FollowerState _state;
    long _position;
    long _failedAt;
    int _failures;
    string? _error;
    int _isDisposed;

    public FollowerRun(LogTail tail, string name, FollowerHandler handle, FollowerOptions options)
    {
        (_tail, Name, _handle, _options) = (tail, name, handle, options);
        tail.Add(this);
    }

    public string Name { get; }

    public bool IsDurable { get; init; }

    /// <summary>
    /// Told between two calls of the handler that the place in the log was lost; it goes on from there. Null of one that has to have every
    /// event: then it ends.
    /// </summary>
    public Action<LogBreak>? Broken { get; init; }

    public FollowerStatus Status
    {
        get
        {
            lock (_gate)
            {
                long behind = Math.Max(0, _tail.Head - _position);
                return new FollowerStatus(Name, IsDurable, _state, _position, behind, _failures, _failedAt, _error);
            }
        }
    }

    /// <summary>Runs it by itself, until it is disposed.</summary>
    public void Start(long after) => _ = RunByItselfAsync(after, _tail.Breaks);

    /// <summary>Follows from after a position until it is stopped, the tail is closed, or it is parked: then true.</summary>
    /// <param name="after">The last position that it has seen.</param>
    /// <param name="breaks">Of the tail, when the position was taken.</param>
    /// <param name="stop">Ends it with an exception.</param>
    /// <exception cref="LogBrokenException">The log does not lead on from there, and there is no <see cref="Broken"/>.</exception>
    public async Task<bool> RunAsync(long after, long breaks, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await FollowAsync(after, breaks, stop).ConfigureAwait(false);
            }
            catch (LogBrokenException e) when (Broken is { } broken)
            {
                broken(e.Break);
                (after, breaks) = (e.Break.Head.Position, e.Break.Number);
            }
        }
    }

    async Task<bool> FollowAsync(long after, long breaks, CancellationToken stop)
    {
        lock (_gate) _position = after;
        Enter(FollowerState.Running);
        using LogFollower follower = _tail.Follow(after, _options.QueueMax, breaks);
        for (int unread = 0; ;)
        {
            try
            {
                await foreach (IReadOnlyList<LogEvent> events in follower.ReadAllAsync(stop).ConfigureAwait(false))
                {
                    unread = 0;
                    if (!await HandleAsync(events, stop).ConfigureAwait(false)) return true;
                }

                return false;
            }
            catch (StoreException e)
            {
                // The log cannot be read now, which says nothing about any event.
                Failed(e, ++unread, failedAt: 0);
                await Task.Delay(Pause(unread), _tail.Clock, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Another node leads, or nobody does yet.</summary>
    public void Wait(long position)
    {
        lock (_gate)
        {
            if (_state == FollowerState.Parked) return;
            (_state, _position) = (FollowerState.Waiting, position);
        }
    }

    /// <summary>What has to be done before the first event failed; it is tried again.</summary>
    public void Unprepared(Exception e) => Failed(e, Status.Failures + 1, failedAt: 0);

    /// <summary>It stands still, though no event is at fault: its place is none of the log's.</summary>
    /// <param name="error">Why, and what helps.</param>
    /// <param name="goesOnAt">Where it goes on when it is told to leave out what is between.</param>
    public void Stand(string error, long goesOnAt)
    {
        lock (_gate) (_state, _failures, _failedAt, _error) = (FollowerState.Parked, 1, goesOnAt, error);
    }

    public void Dispose()
    {
        _tail.Remove(this);
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _stop.Cancel();
        _stop.Dispose();
    }

    async Task RunByItselfAsync(long after, long breaks)
    {
        try
        {
            await RunAsync(after, breaks, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Stopped with what it belongs to.
        }
    }

    /// <summary>False when it was parked.</summary>
    async ValueTask<bool> HandleAsync(IReadOnlyList<LogEvent> events, CancellationToken stop)
    {
        int done = 0, failures = 0, tries = 0;
        bool isCareful = events.Count == 1;
        while (done < events.Count)
        {
            IReadOnlyList<LogEvent> part = isCareful ? [events[done]] : events;
            try
            {
                await _handle(part, stop).ConfigureAwait(false);
                (done, failures, tries) = (done + part.Count, 0, 0);
                Done(part[^1].Position);
            }
            catch (Exception e) when (e is not (OperationCanceledException or LeadershipLostException) || IsOwnCancellation(e, stop))
            {
                // Among several, it is not known yet which of them is at fault.
                if (isCareful && !IsPassing(e)) failures++;
                isCareful = true;
                Failed(e, failures, events[done].Position);
                if (failures >= _options.FailuresMax) return Park();
                await Task.Delay(Pause(++tries), _tail.Clock, stop).ConfigureAwait(false);
            }
        }

        return true;
    }

    /// <summary>A time-out of the handler's own is a failure like others; that of whoever stops us is not.</summary>
    static bool IsOwnCancellation(Exception e, CancellationToken stop) => e is OperationCanceledException && !stop.IsCancellationRequested;

    static bool IsPassing(Exception e) => e is FollowerException { IsPassing: true } or
        StoreException { Failure: StoreFailure.Unavailable or StoreFailure.Busy or StoreFailure.TimedOut or StoreFailure.Conflict };

    bool Park()
    {
        Enter(FollowerState.Parked);
        return false;
    }

    void Done(long position)
    {
        lock (_gate) (_state, _position, _failures, _failedAt, _error) = (FollowerState.Running, position, 0, 0, null);
    }

    void Enter(FollowerState state)
    {
        lock (_gate) _state = state;
    }

    void Failed(Exception e, int failures, long failedAt)
    {
        string error = string.Create(CultureInfo.InvariantCulture, $"{e.GetType().Name}: {e.Message}");
        if (error.Length > ErrorMax) error = error[..ErrorMax];
        lock (_gate) (_state, _failures, _failedAt, _error) = (FollowerState.Retrying, failures, failedAt, error);
    }

    TimeSpan Pause(int failures)
    {
        double pause = _options.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 30) - 1);
        return TimeSpan.FromMilliseconds(Math.Min(pause, _options.PauseMax.TotalMilliseconds));
    }
}
