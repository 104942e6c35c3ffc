using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// The copies of the database that reads may go to which can bear an answer that is a little old. Each is looked at four times a second;
/// one that is down, promoted or too far behind is left out, and comes back by itself. A look only says which copy is worth asking: how
/// old an answer is, is seen in the snapshot of the answer itself, so that an address that leads to several servers is none the worse.
/// </summary>
sealed class Replicas : IDisposable
{
    static readonly TimeSpan s_lookEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>Who takes longer to answer a look is not there.</summary>
    static readonly TimeSpan s_silenceMax = TimeSpan.FromSeconds(1);

    readonly LogTail _tail;
    readonly string _followsAnother;
    readonly CancellationTokenSource _stop = new();
    readonly ITimer? _look;
    uint _next;

    public Replicas(Database database, LogTail tail)
    {
        (_tail, _followsAnother) = (tail, database.Dialect.FollowsAnother);
        All = [.. database.Copies.Select(static copy => new Replica(copy))];
        if (All.Count > 0) _look = tail.Clock.CreateTimer(static all => ((Replicas)all!).Look(), this, TimeSpan.Zero, s_lookEvery); // this
    }

    public IReadOnlyList<Replica> All { get; }

    /// <summary>The next copy in turn that is likely to show what is new enough; null where there is none.</summary>
    /// <param name="ageMax">How old it may be.</param>
    /// <param name="position">What it must have seen.</param>
    public Replica? Choose(TimeSpan ageMax, long position)
    {
        uint first = Interlocked.Increment(ref _next);
        for (uint i = 0; i < All.Count; i++)
        {
            Replica replica = All[(int)((first + i) % All.Count)];
            if (replica.IsUp && replica.Position >= position && replica.Age <= ageMax) return replica;
        }
        return null;
    }

    /// <summary>What asks a copy for its state along with something else.</summary>
    public Statement Asking(Connection connection) => Replica.Asking(connection, _followsAnother);

    /// <summary>Whether what a copy showed will do. Takes note of it.</summary>
    public bool Suffices(Replica replica, CopyState state, TimeSpan ageMax, long position, int schemaVersion)
    {
        TimeSpan age = _tail.Ends.AgeOf(state.Position);
        replica.Showed(state, age);
        bool suffices = state.Follows && state.Position >= position && age <= ageMax && state.SchemaVersion == schemaVersion;
        if (suffices) replica.CountAnswer();
        else replica.CountRefusal();
        return suffices;
    }

    public void Dispose()
    {
        _look?.Dispose();
        _stop.Cancel();
        _stop.Dispose();
    }

    void Look()
    {
        foreach (Replica replica in All)
        {
            if (replica.TryBegin(_tail.Clock.GetTimestamp())) _ = LookAsync(replica);
            else if (_tail.Clock.GetElapsedTime(replica.AskedAt) > s_silenceMax) replica.Failed();
        }
    }

    async Task LookAsync(Replica replica)
    {
        try
        {
            using ReadLease lease = await replica.ReadAsync(ReadLane.Short, _stop.Token).ConfigureAwait(false);
            using Statement asked = Asking(lease.Connection);
            await asked.OpenAsync(_stop.Token).ConfigureAwait(false);
            CopyState state = Replica.StateOf(asked);
            replica.Showed(state, _tail.Ends.AgeOf(state.Position));
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException or ObjectDisposedException)
        {
            replica.Failed();
        }
        finally
        {
            replica.End();
        }
    }
}
