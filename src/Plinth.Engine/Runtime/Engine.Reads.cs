using System.Diagnostics;
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
        if (!_cache.IsOn || !program.IsCached) return await RunAsync(snapshot, program, read, start, plannedAt, cancel);

        Model model = read.Plan.Shape.Root.Model;
        RecordKey key = new(model.Name, read.Values.AsSpan(read.Plan.Slots.Key, model.Key.Length));
        if (Cached(snapshot, program, key, caller, now, start, plannedAt) is { } kept) return kept;
        long stamp = _cache.Stamp(key);
        Result<ReadReply> answered = await RunAsync(snapshot, program, read, start, plannedAt, cancel);
        if (answered.Failed(out refused, out ReadReply? reply)) return refused;
        _cache.Fill(key, stamp, new CachedRecord(reply.Version, snapshot.Version, reply.Body.ToArray()));
        return reply;
    }

    /// <summary>
    /// The answer from the cache, when it is there and the caller may see it; a record that the rules refuse goes the way of one that
    /// is not there.
    /// </summary>
    ReadReply? Cached(Snapshot snapshot, ReadProgram program, in RecordKey key, Caller caller, long now, long start, long plannedAt)
    {
        long position = _cache.Position;
        if (_cache.Find(key, snapshot.Version) is not { } record) return null;
        LevelShape root = program.Plan.Shape.Root;
        CallerRules rules = new(program.Plan.Rules[root.Need], []);
        if (rules.Outcome != RuleOutcome.Always && !rules.Sees(Policies.Context(caller, now, record.Values(root.Model))))
        {
            _cache.CountRefused();
            return null;
        }
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
        Snapshot snapshot, ReadProgram program, PlannedRead read, long start, long plannedAt, CancellationToken cancel)
    {
        // Taken before the snapshot of the database is: whatever is committed up to here, the answer has seen.
        long position = Position;
        ByteOutput body = new();
        try
        {
            using ReadLease lease = await Store.Database.ReadAsync(cancel);
            long statements = lease.Connection.StatementsRun;
            ReadRun run = new(program, read, lease.Connection, snapshot.Reads.Secret, Limits);
            if (await run.WriteAsync(body, cancel) is { } fault)
            {
                body.Dispose();
                return fault;
            }
            return new ReadReply(body)
            {
                Version = run.Version,
                NeedsBodyHash = program.IsMasked || !read.Plan.Shape.Root.Includes.IsEmpty,
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
