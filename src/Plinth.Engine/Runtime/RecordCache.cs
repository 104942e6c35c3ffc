using System.Diagnostics;
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
        // Of the name as much as tells models apart: hashing all of it would cost more than the rest of a look-up.
        int hash = HashCode.Combine(model.Length, model[0], model[^1]);
        foreach (ref readonly Value part in key) hash = HashCode.Combine(hash, part);
        _hash = hash;
    }

    public bool Equals(RecordKey other) =>
        _hash == other._hash && string.Equals(_model, other._model, StringComparison.Ordinal) && _first.Equals(other._first)
        && _rest.AsSpan().SequenceEqual(other._rest);

    public override bool Equals(object? obj) => obj is RecordKey other && Equals(other);

    public override int GetHashCode() => _hash;
}

/// <summary>What the cache did since the start.</summary>
/// <param name="Dropped">Fills that came too late: the record may have changed while it was read.</param>
readonly record struct CacheCounts(long Hits, long Misses, long Refused, long Evictions, long Dropped, long Records, long Bytes);

/// <summary>
/// Records in the form in which they are answered, kept true by the log. Bounded in bytes; the coldest go first.
/// </summary>
/// <remarks>
/// Before a group commits, what it changes is dropped and its place is closed for fills; after the commit the places open again
/// (<see cref="Announce"/>, <see cref="Settle"/>). So a record that is found is the one that every snapshot of the database taken now
/// shows, and an answer is never older than an acknowledged write. Who misses notes <see cref="Position"/> before it takes its snapshot
/// and hands it in with what it read; a place that has changed since refuses the fill. Who composes one answer of many records asks
/// with the position of its own snapshot, and finds no record that is newer than that.
/// Rules are not its business: who finds a record here still has to hold it against the caller's.
/// </remarks>
sealed class RecordCache
{
    const int Shards = 64;

    readonly Shard[] _shards;
    readonly List<Shard> _announced = [];
    bool _isWhole;
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

    /// <param name="key">Of the record.</param>
    /// <param name="schemaVersion">The schema that the answer is written under.</param>
    /// <param name="position">Of the asker's snapshot, when it has one: nothing newer is found then.</param>
    public CachedRecord? Find(in RecordKey key, int schemaVersion, long position = long.MaxValue)
    {
        CachedRecord? found = Of(key).Find(key, position);
        return found is not null && found.SchemaVersion == schemaVersion ? found : null;
    }

    /// <summary>Counts the records that an answer found, did not find, or found and was refused.</summary>
    public void Count(int hits, int misses, int refused)
    {
        if (hits > 0) Interlocked.Add(ref _hits, hits);
        if (misses > 0) Interlocked.Add(ref _misses, misses);
        if (refused > 0) Interlocked.Add(ref _refused, refused);
    }

    /// <param name="key">Of the record.</param>
    /// <param name="position"><see cref="Position"/> as it was before the snapshot was taken that the record was read from.</param>
    /// <param name="record">As it was read.</param>
    public void Fill(in RecordKey key, long position, CachedRecord record) => Of(key).Fill(key, position, record, this);

    /// <summary>
    /// Drops what a group is about to change and closes its places for fills. Runs on the writer's thread before the commit.
    /// </summary>
    public void Announce(AppSchema schema, IReadOnlyList<LogEvent> events)
    {
        if (!IsOn) return;
        Debug.Assert(_announced.Count == 0 && !_isWhole, "one group at a time");
        long position = events[^1].Position;
        foreach (LogEvent happened in events)
        {
            if (schema.FindModel(happened.Model) is { } model && RecordIds.TryRead(model, happened.RecordId, out Value[]? key))
            {
                RecordKey dropped = new(model.Name, key);
                Shard shard = Of(dropped);
                shard.Close(dropped, position);
                _announced.Add(shard);
                continue;
            }
            // An event of a whole model, or of one that this schema does not know.
            _isWhole = true;
        }
        if (!_isWhole) return;
        foreach (Shard shard in _shards) shard.CloseAll(position);
    }

    /// <summary>Opens the places again. Runs on the writer's thread after the commit, or when it failed.</summary>
    /// <param name="position">Of the last event that is committed now.</param>
    public void Settle(long position)
    {
        if (!IsOn) return;
        Volatile.Write(ref _position, position);
        foreach (Shard shard in _announced) shard.Open();
        if (_isWhole)
        {
            foreach (Shard shard in _shards) shard.Open();
        }
        _announced.Clear();
        _isWhole = false;
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
        int _hand, _closed;
        long _bytes, _changed, _evictions, _dropped;

        public CachedRecord? Find(in RecordKey key, long position)
        {
            lock (_gate)
            {
                if (!_entries.TryGetValue(key, out Entry? entry) || entry.Position > position) return null;
                entry.IsUsed = true;
                return entry.Record;
            }
        }

        public void Fill(in RecordKey key, long position, CachedRecord record, RecordCache cache)
        {
            int bytes = record.Bytes;
            // One record may not push out a whole shard.
            if (bytes > bytesMax / 4) return;
            lock (_gate)
            {
                if (_closed > 0 || _changed > position)
                {
                    _dropped++;
                    return;
                }
                if (_entries.TryGetValue(key, out Entry? known)) Remove(known);
                while (_bytes + bytes > bytesMax && _ring.Count > 0) Evict();
                // No group that changes it is on its way, so the position says at least when it became what it is.
                Entry entry = new(key, record, cache.Position) { Index = _ring.Count };
                _entries.Add(key, entry);
                _ring.Add(entry);
                _bytes += bytes;
            }
        }

        public void Close(in RecordKey key, long position)
        {
            lock (_gate)
            {
                (_closed, _changed) = (_closed + 1, position);
                if (_entries.TryGetValue(key, out Entry? entry)) Remove(entry);
            }
        }

        public void CloseAll(long position)
        {
            lock (_gate)
            {
                (_closed, _changed) = (_closed + 1, position);
                Forget();
            }
        }

        public void Open()
        {
            lock (_gate) _closed--;
        }

        public void Clear()
        {
            lock (_gate) Forget();
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

        void Forget()
        {
            _entries.Clear();
            _ring.Clear();
            _bytes = 0;
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
            _bytes -= entry.Record.Bytes;
        }
    }

    sealed class Entry(RecordKey key, CachedRecord record, long position)
    {
        public RecordKey Key { get; } = key;

        public CachedRecord Record { get; } = record;

        /// <summary>The record is at most this new.</summary>
        public long Position { get; } = position;

        public int Index { get; set; }

        public bool IsUsed { get; set; }
    }
}
