namespace Plinth.Realtime;

/// <summary>
/// The connection under a socket. While several frames are sent one after the other it joins them, so that they leave with one write:
/// a socket by itself makes a write, and with it a system call, of every frame.
/// </summary>
sealed class JoiningStream(Stream inner) : Stream
{
    /// <summary>Joined bytes that are written out before more gather.</summary>
    const int JoinedMax = 32 << 10;

    // Heartbeats are written by a timer of the socket's own.
    readonly SemaphoreSlim _writing = new(1, 1);
    readonly CancellationTokenSource _gone = new();
    byte[] _joined = [];
    int _length;
    volatile bool _isJoining;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

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

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (_length + buffer.Length > JoinedMax) await LetOutAsync(cancellationToken);
            if (!_isJoining || buffer.Length > JoinedMax)
            {
                await inner.WriteAsync(buffer, cancellationToken);
                return;
            }
            if (_joined.Length == 0) _joined = new byte[JoinedMax];
            buffer.CopyTo(_joined.AsMemory(_length));
            _length += buffer.Length;
        }
        finally
        {
            _writing.Release();
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Ends when the stream is disposed, too: a socket that gives its peer up does that, and a read would wait for ever.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!cancellationToken.CanBeCanceled) return await inner.ReadAsync(buffer, _gone.Token);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _gone.Token);
        return await inner.ReadAsync(buffer, either.Token);
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
