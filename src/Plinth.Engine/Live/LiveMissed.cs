using Plinth.Log;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>
/// The records that changed between the place where a client left off and one that the log has been read up to, each as it was at the
/// first: with them the client's list is put together again, and what differs from today's is what it missed.
/// </summary>
sealed class LiveMissed
{
    readonly Dictionary<string, Value[]?> _then = new(StringComparer.Ordinal);

    int _events;

    LiveMissed(long from) => From = from;

    public long From { get; }

    public long UpTo { get; private set; }

    /// <summary>Reads what happened; null when it is too much, or cannot be told.</summary>
    public static LiveMissed? Read(LivePlan plan, EventStore store, ResumePoint from)
    {
        LiveMissed missed = new(from.Position) { UpTo = from.Position };
        // In a log that was put back another event may stand there: the client has seen what never was.
        LogPlace left = new(from.Position, Guid.Empty);
        if (from.Position > 0)
        {
            left = store.Tail.LookBehind(left, 1, CancellationToken.None).Found is [var found] ? found : left;
            if (left.Check != from.Check) return null;
        }
        return missed.TryReadOn(plan, store) ? missed : null;
    }

    /// <summary>Reads up to the end of the log; false when it is too much, or cannot be told.</summary>
    public bool TryReadOn(LivePlan plan, EventStore store)
    {
        while (true)
        {
            LogPlace upTo = new(UpTo, Guid.Empty);
            List<LogEvent> page = store.Tail.LookBehind(upTo, 1000, CancellationToken.None).Page;
            if (page.Count == 0) return true;
            if ((_events += page.Count) > store.Limits.LiveMissed || page[^1].Position != UpTo + page.Count) return false;
            foreach (LogEvent happened in page)
            {
                if (!TryTake(plan, store, happened)) return false;
                UpTo = happened.Position;
            }
        }
    }

    /// <summary>Items of this position can be compared with the client's.</summary>
    public bool Covers(long position) => position >= From && position <= UpTo;

    /// <summary>The client's list, from the list as it is now; null where that takes more steps than an expression may.</summary>
    public List<LiveItem>? Restore(LivePlan plan, List<LiveItem> now)
    {
        try
        {
            return Then(plan, now);
        }
        catch (ExpressionCostException)
        {
            return null;
        }
    }

    List<LiveItem> Then(LivePlan plan, List<LiveItem> now)
    {
        List<LiveItem> then = [.. now.Where(item => !_then.ContainsKey(item.Key))];
        foreach (Value[]? row in _then.Values)
        {
            if (plan.Has(plan.Live(row))) then.Add(plan.Item.Of(row!)); // Not null: it belongs to the query.
        }
        then.Sort(plan.Order);
        return then;
    }

    bool TryTake(LivePlan plan, EventStore store, LogEvent happened)
    {
        if (happened.Model != plan.Model.Name) return true;
        if (happened.RecordId.Length == 0 || !RecordIds.TryRead(plan.Model, happened.RecordId, out Value[]? stored)) return false;
        // Another tenant may have a record of the same key.
        if (stored.Length > plan.Model.Key.Length && stored[0] != plan.Caller.Tenant) return true;
        string key = plan.Item.KeyOf(stored[^plan.Model.Key.Length..]);
        // The first change says what it was.
        if (_then.ContainsKey(key)) return true;
        LiveChange change = new(happened, plan.Snapshot, plan.Model);
        change.Complete(store);
        if (!change.IsWhole) return false;
        _then.Add(key, change.Before);
        return true;
    }
}
