using System.Collections.Concurrent;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Positions of times: the last event that is not after one. Known for good once the log goes on behind it, for times never fall.
/// Safe for any number of threads.
/// </summary>
sealed class TimesThen
{
    readonly ConcurrentDictionary<long, long> _known = new();

    /// <summary>Null when it is not known.</summary>
    /// <param name="at">Microseconds since the epoch.</param>
    public long? Find(long at) => _known.TryGetValue(at, out long position) ? position : null;

    /// <param name="at">Microseconds since the epoch.</param>
    /// <param name="position">Of the last event that is not after it.</param>
    /// <param name="head">Of the last event of all.</param>
    public void Keep(long at, long position, long head)
    {
        // At the end of the log there may come more of the same time.
        if (position >= head) return;
        if (_known.Count >= Limits.PastTimesKept) _known.Clear();
        _known[at] = position;
    }
}
