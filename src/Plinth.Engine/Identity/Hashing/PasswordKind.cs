using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Plinth.Text;

namespace Plinth.Identity.Hashing;

/// <summary>How a stored password was hashed, as far as comparing with it costs anything: Argon2id by its cost, or bcrypt by its.</summary>
/// <param name="Argon2">Null for bcrypt.</param>
/// <param name="Rounds">Of bcrypt: the exponent of two; 0 for Argon2id.</param>
sealed record PasswordKind(Argon2Cost? Argon2, int Rounds)
{
    const int BcryptLength = 60, BcryptRoundsMin = 4;

    /// <summary>What a stored text says of how it was made; false for one that nobody's password can match.</summary>
    /// <param name="stored">A PHC string of Argon2id, or bcrypt's modular form.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="prefix">The characters in which every hash of this kind (and of this spelling of bcrypt) begins.</param>
    public static bool TryRead(string stored, [NotNullWhen(true)] out PasswordKind? kind, out string prefix)
    {
        kind = null;
        // Of a text that is none, enough to look for others than it.
        prefix = stored[..Math.Min(stored.Length, 8)];
        bool isRead = stored.StartsWith("$2", StringComparison.Ordinal) ? TryReadBcrypt(stored, out kind) : TryReadArgon2(stored, out kind);
        if (isRead) prefix = stored[..(stored.IndexOf('$', stored.StartsWith("$2", StringComparison.Ordinal) ? 4 : 16) + 1)];
        return isRead;
    }

    /// <summary>$2b$12$ and 53 characters</summary>
    static bool TryReadBcrypt(string stored, [NotNullWhen(true)] out PasswordKind? kind)
    {
        kind = null;
        if (stored.Length != BcryptLength || stored[2] is not ('a' or 'b' or 'y') || stored[3] != '$' || stored[6] != '$') return false;
        if (!int.TryParse(stored.AsSpan(4, 2), NumberStyles.None, CultureInfo.InvariantCulture, out int rounds)) return false;
        if (rounds is < BcryptRoundsMin or > Limits.BcryptRounds) return false;
        kind = new PasswordKind(null, rounds);
        return true;
    }

    /// <summary>$argon2id$v=19$m=19456,t=2,p=1$salt$hash</summary>
    static bool TryReadArgon2(string stored, [NotNullWhen(true)] out PasswordKind? kind)
    {
        kind = null;
        if (stored.Split('$') is not ["", "argon2id", "v=19", var parameters, _, _]) return false;
        if (parameters.Split(',') is not [var m, var t, var p]) return false;
        if (!TryNumber(m, "m=", out int memory) || !TryNumber(t, "t=", out int passes) || !TryNumber(p, "p=", out int lanes)) return false;
        if (passes is < 1 or > Limits.PasswordPasses || lanes is < 1 or > Limits.PasswordLanes) return false;
        if (memory < 8 * lanes || memory > Limits.PasswordMemoryKb) return false;
        kind = new PasswordKind(new Argon2Cost(memory, passes, lanes), 0);
        return true;
    }

    static bool TryNumber(string text, string name, out int number)
    {
        number = 0;
        return text.StartsWith(name, StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
