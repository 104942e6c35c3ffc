using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// How long the reads of a plan take, learned from those that ran: a plan that takes long has its own few connections, and stays there
/// until it takes half of that. Races between requests lose a lesson, which the next one repeats.
/// </summary>
/// <param name="isShort">A plan that is short by its form, until it is known to be slow.</param>
sealed class ReadPace(bool isShort)
{
    double _milliseconds;
    bool _isSlow;

    /// <summary>Where the plan's reads belong.</summary>
    public ReadLane Lane => Volatile.Read(ref _isSlow) ? ReadLane.Slow : isShort ? ReadLane.Short : ReadLane.Usual;

    /// <summary>Learns how long a read held its connection.</summary>
    /// <param name="took">From the connection to the last row.</param>
    /// <param name="isDone">Otherwise it was stopped, and would have taken longer.</param>
    /// <param name="slowMs">What is slow (<c>limits.slowMs</c>).</param>
    public void Learn(TimeSpan took, bool isDone, int slowMs)
    {
        double known = Volatile.Read(ref _milliseconds);
        if (!isDone && took.TotalMilliseconds < known) return;
        known += (took.TotalMilliseconds - known) / 4;
        Volatile.Write(ref _milliseconds, known);
        Volatile.Write(ref _isSlow, known > (Volatile.Read(ref _isSlow) ? slowMs / 2.0 : slowMs));
    }
}
