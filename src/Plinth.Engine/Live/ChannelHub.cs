using System.Collections.Concurrent;
using System.Security.Cryptography;
using Plinth.Log;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>
/// All channels of a node. Joining and publishing go by the schema's rules; who may no longer be in a channel, because records that its
/// rules look at have changed, is put out within a second. Other nodes of the same database hear what is published and who is there.
/// Thread-safe.
/// </summary>
sealed class ChannelHub : IAsyncDisposable
{
    static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>How often rules that look at the clock are asked anew.</summary>
    static readonly TimeSpan s_clockEvery = TimeSpan.FromSeconds(30);

    /// <summary>Looks between two beats.</summary>
    const int LooksPerBeat = 4;

    readonly Engine _engine;
    readonly Action<string> _warn;
    readonly Lock _gate = new();
    readonly ConcurrentDictionary<string, ChannelRoom> _rooms = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, HashSet<string>> _watched = new(StringComparer.Ordinal);
    readonly HashSet<string> _dirty = new(StringComparer.Ordinal);
    readonly CancellationTokenSource _stop = new();
    readonly Task _looking;
    FollowerRun? _following;
    ChannelNodes? _nodes;
    AppSchema _schema;
    long _clockAt;
    long _marks;

    /// <param name="engine">Whose rules decide; it outlives the hub.</param>
    /// <param name="warn">Takes what an operator should know.</param>
    public ChannelHub(Engine engine, Action<string> warn)
    {
        (_engine, _warn, _schema, _clockAt) = (engine, warn, engine.Current.Schema, engine.Time.GetTimestamp());
        Open();
        _looking = LookAsync();
    }

    /// <summary>Channels that have members, by their parameters.</summary>
    public int Count => _rooms.Count;

    /// <summary>Other nodes that this one hears.</summary>
    public int Nodes => _nodes?.Count ?? 0;

    /// <summary>All that this node knows.</summary>
    internal ICollection<ChannelRoom> Rooms => _rooms.Values;

    /// <summary>Takes a client into a channel: it is told who is there, and then everything that happens.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="request">Which channel, and what it shows of itself.</param>
    /// <param name="deliver">Takes the frames. Must be quick and must not throw.</param>
    /// <param name="cancel">The client has gone.</param>
    public async ValueTask<Result<ChannelMembership>> JoinAsync(
        Caller caller, ChannelRequest request, Action<LiveFrame> deliver, CancellationToken cancel)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        ChannelMembership joining = new(this, caller, request, id, deliver);
        return await AdmitAsync(joining, request.Presence, isReset: false, cancel).ConfigureAwait(false) is { } fault ? fault : joining;
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        _following?.Dispose();
        await _looking.ConfigureAwait(false);
        if (_nodes is not null) await _nodes.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    internal ChannelRoom? Find(string room) => _rooms.GetValueOrDefault(room);

    internal void Enter(string room, ChannelMember member, long given)
    {
        // Under the lock that empty channels are forgotten under.
        lock (_gate) _rooms.GetOrAdd(room, NewRoom).Enter(member, given);
    }

    ChannelRoom NewRoom(string id) =>
        new(id, _engine.Time, seated => _nodes?.TryTell(NoticeKind.Slot, id, seated with { User = null, Presence = [] }));

    internal async ValueTask<Fault?> PublishAsync(ChannelMembership from, ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        if (from is not { Room: { } room, Place: { } place }) return Faults.NotReady.Says("this channel was left");
        if (message.Length > _engine.Limits.ChannelMessageBytes)
        {
            return Faults.LimitExceeded.Says($"a message of a channel has {_engine.Limits.ChannelMessageBytes} bytes at most",
                "limits.channelMessageBytes is the setting");
        }
        if (await _engine.RefusalAsync(from.Caller, place, Channel.Publish, cancel).ConfigureAwait(false) is { } refused) return refused;
        Result<byte[]> payload = _engine.Payload(from.Caller, place.Channel.Message, message.Span);
        if (payload.Failed(out Fault? fault, out byte[]? body)) return fault;
        // Completed by defaults it may have grown.
        if (body.Length > _engine.Limits.ChannelMessageBytes)
        {
            return Faults.LimitExceeded.Says("with its defaults the message is larger than may be",
                "limits.channelMessageBytes is the setting");
        }
        ChannelMember sender = new(from.Id, from.User, [], 0, "");
        if (_nodes?.TryTell(NoticeKind.Publish, room.Id, sender, body) == false)
            return Faults.Overloaded.Says("too much waits to be told to other nodes") with { RetryAfterSeconds = 1 };
        room.Publish(from.Id, from.User, body);
        return null;
    }

    internal Fault? Show(ChannelMembership showing, ReadOnlyMemory<byte> presence)
    {
        if (showing is not { Room: { } room, Place: { } place }) return Faults.NotReady.Says("this channel was left");
        if (PresenceOf(showing.Caller, place.Channel, presence).Failed(out Fault? fault, out byte[]? shown)) return fault;
        if (room.Show(showing, shown) is { } member) _nodes?.TryTell(NoticeKind.Enter, room.Id, member, given: room.Given);
        return null;
    }

    internal void Leave(ChannelMembership leaving)
    {
        lock (_gate)
        {
            leaving.HasLeft = true;
            TakeOut(leaving);
        }
    }

    bool TakeOut(ChannelMembership leaving)
    {
        lock (_gate)
        {
            if (leaving.Room is not { } room || !room.Leave(leaving)) return false;
            if (leaving.Place?.Channel.HasPresence == true)
                _nodes?.TryTell(NoticeKind.Leave, room.Id, new ChannelMember(leaving.Id, null, [], 0, ""));
            if (room.IsEmpty) _rooms.TryRemove(room.Id, out _);
            return true;
        }
    }

    async ValueTask<Fault?> AdmitAsync(
        ChannelMembership joining, ReadOnlyMemory<byte> shown, bool isReset, CancellationToken cancel)
    {
        Result<ChannelPlace> placed = _engine.Place(joining.Caller, joining.Request.Channel, joining.Request.Parameters.Span);
        if (placed.Failed(out Fault? fault, out ChannelPlace? place)) return fault;
        Watch(place.Channel);
        long marks = Volatile.Read(ref _marks);
        fault = await _engine.RefusalAsync(joining.Caller, place, Channel.Join, cancel).ConfigureAwait(false);
        if (fault is not null) return fault;
        if (PresenceOf(joining.Caller, place.Channel, shown).Failed(out fault, out byte[]? presence)) return fault;
        lock (_gate)
        {
            if (joining.HasLeft) return null;
            if (_rooms.Count >= _engine.Limits.Channels && !_rooms.ContainsKey(place.Id))
                return Faults.Overloaded.Says("as many channels have members here as may (limits.channels)") with { RetryAfterSeconds = 5 };
            (joining.Place, joining.Presence) = (place, presence);
            ChannelRoom room = _rooms.GetOrAdd(place.Id, NewRoom);
            if (room.Join(joining, _engine.Limits.ChannelMembers, isReset).Failed(out fault, out ChannelMember? member)) return fault;
            if (member is not null) _nodes?.TryTell(NoticeKind.Enter, room.Id, member, given: room.Given);
            // Something has changed since the rules were asked: they are asked again.
            if (marks != _marks) _dirty.Add(place.Channel.Name);
        }
        return null;
    }

    Result<byte[]> PresenceOf(Caller caller, Channel channel, ReadOnlyMemory<byte> presence)
    {
        if (!channel.HasPresence && presence.IsEmpty) return Array.Empty<byte>();
        if (!channel.HasPresence)
            return Faults.MalformedBody.Says($"members of {channel.Name} do not see one another: it declares no presence");
        if (presence.Length > _engine.Limits.ChannelPresenceBytes)
        {
            return Faults.LimitExceeded.Says($"what a member shows has {_engine.Limits.ChannelPresenceBytes} bytes at most",
                "limits.channelPresenceBytes is the setting");
        }
        ReadOnlySpan<byte> given = presence.IsEmpty ? "{}"u8 : presence.Span;
        Result<byte[]> shown = _engine.Payload(caller, channel.Presence, given);
        if (shown.IsOk && shown.Value.Length > _engine.Limits.ChannelPresenceBytes)
        {
            return Faults.LimitExceeded.Says("with its defaults what the member shows is larger than may be",
                "limits.channelPresenceBytes is the setting");
        }
        return shown;
    }

    /// <summary>From now on changes of the records that a channel's rules look at are seen.</summary>
    void Watch(Channel channel)
    {
        if (_watched.ContainsKey(channel.Name)) return;
        HashSet<string> models = _engine.Watched(channel);
        lock (_gate)
        {
            if (models.Count > 0 && _following is null && !_stop.IsCancellationRequested)
            {
                _following = _engine.Log.Run(
                    "channels", _engine.Log.Head, FollowAsync, new FollowerOptions { FailuresMax = null }, _ => MarkAll());
            }
            _watched[channel.Name] = models;
        }
    }

    ValueTask FollowAsync(IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        foreach (var (channel, models) in _watched)
        {
            if (!events.Any(happened => models.Contains(happened.Model))) continue;
            lock (_gate)
            {
                _marks++;
                _dirty.Add(channel);
            }
        }
        return ValueTask.CompletedTask;
    }

    /// <summary>Something may have changed that nobody tells of: all rules are asked anew.</summary>
    void MarkAll()
    {
        lock (_gate)
        {
            _marks++;
            _dirty.UnionWith(_watched.Keys);
        }
    }

    async Task LookAsync()
    {
        for (int look = 1; !_stop.IsCancellationRequested; look++)
        {
            try
            {
                await Task.Delay(s_lookEvery, _engine.Time, _stop.Token).ConfigureAwait(false);
                if (!ReferenceEquals(_schema, _engine.Current.Schema)) await ReplaceAsync().ConfigureAwait(false);
                await RecheckAsync().ConfigureAwait(false);
                if (look % LooksPerBeat != 0) continue;
                _nodes?.Beat();
                Sweep();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e)
            {
                // One that fails must not end the watch over all others.
                _warn($"channels could not be looked after: {e.Message}");
            }
        }
    }

    /// <summary>What nobody is in any more is forgotten: members of other nodes go without a word to this one's lock.</summary>
    void Sweep()
    {
        foreach (ChannelRoom room in _rooms.Values.Where(static r => r.IsEmpty))
        {
            lock (_gate)
            {
                if (room.IsEmpty) _rooms.TryRemove(room.Id, out _);
            }
        }
    }

    async Task RecheckAsync()
    {
        HashSet<string> channels;
        lock (_gate)
        {
            if (_engine.Time.GetElapsedTime(_clockAt) >= s_clockEvery)
            {
                _clockAt = _engine.Time.GetTimestamp();
                Policies policies = _engine.Current.Policies;
                _dirty.UnionWith(policies.Schema.Channels.Where(c => policies.Of(c).ReadsNow(Channel.Join)).Select(static c => c.Name));
            }
            channels = [.. _dirty];
            _dirty.Clear();
        }
        if (channels.Count == 0) return;
        foreach (ChannelMembership member in _rooms.Values.SelectMany(static r => r.Local).ToList())
        {
            if (member.Place is not { } place || !channels.Contains(place.Channel.Name)) continue;
            Fault? refused = await _engine.RefusalAsync(member.Caller, place, Channel.Join, _stop.Token).ConfigureAwait(false);
            if (refused is null) continue;
            if (!LiveHub.IsPassing(refused)) PutOut(member, refused);
            else lock (_gate) _dirty.Add(place.Channel.Name);
        }
    }

    void PutOut(ChannelMembership member, Fault why)
    {
        if (TakeOut(member)) member.Deliver(LiveFrame.End(why));
    }

    /// <summary>Another schema serves: everyone joins anew under it, or is told why not.</summary>
    async Task ReplaceAsync()
    {
        _schema = _engine.Current.Schema;
        _watched.Clear();
        Open();
        foreach (ChannelMembership member in _rooms.Values.SelectMany(static r => r.Local).ToList())
        {
            if (!TakeOut(member)) continue;
            // What it shows may have another form by now, which it is told; what it showed last is what it shows.
            bool isSeen = _schema.FindChannel(member.Request.Channel)?.HasPresence == true;
            Fault? refused = await AdmitAsync(member, isSeen ? member.Presence : default, isReset: true, _stop.Token).ConfigureAwait(false);
            if (refused is not null) member.Deliver(LiveFrame.End(refused));
        }
    }

    /// <summary>Other nodes are heard where the schema has channels.</summary>
    void Open()
    {
        if (_schema.Channels.IsEmpty || _nodes is not null) return;
        ChannelNodes nodes = new(_engine, this);
        _nodes = nodes;
    }
}
