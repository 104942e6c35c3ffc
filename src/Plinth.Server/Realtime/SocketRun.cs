using System.Net.WebSockets;
using Plinth.Http;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>One open socket: frames of the client in, what waits for it out, until either side ends it.</summary>
sealed class SocketRun(RealtimeSession session, RealtimeOptions options, Handshake handshake, TimeProvider time)
{
    /// <summary>How long a client that is told goodbye may take to read it.</summary>
    public static readonly TimeSpan Goodbye = TimeSpan.FromMilliseconds(900);

    public async Task RunAsync(Stream stream, CancellationToken cancel)
    {
        await using JoiningStream joining = new(stream, time);
        using WebSocket socket = handshake.Open(joining);
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        session.Beat = new Heartbeat(joining, TimeSpan.FromSeconds(options.HeartbeatSeconds), time, socket.Abort).Beat;
        // The socket itself answers pings and sends its end, and no more: frames leave as they were framed for all who are told the same.
        session.Outbox.WriteAtOnce(frame => joining.WriteAsync(frame.Framed(handshake.Compresses), ending.Token));
        Task receiving = ReceiveAsync(socket, ending.Token);
        Task sending = SendAsync(socket, joining, ending.Token);
        try
        {
            await Task.WhenAny(receiving, sending, session.Over);
            session.End(null, 1000, drops: false);
            // What the last frame says is worth a moment, but no more.
            ending.CancelAfter(Goodbye);
            await Task.WhenAll(receiving, sending);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException or ObjectDisposedException)
        {
            // The client is gone, or did not take its leave in time.
            socket.Abort();
        }
    }

    async Task ReceiveAsync(WebSocket socket, CancellationToken cancel)
    {
        byte[] frame = new byte[1024];
        int length = 0;
        while (true)
        {
            if (length == frame.Length) Array.Resize(ref frame, Math.Min(frame.Length * 4, options.FrameBytes + 1));
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(frame.AsMemory(length), cancel);
            if (received.MessageType == WebSocketMessageType.Close) return;
            length += received.Count;
            if (length > options.FrameBytes)
            {
                session.End(Faults.LimitExceeded.Says(
                    $"a frame has {options.FrameBytes} bytes at most", "realtime.frameBytes is the setting"), 1009, drops: false);
                return;
            }
            if (!received.EndOfMessage) continue;
            await session.TakeAsync(frame.AsMemory(0, length), isBinary: received.MessageType == WebSocketMessageType.Binary, cancel);
            length = 0;
            if (frame.Length > 8192) frame = new byte[1024];
        }
    }

    async Task SendAsync(WebSocket socket, JoiningStream joining, CancellationToken cancel)
    {
        while (await session.Outbox.TakeAsync(cancel) is { } frames)
        {
            int bytes = 0;
            if (frames.Count > 1) joining.Join();
            foreach (OutFrame frame in frames)
            {
                bytes += frame.Length;
                await joining.WriteAsync(frame.Framed(handshake.Compresses), cancel);
            }
            if (frames.Count > 1) await joining.ReleaseAsync(cancel);
            session.Outbox.Sent(bytes);
        }
        if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            await socket.CloseOutputAsync((WebSocketCloseStatus)session.CloseCode, null, cancel);
    }
}
