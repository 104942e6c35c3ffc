using Plinth.Log;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>One record of the cache: where it is kept, by the values of its key.</summary>
readonly struct RecordKey : IEquatable<RecordKey>
{
    readonly string _model;
    readonly Value _first;
    readonly Value[]? _rest;
    readonly int _hash;

    public RecordKey(string model, ReadOnlySpan<Value> key)
    {
        (_model, _first, _rest) = (model, key[0], key.Length > 1 ? key[1..].ToArray() : null);
        HashCode hash = default;
        hash.Add(model, StringComparer.Ordinal);
        foreach (ref readonly Value part in key) hash.Add(part);
        _hash = hash.ToHashCode();
    }

    public bool Equals(RecordKey other) =>
        _hash == other._hash && string.Equals(_model, other._model, StringComparison.Ordinal) && _first.Equals(other._first)
        && _rest.AsSpan().SequenceEqual(other._rest);

    public override bool Equals(object? obj) => obj is RecordKey other && Equals(other);

    public override int GetHashCode() => _hash;
}

/// <summary>A record as it is answered by default: every field that may leave, no relation.</summary>
/// <param name="Version">Its hidden version.</param>
/// <param name="SchemaVersion">The schema that it was written out under.</param>
/// <param name="Json">UTF-8, whole.</param>
sealed record CachedRecord(long Version, int SchemaVersion, byte[] Json)
{
    Value[]? _values;

    /// <summary>Its values by ordinal, as far as they are answered; read from the JSON when a rule first asks.</summary>
    public Value[] Values(Model model) => _values ??= RecordValues.Read(model, Json);
}

/// <summary>What the cache did since the start.</summary>
/// <param name="Dropped">Fills that came too late: the record may have changed while it was read.</param>
readonly record struct CacheCounts(long Hits, long Misses, long Refused, long Evictions, long Dropped, long Records, long Bytes);

/// <summary>
/// Records in the form in which they are answered, kept true by the log: whatever a committed group changed is dropped before the
/// group is acknowledged, so an answer is never older than an acknowledged write. Bounded in bytes; the coldest go first.
/// </summary>
/// <remarks>
/// Who misses takes a stamp before it reads the database and hands it in with what it read; a shard that has dropped anything since
/// refuses the fill. A read that began before a commit can so never put its old row back after the commit's invalidation.
/// Rules are not its business: who finds a record here still has to hold it against the caller's.
/// </remarks>
sealed class RecordCache
{
    const int Shards = 64;

    /// <summary>What an entry costs beside its JSON: the entry, its slot in the table and the ring.</summary>
    const int EntryBytes = 200;

    readonly Shard[] _shards;
    long _position;
    long _hits, _misses, _refused;

    /// <param name="bytesMax">0 switches it off.</param>
    /// <param name="position">Position of the last event committed.</param>
    public RecordCache(long bytesMax, long position)
    {
        IsOn = bytesMax > 0;
        _position = position;
        _shards = [.. Enumerable.Range(0, Shards).Select(_ => new Shard(bytesMax / Shards))];
    }

    public bool IsOn { get; }

    /// <summary>Everything committed up to here is seen by whoever reads from the cache now.</summary>
    public long Position => Volatile.Read(ref _position);

    public CacheCounts Counts
    {
        get
        {
            long evictions = 0, dropped = 0, records = 0, bytes = 0;
            foreach (Shard shard in _shards) shard.AddTo(ref evictions, ref dropped, ref records, ref bytes);
            return new CacheCounts(
                Volatile.Read(ref _hits), Volatile.Read(ref _misses), Volatile.Read(ref _refused), evictions, dropped, records, bytes);
        }
    }

    public CachedRecord? Find(in RecordKey key, int schemaVersion)
    {
        CachedRecord? found = Of(key).Find(key);
        if (found is not null && found.SchemaVersion == schemaVersion)
        {
            Interlocked.Increment(ref _hits);
            return found;
        }
        Interlocked.Increment(ref _misses);
        return null;
    }

    /// <summary>A hit that the caller's rules refused: it counts as a miss, and the statement runs as for one.</summary>
    public void CountRefused()
    {
        Interlocked.Decrement(ref _hits);
        Interlocked.Increment(ref _refused);
    }

    /// <summary>To be taken before the database is read, and handed in with what was read.</summary>
    public long Stamp(in RecordKey key) => Of(key).Stamp;

    public void Fill(in RecordKey key, long stamp, CachedRecord record) =>
        Of(key).Fill(key, stamp, record, record.Json.Length + EntryBytes);

    /// <summary>Drops what a committed group changed. Runs on the writer's thread before the group is acknowledged.</summary>
    public void Invalidate(AppSchema schema, IReadOnlyList<LogEvent> events)
    {
        if (!IsOn) return;
        foreach (LogEvent happened in events)
        {
            if (schema.FindModel(happened.Model) is { } model && RecordIds.TryRead(model, happened.RecordId, out Value[]? key))
            {
                RecordKey dropped = new(model.Name, key);
                Of(dropped).Drop(dropped);
                continue;
            }
            // An event of a whole model, or of one that this schema does not know.
            Clear();
        }
        Volatile.Write(ref _position, events[^1].Position);
    }

    public void Clear()
    {
        foreach (Shard shard in _shards) shard.Clear();
    }

    Shard Of(in RecordKey key) => _shards[(uint)key.GetHashCode() % Shards];

    /// <summary>
    /// One part of the records with its own lock. The ring is what the clock hand walks: an entry used since its last visit stays.
    /// </summary>
    sealed class Shard(long bytesMax)
    {
        readonly Lock _gate = new();
        readonly Dictionary<RecordKey, Entry> _entries = [];
        readonly List<Entry> _ring = [];
        int _hand;
        long _bytes, _stamp, _evictions, _dropped;

        public long Stamp => Volatile.Read(ref _stamp);

        public CachedRecord? Find(in RecordKey key)
        {
            lock (_gate)
            {
                if (!_entries.TryGetValue(key, out Entry? entry)) return null;
                entry.IsUsed = true;
                return entry.Record;
            }
        }

        public void Fill(in RecordKey key, long stamp, CachedRecord record, int bytes)
        {
            // One record may not push out a whole shard.
            if (bytes > bytesMax / 4) return;
            lock (_gate)
            {
                if (stamp != _stamp)
                {
                    _dropped++;
                    return;
                }
                if (_entries.TryGetValue(key, out Entry? known)) Remove(known);
                while (_bytes + bytes > bytesMax && _ring.Count > 0) Evict();
                Entry entry = new(key, record, bytes) { Index = _ring.Count };
                _entries.Add(key, entry);
                _ring.Add(entry);
                _bytes += bytes;
            }
        }

        public void Drop(in RecordKey key)
        {
            lock (_gate)
            {
                Volatile.Write(ref _stamp, _stamp + 1);
                if (_entries.TryGetValue(key, out Entry? entry)) Remove(entry);
            }
        }

        public void Clear()
        {
            lock (_gate)
            {
                Volatile.Write(ref _stamp, _stamp + 1);
                _entries.Clear();
                _ring.Clear();
                _bytes = 0;
            }
        }

        public void AddTo(ref long evictions, ref long dropped, ref long records, ref long bytes)
        {
            lock (_gate)
            {
                evictions += _evictions;
                dropped += _dropped;
                records += _ring.Count;
                bytes += _bytes;
            }
        }

        void Evict()
        {
            while (true)
            {
                _hand = _hand < _ring.Count ? _hand : 0;
                Entry entry = _ring[_hand];
                if (!entry.IsUsed)
                {
                    Remove(entry);
                    _evictions++;
                    return;
                }
                entry.IsUsed = false;
                _hand++;
            }
        }

        void Remove(Entry entry)
        {
            Entry last = _ring[^1];
            _ring[entry.Index] = last;
            last.Index = entry.Index;
            _ring.RemoveAt(_ring.Count - 1);
            _entries.Remove(entry.Key);
            _bytes -= entry.Bytes;
        }
    }

    sealed class Entry(RecordKey key, CachedRecord record, int bytes)
    {
        public RecordKey Key { get; } = key;

        public CachedRecord Record { get; } = record;

        public int Bytes { get; } = bytes;

        public int Index { get; set; }

        public bool IsUsed { get; set; }
    }
}
