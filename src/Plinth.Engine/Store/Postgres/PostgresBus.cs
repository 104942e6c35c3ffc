using System.Data;
using System.Threading.Channels;
using Npgsql;

namespace Plinth.Store.Postgres;

/// <summary>
/// Texts between nodes by <c>NOTIFY</c>: one session that listens and one that sends, all that waits with one statement. What is sent while
/// the server cannot be reached is lost, and whoever comes back is told that something may have been missed.
/// </summary>
sealed class PostgresBus : Bus
{
    /// <summary>Texts of one statement.</summary>
    const int Together = 200;

    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    readonly NpgsqlDataSource _source;
    readonly string _channel;
    readonly Action<string> _heard;
    readonly Action _opened;
    readonly Channel<string> _waiting;
    readonly CancellationTokenSource _stop = new();
    readonly Task _sending;
    int _isDisposed;

    /// <param name="source">Where its sessions come from.</param>
    /// <param name="channel">The name that all nodes of one application listen to.</param>
    /// <param name="waitingMax">Texts that may wait.</param>
    /// <param name="heard">Takes each text, in order, on one thread at a time.</param>
    /// <param name="opened">Called whenever it begins to listen: what was told before was not heard.</param>
    public PostgresBus(NpgsqlDataSource source, string channel, int waitingMax, Action<string> heard, Action opened)
    {
        (_source, _channel, _heard, _opened) = (source, channel, heard, opened);
        _waiting = Channel.CreateBounded<string>(new BoundedChannelOptions(waitingMax) { SingleReader = true });
        _ = KeepAsync(ListenAsync);
        _sending = KeepAsync(SendAsync);
    }

    public override bool TrySend(string text) => _waiting.Writer.TryWrite(text);

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _waiting.Writer.TryComplete();
        await Task.WhenAny(_sending, Task.Delay(s_pause)).ConfigureAwait(false);
        Stop();
    }

    /// <summary>The database closes: nothing is sent or heard any more.</summary>
    public void Stop() => _stop.Cancel();

    async Task KeepAsync(Func<NpgsqlConnection, CancellationToken, Task> work)
    {
        CancellationToken stop = _stop.Token;
        try
        {
            while (true)
            {
                try
                {
                    await using NpgsqlConnection link = await _source.OpenConnectionAsync(stop).ConfigureAwait(false);
                    await work(link, stop).ConfigureAwait(false);
                    if (_waiting.Reader.Completion.IsCompleted) return;
                }
                catch (Exception e) when (PostgresErrors.IsFromServer(e))
                {
                    // It may be on its way back.
                }
                await Task.Delay(s_pause, stop).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Stopped, or its database was.
        }
    }

    async Task ListenAsync(NpgsqlConnection link, CancellationToken stop)
    {
        link.Notification += (_, told) => _heard(told.Payload);
        await using (NpgsqlCommand listen = new($"listen {_channel}", link)) await listen.ExecuteNonQueryAsync(stop).ConfigureAwait(false);
        _opened();
        while (link.FullState.HasFlag(ConnectionState.Open)) await link.WaitAsync(stop).ConfigureAwait(false);
    }

    async Task SendAsync(NpgsqlConnection link, CancellationToken stop)
    {
        await using NpgsqlCommand send = new($"select pg_notify('{_channel}', t) from unnest($1) t", link);
        NpgsqlParameter<string[]> texts = new();
        send.Parameters.Add(texts);
        List<string> together = [];
        while (await _waiting.Reader.WaitToReadAsync(stop).ConfigureAwait(false))
        {
            together.Clear();
            while (together.Count < Together && _waiting.Reader.TryRead(out string? text)) together.Add(text);
            texts.TypedValue = [.. together];
            await send.ExecuteNonQueryAsync(stop).ConfigureAwait(false);
        }
    }
}
