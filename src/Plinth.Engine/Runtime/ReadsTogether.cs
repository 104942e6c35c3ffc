using System.Threading.Tasks.Sources;
using Plinth.Plan;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What became of a request.</summary>
/// <param name="IsAnswered">Otherwise it has to be asked by itself.</param>
/// <param name="Busy">No connection came free in time; null where that was not so.</param>
readonly record struct ReadTogether(bool IsAnswered, Fault? Busy)
{
    /// <summary>Of a single record; null when there is none.</summary>
    public long? Version { get; init; }

    /// <summary>Of the log, in the snapshot that showed the record.</summary>
    public long Position { get; init; }

    /// <summary>Of a list, for whoever asked to dispose; null where its records are written.</summary>
    public Statement? Rows { get; init; }

    /// <summary>Of a list whose records are written: where it begins and ends.</summary>
    public Page? Page { get; init; }

    /// <summary>That it took, for all who asked.</summary>
    public int Statements { get; init; }
}

/// <summary>
/// Requests of one plan, asked of a database that is a way off. It clocks itself: where no statement is on its way, a request leaves at
/// once; those that come meanwhile leave together. The values of the request, and every claim that the rule compares, travel with each
/// as items of arrays, so that one statement serves callers of any tenant, and each sees what its own would have shown.
/// </summary>
/// <remarks>
/// A caller who leaves before the statement does is gone at once. One who leaves later is not waited for less: the statement is the others'
/// too; when all of them have left, it is stopped. How many wait is bounded by the connections of the server. When the statement fails,
/// each asks for itself and is told what is wrong.
/// </remarks>
abstract class ReadsTogether(ReadPace pace, SqlText statement)
{
    readonly Lock _gate = new();
    readonly Queue<Waiting> _waiting = [];
    int _lanes;

    /// <summary>Most requests of one statement.</summary>
    protected abstract int ItemsMax { get; }

    /// <summary>Most statements on their way.</summary>
    protected abstract int LanesMax(Database database);

    /// <summary>Other statements follow, of the same snapshot.</summary>
    protected virtual bool GoesOn => false;

    /// <summary>
    /// Gives each item its part of the rows, whose first column is its number, from 1; false when each has to be asked for by itself.
    /// </summary>
    protected abstract ValueTask<bool> ShareAsync(Reading reading, Statement rows, Waiting[] items);

    /// <summary>What the rows are taken with.</summary>
    protected readonly record struct Reading(Connection Connection, Limits Limits, CancellationToken Cancel);

    /// <summary>Answers a request, or says that it has to be asked by itself.</summary>
    /// <param name="by">What asks the database, and how long it may take.</param>
    /// <param name="read">The request.</param>
    /// <param name="output">Where records are written; null where who asked writes them.</param>
    /// <param name="cancel">The caller has left.</param>
    public ValueTask<ReadTogether> AskAsync(ReadsBy by, PlannedRead read, ByteOutput? output, CancellationToken cancel)
    {
        Waiting waiting = new(read, output);
        if (cancel.CanBeCanceled) waiting.Register(this, cancel);
        lock (_gate)
        {
            if (waiting.IsGone) return waiting.Task;
            _waiting.Enqueue(waiting);
            if (_lanes >= LanesMax(by.Database)) return waiting.Task;
            _lanes++;
        }

        _ = RunAsync(by);
        return waiting.Task;
    }

    async Task RunAsync(ReadsBy by)
    {
        while (Take() is { Items.Length: > 0 } group)
        {
            using (group) await AnswerAsync(by, group);
        }
    }

    Group Take()
    {
        lock (_gate)
        {
            List<Waiting> items = new(Math.Min(ItemsMax, _waiting.Count));
            while (items.Count < ItemsMax && _waiting.TryDequeue(out Waiting? waiting))
            {
                if (!waiting.IsGone) items.Add(waiting);
            }

            Group group = new([.. items]);
            foreach (Waiting item in items) item.Group = group;
            if (items.Count == 0) _lanes--;
            return group;
        }
    }

    async ValueTask AnswerAsync(ReadsBy by, Group group)
    {
        bool isAnswered = false;
        Waiting[] items = group.Items;
        long began = 0;
        try
        {
            using ReadLease lease = await by.Database.ReadAsync(pace.Lane, group.Left);
            began = by.Clock.GetTimestamp();
            Connection connection = lease.Connection;
            long ran = connection.StatementsRun;
            if (GoesOn) connection.BeginRead();
            using Statement rows = connection.Prepare(statement.Text);
            for (int i = 0; i < statement.Parameters.Length; i++) Bind(rows, i, items);
            await rows.OpenAsync(group.Left);
            isAnswered = await ShareAsync(new Reading(connection, by.Limits, group.Left), rows, items);
            foreach (Waiting item in items) item.Statements = (int)(connection.StatementsRun - ran);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Busy)
        {
            // Each has waited as long as it may.
            foreach (Waiting item in items) item.Busy = e.ToFault();
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException or InvalidOperationException)
        {
            // Each asks for itself, and is told; who has left is not.
        }
        finally
        {
            if (began != 0) pace.Learn(by.Clock.GetElapsedTime(began), isAnswered, by.Limits.SlowMs);
            foreach (Waiting item in items) item.Complete(isAnswered);
        }
    }

    void Bind(Statement rows, int parameter, Waiting[] items)
    {
        SqlParameter source = statement.Parameters[parameter];
        rows.BindItems(parameter + 1, SqlWriter.KindOf(source), source switch
        {
            SlotParameter { Slot: var slot } => Array.ConvertAll(items, item => item.Read.Values[slot]),
            ConstantParameter { Value: var value } => Array.ConvertAll(items, _ => value),
            _ => throw new InvalidOperationException("a parameter of no known kind"),
        });
    }

    /// <summary>A caller has left: at once, while its request waits; else with the last of those that it travels with.</summary>
    void Leave(Waiting waiting, CancellationToken cancel)
    {
        Group? group;
        lock (_gate)
        {
            group = waiting.Group;
            if (group is null) waiting.IsGone = true;
            else if (--group.Here > 0) return;
        }

        if (group is null) waiting.Abandon(cancel);
        else group.Leave();
    }

    /// <summary>Requests of one statement.</summary>
    protected sealed class Group(Waiting[] items) : IDisposable
    {
        readonly CancellationTokenSource _left = new();
        readonly Lock _gate = new();
        bool _isOver;

        public Waiting[] Items => items;

        /// <summary>Callers who have not left.</summary>
        public int Here { get; set; } = items.Length;

        /// <summary>All of them have left.</summary>
        public CancellationToken Left => _left.Token;

        public void Leave()
        {
            lock (_gate)
            {
                if (!_isOver) _left.Cancel();
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _isOver = true;
                _left.Dispose();
            }
        }
    }

    /// <summary>One request; also what it awaits.</summary>
    protected sealed class Waiting(PlannedRead read, ByteOutput? output) : IValueTaskSource<ReadTogether>
    {
        // Not on the lane's thread: what follows in a request would hold up the next statement.
        ManualResetValueTaskSourceCore<ReadTogether> _source = new() { RunContinuationsAsynchronously = true };
        CancellationTokenRegistration _leaving;

        public PlannedRead Read => read;

        public ByteOutput Output => output ?? throw new InvalidOperationException("this is written by who asked for it");

        public long? Version { get; set; }

        public long Position { get; set; }

        public Statement? Rows { get; set; }

        public Page? Page { get; set; }

        public int Statements { get; set; }

        public Fault? Busy { get; set; }

        /// <summary>Those that it travels with, once it does. Under the gate.</summary>
        public Group? Group { get; set; }

        /// <summary>It has left before it travelled. Under the gate.</summary>
        public bool IsGone { get; set; }

        public ValueTask<ReadTogether> Task => new(this, _source.Version);

        public void Register(ReadsTogether together, CancellationToken cancel) => _leaving = cancel.UnsafeRegister(
            static (state, cancel) =>
            {
                var (together, waiting) = ((ReadsTogether, Waiting))state!; // Given below.
                together.Leave(waiting, cancel);
            },
            (together, this));

        public void Complete(bool isAnswered)
        {
            // Not waited for: who leaves in this moment finds nothing to do.
            _leaving.Unregister();
            _source.SetResult(new ReadTogether(isAnswered, Busy)
            {
                Version = Version,
                Position = Position,
                Rows = Rows,
                Page = Page,
                Statements = Statements,
            });
        }

        public void Abandon(CancellationToken cancel) => _source.SetException(new OperationCanceledException(cancel));

        ReadTogether IValueTaskSource<ReadTogether>.GetResult(short token) => _source.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource<ReadTogether>.GetStatus(short token) => _source.GetStatus(token);

        void IValueTaskSource<ReadTogether>.OnCompleted(
            Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _source.OnCompleted(continuation, state, token, flags);
    }
}

/// <summary>What asks the database for many.</summary>
sealed record ReadsBy(Database Database, TimeProvider Clock, Limits Limits);
