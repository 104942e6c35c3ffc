using Plinth.Schema;

namespace Plinth.Projections;

/// <summary>
/// Counts the records of a model anew. Rows are gathered in memory; where they are too many for that, the records are gone through
/// several times, each time for a part of the keys.
/// </summary>
static class ProjectionCount
{
    /// <summary>Rows that are gathered at a time.</summary>
    public const int GroupsMax = 200_000;

    /// <summary>The rows that the projection must have, part by part, each part in the order of keys.</summary>
    /// <param name="program">Of the projection.</param>
    /// <param name="reader">Over one snapshot.</param>
    /// <param name="parts">Parts that the keys are divided into; more when they turn out to be too few.</param>
    /// <param name="counted">Told how many records were looked at.</param>
    /// <param name="cancel">Stops it.</param>
    /// <param name="groupsMax">Rows in memory; for tests.</param>
    public static IEnumerable<List<Value[]>> Parts(
        ProjectionProgram program, ProjectionReader reader, int parts, Action<long>? counted, CancellationToken cancel,
        int groupsMax = GroupsMax)
    {
        for (int part = 0; part < parts; part++)
        {
            ProjectionDelta? delta = Gather(program, reader, part, parts, counted, cancel, groupsMax);
            if (delta is null)
            {
                // Too many for one go. What was given already stays right: parts are divided into parts of their own.
                parts *= 4;
                part = part * 4 - 1;
                continue;
            }
            List<Value[]> rows = new(delta.Count);
            foreach (var (key, group) in delta.Groups)
                rows.Add(ProjectionRow.Of(program, key, null, group, static (_, _) => Value.Null).Row);
            yield return rows;
        }
    }

    /// <summary>Which part a key belongs to: dividing each part by four divides the keys of it, and of no other.</summary>
    public static int PartOf(in GroupKey key, int parts) => (int)((uint)key.Stable() * (ulong)parts >> 32);

    static ProjectionDelta? Gather(
        ProjectionProgram program, ProjectionReader reader, int part, int parts, Action<long>? counted, CancellationToken cancel,
        int groupsMax)
    {
        ProjectionDelta delta = new(program);
        long seen = 0;
        foreach (Contribution contribution in reader.Contributions())
        {
            if ((++seen & 0xfff) == 0)
            {
                cancel.ThrowIfCancellationRequested();
                counted?.Invoke(seen);
            }
            if (parts > 1 && PartOf(contribution.Key, parts) != part) continue;
            delta.Add(contribution);
            if (delta.Count > groupsMax) return null;
        }
        counted?.Invoke(seen);
        return delta;
    }
}
