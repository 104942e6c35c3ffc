using System.Diagnostics;
using Plinth.Expressions;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Reads: planned, then run over a reading connection; where the database is embedded, all of it inline on the calling thread.
/// </summary>
sealed partial class Engine
{
    /// <summary>How often a read is planned anew because the schema was replaced under it.</summary>
    const int ReplacedMax = 8;

    /// <summary>First size of the buffer of an answer; it grows.</summary>
    const int AnswerBytes = 4096;

    /// <summary>Answers a query as its caller may see it.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="request">What is asked; names unresolved.</param>
    /// <param name="cancel">Stops the statement that runs.</param>
    /// <param name="fresh">How new the answer must be.</param>
    /// <returns>One JSON document, which the caller disposes; or the first fault.</returns>
    public async ValueTask<Result<ReadReply>> ReadAsync(
        Caller caller, ReadRequest request, CancellationToken cancel, Freshness fresh = default)
    {
        for (int replaced = 0; ; replaced++)
        {
            Snapshot snapshot = Current;
            try
            {
                Result<ReadReply> answered = await ReadAsync(snapshot, caller, request, fresh, cancel);
                return snapshot.AuditsReads && answered.IsOk
                    ? await NotedAsync(snapshot, caller, request, answered.Value, cancel) : answered;
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Bug && replaced < ReplacedMax && WasReplaced(snapshot))
            {
                // Planned under one schema, run over the tables of the next: it is planned anew.
            }
            catch (ExpressionCostException e)
            {
                return e.ToFault();
            }
        }
    }

    /// <summary>Whether another schema serves by now. The swap follows the commit that changed the tables, so it is waited for.</summary>
    bool WasReplaced(Snapshot snapshot)
    {
        bool isMigrating = _applying.CurrentCount == 0;
        return isMigrating
            ? SpinWait.SpinUntil(() => !ReferenceEquals(Current, snapshot), millisecondsTimeout: 1000)
            : !ReferenceEquals(Current, snapshot);
    }

    /// <summary>A planned read on its way.</summary>
    /// <param name="Cache">The records at hand, which are others once the place in the log was lost.</param>
    /// <param name="Now">Microseconds since the epoch, of the whole request.</param>
    /// <param name="Start">When the request was taken up, and</param>
    /// <param name="PlannedAt">when it was planned: timestamps.</param>
    readonly record struct Asked(
        Snapshot Snapshot, RecordCache Cache, ReadProgram Program, PlannedRead Read, Caller Caller, long Now, long Start, long PlannedAt);

    async ValueTask<Result<ReadReply>> ReadAsync(
        Snapshot snapshot, Caller caller, ReadRequest request, Freshness fresh, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        long now = Now;
        Result<PlannedRead> planned = snapshot.Reads.Plan(caller, request, now);
        long plannedAt = Stopwatch.GetTimestamp();
        if (planned.Failed(out Fault? refused, out PlannedRead? read)) return refused;
        if (snapshot.Program(read.Plan).Failed(out refused, out ReadProgram? program)) return refused;
        if (read.Plan.Shape.Root.Model.Projection is not null
            && await UnbuiltAsync(snapshot, read.Plan.Shape.Root.Model, cancel) is { } unbuilt) return unbuilt;
        Asked asked = new(snapshot, _records.Now, program, read, caller, now, start, plannedAt);
        RecordProgram? records = RecordsFor(asked);
        if (records is { IsList: false } && Cached(asked, records, KeyOf(asked)) is { } kept) return kept;
        if (program.Past is not null && PastAtHand(asked) is { } known) return known;
        if (fresh.AgeMax is not null && await FromCopyAsync(asked, fresh, cancel) is { } copied) return copied;
        if (records is null) return await RunAsync(asked, null, cancel);
        return records.IsList ? await ListAsync(asked, records, cancel) : await GetAsync(asked, cancel);
    }

    /// <summary>
    /// A projection that was never counted yet has no rows, which is not what its records come to. One that is counted anew keeps its old
    /// rows until the new ones are all there.
    /// </summary>
    async ValueTask<Fault?> UnbuiltAsync(Snapshot snapshot, Model projection, CancellationToken cancel)
    {
        if (snapshot.Built.ContainsKey(projection.Name)) return null;
        try
        {
            using ReadLease lease = await Store.Database.ReadAsync(cancel);
            if (ProjectionStates.Find(lease.Connection, projection.Name) is not { BuiltAt: > 0 })
            {
                return Faults.NotReady.Says($"{projection.Name} is being counted for the first time",
                    hint: "it is there as soon as all records have been counted; /projections says how it stands") with
                {
                    RetryAfterSeconds = 1,
                };
            }
            snapshot.Built.TryAdd(projection.Name, true);
            return null;
        }
        catch (StoreException e) when (e.ToFault() is { } fault)
        {
            return fault;
        }
    }

    /// <summary>How a read is answered from whole records, where that is possible for its caller.</summary>
    RecordProgram? RecordsFor(in Asked asked)
    {
        if (!asked.Cache.IsOn || asked.Program.Records is not { } records) return null;
        // A key names a record within a tenant; who asks for all tenants' has none to name.
        if (records.HasTenants && asked.Caller.Tenant.IsNull) return null;
        return records.IsList && !Store.Database.IsInProcess && !records.CanBeRemote ? null : records;
    }

    static RecordKey KeyOf(in Asked asked)
    {
        ReadPlan plan = asked.Read.Plan;
        Model model = plan.Shape.Root.Model;
        return RecordKey.Of(model, asked.Caller.Tenant, asked.Read.Values.AsSpan(plan.Slots.Key, model.Key.Length));
    }

    /// <summary>A record that is not at hand; from now on it is.</summary>
    async ValueTask<Result<ReadReply>> GetAsync(Asked asked, CancellationToken cancel)
    {
        Result<ReadReply>? together = asked.Program.Together is { } others ? await TogetherAsync(asked, others, cancel) : null;
        // Before the database's snapshot is taken: what is kept of it is known to be no older.
        long position = asked.Cache.Position;
        Result<ReadReply> answered = together ?? await RunAloneAsync(asked, null, cancel);
        if (answered.Failed(out Fault? refused, out ReadReply? reply)) return refused;
        CachedRecord record = new(reply.Version, asked.Snapshot.Version, reply.Body.ToArray());
        if (together is not null) asked.Cache.FillExactly(KeyOf(asked), reply.Position, record);
        else asked.Cache.Fill(KeyOf(asked), position, record);
        return reply;
    }

    /// <summary>
    /// The answer from the cache, when it is there and the caller may see it; a record that the rules refuse goes the way of one that
    /// is not there.
    /// </summary>
    ReadReply? Cached(in Asked asked, RecordProgram records, in RecordKey key)
    {
        long position = asked.Cache.Position;
        if (!IsCacheTrue || asked.Cache.Find(key, asked.Snapshot.Version) is not { } record)
        {
            asked.Cache.Count(hits: 0, misses: 1, refused: 0);
            return null;
        }
        EvaluationContext context = Policies.Context(asked.Caller, asked.Now, Limits) with { Slots = asked.Read.Values };
        if (!record.IsSeen(records.Root, context, asked.Read.Plan.Slots.Rules[records.Root.Shape.Need]))
        {
            asked.Cache.Count(hits: 0, misses: 0, refused: 1);
            return null;
        }
        asked.Cache.Count(hits: 1, misses: 0, refused: 0);
        return AtHand(asked, record, position);
    }

    /// <summary>The answer of a record at hand.</summary>
    static ReadReply AtHand(in Asked asked, CachedRecord record, long position)
    {
        ByteOutput body = new(record.Json.Length);
        body.Write(record.Json);
        return new ReadReply(body)
        {
            Version = record.Version,
            NeedsBodyHash = asked.Program.Past is not null,
            Position = position,
            Timings = new Timings(
                Plan: Microseconds(asked.Start, asked.PlannedAt),
                Sql: 0,
                Transaction: 0,
                Reply: Microseconds(asked.PlannedAt, Stopwatch.GetTimestamp()),
                Statements: 0,
                CacheHit: true),
        };
    }

    async ValueTask<Result<ReadReply>> RunAsync(Asked asked, RecordKeeper? keeper, CancellationToken cancel)
    {
        if (asked.Program.Together is { } together && await TogetherAsync(asked, together, cancel) is { } answered) return answered;
        if (keeper is null && asked.Program.ListsFor(asked.Read.Values) is { } lists && await PageAsync(asked, lists, cancel) is { } page)
            return page;
        return await RunAloneAsync(asked, keeper, cancel);
    }

    ValueTask<Result<ReadReply>> RunAloneAsync(Asked asked, RecordKeeper? keeper, CancellationToken cancel) =>
        RunAsync(asked, (connection, body) => WriteAsync(asked, connection, keeper, body, cancel), AnswerBytes, cancel);

    /// <summary>Writes the answer from rows of a connection.</summary>
    async ValueTask<(Fault? Fault, long Version)> WriteAsync(
        Asked asked, Connection connection, RecordKeeper? keeper, ByteOutput body, CancellationToken cancel, bool isCopy = false)
    {
        if (asked.Program.Past is { } past) return await WritePastAsync(asked, past, connection, isCopy, body, cancel);
        ReadRun run = new(asked.Program, asked.Read, connection, asked.Snapshot.Reads.Secret, Limits, keeper);
        Fault? fault = await run.WriteAsync(body, cancel);
        return (fault, run.Version);
    }

    /// <summary>Asks for one record along with others who ask; null when it has to be asked for by itself.</summary>
    async ValueTask<Result<ReadReply>?> TogetherAsync(Asked asked, ReadsTogether together, CancellationToken cancel)
    {
        ByteOutput body = new(AnswerBytes);
        ReadTogether answer;
        try
        {
            answer = await together.AskAsync(_readsBy, asked.Read, body, cancel);
        }
        catch
        {
            body.Dispose();
            throw;
        }
        if (answer is { IsAnswered: true, Version: { } version }) return Reply(asked, body, version, answer.Position, statements: 1);
        body.Dispose();
        if (!answer.IsAnswered) return null;
        return KeyValues.NotFound(asked.Read.Plan.Shape.Root.Model);
    }

    /// <param name="asked">What is run.</param>
    /// <param name="write">Writes the answer, and gives the version of a single record; or the fault that is answered instead.</param>
    /// <param name="bytes">The answer takes so many, about.</param>
    /// <param name="cancel">Stops the statement that runs.</param>
    /// <param name="noted">The position as it was before a statement that is answered already; null where none is.</param>
    async ValueTask<Result<ReadReply>> RunAsync(
        Asked asked, Func<Connection, ByteOutput, ValueTask<(Fault? Fault, long Version)>> write, int bytes, CancellationToken cancel,
        long? noted = null)
    {
        // Taken before the snapshot of the database is: whatever is committed up to here, the answer has seen.
        long position = noted ?? Position;
        ByteOutput body = new(bytes);
        ReadPace pace = asked.Program.Pace;
        try
        {
            using ReadLease lease = await Store.Database.ReadAsync(pace.Lane, cancel);
            long statements = lease.Connection.StatementsRun, began = Time.GetTimestamp();
            Fault? fault;
            long version;
            bool isDone = false;
            try
            {
                (fault, version) = await write(lease.Connection, body);
                isDone = true;
            }
            finally
            {
                if (noted is null) pace.Learn(Time.GetElapsedTime(began), isDone, Limits.SlowMs);
            }
            int ran = (int)(lease.Connection.StatementsRun - statements) + (noted is null ? 0 : 1);
            if (fault is null) return Reply(asked, body, version, position, ran);
            body.Dispose();
            return fault;
        }
        catch (StoreException e) when (e.ToFault() is { } fault)
        {
            body.Dispose();
            return fault;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    static ReadReply Reply(in Asked asked, ByteOutput body, long version, long position, int statements)
    {
        ReadProgram program = asked.Program;
        return new ReadReply(body)
        {
            Version = version,
            NeedsBodyHash = program.IsMasked || program.Past is not null || !program.Plan.Shape.Root.Includes.IsEmpty,
            Position = position,
            Timings = new Timings(
                Plan: Microseconds(asked.Start, asked.PlannedAt),
                Sql: Microseconds(asked.PlannedAt, Stopwatch.GetTimestamp()),
                Transaction: 0,
                Reply: 0,
                Statements: statements),
        };
    }
}
