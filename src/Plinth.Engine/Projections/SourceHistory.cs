using Plinth.Log;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Projections;

/// <summary>Finds what the records of a projected model were at a position, and what became of them.</summary>
/// <param name="program">Of the projection.</param>
/// <param name="schema">The schema that serves.</param>
/// <param name="version">Its number: rows that another schema's writer had are not of this shape.</param>
/// <param name="keys">Opens sealed values.</param>
sealed class SourceHistory(ProjectionProgram program, AppSchema schema, int version, LogKeys keys)
{
    FormerNames? _former;

    /// <summary>Every event behind a position that is about the model brings the rows that its writer had.</summary>
    public bool HasRows(IReadOnlyList<LogEvent> events, long from)
    {
        foreach (LogEvent happened in events)
        {
            if (happened.Position <= from || !IsOfModel(happened)) continue;
            if (happened.Rows is null || happened.SchemaVersion != version) return false;
        }
        return true;
    }

    /// <summary>Each record as it was before the first of the events and as it is after the last.</summary>
    public static IEnumerable<(Value[]? Before, Value[]? After)> Outcomes(
        ProjectionProgram program, IEnumerable<LogEvent> events, long from)
    {
        Dictionary<string, (Value[]? Before, Value[]? After)> records = new(StringComparer.Ordinal);
        foreach (LogEvent happened in events)
        {
            bool isNews = happened.Position > from || happened.Position == 0; // Without a position before its commit.
            if (!isNews || !string.Equals(happened.Model, program.Source.Name, StringComparison.Ordinal)) continue;
            if (happened.Rows is not { } rows) continue;
            // The key of a record may change: it is one thing under the old key and another under the new.
            records[happened.RecordId] = records.TryGetValue(happened.RecordId, out var known)
                ? (known.Before, rows.After) : (rows.Before, rows.After);
        }
        return records.Values;
    }

    /// <summary>
    /// The records that something happened to between two positions, by their ids: each with the way from what it is now to what it was.
    /// Null where that is not to be known any more.
    /// </summary>
    public Dictionary<string, Func<Value[]?, Value[]?>>? Undo(
        Connection connection, long from, long to, IReadOnlyList<LogEvent> delivered)
    {
        _former ??= FormerNames.Of(connection, program.Source.Name);
        foreach (LogEvent migration in _former.Migrations)
        {
            // Every record may have got a value that no event of its own tells of.
            if (migration.Position > from && MigrationPayload.ReadNames(migration) is null or { ValuesOf: not null }) return null;
        }
        Dictionary<string, Func<Value[]?, Value[]?>> records = new(StringComparer.Ordinal);
        Undoing undoing = new(schema, program.Source, keys, _former.Names);
        EventReader reader = new();
        int count = 0;
        foreach (PastScope scope in _former.Scopes(null, null, from, to))
        {
            using Statement select = PastEvents.Of(connection, scope, ProjectionStep.EventsMax + 1L);
            while (select.Step())
            {
                LogEvent happened = reader.Read(select);
                if (happened.RecordId.Length == 0) continue;
                if (++count > ProjectionStep.EventsMax || !Take(happened, delivered, undoing, records)) return null;
            }
        }
        return records;
    }

    /// <summary>False where the payload that would say what the record was is gone.</summary>
    bool Take(
        LogEvent happened, IReadOnlyList<LogEvent> delivered, Undoing undoing, Dictionary<string, Func<Value[]?, Value[]?>> records)
    {
        bool isKnown = records.ContainsKey(happened.RecordId);
        bool isWhole = isKnown && (!undoing.Records.TryGetValue(happened.RecordId, out UndoneRecord? record) || record.IsWhole);
        if (isWhole) return true;
        if (!isKnown && Delivered(happened, delivered)?.Rows is { Before: var before })
        {
            records.Add(happened.RecordId, _ => before);
            return true;
        }
        bool isCreated = string.Equals(happened.Kind, EventKinds.Created, StringComparison.Ordinal);
        bool isLost = happened.Data is null || string.Equals(happened.Kind, EventKinds.Purged, StringComparison.Ordinal);
        if (isLost && !isCreated) return false;
        if (!isKnown && isCreated)
        {
            records.Add(happened.RecordId, static _ => null);
            return true;
        }
        undoing.Add(happened);
        if (!isKnown) records.Add(happened.RecordId, now => Was(undoing.Records[happened.RecordId], now));
        return true;
    }

    Value[]? Was(UndoneRecord record, Value[]? now)
    {
        if (!record.Existed) return null;
        foreach (Field field in program.Needed)
        {
            if (now is not null && !record.IsWhole) record.Learn(field.Ordinal, now[field.Ordinal]);
        }
        return record.Values;
    }

    LogEvent? Delivered(LogEvent happened, IReadOnlyList<LogEvent> delivered)
    {
        long at = happened.Position - delivered[0].Position;
        return at >= 0 && at < delivered.Count && delivered[(int)at] is { } same && same.Position == happened.Position
            && same.SchemaVersion == version ? same : null;
    }

    bool IsOfModel(LogEvent happened) => string.Equals(happened.Model, program.Source.Name, StringComparison.Ordinal);
}
