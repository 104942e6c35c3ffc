using System.Globalization;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>What one look of retention came to.</summary>
/// <param name="Position">Values up to here are gone; 0 when none are.</param>
/// <param name="WaitsFor">The follower that still needs older values than the setting keeps; null when none does.</param>
sealed record RetentionStep(long Position, string? WaitsFor);

/// <summary>
/// Takes the values of events away that are older than they are to be kept (<see cref="LogCut"/>), and notes of readings with them. One
/// node does it at a time, by a lease like that of followers. What a follower has not had yet stays, whatever its age: a sink that stands
/// still is told of by name, and does not lose what it was to be sent.
/// </summary>
sealed class Retention : IAsyncDisposable
{
    public const string Name = "retention";

    static readonly TimeSpan s_lease = TimeSpan.FromSeconds(60);

    readonly EventStore _store;
    readonly TimeSpan _keep;
    readonly Action<string> _warn;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;
    string? _waitsFor;

    /// <param name="store">Whose log.</param>
    /// <param name="keep">How long values are kept.</param>
    /// <param name="every">How often it is looked; null for never by itself.</param>
    /// <param name="warn">Told, once for each, which follower holds it up: one that is parked, or that nobody runs any more.</param>
    public Retention(EventStore store, TimeSpan keep, TimeSpan? every, Action<string> warn)
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

    /// <summary>Looks once; null when another node does.</summary>
    public async Task<RetentionStep?> StepAsync(CancellationToken cancel)
    {
        Database database = _store.Database;
        Result<FollowerClaim?> claimed = await _store.Committer.RunAsync(
            FollowerTable.Claim(database.Dialect, Name, 0, s_lease, isForced: !database.IsShared, isFresh: true), cancel)
            .ConfigureAwait(false);
        if (!claimed.IsOk || claimed.Value is not { } claim) return null;
        long before = Now - (long)_keep.TotalMicroseconds;
        (LogHead? head, long cut, string? waitsFor) = Find(before, cancel);
        if (waitsFor is not null && !string.Equals(waitsFor, _waitsFor, StringComparison.Ordinal))
        {
            _warn($"values older than log.retentionDays stay in the log until the follower '{waitsFor}' has had them "
                + "(plinth followers list)");
        }

        _waitsFor = waitsFor;
        if (head is not null && head.Position > cut)
        {
            // Before anything is taken away: a cut without its evidence would look like one that somebody else made.
            await SaveAsync(SignedCheckpoint.Sign(_store.Keys, head), cancel).ConfigureAwait(false);
            Result<long> removed = await LogCut.RunAsync(_store, head.Position, null, cancel).ConfigureAwait(false);
            if (removed.IsOk) cut = head.Position;
        }

        while ((await _store.Committer.RunAsync(ReadLog.Cut(before), cancel).ConfigureAwait(false)) is { IsOk: true, Value: > 0 })
        {
            // In steps, so that nobody waits long behind one.
        }

        await _store.Committer.RunAsync(
            FollowerTable.Advance(database.Dialect, Name, claim.Term, cut, s_lease, null), cancel).ConfigureAwait(false);
        await _store.Committer.RunAsync(FollowerTable.Leave(Name, claim.Term), cancel).ConfigureAwait(false);
        return new RetentionStep(cut, waitsFor);
    }

    long Now => (_store.Tail.Clock.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The last whole transaction that may go, where the last cut was, and who needs more.</summary>
    (LogHead? Head, long Cut, string? WaitsFor) Find(long before, CancellationToken cancel)
    {
        using ReadLease lease = _store.Database.Read(cancel);
        Connection connection = lease.Connection;
        long position;
        using (Statement select = PastEvents.PositionAt(connection, before, EventLog.ReadHead(connection).Position))
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

        return (LogCut.HeadAt(connection, position), LogCut.Position(connection), waitsFor);
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
                catch (Exception e) when (e is StoreException or IOException)
                {
                    // The database or the disk cannot be had now; the next look is in time.
                }

                await Task.Delay(every, _store.Tail.Clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Stopped, or the store is closed.
        }
    }
}
