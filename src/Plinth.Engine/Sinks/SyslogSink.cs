using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Plinth.Log;
using Plinth.Text;

namespace Plinth.Sinks;

/// <summary>
/// Events as messages of RFC 5424, facility "log audit": one datagram each over UDP (RFC 5426), or counted in octets over TCP (RFC 6587).
/// Neither protocol answers: what was handed to the network is taken for delivered.
/// </summary>
sealed class SyslogSink(Uri target) : IEventSink
{
    /// <summary>Facility 13 (log audit), severity 6 (informational).</summary>
    const int Priority = (13 * 8) + 6;

    /// <summary>A longer message would not fit a datagram: its values are left out, and it says so.</summary>
    const int DatagramBytes = 60_000;

    static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(10);

    readonly bool _isUdp = string.Equals(target.Scheme, "udp", StringComparison.Ordinal);
    Socket? _socket;

    public string Name => "sink:syslog";

    public async ValueTask SendAsync(IReadOnlyList<SinkLine> lines, CancellationToken cancel)
    {
        using CancellationTokenSource bound = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        bound.CancelAfter(s_timeout);
        try
        {
            Socket socket = await ConnectedAsync(bound.Token).ConfigureAwait(false);
            using ByteOutput output = new();
            foreach (SinkLine line in lines)
            {
                byte[] message = Message(line, isWhole: true);
                if (_isUdp && message.Length > DatagramBytes) message = Message(line, isWhole: false);
                output.Clear();
                if (!_isUdp) output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{message.Length} ")));
                output.Write(message);
                for (ReadOnlyMemory<byte> rest = output.WrittenMemory; rest.Length > 0;)
                    rest = rest[await socket.SendAsync(rest, SocketFlags.None, bound.Token).ConfigureAwait(false)..];
            }
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            Dispose();
            string why = e is SocketException failed ? failed.SocketErrorCode.ToString() : "it takes too long";
            throw new FollowerException($"{target.Authority} cannot be reached: {why}", isPassing: false);
        }
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _socket = null;
    }

    async ValueTask<Socket> ConnectedAsync(CancellationToken cancel)
    {
        // A receiver that has closed its end reads nothing of what is sent from now on.
        if (_socket is { } open && !_isUdp && open.Poll(0, SelectMode.SelectRead) && open.Available == 0) Dispose();
        if (_socket is { } connected) return connected;
        Socket socket = new(_isUdp ? SocketType.Dgram : SocketType.Stream, _isUdp ? ProtocolType.Udp : ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(target.Host, target.Port, cancel).ConfigureAwait(false);
            return _socket = socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    static byte[] Message(in SinkLine line, bool isWhole)
    {
        string at = DateTime.UnixEpoch.AddTicks(line.At * TimeSpan.TicksPerMicrosecond)
            .ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"<{Priority}>1 {at} {Word(Environment.MachineName)} plinth {Environment.ProcessId} ");
        text.Append(CultureInfo.InvariantCulture, $"{Word(line.Kind)} [plinth@32473 position=\"{line.Position}\" ");
        text.Append(CultureInfo.InvariantCulture, $"model=\"{Escaped(line.Model)}\"] ");
        text.Append(isWhole ? Encoding.UTF8.GetString(line.Json) : "{\"truncated\":true}");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>A header field: printable ASCII without blanks, at most 48 characters; what is none of it is left out.</summary>
    static string Word(string text)
    {
        string word = new([.. text.Where(static c => c is > ' ' and < '\x7f').Take(48)]);
        return word.Length == 0 ? "-" : word;
    }

    static string Escaped(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal);
}
