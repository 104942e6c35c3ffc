using System.Text;
using System.Text.Unicode;

namespace Plinth.RealtimeLoad;

/// <summary>One keep-alive connection, a request at a time; answers have a length.</summary>
sealed class HttpConnection : Connection
{
    readonly int _port;
    readonly byte[] _request = new byte[8192];
    Action<int, ReadOnlySpan<byte>>? _answered;

    public HttpConnection(int port) : base(port)
    {
        _port = port;
        Socket.Blocking = false;
    }

    /// <param name="method">GET, PATCH …</param>
    /// <param name="path">With the query.</param>
    /// <param name="token">Of who asks; null for nobody.</param>
    /// <param name="body">JSON; empty for none.</param>
    /// <param name="answered">Given status and body.</param>
    public void Send(string method, string path, string? token, string body, Action<int, ReadOnlySpan<byte>> answered)
    {
        _answered = answered;
        string authorization = token is null ? "" : $"Authorization: Bearer {token}\r\n";
        string type = body.Length == 0 ? "" : "Content-Type: application/json\r\nPrefer: return=minimal\r\n";
        int bytes = Encoding.UTF8.GetByteCount(body);
        if (!Utf8.TryWrite(_request,
            $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{_port}\r\n{authorization}{type}Content-Length: {bytes}\r\n\r\n{body}",
            out int length))
        {
            throw new IOException("the request is too long");
        }
        Socket.Send(_request.AsSpan(0, length));
    }

    protected override int Take(Span<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0) return 0;
        ReadOnlySpan<byte> head = bytes[..(end + 2)];
        int status = (head[9] - '0') * 100 + (head[10] - '0') * 10 + head[11] - '0';
        int length = 0, at = head.IndexOf("Content-Length: "u8);
        if (at >= 0)
        {
            for (int i = at + 16; head[i] is >= (byte)'0' and <= (byte)'9'; i++) length = length * 10 + head[i] - '0';
        }
        else if (status is not (204 or 304))
        {
            throw new IOException($"an answer without a length: {Encoding.UTF8.GetString(head)}");
        }
        int whole = end + 4 + length;
        if (bytes.Length < whole) return 0;
        Action<int, ReadOnlySpan<byte>> answered = _answered ?? throw new IOException("an answer that nobody waits for");
        _answered = null;
        answered(status, bytes.Slice(end + 4, length));
        return whole;
    }
}
