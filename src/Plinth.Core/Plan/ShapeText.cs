using System.Buffers;
using System.Globalization;

namespace Plinth.Plan;

/// <summary>
/// Builds the text under which a shape is kept, on the stack as long as it is short. Every part ends with a control character that
/// no part can hold unescaped, so two different requests never make one text.
/// </summary>
ref struct ShapeText(Span<char> start)
{
    const char End = '\u0001';

    Span<char> _chars = start;
    char[]? _rented;
    int _length;

    public readonly ReadOnlySpan<char> Text => _chars[.._length];

    public void Add(ReadOnlySpan<char> part)
    {
        // A part is a name that the caller wrote: one with our separator in it is written doubled, and so stays another text.
        while (part.IndexOf(End) is >= 0 and int at)
        {
            Append(part[..(at + 1)]);
            Append([End]);
            part = part[(at + 1)..];
        }
        Append(part);
        Append([End, ' ']);
    }

    public void Add(int number)
    {
        Span<char> digits = stackalloc char[12];
        number.TryFormat(digits, out int length, provider: CultureInfo.InvariantCulture);
        Append(digits[..length]);
        Append([End, ' ']);
    }

    public void Dispose()
    {
        if (_rented is not null) ArrayPool<char>.Shared.Return(_rented);
        _rented = null;
    }

    void Append(scoped ReadOnlySpan<char> text)
    {
        if (_chars.Length - _length < text.Length) Grow(text.Length);
        text.CopyTo(_chars[_length..]);
        _length += text.Length;
    }

    void Grow(int count)
    {
        char[] larger = ArrayPool<char>.Shared.Rent(Math.Max(_chars.Length * 2, _length + count));
        Text.CopyTo(larger);
        if (_rented is not null) ArrayPool<char>.Shared.Return(_rented);
        _chars = _rented = larger;
    }
}
