using Plinth.Log;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>
/// Keeps inline projections: what the events of a group change is written in the group's own transaction, so whoever reads after a write
/// sees it counted. Runs on the writer's thread.
/// </summary>
sealed class ProjectionInline
{
    readonly ProjectionProgram[] _programs;

    public ProjectionInline(IEnumerable<ProjectionProgram> programs) =>
        // In one order, so that two nodes that lock the same rows do not wait for one another.
        _programs = [.. programs.OrderBy(static p => p.Model.Name, StringComparer.Ordinal)];

    public bool IsEmpty => _programs.Length == 0;

    /// <summary>Writes what some events of a transaction change; they have no positions yet.</summary>
    public void Write(Connection connection, IReadOnlyList<LogEvent> events)
    {
        foreach (ProjectionProgram program in _programs)
        {
            if (Concerns(program, events)) Write(program, connection, events);
        }
    }

    static bool Concerns(ProjectionProgram program, IReadOnlyList<LogEvent> events)
    {
        foreach (LogEvent happened in events)
        {
            if (happened.Rows is not null && string.Equals(happened.Model, program.Source.Name, StringComparison.Ordinal)) return true;
        }
        return false;
    }

    static void Write(ProjectionProgram program, Connection connection, IReadOnlyList<LogEvent> events)
    {
        string name = program.Model.Name;
        // Held until the end of the transaction: who swaps the rows meanwhile waits, and then sees what is written here.
        ProjectionState? state = ProjectionStates.Hold(connection, name);
        if (!string.Equals(state?.Shape, program.Shape, StringComparison.Ordinal)) return;
        ProjectionDelta delta = new(program);
        ProjectionReader reader = new(program, connection);
        List<RowChange> changes;
        try
        {
            foreach (var (before, after) in SourceHistory.Outcomes(program, events, from: 0)) delta.Change(before, after);
            changes = ProjectionStep.ChangesOf(program, delta, reader, locks: true);
        }
        catch (Exception e) when (e is InvalidDataException or ExpressionCostException)
        {
            // Nothing was written yet. A write is not refused because of what is counted over it: the rows are given up, and whoever
            // builds them anew meets the reason and says it.
            ProjectionStates.GiveUp(connection, name);
            return;
        }
        foreach (RowChange change in changes) Write(program, connection, reader, delta, change);
    }

    static void Write(ProjectionProgram program, Connection connection, ProjectionReader reader, ProjectionDelta delta, RowChange change)
    {
        ProjectionFollower.Write(connection, program.Statements, program.Model, change);
        if (change.Was || !change.Stays || connection.RowsConcerned == 1) return;
        // Another node has made the row since it was looked for: there is one to change now.
        GroupKey key = new([.. program.Model.StoredKey.Select(f => change.Row[f.Ordinal])]);
        RowChange again = ProjectionRow.Of(program, key, reader.Row(key, locks: true), delta.Of(key), reader.Best);
        ProjectionFollower.Write(connection, program.Statements, program.Model, again);
    }
}
