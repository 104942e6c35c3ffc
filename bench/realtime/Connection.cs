using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Plinth.RealtimeLoad;

/// <summary>One connection of the load: it is opened waiting, and from then on read by the poll.</summary>
abstract class Connection
{
    /// <summary>Sockets of one source address: well below the ports that a system gives out by itself.</summary>
    const int SocketsPerAddress = 4000;

    // Everything is read on one thread.
    static readonly byte[] s_buffer = new byte[256 << 10];
    static int s_opened;
    byte[] _rest = [];
    int _kept;

    protected Connection(int port)
    {
        Socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Socket.Bind(new IPEndPoint(new IPAddress([127, 0, 1, (byte)(1 + s_opened++ / SocketsPerAddress)]), 0));
        Socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
    }

    public Socket Socket { get; }

    public void Read()
    {
        if (_kept > 0) _rest.AsSpan(0, _kept).CopyTo(s_buffer);
        int count = Socket.Receive(s_buffer.AsSpan(_kept), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock) return;
        if (error != SocketError.Success || count == 0) throw new IOException($"{GetType().Name}: the server closed it ({error})");
        Span<byte> bytes = s_buffer.AsSpan(0, _kept + count);
        int taken = Take(bytes);
        _kept = bytes.Length - taken;
        if (_kept == s_buffer.Length) throw new IOException($"a message of more than {_kept} bytes");
        if (_kept == 0) return;
        if (_rest.Length < _kept) _rest = new byte[_kept * 2];
        bytes[taken..].CopyTo(_rest);
    }

    /// <summary>Takes what is whole, and says how many bytes that were.</summary>
    protected abstract int Take(Span<byte> bytes);

    /// <summary>Sends an upgrade and takes the answer, byte by byte: what follows it is for the poll.</summary>
    protected void Upgrade(int port, string path, string? token)
    {
        string more = token is null ? "" : $"Authorization: Bearer {token}\r\n";
        Socket.Send(Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + $"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"));
        Span<byte> head = stackalloc byte[4096];
        int length = 0;
        while (!head[..length].EndsWith("\r\n\r\n"u8))
        {
            int count = Socket.Receive(head.Slice(length, 1));
            if (count == 0 || (length += count) == head.Length) throw new IOException("the answer to an upgrade broke off");
        }
        if (!head.StartsWith("HTTP/1.1 101"u8)) throw new IOException($"{path}: {Encoding.ASCII.GetString(head[..length])}");
    }
}
