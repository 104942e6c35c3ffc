using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Plinth.Identity;

/// <summary>
/// Opaque tokens as text: a prefix that scanners for leaked secrets know, and letters and digits alone, so that a double click takes the
/// whole. The last four bytes are a checksum: a text that was cut or mistyped costs no look-up.
/// </summary>
static class TokenText
{
    public const string ApiToken = "plk_", Refresh = "plr_", Code = "plc_";

    const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const int CheckBytes = 4;

    public static string Write(string prefix, ReadOnlySpan<byte> content)
    {
        byte[] bytes = [.. content, .. Check(prefix, content)];
        char[] text = new char[LengthOf(bytes.Length)];
        BigInteger number = new(bytes, isUnsigned: true, isBigEndian: true);
        for (int i = text.Length - 1; i >= 0; i--)
        {
            number = BigInteger.DivRem(number, Alphabet.Length, out BigInteger digit);
            text[i] = Alphabet[(int)digit];
        }
        return string.Concat(prefix, text);
    }

    /// <summary>Reads what <see cref="Write"/> wrote; false for anything else.</summary>
    public static bool TryRead(string prefix, ReadOnlySpan<char> text, Span<byte> content)
    {
        if (!text.StartsWith(prefix, StringComparison.Ordinal)) return false;
        ReadOnlySpan<char> digits = text[prefix.Length..];
        int length = content.Length + CheckBytes;
        if (digits.Length != LengthOf(length)) return false;
        BigInteger number = BigInteger.Zero;
        foreach (char c in digits)
        {
            int digit = Alphabet.IndexOf(c, StringComparison.Ordinal);
            if (digit < 0) return false;
            number = number * Alphabet.Length + digit;
        }
        byte[] bytes = new byte[length];
        int size = number.GetByteCount(isUnsigned: true);
        if (size > length || !number.TryWriteBytes(bytes.AsSpan(length - size), out _, isUnsigned: true, isBigEndian: true)) return false;
        bytes.AsSpan(0, content.Length).CopyTo(content);
        return CryptographicOperations.FixedTimeEquals(Check(prefix, content), bytes.AsSpan(content.Length));
    }

    /// <summary>62 in place of 256: 8 / log2(62) digits a byte.</summary>
    static int LengthOf(int bytes) => (int)Math.Ceiling(bytes * 8 / Math.Log2(Alphabet.Length));

    static byte[] Check(string prefix, ReadOnlySpan<byte> content) =>
        SHA256.HashData([.. Encoding.ASCII.GetBytes(prefix), .. content])[..CheckBytes];
}
