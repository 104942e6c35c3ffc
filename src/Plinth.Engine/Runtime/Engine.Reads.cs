using System.Diagnostics;
using Plinth.Expressions;
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
    /// <returns>One JSON document, which the caller disposes; or the first fault.</returns>
    public async ValueTask<Result<ReadReply>> ReadAsync(Caller caller, ReadRequest request, CancellationToken cancel)
    {
        for (int replaced = 0; ; replaced++)
        {
            Snapshot snapshot = Current;
            try
            {
                return await ReadAsync(snapshot, caller, request, cancel);
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

    async ValueTask<Result<ReadReply>> ReadAsync(Snapshot snapshot, Caller caller, ReadRequest request, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        long now = Now;
        Result<PlannedRead> planned = snapshot.Reads.Plan(caller, request, now);
        long plannedAt = Stopwatch.GetTimestamp();
        if (planned.Failed(out Fault? refused, out PlannedRead? read)) return refused;
        if (snapshot.Program(read.Plan).Failed(out refused, out ReadProgram? program)) return refused;
        // A key names a record within a tenant; who asks for all tenants' has none to name.
        if (!_cache.IsOn || program.Records is not { } records || (records.HasTenants && caller.Tenant.IsNull)
            || (records.IsList && !Store.Database.IsInProcess))
        {
            return await RunAsync(snapshot, program, read, null, start, plannedAt, cancel);
        }
        // Before the database's snapshot is taken: what is kept of it is known to be no older.
        long position = _cache.Position;
        if (records.IsList)
        {
            if (records.IsWarm)
            {
                RecordRun.Request asked = new(
                    records, program.Count, read, caller, now, _cache, position, snapshot.Version, snapshot.Reads.Secret, Limits);
                bool gaveUp = false;
                Result<ReadReply> page = await RunAsync(
                    program,
                    (connection, body) =>
                    {
                        RecordRun run = new(asked, connection);
                        Fault? fault = run.Write(body);
                        gaveUp = run.GaveUp;
                        return new((fault, 0L));
                    },
                    records.AnswerBytes, start, plannedAt, cancel);
                if (!gaveUp)
                {
                    if (page.IsOk) records.AnswerBytes = page.Value.Body.Length;
                    return page;
                }
                if (page.IsOk) page.Value.Dispose();
                records.Abandon();
            }
            RecordKeeper? keeper =
                records.Keeps(_cache) ? new RecordKeeper(records, _cache, caller.Tenant, position, snapshot.Version) : null;
            return await RunAsync(snapshot, program, read, keeper, start, plannedAt, cancel);
        }
        Model model = read.Plan.Shape.Root.Model;
        RecordKey key = RecordKey.Of(model, caller.Tenant, read.Values.AsSpan(read.Plan.Slots.Key, model.Key.Length));
        if (Cached(snapshot, records, read, key, caller, now, start, plannedAt) is { } kept) return kept;
        Result<ReadReply> answered = await RunAsync(snapshot, program, read, null, start, plannedAt, cancel);
        if (answered.Failed(out refused, out ReadReply? reply)) return refused;
        _cache.Fill(key, position, new CachedRecord(reply.Version, snapshot.Version, reply.Body.ToArray()));
        return reply;
    }

    /// <summary>
    /// The answer from the cache, when it is there and the caller may see it; a record that the rules refuse goes the way of one that
    /// is not there.
    /// </summary>
    ReadReply? Cached(
        Snapshot snapshot, RecordProgram records, PlannedRead read, in RecordKey key, Caller caller, long now, long start, long plannedAt)
    {
        long position = _cache.Position;
        if (!IsCacheTrue || _cache.Find(key, snapshot.Version) is not { } record)
        {
            _cache.Count(hits: 0, misses: 1, refused: 0);
            return null;
        }
        EvaluationContext context = Policies.Context(caller, now, Limits) with { Slots = read.Values };
        if (!record.IsSeen(records.Root, context, read.Plan.Slots.Rules[records.Root.Shape.Need]))
        {
            _cache.Count(hits: 0, misses: 0, refused: 1);
            return null;
        }
        _cache.Count(hits: 1, misses: 0, refused: 0);
        ByteOutput body = new(record.Json.Length);
        body.Write(record.Json);
        return new ReadReply(body)
        {
            Version = record.Version,
            Position = position,
            Timings = new Timings(
                Plan: Microseconds(start, plannedAt),
                Sql: 0,
                Transaction: 0,
                Reply: Microseconds(plannedAt, Stopwatch.GetTimestamp()),
                Statements: 0,
                CacheHit: true),
        };
    }

    async ValueTask<Result<ReadReply>> RunAsync(
        Snapshot snapshot, ReadProgram program, PlannedRead read, RecordKeeper? keeper, long start, long plannedAt,
        CancellationToken cancel)
    {
        if (program.Together is { } together
            && await TogetherAsync(program, together, read, start, plannedAt) is { } answered) return answered;
        return await RunAsync(
            program,
            async (connection, body) =>
            {
                if (program.Past is { } past)
                {
                    PastRun then = new(past, read, connection, snapshot, Store.Keys, Limits, Now);
                    Fault? refused = await then.WriteAsync(body, cancel);
                    return (refused, then.Version);
                }
                ReadRun run = new(program, read, connection, snapshot.Reads.Secret, Limits, keeper);
                Fault? fault = await run.WriteAsync(body, cancel);
                return (fault, run.Version);
            },
            AnswerBytes, start, plannedAt, cancel);
    }

    /// <summary>Asks for one record along with others who ask; null when it has to be asked for by itself.</summary>
    async ValueTask<Result<ReadReply>?> TogetherAsync(
        ReadProgram program, ReadsTogether together, PlannedRead read, long start, long plannedAt)
    {
        long position = Position;
        ByteOutput body = new(AnswerBytes);
        var (isAnswered, found) = await together.AskAsync(Store.Database, read.Values, body);
        if (isAnswered && found is { } version)
        {
            return new ReadReply(body)
            {
                Version = version,
                NeedsBodyHash = program.IsMasked,
                Position = position,
                Timings = new Timings(
                    Plan: Microseconds(start, plannedAt),
                    Sql: Microseconds(plannedAt, Stopwatch.GetTimestamp()),
                    Transaction: 0,
                    Reply: 0,
                    Statements: 1),
            };
        }
        body.Dispose();
        if (!isAnswered) return null;
        return KeyValues.NotFound(program.Plan.Shape.Root.Model);
    }

    /// <param name="program">What is run.</param>
    /// <param name="write">Writes the answer, and gives the version of a single record; or the fault that is answered instead.</param>
    /// <param name="bytes">The answer takes so many, about.</param>
    /// <param name="start">When the request was taken up.</param>
    /// <param name="plannedAt">When it was planned.</param>
    /// <param name="cancel">Stops the statement that runs.</param>
    async ValueTask<Result<ReadReply>> RunAsync(
        ReadProgram program, Func<Connection, ByteOutput, ValueTask<(Fault? Fault, long Version)>> write, int bytes, long start,
        long plannedAt, CancellationToken cancel)
    {
        // Taken before the snapshot of the database is: whatever is committed up to here, the answer has seen.
        long position = Position;
        ByteOutput body = new(bytes);
        try
        {
            using ReadLease lease = await Store.Database.ReadAsync(cancel);
            long statements = lease.Connection.StatementsRun;
            (Fault? fault, long version) = await write(lease.Connection, body);
            if (fault is not null)
            {
                body.Dispose();
                return fault;
            }
            return new ReadReply(body)
            {
                Version = version,
                NeedsBodyHash = program.IsMasked || program.Past is not null || !program.Plan.Shape.Root.Includes.IsEmpty,
                Position = position,
                Timings = new Timings(
                    Plan: Microseconds(start, plannedAt),
                    Sql: Microseconds(plannedAt, Stopwatch.GetTimestamp()),
                    Transaction: 0,
                    Reply: 0,
                    Statements: (int)(lease.Connection.StatementsRun - statements)),
            };
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
}
