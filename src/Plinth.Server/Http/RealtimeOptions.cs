namespace Plinth.Http;

/// <summary>Bounds of <c>/realtime</c> on one node.</summary>
sealed record RealtimeOptions
{
    /// <summary>Sockets and event streams at a time; more are answered 503.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>The same from one address; 0 for no bound, as where all come by way of one proxy that is not trusted.</summary>
    public int ConnectionsPerAddressMax { get; init; }

    /// <summary>Subscriptions of one connection.</summary>
    public int SubscriptionsMax { get; init; } = 100;

    /// <summary>Bytes of one frame that a client sends.</summary>
    public int FrameBytes { get; init; } = 64 << 10;

    /// <summary>Bytes that may wait for a client that reads slowly, before it is dropped.</summary>
    public int QueueBytes { get; init; } = 1 << 20;

    /// <summary>Frames that a client may send per second, ten times as many at once: each subscription may be a statement.</summary>
    public int FramesPerSecondMax { get; init; } = 50;

    /// <summary>Messages that a client may publish to channels per second, ten times as many at once.</summary>
    public int PublishesPerSecondMax { get; init; } = 20;

    /// <summary>Seconds between two heartbeats; a socket that answers none for as long again is closed.</summary>
    public int HeartbeatSeconds { get; init; } = 20;
}
