using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Plinth.Http;

/// <summary>
/// Percent-decoding of path parts and query strings, strict: a stray '%', bytes that are not UTF-8 and U+0000 are refused rather than
/// repaired, because a repaired name or value would be another one than was sent.
/// </summary>
static class PercentText
{
    /// <param name="plusIsSpace">In query strings, as browsers and curl write them; not in paths.</param>
    public static bool TryDecode(ReadOnlySpan<char> raw, bool plusIsSpace, out string text)
    {
        if (raw.IndexOf('%') < 0 && (!plusIsSpace || raw.IndexOf('+') < 0))
        {
            text = raw.ToString();
            return IsAsciiWithoutNul(raw);
        }
        byte[]? rented = raw.Length > 512 ? ArrayPool<byte>.Shared.Rent(raw.Length) : null;
        Span<byte> bytes = rented ?? stackalloc byte[512];
        bool decoded = TryDecodeBytes(raw, plusIsSpace, bytes, out int length);
        bytes = bytes[..length];
        decoded = decoded && Utf8.IsValid(bytes) && !bytes.Contains((byte)0);
        text = decoded ? Encoding.UTF8.GetString(bytes) : "";
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return decoded;
    }

    /// <summary>One part of a key in a path: everything but unreserved characters is encoded, the comma between parts included.</summary>
    public static string EncodePart(string part) => Uri.EscapeDataString(part);

    // Kestrel hands bytes above 0x7f in a target on as Latin-1 or refuses them; a URI has ASCII only (RFC 3986), so they are refused here.
    static bool IsAsciiWithoutNul(ReadOnlySpan<char> raw) => !raw.ContainsAnyExceptInRange('\u0001', '\u007f');

    static bool TryDecodeBytes(ReadOnlySpan<char> raw, bool plusIsSpace, Span<byte> bytes, out int length)
    {
        length = 0;
        for (int i = 0; i < raw.Length; i++)
        {
            char c = raw[i];
            if (c == '%')
            {
                if (i + 2 >= raw.Length) return false;
                int high = HexDigit(raw[i + 1]), low = HexDigit(raw[i + 2]);
                if (high < 0 || low < 0) return false;
                bytes[length++] = (byte)((high << 4) | low);
                i += 2;
                continue;
            }
            if (c is '\0' or > '\u007f') return false;
            bytes[length++] = c == '+' && plusIsSpace ? (byte)' ' : (byte)c;
        }
        return true;
    }

    static int HexDigit(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'f' => c - 'a' + 10,
        >= 'A' and <= 'F' => c - 'A' + 10,
        _ => -1,
    };
}
