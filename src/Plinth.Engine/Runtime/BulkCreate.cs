using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Creates of very many: each record is read and decided as it arrives, and staged; once all are, one transaction of its own inserts them
/// with their events. All or nothing; what is wrong is told by position, of the first hundred.
/// </summary>
sealed class BulkCreate(EventStore store, Func<WriteSchema> current, Caller caller, Moment moment)
{
    // The schema is swapped in the writer's turn, so what was decided under another one is known there.
    readonly WriteSchema _schema = current();

    public async Task<Result<(Written Written, long Position)>> RunAsync(
        string modelName, IAsyncEnumerable<ReadOnlyMemory<byte>> records, CancellationToken cancel)
    {
        if (_schema.Schema.FindModel(modelName) is not { } model)
        {
            return Faults.UnknownModel.Says($"there is no model '{modelName}'",
                Names.DidYouMean(modelName, _schema.Schema.Models.Select(m => m.Name)));
        }
        SchemaView view = _schema.Policies.SeenBy(caller, moment.Now);
        RecordShape shape = _schema.Planner.ShapeOf(view, view.Schema.Model(modelName));
        CallerRules rules = _schema.Policies.Of(model).For(Operation.Create, caller, moment.Now);
        if (rules.Refusal(caller, $"to create {model.Name} records") is { } refusal) return refusal;
        using StagedRows staged = new(Path.Combine(store.Database.Options.Folder, "staging"));
        if ((await StageAsync(shape, records, staged, cancel)).Fault is { } fault) return fault;
        await staged.RewindAsync(cancel);
        BulkUnit unit = new(_schema, current, shape, staged, rules, store.Events, caller, moment);
        var inserted = await store.Committer.RunAsync(unit, cancel);
        if (unit.IsOutdated)
        {
            return Faults.NotReady.Says("the schema was replaced meanwhile; nothing was written") with { RetryAfterSeconds = 1 };
        }
        if (!inserted.IsOk) return inserted.Fault;
        return (new Written(WriteOutcome.Many, model) { Count = inserted.Value }, unit.Position);
    }

    async ValueTask<Result<Done>> StageAsync(
        RecordShape shape, IAsyncEnumerable<ReadOnlyMemory<byte>> records, StagedRows staged, CancellationToken cancel)
    {
        Problems problems = new();
        ValueReader reader = new(_schema.Shapes, moment, problems);
        int number = 0;
        await foreach (ReadOnlyMemory<byte> record in records.WithCancellation(cancel))
        {
            if (number == _schema.Limits.BulkRows)
            {
                return Faults.TooManyRows.Says(string.Create(CultureInfo.InvariantCulture,
                    $"more than {_schema.Limits.BulkRows} records in one request (limits.bulkRows); nothing was written"));
            }
            problems.Enter(number++);
            var read = InputReader.Read(record.Span, shape, InputMode.Create, reader, _schema.Limits);
            if (!read.IsOk) return Problems.At(string.Create(CultureInfo.InvariantCulture, $"[{number - 1}]"), read.Fault);
            WritePlanner.DecideNew(shape, read.Value, reader);
            problems.Leave();
            if (problems.None) await staged.AddAsync(read.Value, cancel);
            else if (problems.Count >= Problems.ToldMax) break;
        }
        return problems.ToFault() is { } fault ? fault : Done.It;
    }

    /// <summary>Inserts what was staged, in a transaction of its own.</summary>
    sealed class BulkUnit(
        WriteSchema schema,
        Func<WriteSchema> current,
        RecordShape shape,
        StagedRows staged,
        CallerRules rules,
        EventWriter events,
        Caller caller,
        Moment moment)
        : WriteUnit<long>
    {
        /// <summary>Rows whose events are held in memory at a time.</summary>
        const int FlushedEvery = 1000;

        public long Position { get; private set; }

        public bool IsOutdated { get; private set; }

        protected internal override bool IsExclusive => true;

        protected internal override void Committed(long position) => Position = position;

        protected internal override Fault Refused(StoreConstraint constraint) => Conflicts.Of(schema.Schema, constraint);

        protected override Result<long> Execute(WriteTransaction transaction)
        {
            IsOutdated = !ReferenceEquals(current(), schema);
            if (IsOutdated) return Faults.NotReady.Says("the schema was replaced");
            FieldWrites fields = FieldWrites.Of(schema.Policies, schema.Schema.Model(shape.Name), caller, moment.Now);
            WriteScope scope = new(schema, transaction, events, caller, moment);
            Fault? first = null;
            for (long i = 0; i < staged.Count; i++)
            {
                var inserted = Creates.Insert(scope, shape, rules, fields, staged.Next(shape.Fields.Length));
                if (i % FlushedEvery == FlushedEvery - 1) transaction.Flush();
                if (inserted.IsOk) continue;
                Fault at = Problems.At(string.Create(CultureInfo.InvariantCulture, $"[{i}]"), inserted.Fault);
                first = first is null ? at : first with { Details = [.. first.Details, .. at.Details] };
                if (first.Details.Length >= Problems.ToldMax) break;
            }
            return first is null ? staged.Count : first;
        }
    }
}
