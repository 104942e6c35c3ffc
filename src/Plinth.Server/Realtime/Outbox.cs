namespace Plinth.Realtime;

/// <summary>
/// What waits to be sent to one client: frames, bounded by their bytes. Whoever adds never waits; a client that reads too slowly is told
/// so with the last frame instead of costing memory. One reader.
/// </summary>
sealed class Outbox(int bytesMax)
{
    readonly Lock _gate = new();
    readonly SemaphoreSlim _signal = new(0, 1);
    List<ReadOnlyMemory<byte>> _frames = [];
    List<ReadOnlyMemory<byte>> _taken = [];
    long _bytes;
    bool _isClosing;

    /// <summary>False when the bound is reached: the client lags.</summary>
    public bool TryAdd(ReadOnlyMemory<byte> frame)
    {
        lock (_gate)
        {
            if (_isClosing) return true;
            // One frame passes however large it is: the items of a query are bounded elsewhere.
            if (_bytes > 0 && _bytes + frame.Length > bytesMax) return false;
            _frames.Add(frame);
            _bytes += frame.Length;
            Wake();
            return true;
        }
    }

    /// <summary>Ends it with a last frame. What waits is sent before, or dropped.</summary>
    public void Close(ReadOnlyMemory<byte>? last, bool drops)
    {
        lock (_gate)
        {
            if (_isClosing) return;
            _isClosing = true;
            if (drops) _frames.Clear();
            if (last is { } frame) _frames.Add(frame);
            Wake();
        }
    }

    /// <summary>The frames that wait, once there are some; null when it was closed and all were taken.</summary>
    public async ValueTask<IReadOnlyList<ReadOnlyMemory<byte>>?> TakeAsync(CancellationToken cancel)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_frames.Count > 0)
                {
                    _taken.Clear();
                    (_frames, _taken) = (_taken, _frames);
                    return _taken;
                }
                if (_isClosing) return null;
            }
            await _signal.WaitAsync(cancel);
        }
    }

    /// <summary>What was taken is on its way: its bytes count no more.</summary>
    public void Sent(int bytes)
    {
        lock (_gate) _bytes -= bytes;
    }

    void Wake()
    {
        if (_signal.CurrentCount == 0) _signal.Release();
    }
}
