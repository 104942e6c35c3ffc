using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>
/// One channel by its parameters, as this node knows it: its own members, to whom it delivers, and, where members see one another, those of
/// all nodes. Everyone here is told everything in one order. Thread-safe; delivers under its lock.
/// </summary>
sealed class ChannelRoom(string id)
{
    readonly Lock _gate = new();
    readonly Dictionary<string, ChannelMembership> _local = new(StringComparer.Ordinal);
    readonly Dictionary<string, ChannelMember> _members = new(StringComparer.Ordinal);
    Channel? _channel;
    string? _leader;
    long _order;

    public string Id => id;

    public bool IsEmpty
    {
        get
        {
            lock (_gate) return _local.Count == 0 && _members.Count == 0;
        }
    }

    public List<ChannelMembership> Local
    {
        get
        {
            lock (_gate) return [.. _local.Values];
        }
    }

    /// <summary>Its own members as others should know them.</summary>
    public List<ChannelMember> Own => Of("");

    /// <summary>The members of one node; of this one, which is nameless here.</summary>
    public List<ChannelMember> Of(string node)
    {
        lock (_gate) return [.. _members.Values.Where(m => m.Node == node)];
    }

    /// <summary>Takes a client in: it is told who is there, and then the others of it.</summary>
    /// <returns>What other nodes are to be told; null where nobody sees anybody. The fault: it is full.</returns>
    public Result<ChannelMember?> Join(ChannelMembership joining, int membersMax, bool isReset)
    {
        lock (_gate)
        {
            if (_local.Count >= membersMax)
            {
                return Faults.Overloaded.Says($"as many are in this channel as may (limits.channelMembers)") with { RetryAfterSeconds = 5 };
            }
            Channel channel = joining.Place!.Channel; // The hub has given it one.
            _channel = channel;
            _local.Add(joining.Id, joining);
            joining.Room = this;
            if (!channel.HasPresence)
            {
                joining.Deliver(ChannelFrames.Snapshot(joining.Id, null, null, isReset));
                return (ChannelMember?)null;
            }
            ChannelMember member = new(joining.Id, joining.User, joining.Presence, ++_order, "");
            _members.Add(member.Id, member);
            string? before = _leader;
            Elect();
            joining.Deliver(ChannelFrames.Snapshot(joining.Id, _members.Values, _leader, isReset));
            TellAll(ChannelFrames.Presence("enter"u8, member), but: joining.Id);
            if (_leader is { } leader && leader != before) TellAll(ChannelFrames.Leader(leader), but: joining.Id);
            return member;
        }
    }

    /// <summary>A client goes. False when it had gone already.</summary>
    public bool Leave(ChannelMembership leaving)
    {
        lock (_gate)
        {
            if (!_local.Remove(leaving.Id)) return false;
            leaving.Room = null;
            Remove(leaving.Id);
            return true;
        }
    }

    /// <summary>A client shows something else. Null when it is not here any more, or nobody sees it.</summary>
    public ChannelMember? Show(ChannelMembership showing, byte[] presence)
    {
        lock (_gate)
        {
            if (!_members.TryGetValue(showing.Id, out ChannelMember? was)) return null;
            showing.Presence = presence;
            ChannelMember member = was with { Presence = presence };
            _members[member.Id] = member;
            TellAll(ChannelFrames.Presence("update"u8, member), but: member.Id);
            return member;
        }
    }

    /// <summary>Someone of another node has come, or shows something else.</summary>
    public void Enter(ChannelMember member)
    {
        lock (_gate)
        {
            bool isNew = !_members.TryGetValue(member.Id, out ChannelMember? was);
            // What is told again, because a node asked, is no news.
            if (was is not null && was.Presence.AsSpan().SequenceEqual(member.Presence)) return;
            _members[member.Id] = member;
            _order = Math.Max(_order, member.Order);
            TellAll(ChannelFrames.Presence(isNew ? "enter"u8 : "update"u8, member), but: null);
            if (isNew) Reelect();
        }
    }

    /// <summary>Someone of another node has gone.</summary>
    public void Leave(string member)
    {
        lock (_gate) Remove(member);
    }

    /// <summary>A node has gone, with all its members.</summary>
    public void LeaveAll(string node)
    {
        lock (_gate)
        {
            foreach (string gone in _members.Values.Where(m => m.Node == node).Select(static m => m.Id).ToList()) Remove(gone);
        }
    }

    /// <summary>Gives a message to everyone here but its sender. In a channel with a leader, what is not the leader's is for him
    /// alone.</summary>
    public void Publish(string from, string? user, ReadOnlySpan<byte> message)
    {
        lock (_gate)
        {
            if (_local.Count == 0) return;
            LiveFrame frame = ChannelFrames.Message(from, user, message);
            if (_channel?.Leader is null || from == _leader) TellAll(frame, but: from);
            else if (_leader is not null && _local.TryGetValue(_leader, out ChannelMembership? leader)) leader.Deliver(frame);
        }
    }

    void Remove(string member)
    {
        if (!_members.Remove(member, out ChannelMember? gone)) return;
        TellAll(ChannelFrames.Presence("leave"u8, gone), but: null);
        if (member != _leader) return;
        if (_channel?.Leader == LeaderLeaves.Close) Close();
        else Reelect();
    }

    void Close()
    {
        LiveFrame end = LiveFrame.End(Faults.ChannelClosed.Says("the leader of this channel has left"));
        foreach (ChannelMembership member in _local.Values)
        {
            member.Room = null;
            member.Deliver(end);
        }
        _local.Clear();
        // Other nodes hear of the leader by themselves, and close as well.
        _members.Clear();
        _leader = null;
    }

    void Reelect()
    {
        string? before = _leader;
        Elect();
        if (_leader is { } leader && leader != before) TellAll(ChannelFrames.Leader(leader), but: null);
    }

    /// <summary>Who came first, the same on every node that knows the same members.</summary>
    void Elect() => _leader = _channel?.Leader is null ? null
        : _members.Values.OrderBy(static m => m.Order).ThenBy(static m => m.Id, StringComparer.Ordinal).FirstOrDefault()?.Id;

    void TellAll(LiveFrame frame, string? but)
    {
        foreach (ChannelMembership member in _local.Values)
        {
            if (member.Id != but) member.Deliver(frame);
        }
    }
}
