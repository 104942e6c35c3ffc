using System.Diagnostics;
using System.Runtime.InteropServices;
using Plinth.Log;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>What the cache did since the start.</summary>
/// <param name="Dropped">Fills that came too late: the record may have changed while it was read.</param>
/// <param name="Lists">Relations to many whose records were known by a kept list.</param>
readonly record struct CacheCounts(
    long Hits, long Misses, long Refused, long Evictions, long Dropped, long Records, long Bytes, long Lists = 0);

/// <summary>
/// Records in the form in which they are answered, kept true by the log. Bounded in bytes; the coldest go first.
/// </summary>
/// <remarks>
/// Before a group commits, what it changes is dropped and its place is closed for fills; after the commit the places open again
/// (<see cref="Announce"/>, <see cref="Settle"/>). So a record that is found is the one that every snapshot of the database taken now
/// shows, and an answer is never older than an acknowledged write. Who misses notes <see cref="Position"/> before it takes its snapshot
/// and hands it in with what it read; a place that has changed since refuses the fill. Who composes one answer of many records asks
/// with the position of its own snapshot, and finds no record that is newer than that.
/// A record also keeps the first records that its relations lead to (<see cref="ChildList"/>), as long as it is here itself.
/// Rules are not its business: who finds a record here still has to hold it against the caller's.
/// Where others write to the database as well, their events come by the log (<see cref="Follow"/>), and the position is that of the last
/// event that came so: what this process commits itself is dropped before its commit all the same. A record found is then never older than
/// that position, nor than what this process has acknowledged. A snapshot of such a database tells the log's position in it: what is found
/// once everything up to there has come (<see cref="ReachAsync"/>), and is not newer, is what the snapshot shows.
/// </remarks>
sealed class RecordCache
{
    const int Shards = 64;

    readonly Shard[] _shards;
    readonly List<Shard> _announced = [];
    bool _isWhole;
    bool _isFull;
    readonly bool _isShared;
    readonly PositionWaits _waits = new();
    IReadOnlyList<LogEvent>? _group;
    AppSchema? _schema;
    long _position;
    long _hits, _misses, _refused, _lists;

    /// <param name="bytesMax">0 switches it off.</param>
    /// <param name="position">Position of the last event committed.</param>
    /// <param name="isShared">Others write to the database as well.</param>
    /// <param name="keys">Open what the events of others have sealed.</param>
    public RecordCache(long bytesMax, long position, bool isShared = false, LogKeys? keys = null)
    {
        IsOn = bytesMax > 0;
        (_position, _isShared) = (position, isShared);
        _shards = [.. Enumerable.Range(0, Shards).Select(_ => new Shard(bytesMax / Shards))];
        Children = new ChildPlaces(IsOn, keys);
    }

    public bool IsOn { get; }

    /// <summary>Records had to go for others already.</summary>
    public bool IsFull => Volatile.Read(ref _isFull);

    /// <summary>Everything committed up to here is seen by whoever reads from the cache now.</summary>
    public long Position => Volatile.Read(ref _position);

    public CacheCounts Counts
    {
        get
        {
            long evictions = 0, dropped = 0, records = 0, bytes = 0;
            foreach (Shard shard in _shards) shard.AddTo(ref evictions, ref dropped, ref records, ref bytes);
            return new CacheCounts(
                Volatile.Read(ref _hits), Volatile.Read(ref _misses), Volatile.Read(ref _refused), evictions, dropped, records, bytes,
                Volatile.Read(ref _lists));
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

    /// <summary>
    /// Brings the way to some records into the processor's caches, so that looking them up one after the other does not wait for memory
    /// each time. Changes nothing.
    /// </summary>
    /// <param name="keys">Of the records.</param>
    /// <param name="withValues">What rules ask of them will be needed too.</param>
    public void Fetch(ReadOnlySpan<RecordKey> keys, bool withValues)
    {
        foreach (ref readonly RecordKey key in keys) Of(key).FetchChain(key);
        foreach (ref readonly RecordKey key in keys) Of(key).FetchRecord(key);
        if (!withValues) return;
        foreach (ref readonly RecordKey key in keys) Of(key).FetchValues(key);
    }

    /// <summary>When the records that relations lead to changed last.</summary>
    public ChildPlaces Children { get; }

    /// <summary>Keeps what a relation leads to with the record that it starts at, when that is still here.</summary>
    public void Keep(CachedRecord parent, ChildList list) => Of(parent.Key).Keep(parent, list, this);

    /// <summary>Counts the records that an answer found, did not find, or found and was refused; and the lists that it used.</summary>
    public void Count(int hits, int misses, int refused, int lists = 0)
    {
        if (lists > 0) Interlocked.Add(ref _lists, lists);
        if (hits > 0) Interlocked.Add(ref _hits, hits);
        if (misses > 0) Interlocked.Add(ref _misses, misses);
        if (refused > 0) Interlocked.Add(ref _refused, refused);
    }

    /// <param name="key">Of the record.</param>
    /// <param name="position"><see cref="Position"/> as it was before the snapshot was taken that the record was read from.</param>
    /// <param name="record">As it was read.</param>
    public void Fill(in RecordKey key, long position, CachedRecord record) =>
        // Where others write, the snapshot may have shown more than had come here.
        Of(key).Fill(key, position, record, _isShared ? long.MaxValue : Position, this);

    /// <summary>The same where the log's position in that very snapshot is known.</summary>
    public void FillExactly(in RecordKey key, long position, CachedRecord record) =>
        Of(key).Fill(key, position, record, _isShared ? position : Position, this);

    /// <summary>
    /// Waits until everything up to a position has come: what is found from then on is no older. False when that takes too long.
    /// </summary>
    public ValueTask<bool> ReachAsync(long position, CancellationToken cancel) => _waits.ReachAsync(position, () => Position, cancel);

    /// <summary>
    /// Drops what a group is about to change and closes its places for fills. Runs on the writer's thread before the commit.
    /// </summary>
    public void Announce(AppSchema schema, Announcement announced)
    {
        if (!IsOn) return;
        Debug.Assert(_announced.Count == 0 && !_isWhole, "one group at a time");
        (_group, _schema) = (announced.Events, schema);
        // Where positions are not known yet, lists are told of when they are: until then nobody uses one (Position is behind).
        if (!_isShared) Children.Announce(schema, announced);
        foreach (LogEvent happened in announced.Events)
        {
            if (IsNew(happened)) continue;
            if (TryKey(schema, happened, out RecordKey dropped))
            {
                Shard shard = Of(dropped);
                shard.Close(dropped);
                _announced.Add(shard);
                continue;
            }
            // An event of a whole model, or of one that this schema does not know.
            _isWhole = true;
        }
        if (!_isWhole) return;
        foreach (Shard shard in _shards) shard.CloseAll();
    }

    /// <summary>Drops what events of the log have changed: of a log that others write as well, in order and without a gap.</summary>
    public void Follow(AppSchema schema, int schemaVersion, IReadOnlyList<LogEvent> events)
    {
        // Of our own groups, most have been told of with their commit.
        if (events[^1].Position <= Position) return;
        foreach (LogEvent happened in events)
        {
            Children.Follow(schema, schemaVersion, happened);
            if (IsNew(happened)) continue;
            if (TryKey(schema, happened, out RecordKey dropped))
            {
                Of(dropped).Drop(dropped, happened.Position);
                continue;
            }
            foreach (Shard shard in _shards) shard.DropAll(happened.Position);
        }
        Advance(events[^1].Position);
    }

    /// <summary>The group stands in the log right behind what has come.</summary>
    bool Follows(IReadOnlyList<LogEvent>? group, long head) =>
        group is [var first, ..] && first.Position == Position + 1 && group[^1].Position == head;

    /// <summary>Forward only: the log's events and those of our own groups come from two sides.</summary>
    void Advance(long position)
    {
        for (long known = Position; known < position;)
        {
            long found = Interlocked.CompareExchange(ref _position, position, known);
            if (found == known)
            {
                _waits.Reached(position);
                return;
            }
            known = found;
        }
    }

    /// <summary>
    /// Of a record that no snapshot before it shows, so that nobody can hand in an older form of it: there is nothing to drop, and its
    /// place stays open for others. If there was one of this key before, the event that took it away has closed the place.
    /// </summary>
    static bool IsNew(LogEvent happened) => string.Equals(happened.Kind, EventKinds.Created, StringComparison.Ordinal);

    static bool TryKey(AppSchema schema, LogEvent happened, out RecordKey key)
    {
        key = default;
        if (schema.FindModel(happened.Model) is not { } model) return false;
        if (!RecordIds.TryRead(model, happened.RecordId, out Value[]? stored)) return false;
        key = RecordKey.OfStored(model.Name, stored);
        return true;
    }

    /// <summary>Opens the places again. Runs on the writer's thread after the commit, or when it failed.</summary>
    /// <param name="position">Of the last event that is committed now.</param>
    public void Settle(long position)
    {
        if (!IsOn) return;
        // Of a shared log there may be events before the group's own that have not come yet.
        if (!_isShared)
        {
            Advance(position);
        }
        else if (Follows(_group, position))
        {
            foreach (LogEvent happened in _group!) Children.Follow(_schema!, happened.SchemaVersion, happened); // Both set by Announce.
            Advance(position);
        }
        (_group, _schema) = (null, null);
        foreach (Shard shard in _announced) shard.Open(position);
        if (_isWhole)
        {
            foreach (Shard shard in _shards) shard.Open(position);
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
    /// One part of the records. Whoever looks one up takes no lock: it walks one chain of the table, and the record that it finds is the
    /// link itself, so that a look-up touches as little memory as can be. Changes are made under the lock. The ring is what the clock hand
    /// walks: a record used since its last visit stays.
    /// </summary>
    sealed class Shard(long bytesMax)
    {
        const int FirstChains = 16;

        readonly Lock _gate = new();
        readonly List<CachedRecord> _ring = [];
        CachedRecord?[] _chains = new CachedRecord?[FirstChains];
        int _hand, _closed;
        long _bytes, _changed, _evictions, _dropped;

        public CachedRecord? Find(in RecordKey key, long position)
        {
            CachedRecord?[] chains = Volatile.Read(ref _chains);
            CachedRecord? record = Volatile.Read(ref chains[Chain(key, chains)]);
            // A table that grows meanwhile moves records to other chains: then one may be missed, which costs a read of the database.
            for (; record is not null; record = record.Next)
            {
                if (record.Key.Equals(key)) break;
            }
            if (record is null || record.Position > position) return null;
            record.Use();
            return record;
        }

        public void FetchChain(in RecordKey key)
        {
            CachedRecord?[] chains = Volatile.Read(ref _chains);
            Prefetch.Line(ref chains[Chain(key, chains)]);
        }

        public void FetchRecord(in RecordKey key)
        {
            CachedRecord?[] chains = Volatile.Read(ref _chains);
            if (chains[Chain(key, chains)] is { } record) Prefetch.Object(record);
        }

        public void FetchValues(in RecordKey key)
        {
            CachedRecord?[] chains = Volatile.Read(ref _chains);
            chains[Chain(key, chains)]?.FetchValues();
        }

        public void Fill(in RecordKey key, long position, CachedRecord record, long newest, RecordCache cache)
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
                if (Linked(key) is { } known) Remove(known);
                MakeRoom(bytes, cache);
                // No group of ours that changes it is on its way, so the position says at least when it became what it is.
                record.Enter(key, newest, _ring.Count);
                _ring.Add(record);
                _bytes += bytes;
                if (_ring.Count > _chains.Length) Grow();
                Link(_chains, record);
            }
        }

        public void Keep(CachedRecord parent, ChildList list, RecordCache cache)
        {
            if (list.Bytes > bytesMax / 4) return;
            lock (_gate)
            {
                // Who is no longer found here must not grow: nothing would count it.
                if (parent.Index < 0 || parent.Index >= _ring.Count || !ReferenceEquals(_ring[parent.Index], parent)) return;
                _bytes += parent.Keep(list);
                MakeRoom(0, cache);
            }
        }

        public void Close(in RecordKey key)
        {
            lock (_gate)
            {
                _closed++;
                if (Linked(key) is { } record) Remove(record);
            }
        }

        public void CloseAll()
        {
            lock (_gate)
            {
                _closed++;
                Forget();
            }
        }

        /// <param name="position">Of the last event that is committed: what was read before it comes too late.</param>
        public void Open(long position)
        {
            lock (_gate) (_closed, _changed) = (_closed - 1, Math.Max(_changed, position));
        }

        public void Drop(in RecordKey key, long position)
        {
            lock (_gate)
            {
                _changed = Math.Max(_changed, position);
                // What was read after the change has it.
                if (Linked(key) is { } record && (record.Position < position || record.Position == long.MaxValue)) Remove(record);
            }
        }

        public void DropAll(long position)
        {
            lock (_gate)
            {
                _changed = Math.Max(_changed, position);
                Forget();
            }
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
            Volatile.Write(ref _chains, new CachedRecord?[FirstChains]);
            foreach (CachedRecord record in _ring) record.Index = -1;
            _ring.Clear();
            (_bytes, _hand) = (0, 0);
        }

        void MakeRoom(int bytes, RecordCache cache)
        {
            while (_bytes + bytes > bytesMax && _ring.Count > 0)
            {
                Evict();
                if (!cache.IsFull) Volatile.Write(ref cache._isFull, true);
            }
        }

        void Evict()
        {
            while (true)
            {
                _hand = _hand < _ring.Count ? _hand : 0;
                CachedRecord record = _ring[_hand];
                if (!record.TakeUse())
                {
                    Remove(record);
                    _evictions++;
                    return;
                }
                _hand++;
            }
        }

        void Remove(CachedRecord record)
        {
            ref CachedRecord? link = ref _chains[Chain(record.Key, _chains)];
            while (!ReferenceEquals(link, record))
            {
                Debug.Assert(link is not null, "a record of the ring is in the table");
                link = ref link.Next;
            }
            // Its own link stays: whoever stands on it finds the rest of the chain.
            Volatile.Write(ref link, record.Next);
            CachedRecord last = _ring[^1];
            _ring[record.Index] = last;
            last.Index = record.Index;
            _ring.RemoveAt(_ring.Count - 1);
            record.Index = -1;
            _bytes -= record.Bytes;
            record.DropLists();
        }

        CachedRecord? Linked(in RecordKey key)
        {
            CachedRecord? record = _chains[Chain(key, _chains)];
            while (record is not null && !record.Key.Equals(key)) record = record.Next;
            return record;
        }

        /// <summary>Twice as many chains. The ring holds all records that are linked anew.</summary>
        void Grow()
        {
            CachedRecord?[] chains = new CachedRecord?[_chains.Length * 2];
            foreach (CachedRecord record in CollectionsMarshal.AsSpan(_ring)[..^1]) Link(chains, record);
            Volatile.Write(ref _chains, chains);
        }

        static void Link(CachedRecord?[] chains, CachedRecord record)
        {
            ref CachedRecord? first = ref chains[Chain(record.Key, chains)];
            record.Next = first;
            Volatile.Write(ref first, record);
        }

        // The low bits have chosen the shard.
        static int Chain(in RecordKey key, CachedRecord?[] chains) => (key.GetHashCode() >>> 6) & (chains.Length - 1);
    }
}
