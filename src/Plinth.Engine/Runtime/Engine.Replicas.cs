using Plinth.Log;
using Plinth.Plan;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Reads by a copy of the database, for requests that can bear an answer that is a little old.</summary>
sealed partial class Engine
{
    /// <summary>The copies of the database, and how they are doing.</summary>
    public IReadOnlyList<Replica> Copies => _replicas.All;

    /// <summary>
    /// The answer of a copy, when one is likely to have what is new enough, and its answer turns out to be; null where the database is to
    /// be asked. Its state is asked for in the same snapshot and on the same way.
    /// </summary>
    async ValueTask<Result<ReadReply>?> FromCopyAsync(Asked asked, Freshness fresh, CancellationToken cancel)
    {
        if (fresh.AgeMax is not { } ageMax || _replicas.Choose(ageMax, fresh.Position) is not { } replica) return null;
        ByteOutput body = new(AnswerBytes);
        bool isTaken = false;
        try
        {
            using ReadLease lease = await replica.ReadAsync(asked.Program.Pace.Lane, cancel);
            Connection connection = lease.Connection;
            long statements = connection.StatementsRun;
            connection.BeginRead();
            using Statement state = _replicas.Asking(connection);
            state.Send();
            (Fault? fault, long version) = await WriteAsync(asked, connection, null, body, cancel, isCopy: true);
            CopyState shown = Replica.StateOf(state);
            if (!_replicas.Suffices(replica, shown, ageMax, fresh.Position, asked.Snapshot.Version)) return null;
            if (fault is not null) return fault;
            isTaken = true;
            return Reply(asked, body, version, shown.Position, (int)(connection.StatementsRun - statements));
        }
        catch (StoreException e)
        {
            replica.CountRefusal();
            if (e.Failure is StoreFailure.Unavailable or StoreFailure.Busy) replica.Failed();
            // The database would take as long, and has more to do.
            if (e.Failure == StoreFailure.TimedOut && e.ToFault() is { } fault) return fault;
            return null;
        }
        finally
        {
            if (!isTaken) body.Dispose();
        }
    }
}
