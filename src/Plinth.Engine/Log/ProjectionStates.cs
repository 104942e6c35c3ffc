using Plinth.Store;

namespace Plinth.Log;

/// <summary>What a projection's table holds.</summary>
/// <param name="Shape">Of what it was built: <c>ProjectionProgram.Shape</c>.</param>
/// <param name="Position">Of the last event that it has seen.</param>
/// <param name="BuiltAt">When it was built from the records, in microseconds since the epoch.</param>
sealed record ProjectionState(string Shape, long Position, long BuiltAt);

/// <summary>
/// <c>plinth_projections</c>: up to which event each projection has seen the log, written in the transaction of its rows. That is what
/// makes an event count once, however often it is delivered and by whomever.
/// </summary>
static class ProjectionStates
{
    const string Select = $"select shape, position, built_at from {LogTables.Projections} where name = ?1";

    const string MovesOn = $"update {LogTables.Projections} set position = ?4 where name = ?1 and shape = ?2 and position = ?3";

    const string Lapse = $"update {LogTables.Projections} set shape = '' where name = ?1";

    const string Held = $"update {LogTables.Projections} set built_at = built_at where name = ?1 and shape = ?2";

    const string Remove = $"delete from {LogTables.Projections} where name = ?1";

    const string Insert = $"insert into {LogTables.Projections} (name, shape, position, built_at) values (?1, ?2, ?3, ?4)";

    /// <summary>Null where it was never built.</summary>
    public static ProjectionState? Find(Connection connection, string name) => Find(connection, Select, name);

    /// <summary>
    /// The same, and nobody changes it before the end of the transaction, where others could; many may hold it at a time.
    /// </summary>
    public static ProjectionState? Hold(Connection connection, string name) =>
        Find(connection, connection.IsShared ? Select + " for share" : Select, name);

    static ProjectionState? Find(Connection connection, string sql, string name)
    {
        using Statement select = connection.Prepare(sql);
        select.BindText(1, name);
        return select.Step() ? new ProjectionState(select.ColumnText(0), select.ColumnInt64(1), select.ColumnInt64(2)) : null;
    }

    /// <summary>Waits until nobody holds it any more, and holds it alone; false where there is none of this shape.</summary>
    public static bool Seize(Connection connection, string name, string shape)
    {
        using (Statement held = connection.Prepare(Held))
        {
            held.BindText(1, name);
            held.BindText(2, shape);
            held.Run();
        }
        return connection.RowsConcerned == 1;
    }

    /// <summary>Its rows are not to be trusted: they are to be built anew.</summary>
    public static void GiveUp(Connection connection, string name)
    {
        using Statement lapse = connection.Prepare(Lapse);
        lapse.BindText(1, name);
        lapse.Run();
    }

    /// <summary>
    /// False, and nothing is done, where it does not stand where it was found: it was built anew, or another has moved it on.
    /// </summary>
    public static bool MoveOn(Connection connection, string name, string shape, long from, long to)
    {
        using (Statement moves = connection.Prepare(MovesOn))
        {
            moves.BindText(1, name);
            moves.BindText(2, shape);
            moves.BindInt64(3, from);
            moves.BindInt64(4, to);
            moves.Run();
        }
        return connection.RowsConcerned == 1;
    }

    /// <summary>It was built from the records as they were at a position.</summary>
    public static void Put(Connection connection, string name, ProjectionState state)
    {
        Forget(connection, name);
        using Statement insert = connection.Prepare(Insert);
        insert.BindText(1, name);
        insert.BindText(2, state.Shape);
        insert.BindInt64(3, state.Position);
        insert.BindInt64(4, state.BuiltAt);
        insert.Run();
    }

    /// <summary>Its table is new and empty, or gone.</summary>
    public static void Forget(Connection connection, string name)
    {
        using Statement remove = connection.Prepare(Remove);
        remove.BindText(1, name);
        remove.Run();
    }
}
