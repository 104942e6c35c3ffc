using System.Buffers.Binary;
using System.IO.Compression;
using Plinth.Http;

namespace Plinth.Realtime;

/// <summary>
/// One frame for clients, with the forms in which they are sent it. Each form is made when the first client needs it, and is the same
/// bytes for all who are told the same: a change that thousands follow is framed, compressed or transcoded once. Immutable to those
/// who send it.
/// </summary>
/// <param name="bytes">JSON, or CBOR where it is binary.</param>
/// <param name="isBinary">How a socket says it.</param>
sealed class OutFrame(ReadOnlyMemory<byte> bytes, bool isBinary = false)
{
    /// <summary>Smaller frames cost more to compress than to send.</summary>
    public const int CompressedFrom = 1024;

    /// <summary>Larger ones are not copied to stand right behind their header.</summary>
    const int CopiedMax = 16 << 10;

    readonly Lock _gate = new();
    volatile Wire? _plain, _packed;
    volatile OutFrame? _cbor;
    volatile byte[]? _event;

    /// <summary>A frame of RFC 6455 as it leaves: its header, empty where it stands in the body already, and the body.</summary>
    public sealed record Wire(ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Body);

    public ReadOnlyMemory<byte> Bytes => bytes;

    public int Length => bytes.Length;

    /// <summary>The same as CBOR.</summary>
    /// <param name="shape">Of the items in it: the same for all who are told it.</param>
    public OutFrame Cbor(CborShape shape) => _cbor ??= new OutFrame(JsonToCbor.Transcode(bytes.Span, shape), isBinary: true);

    /// <summary>As an event of an event stream.</summary>
    public ReadOnlyMemory<byte> Event => _event ??= EventStream.Text(bytes.Span);

    /// <summary>As it leaves on a socket.</summary>
    /// <param name="compresses">The client takes compressed frames.</param>
    public Wire Framed(bool compresses) =>
        compresses && bytes.Length >= CompressedFrom ? _packed ?? Packed() : _plain ??= Of(bytes, isPacked: false);

    /// <summary>Under a lock, for what it costs: whoever comes meanwhile waits for it.</summary>
    Wire Packed()
    {
        lock (_gate)
        {
            if (_packed is { } known) return known;
            return _packed = Deflated() is { } packed ? Of(packed, isPacked: true) : Of(bytes, isPacked: false);
        }
    }

    Wire Of(ReadOnlyMemory<byte> payload, bool isPacked)
    {
        Span<byte> head = stackalloc byte[10];
        head[0] = (byte)(0x80 | (isPacked ? 0x40 : 0) | (isBinary ? 2 : 1));
        int length = 2;
        if (payload.Length < 126)
        {
            head[1] = (byte)payload.Length;
        }
        else if (payload.Length <= ushort.MaxValue)
        {
            head[1] = 126;
            BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)payload.Length);
            length = 4;
        }
        else
        {
            head[1] = 127;
            BinaryPrimitives.WriteUInt64BigEndian(head[2..], (ulong)payload.Length);
            length = 10;
        }
        if (payload.Length > CopiedMax) return new Wire(head[..length].ToArray(), payload);
        byte[] whole = new byte[length + payload.Length];
        head[..length].CopyTo(whole);
        payload.Span.CopyTo(whole.AsSpan(length));
        return new Wire(default, whole);
    }

    /// <summary>
    /// Compressed by itself, as permessage-deflate (RFC 7692) without takeover has it: flushed to a byte, without the four bytes that
    /// every flush ends with. Null when that is no gain.
    /// </summary>
    byte[]? Deflated()
    {
        using MemoryStream packed = new(bytes.Length / 4);
        int length;
        using (DeflateStream deflate = new(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflate.Write(bytes.Span);
            deflate.Flush();
            // What closing it adds is not sent.
            length = (int)packed.Length;
        }
        ReadOnlySpan<byte> flushed = packed.GetBuffer().AsSpan(0, length);
        bool isWhole = flushed.EndsWith((ReadOnlySpan<byte>)[0, 0, 0xff, 0xff]);
        return isWhole && length - 4 < bytes.Length ? flushed[..^4].ToArray() : null;
    }
}
