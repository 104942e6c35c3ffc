using System.Globalization;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>How long the log keeps what.</summary>
/// <param name="Values">The values of events, and notes of readings; null for ever.</param>
/// <param name="Events">Events themselves: what happened, when and by whom; null for ever.</param>
sealed record RetentionSpans(TimeSpan? Values, TimeSpan? Events);

/// <summary>What one look of retention came to.</summary>
/// <param name="Position">Values up to here are gone; 0 when none are.</param>
/// <param name="Start">Events up to here are gone; 0 when none are.</param>
/// <param name="WaitsFor">The follower that still needs what is older than the settings keep; null when none does.</param>
sealed record RetentionStep(long Position, long Start, string? WaitsFor);

/// <summary>
/// Takes the values of events away that are older than they are to be kept (<see cref="LogCut"/>), notes of readings with them, and events
/// that are older still (<see cref="LogStart"/>). One node does it at a time, by a lease like that of followers. What a follower has not
/// had yet stays, whatever its age: a sink that stands still is told of by name, and does not lose what it was to be sent.
/// </summary>
sealed class Retention : IAsyncDisposable
{
    public const string Name = "retention";

    static readonly TimeSpan s_lease = TimeSpan.FromSeconds(60);

    readonly EventStore _store;
    readonly RetentionSpans _keep;
    readonly Action<string> _warn;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;
    string? _waitsFor, _failed;

    /// <param name="store">Whose log.</param>
    /// <param name="keep">How long what is kept.</param>
    /// <param name="every">How often it is looked; null for never by itself.</param>
    /// <param name="warn">
    /// Told, once for each, which follower holds it up (one that is parked, or that nobody runs any more), or why it could not be done.
    /// </param>
    public Retention(EventStore store, RetentionSpans keep, TimeSpan? every, Action<string> warn)
    {
        (_store, _keep, _warn) = (store, keep, warn);
        _running = every is { } pause ? RunAsync(pause) : Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>Looks once; null when another node does, or nothing can be written now.</summary>
    public async Task<RetentionStep?> StepAsync(CancellationToken cancel)
    {
        Database database = _store.Database;
        Result<FollowerClaim?> claimed = await _store.Committer.RunAsync(
            FollowerTable.Claim(database.Dialect, Name, 0, s_lease, isForced: !database.IsShared, isFresh: true), cancel)
            .ConfigureAwait(false);
        if (!claimed.IsOk || claimed.Value is not { } claim) return null;
        try
        {
            RetentionStep step = new(0, 0, null);
            if (_keep.Values is { } values) step = await CutAsync(values, cancel).ConfigureAwait(false);
            if (_keep.Events is { } events) step = await ShortenAsync(events, step, cancel).ConfigureAwait(false);
            Tell(step.WaitsFor);
            WriteUnit<bool> advance =
                FollowerTable.Advance(database.Dialect, Name, claim.Term, claim.Position, step.Position, s_lease, null);
            await _store.Committer.RunAsync(advance, cancel).ConfigureAwait(false);
            return step;
        }
        finally
        {
            await _store.Committer.RunAsync(FollowerTable.Leave(Name, claim.Term), CancellationToken.None).ConfigureAwait(false);
        }
    }

    long Before(TimeSpan keep) =>
        (_store.Tail.Clock.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks - keep.Ticks) / TimeSpan.TicksPerMicrosecond;

    async Task<RetentionStep> CutAsync(TimeSpan keep, CancellationToken cancel)
    {
        LogHead? head;
        long cut;
        string? waitsFor;
        using (ReadLease lease = _store.Database.Read(cancel))
        {
            (long position, waitsFor) = Find(lease.Connection, keep);
            (head, cut) = (LogCut.HeadAt(lease.Connection, position), LogCut.Position(lease.Connection));
        }

        if (head is not null && head.Position > cut)
        {
            // Before anything is taken away: a cut without its evidence would look like one that somebody else made.
            await SaveAsync(SignedCheckpoint.Sign(_store.Keys, head), cancel).ConfigureAwait(false);
            Result<long> removed = await LogCut.RunAsync(_store, head.Position, null, cancel).ConfigureAwait(false);
            if (removed.IsOk) cut = head.Position;
        }

        for (long notes = 1; notes > 0;)
        {
            // In steps, so that nobody waits long behind one.
            (await _store.Committer.RunAsync(ReadLog.Cut(Before(keep)), cancel).ConfigureAwait(false)).Failed(out _, out notes);
        }

        return new RetentionStep(cut, 0, waitsFor);
    }

    async Task<RetentionStep> ShortenAsync(TimeSpan keep, RetentionStep step, CancellationToken cancel)
    {
        long position;
        string? waitsFor;
        using (ReadLease lease = _store.Database.Read(cancel)) (position, waitsFor) = Find(lease.Connection, keep);
        Result<long> moved = await LogStart.MoveAsync(_store, position, cancel).ConfigureAwait(false);
        // A part that is being read stays until the next look.
        moved.Failed(out _, out long start);
        return new RetentionStep(Math.Max(step.Position, start), start, step.WaitsFor ?? waitsFor);
    }

    void Tell(string? waitsFor)
    {
        if (waitsFor is not null && !string.Equals(waitsFor, _waitsFor, StringComparison.Ordinal))
        {
            _warn("what is older than log.retentionDays or log.eventDays keeps stays in the log until the follower "
                + $"'{waitsFor}' has had it (plinth followers list)");
        }

        _waitsFor = waitsFor;
    }

    /// <summary>The last position that is old enough and that all followers have had, and who needs more.</summary>
    (long Position, string? WaitsFor) Find(Connection connection, TimeSpan keep)
    {
        long position;
        using (Statement select = PastEvents.PositionAt(connection, Before(keep), EventLog.ReadHead(connection).Position))
        {
            select.Step();
            position = select.ColumnInt64(0);
        }

        string? waitsFor = null;
        foreach (FollowerRow follower in FollowerTable.All(connection))
        {
            if (string.Equals(follower.Name, Name, StringComparison.Ordinal) || follower.Position >= position) continue;
            (position, waitsFor) = (follower.Position, follower.Name);
        }

        return (position, waitsFor);
    }

    async Task SaveAsync(SignedCheckpoint signed, CancellationToken cancel)
    {
        string folder = Path.Combine(_store.Database.Options.Folder, "checkpoints");
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{signed.Position}.checkpoint"));
        await File.WriteAllTextAsync(path, signed.Text() + "\n", cancel).ConfigureAwait(false);
    }

    async Task RunAsync(TimeSpan every)
    {
        try
        {
            while (true)
            {
                try
                {
                    await StepAsync(_stop.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // The database or the disk cannot be had now; the next look is in time.
                    if (!string.Equals(e.Message, _failed, StringComparison.Ordinal)) _warn($"retention waits: {e.Message}");
                    _failed = e.Message;
                }

                await Task.Delay(every, _store.Tail.Clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped; whoever closes the store has done that before.
        }
    }
}
