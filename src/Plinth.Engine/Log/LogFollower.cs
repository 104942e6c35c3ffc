using System.Runtime.CompilerServices;

namespace Plinth.Log;

/// <summary>One follower of the log: gives every event after its starting position once, in order, without a gap. For one reader.</summary>
sealed class LogFollower : IDisposable
{
    const int PageEvents = 1000;

    readonly LogTail _tail;
    readonly int _queueMax;
    readonly Lock _gate = new();
    readonly Queue<IReadOnlyList<LogEvent>> _queue = new();
    readonly SemaphoreSlim _signal = new(0, 1);
    int _queued;
    bool _isBehind;
    bool _hasEnded;
    LogPlace _place; // of the one reader
    LogBreak? _broken;

    internal LogFollower(LogTail tail, long after, int queueMax) =>
        (_tail, _place, _queueMax) = (tail, new LogPlace(after, Guid.Empty), queueMax);

    /// <summary>Times that the queue was full and the follower went back to reading the log.</summary>
    public long Lags { get; private set; }

    /// <summary>Waits for events, as they were committed or in pages of the log. Ends when the tail is closed.</summary>
    /// <exception cref="LogBrokenException">The log does not lead on from where it was. It is of no more use.</exception>
    public async IAsyncEnumerable<IReadOnlyList<LogEvent>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        while (true)
        {
            IReadOnlyList<LogEvent>? events = Next(cancel);
            if (events is { Count: > 0 })
            {
                _place = LogPlace.Of(events[^1]);
                yield return events;
                continue;
            }

            lock (_gate)
            {
                if (_hasEnded && !_isBehind && _queue.Count == 0) yield break;
            }

            if (events is null) await _signal.WaitAsync(cancel).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        _tail.Remove(this);
        End();
    }

    internal void Start(long head) => _isBehind = _place.Position < head;

    internal void Offer(IReadOnlyList<LogEvent> events)
    {
        lock (_gate)
        {
            if (!_isBehind && _queued + events.Count <= _queueMax)
            {
                _queue.Enqueue(events);
                _queued += events.Count;
            }
            else if (!_isBehind)
            {
                // The log has it all; memory need not.
                _isBehind = true;
                _queue.Clear();
                _queued = 0;
                Lags++;
            }

            Wake();
        }
    }

    /// <summary>Its place is lost with that of all others.</summary>
    internal void Break(LogBreak broken)
    {
        lock (_gate)
        {
            _broken = broken;
            _queue.Clear();
            _queued = 0;
            Wake();
        }
    }

    internal void End()
    {
        lock (_gate)
        {
            _hasEnded = true;
            Wake();
        }
    }

    /// <summary>
    /// What is there now: queued events, or a page of the log; empty when the log was caught up with, null when there is nothing.
    /// </summary>
    IReadOnlyList<LogEvent>? Next(CancellationToken cancel)
    {
        lock (_gate)
        {
            if (_broken is { } broken) throw new LogBrokenException(broken, isOwn: false);
            if (!_isBehind)
            {
                if (!_queue.TryDequeue(out IReadOnlyList<LogEvent>? events)) return null;
                _queued -= events.Count;
                return Unseen(events);
            }

            // Ended: the connections are about to close, and whoever comes back reads on from its checkpoint.
            if (_hasEnded)
            {
                _isBehind = false;
                return null;
            }
        }

        List<LogEvent> page = ReadPage(cancel);
        if (page.Count > 0) return page;
        lock (_gate)
        {
            // The head moves before anything is offered: caught up means that no event was passed over while we read.
            if (_place.Position >= _tail.Head) _isBehind = false;
        }

        return [];
    }

    /// <summary>What comes behind its place in the log, up to the first hole.</summary>
    List<LogEvent> ReadPage(CancellationToken cancel)
    {
        LogLook look = _tail.LookBehind(_place, PageEvents, cancel);
        List<LogEvent> page = look.Dense(_place.Position);
        if (look.Holds(_place) && (page.Count > 0 || look.Page.Count == 0)) return page;
        // The reader of all looks for itself, and tells everyone when it is more than this place that is lost.
        if (_tail.FindBreak(_place, cancel) is not { } found) return page;
        if (found.Kind == LogBreakKind.Rewritten) _tail.Doubt();
        throw new LogBrokenException(found with { Number = _tail.Breaks }, isOwn: true);
    }

    /// <summary>A group that was offered while the log was being read has been seen there, as a whole or up to the end of a page.</summary>
    IReadOnlyList<LogEvent> Unseen(IReadOnlyList<LogEvent> events) =>
        events[0].Position > _place.Position ? events : [.. events.Where(happened => happened.Position > _place.Position)];

    void Wake()
    {
        if (_signal.CurrentCount == 0) _signal.Release();
    }
}
