namespace Plinth.Realtime;

/// <summary>
/// What waits to be sent to one client: frames, bounded by their bytes. Whoever adds never waits; a client that reads too slowly is told
/// so with the last frame instead of costing memory.
/// </summary>
/// <remarks>
/// Where nothing is under way, a frame is written by whoever adds it: the connection takes it at once, and the client's own reader of
/// this box, with its hand-over of threads, is left alone. That hand-over was most of what telling thousands of clients cost. One reader.
/// </remarks>
sealed class Outbox(int bytesMax)
{
    /// <summary>Larger frames may have to be compressed, and are left to the reader.</summary>
    const int AtOnceMax = 8 << 10;

    readonly Lock _gate = new();
    readonly SemaphoreSlim _signal = new(0, 1);
    List<OutFrame> _frames = [];
    List<OutFrame> _taken = [];
    Func<OutFrame, ValueTask>? _write;
    Exception? _failure;
    long _bytes;
    bool _isClosing, _isWriting;

    /// <summary>From now on frames are written by whoever adds them, as long as none is on its way.</summary>
    public void WriteAtOnce(Func<OutFrame, ValueTask> write)
    {
        lock (_gate) _write = write;
    }

    /// <summary>False when the bound is reached: the client lags.</summary>
    public bool TryAdd(OutFrame frame)
    {
        Func<OutFrame, ValueTask> write;
        lock (_gate)
        {
            if (_isClosing) return true;
            // One frame passes however large it is: the items of a query are bounded elsewhere.
            if (_bytes > 0 && _bytes + frame.Length > bytesMax) return false;
            _bytes += frame.Length;
            if (_write is null || _isWriting || _frames.Count > 0 || frame.Length > AtOnceMax)
            {
                _frames.Add(frame);
                Wake();
                return true;
            }
            (write, _isWriting) = (_write, true);
        }
        Write(frame, write);
        return true;
    }

    /// <summary>Ends it with a last frame. What waits is sent before, or dropped.</summary>
    public void Close(OutFrame? last, bool drops)
    {
        lock (_gate)
        {
            if (_isClosing) return;
            _isClosing = true;
            if (drops) _frames.Clear();
            if (last is not null) _frames.Add(last);
            Wake();
        }
    }

    /// <summary>The frames that wait, once there are some; null when it was closed and all were taken.</summary>
    /// <exception cref="IOException">The connection did not take a frame.</exception>
    public async ValueTask<IReadOnlyList<OutFrame>?> TakeAsync(CancellationToken cancel)
    {
        while (true)
        {
            lock (_gate)
            {
                if (_failure is not null) throw new IOException("the connection took no more", _failure);
                if (!_isWriting && _frames.Count > 0)
                {
                    _taken.Clear();
                    (_frames, _taken) = (_taken, _frames);
                    _isWriting = true;
                    return _taken;
                }
                if (!_isWriting && _isClosing) return null;
            }
            await _signal.WaitAsync(cancel);
        }
    }

    /// <summary>What was taken is on its way: its bytes count no more.</summary>
    public void Sent(int bytes)
    {
        lock (_gate) (_bytes, _isWriting) = (_bytes - bytes, false);
    }

    void Write(OutFrame frame, Func<OutFrame, ValueTask> write)
    {
        ValueTask writing;
        try
        {
            writing = write(frame);
        }
        catch (Exception e)
        {
            Written(frame, e);
            return;
        }
        if (writing.IsCompletedSuccessfully) Written(frame, null);
        else _ = FinishAsync(frame, writing);
    }

    async Task FinishAsync(OutFrame frame, ValueTask writing)
    {
        try
        {
            await writing.ConfigureAwait(false);
            Written(frame, null);
        }
        catch (Exception e)
        {
            Written(frame, e);
        }
    }

    /// <summary>Whoever added the frame is not told of a failure, which is the client's: its reader is.</summary>
    void Written(OutFrame frame, Exception? failure)
    {
        lock (_gate)
        {
            (_bytes, _isWriting) = (_bytes - frame.Length, false);
            _failure ??= failure;
            if (_frames.Count > 0 || _isClosing || failure is not null) Wake();
        }
    }

    void Wake()
    {
        if (_signal.CurrentCount == 0) _signal.Release();
    }
}
