using Plinth.Text;

namespace Plinth.Live;

/// <summary>Someone in a channel, on whatever node.</summary>
/// <param name="Id">Of the membership.</param>
/// <param name="User">Who it is; null for an anonymous caller.</param>
/// <param name="Presence">What it shows, as JSON.</param>
/// <param name="Order">Lower for who came earlier.</param>
/// <param name="Node">Empty for this one.</param>
/// <param name="Slot">Its number in a channel with a leader, from 1 on; 0 as long as it has none.</param>
sealed record ChannelMember(string Id, string? User, byte[] Presence, long Order, string Node, long Slot = 0)
{
    /// <summary>Tells this member, as it shows itself in a channel, from others; the same on every node.</summary>
    public ulong MarkIn(string room)
    {
        ulong mark = 14695981039346656037;
        foreach (char c in room) mark = (mark ^ c) * 1099511628211;
        foreach (char c in Id) mark = (mark ^ c) * 1099511628211;
        foreach (byte b in Presence) mark = (mark ^ b) * 1099511628211;
        return (mark ^ (ulong)Slot) * 1099511628211;
    }
}

/// <summary>Writes the frames of channels; each once, for all who are told.</summary>
static class ChannelFrames
{
    /// <summary>What a client is told that has joined.</summary>
    public static LiveFrame Snapshot(string self, IEnumerable<ChannelMember>? members, string? leader, bool reset)
    {
        using ByteOutput rest = new(512);
        rest.Write(",\"member\":"u8);
        JsonText.WriteString(rest, self);
        if (members is not null)
        {
            rest.Write(",\"members\":["u8);
            bool isFirst = true;
            foreach (ChannelMember member in members)
            {
                if (!isFirst) rest.Write((byte)',');
                isFirst = false;
                Write(rest, member);
            }
            rest.Write((byte)']');
        }
        if (leader is not null) Member(rest, ",\"leader\":"u8, leader);
        if (reset) rest.Write(",\"reset\":true"u8);
        rest.Write((byte)'}');
        return new LiveFrame("snapshot"u8, rest.ToArray());
    }

    /// <param name="kind">enter, update or leave; of one who leaves the id alone is told.</param>
    /// <param name="member">Who.</param>
    public static LiveFrame Presence(ReadOnlySpan<byte> kind, ChannelMember member)
    {
        using ByteOutput rest = new(256);
        rest.Write(",\"kind\":\""u8);
        rest.Write(kind);
        rest.Write("\",\"member\":"u8);
        if (kind.SequenceEqual("leave"u8))
        {
            Member(rest, "{\"id\":"u8, member.Id);
            rest.Write((byte)'}');
        }
        else
        {
            Write(rest, member);
        }
        rest.Write((byte)'}');
        return new LiveFrame("presence"u8, rest.ToArray());
    }

    public static LiveFrame Message(string from, string? user, long slot, ReadOnlySpan<byte> message)
    {
        using ByteOutput rest = new(message.Length + 128);
        Member(rest, ",\"from\":{\"id\":"u8, from);
        rest.Write(",\"user\":"u8);
        WriteUser(rest, user);
        WriteSlot(rest, slot);
        rest.Write("},\"message\":"u8);
        rest.Write(message);
        rest.Write((byte)'}');
        return new LiveFrame("message"u8, rest.ToArray());
    }

    public static LiveFrame Leader(string leader)
    {
        using ByteOutput rest = new(64);
        Member(rest, ",\"leader\":"u8, leader);
        rest.Write((byte)'}');
        return new LiveFrame("leader"u8, rest.ToArray());
    }

    static void Write(ByteOutput output, ChannelMember member)
    {
        Member(output, "{\"id\":"u8, member.Id);
        output.Write(",\"user\":"u8);
        WriteUser(output, member.User);
        WriteSlot(output, member.Slot);
        output.Write(",\"presence\":"u8);
        output.Write(member.Presence);
        output.Write((byte)'}');
    }

    static void Member(ByteOutput output, ReadOnlySpan<byte> name, string id)
    {
        output.Write(name);
        JsonText.WriteString(output, id);
    }

    static void WriteSlot(ByteOutput output, long slot)
    {
        if (slot == 0) return;
        output.Write(",\"slot\":"u8);
        JsonText.WriteInt(output, slot);
    }

    static void WriteUser(ByteOutput output, string? user)
    {
        if (user is null) JsonText.WriteNull(output);
        else JsonText.WriteString(output, user);
    }
}
