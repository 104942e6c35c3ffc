using System.Buffers;

namespace Plinth.Runtime;

/// <summary>Keys in the order in which they were read, in an array of the pool.</summary>
sealed class KeyList : IDisposable
{
    RecordKey[] _keys = ArrayPool<RecordKey>.Shared.Rent(128);

    public int Count { get; private set; }

    public ReadOnlySpan<RecordKey> Span => _keys.AsSpan(0, Count);

    public void Add(RecordKey key)
    {
        if (Count == _keys.Length)
        {
            RecordKey[] larger = ArrayPool<RecordKey>.Shared.Rent(Count * 2);
            Span.CopyTo(larger);
            ArrayPool<RecordKey>.Shared.Return(_keys, clearArray: true);
            _keys = larger;
        }
        _keys[Count++] = key;
    }

    public void Dispose()
    {
        // Keys may refer to texts, which the pool must not keep alive.
        Span<RecordKey> used = _keys.AsSpan(0, Count);
        used.Clear();
        ArrayPool<RecordKey>.Shared.Return(_keys);
        _keys = [];
    }
}
