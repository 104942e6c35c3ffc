using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Plinth.Text;

/// <summary>
/// JSON written straight into a <see cref="ByteOutput"/>. Escapes only what RFC 8259 demands (quote, backslash, controls), so that
/// most cells are one vectorised scan and one copy; the answers are served as application/json, never inside a page.
/// </summary>
static class JsonText
{
    static readonly SearchValues<byte> s_escaped = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)'"',
            (byte)'\\']);

    public static void WriteString(ByteOutput output, ReadOnlySpan<byte> utf8)
    {
        output.Write((byte)'"');
        while (true)
        {
            int clean = utf8.IndexOfAny(s_escaped);
            if (clean < 0)
            {
                output.Write(utf8);
                break;
            }
            output.Write(utf8[..clean]);
            WriteEscape(output, utf8[clean]);
            utf8 = utf8[(clean + 1)..];
        }
        output.Write((byte)'"');
    }

    public static void WriteString(ByteOutput output, string text)
    {
        if (text.Length <= 256)
        {
            Span<byte> small = stackalloc byte[text.Length * 3];
            WriteString(output, small[..Encoding.UTF8.GetBytes(text, small)]);
            return;
        }
        byte[] rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        WriteString(output, rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        ArrayPool<byte>.Shared.Return(rented);
    }

    public static void WriteInt(ByteOutput output, long value)
    {
        Span<byte> to = output.GetSpan(20);
        Utf8Formatter.TryFormat(value, to, out int length);
        output.Advance(length);
    }

    /// <summary>A 64-bit number as a string: JSON readers that hold numbers as doubles keep every digit.</summary>
    public static void WriteIntString(ByteOutput output, long value)
    {
        Span<byte> to = output.GetSpan(22);
        to[0] = (byte)'"';
        Utf8Formatter.TryFormat(value, to[1..], out int length);
        to[length + 1] = (byte)'"';
        output.Advance(length + 2);
    }

    /// <summary>The shortest text that reads back as the same double (R). NaN and infinities never get here.</summary>
    public static void WriteDouble(ByteOutput output, double value)
    {
        Span<byte> to = output.GetSpan(32);
        value.TryFormat(to, out int length, "R", System.Globalization.CultureInfo.InvariantCulture);
        output.Advance(length);
    }

    public static void WriteBoolean(ByteOutput output, bool value) => output.Write(value ? "true"u8 : "false"u8);

    public static void WriteNull(ByteOutput output) => output.Write("null"u8);

    /// <summary><c>"name":</c></summary>
    public static void WriteName(ByteOutput output, string name)
    {
        WriteString(output, name);
        output.Write((byte)':');
    }

    static void WriteEscape(ByteOutput output, byte value)
    {
        switch (value)
        {
            case (byte)'"': output.Write("\\\""u8); break;
            case (byte)'\\': output.Write("\\\\"u8); break;
            case (byte)'\n': output.Write("\\n"u8); break;
            case (byte)'\r': output.Write("\\r"u8); break;
            case (byte)'\t': output.Write("\\t"u8); break;
            case (byte)'\b': output.Write("\\b"u8); break;
            case (byte)'\f': output.Write("\\f"u8); break;
            default:
                Span<byte> to = output.GetSpan(6);
                "\\u00"u8.CopyTo(to);
                to[4] = (byte)"0123456789abcdef"[value >> 4];
                to[5] = (byte)"0123456789abcdef"[value & 15];
                output.Advance(6);
                break;
        }
    }
}
