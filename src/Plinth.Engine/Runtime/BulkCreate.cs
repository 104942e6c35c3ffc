using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
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
/// <param name="store">The database and its log.</param>
/// <param name="current">The schema that serves now.</param>
/// <param name="answers">Keeps the answer under the idempotency key, in the transaction of the records.</param>
/// <param name="caller">Who asks.</param>
/// <param name="moment">When.</param>
/// <param name="key">Its digest covers what stands before the records; that of the records is added as they pass.</param>
sealed class BulkCreate(
    EventStore store, Func<WriteSchema> current, AnswerStore answers, Caller caller, Moment moment, IdempotencyKey? key)
{
    // The schema is swapped in the writer's turn, so what was decided under another one is known there.
    readonly WriteSchema _schema = current();

    public async Task<Result<WriteReply>> RunAsync(
        string modelName, IAsyncEnumerable<ReadOnlyMemory<byte>> records, CancellationToken cancel)
    {
        if (_schema.Schema.FindModel(modelName) is not { } model)
        {
            return Faults.UnknownModel.Says($"there is no model '{modelName}'",
                Names.DidYouMean(modelName, _schema.Schema.Models.Select(m => m.Name)));
        }
        if (WritePlanner.KeptByEngine(model) is { } kept) return kept;
        SchemaView view = _schema.Policies.SeenBy(caller, moment.Now);
        RecordShape shape = _schema.Planner.ShapeOf(view, view.Schema.Model(modelName));
        CallerRules rules = _schema.Policies.Of(model).For(Operation.Create, caller, moment.Now);
        if (rules.Refusal(caller, $"to create {model.Name} records") is { } refusal) return refusal;
        using StagedRows staged = new(store.Database.Options.Folder);
        using IncrementalHash? digest = Digest();
        var read = await StageAsync(shape, records, staged, digest, cancel);
        if (read.Fault is { } fault) return fault;
        await staged.CloseAsync(cancel);
        BulkUnit unit = new(_schema, current, answers, shape, staged, rules, store.Events, caller, moment);
        if (digest is not null) unit.Key = key! with { RequestDigest = [.. digest.GetHashAndReset()] }; // There is a digest for a key.
        var inserted = await store.Committer.RunAsync(unit, cancel);
        if (unit.IsOutdated)
        {
            return Faults.NotReady.Says("the schema was replaced meanwhile; nothing was written") with { RetryAfterSeconds = 1 };
        }
        if (!inserted.IsOk) return inserted.Fault;
        if (inserted.Value is [var earlier]) return AnswerStore.Reply(earlier);
        return new WriteReply { Outcome = WriteOutcome.Many, Body = unit.Created.Body(minimal: false), Position = unit.Position };
    }

    /// <summary>Begins with what stands before the records; null without a key.</summary>
    IncrementalHash? Digest()
    {
        if (key is null) return null;
        IncrementalHash digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(key.RequestDigest.AsSpan());
        return digest;
    }

    async ValueTask<Result<Done>> StageAsync(
        RecordShape shape,
        IAsyncEnumerable<ReadOnlyMemory<byte>> records,
        StagedRows staged,
        IncrementalHash? digest,
        CancellationToken cancel)
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
            Append(digest, record.Span);
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

    // Each with its length before it: no two different lists of records give the same bytes.
    static void Append(IncrementalHash? digest, ReadOnlySpan<byte> record)
    {
        if (digest is null) return;
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, record.Length);
        digest.AppendData(length);
        digest.AppendData(record);
    }

    /// <summary>Inserts what was staged, in a transaction of its own; answers what an earlier request with its key was answered.</summary>
    sealed class BulkUnit(
        WriteSchema schema,
        Func<WriteSchema> current,
        AnswerStore answers,
        RecordShape shape,
        StagedRows staged,
        CallerRules rules,
        EventWriter events,
        Caller caller,
        Moment moment)
        : WriteUnit<ImmutableArray<StoredAnswer>>
    {
        /// <summary>Bytes of staged records that are held at a time, but for one record more.</summary>
        const long PartBytes = 4 << 20;

        /// <summary>With the digest of the whole request.</summary>
        public IdempotencyKey? Key { get; set; }

        public long Position { get; private set; }

        public bool IsOutdated { get; private set; }

        public Written Created => new(WriteOutcome.Many, schema.Schema.Model(shape.Name)) { Count = staged.Count };

        protected internal override bool IsExclusive => true;

        protected internal override Value Tenant => schema.Schema.IsTenanted ? caller.Tenant : Value.Null;

        protected internal override void Committed(long position) => Position = position;

        protected internal override Fault Refused(StoreConstraint constraint) => Conflicts.Of(schema.Schema, constraint);

        protected override Result<ImmutableArray<StoredAnswer>> Execute(WriteTransaction transaction)
        {
            IsOutdated = !ReferenceEquals(current(), schema);
            if (IsOutdated) return Faults.NotReady.Says("the schema was replaced");
            if (Key is null) return Insert(transaction) is { } failed ? failed : ImmutableArray<StoredAnswer>.Empty;
            if (answers.Take(transaction, Key, moment.Now).Failed(out Fault? fault, out var earlier) && fault is not null) return fault;
            if (earlier is { } replayed) return replayed;
            if (Insert(transaction) is { } refused) return refused;
            using ByteOutput body = Created.Body(minimal: false)!; // A number is always told.
            answers.Put(transaction, Key, [new StoredAnswer(WriteOutcome.Many, 0, [], body.ToArray(), NeedsBodyHash: false)]);
            return ImmutableArray<StoredAnswer>.Empty;
        }

        Fault? Insert(WriteTransaction transaction)
        {
            FieldWrites fields = FieldWrites.Of(schema.Policies, schema.Schema.Model(shape.Name), caller, moment.Now);
            WriteScope scope = new(schema, transaction, events, caller, moment);
            staged.Rewind();
            return CreatesTogether.Of(scope, shape, rules, fields) is { } together
                ? InsertTogether(scope, together)
                : InsertEach(scope, fields);
        }

        Fault? InsertEach(WriteScope scope, FieldWrites fields)
        {
            Fault? fault = null;
            long flushed = 0;
            for (long i = 0; i < staged.Count && !Creates.IsToldEnough(fault); i++)
            {
                var inserted = Creates.Insert(scope, shape, rules, fields, staged.Next(shape.Fields.Length));
                if (!inserted.IsOk) fault = Creates.Also(fault, i, inserted.Fault);
                FlushSome(scope.Transaction, ref flushed);
            }
            return fault;
        }

        /// <summary>
        /// All rows first, then, from the staged records once more, their events: until the first of them is appended no other node waits.
        /// </summary>
        Fault? InsertTogether(WriteScope scope, CreatesTogether together)
        {
            Fault? fault = null;
            List<Input> part = new(CreatesTogether.RowsMax);
            for (long from = 0; from < staged.Count && !Creates.IsToldEnough(fault); from += part.Count)
            {
                part.Clear();
                long end = staged.BytesRead + PartBytes;
                while (from + part.Count < staged.Count && part.Count < CreatesTogether.RowsMax && staged.BytesRead < end)
                    part.Add(staged.Next(shape.Fields.Length));
                fault = together.Insert(CollectionsMarshal.AsSpan(part), from, fault, stored: null);
            }
            if (fault is not null) return fault;
            staged.Rewind();
            Model model = schema.Schema.Model(shape.Name);
            long flushed = 0;
            for (long i = 0; i < staged.Count; i++)
            {
                Input input = staged.Next(shape.Fields.Length);
                together.Complete(input);
                scope.Created(model, input.Values);
                FlushSome(scope.Transaction, ref flushed);
            }
            return null;
        }

        void FlushSome(WriteTransaction transaction, ref long flushed)
        {
            if (transaction.Events.Count < WriteTransaction.HeldMax && staged.BytesRead - flushed < PartBytes) return;
            transaction.Flush();
            flushed = staged.BytesRead;
        }
    }
}
