using Plinth.Http;
using Plinth.Live;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>Channels that a client is in: they stand among its subscriptions, under ids of its own.</summary>
sealed partial class RealtimeSession
{
    readonly Bucket _publishing = new();

    /// <summary>Joins a channel under an id.</summary>
    public async ValueTask<Fault?> JoinAsync(byte[] id, ChannelRequest request, CancellationToken cancel)
    {
        if (id.Length == 0) return Faults.MalformedBody.Says("subscribe needs an id, a text or a number");
        string key = System.Text.Encoding.UTF8.GetString(id);
        Followed followed = new(id, CborShape.Plain) { Query = default, Channel = request };
        if (Add(key, followed) is { } refused) return refused;
        return await EnterAsync(key, followed, request, cancel);
    }

    async ValueTask<Fault?> EnterAsync(string key, Followed followed, ChannelRequest request, CancellationToken cancel)
    {
        Result<ChannelMembership> joined = await _parts.Channels.JoinAsync(
            _who.Caller, request, frame => Deliver(key, followed, frame), cancel);
        if (!Keep(key, followed, joined.IsOk ? joined.Value : null) && joined.IsOk) joined.Value.Dispose();
        return joined.IsOk ? null : joined.Fault;
    }

    /// <summary>Says something to the others. What is refused of it ends nothing, which the error says.</summary>
    async ValueTask PublishAsync(ClientFrame frame, CancellationToken cancel)
    {
        int perSecond = _parts.Options.PublishesPerSecondMax;
        long ticks = _parts.Time.GetUtcNow().UtcTicks;
        Fault? fault = frame.Message.IsEmpty ? Faults.MalformedBody.Says("publish needs a message")
            : MembershipOf(frame.Id) is not { } member ? NotIn(frame.Id)
            : !_publishing.TryTake(ticks, TimeSpan.TicksPerSecond / perSecond, perSecond * Burst, out _, out _)
                ? Faults.RateLimited.Says($"more than {perSecond} messages per second (realtime.publishesPerSecond)")
                    with { RetryAfterSeconds = 1 }
            : await member.PublishAsync(frame.Message, cancel);
        if (fault is not null) Queue(ProblemFrame(frame.Id, fault, "publish"));
    }

    /// <summary>Shows something else of itself.</summary>
    void Show(ClientFrame frame)
    {
        Fault? fault = frame.Presence.IsEmpty ? Faults.MalformedBody.Says("presence needs a presence, an object")
            : MembershipOf(frame.Id) is not { } member ? NotIn(frame.Id)
            : member.Show(frame.Presence);
        if (fault is not null) Queue(ProblemFrame(frame.Id, fault, "presence"));
    }

    ChannelMembership? MembershipOf(byte[] id)
    {
        lock (_gate)
        {
            return _followed.TryGetValue(System.Text.Encoding.UTF8.GetString(id), out Followed? followed)
                ? followed.Subscription as ChannelMembership : null;
        }
    }

    static Fault NotIn(byte[] id) => Faults.MalformedBody.Says(id.Length == 0
        ? "it needs the id under which the channel was subscribed to"
        : $"{Shown.Name(System.Text.Encoding.UTF8.GetString(id))} is no channel that this client is in");
}
