using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>
/// One channel by its parameters, as this node knows it: its own members, to whom it delivers, and, where members see one another, those of
/// all nodes. Everyone here is told everything in one order. Where it has a leader, its members have numbers, which the leader's node alone
/// gives. Thread-safe; delivers under its lock.
/// </summary>
/// <param name="id">Of the channel by its parameters.</param>
/// <param name="time">Of the node.</param>
/// <param name="tellSeat">Tells other nodes the slot that this one has given to a member. Must be quick; it runs under the lock.</param>
sealed class ChannelRoom(string id, TimeProvider time, Action<ChannelMember> tellSeat)
{
    readonly Lock _gate = new();
    readonly Dictionary<string, ChannelMembership> _local = new(StringComparer.Ordinal);
    readonly Dictionary<string, ChannelMember> _members = new(StringComparer.Ordinal);

    /// <summary>The numbers of those whose node was lost: it may come back.</summary>
    readonly Dictionary<string, long> _seats = new(StringComparer.Ordinal);

    /// <summary>Beyond so many, those of nodes that did not come back are forgotten.</summary>
    const int SeatsMax = 1000;

    Channel? _channel;
    string? _leader;
    long _order, _given;

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

    /// <summary>The highest slot that was given, whoever has left since.</summary>
    public long Given
    {
        get
        {
            lock (_gate) return _given;
        }
    }

    /// <summary>The members of one node, as the others should know them; this one is nameless here.</summary>
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
            // By the clock, for a node that has not heard of the others yet; after all that were heard of, whatever the clock says.
            _order = Math.Max(_order + 1, (time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);
            ChannelMember member = new(joining.Id, joining.User, joining.Presence, _order, "");
            _members.Add(member.Id, member);
            string? before = _leader;
            Elect();
            // Whoever is told of the member is told the slot with it.
            if (IsLedHere) _members[member.Id] = member = member with { Slot = ++_given };
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
    /// <param name="member">Who.</param>
    /// <param name="given">The highest slot that its node knows of.</param>
    public void Enter(ChannelMember member, long given)
    {
        lock (_gate)
        {
            bool isNew = !_members.TryGetValue(member.Id, out ChannelMember? was);
            long before = _given;
            _given = Math.Max(_given, Math.Max(given, member.Slot));
            if (was is { Slot: > 0 } && member.Slot != was.Slot && (IsLedHere || member.Slot == 0))
            {
                member = member with { Slot = was.Slot };
                // Its node has not heard it.
                if (IsLedHere) tellSeat(member);
            }
            // What is told again, because a node asked, is no news.
            if (was is not null && was.Slot == member.Slot && was.Presence.AsSpan().SequenceEqual(member.Presence)) return;
            _members[member.Id] = member;
            _order = Math.Max(_order, member.Order);
            string? led = _leader;
            if (isNew) Elect();
            if (IsLedHere && isNew && _seats.Remove(member.Id, out long seat)) member = member.Slot == seat ? member : Give(member, seat);
            // A number from a node that had not heard of this leader may have been another's already.
            else if (IsLedHere && (member.Slot == 0 || (isNew && member.Slot <= before))) member = Give(member, ++_given);
            TellAll(ChannelFrames.Presence(isNew ? "enter"u8 : "update"u8, member), but: null);
            TellLeader(led);
        }
    }

    /// <summary>Another node has given a slot. Only the leader's is heard, where it is known: one that has not heard of the leader yet may
    /// take a member of its own for it.</summary>
    public void Seat(string node, string id, long slot)
    {
        lock (_gate)
        {
            if (!_members.TryGetValue(id, out ChannelMember? member) || member.Slot == slot) return;
            if (_channel is not null && LeaderNode != node) return;
            _given = Math.Max(_given, slot);
            _members[id] = member = member with { Slot = slot };
            TellAll(ChannelFrames.Presence("update"u8, member), but: null);
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
            if (_seats.Count > SeatsMax) _seats.Clear();
            foreach (ChannelMember gone in _members.Values.Where(m => m.Node == node).ToList())
            {
                if (gone.Slot > 0) _seats[gone.Id] = gone.Slot;
                Remove(gone.Id);
            }
        }
    }

    /// <summary>Gives a message to everyone here but its sender. In a channel with a leader, what is not the leader's is for him
    /// alone.</summary>
    public void Publish(string from, string? user, ReadOnlySpan<byte> message)
    {
        lock (_gate)
        {
            if (_local.Count == 0) return;
            LiveFrame frame = ChannelFrames.Message(from, user, _members.GetValueOrDefault(from)?.Slot ?? 0, message);
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
        _seats.Clear();
        (_leader, _given) = (null, 0);
    }

    void Reelect()
    {
        string? before = _leader;
        Elect();
        TellLeader(before);
        if (!IsLedHere || _leader == before) return;
        // The node that gave numbers until now may have gone before it had given all, and told apart those that two nodes gave.
        HashSet<long> taken = [0];
        foreach (ChannelMember member in InOrder().ToList())
        {
            if (!taken.Add(member.Slot)) TellAll(ChannelFrames.Presence("update"u8, Give(member, ++_given)), but: null);
        }
    }

    void TellLeader(string? before)
    {
        if (_leader is { } leader && leader != before) TellAll(ChannelFrames.Leader(leader), but: null);
    }

    /// <summary>Who came first, the same on every node that knows the same members.</summary>
    void Elect() => _leader = _channel?.Leader is null ? null : InOrder().FirstOrDefault()?.Id;

    IEnumerable<ChannelMember> InOrder() =>
        _members.Values.OrderBy(static m => m.Order).ThenBy(static m => m.Id, StringComparer.Ordinal);

    bool IsLedHere => LeaderNode is { Length: 0 };

    string? LeaderNode => _leader is { } leader ? _members.GetValueOrDefault(leader)?.Node : null;

    ChannelMember Give(ChannelMember member, long slot)
    {
        ChannelMember seated = member with { Slot = slot };
        _members[member.Id] = seated;
        tellSeat(seated);
        return seated;
    }

    void TellAll(LiveFrame frame, string? but)
    {
        foreach (ChannelMembership member in _local.Values)
        {
            if (member.Id != but) member.Deliver(frame);
        }
    }
}
