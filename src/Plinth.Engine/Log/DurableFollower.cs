using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>What a durable follower does with events: one of the two, or both in this order.</summary>
/// <param name="Effect">
/// Outside the database. It may see events again whose effect was had: when its process ended between the effect and the checkpoint.
/// </param>
/// <param name="Apply">In the database, in the transaction of the checkpoint: each event exactly once.</param>
sealed record FollowerWork(FollowerHandler? Effect, Action<WriteTransaction, IReadOnlyList<LogEvent>>? Apply)
{
    /// <summary>
    /// What must be done when the lead was taken, before the first events: given where the follower stands, it says where to go on. What it
    /// throws gives the lead up; it is tried again.
    /// </summary>
    public Func<long, CancellationToken, ValueTask<long>>? Prepare { get; init; }

    /// <summary>Called when what was written is committed. Must be quick and must not throw.</summary>
    public Action? Applied { get; init; }
}

/// <summary>
/// A follower whose place is kept in the database, and which runs once however many nodes there are: the one that holds the lease leads,
/// the others look now and then whether it is free. It resumes exactly where its last checkpoint was.
/// </summary>
sealed class DurableFollower : IAsyncDisposable
{
    readonly EventStore _store;
    readonly FollowerWork _work;
    readonly FollowerOptions _options;
    readonly long _after;
    readonly FollowerRun _run;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;
    long _term;
    long _saved; // where the database has it
    long _renewed;

    /// <param name="store">Whose log it follows and where its place is kept.</param>
    /// <param name="name">Its own among all followers of the database.</param>
    /// <param name="work">What it does.</param>
    /// <param name="after">Where it starts when it is new.</param>
    /// <param name="options">How it is driven.</param>
    public DurableFollower(EventStore store, string name, FollowerWork work, long after = 0, FollowerOptions? options = null)
    {
        (_store, _work, _after, _options) = (store, work, after, options ?? FollowerOptions.Default);
        _run = new FollowerRun(store.Tail, name, HandleAsync, _options) { IsDurable = true };
        _running = RunAsync();
    }

    public FollowerStatus Status => _run.Status;

    /// <summary>Stops it and gives the lead up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _run.Dispose();
        _stop.Dispose();
    }

    async Task RunAsync()
    {
        bool isFresh = true;
        try
        {
            // Until the pause, or what it does, ends with the stop.
            while (true)
            {
                long breaks = _store.Tail.Breaks;
                if (await ClaimAsync(isFresh).ConfigureAwait(false) is { } claim)
                {
                    isFresh = false;
                    await LeadAsync(claim, breaks).ConfigureAwait(false);
                }

                // The place that it had was lost: where it goes on is in the database, and nobody has to wait to see it.
                if (_store.Tail.Breaks != breaks && _run.Status.State != FollowerState.Parked) continue;

                await Task.Delay(_options.Lease / 3, _store.Tail.Clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Stopped, or the store is closed.
        }
    }

    async ValueTask<FollowerClaim?> ClaimAsync(bool isFresh)
    {
        Database database = _store.Database;
        try
        {
            using (ReadLease lease = database.Read(_stop.Token))
            {
                _run.Wait(FollowerTable.Position(lease.Connection, _run.Name));
                bool isFree = !database.IsShared || FollowerTable.IsFree(lease.Connection, database.Dialect, _run.Name, isFresh);
                if (!isFree) return null;
            }

            long asked = _store.Tail.Clock.GetTimestamp();
            Result<FollowerClaim?> claimed = await _store.Committer.RunAsync(
                FollowerTable.Claim(database.Dialect, _run.Name, _after, _options.Lease, isForced: !database.IsShared, isFresh),
                _stop.Token).ConfigureAwait(false);
            Volatile.Write(ref _renewed, asked);
            return claimed.IsOk ? claimed.Value : null;
        }
        catch (StoreException)
        {
            // Whether it is free cannot be known now; the next look is soon.
            return null;
        }
    }

    async Task LeadAsync(FollowerClaim claim, long breaks)
    {
        (_term, _saved) = (claim.Term, claim.Position);
        using CancellationTokenSource lead = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task renewing = RenewAsync(lead);
        try
        {
            if (await PreparedAsync(claim.Position, lead.Token).ConfigureAwait(false) is { } from
                && (IsMisplaced(from, lead.Token) || await _run.RunAsync(from, breaks, lead.Token).ConfigureAwait(false)))
            {
                await ParkAsync().ConfigureAwait(false);
            }
        }
        catch (LogBrokenException e)
        {
            // Where all lost their place, the database says where it goes on; a hole of its own it does not pass by itself.
            if (e.IsOwn && e.Break.Kind != LogBreakKind.Rewritten)
            {
                Stand(e.Break.Text, e.Break.Next - 1);
                await ParkAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is LeadershipLostException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            // Another node leads, or will; it goes on where the last checkpoint is.
        }
        catch (StoreException e)
        {
            // Whether its place is one of the log's cannot be known now.
            _run.Unprepared(e);
        }
        finally
        {
            await lead.CancelAsync().ConfigureAwait(false);
            await renewing.ConfigureAwait(false);
            if (_run.Status.State != FollowerState.Parked) await LeaveAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// A place that is none of the log's is told, and not gone on from: beyond the end, what comes to stand there would be taken for seen;
    /// before the beginning, what is gone would be.
    /// </summary>
    bool IsMisplaced(long from, CancellationToken cancel)
    {
        long head, begins;
        using (ReadLease lease = _store.Database.Read(cancel))
        {
            lease.Connection.BeginRead();
            head = EventLog.ReadHead(lease.Connection).Position;
            begins = LogStart.Find(lease.Connection)?.Position ?? 0;
        }

        string place = FormattableString.Invariant($"its place, position {from}, is");
        if (from > head) Stand(FormattableString.Invariant($"{place} behind the end of the log, {head}"), head);
        if (from < begins) Stand(FormattableString.Invariant($"{place} gone: the log begins behind {begins}"), begins);
        return from > head || from < begins;
    }

    void Stand(string why, long goesOnAt) =>
        _run.Stand(FormattableString.Invariant($"{why}: told to skip, it goes on behind position {goesOnAt}"), goesOnAt);

    /// <summary>Where to go on; null when that cannot be said now.</summary>
    async ValueTask<long?> PreparedAsync(long position, CancellationToken cancel)
    {
        if (_work.Prepare is not { } prepare) return position;
        try
        {
            return await prepare(position, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (OperationCanceledException or ObjectDisposedException))
        {
            _run.Unprepared(e);
            return null;
        }
    }

    /// <summary>Keeps the lead while there is nothing to do, and ends the work when it is lost.</summary>
    async Task RenewAsync(CancellationTokenSource lead)
    {
        bool isOurs = true;
        while (isOurs && !lead.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_options.Lease / 3, _store.Tail.Clock, lead.Token).ConfigureAwait(false);
                isOurs = await SaveAsync(
                    FollowerTable.Renew(_store.Database.Dialect, _run.Name, _term, _options.Lease), lead.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or StoreException or FollowerException)
            {
                // Not renewed this time: as long as the lease lasts, it may be the next.
                isOurs = !IsOver;
            }
        }

        await lead.CancelAsync().ConfigureAwait(false);
    }

    bool IsOver => _store.Tail.Clock.GetElapsedTime(Volatile.Read(ref _renewed)) >= _options.Lease;

    async ValueTask HandleAsync(IReadOnlyList<LogEvent> events, CancellationToken cancel)
    {
        if (IsOver) throw new LeadershipLostException();
        if (_work.Effect is { } effect) await effect(events, cancel).ConfigureAwait(false);
        Action<WriteTransaction>? apply = _work.Apply is { } work ? transaction => work(transaction, events) : null;
        WriteUnit<bool> advance =
            FollowerTable.Advance(_store.Database.Dialect, _run.Name, _term, _saved, events[^1].Position, _options.Lease, apply);
        if (!await SaveAsync(advance, cancel).ConfigureAwait(false)) throw new LeadershipLostException();
        _saved = events[^1].Position;
        _work.Applied?.Invoke();
    }

    /// <summary>Runs a unit that extends the lease; false when another leads.</summary>
    async ValueTask<bool> SaveAsync(WriteUnit<bool> unit, CancellationToken cancel)
    {
        long asked = _store.Tail.Clock.GetTimestamp();
        Result<bool> saved = await _store.Committer.RunAsync(unit, cancel).ConfigureAwait(false);
        if (!saved.IsOk) throw new FollowerException(saved.Fault.Message, IsPassing(saved.Fault));
        if (saved.Value) Volatile.Write(ref _renewed, asked);
        return saved.Value;
    }

    static bool IsPassing(Fault fault) => fault.Kind == Faults.Overloaded || fault.Kind == Faults.NotReady
        || fault.Kind == Faults.StorageUnavailable || fault.Kind == Faults.Timeout;

    async Task ParkAsync()
    {
        FollowerStatus status = _run.Status;
        // Only an error parks.
        await TellAsync(FollowerTable.Park(_run.Name, _term, status.Error!, status.FailedAt)).ConfigureAwait(false);
    }

    Task LeaveAsync() => TellAsync(FollowerTable.Leave(_run.Name, _term));

    async Task TellAsync(WriteUnit<Done> unit)
    {
        try
        {
            await _store.Committer.RunAsync(unit, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // The lease ends by itself.
        }
    }
}

/// <summary>Another node leads this follower.</summary>
sealed class LeadershipLostException : Exception;
