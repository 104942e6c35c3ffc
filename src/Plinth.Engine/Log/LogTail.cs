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
/// Each look asks as well whether what was seen last is still there. Where it is not (the database was put back, a copy took over that
/// lacked the end), or what comes next is gone, the place is lost: every follower is told, the end of the log as it is then is the new
/// place, and until a look has led on from there nobody is told that the end was seen (<see cref="Age"/>).
/// </remarks>
sealed class LogTail : IDisposable
{
    /// <summary>Events of one look at the log.</summary>
    const int PageEvents = 1000;

    /// <summary>Breaks that one look goes on behind: a log that is being put together has as many as one likes.</summary>
    const int BreaksMax = 3;

    static readonly TimeSpan s_pollEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>How old the end is said to be that nobody vouches for.</summary>
    static readonly TimeSpan s_unseen = TimeSpan.FromDays(1);

    readonly Database _database;
    readonly EventLog _log;
    readonly Lock _gate = new();
    readonly Lock _reading = new();
    readonly List<LogFollower> _followers = [];
    readonly List<FollowerRun> _runs = [];
    readonly ITimer _poll;
    readonly IDisposable? _listener;
    LogPlace _anchor; // of the reader: the last that it has seen in the database itself
    LogPlace _place; // under the gate: the last that followers were given
    LogBreak? _lastBreak;
    long _head;
    long _confirmed;
    long _breaks;
    int _isWoken;
    bool _isClosed;
    long _doubts, _settled; // it is doubted while they differ

    public LogTail(Database database, EventLog log, TimeProvider clock)
    {
        (_database, _log, Clock, _confirmed) = (database, log, clock, clock.GetTimestamp());
        _head = log.Head;
        _anchor = _place = new LogPlace(_head, Guid.Empty);
        Ends = new LogEnds(clock);
        _poll = clock.CreateTimer(static tail => ((LogTail)tail!).Poll(), this, s_pollEvery, s_pollEvery); // The state given here.
        _listener = database.Listen(Wake, Doubt);
    }

    public TimeProvider Clock { get; }

    /// <summary>Where the end of the log was, and when.</summary>
    public LogEnds Ends { get; }

    /// <summary>Position of the last event that followers can be given.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>How long ago the end of the log was last seen in the database itself.</summary>
    public TimeSpan Age => IsDoubted ? s_unseen : Clock.GetElapsedTime(Volatile.Read(ref _confirmed));

    /// <summary>How often the place in the log was lost. What was learned before the last time counts no more.</summary>
    public long Breaks => Volatile.Read(ref _breaks);

    /// <summary>The last time that the place was lost; null when it never was.</summary>
    public LogBreak? LastBreak => Volatile.Read(ref _lastBreak);

    /// <summary>
    /// Told when the place was lost, before any follower is. On the reader's thread; must be quick and must not throw.
    /// </summary>
    public Action<LogBreak>? Broken { get; set; }

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

    /// <summary>
    /// What is known of the end may be of another server by now: a connection was lost. It counts as not seen until it was looked at.
    /// </summary>
    public void Doubt()
    {
        Interlocked.Increment(ref _doubts);
        Wake();
    }

    bool IsDoubted => Volatile.Read(ref _doubts) != Volatile.Read(ref _settled);

    /// <summary>Follows the log from after a position. Dispose the follower to stop.</summary>
    /// <param name="after">The last position that the follower has seen; <see cref="Head"/> for only what comes.</param>
    /// <param name="queueMax">Events that may wait for it in memory.</param>
    /// <param name="breaks"><see cref="Breaks"/> as it was when the position was taken: it counts no more where it is another now.</param>
    public LogFollower Follow(long after, int queueMax = 4096, long? breaks = null)
    {
        LogFollower follower = new(this, after, queueMax);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (breaks is { } then && then != _breaks) follower.Break(_lastBreak!); // There was one.
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
    /// <param name="broken">Told, between two calls of <paramref name="handle"/>, that events were missed, or never were: it goes on
    /// from <see cref="LogBreak.Head"/>. Must not throw.</param>
    public FollowerRun Run(
        string name, long after, FollowerHandler handle, FollowerOptions? options = null, Action<LogBreak>? broken = null)
    {
        FollowerRun run = new(this, name, handle, options ?? FollowerOptions.Default) { Broken = broken };
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
            // Others have written before it, or it is the end of a long transaction: the log has what is between. And where the last
            // position may be that of another log, what stands behind it says nothing.
            if (events[0].Position > _head + 1 || IsDoubted)
            {
                Wake();
                return;
            }

            Give(events);
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

    /// <summary>A look at the log behind a place; of one whose event is not known, whatever is there is taken for it.</summary>
    internal LogLook LookBehind(LogPlace place, int eventsMax, CancellationToken cancel)
    {
        using ReadLease lease = _database.Read(cancel);
        return EventLog.Look(lease.Connection, place, place, eventsMax);
    }

    /// <summary>Whether the log does not lead on from a place, and why.</summary>
    internal LogBreak? FindBreak(LogPlace seen, CancellationToken cancel)
    {
        using ReadLease lease = _database.Read(cancel);
        return LogBreak.Find(lease.Connection, seen, Clock.GetUtcNow());
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
            for (int broken = 0; broken <= BreaksMax;)
            {
                long asked = Clock.GetTimestamp();
                long doubts = Volatile.Read(ref _doubts);
                if (TryReadOn(out bool isAtEnd))
                {
                    if (!isAtEnd) continue;
                    Volatile.Write(ref _confirmed, asked);
                    // Whoever doubts meanwhile has asked for another look.
                    Volatile.Write(ref _settled, doubts);
                    Ends.Note(asked, Head);
                    return;
                }

                broken++;
            }
        }
        catch (Exception e) when (e is StoreException or ObjectDisposedException)
        {
            // The next look is soon; a database that stays unreadable is reported by those who need an answer from it.
        }
    }

    /// <summary>One page; false when the log did not lead on, and the next look begins anew.</summary>
    bool TryReadOn(out bool isAtEnd)
    {
        LogPlace head;
        lock (_gate) head = _place;
        LogLook look;
        using (ReadLease lease = _database.Read(CancellationToken.None))
        {
            look = EventLog.Look(lease.Connection, _anchor, head, PageEvents);
        }

        List<LogEvent> page = look.Dense(head.Position);
        isAtEnd = look.Page.Count < PageEvents && page.Count == look.Page.Count;
        bool isAnchored = look.Holds(_anchor), isHeld = look.Holds(head), goesOn = page.Count > 0 || look.Page.Count == 0;
        if (!isAnchored || !isHeld || !goesOn)
        {
            LogBreak? found = isAnchored ? null : FindBreak(_anchor, CancellationToken.None);
            // What the reader saw last may have been taken away since; what followers were given after it is there.
            if (isHeld && found is { Kind: LogBreakKind.Cut }) found = null;
            if (found is null && !(isHeld && goesOn)) found = FindBreak(head, CancellationToken.None);
            if (found is not null) Break(found);
            if (found is not null || !goesOn) return false;
        }

        _anchor = page.Count > 0 ? LogPlace.Of(page[^1])
            : look.Found.Find(found => found.Position == head.Position) is { Position: > 0 } seen ? seen : head;
        lock (_gate)
        {
            if (page.Count > 0 && page[^1].Position > _head) Give(page);
            else if (_place.Position == _anchor.Position) _place = _anchor;
        }

        return true;
    }

    /// <summary>Under the gate.</summary>
    void Give(IReadOnlyList<LogEvent> events)
    {
        _place = LogPlace.Of(events[^1]);
        Volatile.Write(ref _head, _place.Position);
        if (_isClosed) return;
        foreach (LogFollower follower in _followers) follower.Offer(events);
    }

    void Break(LogBreak found)
    {
        found = found with { Number = _breaks + 1 };
        // First of all nobody is told any more that what they have learned is new.
        Interlocked.Increment(ref _doubts);
        Ends.Clear();
        // Where others append as well nothing hangs on it but how far this process is said to be.
        if (_database.IsShared && _log.Head > found.Head.Position) _log.Advance(new LogHead(found.Head.Position, 0, []));
        lock (_gate)
        {
            Volatile.Write(ref _lastBreak, found);
            Volatile.Write(ref _breaks, found.Number);
        }

        Broken?.Invoke(found);
        lock (_gate)
        {
            _anchor = _place = found.Head;
            Volatile.Write(ref _head, found.Head.Position);
            foreach (LogFollower follower in _followers) follower.Break(found);
        }
    }
}
