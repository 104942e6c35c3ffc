namespace Plinth.Realtime;

/// <summary>
/// Of one socket: a ping when nothing was heard for a while, and the end when nothing comes of it. The sweep over all conversations asks;
/// a timer for each of ten thousand sockets is a list of ten thousand that every tick walks through.
/// </summary>
/// <param name="stream">Under the socket.</param>
/// <param name="every">How long it may be silent, and how long it may take to answer.</param>
/// <param name="time">Of the process.</param>
/// <param name="giveUp">Ends it; the peer is not there any more.</param>
sealed class Heartbeat(JoiningStream stream, TimeSpan every, TimeProvider time, Action giveUp)
{
    /// <summary>RFC 6455: final, a ping, without a payload.</summary>
    static readonly OutFrame.Wire s_ping = new(default, new byte[] { 0x89, 0 });

    long? _askedAt;

    /// <summary>Not to be called by two at once; never waits.</summary>
    public void Beat()
    {
        long heard = stream.HeardAt;
        if (_askedAt is { } asked && heard <= asked)
        {
            if (time.GetElapsedTime(asked) >= every) giveUp();
            return;
        }
        _askedAt = null;
        if (time.GetElapsedTime(heard) < every) return;
        _askedAt = time.GetTimestamp();
        _ = PingAsync();
    }

    async Task PingAsync()
    {
        try
        {
            await stream.WriteAsync(s_ping, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It is gone, which its reader is told.
        }
    }
}
