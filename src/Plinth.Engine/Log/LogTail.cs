using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// The one reader of the log in this process. The committer wakes it with the events themselves; what other processes committed it reads
/// when the database tells it to, and a poll finds what nobody told of. Followers have bounded queues: one that lags drops what is queued
/// and reads on from the log, so it misses nothing and costs nobody else anything.
/// </summary>
/// <remarks>
/// Positions are dense and in commit order, so the reader knows a gap when it sees one, and no transaction that is still open can have a
/// place before the end: nothing is skipped, and nothing waits for it.
/// </remarks>
sealed class LogTail : IDisposable
{
    /// <summary>Events of one look at the log.</summary>
    const int PageEvents = 1000;

    static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(250);

    readonly Database _database;
    readonly Lock _gate = new();
    readonly Lock _reading = new();
    readonly List<LogFollower> _followers = [];
    readonly List<FollowerRun> _runs = [];
    readonly ITimer _poll;
    readonly IDisposable? _listener;
    long _head;
    long _confirmed;
    int _isWoken;
    bool _isClosed;

    public LogTail(Database database, EventLog log, TimeProvider clock)
    {
        (_database, Clock, _confirmed) = (database, clock, clock.GetTimestamp());
        _head = log.Head;
        Ends = new LogEnds(clock);
        _poll = clock.CreateTimer(static tail => ((LogTail)tail!).Poll(), this, s_pollEvery, s_pollEvery); // The state given here.
        _listener = database.Listen(Wake);
    }

    public TimeProvider Clock { get; }

    /// <summary>Where the end of the log was, and when.</summary>
    public LogEnds Ends { get; }

    /// <summary>Position of the last event that followers can be given.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>How long ago the end of the log was last seen in the database itself.</summary>
    public TimeSpan Age => Clock.GetElapsedTime(Volatile.Read(ref _confirmed));

    /// <summary>How the named followers of this process are.</summary>
    public IReadOnlyList<FollowerStatus> Followers
    {
        get
        {
            lock (_gate) return [.. _runs.Select(static run => run.Status)];
        }
    }

    /// <summary>Looks now. False when the database does not answer.</summary>
    public bool TryConfirm()
    {
        lock (_reading) ReadOn();
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

    /// <summary>Gives every event after a position to a function, in order, from now on. Dispose what is answered to stop.</summary>
    /// <param name="name">For those who look how it is doing.</param>
    /// <param name="after">The last position that it has seen.</param>
    /// <param name="handle">Given the events; called again with the same when it fails.</param>
    /// <param name="options">How often it is tried, and how much may wait for it.</param>
    public FollowerRun Run(string name, long after, FollowerHandler handle, FollowerOptions? options = null)
    {
        FollowerRun run = new(this, name, handle, options ?? FollowerOptions.Default);
        run.Start(after);
        return run;
    }

    /// <summary>Gives all followers the events of a committed group.</summary>
    public void Publish(IReadOnlyList<LogEvent> events)
    {
        lock (_gate)
        {
            // Groups arrive in order, but the reader may have been faster.
            long last = events[^1].Position;
            if (last <= _head || _isClosed) return;
            // Others have written before it, or it is the end of a long transaction: the log has what is between.
            if (events[0].Position > _head + 1)
            {
                Wake();
                return;
            }

            Volatile.Write(ref _head, last);
            foreach (LogFollower follower in _followers) follower.Offer(events);
        }
    }

    public void Dispose()
    {
        _listener?.Dispose();
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

    internal void Add(FollowerRun run)
    {
        lock (_gate) _runs.Add(run);
    }

    internal void Remove(FollowerRun run)
    {
        lock (_gate) _runs.Remove(run);
    }

    /// <summary>There may be something to read. Any number of calls make one look, which begins after the last of them.</summary>
    void Wake()
    {
        if (Interlocked.Exchange(ref _isWoken, 1) != 0) return;
        ThreadPool.UnsafeQueueUserWorkItem(static tail => tail.Look(), this, preferLocal: false);
    }

    void Look()
    {
        lock (_reading)
        {
            Volatile.Write(ref _isWoken, 0);
            ReadOn();
        }
    }

    // Insurance: it finds nothing as long as everyone who writes tells of it. A look that takes long is not joined by others.
    void Poll()
    {
        if (!_reading.TryEnter()) return;
        try
        {
            ReadOn();
        }
        finally
        {
            _reading.Exit();
        }
    }

    /// <summary>Reads what is there after the head and gives it out. Under the lock of readers, so pages come in order.</summary>
    void ReadOn()
    {
        try
        {
            while (true)
            {
                long asked = Clock.GetTimestamp();
                List<LogEvent> page = ReadPage(Head, PageEvents, CancellationToken.None);
                // What was between is gone for good. This process has missed it, and never again says that it has seen the log's end.
                if (page.Count > 0 && page[0].Position > Head + 1) return;
                if (page.Count > 0) Publish(page);
                if (page.Count == PageEvents) continue;
                Volatile.Write(ref _confirmed, asked);
                Ends.Note(asked, Head);
                return;
            }
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException)
        {
            // The next look is soon; a database that stays unreadable is reported by those who need an answer from it.
        }
    }
}
