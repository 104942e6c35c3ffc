using Plinth.Schema;

namespace Plinth.Plan;

/// <summary>
/// Makes ids from an injected random source. Ids of <c>uuid7()</c> rise strictly within one source, also when the clock stands still or
/// goes back, so that a key's order is the order of creation. Thread-safe.
/// </summary>
/// <param name="random">Fills a span with random bytes; the product gives a cryptographic one, tests a seeded one.</param>
sealed class IdSource(Action<Span<byte>> random)
{
    const string NanoIdLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const int NanoIdLength = 21, CuidLength = 24, SequenceMax = 0xFFF;

    readonly Lock _lock = new();
    readonly byte[] _pool = new byte[512];
    int _used = 512;
    long _milliseconds = long.MinValue;
    int _sequence;

    /// <param name="generator">Which form.</param>
    /// <param name="nowMicroseconds">The time of the command; only <see cref="IdGenerator.Uuid7"/> reads it.</param>
    public Value Next(IdGenerator generator, long nowMicroseconds)
    {
        lock (_lock)
        {
            return generator switch
            {
                IdGenerator.Uuid7 => Uuid7(nowMicroseconds),
                IdGenerator.Uuid4 => Uuid4(),
                IdGenerator.Cuid => Value.From(Cuid()),
                IdGenerator.NanoId => Value.From(NanoId()),
                _ => throw new InvalidOperationException($"no generator {generator}"),
            };
        }
    }

    Value Uuid7(long now)
    {
        long milliseconds = Math.Max(0, now / 1000);
        if (milliseconds > _milliseconds)
        {
            // The sequence starts in the lower half, so that a millisecond holds at least 2,048 ids before it borrows from the next.
            (_milliseconds, _sequence) = (milliseconds, (Byte() << 3 | Byte() & 7) & (SequenceMax >> 1));
        }
        else if (++_sequence > SequenceMax)
        {
            (_milliseconds, _sequence) = (_milliseconds + 1, 0);
        }
        Span<byte> id = stackalloc byte[16];
        for (int i = 0; i < 6; i++) id[i] = (byte)(_milliseconds >> (8 * (5 - i)));
        id[6] = (byte)(0x70 | _sequence >> 8);
        id[7] = (byte)_sequence;
        Fill(id[8..]);
        id[8] = (byte)(0x80 | id[8] & 0x3F);
        return Value.FromUuid(id);
    }

    Value Uuid4()
    {
        Span<byte> id = stackalloc byte[16];
        Fill(id);
        id[6] = (byte)(0x40 | id[6] & 0x0F);
        id[8] = (byte)(0x80 | id[8] & 0x3F);
        return Value.FromUuid(id);
    }

    string NanoId()
    {
        Span<char> id = stackalloc char[NanoIdLength];
        for (int i = 0; i < id.Length; i++) id[i] = NanoIdLetters[Byte() & 63];
        return new string(id);
    }

    /// <summary>A letter, then letters and digits: the form that every reader of cuids takes.</summary>
    string Cuid()
    {
        Span<char> id = stackalloc char[CuidLength];
        id[0] = (char)('a' + Below(26));
        for (int i = 1; i < id.Length; i++)
        {
            int digit = Below(36);
            id[i] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
        }
        return new string(id);
    }

    /// <summary>Unbiased: bytes above the last whole multiple are thrown away.</summary>
    int Below(int bound)
    {
        int whole = 256 / bound * bound;
        while (true)
        {
            int drawn = Byte();
            if (drawn < whole) return drawn % bound;
        }
    }

    int Byte()
    {
        if (_used == _pool.Length) Refill();
        return _pool[_used++];
    }

    void Fill(Span<byte> to)
    {
        if (_pool.Length - _used < to.Length) Refill();
        _pool.AsSpan(_used, to.Length).CopyTo(to);
        _used += to.Length;
    }

    void Refill()
    {
        random(_pool);
        _used = 0;
    }
}
