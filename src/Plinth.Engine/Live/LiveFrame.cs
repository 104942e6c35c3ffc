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
    volatile LiveWords? _words;

    /// <param name="type">Of the frame.</param>
    /// <param name="rest">Its members behind type and id, the closing brace included.</param>
    public LiveFrame(ReadOnlySpan<byte> type, byte[] rest) => (_type, _rest) = (type.ToArray(), rest);

    LiveFrame(Fault ended) => (_type, _rest, Ended) = ([], [], ended);

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
    public ReadOnlyMemory<byte> For(byte[] id) => Words(id).Json;

    /// <summary>The same, as it is shared by all who have this id.</summary>
    /// <param name="id">Of the subscription, as JSON.</param>
    public LiveWords Words(byte[] id)
    {
        if (_words is { } known && known.IsOf(id)) return known;
        using ByteOutput frame = new(_rest.Length + id.Length + 48);
        frame.Write("{\"type\":\""u8);
        frame.Write(_type);
        frame.Write("\",\"id\":"u8);
        frame.Write(id);
        frame.Write(_rest);
        return _words = new LiveWords(id, frame.ToArray());
    }
}

/// <summary>A frame with its id, and what a front has made of it to send: one for thousands of clients.</summary>
sealed class LiveWords(byte[] id, byte[] json)
{
    volatile object? _form;

    public ReadOnlyMemory<byte> Json => json;

    public bool IsOf(byte[] other) => ReferenceEquals(id, other) || id.AsSpan().SequenceEqual(other);

    /// <summary>What the front makes of it; made once, but for threads that come at the same moment.</summary>
    public T Form<T>(Func<ReadOnlyMemory<byte>, T> make) where T : class
    {
        if (_form is T known) return known;
        T made = make(json);
        _form = made;
        return made;
    }
}
