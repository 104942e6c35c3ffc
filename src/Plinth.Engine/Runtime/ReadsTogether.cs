using System.Threading.Tasks.Sources;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What became of a request for one record.</summary>
/// <param name="IsAnswered">Otherwise it has to be asked by itself.</param>
/// <param name="Version">Of the record; null when there is none.</param>
/// <param name="Position">Of the log, in the snapshot that showed the record.</param>
readonly record struct ReadTogether(bool IsAnswered, long? Version, long Position);

/// <summary>
/// Requests of one plan for single records, asked of a database that is a way off. It clocks itself: where no statement is on its way, a
/// request leaves at once; those that come meanwhile leave together. The key, and every claim that the rule compares, travel with each
/// request as items of arrays, so that one statement serves callers of any tenant, and each sees what its own would have shown.
/// </summary>
/// <remarks>
/// A caller who leaves is not waited for less: the statement is the others' too, and the statement time bounds it. How many wait is bounded
/// by the connections of the server. When the statement fails, each asks for itself and is told what is wrong.
/// </remarks>
sealed class ReadsTogether(ReadProgram program, SqlText statement, int positionColumn)
{
    /// <summary>Most requests of one statement.</summary>
    const int ItemsMax = 64;

    /// <summary>Statements on their way: while one is answered, the next is asked.</summary>
    const int LanesMax = 2;

    readonly Lock _gate = new();
    readonly Queue<Waiting> _waiting = [];
    int _lanes;

    /// <summary>Answers a request, whose record it writes; false when it has to be asked by itself.</summary>
    /// <param name="database">What is asked.</param>
    /// <param name="values">Of the request, by slot.</param>
    /// <param name="output">Where the record goes; nothing when there is none.</param>
    public ValueTask<ReadTogether> AskAsync(Database database, Value[] values, ByteOutput output)
    {
        Waiting waiting = new(values, output);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (_lanes == LanesMax) return waiting.Task;
            _lanes++;
        }

        _ = RunAsync(database);
        return waiting.Task;
    }

    async Task RunAsync(Database database)
    {
        while (Take() is { Length: > 0 } items) await AnswerAsync(database, items);
    }

    Waiting[] Take()
    {
        lock (_gate)
        {
            Waiting[] items = new Waiting[Math.Min(ItemsMax, _waiting.Count)];
            for (int i = 0; i < items.Length; i++) items[i] = _waiting.Dequeue();
            if (items.Length == 0) _lanes--;
            return items;
        }
    }

    async ValueTask AnswerAsync(Database database, Waiting[] items)
    {
        bool isAnswered = false;
        try
        {
            using ReadLease lease = await database.ReadAsync(CancellationToken.None);
            using Statement rows = lease.Connection.Prepare(statement);
            for (int i = 0; i < statement.Parameters.Length; i++) Bind(rows, i, items);
            await rows.OpenAsync(CancellationToken.None);
            LevelProgram root = program.Root;
            while (rows.Step())
            {
                Waiting item = items[(int)rows.ColumnInt64(0) - 1];
                item.Version = rows.ColumnInt64(root.Columns.Version + 1);
                item.Position = rows.ColumnInt64(positionColumn + 1);
                root.Writer.Write(item.Output, rows, 1);
                item.Output.Write((byte)'}');
            }

            isAnswered = true;
        }
        catch (StoreException)
        {
            // Each asks for itself, and is told.
        }
        finally
        {
            foreach (Waiting item in items) item.Complete(isAnswered);
        }
    }

    void Bind(Statement rows, int parameter, Waiting[] items)
    {
        SqlParameter source = statement.Parameters[parameter];
        rows.BindItems(parameter + 1, SqlWriter.KindOf(source), source switch
        {
            SlotParameter { Slot: var slot } => Array.ConvertAll(items, item => item.Values[slot]),
            ConstantParameter { Value: var value } => Array.ConvertAll(items, _ => value),
            _ => throw new InvalidOperationException("a parameter of no known kind"),
        });
    }

    /// <summary>One request; also what it awaits.</summary>
    sealed class Waiting(Value[] values, ByteOutput output) : IValueTaskSource<ReadTogether>
    {
        // Not on the lane's thread: what follows in a request would hold up the next statement.
        ManualResetValueTaskSourceCore<ReadTogether> _source = new() { RunContinuationsAsynchronously = true };

        public Value[] Values => values;

        public ByteOutput Output => output;

        public long? Version { get; set; }

        public long Position { get; set; }

        public ValueTask<ReadTogether> Task => new(this, _source.Version);

        public void Complete(bool isAnswered) => _source.SetResult(new ReadTogether(isAnswered, Version, Position));

        ReadTogether IValueTaskSource<ReadTogether>.GetResult(short token) => _source.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource<ReadTogether>.GetStatus(short token) => _source.GetStatus(token);

        void IValueTaskSource<ReadTogether>.OnCompleted(
            Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _source.OnCompleted(continuation, state, token, flags);
    }
}
