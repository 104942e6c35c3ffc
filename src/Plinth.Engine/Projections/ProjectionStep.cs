using Plinth.Log;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Projections;

/// <summary>What becomes of a projection's rows when it sees the log from one position to another.</summary>
sealed record ProjectionStep(long From, long To, IReadOnlyList<RowChange> Changes)
{
    /// <summary>
    /// Events of the model beyond which it is cheaper to count its records anew than to undo what happened to each.
    /// </summary>
    public const int EventsMax = 50_000;

    /// <summary>
    /// Reads on from where a projection stands. Records that changed are undone to what they were there, and compared with what they
    /// are now, so the connection must read one snapshot. Null where that cannot be said, because payloads are gone, values came with a
    /// migration, or too much has happened: then the rows are to be built anew.
    /// </summary>
    /// <param name="program">Of the projection.</param>
    /// <param name="from">The last event that its rows have seen.</param>
    /// <param name="events">The next ones, as they were delivered: with the rows that their writer had, if it was in this process.</param>
    /// <param name="connection">In a transaction that reads.</param>
    /// <param name="history">Finds what was in the log.</param>
    public static ProjectionStep? Of(
        ProjectionProgram program, long from, IReadOnlyList<LogEvent> events, Connection connection, SourceHistory history)
    {
        ProjectionDelta delta = new(program);
        ProjectionReader reader = new(program, connection);
        long to = events[^1].Position;
        if (events[0].Position <= from + 1 && history.HasRows(events, from))
        {
            foreach (var (before, after) in SourceHistory.Outcomes(program, events, from)) delta.Change(before, after);
        }
        else
        {
            to = EventLog.ReadHead(connection).Position;
            if (history.Undo(connection, from, to, events) is not { } was) return null;
            foreach (var (id, before) in was)
            {
                Value[]? after = RecordIds.TryRead(program.Source, id, out Value[]? key) ? reader.Record(key) : null;
                delta.Change(before(after), after);
            }
        }
        return new ProjectionStep(from, to, ChangesOf(program, delta, reader, locks: false));
    }

    /// <summary>What becomes of the rows.</summary>
    /// <param name="locks">They must stay as they are found until the end of the transaction.</param>
    public static List<RowChange> ChangesOf(ProjectionProgram program, ProjectionDelta delta, ProjectionReader reader, bool locks)
    {
        List<RowChange> changes = new(delta.Count);
        foreach (var (key, group) in delta.Groups)
            changes.Add(ProjectionRow.Of(program, key, reader.Row(key, locks), group, reader.Best));
        return changes;
    }
}
