using Plinth.Log;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>
/// Keeps one projection: a durable follower, which runs on one node. What becomes of the rows is worked out over a snapshot, outside the
/// writer's turn; there it is written, and only if the rows still stand where they were read. Rows that are kept inline it only builds,
/// and builds anew when they were given up.
/// </summary>
sealed class ProjectionFollower : IAsyncDisposable
{
    readonly EventStore _store;
    readonly SourceHistory _history;
    readonly Action<string> _changed;
    readonly DurableFollower _follower;
    ProjectionStep? _step;

    /// <param name="program">Of the projection.</param>
    /// <param name="store">Where it is.</param>
    /// <param name="schema">The schema that serves.</param>
    /// <param name="version">Its number.</param>
    /// <param name="changed">Told the projection's name when its rows have changed.</param>
    /// <param name="options">How it is driven.</param>
    public ProjectionFollower(
        ProjectionProgram program, EventStore store, AppSchema schema, int version, Action<string> changed, FollowerOptions options)
    {
        (Program, _store, Schema, Version, _changed) = (program, store, schema, version, changed);
        _history = new SourceHistory(program, schema, version, store.Keys);
        FollowerWork work = new(WorkOutAsync, Write) { Prepare = PrepareAsync, Applied = Tell };
        _follower = new DurableFollower(store, NameOf(program.Model), work, options: options);
    }

    public ProjectionProgram Program { get; }

    bool IsInline => Program.Model.Projection is { IsInline: true };

    public AppSchema Schema { get; }

    public int Version { get; }

    public FollowerStatus Status => _follower.Status;

    /// <summary>As <c>/followers</c> calls it.</summary>
    public static string NameOf(Model projection) => NamePrefix + projection.Name;

    public const string NamePrefix = "projection ";

    /// <summary>Builds the rows anew, beside those that are read.</summary>
    public async Task<Result<ProjectionState>> BuildAsync(Action<long>? counted, CancellationToken cancel)
    {
        Result<ProjectionState> built = await ProjectionBuild.RunAsync(Program, _store, Schema, counted, cancel).ConfigureAwait(false);
        if (built.IsOk) _changed(Program.Model.Name);
        return built;
    }

    public ValueTask DisposeAsync() => _follower.DisposeAsync();

    /// <summary>
    /// The lead was taken: rows of another shape, or none, are built first; and so are those of a place that is none of the log's, behind
    /// its end or before its beginning.
    /// </summary>
    async ValueTask<long> PrepareAsync(long position, CancellationToken cancel)
    {
        ProjectionState? state;
        long head, begins;
        using (ReadLease lease = _store.Database.Read(cancel))
        {
            lease.Connection.BeginRead();
            state = ProjectionStates.Find(lease.Connection, Program.Model.Name);
            head = EventLog.ReadHead(lease.Connection).Position;
            begins = LogStart.Find(lease.Connection)?.Position ?? 0;
        }
        bool isBuilt = state is not null && string.Equals(state.Shape, Program.Shape, StringComparison.Ordinal);
        long place = Math.Max(position, state?.Position ?? 0);
        if (isBuilt && place >= begins && place <= head) return place;
        return (await BuiltAsync(cancel).ConfigureAwait(false)).Position;
    }

    async ValueTask WorkOutAsync(IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        _step = null;
        long last = events[^1].Position;
        for (bool isKnown = false; !isKnown;)
        {
            ProjectionState state;
            using (ReadLease lease = _store.Database.Read(cancel))
            {
                lease.Connection.BeginRead();
                state = ProjectionStates.Find(lease.Connection, Program.Model.Name) ?? throw new LeadershipLostException();
                bool isBuilt = string.Equals(state.Shape, Program.Shape, StringComparison.Ordinal);
                if (!isBuilt && !(IsInline && state.Shape.Length == 0)) throw new LeadershipLostException();
                isKnown = state.Position >= last || IsInline;
                if (!isKnown) _step = ProjectionStep.Of(Program, state.Position, events, lease.Connection, _history);
                isKnown |= _step is not null;
                isKnown &= isBuilt;
            }
            if (!isKnown) await BuiltAsync(cancel).ConfigureAwait(false);
        }
    }

    void Write(WriteTransaction transaction, IReadOnlyList<LogEvent> events)
    {
        if (_step is not { } step) return;
        Connection connection = transaction.Connection;
        if (!ProjectionStates.MoveOn(connection, Program.Model.Name, Program.Shape, step.From, step.To))
            throw new FollowerException("the projection was built anew meanwhile", isPassing: true);
        foreach (RowChange change in step.Changes) Write(connection, Program.Statements, Program.Model, change);
    }

    void Tell()
    {
        if (_step is { Changes.Count: > 0 }) _changed(Program.Model.Name);
    }

    public static void Write(Connection connection, ProjectionStatements statements, Model model, in RowChange change)
    {
        SqlText? sql = change switch
        {
            { Stays: true, Was: true } => statements.Update,
            { Stays: true } => statements.Insert(model.Table),
            { Was: true } => statements.Delete,
            _ => null,
        };
        if (sql is null) return;
        using Statement statement = connection.Prepare(sql);
        statement.Bind(sql, change.Row);
        statement.Run();
    }

    async Task<ProjectionState> BuiltAsync(CancellationToken cancel)
    {
        Result<ProjectionState> built = await BuildAsync(null, cancel).ConfigureAwait(false);
        return built.IsOk ? built.Value : throw new FollowerException(built.Fault.Message, isPassing: true);
    }
}
