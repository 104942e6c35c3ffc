using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// The one reader of the log in this process. The committer wakes it with the events themselves; a poll finds what came some other way.
/// Followers have bounded queues: one that lags drops what is queued and reads on from the log, so it misses nothing and costs nobody
/// else anything.
/// </summary>
sealed class LogTail : IDisposable
{
    static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(250);

    readonly Database _database;
    readonly Lock _gate = new();
    readonly List<LogFollower> _followers = [];
    readonly ITimer _poll;
    readonly TimeProvider _clock;
    long _head;
    long _confirmed;
    bool _isClosed;

    public LogTail(Database database, EventLog log, TimeProvider clock)
    {
        (_database, _clock, _confirmed) = (database, clock, clock.GetTimestamp());
        _head = log.Head;
        _poll = clock.CreateTimer(static tail => ((LogTail)tail!).Poll(), this, s_pollEvery, s_pollEvery); // The state given here.
    }

    /// <summary>Position of the last event that followers can be given.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>How long ago the end of the log was last seen in the database itself.</summary>
    public TimeSpan Age => _clock.GetElapsedTime(Volatile.Read(ref _confirmed));

    /// <summary>Looks now. False when the database does not answer.</summary>
    public bool TryConfirm()
    {
        Poll();
        return Age < s_pollEvery;
    }

    /// <summary>Follows the log from after a position. Dispose the follower to stop.</summary>
    /// <param name="after">The last position that the follower has seen; <see cref="Head"/> for only what comes.</param>
    /// <param name="queueMax">Events that may wait for it in memory.</param>
    public LogFollower Follow(long after, int queueMax = 4096)
    {
        LogFollower follower = new(this, after, queueMax);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            follower.Start(_head);
            _followers.Add(follower);
        }

        return follower;
    }

    /// <summary>Gives all followers the events of a committed group.</summary>
    public void Publish(IReadOnlyList<LogEvent> events)
    {
        lock (_gate)
        {
            // Groups arrive in order, but a poll may have been faster.
            if (events[^1].Position <= _head) return;
            // A long transaction gives its last events only; the log has those before them.
            bool isWhole = events[0].Position == _head + 1;
            Volatile.Write(ref _head, events[^1].Position);
            foreach (LogFollower follower in _followers)
            {
                if (isWhole) follower.Offer(events);
                else follower.FallBehind();
            }
        }
    }

    public void Dispose()
    {
        _poll.Dispose();
        lock (_gate)
        {
            _isClosed = true;
            foreach (LogFollower follower in _followers) follower.End();
            _followers.Clear();
        }
    }

    internal List<LogEvent> ReadPage(long after, int eventsMax, CancellationToken cancel)
    {
        using ReadLease lease = _database.Read(cancel);
        return EventLog.Read(lease.Connection, after, eventsMax);
    }

    internal void Remove(LogFollower follower)
    {
        lock (_gate) _followers.Remove(follower);
    }

    // Insurance: it finds nothing as long as every writer of the database is the committer of this process.
    void Poll()
    {
        long position, asked = _clock.GetTimestamp();
        try
        {
            using ReadLease lease = _database.Read(CancellationToken.None);
            position = EventLog.ReadHead(lease.Connection).Position;
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException)
        {
            // The next poll is soon; a database that stays unreadable is reported by those who need an answer from it.
            return;
        }

        Volatile.Write(ref _confirmed, asked);
        lock (_gate)
        {
            if (position <= _head || _isClosed) return;
            Volatile.Write(ref _head, position);
            foreach (LogFollower follower in _followers) follower.FallBehind();
        }
    }
}
