using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// Keeps in the record cache what an answer reads from the database, and tells the program how much of it was there already: so that the
/// next answer of its kind may be put together from records. Lives as long as the request.
/// </summary>
/// <param name="program">Of the answer.</param>
/// <param name="cache">Where to.</param>
/// <param name="tenant">Of the caller.</param>
/// <param name="noted">The cache's position, taken before the database was read.</param>
/// <param name="schemaVersion">Under which the records are written.</param>
sealed class RecordKeeper(RecordProgram program, RecordCache cache, Value tenant, long noted, int schemaVersion)
{
    readonly Value[] _key = new Value[4];
    int _hits, _misses;

    long? _position;

    /// <summary>Column of the log's position in the rows of the root, which are their snapshot's; -1 where they have none.</summary>
    public int PositionColumn { get; init; } = -1;

    /// <summary>Looks at a row of the root, before anything is taken.</summary>
    public void See(Statement row)
    {
        if (PositionColumn >= 0) _position ??= row.ColumnInt64(PositionColumn);
    }

    /// <summary>Takes a row that was written.</summary>
    /// <param name="level">What the row is a record of.</param>
    /// <param name="row">The statement that stands on it.</param>
    /// <param name="firstColumn">Column of the first field.</param>
    /// <param name="versionColumn">Column of its version.</param>
    /// <param name="open">The record's JSON but for the last brace.</param>
    public void Take(RecordLevel level, Statement row, int firstColumn, int versionColumn, ReadOnlySpan<byte> open)
    {
        int parts = level.Key.Length;
        Span<Value> key = parts <= _key.Length ? _key.AsSpan(0, parts) : new Value[parts];
        for (int i = 0; i < parts; i++)
            key[i] = row.ColumnValue(firstColumn + level.KeyColumns[i], level.Key[i].StoredKind, level.Key[i].Scale);
        RecordKey of = RecordKey.Of(level.Model, tenant, key);
        if (cache.Find(of, schemaVersion) is not null)
        {
            _hits++;
            return;
        }
        _misses++;
        byte[] json = new byte[open.Length + 1];
        open.CopyTo(json);
        json[^1] = (byte)'}';
        CachedRecord record = new(row.ColumnInt64(versionColumn), schemaVersion, json);
        if (_position is { } exactly) cache.FillExactly(of, exactly, record);
        else cache.Fill(of, noted, record);
    }

    public void End() => program.Learn(_hits, _misses);
}
