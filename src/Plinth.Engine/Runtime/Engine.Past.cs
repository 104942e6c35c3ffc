using Plinth.Expressions;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Reads of what was.</summary>
sealed partial class Engine
{
    /// <summary>
    /// A record as it was, where that and what it is now are at hand and the caller may see what it is. Else as if nothing were: who may
    /// not is answered after the same statements as who asks for what never was.
    /// </summary>
    Result<ReadReply>? PastAtHand(in Asked asked)
    {
        long position = asked.Cache.Position;
        if (Moment(asked) is not { } moment || !IsSinceCut(moment)) return null;
        EvaluationContext caller = CallerOf(asked);
        if (SeenNow(asked, caller) is not { } now) return null;
        Snapshot snapshot = asked.Snapshot;
        if (!snapshot.Then.TryFind(now.Key, moment, out CachedRecord? was)) return null;
        asked.Cache.Count(hits: 1, misses: 0, refused: 0);
        RecordLevel level = asked.Program.Past!.ByRecord!.Whole!; // It was seen by it.
        int firstSlot = asked.Read.Plan.Slots.Rules[level.Shape.Need];
        return was is not null && was.IsSeen(level, caller, firstSlot) ? AtHand(asked, was, position) : KeyValues.NotFound(level.Model);
    }

    /// <summary>The position that is asked about, where it is known without asking.</summary>
    static long? Moment(in Asked asked) =>
        asked.Read.Past is not { } past ? null : past.Position ?? asked.Snapshot.Times.Find(past.At);

    /// <summary>
    /// Retention has not taken values from behind the moment, as far as that can be known here: where others may do it, for as long as what
    /// they change may stay unknown.
    /// </summary>
    bool IsSinceCut(long position)
    {
        KnownCut cut = Store.Log.Cut;
        return cut.Position >= 0 && position >= cut.Position
            && (!Store.Database.IsShared || Time.GetElapsedTime(cut.SeenAt) < s_unreadMax);
    }

    EvaluationContext CallerOf(in Asked asked) =>
        Policies.Context(asked.Caller, asked.Now, Limits) with { Slots = asked.Read.Values };

    /// <summary>The record as it is, where it is at hand and the caller may see it.</summary>
    CachedRecord? SeenNow(in Asked asked, in EvaluationContext caller)
    {
        if (!asked.Cache.IsOn || !IsCacheTrue || asked.Program.Past is not { ByRecord.Whole: { } level }) return null;
        if (level.Model.Tenant is not null && asked.Caller.Tenant.IsNull) return null;
        if (asked.Cache.Find(KeyOf(asked), asked.Snapshot.Version) is not { } now) return null;
        return now.IsSeen(level, caller, asked.Read.Plan.Slots.Rules[level.Shape.Need]) ? now : null;
    }

    /// <summary>Writes what was from rows of a connection.</summary>
    async ValueTask<(Fault? Fault, long Version)> WritePastAsync(
        Asked asked, PastProgram past, Connection connection, bool isCopy, ByteOutput body, CancellationToken cancel)
    {
        if (past.ByRecord is { } one)
        {
            // What a copy shows may be older than what is known here, and nothing is learnt from it.
            long head = isCopy ? 0 : Position;
            EvaluationContext caller = CallerOf(asked);
            PastRecordRun alone = new(one, asked.Read, asked.Snapshot, Store, Limits, caller, isCopy ? null : asked.Cache);
            CachedRecord? AtHand(long position) => !isCopy && IsSinceCut(position) ? SeenNow(asked, caller) : null;
            if (await alone.TryWriteAsync(connection, AtHand, head, body, cancel)) return (alone.Fault, alone.Version);
        }
        PastRun then = new(past, asked.Read, connection, asked.Snapshot, Store.Keys, Limits, asked.Now);
        Fault? refused = await then.WriteAsync(body, cancel);
        return (refused, then.Version);
    }

    /// <summary>What is remembered of the past may hold what is erased or purged.</summary>
    /// <param name="snapshot">Whose memory.</param>
    /// <param name="events">What is committed.</param>
    /// <param name="isWhole">There were no others before them.</param>
    static void ForgetPast(Snapshot snapshot, IReadOnlyList<LogEvent> events, bool isWhole)
    {
        bool isErased = !isWhole, isPurged = false;
        foreach (LogEvent happened in events)
        {
            isErased |= happened.Kind == EventKinds.Erased;
            isPurged |= happened.Kind == EventKinds.Purged;
        }
        if (isErased) snapshot.Past.Clear();
        if (isErased || isPurged) snapshot.Then.Forget();
    }
}
