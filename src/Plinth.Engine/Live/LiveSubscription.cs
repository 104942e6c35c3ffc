using Plinth.Plan;
using Plinth.Policy;

namespace Plinth.Live;

/// <summary>One client's interest in a live query. Dispose ends it.</summary>
/// <param name="hub">Where it is known.</param>
/// <param name="caller">Who asks.</param>
/// <param name="request">What for.</param>
/// <param name="deliver">Takes frames, in order, on whatever thread; must be quick and must not throw.</param>
sealed class LiveSubscription(LiveHub hub, Caller caller, ReadRequest request, Action<LiveFrame> deliver) : IDisposable
{
    public Caller Caller => caller;

    public ReadRequest Request => request;

    /// <summary>The query that it shares; null when it has ended.</summary>
    internal LiveQuery? Query { get; set; }

    /// <summary>What its client missed, of one that resumes.</summary>
    internal LiveMissed? Missed { get; set; }

    /// <summary>It was disposed.</summary>
    internal bool HasLeft { get; set; }

    /// <summary>The client has items already, and they are to be replaced.</summary>
    internal bool IsReset { get; set; }

    public void Dispose() => hub.Leave(this);

    internal void Deliver(LiveFrame frame) => deliver(frame);

    /// <summary>From now on it is like others.</summary>
    internal void HasResumed() => Missed = null;
}
