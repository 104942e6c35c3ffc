using System.Buffers.Binary;
using System.Text;

namespace Plinth.RealtimeLoad;

/// <summary>One WebSocket: frames are handed on as they lie in the buffer of the read.</summary>
sealed class LiveConnection : Connection
{
    readonly Action<LiveConnection, ReadOnlySpan<byte>> _told;

    public LiveConnection(int number, int port, string path, string? token, Action<LiveConnection, ReadOnlySpan<byte>> told) : base(port)
    {
        (Number, _told) = (number, told);
        Upgrade(port, path, token);
        Socket.Blocking = false;
    }

    public int Number { get; }

    /// <summary>What it was told, of one whose list is compared at the end.</summary>
    public List<byte[]>? Kept { get; set; }

    public void Send(string text) => Send(Encoding.UTF8.GetBytes(text), opcode: 1);

    void Send(ReadOnlySpan<byte> payload, byte opcode)
    {
        // Masked by zeros, which RFC 6455 lets a client choose that has nothing to fear.
        Span<byte> head = stackalloc byte[8];
        head[0] = (byte)(0x80 | opcode);
        int length = 6;
        if (payload.Length < 126)
        {
            head[1] = (byte)(0x80 | payload.Length);
        }
        else
        {
            head[1] = 0x80 | 126;
            BinaryPrimitives.WriteUInt16BigEndian(head[2..], checked((ushort)payload.Length));
            length = 8;
        }
        Socket.Send([.. head[..length], .. payload]);
    }

    protected override int Take(Span<byte> bytes)
    {
        int at = 0;
        while (true)
        {
            Span<byte> rest = bytes[at..];
            if (rest.Length < 2) return at;
            int length = rest[1], head = 2;
            if (length == 126)
            {
                if (rest.Length < 4) return at;
                (length, head) = (BinaryPrimitives.ReadUInt16BigEndian(rest[2..]), 4);
            }
            else if (length == 127)
            {
                if (rest.Length < 10) return at;
                (length, head) = (checked((int)BinaryPrimitives.ReadUInt64BigEndian(rest[2..])), 10);
            }
            if (rest.Length < head + length) return at;
            Span<byte> payload = rest.Slice(head, length);
            switch (rest[0] & 0x0f)
            {
                case 1: _told(this, payload); break;
                case 9: Send(payload, opcode: 10); break;
                case 10: break;
                default: throw new IOException($"socket {Number}: a frame of kind {rest[0]:x2}: {Encoding.UTF8.GetString(payload)}");
            }
            at += head + length;
        }
    }
}
