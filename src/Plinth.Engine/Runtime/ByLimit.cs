using System.Collections.Concurrent;

namespace Plinth.Runtime;

/// <summary>What is made for a page size, of which applications use few: some are kept, others take what serves any.</summary>
sealed class ByLimit<T>(Func<int, T?> make)
    where T : class
{
    const int KeptMax = 8;

    readonly ConcurrentDictionary<int, T?> _known = [];

    /// <summary>What is made for a limit; null when nothing is, or when there are too many limits already.</summary>
    public T? Of(long limit)
    {
        if (limit > int.MaxValue) return null;
        if (_known.TryGetValue((int)limit, out T? known)) return known;
        return _known.Count >= KeptMax ? null : _known.GetOrAdd((int)limit, make);
    }
}
