using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Live;

/// <summary>What a client asks for that wants to join.</summary>
/// <param name="Channel">Its name.</param>
/// <param name="Parameters">As JSON; empty for none.</param>
/// <param name="Presence">What it shows of itself, as JSON; empty for nothing.</param>
sealed record ChannelRequest(string Channel, ReadOnlyMemory<byte> Parameters, ReadOnlyMemory<byte> Presence);

/// <summary>One client in one channel. Dispose takes it out.</summary>
/// <param name="hub">Where it is known.</param>
/// <param name="caller">Who it is.</param>
/// <param name="request">What it asked for.</param>
/// <param name="id">Its own, never used again.</param>
/// <param name="deliver">Takes frames, in order, on whatever thread; must be quick and must not throw.</param>
sealed class ChannelMembership(ChannelHub hub, Caller caller, ChannelRequest request, string id, Action<LiveFrame> deliver) : IDisposable
{
    public string Id => id;

    public Caller Caller => caller;

    /// <summary>Who others are told it is. No longer than what fits into a notice.</summary>
    public string? User => caller.Subject is { Length: > UserLength } subject ? subject[..UserLength] : caller.Subject;

    const int UserLength = 200;

    public ChannelRequest Request => request;

    /// <summary>The channel that it is in.</summary>
    internal ChannelPlace? Place { get; set; }

    /// <summary>It was disposed of.</summary>
    internal bool HasLeft { get; set; }

    /// <summary>Null once it has left, or was put out.</summary>
    internal ChannelRoom? Room { get; set; }

    internal byte[] Presence { get; set; } = [];

    /// <summary>Sends to all others; in a channel with a leader, to the leader, unless it is the one itself.</summary>
    public ValueTask<Fault?> PublishAsync(ReadOnlyMemory<byte> message, CancellationToken cancel) =>
        hub.PublishAsync(this, message, cancel);

    /// <summary>Shows something else of itself.</summary>
    public Fault? Show(ReadOnlyMemory<byte> presence) => hub.Show(this, presence);

    public void Dispose() => hub.Leave(this);

    internal void Deliver(LiveFrame frame) => deliver(frame);
}
