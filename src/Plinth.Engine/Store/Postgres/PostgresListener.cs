using System.Data;
using Npgsql;

namespace Plinth.Store.Postgres;

/// <summary>
/// One session that hears when other processes have committed to the log: each tells once per group, with the commit. A lost session is
/// opened again, and then it may have missed something, so it counts as having heard. Behind a pooler that gives each transaction
/// another session nothing is heard, and the poll of the log's reader is what is left.
/// </summary>
sealed class PostgresListener : IDisposable
{
    /// <summary>
    /// Tells everyone who listens in the database. Its text is always the same and it answers no rows, so it can stand before any statement
    /// of a batch; who listens for another application's schema of the same database looks in vain, which costs one look.
    /// </summary>
    public const string Tell = "notify plinth_log";

    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    readonly NpgsqlDataSource _source;
    readonly Func<int> _ownSession;
    readonly Action _heard, _lost;
    readonly CancellationTokenSource _stop = new();
    int _isDisposed;

    /// <param name="source">Where its session comes from.</param>
    /// <param name="ownSession">The session that this process writes by: what it tells is known already.</param>
    /// <param name="heard">Called when another process has told something, or may have.</param>
    /// <param name="lost">Called when the session has ended, or none can be had.</param>
    public PostgresListener(NpgsqlDataSource source, Func<int> ownSession, Action heard, Action lost)
    {
        (_source, _ownSession, _heard, _lost) = (source, ownSession, heard, lost);
        _ = ListenAsync(_stop.Token);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _stop.Cancel();
        _stop.Dispose();
    }

    async Task ListenAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                try
                {
                    await HearAsync(stop).ConfigureAwait(false);
                }
                catch (Exception e) when (PostgresErrors.IsFromServer(e))
                {
                    // The server may be on its way back; until then the poll finds as little as we do.
                }

                _lost();
                await Task.Delay(s_pause, stop).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Stopped with its database.
        }
    }

    async Task HearAsync(CancellationToken stop)
    {
        await using NpgsqlConnection link = await _source.OpenConnectionAsync(stop).ConfigureAwait(false);
        link.Notification += (_, told) =>
        {
            if (told.PID != _ownSession()) _heard();
        };
        await using (NpgsqlCommand listen = new("listen plinth_log", link)) await listen.ExecuteNonQueryAsync(stop).ConfigureAwait(false);
        _heard();
        while (link.FullState.HasFlag(ConnectionState.Open)) await link.WaitAsync(stop).ConfigureAwait(false);
    }
}
