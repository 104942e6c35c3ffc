using Plinth.Log;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>How a projection stands, for operators.</summary>
/// <param name="State">What its table holds; null where it was not built yet.</param>
/// <param name="Behind">Events of the log that its rows have not seen.</param>
sealed record ProjectionReport(Model Projection, ProjectionState? State, long Behind)
{
    /// <summary>The model that it is made from.</summary>
    public string From => Projection.Projection?.From ?? throw new InvalidOperationException($"{Projection.Name} is no projection");

    /// <summary>In one word: building, then what its follower does; waiting where another node leads it.</summary>
    public string StateOf(FollowerStatus? follower) => follower?.State switch
    {
        FollowerState.Parked => "parked",
        FollowerState.Retrying => "retrying",
        _ when State is null => "building",
        FollowerState.Running => "running",
        _ => "waiting",
    };
}

/// <summary>
/// The projections of the schema that serves: a follower for each, begun anew with every schema. Thread-safe.
/// </summary>
/// <param name="store">Where they are.</param>
/// <param name="options">How their followers are driven.</param>
sealed class ProjectionKeeper(EventStore store, FollowerOptions? options = null) : IAsyncDisposable
{
    readonly SemaphoreSlim _one = new(1, 1);
    readonly FollowerOptions _options = options ?? FollowerOptions.Default;
    readonly Dictionary<string, ProjectionState?> _seen = new(StringComparer.Ordinal);
    List<ProjectionFollower> _followers = [];

    /// <summary>
    /// Told the name of a projection whose rows this process has changed, after the commit. Must be quick and must not throw.
    /// </summary>
    public Action<string>? Changed { get; set; }

    /// <summary>
    /// Writes of a schema are counted in their own transactions from now on. In the writer's turn, or before anything is written: no
    /// command is decided under one schema and counted under another.
    /// </summary>
    public void Derive(AppSchema schema)
    {
        ProjectionInline inline = new(ProjectionsOf(schema).Where(static m => m.Projection is { IsInline: true })
            .Select(model => ProgramOf(schema, model)));
        store.Committer.Derive = inline.IsEmpty ? null : inline.Write;
    }

    /// <summary>Keeps the projections of a schema from now on, and no others.</summary>
    public async Task ServeAsync(AppSchema schema, int version)
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            await StopAsync().ConfigureAwait(false);
            _followers = [.. ProjectionsOf(schema).Select(model => Follow(ProgramOf(schema, model), schema, version))];
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Records that a projection is made from, for who shows how far a count is.</summary>
    public long CountRecords(AppSchema schema, Model model)
    {
        using ReadLease lease = store.Database.Read(CancellationToken.None);
        return lease.Connection.ScalarInt64(ProgramOf(schema, model).Statements.Count.Text) ?? 0;
    }

    public static IEnumerable<Model> ProjectionsOf(AppSchema schema) => schema.Models.Where(static m => m.Projection is not null);

    /// <summary>How the projections of a schema stand, in the order of the schema.</summary>
    public IReadOnlyList<ProjectionReport> Report(AppSchema schema, CancellationToken cancel)
    {
        List<ProjectionReport> reports = [];
        using ReadLease lease = store.Database.Read(cancel);
        lease.Connection.BeginRead();
        long head = EventLog.ReadHead(lease.Connection).Position;
        foreach (Model model in ProjectionsOf(schema))
        {
            ProjectionState? state = StateOf(lease.Connection, schema, model);
            // What is inline has seen what is committed.
            if (state is not null && model.Projection is { IsInline: true }) state = state with { Position = head };
            reports.Add(new ProjectionReport(model, state, head - (state?.Position ?? 0)));
        }
        return reports;
    }

    /// <summary>Those of some projections whose rows have seen more of the log than when this was asked last.</summary>
    public IReadOnlyList<string> Moved(IEnumerable<string> names)
    {
        List<string> moved = [];
        using ReadLease lease = store.Database.Read(CancellationToken.None);
        lock (_seen)
        {
            foreach (string name in names)
            {
                ProjectionState? now = ProjectionStates.Find(lease.Connection, name);
                if (_seen.TryGetValue(name, out ProjectionState? then) && then == now) continue;
                _seen[name] = now;
                moved.Add(name);
            }
        }
        return moved;
    }

    /// <summary>Builds a projection's rows anew beside those that are read, and swaps them.</summary>
    /// <param name="schema">The schema that serves.</param>
    /// <param name="model">The projection.</param>
    /// <param name="counted">Told how many records were looked at.</param>
    /// <param name="cancel">Stops it, and leaves the old rows.</param>
    public async Task<Result<ProjectionState>> BuildAsync(AppSchema schema, Model model, Action<long>? counted, CancellationToken cancel)
    {
        Result<ProjectionState> built =
            await ProjectionBuild.RunAsync(ProgramOf(schema, model), store, schema, counted, cancel).ConfigureAwait(false);
        if (built.IsOk)
        {
            Changed?.Invoke(model.Name);
            await FollowAgainAsync(model).ConfigureAwait(false);
        }
        return built;
    }

    /// <summary>Counts the records anew and compares: what a projection's rows must be, but are not.</summary>
    /// <param name="schema">The schema that serves.</param>
    /// <param name="model">The projection.</param>
    /// <param name="counted">Told how many records were looked at.</param>
    /// <param name="cancel">Stops it.</param>
    public ProjectionVerification Verify(AppSchema schema, Model model, Action<long>? counted, CancellationToken cancel) =>
        ProjectionVerification.Of(ProgramOf(schema, model), store, schema, counted, cancel);

    /// <summary>Keeps none from now on. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            await StopAsync().ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    ProjectionProgram ProgramOf(AppSchema schema, Model model) => new(schema, model, store.Database.Dialect, store.Limits);

    ProjectionState? StateOf(Connection connection, AppSchema schema, Model model)
    {
        ProjectionState? state = ProjectionStates.Find(connection, model.Name);
        return string.Equals(state?.Shape, ProgramOf(schema, model).Shape, StringComparison.Ordinal) ? state : null;
    }

    ProjectionFollower Follow(ProjectionProgram program, AppSchema schema, int version) =>
        new(program, store, schema, version, name => Changed?.Invoke(name), _options);

    /// <summary>What a follower was parked over, its rows have seen by now.</summary>
    async Task FollowAgainAsync(Model model)
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            for (int i = 0; i < _followers.Count; i++)
            {
                ProjectionFollower follower = _followers[i];
                bool isIt = string.Equals(follower.Program.Model.Name, model.Name, StringComparison.Ordinal);
                if (!isIt || follower.Status.State != FollowerState.Parked) continue;
                await follower.DisposeAsync().ConfigureAwait(false);
                _followers[i] = Follow(follower.Program, follower.Schema, follower.Version);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    async Task StopAsync()
    {
        foreach (ProjectionFollower follower in _followers) await follower.DisposeAsync().ConfigureAwait(false);
        _followers = [];
    }
}
