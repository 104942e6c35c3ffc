using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Generators;
using Plinth.Text;

namespace Plinth.Identity.Hashing;

/// <summary>What comparing a password with a stored hash came to.</summary>
/// <param name="IsMatch">It is the password.</param>
/// <param name="IsOutdated">It is, and the hash was made in another way or at another cost than new ones are.</param>
readonly record struct PasswordMatch(bool IsMatch, bool IsOutdated);

/// <summary>
/// Passwords ↔ hashes, as PHC strings (<c>$argon2id$v=19$m=…,t=…,p=…$salt$hash</c>). bcrypt hashes of other systems are verified, and
/// made anew at the next sign-in. At most as many hashes are made at once as the machine has processors; what waits is bounded.
/// </summary>
sealed class PasswordHashes : IDisposable
{
    const int SaltBytes = 16, HashBytes = 32;

    /// <summary>Sign-ins that may wait for a processor; beyond it the answer is 503.</summary>
    const int WaitingMax = 256;

    readonly Argon2Cost _cost;
    readonly SemaphoreSlim _processors = new(Environment.ProcessorCount);
    readonly Lazy<string> _nobody;
    int _waiting;
    long _work;

    public PasswordHashes(Argon2Cost cost)
    {
        _cost = cost;
        // Made when it is first needed: a schema without users needs no library.
        _nobody = new(() => Make(Convert.ToHexString(RandomNumberGenerator.GetBytes(16))));
    }

    /// <summary>KiB times passes that Argon2id has gone over since the start: what sign-ins cost, whoever they are of.</summary>
    public long Work => Volatile.Read(ref _work);

    public async ValueTask<Result<string>> HashAsync(string password, CancellationToken cancel)
    {
        if (await EnterAsync(cancel).ConfigureAwait(false) is { } busy) return busy;
        try
        {
            return Make(password);
        }
        finally
        {
            _processors.Release();
        }
    }

    /// <summary>Compares; without a hash (nobody has this name, or no password was set) as much work is done in vain.</summary>
    public async ValueTask<Result<PasswordMatch>> VerifyAsync(string? hash, string password, CancellationToken cancel)
    {
        if (await EnterAsync(cancel).ConfigureAwait(false) is { } busy) return busy;
        try
        {
            if (hash is not null) return Verify(hash, password);
            _ = Verify(_nobody.Value, password);
            return default(PasswordMatch);
        }
        finally
        {
            _processors.Release();
        }
    }

    public void Dispose() => _processors.Dispose();

    async ValueTask<Fault?> EnterAsync(CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            return Faults.Overloaded.Says("too many sign-ins at once") with { RetryAfterSeconds = 2 };
        }
        try
        {
            await _processors.WaitAsync(cancel).ConfigureAwait(false);
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    string Make(string password)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] hash = Hash(password, salt, _cost, HashBytes);
        return string.Create(CultureInfo.InvariantCulture,
            $"$argon2id$v=19$m={_cost.MemoryKb},t={_cost.Passes},p={_cost.Lanes}${Unpadded(salt)}${Unpadded(hash)}");
    }

    PasswordMatch Verify(string stored, string password)
    {
        if (stored.StartsWith("$2", StringComparison.Ordinal)) return new(VerifyBcrypt(stored, password), IsOutdated: true);
        if (!TryRead(stored, out Argon2Cost? cost, out byte[] salt, out byte[] hash)) return default;
        byte[] made = Hash(password, salt, cost, hash.Length);
        return new(CryptographicOperations.FixedTimeEquals(made, hash), cost != _cost || hash.Length != HashBytes);
    }

    byte[] Hash(string password, byte[] salt, Argon2Cost cost, int bytes)
    {
        Interlocked.Add(ref _work, (long)cost.MemoryKb * cost.Passes);
        return Argon2.Hash(Bytes(password), salt, cost, bytes);
    }

    static bool VerifyBcrypt(string stored, string password)
    {
        try
        {
            return OpenBsdBCrypt.CheckPassword(stored, password.ToCharArray());
        }
        catch (Exception e) when (e is ArgumentException or FormatException or Org.BouncyCastle.Crypto.DataLengthException)
        {
            // An imported text that is no bcrypt hash is nobody's password.
            return false;
        }
    }

    /// <summary><c>$argon2id$v=19$m=19456,t=2,p=1$salt$hash</c></summary>
    static bool TryRead(
        string stored, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Argon2Cost? cost, out byte[] salt, out byte[] hash)
    {
        (cost, salt, hash) = (null, [], []);
        if (stored.Split('$') is not ["", "argon2id", "v=19", var parameters, var saltText, var hashText]) return false;
        if (parameters.Split(',') is not [var m, var t, var p]) return false;
        if (!TryNumber(m, "m=", out int memory) || !TryNumber(t, "t=", out int passes) || !TryNumber(p, "p=", out int lanes)) return false;
        try
        {
            (salt, hash) = (Padded(saltText), Padded(hashText));
        }
        catch (FormatException)
        {
            return false;
        }
        cost = new Argon2Cost(memory, passes, lanes);
        return salt.Length >= 8 && hash.Length >= 16;
    }

    static bool TryNumber(string text, string name, out int number)
    {
        number = 0;
        return text.StartsWith(name, StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    static byte[] Bytes(string password) => Encoding.UTF8.GetBytes(password);

    static string Unpadded(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    static byte[] Padded(string text) => Convert.FromBase64String(text + new string('=', (4 - text.Length % 4) % 4));
}
