using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// The road of every command: plan on the thread of the request, one turn of the writer, reply. Belongs to the engine, which says which
/// schema serves. Safe for any number of threads.
/// </summary>
/// <param name="store">The database and its log.</param>
/// <param name="current">The schema that serves now.</param>
/// <param name="clock">Asked once per command.</param>
/// <param name="limits">Bounds of requests.</param>
sealed class Writes(EventStore store, Func<WriteSchema> current, TimeProvider clock, Limits limits)
{
    /// <summary>How often a command is planned anew because the schema was replaced while it waited.</summary>
    const int PlannedMax = 8;

    readonly IdSource _ids = new(RandomNumberGenerator.Fill);
    readonly AnswerStore _answers = new(store.Keys, limits);
    readonly ConcurrentDictionary<(string Scope, string Key), byte> _inFlight = new();

    /// <summary>The platform's tables that writes need; made before the first command.</summary>
    public static async ValueTask CreateTablesAsync(EventStore store, CancellationToken cancel)
    {
        var created = await store.Committer.RunAsync(
            new WriteAction<Done>(
                transaction =>
                {
                    Counters.Create(transaction.Connection, store.Database.Dialect);
                    AnswerStore.Create(transaction.Connection, store.Database.Dialect);
                    return Done.It;
                },
                isExclusive: true),
            cancel);
        if (!created.IsOk) throw new StoreException(StoreFailure.Unavailable, created.Fault.Message);
    }

    public async ValueTask<Result<WriteReply>> RunAsync(Caller caller, Command command, CancellationToken cancel)
    {
        var replies = await RunAllAsync(caller, [command], cancel);
        return replies.IsOk ? replies.Value[0] : replies.Fault;
    }

    /// <summary>Each command for itself, in order, or all of them or none.</summary>
    public async ValueTask<Result<ImmutableArray<Result<WriteReply>>>> RunBatchAsync(
        Caller caller, ImmutableArray<Command> commands, bool atomic, CancellationToken cancel)
    {
        if (commands.Length > limits.BatchOperations)
        {
            return Faults.LimitExceeded.Says(string.Create(CultureInfo.InvariantCulture,
                $"{commands.Length} operations in one batch, {limits.BatchOperations} are allowed (limits.batchOperations)"));
        }
        if (commands.IsEmpty) return ImmutableArray<Result<WriteReply>>.Empty;
        if (atomic)
        {
            var replies = await RunAllAsync(caller, commands, cancel);
            if (!replies.IsOk) return replies.Fault;
            return replies.Value.Select(static reply => (Result<WriteReply>)reply).ToImmutableArray();
        }
        ImmutableArray<Result<WriteReply>>.Builder each = ImmutableArray.CreateBuilder<Result<WriteReply>>(commands.Length);
        foreach (Command command in commands) each.Add(await RunAsync(caller, command, cancel));
        return each.MoveToImmutable();
    }

    /// <summary>Takes a key as a request would, and answers nothing for it: false when it was taken before.</summary>
    public async ValueTask<Result<bool>> TakeOnceAsync(IdempotencyKey key, CancellationToken cancel) => await store.Committer.RunAsync(
        new WriteAction<bool>(transaction => _answers.Take(transaction, key, Now()) is { IsOk: true } taken && taken.Value is null),
        cancel);

    /// <summary>Creates one record per item, all or none, however many; the answer is their number.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="model">Whose records.</param>
    /// <param name="records">Each the UTF-8 JSON of one record; it stands until the next is asked for.</param>
    /// <param name="key">Its digest covers what stands before the records.</param>
    /// <param name="cancel">Gives up before the records are inserted.</param>
    public async Task<Result<WriteReply>> RunBulkAsync(
        Caller caller, string model, IAsyncEnumerable<ReadOnlyMemory<byte>> records, IdempotencyKey? key, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        if (Begin(key) is { } running) return running;
        try
        {
            BulkCreate bulk = new(store, current, _answers, caller, new Moment(Now(), _ids, caller.Auth), key);
            var created = await bulk.RunAsync(model, records, cancel);
            if (!created.IsOk) return created.Fault;
            return created.Value with { Timings = new(0, 0, Microseconds(Stopwatch.GetElapsedTime(started)), 0, 0) };
        }
        catch (ExpressionCostException e)
        {
            return e.ToFault();
        }
        finally
        {
            End(key);
        }
    }

    /// <summary>Erases one person; what it came to, once it is durable.</summary>
    public async ValueTask<Result<ErasureReport>> EraseAsync(
        Caller caller, string model, ImmutableArray<string> key, CancellationToken cancel)
    {
        Erasure erasure = new(current, store.Events, _answers, caller, new Moment(Now(), _ids, caller.Auth), model, key);
        var erased = await store.Committer.RunAsync(erasure, cancel);
        return erased.IsOk ? erased.Value with { Position = erasure.Position } : erased.Fault;
    }

    async ValueTask<Result<ImmutableArray<WriteReply>>> RunAllAsync(
        Caller caller, ImmutableArray<Command> commands, CancellationToken cancel)
    {
        IdempotencyKey? key = commands[0].Idempotency;
        if (key is null) return await PlanAndRunAsync(caller, commands, null, cancel);
        if (Begin(key) is { } running) return running;
        try
        {
            return await PlanAndRunAsync(caller, commands, key, cancel);
        }
        finally
        {
            End(key);
        }
    }

    /// <summary>Keeps a second request with the key out while the first one runs.</summary>
    Fault? Begin(IdempotencyKey? key) => key is null || _inFlight.TryAdd((key.Scope, key.Key), 0)
        ? null
        : Faults.IdempotencyInFlight.Says("a request with this Idempotency-Key is still running") with { RetryAfterSeconds = 1 };

    void End(IdempotencyKey? key)
    {
        if (key is not null) _inFlight.TryRemove((key.Scope, key.Key), out _);
    }

    async ValueTask<Result<ImmutableArray<WriteReply>>> PlanAndRunAsync(
        Caller caller, ImmutableArray<Command> commands, IdempotencyKey? key, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        Moment moment = new(Now(), _ids, caller.Auth);
        for (int planned = 0; planned < PlannedMax; planned++)
        {
            WriteSchema schema = current();
            try
            {
                if (PlanAll(schema, caller, commands, moment).Failed(out Fault? fault, out var plans) && fault is not null) return fault;
                TimeSpan planning = Stopwatch.GetElapsedTime(started);
                CommandUnit unit = new(schema, current, plans, store.Events, _answers, key);
                var answered = await store.Committer.RunAsync(unit, cancel);
                if (unit.IsOutdated) continue;
                if (!answered.IsOk) return answered.Fault;
                return Replies(plans, unit, answered.Value, started, planning);
            }
            catch (ExpressionCostException e)
            {
                return e.ToFault();
            }
        }
        return Faults.NotReady.Says("the schema keeps being replaced") with { RetryAfterSeconds = 1 };
    }

    static Result<ImmutableArray<WritePlan>> PlanAll(WriteSchema schema, Caller caller, ImmutableArray<Command> commands, Moment moment)
    {
        ImmutableArray<WritePlan>.Builder plans = ImmutableArray.CreateBuilder<WritePlan>(commands.Length);
        foreach (Command command in commands)
        {
            if (!schema.Planner.Plan(caller, command, moment).Failed(out Fault? fault, out WritePlan? plan)) plans.Add(plan);
            else return commands.Length == 1 ? fault : Problems.At(string.Create(CultureInfo.InvariantCulture, $"[{plans.Count}]"), fault);
        }
        return plans.MoveToImmutable();
    }

    static ImmutableArray<WriteReply> Replies(
        ImmutableArray<WritePlan> plans, CommandUnit unit, UnitAnswers answers, long started, TimeSpan planning)
    {
        TimeSpan turned = Stopwatch.GetElapsedTime(started);
        Timings At(TimeSpan replied) => new(
            Microseconds(planning),
            Microseconds(unit.Ran),
            Microseconds(turned - planning - unit.Ran),
            Microseconds(replied - turned),
            unit.Statements);
        if (!answers.Replayed.IsEmpty)
            return [.. answers.Replayed.Select(answer => AnswerStore.Reply(answer) with { Timings = At(turned) })];
        ImmutableArray<WriteReply>.Builder replies = ImmutableArray.CreateBuilder<WriteReply>(plans.Length);
        for (int i = 0; i < plans.Length; i++)
        {
            Written written = answers.Fresh[i];
            ByteOutput? body = written.Body(plans[i].Command.Minimal);
            replies.Add(new WriteReply
            {
                Outcome = written.Outcome,
                Body = body,
                Version = written.ShownVersion,
                NeedsBodyHash = written.NeedsBodyHash,
                Key = written.Key,
                Position = unit.Position,
                Timings = At(Stopwatch.GetElapsedTime(started)),
            });
        }
        return replies.MoveToImmutable();
    }

    static int Microseconds(TimeSpan time) => (int)Math.Clamp(time.TotalMicroseconds, 0, int.MaxValue);

    long Now() => (clock.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
}
