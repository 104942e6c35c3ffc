using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plinth.Text;

namespace Plinth.Identity.Hashing;

/// <summary>
/// What a new password must be: long enough, not the person's own name, and not on a list of passwords that are known. No classes of
/// characters are asked for (NIST SP 800-63B: they make passwords worse).
/// </summary>
/// <param name="lengthMin">Characters.</param>
/// <param name="breached">The list; null when there is none.</param>
sealed class PasswordRules(int lengthMin, BreachedPasswords? breached)
{
    /// <summary>UTF-8 bytes: a bound on what one sign-in may make us hash.</summary>
    public const int BytesMax = 1024;

    /// <summary>What is wrong with it; null when it may be used.</summary>
    public FaultDetail? Refuse(string password, string email)
    {
        if (new StringInfo(password).LengthInTextElements < lengthMin)
            return new("password", "too_short", string.Create(CultureInfo.InvariantCulture, $"needs at least {lengthMin} characters"));
        if (Encoding.UTF8.GetByteCount(password) > BytesMax)
            return new("password", "too_long", string.Create(CultureInfo.InvariantCulture, $"has more than {BytesMax} bytes"));
        if (IsUnpaired(password)) return new("password", "type", "is no text");
        string local = email.Split('@')[0];
        if (password.Equals(email, StringComparison.OrdinalIgnoreCase) || password.Equals(local, StringComparison.OrdinalIgnoreCase))
            return new("password", "too_easy", "is the e-mail address");
        return breached?.Contains(password) == true ? new("password", "breached", "is on a list of passwords that are known") : null;
    }

    static bool IsUnpaired(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return true;
            i++;
        }
        return false;
    }
}

/// <summary>
/// A file of known passwords: one per line, in plain or as SHA-1 in hex (with or without <c>:count</c>, as Have I Been Pwned gives it).
/// Kept as sorted hashes, 20 bytes each.
/// </summary>
sealed class BreachedPasswords
{
    const int DigestBytes = 20;

    readonly byte[] _sorted;

    BreachedPasswords(byte[] sorted) => _sorted = sorted;

    public static BreachedPasswords Read(TextReader lines)
    {
        List<byte[]> digests = [];
        while (lines.ReadLine() is { } line)
        {
            if (line.Length > 0) digests.Add(OfLine(line));
        }
        digests.Sort(static (a, b) => a.AsSpan().SequenceCompareTo(b));
        byte[] sorted = new byte[digests.Count * DigestBytes];
        for (int i = 0; i < digests.Count; i++) digests[i].CopyTo(sorted, i * DigestBytes);
        return new(sorted);
    }

    public int Count => _sorted.Length / DigestBytes;

    public bool Contains(string password)
    {
        ReadOnlySpan<byte> wanted = Digest(password);
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int order = _sorted.AsSpan(middle * DigestBytes, DigestBytes).SequenceCompareTo(wanted);
            if (order == 0) return true;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }
        return false;
    }

    static byte[] OfLine(string line)
    {
        bool isDigest = line.Length >= 40 && (line.Length == 40 || line[40] == ':')
            && line.AsSpan(0, 40).IndexOfAnyExcept("0123456789abcdefABCDEF") < 0;
        return isDigest ? Convert.FromHexString(line.AsSpan(0, 40)) : Digest(line);
    }

#pragma warning disable CA5350 // The lists are lists of SHA-1; nothing is protected by it here.
    static byte[] Digest(string password) => SHA1.HashData(Encoding.UTF8.GetBytes(password));
#pragma warning restore CA5350 // as above
}
