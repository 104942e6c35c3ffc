using System.Collections.Immutable;
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
/// made anew at the next sign-in. Comparing does the work of every kind of hash that the store is known to hold, whosever password it is
/// and whether or not there is one: how long a refusal takes does not tell who is there, nor how old an account is. At most as many hashes
/// are made at once as the machine has processors; what waits is bounded.
/// </summary>
sealed class PasswordHashes : IDisposable
{
    const int SaltBytes = 16, HashBytes = 32;

    /// <summary>Sign-ins that may wait for a processor; beyond it the answer is 503.</summary>
    const int WaitingMax = 256;

    readonly Argon2Cost _cost;
    readonly SemaphoreSlim _processors = new(Environment.ProcessorCount);
    ImmutableArray<PasswordKind> _kinds;
    int _waiting;
    long _work, _rounds;

    public PasswordHashes(Argon2Cost cost)
    {
        _cost = cost;
        _kinds = [new PasswordKind(cost, 0)];
    }

    /// <summary>
    /// What sign-ins have cost since the start, whoever they are of: KiB times passes of Argon2id, and rounds of bcrypt's key schedule.
    /// </summary>
    public (long Argon2, long Bcrypt) Work => (Volatile.Read(ref _work), Volatile.Read(ref _rounds));

    /// <summary>The kinds of hashes of which each comparison does the work.</summary>
    public ImmutableArray<PasswordKind> Kinds => _kinds;

    /// <summary>From now on comparisons do the work of this kind, too. Beyond <see cref="Limits.PasswordKinds"/> others are not.</summary>
    public void Learn(PasswordKind kind) => ImmutableInterlocked.Update(
        ref _kinds, static (kinds, one) => kinds.Contains(one) || kinds.Length >= Limits.PasswordKinds ? kinds : kinds.Add(one), kind);

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

    /// <summary>
    /// Compares; without a hash (nobody has this name, no password was set, or what is stored is no hash) as much work is done in vain.
    /// </summary>
    public async ValueTask<Result<PasswordMatch>> VerifyAsync(string? hash, string password, CancellationToken cancel)
    {
        if (await EnterAsync(cancel).ConfigureAwait(false) is { } busy) return busy;
        try
        {
            return Verify(hash, password);
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

    PasswordMatch Verify(string? stored, string password)
    {
        PasswordKind? own = null;
        if (stored is not null && PasswordKind.TryRead(stored, out own, out _)) Learn(own);
        ImmutableArray<PasswordKind> kinds = _kinds;
        PasswordMatch match = default;
        foreach (PasswordKind kind in kinds)
        {
            if (kind == own) match = Match(kind, stored, password);
            else InVain(kind, password);
        }
        // There are more kinds than are kept.
        return own is null || kinds.Contains(own) ? match : Match(own, stored, password);
    }

    PasswordMatch Match(PasswordKind kind, string? stored, string password)
    {
        if (kind.Argon2 is not { } cost) return new(Bcrypt(kind, password, stored), IsOutdated: true);
        if (!TryRead(stored, out byte[] salt, out byte[] hash))
        {
            InVain(kind, password);
            return default;
        }
        byte[] made = Foreign(password, salt, cost, hash.Length);
        return new(CryptographicOperations.FixedTimeEquals(made, hash), cost != _cost || hash.Length != HashBytes);
    }

    void InVain(PasswordKind kind, string password)
    {
        if (kind.Argon2 is { } cost) _ = Foreign(password, new byte[SaltBytes], cost, HashBytes);
        else _ = Bcrypt(kind, password, stored: null);
    }

    /// <summary>A hash of any kind that is stored; empty where the library of this machine cannot make it.</summary>
    byte[] Foreign(string password, byte[] salt, Argon2Cost cost, int bytes)
    {
        try
        {
            return Hash(password, salt, cost, bytes);
        }
        catch (InvalidOperationException) when (cost != _cost)
        {
            return [];
        }
    }

    byte[] Hash(string password, byte[] salt, Argon2Cost cost, int bytes)
    {
        Interlocked.Add(ref _work, (long)cost.MemoryKb * cost.Passes);
        return Argon2.Hash(Bytes(password), salt, cost, bytes);
    }

    /// <summary>Whether it is the password of the hash; without one, the work alone.</summary>
    bool Bcrypt(PasswordKind kind, string password, string? stored)
    {
        Interlocked.Add(ref _rounds, 1L << kind.Rounds);
        try
        {
            if (stored is not null) return OpenBsdBCrypt.CheckPassword(stored, password.ToCharArray());
            _ = OpenBsdBCrypt.Generate(password.ToCharArray(), new byte[SaltBytes], kind.Rounds);
            return false;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or Org.BouncyCastle.Crypto.DataLengthException)
        {
            // An imported text that is no bcrypt hash is nobody's password.
            return false;
        }
    }

    static bool TryRead(string? stored, out byte[] salt, out byte[] hash)
    {
        (salt, hash) = ([], []);
        try
        {
            if (stored?.Split('$') is [.., var saltText, var hashText]) (salt, hash) = (Padded(saltText), Padded(hashText));
        }
        catch (FormatException)
        {
            return false;
        }
        return salt.Length >= 8 && hash.Length >= 16;
    }

    static byte[] Bytes(string password) => Encoding.UTF8.GetBytes(password);

    static string Unpadded(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    static byte[] Padded(string text) => Convert.FromBase64String(text + new string('=', (4 - text.Length % 4) % 4));
}
