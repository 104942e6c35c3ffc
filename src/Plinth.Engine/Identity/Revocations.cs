using System.Collections.Concurrent;
using System.Collections.Frozen;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Store;

namespace Plinth.Identity;

/// <summary>
/// What ended before its token did: sessions that were revoked, and for each user the last change of what tokens say of them (a claim,
/// the password, being disabled, being gone). Read from the log: at the start those of the last lifetime of a token, since older tokens
/// are no longer good, and from then on every commit before it is acknowledged (of this process) or as the tail brings it (of others).
/// So a token is checked without a look at the database. Where others write to it, memory must not be older than a bound; beyond it the
/// database is asked, and who gets no answer cannot say. Bounded: what is older than a token lives is forgotten, and beyond
/// <see cref="EntriesMax"/> entries every token up to now is void instead. Thread-safe.
/// </summary>
sealed class Revocations : IDisposable
{
    public const int EntriesMax = 1_000_000;

    const int PageEvents = 1000;

    /// <summary>Tokens say the second in which they were issued.</summary>
    const long TokenSecond = 1_000_000;

    /// <summary>A database that did not answer is not asked again at once, nor does every request wait for its own question.</summary>
    static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(250);

    readonly Engine _engine;
    readonly long _lifetime;
    readonly TimeSpan _ageMax;
    readonly bool _isShared;
    readonly ConcurrentDictionary<Guid, long> _sessions = new();
    readonly ConcurrentDictionary<Guid, (long Position, long At)> _users = new();
    readonly Lock _gate = new();
    readonly Lock _asking = new();
    readonly FollowerRun _following;
    long _position;
    long _freshAt; // of the engine's clock: up to then nothing is unknown here
    long _failedAt = long.MinValue;
    long _allBefore;
    long _issuedAfter; // microseconds since the epoch
    long _breaks;
    long _sweptAt;

    /// <param name="engine">Whose log.</param>
    /// <param name="lifetime">Of an access token, with what clocks may differ by.</param>
    /// <param name="ageMax">How old the last confirmed reading of a shared log may be.</param>
    public Revocations(Engine engine, TimeSpan lifetime, TimeSpan ageMax)
    {
        (_engine, _lifetime, _ageMax) = (engine, (long)lifetime.TotalMicroseconds, ageMax);
        (_isShared, _freshAt) = (engine.Store.Database.IsShared, engine.Time.GetTimestamp());
        engine.Committed += Committed;
        _breaks = engine.Log.Breaks;
        _position = PositionAt(_engine.Now - _lifetime);
        ReadOn(long.MaxValue, CancellationToken.None);
        // While it is out of reach nobody is believed, and nothing goes on without it: it is tried again for ever.
        _following = engine.Log.Run("revocations", Position, FollowAsync, new FollowerOptions { FailuresMax = null }, Broken);
    }

    /// <summary>Called for every event of <c>ApiToken</c> and <c>SigningKey</c>, and of users: what was kept of them is old.</summary>
    public Action<LogEvent>? Changed { get; set; }

    /// <summary>Called when events were missed, or never were: whatever was kept of the log is old.</summary>
    public Action? Lost { get; set; }

    public int Count => _sessions.Count + _users.Count;

    /// <summary>The last position whose events are in here.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>
    /// Whether what was issued at a time, in microseconds since the epoch, is void because of that alone. In a log that was put back,
    /// positions come again and say nothing of what was issued before; who has a session gets a new token by it.
    /// </summary>
    public bool IsVoid(long issuedAt) => issuedAt + TokenSecond <= Volatile.Read(ref _issuedAfter);

    /// <summary>Whether what was said of the user at a position, in a session, is void by now.</summary>
    public bool IsVoid(Guid userId, Guid? sessionId, long position)
    {
        if (position < Volatile.Read(ref _allBefore)) return true;
        if (sessionId is { } id && _sessions.ContainsKey(id)) return true;
        return _users.TryGetValue(userId, out var changed) && changed.Position > position;
    }

    /// <summary>
    /// What is remembered is as new as it must be. In a database of our own it always is: what ends a session is in here before it is
    /// acknowledged. In a shared one the log must have been read to its end lately; else it is read now.
    /// </summary>
    /// <returns>False when the log cannot be read: it cannot be told who is still good.</returns>
    public bool IsCurrent(CancellationToken cancel)
    {
        if (!_isShared || Age <= _ageMax) return true;
        if (JustFailed || !_asking.TryEnter(s_again)) return false;
        try
        {
            if (Age <= _ageMax) return true;
            if (!JustFailed && _engine.Log.TryConfirm())
            {
                ReadOn(long.MaxValue, cancel);
                if (Age <= _ageMax) return true;
            }
        }
        catch (StoreException)
        {
            // Told below, and to whoever asked.
        }
        finally
        {
            _asking.Exit();
        }
        Volatile.Write(ref _failedAt, _engine.Time.GetTimestamp());
        return false;
    }

    public void Dispose()
    {
        _engine.Committed -= Committed;
        _following.Dispose();
    }

    /// <summary>For how long something may have happened that is not known here.</summary>
    TimeSpan Age
    {
        get
        {
            if (Volatile.Read(ref _breaks) != _engine.Log.Breaks) return TimeSpan.MaxValue;
            // The look at the log's end comes first: what it saw is in its head by the time that is read.
            long confirmed = _engine.Time.GetTimestamp() - (long)(_engine.Log.Age.TotalSeconds * _engine.Time.TimestampFrequency);
            if (Position >= _engine.Log.Head && confirmed > Volatile.Read(ref _freshAt)) Volatile.Write(ref _freshAt, confirmed);
            return _engine.Time.GetElapsedTime(Volatile.Read(ref _freshAt));
        }
    }

    bool JustFailed => Volatile.Read(ref _failedAt) is var at && at != long.MinValue && _engine.Time.GetElapsedTime(at) < s_again;

    ValueTask FollowAsync(IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        lock (_gate) Take(events);
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// What ended sessions may have been missed, or have been undone: nobody is believed by what was issued before.
    /// </summary>
    void Broken(LogBreak broken)
    {
        lock (_gate)
        {
            VoidAll(broken.Head.Position);
            Volatile.Write(ref _issuedAfter, _engine.Now);
            Volatile.Write(ref _position, broken.Head.Position);
        }
        Lost?.Invoke();
        Volatile.Write(ref _breaks, broken.Number);
    }

    /// <summary>On the writer's thread, before the acknowledgement.</summary>
    void Committed(IReadOnlyList<LogEvent> events)
    {
        bool hasGap = events[0].Position > Position + 1;
        // A long transaction gives its last events only; those before them are there to be read.
        if (hasGap && !_isShared) ReadOn(events[0].Position - 1, CancellationToken.None);
        lock (_gate)
        {
            if (!hasGap || !_isShared)
            {
                Take(events);
                return;
            }
            // Others wrote before us. Ours count at once; all of it comes in order with the log, which this thread does not wait for.
            foreach (LogEvent happened in events) Take(happened);
        }
    }

    /// <exception cref="StoreException">The log cannot be read.</exception>
    void ReadOn(long last, CancellationToken cancel)
    {
        while (Position < last)
        {
            List<LogEvent> page;
            using (ReadLease lease = _engine.Store.Database.Read(cancel)) page = EventLog.Read(lease.Connection, Position, PageEvents);
            if (page.Count == 0) return;
            // Someone else may have been faster with some of it.
            lock (_gate) Take(page);
        }
    }

    void Take(IReadOnlyList<LogEvent> events)
    {
        foreach (LogEvent happened in events)
        {
            if (happened.Position <= _position) continue;
            Take(happened);
            Volatile.Write(ref _position, happened.Position);
        }
    }

    void Take(LogEvent happened)
    {
        switch (happened.Model)
        {
            case PlatformRecords.Session:
                bool ends = happened.Kind switch
                {
                    EventKinds.Created => false,
                    EventKinds.Updated => Names(happened).Contains("revokedAt"),
                    _ => true,
                };
                if (ends && Guid.TryParse(happened.RecordId, out Guid session)) _sessions[session] = happened.At;
                break;
            case PlatformRecords.User when happened.Kind == EventKinds.Migrated:
                VoidAll(happened.Position);
                break;
            case PlatformRecords.User:
                if (happened.Kind == EventKinds.Created)
                {
                    Changed?.Invoke(happened);
                }
                else if (Matters(happened) && Guid.TryParse(happened.RecordId, out Guid user))
                {
                    _users[user] = (happened.Position, happened.At);
                    Changed?.Invoke(happened);
                }
                break;
            case PlatformRecords.ApiToken or PlatformRecords.SigningKey:
                Changed?.Invoke(happened);
                break;
        }
        Forget(happened.At);
    }

    /// <summary>The change concerns what a token says, or whether one may be had at all.</summary>
    bool Matters(LogEvent happened)
    {
        if (happened.Kind != EventKinds.Updated) return true;
        FrozenSet<string> changed = Names(happened);
        if (changed.Contains("passwordHash") || changed.Contains("disabled")) return true;
        return _engine.Current.Schema.Auth?.Claims.Any(c => changed.Contains(c.Name)) ?? false;
    }

    static FrozenSet<string> Names(LogEvent happened) =>
        (happened.Data is { } data ? Payload.FieldNames(data) : []).ToFrozenSet(StringComparer.Ordinal);

    void VoidAll(long position)
    {
        Volatile.Write(ref _allBefore, position);
        _sessions.Clear();
        _users.Clear();
    }

    void Forget(long now)
    {
        if (Count > EntriesMax)
        {
            VoidAll(_position + 1);
            return;
        }
        if (now - _sweptAt < _lifetime / 16) return;
        _sweptAt = now;
        foreach (var (id, at) in _sessions) if (at < now - _lifetime) _sessions.TryRemove(id, out _);
        foreach (var (id, changed) in _users) if (changed.At < now - _lifetime) _users.TryRemove(id, out _);
    }

    /// <summary>The last position whose event is older than a time: times never fall along the log.</summary>
    long PositionAt(long at)
    {
        using ReadLease lease = _engine.Store.Database.Read(CancellationToken.None);
        long low = 0, high = EventLog.ReadHead(lease.Connection).Position;
        while (low < high)
        {
            long middle = low + (high - low + 1) / 2;
            bool isOlder = EventLog.Read(lease.Connection, middle - 1, 1) is not [var found, ..] || found.At < at;
            if (isOlder) low = middle;
            else high = middle - 1;
        }
        return low;
    }
}
