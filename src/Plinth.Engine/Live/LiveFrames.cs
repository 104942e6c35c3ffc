using System.Globalization;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>Writes the frames of one query.</summary>
sealed class LiveFrames(LivePlan plan)
{
    /// <summary>All items; with <c>reset</c> they take the place of whatever the client has.</summary>
    public LiveFrame Snapshot(IReadOnlyList<LiveItem> items, long position, bool reset)
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
        Close(rest, position);
        return new LiveFrame("snapshot"u8, rest.ToArray());
    }

    /// <param name="kind">enter, update, move or leave.</param>
    /// <param name="item">The record; of one that leaves, its key alone is told.</param>
    /// <param name="before">Of enter and move: the item that it stands before; null at the end.</param>
    /// <param name="position">Of the change, or of the reading that found it.</param>
    public LiveFrame Change(LiveKind kind, LiveItem item, LiveItem? before, long position)
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
        Close(rest, position);
        return new LiveFrame("change"u8, rest.ToArray());
    }

    /// <summary>The place in the log and, behind it, what names query and rights: with both a client may resume.</summary>
    void Close(ByteOutput rest, long position)
    {
        rest.Write(",\"position\":"u8);
        JsonText.WriteString(rest, string.Create(CultureInfo.InvariantCulture, $"{position}.{plan.Mark}"));
        rest.Write((byte)'}');
    }

    /// <summary>The position that a client resumes from; null when it is none of this query's.</summary>
    public long? Resumed(string text)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && text.AsSpan(dot + 1).SequenceEqual(plan.Mark)
            && long.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out long position) ? position : null;
    }
}

enum LiveKind
{
    Enter,
    Update,
    Move,
    Leave,
}
