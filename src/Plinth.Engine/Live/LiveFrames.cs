using System.Globalization;
using Plinth.Log;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>Where a client left off: the position of a frame, and what tells its event from another one of that position.</summary>
readonly record struct ResumePoint(long Position, uint Check);

/// <summary>Writes the frames of one query.</summary>
sealed class LiveFrames(LivePlan plan)
{
    /// <summary>All items; with <c>reset</c> they take the place of whatever the client has.</summary>
    public LiveFrame Snapshot(IReadOnlyList<LiveItem> items, LogPlace place, bool reset)
    {
        using ByteOutput rest = new(4096);
        rest.Write(",\"items\":["u8);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0) rest.Write((byte)',');
            rest.Write(items[i].Json);
        }
        rest.Write((byte)']');
        if (reset) rest.Write(",\"reset\":true"u8);
        Close(rest, place);
        return new LiveFrame("snapshot"u8, rest.ToArray());
    }

    /// <param name="kind">enter, update, move or leave.</param>
    /// <param name="item">The record; of one that leaves, its key alone is told.</param>
    /// <param name="before">Of enter and move: the item that it stands before; null at the end.</param>
    /// <param name="place">Of the change, or of the reading that found it.</param>
    public LiveFrame Change(LiveKind kind, LiveItem item, LiveItem? before, LogPlace place)
    {
        using ByteOutput rest = new(item.Json.Length + 128);
        rest.Write(kind switch
        {
            LiveKind.Enter => ",\"kind\":\"enter\",\"item\":"u8,
            LiveKind.Update => ",\"kind\":\"update\",\"item\":"u8,
            LiveKind.Move => ",\"kind\":\"move\",\"item\":"u8,
            LiveKind.Leave => ",\"kind\":\"leave\",\"item\":"u8,
            _ => throw new InvalidOperationException($"no frame of {kind}"),
        });
        if (kind == LiveKind.Leave) plan.Item.WriteKeyObject(rest, item);
        else rest.Write(item.Json);
        if (kind is LiveKind.Enter or LiveKind.Move)
        {
            rest.Write(",\"before\":"u8);
            plan.Item.WriteKey(rest, before);
        }
        Close(rest, place);
        return new LiveFrame("change"u8, rest.ToArray());
    }

    /// <summary>
    /// The place in the log and, behind it, what names query and rights, and what tells its event: with all of them a client may resume.
    /// </summary>
    void Close(ByteOutput rest, LogPlace place)
    {
        rest.Write(",\"position\":"u8);
        JsonText.WriteString(rest, string.Create(CultureInfo.InvariantCulture, $"{place.Position}.{plan.Mark}.{place.Check:x8}"));
        rest.Write((byte)'}');
    }

    /// <summary>Where a client resumes; null when what it shows was given out for another query or other rights.</summary>
    public ResumePoint? Resumed(string text)
    {
        int first = text.IndexOf('.', StringComparison.Ordinal), last = text.LastIndexOf('.');
        if (first <= 0 || last == first || !text.AsSpan(first + 1, last - first - 1).SequenceEqual(plan.Mark)) return null;
        bool isRead = long.TryParse(text.AsSpan(0, first), NumberStyles.None, CultureInfo.InvariantCulture, out long position)
            & uint.TryParse(text.AsSpan(last + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint check);
        return isRead ? new ResumePoint(position, check) : null;
    }
}

enum LiveKind
{
    Enter,
    Update,
    Move,
    Leave,
}
