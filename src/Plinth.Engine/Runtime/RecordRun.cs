using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Answers one list from whole records (<see cref="RecordProgram"/>): keys from the database, bytes from the cache. The bytes are those
/// that <see cref="ReadRun"/> would write: a record that is found is the one that the snapshot of the keys shows, and one that is not is
/// read in that snapshot, by its key, and kept. Lives as long as the request.
/// </summary>
/// <remarks>
/// Keys are gathered first and looked up together: each look-up waits for memory, and together they wait at the same time.
/// </remarks>
sealed partial class RecordRun(RecordRun.Request asked, IRecordSource source)
{
    /// <summary>What a run is about.</summary>
    /// <param name="Position">Of the snapshot that the source shows, or of the cache before it was taken.</param>
    /// <param name="IsShared">Others write as well: what changes is told by the log.</param>
    /// <param name="SchemaVersion">Under which records are written.</param>
    public readonly record struct Request(
        RecordProgram Program, Sql.SqlText? Count, PlannedRead Read, Caller Caller, long Now, RecordCache Cache, long Position,
        bool IsShared, int SchemaVersion, ReadOnlyMemory<byte> Secret, Limits Limits)
    {
        /// <summary>Most keys of records that may be seen: one record more than the page tells that the list goes on.</summary>
        public long KeysMax => Read.Limit + 1L;

        /// <summary>Most keys of one parent that a run asks for: more records than are allowed would be refused in any case.</summary>
        public long ChildrenMax(RecordInclude include) => FirstLimit(include.Level, ChildrenWanted(include));

        public long ChildrenWanted(RecordInclude include) =>
            Math.Min(Read.Values[Read.Plan.Slots.IncludeLimits + include.Shape.Number].Int, Limits.IncludedRows + 1L);
    }

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

    /// <summary>
    /// Writes the answer; a fault leaves the output to be thrown away. Nothing is written where the source lacks something.
    /// </summary>
    public Fault? Write(ByteOutput output)
    {
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
        Gather(rows, wanted: limit + 1L);
        if (GaveUp && !source.Lacks) return null;
        bool goesOn = rows.Count > limit;
        if (goesOn) rows.Records.RemoveAt(limit);
        Page page = Page.Of(PlaceOf(rows, 0), PlaceOf(rows, rows.Count - 1), backward, cameFrom, goesOn);
        Fault? fault = Include(rows);
        if (source.Lacks) return null;
        if (fault is not null) return fault;
        if (GaveUp) return null;

        PageWriter.Open(output);
        for (int i = 0; i < rows.Count; i++)
        {
            if (i > 0) output.Write((byte)',');
            rows.Write(output, backward ? rows.Count - 1 - i : i);
        }
        new PageWriter(page, asked.Read, asked.Secret).Close(output, asked.Count is null ? null : source.Count());
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

    /// <summary>Adds the first records of the list that the rule does not hide.</summary>
    void Gather(RecordRows rows, long wanted)
    {
        using KeyList keys = new();
        long limit = FirstLimit(rows.Level, wanted);
        // As many keys as records are missing, and once more for those that turned out to be hidden.
        bool more = true;
        for (int taken = 0; more; taken = keys.Count)
        {
            for (long missing = wanted - rows.Count; missing > 0; missing--)
            {
                if (!(more = source.NextKey(limit, out RecordKey key))) break;
                keys.Add(key);
            }
            if (Take(rows, keys, taken, keys.Count, wanted)) return;
        }
        GaveUp |= keys.Count >= limit;
    }

    /// <summary>Where no record can be hidden the database need not give more keys than are wanted.</summary>
    public static long FirstLimit(RecordLevel level, long wanted) =>
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

    bool Sees(RecordLevel level, CachedRecord record) =>
        (source.IsRuled && ReferenceEquals(level, asked.Program.Root)) || record.IsSeen(level, _caller, Plan.Slots.Rules[level.Shape.Need]);

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
            int[] starts = include.Keys is not null ? GatherMany(rows, include, included) : GatherOne(rows, include, included);
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
        return source.Load(level, key);
    }
}
