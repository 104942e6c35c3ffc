using System.Buffers;

namespace Plinth.Text;

/// <summary>
/// A growing buffer of UTF-8 (or CBOR) that answers are written into: one array from the pool, returned by <see cref="Dispose"/>.
/// Whole answers are buffered so that a status, an ETag and a length can still be decided after the last row. Not thread-safe.
/// </summary>
sealed class ByteOutput : IBufferWriter<byte>, IDisposable
{
    byte[] _bytes;
    int _length;

    public ByteOutput(int capacity = 1024) => _bytes = ArrayPool<byte>.Shared.Rent(capacity);

    public int Length => _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Drops what was written after <paramref name="length"/>.</summary>
    public void Truncate(int length) => _length = Math.Min(_length, length);

    public void Advance(int count) => _length += count;

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Ensure(Math.Max(1, sizeHint));
        return _bytes.AsSpan(_length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(Math.Max(1, sizeHint));
        return _bytes.AsMemory(_length);
    }

    public void Write(byte value)
    {
        Ensure(1);
        _bytes[_length++] = value;
    }

    public void Write(ReadOnlySpan<byte> value)
    {
        Ensure(value.Length);
        value.CopyTo(_bytes.AsSpan(_length));
        _length += value.Length;
    }

    public byte[] ToArray() => Written.ToArray();

    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        _length = 0;
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
    }

    void Ensure(int count)
    {
        if (_bytes.Length - _length >= count) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + count));
        Written.CopyTo(larger);
        if (_bytes.Length > 0) ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
