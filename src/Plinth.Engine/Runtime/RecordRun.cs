using System.Buffers;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Answers one list from whole records (<see cref="RecordProgram"/>): keys from the database, bytes from the cache. The bytes are those
/// that <see cref="ReadRun"/> would write: a record that is found is the one that the connection's snapshot shows, and one that is not is
/// read in that snapshot, by its key, and kept. Lives as long as the request.
/// </summary>
/// <remarks>
/// Keys are gathered first and looked up together: each look-up waits for memory, and together they wait at the same time.
/// </remarks>
sealed partial class RecordRun(RecordRun.Request asked, Connection connection)
{
    /// <summary>What a run is about.</summary>
    /// <param name="Position">The cache's, taken before the connection's snapshot was.</param>
    /// <param name="SchemaVersion">Under which records are written.</param>
    public readonly record struct Request(
        RecordProgram Program, SqlText? Count, PlannedRead Read, Caller Caller, long Now, RecordCache Cache, long Position,
        int SchemaVersion, ReadOnlyMemory<byte> Secret, Limits Limits);

    /// <summary>Keys asked for beyond those wanted, for records that the rule hides. No more: it gives up then.</summary>
    const int KeysSpare = 8;

    readonly EvaluationContext _caller = Policies.Context(asked.Caller, asked.Now, asked.Limits) with { Slots = asked.Read.Values };
    int _hits, _misses, _lists;

    ReadPlan Plan => asked.Read.Plan;

    /// <summary>Whose records these are, where they are known within tenants.</summary>
    Value Tenant => asked.Caller.Tenant;

    /// <summary>
    /// The rule hides so many records that the database, which may have an index for it, is better asked: nothing was written. How many
    /// keys and records are looked at before that is bounded by the page.
    /// </summary>
    public bool GaveUp { get; private set; }

    /// <summary>Writes the answer; a fault leaves the output to be thrown away.</summary>
    public Fault? Write(ByteOutput output)
    {
        // What the keys lead to is read in the snapshot of the keys.
        connection.BeginRead();
        Value[] values = asked.Read.Values;
        bool cameFrom = Plan.Shape.Start switch
        {
            PageStart.First => false,
            PageStart.Offset => values[Plan.Slots.Offset].Int > 0,
            _ => true,
        };
        bool backward = Plan.Shape.Start == PageStart.Before;
        RecordRows rows = new(asked.Program.Root, asked.Read.Limit + 1);
        int limit = asked.Read.Limit;
        // One record more than the page tells that the list goes on.
        Gather(rows, asked.Program.Keys, [.. values], Plan.Slots.Limit, wanted: limit + 1L);
        if (GaveUp) return null;
        bool goesOn = rows.Count > limit;
        if (goesOn) rows.Records.RemoveAt(limit);
        Page page = Page.Of(PlaceOf(rows, 0), PlaceOf(rows, rows.Count - 1), backward, cameFrom, goesOn);
        if (Include(rows) is { } fault) return fault;
        if (GaveUp) return null;

        PageWriter.Open(output);
        for (int i = 0; i < rows.Count; i++)
        {
            if (i > 0) output.Write((byte)',');
            rows.Write(output, backward ? rows.Count - 1 - i : i);
        }
        new PageWriter(page, asked.Read, asked.Secret).Close(output, asked.Count is { } count ? CountAll(count) : null);
        asked.Cache.Count(_hits, _misses, refused: 0, _lists);
        asked.Program.Learn(_hits, _misses);
        return null;
    }

    Value[]? PlaceOf(RecordRows rows, int row)
    {
        if (row < 0 || row >= rows.Count) return null;
        Value[] values = rows.Records[row].Values(rows.Level.Model, rows.Level.Fields.With(asked.Program.SortFields));
        return [.. Plan.Shape.Root.Sort.Select(term => values[term.Path.Field.Ordinal])];
    }

    long CountAll(SqlText count)
    {
        using Statement statement = connection.Prepare(count);
        statement.Bind(count, asked.Read.Values);
        statement.Step();
        return statement.ColumnInt64(0);
    }

    /// <summary>Adds the first records whose keys a statement gives and that the rule does not hide.</summary>
    /// <param name="rows">Where to.</param>
    /// <param name="sql">Gives keys.</param>
    /// <param name="values">By slot; the one of the limit is set here.</param>
    /// <param name="limitSlot">Where the statement takes its limit from.</param>
    /// <param name="wanted">How many records at most.</param>
    void Gather(RecordRows rows, SqlText sql, Value[] values, int limitSlot, long wanted)
    {
        using KeyList keys = new();
        Value tenant = Tenant;
        long limit = FirstLimit(rows.Level, wanted), until = rows.Count + wanted;
        values[limitSlot] = Value.From(limit);
        using (Statement row = connection.Prepare(sql))
        {
            row.Bind(sql, values);
            // As many keys as records are missing, and once more for those that turned out to be hidden.
            bool more = true;
            for (int taken = 0; more; taken = keys.Count)
            {
                for (long missing = until - rows.Count; missing > 0 && (more = row.Step()); missing--) keys.Add(rows.Level, tenant, row);
                if (Take(rows, keys, taken, keys.Count, until)) return;
            }
        }
        GaveUp |= keys.Count >= limit;
    }

    /// <summary>Where no record can be hidden the database need not give more keys than are wanted.</summary>
    static long FirstLimit(RecordLevel level, long wanted) =>
        level.Rules.Outcome == RuleOutcome.Always ? wanted : wanted + Math.Min(wanted / 2, 64) + KeysSpare;

    /// <summary>Adds the records of some keys, as far as they are seen; true when there are as many as wanted.</summary>
    bool Take(RecordRows rows, KeyList keys, int first, int end, long until)
    {
        ReadOnlySpan<RecordKey> some = keys.Span[first..end];
        asked.Cache.Fetch(some, rows.Level.AsksValues);
        foreach (ref readonly RecordKey key in some)
        {
            if (rows.Count >= until) return true;
            if (Find(rows.Level, key) is { } record) Add(rows, record);
        }
        return rows.Count >= until;
    }

    bool Sees(RecordLevel level, CachedRecord record) => record.IsSeen(level, _caller, Plan.Slots.Rules[level.Shape.Need]);

    /// <summary>Adds a record when the caller may see it.</summary>
    void Add(RecordRows rows, CachedRecord record)
    {
        if (!Sees(rows.Level, record)) return;
        rows.Records.Add(record);
        record.Fetch(hasIncludes: !rows.Level.Includes.IsEmpty);
    }

    /// <summary>Gathers all that the rows include, one level below the other.</summary>
    Fault? Include(RecordRows rows)
    {
        for (int i = 0; i < rows.Level.Includes.Length; i++)
        {
            RecordInclude include = rows.Level.Includes[i];
            if (include.IsClosed || rows.Count == 0) continue;
            RecordRows included = new(include.Level, include.Keys is null ? rows.Count : rows.Count * ChildrenGuess);
            int[] starts = include.Keys is { } keys ? GatherMany(rows, include, keys, included) : GatherOne(rows, include, included);
            if (included.Count > asked.Limits.IncludedRows) return ReadRun.TooManyIncluded(include.Shape, asked.Limits);
            rows.Attach(i, new IncludedRecords(included, starts));
            if (GaveUp) return null;
            if (Include(included) is { } fault) return fault;
        }
        return null;
    }

    /// <summary>Gives for each parent the place of its record; -1 where it has none that the caller may see.</summary>
    int[] GatherOne(RecordRows parents, RecordInclude include, RecordRows included)
    {
        int[] places = new int[parents.Count];
        using KeyList keys = new();
        Value[] key = new Value[include.Shape.ParentFields.Length];
        Value tenant = Tenant;
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = -1;
            if (!TryLink(parents, i, include, key)) continue;
            places[i] = keys.Count;
            keys.Add(RecordKey.Of(include.Level.Model, tenant, key));
        }
        asked.Cache.Fetch(keys.Span, include.Level.AsksValues);
        // Parents that share a record share what it includes: then it stands here once.
        Dictionary<CachedRecord, int>? known = include.Level.Includes.IsEmpty ? null : [];
        for (int i = 0; i < places.Length; i++)
        {
            if (places[i] < 0) continue;
            CachedRecord? record = Find(include.Level, keys.Span[places[i]]);
            if (record is null || !Sees(include.Level, record))
            {
                places[i] = -1;
            }
            else if (known is null || !known.TryGetValue(record, out places[i]))
            {
                places[i] = included.Count;
                known?.Add(record, included.Count);
                included.Records.Add(record);
            }
        }
        return places;
    }

    static bool TryLink(RecordRows parents, int row, RecordInclude include, Value[] link)
    {
        Value[] values = parents.Records[row].Values(parents.Level.Model, parents.Level.Fields);
        for (int i = 0; i < link.Length; i++)
        {
            link[i] = values[include.Shape.ParentFields[i].Ordinal];
            if (link[i].IsNull) return false;
        }
        return true;
    }

    /// <summary>A record, from the cache or else the database, whoever may see it; null when there is none.</summary>
    CachedRecord? Find(RecordLevel level, in RecordKey key)
    {
        if (asked.Cache.Find(key, asked.SchemaVersion, asked.Position) is { } record)
        {
            _hits++;
            return record;
        }
        _misses++;
        return Load(level, key);
    }

    CachedRecord? Load(RecordLevel level, in RecordKey key)
    {
        using Statement row = connection.Prepare(level.Load);
        row.Bind(level.Load, key.Values());
        if (!row.Step()) return null;
        using ByteOutput json = new(512);
        level.Writer.Write(json, row, 0);
        json.Write((byte)'}');
        CachedRecord record = new(row.ColumnInt64(level.VersionColumn), asked.SchemaVersion, json.ToArray());
        asked.Cache.Fill(key, asked.Position, record);
        return record;
    }

    /// <summary>Keys in the order in which they were read, in an array of the pool.</summary>
    sealed class KeyList : IDisposable
    {
        RecordKey[] _keys = ArrayPool<RecordKey>.Shared.Rent(128);

        public int Count { get; private set; }

        public ReadOnlySpan<RecordKey> Span => _keys.AsSpan(0, Count);

        public void Add(RecordLevel level, in Value tenant, Statement row)
        {
            if (level.Key.Length == 1)
            {
                Value part = row.ColumnValue(0, level.Key[0].StoredKind, level.Key[0].Scale);
                Add(RecordKey.Of(level.Model, tenant, new ReadOnlySpan<Value>(in part)));
                return;
            }
            Value[] parts = new Value[level.Key.Length];
            for (int i = 0; i < parts.Length; i++) parts[i] = row.ColumnValue(i, level.Key[i].StoredKind, level.Key[i].Scale);
            Add(RecordKey.Of(level.Model, tenant, parts));
        }

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
}
