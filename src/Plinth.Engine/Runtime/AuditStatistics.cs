using Plinth.Log;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What was counted of the newest events of a time: by model and kind, and by who did it.</summary>
sealed class AuditStatistics
{
    /// <summary>Lines of each list, those with most events first.</summary>
    const int LinesMax = 200;

    readonly Dictionary<(string Model, string Kind), long> _kinds = [];
    readonly Dictionary<ValueTuple<string?>, long> _actors = [];
    long _passed, _events, _lowest = long.MaxValue;

    /// <summary>The first and the last position of what is counted; 0 when nothing is.</summary>
    public (long First, long Last) Ends { get; private set; }

    /// <summary>Takes a line of <see cref="AuditEvents.Counts"/>.</summary>
    /// <param name="counts">Where the statement stands.</param>
    /// <param name="tenant">Whose events are meant; null for all.</param>
    public void Add(Statement counts, string? tenant)
    {
        long count = counts.ColumnInt64(3), first = counts.ColumnInt64(4), last = counts.ColumnInt64(5);
        _passed += count;
        _lowest = Math.Min(_lowest, first);
        // Of what an index passes not all need be meant: an actor of one tenant may be named like one of another.
        if (tenant is not null && !string.Equals(counts.ColumnTextOrNull(6), tenant, StringComparison.Ordinal)) return;
        (string, string) kind = (counts.ColumnText(0), counts.ColumnText(1));
        ValueTuple<string?> actor = new(counts.ColumnTextOrNull(2));
        _kinds[kind] = _kinds.GetValueOrDefault(kind) + count;
        _actors[actor] = _actors.GetValueOrDefault(actor) + count;
        _events += count;
        Ends = Ends.First == 0 ? (first, last) : (Math.Min(Ends.First, first), Math.Max(Ends.Last, last));
    }

    /// <param name="body">Where to.</param>
    /// <param name="times">Of the first and the last position.</param>
    /// <param name="eventsMax">How many were looked at, at most.</param>
    public void Write(ByteOutput body, (long First, long Last) times, int eventsMax)
    {
        bool isWhole = _passed < eventsMax;
        body.Write("{\"events\":"u8);
        JsonText.WriteInt(body, _events);
        body.Write(",\"from\":"u8);
        new LogPoint(Ends.First, times.First).Write(body);
        body.Write(",\"to\":"u8);
        new LogPoint(Ends.Last, times.Last).Write(body);
        body.Write(isWhole ? ",\"whole\":true,\"next\":"u8 : ",\"whole\":false,\"next\":"u8);
        if (isWhole) JsonText.WriteNull(body);
        else JsonText.WriteIntString(body, _lowest - 1);
        body.Write(",\"models\":["u8);
        foreach (var (line, ((model, kind), count)) in _kinds
            .OrderByDescending(static line => line.Value).ThenBy(static line => line.Key.Model, StringComparer.Ordinal)
            .ThenBy(static line => line.Key.Kind, StringComparer.Ordinal).Take(LinesMax).Index())
        {
            body.Write(line == 0 ? "{\"model\":"u8 : ",{\"model\":"u8);
            JsonText.WriteString(body, model);
            body.Write(",\"kind\":"u8);
            JsonText.WriteString(body, kind);
            WriteCount(body, count);
        }
        body.Write("],\"actors\":["u8);
        foreach (var (line, (actor, count)) in _actors
            .OrderByDescending(static line => line.Value).ThenBy(static line => line.Key.Item1, StringComparer.Ordinal)
            .Take(LinesMax).Index())
        {
            body.Write(line == 0 ? "{\"actor\":"u8 : ",{\"actor\":"u8);
            if (actor.Item1 is { } name) JsonText.WriteString(body, name);
            else JsonText.WriteNull(body);
            WriteCount(body, count);
        }
        body.Write("]}"u8);
    }

    static void WriteCount(ByteOutput body, long count)
    {
        body.Write(",\"events\":"u8);
        JsonText.WriteInt(body, count);
        body.Write((byte)'}');
    }
}
