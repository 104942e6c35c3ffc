using Plinth.Log;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Projections;

/// <summary>What came of counting a projection's records anew.</summary>
/// <param name="Position">Of the log, as of which both are.</param>
/// <param name="Records">Records of the model that were looked at.</param>
/// <param name="Rows">Rows that the projection has.</param>
/// <param name="Differences">The first of what differs, as sentences; empty when it is right.</param>
sealed record ProjectionVerification(long Position, long Records, long Rows, IReadOnlyList<string> Differences)
{
    const int DifferencesMax = 100;

    /// <summary>
    /// Compares the rows with a fresh count. What the projection has not seen yet is undone, so that both are of one position, whether
    /// anything is written meanwhile or not.
    /// </summary>
    public static ProjectionVerification Of(
        ProjectionProgram program, EventStore store, AppSchema schema, Action<long>? counted, CancellationToken cancel)
    {
        using Connection connection = store.Database.OpenReader();
        connection.BeginRead();
        long head = EventLog.ReadHead(connection).Position;
        string name = program.Model.Name;
        if (ProjectionStates.Find(connection, name) is not { } state
            || !string.Equals(state.Shape, program.Shape, StringComparison.Ordinal))
            return new ProjectionVerification(head, 0, 0, [$"{name} was not built yet."]);
        ProjectionReader reader = new(program, connection);
        Dictionary<GroupKey, Value[]> ahead = [];
        // What is inline has seen what is committed.
        long from = program.Model.Projection is { IsInline: true } ? head : state.Position;
        if (Unseen(program, store, schema, connection, from, head, reader, ahead) is { } wrong)
            return new ProjectionVerification(head, 0, 0, [wrong]);
        List<string> differences = [];
        long records = 0, rows = 0;
        Dictionary<GroupKey, Value[]> kept = [];
        foreach (Value[] row in reader.Rows())
        {
            rows++;
            kept[KeyOf(program, row)] = row;
        }
        foreach (var (key, row) in ahead)
        {
            if (row.Length == 0) kept.Remove(key);
            else kept[key] = row;
        }
        foreach (List<Value[]> part in ProjectionCount.Parts(program, reader, 1, Count, cancel))
        {
            foreach (Value[] row in part)
            {
                GroupKey key = KeyOf(program, row);
                if (differences.Count < DifferencesMax && Difference(program, row, kept.GetValueOrDefault(key)) is { } difference)
                    differences.Add(difference);
                kept.Remove(key);
            }
        }
        foreach (GroupKey key in kept.Keys.Take(DifferencesMax - differences.Count))
            differences.Add($"{name} {Shown(key)}: there is a row, and no record for it.");
        return new ProjectionVerification(head, records, rows, differences);

        void Count(long seen)
        {
            records = Math.Max(records, seen);
            counted?.Invoke(seen);
        }
    }

    /// <summary>The rows as they will be when they have seen all of the log; an empty one for a row that goes.</summary>
    static string? Unseen(
        ProjectionProgram program, EventStore store, AppSchema schema, Connection connection, long from, long to,
        ProjectionReader reader, Dictionary<GroupKey, Value[]> ahead)
    {
        if (from >= to) return null;
        SourceHistory history = new(program, schema, -1, store.Keys);
        if (history.Undo(connection, from, to, []) is not { } was)
            return $"{program.Model.Name} is too far behind the log to be compared: let it catch up, or rebuild it.";
        ProjectionDelta delta = new(program);
        foreach (var (id, before) in was)
        {
            Value[]? after = RecordIds.TryRead(program.Source, id, out Value[]? key) ? reader.Record(key) : null;
            delta.Change(before(after), after);
        }
        foreach (RowChange change in ProjectionStep.ChangesOf(program, delta, reader, locks: false))
            ahead[KeyOf(program, change.Row)] = change.Stays ? change.Row : [];
        return null;
    }

    static GroupKey KeyOf(ProjectionProgram program, Value[] row) => new([.. program.Model.StoredKey.Select(f => row[f.Ordinal])]);

    static string? Difference(ProjectionProgram program, Value[] counted, Value[]? kept)
    {
        string name = $"{program.Model.Name} {Shown(KeyOf(program, counted))}";
        if (kept is null) return $"{name}: the row is missing.";
        foreach (Field field in program.Model.Fields)
        {
            if (counted[field.Ordinal] != kept[field.Ordinal]) return $"{name}: {field.Name} is not what the records give.";
        }
        return null;
    }

    static string Shown(GroupKey key) => string.Join(',', key.Values.Select(static v => v.ToString()));
}
