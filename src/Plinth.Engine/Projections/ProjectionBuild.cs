using Plinth.Evolution;
using Plinth.Log;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>
/// Builds a projection's rows anew from the records of its model: of one snapshot, into a table beside the one that is read, which then
/// takes them over in one transaction. Readers see the old rows until the new ones are all there, and writers wait for nothing but that.
/// </summary>
static class ProjectionBuild
{
    /// <summary>Rows of one transaction: others write in between.</summary>
    const int RowsAtATime = 500;

    /// <param name="program">Of the projection.</param>
    /// <param name="store">Where it is.</param>
    /// <param name="schema">The schema that serves.</param>
    /// <param name="counted">Told how many records were looked at.</param>
    /// <param name="cancel">Stops it, and leaves the old rows.</param>
    /// <returns>Where the rows stand; or the fault of a write.</returns>
    public static async Task<Result<ProjectionState>> RunAsync(
        ProjectionProgram program, EventStore store, AppSchema schema, Action<long>? counted, CancellationToken cancel)
    {
        Ddl ddl = new(store.Database.Dialect, schema);
        Build build = new(program, schema, ddl, store.Keys, Guid.NewGuid().ToString("n"));
        using Connection connection = store.Database.OpenReader();
        connection.BeginRead();
        long position = EventLog.ReadHead(connection).Position;
        Result<Done> begun = await store.Committer.RunAsync(build.Begin(), cancel).ConfigureAwait(false);
        if (!begun.IsOk) return begun.Fault;
        foreach (List<Value[]> rows in ProjectionCount.Parts(program, new ProjectionReader(program, connection), 1, counted, cancel))
        {
            foreach (Value[][] some in rows.Chunk(RowsAtATime))
            {
                Result<Done> added = await store.Committer.RunAsync(build.Add(some), cancel).ConfigureAwait(false);
                if (!added.IsOk) return added.Fault;
            }
        }
        connection.Rollback();
        return await store.Committer.RunAsync(build.Swap(position), cancel).ConfigureAwait(false);
    }

    /// <summary>The transactions of one build. Of two that overlap the later one takes over, and the other finds that it has.</summary>
    sealed class Build(ProjectionProgram program, AppSchema schema, Ddl ddl, LogKeys keys, string id)
    {
        string Name => program.Model.Name + " (building)";

        public WriteAction<Done> Begin() => new(transaction =>
        {
            Connection connection = transaction.Connection;
            ProjectionStates.Put(connection, Name, new ProjectionState(id, 0, transaction.Now));
            connection.Execute(program.Statements.Drop.Text);
            connection.Execute(ddl.CreateTable(TableShape.Of(schema, program.Model), program.Statements.Beside));
            return Done.It;
        }, isExclusive: true);

        public WriteAction<Done> Add(Value[][] rows) => new(transaction =>
        {
            if (!IsOurs(transaction.Connection)) return Taken();
            Insert(transaction.Connection, program.Statements.Insert(program.Statements.Beside), rows);
            return Done.It;
        });

        public WriteAction<ProjectionState> Swap(long position) => new(transaction =>
        {
            Connection connection = transaction.Connection;
            if (!IsOurs(connection)) return Taken();
            bool isInline = program.Model.Projection is { IsInline: true };
            // Whoever writes to the rows holds their state until the commit: from here on nobody does.
            if (isInline && ProjectionStates.Find(connection, program.Model.Name) is { } was)
                ProjectionStates.Seize(connection, program.Model.Name, was.Shape);
            connection.Execute(program.Statements.Clear.Text);
            connection.Execute(program.Statements.Take.Text);
            connection.Execute(program.Statements.Drop.Text);
            ProjectionStates.Forget(connection, Name);
            if (isInline && CatchUp(connection, position) is { } fault) return fault;
            ProjectionState state = new(program.Shape, position, transaction.Now);
            ProjectionStates.Put(connection, program.Model.Name, state);
            return state;
        }, isExclusive: true);

        /// <summary>Brings the rows from the snapshot to now: the next write is counted in its own transaction.</summary>
        Fault? CatchUp(Connection connection, long from)
        {
            long to = EventLog.ReadHead(connection).Position;
            if (from >= to) return null;
            SourceHistory history = new(program, schema, -1, keys);
            if (history.Undo(connection, from, to, []) is not { } was)
                return Faults.NotReady.Says($"More happened to {program.Source.Name} than can be made up for; it is counted again.");
            ProjectionReader reader = new(program, connection);
            ProjectionDelta delta = new(program);
            foreach (var (recordId, before) in was)
            {
                Value[]? after = RecordIds.TryRead(program.Source, recordId, out Value[]? key) ? reader.Record(key) : null;
                delta.Change(before(after), after);
            }
            foreach (RowChange change in ProjectionStep.ChangesOf(program, delta, reader, locks: false))
                ProjectionFollower.Write(connection, program.Statements, program.Model, change);
            return null;
        }

        /// <summary>Also keeps it so until the end of the transaction.</summary>
        bool IsOurs(Connection connection) => ProjectionStates.MoveOn(connection, Name, id, 0, 0);

        Fault Taken() => Faults.NotReady.Says($"{program.Model.Name} is being built by someone else, who began later.");
    }

    public static void Insert(Connection connection, SqlText sql, IEnumerable<Value[]> rows)
    {
        using Statement insert = connection.Prepare(sql);
        foreach (Value[] row in rows)
        {
            insert.Bind(sql, row);
            insert.Run();
        }
    }
}
