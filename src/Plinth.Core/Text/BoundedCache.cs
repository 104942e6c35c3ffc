using System.Collections.Concurrent;

namespace Plinth.Text;

/// <summary>
/// A bounded map from texts to what was made of them, for any number of threads; looked up by span, so that a hit allocates nothing.
/// Made things are interchangeable: losing one, or making one twice, costs time only.
/// </summary>
/// <remarks>
/// When it is full, the entries not used since the last sweep go, and if all were used, all go: one bit per entry, no list to keep in
/// order and nothing to lock on a hit. A caller who sends ever new shapes can cost others a rebuild, not memory.
/// </remarks>
sealed class BoundedCache<T>(int entriesMax)
    where T : class
{
    readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    readonly Lock _sweeping = new();
    int _count;

    public int Count => Volatile.Read(ref _count);

    public T? Find(ReadOnlySpan<char> key)
    {
        if (!_entries.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(key, out Entry? entry)) return null;
        if (!entry.IsUsed) entry.IsUsed = true;
        return entry.Made;
    }

    /// <summary>Keeps <paramref name="made"/>, or answers what another thread kept under the same key in the meantime.</summary>
    public T Keep(string key, T made)
    {
        if (Count >= entriesMax) Sweep();
        Entry kept = _entries.GetOrAdd(key, new Entry(made));
        if (ReferenceEquals(kept.Made, made)) Interlocked.Increment(ref _count);
        return kept.Made;
    }

    /// <summary>Keeps <paramref name="made"/> in place of whatever was kept under the key.</summary>
    public void Put(string key, T made)
    {
        if (Count >= entriesMax) Sweep();
        Entry entry = new(made);
        if (_entries.TryAdd(key, entry)) Interlocked.Increment(ref _count);
        else if (_entries.TryGetValue(key, out Entry? before)) _entries.TryUpdate(key, entry, before);
    }

    void Sweep()
    {
        lock (_sweeping)
        {
            if (_count < entriesMax) return;
            RemoveUnused();
            if (_count < entriesMax) return;
            RemoveUnused();
        }
    }

    void RemoveUnused()
    {
        foreach (var (key, entry) in _entries)
        {
            if (entry.IsUsed)
            {
                entry.IsUsed = false;
                continue;
            }
            if (_entries.TryRemove(key, out _)) Interlocked.Decrement(ref _count);
        }
    }

    sealed class Entry(T made)
    {
        public T Made { get; } = made;

        public volatile bool IsUsed = true;
    }
}
