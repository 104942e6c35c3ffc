namespace Plinth.Sinks;

/// <summary>Where a copy of the log goes. What is null goes nowhere.</summary>
sealed record SinkOptions
{
    /// <summary>A file that gets a line of JSON for each event.</summary>
    public string? File { get; init; }

    /// <summary>An address that is sent events as lines of JSON, some hundreds at a time.</summary>
    public Uri? Url { get; init; }

    /// <summary>Sent to it as a bearer token.</summary>
    public string? Token { get; init; }

    /// <summary><c>udp://host:port</c> or <c>tcp://host:port</c>.</summary>
    public Uri? Syslog { get; init; }

    /// <summary>Failures over the same event after which a sink is parked.</summary>
    public int FailuresMax { get; init; } = 20;

    /// <summary>The pause after the first failure; each further one doubles it.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause between two tries.</summary>
    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long one node leads a sink without renewing.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>An event on its way out.</summary>
/// <param name="At">Microseconds since the epoch.</param>
/// <param name="Json">One line, without its end; secrets are named in it and not shown.</param>
readonly record struct SinkLine(long Position, long At, string Model, string Kind, byte[] Json);

/// <summary>A way out for events. Returns when the receiver has them, as far as its protocol can tell; else throws.</summary>
interface IEventSink : IDisposable
{
    /// <summary>Its own among all followers.</summary>
    string Name { get; }

    ValueTask SendAsync(IReadOnlyList<SinkLine> lines, CancellationToken cancel);
}
