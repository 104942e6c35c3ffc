using Plinth.Log;

namespace Plinth.Runtime;

/// <summary>
/// The record cache that serves. When the place in the log was lost, what it holds may never have been: an empty one takes its place, and
/// whoever still fills the old one, from a snapshot of before, fills nothing that is asked again. Never between the announcement of a
/// group and its end, which are of one cache.
/// </summary>
/// <param name="make">Makes one of a position of the log.</param>
/// <param name="position">The end of the log.</param>
/// <param name="breaks">How often the place in the log had been lost by then.</param>
sealed class CurrentCache(Func<long, RecordCache> make, long position, long breaks)
{
    readonly Lock _gate = new();
    RecordCache _now = make(position);
    LogBreak? _pending;
    long _breaks = breaks;
    bool _isCommitting;

    public RecordCache Now => Volatile.Read(ref _now);

    /// <summary>Of the tail, as of this cache: where they differ, it holds what counts no more.</summary>
    public long Breaks => Volatile.Read(ref _breaks);

    /// <summary>Begins with nothing; at once, or as soon as the group that is being committed has ended.</summary>
    public void BeginAnew(LogBreak broken)
    {
        lock (_gate)
        {
            _pending = broken;
            if (!_isCommitting) Replace();
        }
    }

    /// <summary>A group is about to be committed. On the writer's thread.</summary>
    public RecordCache Begin()
    {
        lock (_gate)
        {
            _isCommitting = true;
            return _now;
        }
    }

    /// <summary>The group has been committed, or was not. On the writer's thread.</summary>
    /// <param name="position">Of the last event that is committed now.</param>
    public void End(long position)
    {
        lock (_gate)
        {
            _now.Settle(position);
            _isCommitting = false;
            Replace();
        }
    }

    void Replace()
    {
        if (_pending is not { } broken) return;
        _pending = null;
        Volatile.Write(ref _now, make(broken.Head.Position));
        Volatile.Write(ref _breaks, broken.Number);
    }
}
