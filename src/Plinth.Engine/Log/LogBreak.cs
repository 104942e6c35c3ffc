using System.Buffers.Binary;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>A position, and which event stands there: positions come again in a log that was put back, events do not.</summary>
/// <param name="Position">0 before the first event.</param>
/// <param name="EventId">Empty where it is not known, or there is none.</param>
readonly record struct LogPlace(long Position, Guid EventId)
{
    /// <summary>Tells this event from others of its position; 0 where it is not known.</summary>
    public uint Check
    {
        get
        {
            Span<byte> id = stackalloc byte[16];
            EventId.TryWriteBytes(id, bigEndian: true, out _);
            // The first half of it is a time.
            return BinaryPrimitives.ReadUInt32BigEndian(id[12..]);
        }
    }

    public static LogPlace Of(LogEvent happened) => new(happened.Position, happened.EventId);
}

/// <summary>Why a follower cannot go on from where it was.</summary>
enum LogBreakKind
{
    /// <summary>
    /// What it has seen is not there, or is something else: the database was put back, or a copy took over that lacked the end.
    /// </summary>
    Rewritten,

    /// <summary>What comes next is not there, and nobody has signed for it.</summary>
    Missing,

    /// <summary>What comes next was taken away by retention before it was seen.</summary>
    Cut,
}

/// <summary>
/// The place in the log was lost. What was built on it is thrown away, and the end of the log as it is now is where to go on.
/// </summary>
/// <param name="Kind">Why.</param>
/// <param name="Seen">The last position that had been seen.</param>
/// <param name="Next">The first event behind it; 0 where there is none.</param>
/// <param name="Head">The end of the log, where it goes on.</param>
/// <param name="At">When it was noticed.</param>
sealed record LogBreak(LogBreakKind Kind, long Seen, long Next, LogPlace Head, DateTimeOffset At)
{
    /// <summary>How often this process lost its place, this time included.</summary>
    public long Number { get; init; }

    /// <summary>What happened, for whoever runs the server.</summary>
    public string Text => Kind switch
    {
        LogBreakKind.Rewritten => FormattableString.Invariant(
            $"the log was put back: what was seen at position {Seen} is not there, and its end is {Head.Position}"),
        LogBreakKind.Missing => FormattableString.Invariant($"the log has a hole: behind position {Seen} comes {Next}"),
        LogBreakKind.Cut => FormattableString.Invariant($"the log was cut before it was read: behind position {Seen} comes {Next}"),
        _ => throw new InvalidOperationException($"no text of {Kind}"),
    };

    /// <summary>Looks, in one snapshot, whether the log still leads on from a place.</summary>
    /// <param name="connection">Not in a transaction.</param>
    /// <param name="seen">The last event that was seen.</param>
    /// <param name="at">The time.</param>
    /// <returns>Null where it does.</returns>
    /// <exception cref="StoreException">It cannot be read, or has no head: it may be on its way back.</exception>
    public static LogBreak? Find(Connection connection, LogPlace seen, DateTimeOffset at)
    {
        connection.BeginRead();
        try
        {
            LogPlace head = EventLog.ReadPlace(connection);
            if (seen.Position > head.Position) return new LogBreak(LogBreakKind.Rewritten, seen.Position, 0, head, at);
            LogLook look = EventLog.Look(connection, seen, seen, eventsMax: 1);
            long begins = LogStart.Find(connection)?.Position ?? 0, next = look.Page is [var first, ..] ? first.Position : 0;
            bool isLast = seen.Position == head.Position, isNext = next == seen.Position + 1;
            // Its own event may have been taken away since, and what comes behind it not; or it is where a hole ends that is to be passed.
            bool isThere = look.Holds(seen) || begins >= seen.Position || seen.EventId == Guid.Empty;
            if (isThere && (isLast || isNext)) return null;
            LogBreakKind kind = !isThere ? LogBreakKind.Rewritten : begins > seen.Position ? LogBreakKind.Cut : LogBreakKind.Missing;
            return new LogBreak(kind, seen.Position, next, head, at);
        }
        finally
        {
            connection.Rollback();
        }
    }
}

/// <summary>A look at the log from a place on: whether what was seen is there, and what comes behind it.</summary>
/// <param name="Found">Those of the places that have an event.</param>
/// <param name="Page">What comes behind the later of the two places, in order.</param>
readonly record struct LogLook(List<LogPlace> Found, List<LogEvent> Page)
{
    /// <summary>The page, up to the first hole in it; empty where that is at its beginning.</summary>
    /// <param name="head">What it comes behind.</param>
    public List<LogEvent> Dense(long head)
    {
        // Positions are a key, so as many as there should be are all that there should be.
        if (Page.Count == 0 || Page[^1].Position == head + Page.Count) return Page;
        int count = 0;
        while (count < Page.Count && Page[count].Position == head + count + 1) count++;
        return Page[..count];
    }

    /// <summary>
    /// What was seen at a place is there. Where it is not known which event that was, any is taken for it; before the first there is none.
    /// </summary>
    public bool Holds(LogPlace place) => place.Position == 0
        || Found.Exists(found => found.Position == place.Position && (place.EventId == Guid.Empty || place.EventId == found.EventId));
}

/// <summary>Told to the reader of a follower whose place in the log was lost.</summary>
sealed class LogBrokenException(LogBreak told, bool isOwn) : Exception(told.Text)
{
    public LogBreak Break => told;

    /// <summary>It is this follower's place alone: whoever follows at the end of the log noticed nothing.</summary>
    public bool IsOwn => isOwn;
}
