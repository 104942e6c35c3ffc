using Plinth.Text;

namespace Plinth.Live;

/// <summary>
/// What a subscription is told, without the id by which its client knows it: written once for all who share the query, and kept whole
/// for those who also share the id, which most pages of one application do.
/// </summary>
sealed class LiveFrame
{
    readonly byte[] _type;
    readonly byte[] _rest;
    volatile Whole? _whole;

    /// <param name="type">Of the frame.</param>
    /// <param name="rest">Its members behind type and id, the closing brace included.</param>
    public LiveFrame(ReadOnlySpan<byte> type, byte[] rest) => (_type, _rest) = (type.ToArray(), rest);

    LiveFrame(Fault ended) => (_type, _rest, Ended) = ([], [], ended);

    sealed record Whole(byte[] Id, byte[] Bytes);

    /// <summary>
    /// Why the subscription has ended; null while it goes on. Such a frame has no bytes: how a fault is told is the front's.
    /// </summary>
    public Fault? Ended { get; }

    public string Type => System.Text.Encoding.UTF8.GetString(_type);

    /// <summary>Bytes that a frame takes, about.</summary>
    public int Length => _rest.Length + 32;

    public static LiveFrame End(Fault fault) => new(fault);

    /// <summary>The frame of one subscription.</summary>
    /// <param name="id">Its id as JSON.</param>
    public ReadOnlyMemory<byte> For(byte[] id)
    {
        if (_whole is { } whole && whole.Id.AsSpan().SequenceEqual(id)) return whole.Bytes;
        using ByteOutput frame = new(_rest.Length + id.Length + 48);
        frame.Write("{\"type\":\""u8);
        frame.Write(_type);
        frame.Write("\",\"id\":"u8);
        frame.Write(id);
        frame.Write(_rest);
        whole = new Whole(id, frame.ToArray());
        _whole = whole;
        return whole.Bytes;
    }
}
