namespace Plinth.Realtime;

/// <summary>
/// The connection under a socket. While several frames are sent one after the other it joins them, so that they leave with one write:
/// a socket by itself makes a write, and with it a system call, of every frame.
/// </summary>
sealed class JoiningStream(Stream inner, TimeProvider time) : Stream
{
    /// <summary>Joined bytes that are written out before more gather.</summary>
    const int JoinedMax = 32 << 10;

    // Heartbeats are written by a timer of the socket's own.
    readonly SemaphoreSlim _writing = new(1, 1);
    readonly CancellationTokenSource _gone = new();
    byte[] _joined = [];
    int _length;
    volatile bool _isJoining;
    long _heardAt = time.GetTimestamp();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>When something came of the peer last, by the clock's timestamps; at first, when it was opened.</summary>
    public long HeardAt => Volatile.Read(ref _heardAt);

    /// <summary>From now on writes gather.</summary>
    public void Join() => _isJoining = true;

    /// <summary>What has gathered leaves, and writes are written again.</summary>
    public async ValueTask ReleaseAsync(CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            _isJoining = false;
            await LetOutAsync(cancel);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Writes a frame, between no other's header and body.</summary>
    public ValueTask WriteAsync(OutFrame.Wire frame, CancellationToken cancel) => WriteAsync(frame.Head, frame.Body, cancel);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        WriteAsync(default, buffer, cancellationToken);

    async ValueTask WriteAsync(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel);
        try
        {
            if (head.Length > 0) await PutAsync(head, cancel);
            await PutAsync(body, cancel);
        }
        finally
        {
            _writing.Release();
        }
    }

    async ValueTask PutAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancel)
    {
        if (_length + buffer.Length > JoinedMax) await LetOutAsync(cancel);
        if (!_isJoining || buffer.Length > JoinedMax)
        {
            await inner.WriteAsync(buffer, cancel);
            return;
        }
        if (_joined.Length == 0) _joined = new byte[JoinedMax];
        buffer.CopyTo(_joined.AsMemory(_length));
        _length += buffer.Length;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Ends when the stream is disposed, too: a socket that gives its peer up does that, and a read would wait for ever.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!cancellationToken.CanBeCanceled) return Heard(await inner.ReadAsync(buffer, _gone.Token));
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _gone.Token);
        return Heard(await inner.ReadAsync(buffer, either.Token));
    }

    int Heard(int bytes)
    {
        if (bytes > 0) Volatile.Write(ref _heardAt, time.GetTimestamp());
        return bytes;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (!_isJoining) await inner.FlushAsync(cancellationToken);
    }

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gone.Cancel();
            inner.Dispose();
        }
        base.Dispose(disposing);
    }

    async ValueTask LetOutAsync(CancellationToken cancel)
    {
        if (_length == 0) return;
        int length = _length;
        _length = 0;
        await inner.WriteAsync(_joined.AsMemory(0, length), cancel);
    }
}
