using System.Collections.Concurrent;
using Plinth.Sql;

namespace Plinth.Runtime;

/// <summary>The texts of a statement for page sizes, of which applications use few: some are kept, others take the text for any.</summary>
sealed class BoundedTexts(Func<int, SqlText> write)
{
    const int KeptMax = 8;

    readonly ConcurrentDictionary<int, SqlText> _known = [];

    /// <summary>The text for a limit; null when there are too many limits already.</summary>
    public SqlText? Of(long limit)
    {
        if (limit > int.MaxValue) return null;
        if (_known.TryGetValue((int)limit, out SqlText? known)) return known;
        return _known.Count >= KeptMax ? null : _known.GetOrAdd((int)limit, write);
    }
}
