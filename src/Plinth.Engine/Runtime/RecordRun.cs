using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Answers one read from whole records (<see cref="RecordProgram"/>). The bytes are those that <see cref="ReadRun"/> would write: a record
/// that is found is the one that the connection's snapshot shows, and one that is not is read in that snapshot, by its key, and kept.
/// Lives as long as the request.
/// </summary>
sealed class RecordRun(RecordRun.Request asked, Connection connection)
{
    /// <summary>What a run is about.</summary>
    /// <param name="Position">The cache's, taken before the connection's snapshot was.</param>
    /// <param name="SchemaVersion">Under which records are written.</param>
    public readonly record struct Request(
        RecordProgram Program, SqlText? Count, PlannedRead Read, Caller Caller, long Now, RecordCache Cache, long Position,
        int SchemaVersion, ReadOnlyMemory<byte> Secret, Limits Limits);

    /// <summary>Keys asked for beyond the page, for records that the rule hides; where they do not suffice, more are asked for.</summary>
    const int KeysSpare = 8;

    readonly Value[] _values = [.. asked.Read.Values];
    readonly int[] _included = new int[asked.Read.Plan.Shape.Includes];
    Dictionary<(RecordInclude, CachedRecord), (int Start, int Length)>? _shared;
    int _hits, _misses;

    RecordProgram Program => asked.Program;

    ReadPlan Plan => asked.Read.Plan;

    /// <summary>Writes the answer; a fault leaves the output to be thrown away.</summary>
    public Fault? Write(ByteOutput output)
    {
        // The open statement of a lone list holds the snapshot that its records are read in; several need a transaction.
        if (asked.Count is not null || !Program.Root.Includes.IsEmpty) connection.BeginRead();
        Fault? fault = List(output);
        asked.Cache.Count(_hits, _misses, refused: 0);
        Program.Learn(_hits, _misses);
        return fault;
    }

    Fault? List(ByteOutput output)
    {
        ReadShape shape = Plan.Shape;
        bool cameFrom = shape.Start switch
        {
            PageStart.First => false,
            PageStart.Offset => _values[Plan.Slots.Offset].Int > 0,
            _ => true,
        };
        bool reversed = shape.Start == PageStart.Before;
        PageWriter page = new(new Page(Program.Columns, asked.Read.Limit, reversed, cameFrom), asked.Read, asked.Secret);
        List<CachedRecord> records = new(asked.Read.Limit);
        Gather(page.Page, records);
        PageWriter.Open(output);
        for (int i = 0; i < records.Count; i++)
        {
            if (i > 0) output.Write((byte)',');
            if (WriteRecord(output, Program.Root, records[reversed ? records.Count - 1 - i : i]) is { } fault) return fault;
        }
        long? total = asked.Count is { } count ? CountAll(count) : null;
        page.Close(output, total);
        return null;
    }

    /// <summary>The records of the page: keys in order, those that the rule hides left out.</summary>
    void Gather(Page page, List<CachedRecord> records)
    {
        RecordLevel root = Program.Root;
        SqlText keys = Program.Keys ?? throw new InvalidOperationException("a list without keys");
        int slot = Plan.Slots.Limit;
        long pageAndOne = asked.Read.Limit + 1;
        // Where no record can be hidden the database need not give more than are asked for.
        long limit = root.Rules.Outcome == RuleOutcome.Always ? pageAndOne : pageAndOne + asked.Read.Limit / 2 + KeysSpare;
        Value[] key = new Value[root.Model.Key.Length];
        for (long passed = 0; ; limit *= 16)
        {
            _values[slot] = Value.From(limit);
            using Statement row = connection.Prepare(keys);
            row.Bind(keys, _values);
            long seen = 0;
            while (row.Step())
            {
                if (++seen <= passed) continue;
                ReadKey(row, root, key);
                if (Seen(root, new RecordKey(root.Model.Name, key), key) is not { } record) continue;
                if (!page.Take(row)) return;
                records.Add(record);
            }
            if (seen < limit) return;
            passed = seen;
        }
    }

    long CountAll(SqlText count)
    {
        using Statement statement = connection.Prepare(count);
        statement.Bind(count, asked.Read.Values);
        statement.Step();
        return statement.ColumnInt64(0);
    }

    Fault? WriteRecord(ByteOutput output, RecordLevel level, CachedRecord record)
    {
        if (level.Includes.IsEmpty)
        {
            output.Write(record.Json);
            return null;
        }
        output.Write(record.Open);
        Value[] values = record.Values(level.Model, level.Fields);
        foreach (RecordInclude include in level.Includes)
        {
            output.Write(include.Prefix);
            Fault? fault = include.Shape.Single ? WriteOne(output, include, values) : WriteMany(output, include, values);
            if (fault is not null) return fault;
        }
        output.Write((byte)'}');
        return null;
    }

    Fault? WriteOne(ByteOutput output, RecordInclude include, Value[] parent)
    {
        Value[] key = new Value[include.Shape.ParentFields.Length];
        if (!include.IsClosed && TryLink(include, parent, key)
            && Seen(include.Level, new RecordKey(include.Level.Model.Name, key), key) is { } record)
        {
            return include.Level.Includes.IsEmpty ? WriteRecord(output, include.Level, record) : WriteShared(output, include, record);
        }
        JsonText.WriteNull(output);
        return null;
    }

    /// <summary>A record that several include, with all that it includes itself, is put together once.</summary>
    Fault? WriteShared(ByteOutput output, RecordInclude include, CachedRecord record)
    {
        _shared ??= [];
        if (_shared.TryGetValue((include, record), out (int Start, int Length) known))
        {
            Span<byte> to = output.GetSpan(known.Length);
            output.Written.Slice(known.Start, known.Length).CopyTo(to);
            output.Advance(known.Length);
            return null;
        }
        int start = output.Length;
        if (WriteRecord(output, include.Level, record) is { } fault) return fault;
        _shared.Add((include, record), (start, output.Length - start));
        return null;
    }

    Fault? WriteMany(ByteOutput output, RecordInclude include, Value[] parent)
    {
        output.Write((byte)'[');
        Value[] link = new Value[include.Shape.ParentFields.Length];
        if (include.Keys is { } keys && TryLink(include, parent, link))
        {
            // More would be refused in any case, so no more are ever read.
            long limit = Math.Min(asked.Read.Values[Plan.Slots.IncludeLimits + include.Shape.Number].Int, asked.Limits.IncludedRows + 1L);
            bool first = true;
            foreach (CachedRecord record in Children(include, keys, link, limit))
            {
                if (++_included[include.Shape.Number] > asked.Limits.IncludedRows)
                    return ReadRun.TooManyIncluded(include.Shape, asked.Limits);
                if (!first) output.Write((byte)',');
                first = false;
                if (WriteRecord(output, include.Level, record) is { } fault) return fault;
            }
        }
        output.Write((byte)']');
        return null;
    }

    /// <summary>
    /// The first records that one parent leads to and the rule does not hide. Gathered first: they may include others in turn.
    /// </summary>
    List<CachedRecord> Children(RecordInclude include, SqlText keys, Value[] link, long visibleMax)
    {
        List<CachedRecord> records = [];
        RecordLevel level = include.Level;
        int slot = Plan.Slots.IncludeLimits + include.Shape.Number;
        Value[] values = [.. _values, .. link];
        Value[] key = new Value[level.Model.Key.Length];
        long limit = level.Rules.Outcome == RuleOutcome.Always ? visibleMax : visibleMax + Math.Min(visibleMax / 2 + 1, KeysSpare);
        for (long passed = 0; ; limit *= 16)
        {
            values[slot] = Value.From(limit);
            using Statement row = connection.Prepare(keys);
            row.Bind(keys, values);
            long seen = 0;
            while (records.Count < visibleMax && row.Step())
            {
                if (++seen <= passed) continue;
                ReadKey(row, level, key);
                if (Seen(level, new RecordKey(level.Model.Name, key), key) is { } record) records.Add(record);
            }
            if (seen < limit || records.Count == visibleMax) return records;
            passed = seen;
        }
    }

    static bool TryLink(RecordInclude include, Value[] parent, Value[] link)
    {
        for (int i = 0; i < link.Length; i++)
        {
            link[i] = parent[include.Shape.ParentFields[i].Ordinal];
            if (link[i].IsNull) return false;
        }
        return true;
    }

    static void ReadKey(Statement row, RecordLevel level, Value[] key)
    {
        for (int i = 0; i < key.Length; i++) key[i] = row.ColumnValue(i, level.Key[i].StoredKind, level.Key[i].Scale);
    }

    /// <summary>A record, from the cache or else the database; null when there is none, or the caller may not see it.</summary>
    CachedRecord? Seen(RecordLevel level, in RecordKey key, ReadOnlySpan<Value> values)
    {
        if (level.Rules.Outcome == RuleOutcome.Never) return null;
        CachedRecord? record = asked.Cache.Find(key, asked.SchemaVersion, asked.Position);
        if (record is not null)
        {
            _hits++;
        }
        else
        {
            _misses++;
            record = Load(level, key, values);
            if (record is null) return null;
        }
        if (level.Rules.Outcome == RuleOutcome.Always) return record;
        CallerRules rules = new(level.Rules, []);
        Value[] row = record.Values(level.Model, level.Fields);
        return rules.Sees(Policies.Context(asked.Caller, asked.Now, row)) ? record : null;
    }

    CachedRecord? Load(RecordLevel level, in RecordKey key, ReadOnlySpan<Value> values)
    {
        using Statement row = connection.Prepare(level.Load);
        row.Bind(level.Load, values);
        if (!row.Step()) return null;
        using ByteOutput json = new(512);
        level.Writer.Write(json, row, 0);
        json.Write((byte)'}');
        CachedRecord record = new(row.ColumnInt64(level.VersionColumn), asked.SchemaVersion, json.ToArray());
        asked.Cache.Fill(key, asked.Position, record);
        return record;
    }
}
