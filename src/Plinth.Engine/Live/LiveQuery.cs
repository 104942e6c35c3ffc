using Plinth.Log;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>
/// The outcome of one query under one set of rights, kept up to date for all who subscribe to it. Where a record alone decides, a change
/// is applied as it happens; else the query is run again, at most every <see cref="LiveHub.RunsApart"/>, and what differs is told.
/// </summary>
/// <remarks>
/// Items are those of one position. A run gives the items of the position of its snapshot, and a change up to there has been seen by it; a
/// change beyond it makes another run follow. So nothing is passed over however runs and changes overlap.
/// </remarks>
sealed class LiveQuery
{
    readonly LiveHub _hub;
    readonly Lock _gate = new();
    readonly Dictionary<string, LiveItem> _byKey = new(StringComparer.Ordinal);
    readonly List<LiveSubscription> _subscribers = [];
    readonly List<LiveSubscription> _joining = [];
    List<LiveItem> _items = [];
    LiveFrames _frames;
    LiveFrame? _snapshot;
    LogPlace _place;
    long _dirty = -1;
    bool _isLoaded, _isRunning, _isStale, _hasEnded;

    public LiveQuery(LiveHub hub, LivePlan plan)
    {
        (_hub, Plan, _frames) = (hub, plan, new LiveFrames(plan));
    }

    public LivePlan Plan { get; private set; }

    public int Subscribers
    {
        get
        {
            lock (_gate) return _subscribers.Count + _joining.Count;
        }
    }

    /// <summary>Adds a subscription: it is told all items once they are there, or what it missed, and then each change.</summary>
    /// <param name="joining">The new one.</param>
    /// <param name="place">Up to which all changes have been given to the queries.</param>
    /// <returns>False when the query has ended, so another must be made.</returns>
    public bool TryJoin(LiveSubscription joining, LogPlace place)
    {
        lock (_gate)
        {
            if (_hasEnded) return false;
            if (_isLoaded)
            {
                Welcome(joining, IsClean && place.Position > _place.Position ? place : _place);
                return true;
            }
            _joining.Add(joining);
            if (_dirty < 0) _dirty = 0;
            Start();
        }
        return true;
    }

    /// <summary>Takes a subscription out; true when nobody is left.</summary>
    public bool Leave(LiveSubscription leaving)
    {
        lock (_gate)
        {
            _subscribers.Remove(leaving);
            _joining.Remove(leaving);
            _hasEnded |= _subscribers.Count + _joining.Count == 0;
            return _hasEnded;
        }
    }

    /// <summary>Takes all subscriptions out, because the query is of no more use.</summary>
    public List<LiveSubscription> Abandon()
    {
        lock (_gate)
        {
            _hasEnded = true;
            List<LiveSubscription> all = [.. _subscribers, .. _joining];
            _subscribers.Clear();
            _joining.Clear();
            return all;
        }
    }

    /// <summary>What the query hangs on may have changed at a position: it is run again unless its items are newer.</summary>
    public void MarkDirty(long position)
    {
        lock (_gate)
        {
            if (_hasEnded || (_isLoaded && position <= _place.Position)) return;
            _dirty = Math.Max(_dirty, position);
            Start();
        }
    }

    /// <summary>
    /// Something has changed that no position tells of (the clock, a projection): a run that begins from now on knows it.
    /// </summary>
    public void Rerun()
    {
        lock (_gate)
        {
            if (_hasEnded) return;
            (_dirty, _isStale) = (Math.Max(_dirty, 0), true);
            Start();
        }
    }

    /// <summary>A record of the query's model has changed.</summary>
    public void Take(LiveChange change)
    {
        if (!Plan.IsOwn || !change.IsWhole)
        {
            if (change.IsOfExistence || Plan.Needs.Own.Overlaps(change.Changed)) MarkDirty(change.Position);
            return;
        }
        try
        {
            Value[]? before = Plan.Live(change.Before), after = Plan.Live(change.After);
            bool was = Plan.Has(before), isIn = Plan.Has(after);
            // Not null: the plan has none that is.
            if ((!was && !isIn) || (was && isIn && !Plan.Shows(before!, after!))) return;
            lock (_gate)
            {
                if (_hasEnded) return;
                if (!Plan.IsIncremental || !_isLoaded || !IsClean) MarkDirty(change.Position);
                else if (change.Position > _place.Position)
                    Apply(LogPlace.Of(change.Event), isIn ? Plan.Item.Of(after!) : null, before ?? after!);
            }
        }
        catch (ExpressionCostException)
        {
            MarkDirty(change.Position);
        }
    }

    bool IsClean => _dirty < 0 && !_isRunning;

    void Apply(LogPlace place, LiveItem? item, Value[] row)
    {
        _place = place;
        string key = item?.Key ?? Plan.Item.KeyOfRow(row);
        if (_byKey.TryGetValue(key, out LiveItem? old))
        {
            int at = _items.BinarySearch(old, Plan.Order);
            if (item is not null && item.IsAt(old))
            {
                (_items[at], _byKey[key]) = (item, item);
                if (!item.Shows(old)) Tell(_frames.Change(LiveKind.Update, item, null, place));
                return;
            }
            _items.RemoveAt(at);
            _byKey.Remove(key);
            if (item is null)
            {
                Tell(_frames.Change(LiveKind.Leave, old, null, place));
                return;
            }
        }
        if (item is null) return;
        int index = ~_items.BinarySearch(item, Plan.Order);
        _items.Insert(index, item);
        _byKey.Add(key, item);
        if (_items.Count > _hub.Limits.LiveRows)
        {
            End(ReadRun.TooManyLive(_hub.Limits));
            return;
        }
        LiveItem? before = index + 1 < _items.Count ? _items[index + 1] : null;
        Tell(_frames.Change(old is null ? LiveKind.Enter : LiveKind.Move, item, before, place));
    }

    void Start()
    {
        if (_isRunning || _hasEnded) return;
        _isRunning = true;
        _ = RunAsync();
    }

    async Task RunAsync()
    {
        while (true)
        {
            lock (_gate) _isStale = false;
            LivePlan plan = Plan;
            Result<LiveRows> run = await _hub.RunAsync(plan).ConfigureAwait(false);
            if (run.IsOk) CatchUp();
            lock (_gate)
            {
                if (_hasEnded) return;
                if (run.Failed(out Fault? fault, out LiveRows? rows))
                {
                    // A storage that is away comes back; whoever waits for the first items is told at once.
                    if (!_isLoaded || !LiveHub.IsPassing(fault))
                    {
                        End(fault);
                        return;
                    }
                }
                else
                {
                    Refresh(rows);
                    if (_dirty <= _place.Position && !_isStale)
                    {
                        (_dirty, _isRunning) = (-1, false);
                        return;
                    }
                }
            }
            await _hub.PauseAsync(run.IsOk).ConfigureAwait(false);
        }
    }

    /// <summary>Whoever waits to resume reads on past the run, so that its items can be compared with theirs.</summary>
    void CatchUp()
    {
        List<LiveSubscription> joining;
        lock (_gate) joining = _joining.FindAll(static j => j.Missed is not null);
        foreach (LiveSubscription resuming in joining) _hub.CatchUp(resuming, Plan);
    }

    void Refresh(LiveRows rows)
    {
        List<LiveItem> items = rows.Items;
        if (!ReferenceEquals(Plan, rows.Plan)) (Plan, _frames) = (rows.Plan, new LiveFrames(rows.Plan));
        List<LiveStep> steps = _isLoaded && _subscribers.Count > 0 ? LiveDiff.Between(_items, items) : [];
        (_items, _place, _isLoaded, _snapshot) = (items, rows.Place, true, null);
        _byKey.Clear();
        foreach (LiveItem item in items) _byKey.Add(item.Key, item);
        foreach (LiveStep step in steps) Tell(_frames.Change(step.Kind, step.Item, step.Before, _place));
        foreach (LiveSubscription joining in _joining) Welcome(joining, _place);
        _joining.Clear();
    }

    void Welcome(LiveSubscription joining, LogPlace place)
    {
        _subscribers.Add(joining);
        if (joining.Missed is { } missed && Plan.IsIncremental && missed.Covers(place.Position) && missed.Restore(Plan, _items) is { } then)
        {
            foreach (LiveStep step in LiveDiff.Between(then, _items))
                joining.Deliver(_frames.Change(step.Kind, step.Item, step.Before, place));
            joining.HasResumed();
            return;
        }
        if (joining.IsReset)
        {
            joining.Deliver(_frames.Snapshot(_items, place, reset: true));
            return;
        }
        _snapshot ??= _frames.Snapshot(_items, place, reset: false);
        joining.Deliver(_snapshot);
    }

    void Tell(LiveFrame frame)
    {
        _snapshot = null;
        foreach (LiveSubscription subscriber in _subscribers) subscriber.Deliver(frame);
    }

    void End(Fault fault)
    {
        (_hasEnded, _isRunning) = (true, false);
        LiveFrame end = LiveFrame.End(fault);
        foreach (LiveSubscription subscriber in _subscribers) subscriber.Deliver(end);
        foreach (LiveSubscription joining in _joining) joining.Deliver(end);
        _subscribers.Clear();
        _joining.Clear();
        _hub.Forget(this);
    }
}
