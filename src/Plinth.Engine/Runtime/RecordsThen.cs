using System.Collections.Concurrent;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Single records as they were at moments that were asked about, in the form in which they are answered. What a record was does not
/// change any more, except that it is erased or purged, and then all of this is forgotten. Rules are not its business. Bounded in bytes:
/// what was not asked for while half of that was filled goes. Belongs to one schema; safe for any number of threads.
/// </summary>
/// <param name="bytesMax">About so many bytes.</param>
sealed class RecordsThen(long bytesMax = Limits.PastRecordBytesKept)
{
    /// <summary>What an entry costs that says that there was nothing, about.</summary>
    const int NoneBytes = 200;

    readonly Lock _gate = new();
    ConcurrentDictionary<Place, CachedRecord?> _young = new(), _old = new();
    long _youngBytes, _forgotten;

    readonly record struct Place(RecordKey Key, long Position);

    /// <summary>How often all was forgotten: whoever keeps something says what it was before the database was asked.</summary>
    public long Forgotten => Volatile.Read(ref _forgotten);

    /// <summary>False when it is not known what the record was.</summary>
    /// <param name="key">Of the record.</param>
    /// <param name="position">Just after it.</param>
    /// <param name="record">Null when it was not there, or in the trash.</param>
    public bool TryFind(in RecordKey key, long position, out CachedRecord? record)
    {
        Place place = new(key, position);
        if (Volatile.Read(ref _young).TryGetValue(place, out record)) return true;
        if (!Volatile.Read(ref _old).TryGetValue(place, out record)) return false;
        Keep(key, position, record, Forgotten);
        return true;
    }

    /// <param name="key">Of the record.</param>
    /// <param name="position">Just after it.</param>
    /// <param name="record">Null when it was not there, or in the trash.</param>
    /// <param name="forgotten"><see cref="Forgotten"/> as it was before the database was asked.</param>
    public void Keep(in RecordKey key, long position, CachedRecord? record, long forgotten)
    {
        int bytes = record?.OwnBytes ?? NoneBytes;
        if (bytes > bytesMax / 4) return;
        lock (_gate)
        {
            if (_forgotten != forgotten || !_young.TryAdd(new Place(key, position), record)) return;
            _youngBytes += bytes;
            if (_youngBytes <= bytesMax / 2) return;
            Volatile.Write(ref _old, _young);
            Volatile.Write(ref _young, new ConcurrentDictionary<Place, CachedRecord?>());
            _youngBytes = 0;
        }
    }

    public void Forget()
    {
        lock (_gate)
        {
            Volatile.Write(ref _forgotten, _forgotten + 1);
            Volatile.Write(ref _young, new ConcurrentDictionary<Place, CachedRecord?>());
            Volatile.Write(ref _old, new ConcurrentDictionary<Place, CachedRecord?>());
            _youngBytes = 0;
        }
    }
}
