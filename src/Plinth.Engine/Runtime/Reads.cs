using System.Diagnostics;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Reads: planned, then run inline on the calling thread over a reading connection; the task that is answered is done already.</summary>
sealed partial class Engine
{
    /// <summary>Answers a query as its caller may see it.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="request">What is asked; names unresolved.</param>
    /// <param name="cancel">Stops the statement that runs.</param>
    /// <returns>One JSON document, which the caller disposes; or the first fault.</returns>
    public ValueTask<Result<ReadReply>> ReadAsync(Caller caller, ReadRequest request, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        Snapshot snapshot = Current;
        Result<PlannedRead> planned = snapshot.Reads.Plan(caller, request, Now);
        long plannedAt = Stopwatch.GetTimestamp();
        if (planned.Failed(out Fault? refused, out PlannedRead? read)) return new(refused);
        return new(Run(snapshot, read, start, plannedAt, cancel));
    }

    Result<ReadReply> Run(Snapshot snapshot, PlannedRead read, long start, long plannedAt, CancellationToken cancel)
    {
        // Taken before the snapshot of the database is: whatever is committed up to here, the answer has seen.
        long position = Position;
        ByteOutput body = new();
        try
        {
            using ReadLease lease = Store.Database.Read(cancel);
            long statements = lease.Connection.StatementsRun;
            ReadRun run = new(snapshot.Program(read.Plan), read, lease.Connection, snapshot.Reads.Secret, Limits);
            if (run.Write(body, out long version) is { } fault)
            {
                body.Dispose();
                return fault;
            }
            return new ReadReply(body)
            {
                Version = version,
                NeedsBodyHash = !read.Plan.Shape.Root.Includes.IsEmpty,
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
