using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// Takes finished log lines from any thread and writes them from one, in the order they came: a request pays a copy under a short
/// lock, never a system call. Bounded: when the reader of the stream falls behind, lines are dropped and the number is logged.
/// </summary>
sealed class LogOutput : IAsyncDisposable
{
    const int PendingBytesMax = 4 << 20;

    readonly Stream _stream;
    readonly Lock _lock = new();
    readonly SemaphoreSlim _signal = new(0, 1);
    readonly Task _writer;
    ByteOutput _pending = new(64 << 10);
    ByteOutput _writing = new(64 << 10);
    long _dropped;
    bool _closed;

    public LogOutput(Stream stream)
    {
        _stream = stream;
        _writer = WriteAsync();
    }

    public long Dropped => Volatile.Read(ref _dropped);

    public void Add(ReadOnlySpan<byte> line)
    {
        bool wasEmpty;
        lock (_lock)
        {
            if (_closed) return;
            if (_pending.Length + line.Length > PendingBytesMax)
            {
                _dropped++;
                return;
            }
            wasEmpty = _pending.Length == 0;
            _pending.Write(line);
        }
        if (wasEmpty) Wake();
    }

    /// <summary>Writes what is there, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_closed) return;
            _closed = true;
        }
        Wake();
        await _writer;
        _pending.Dispose();
        _writing.Dispose();
    }

    void Wake()
    {
        try
        {
            _signal.Release();
        }
        catch (SemaphoreFullException)
        {
            // The writer has been woken already and will see the new lines too.
        }
    }

    async Task WriteAsync()
    {
        while (true)
        {
            await _signal.WaitAsync();
            bool closed;
            lock (_lock)
            {
                (_pending, _writing) = (_writing, _pending);
                closed = _closed;
            }
            try
            {
                await _stream.WriteAsync(_writing.WrittenMemory);
                await _stream.FlushAsync();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // A closed pipe must not end the service; what could not be written counts as dropped.
                Interlocked.Increment(ref _dropped);
            }
            _writing.Clear();
            if (closed && _pending.Length == 0) return;
        }
    }
}
