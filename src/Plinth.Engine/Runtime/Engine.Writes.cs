using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Commands: planned on the calling thread, decided and committed in the writer's turn, answered when they are durable.</summary>
sealed partial class Engine
{
    /// <summary>Runs a command.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="command">What is to be done; names unresolved, the body unread.</param>
    /// <param name="cancel">Takes it out of the queue; once it runs, it runs to its end.</param>
    /// <returns>What is durable now, which the caller disposes; or the fault, and then nothing was written.</returns>
    public ValueTask<Result<WriteReply>> WriteAsync(Caller caller, Command command, CancellationToken cancel) =>
        _writes.RunAsync(caller, command, cancel);

    /// <summary>Runs several commands in order. An idempotency key of the first is that of the whole batch, when it is atomic.</summary>
    /// <param name="atomic">All of them or none: the first fault, its details placed by <c>[n]</c>, is that of the batch.</param>
    public ValueTask<Result<ImmutableArray<Result<WriteReply>>>> BatchAsync(
        Caller caller, ImmutableArray<Command> commands, bool atomic, CancellationToken cancel) =>
        _writes.RunBatchAsync(caller, commands, atomic, cancel);

    /// <summary>Creates one record per item, all or none, however many; the answer is <c>{"created":n}</c>.</summary>
    /// <param name="records">Each the UTF-8 JSON of one record; it stands until the next is asked for.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="key">Its digest covers what stands before the records; theirs is added.</param>
    /// <param name="cancel">Gives up before the records are inserted.</param>
    /// <returns>The number; or the problems of at most a hundred records, placed by <c>[n]</c>, and then nothing was written.</returns>
    public Task<Result<WriteReply>> BulkCreateAsync(
        Caller caller, string model, IAsyncEnumerable<ReadOnlyMemory<byte>> records, IdempotencyKey? key, CancellationToken cancel) =>
        _writes.RunBulkAsync(caller, model, records, key, cancel);

    /// <summary>
    /// Takes something that is good once (a ticket), for as long as answers are kept: false when it was taken before, on whatever node.
    /// </summary>
    public ValueTask<Result<bool>> TakeOnceAsync(string what, string id, CancellationToken cancel) =>
        _writes.TakeOnceAsync(new IdempotencyKey(what, id, []), cancel);
}
