namespace Plinth.Log;

/// <summary>
/// Up to where values were taken away by retention, as far as this process knows without asking. It only moves forward, and before values
/// go: what is answered from memory is not older. Safe for any number of threads.
/// </summary>
sealed class KnownCut
{
    long _position = -1;
    long _seenAt;

    /// <summary>Values up to here are gone, or about to go; -1 when nobody has looked yet.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>When the look began that saw it last, by the clock's timestamps.</summary>
    public long SeenAt => Volatile.Read(ref _seenAt);

    /// <summary>This process is about to take values away.</summary>
    public void Move(long position)
    {
        for (long known = Position; known < position; known = Position) Interlocked.CompareExchange(ref _position, position, known);
    }

    /// <summary>The database was asked.</summary>
    /// <param name="position">What it said.</param>
    /// <param name="at">When it was asked.</param>
    public void See(long position, long at)
    {
        Move(position);
        for (long seen = SeenAt; seen < at; seen = SeenAt) Interlocked.CompareExchange(ref _seenAt, at, seen);
    }
}
