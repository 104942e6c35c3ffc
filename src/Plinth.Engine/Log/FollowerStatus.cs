namespace Plinth.Log;

/// <summary>Takes events of the log, in order; what it throws is a failure, and it is given the same events again.</summary>
delegate ValueTask FollowerHandler(IReadOnlyList<LogEvent> events, CancellationToken cancel);

/// <summary>How a follower is driven.</summary>
sealed record FollowerOptions
{
    public static readonly FollowerOptions Default = new();

    /// <summary>Failures over the same event after which it is parked; null for one that the product cannot do without.</summary>
    public int? FailuresMax { get; init; } = 10;

    /// <summary>The pause after the first failure; each further one doubles it.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Events that may wait for it in memory; beyond, it reads on from the log.</summary>
    public int QueueMax { get; init; } = 4096;

    /// <summary>Of durable followers: how long one node leads without renewing; then another takes over.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);
}

enum FollowerState
{
    /// <summary>Another node leads.</summary>
    Waiting,
    Running,

    /// <summary>It failed, and will be tried again.</summary>
    Retrying,

    /// <summary>
    /// It failed too often over one event, or its place is none of the log's, and it stands still until it is told to go on or the process
    /// starts again.
    /// </summary>
    Parked,
}

/// <summary>How a follower is, for operators.</summary>
/// <param name="IsDurable">Its position is kept in the database, and one node leads it.</param>
/// <param name="Position">Everything up to here is done.</param>
/// <param name="Behind">Events between that and the end of the log.</param>
/// <param name="Failures">In a row, over the same event.</param>
/// <param name="FailedAt">Position of that event, or the one before where it could go on; 0 when nothing fails.</param>
/// <param name="Error">What went wrong the last time.</param>
sealed record FollowerStatus(
    string Name, bool IsDurable, FollowerState State, long Position, long Behind, int Failures, long FailedAt, string? Error);

/// <summary>Why a follower could not do its work.</summary>
/// <param name="message">For operators.</param>
/// <param name="isPassing">The event has nothing to do with it (no connection, a full queue), so it is no reason to park.</param>
sealed class FollowerException(string message, bool isPassing) : Exception(message)
{
    public bool IsPassing { get; } = isPassing;
}
