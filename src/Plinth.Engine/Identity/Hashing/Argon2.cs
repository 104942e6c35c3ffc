using System.Runtime.InteropServices;

namespace Plinth.Identity.Hashing;

/// <summary>What one Argon2id hash costs (RFC 9106): memory, passes over it, lanes.</summary>
/// <param name="MemoryKb">KiB of memory, at least 8 per lane.</param>
/// <param name="Passes">Passes over the memory, at least 1.</param>
/// <param name="Lanes">Lanes that fill it; the fallback library knows one.</param>
sealed record Argon2Cost(int MemoryKb, int Passes, int Lanes)
{
    /// <summary>What OWASP recommends for an interactive sign-in: 19 MiB, two passes.</summary>
    public static readonly Argon2Cost Default = new(19_456, 2, 1);
}

/// <summary>
/// Argon2id by the system's library: libargon2, or libsodium where that is absent. Which of them is there is found out once, at the
/// start, so that a machine without either is told then and not at the first sign-in. Thread-safe.
/// </summary>
static unsafe partial class Argon2
{
    const string Native = "plinth-argon2", Fallback = "plinth-sodium";
    const int SodiumSaltBytes = 16, SodiumArgon2Id = 2, Version13 = 0x13;

    static readonly string[] s_argon2 = ["libargon2.so.1", "libargon2.so", "libargon2.dylib", "argon2.dll"];
    static readonly string[] s_sodium = ["libsodium.so.23", "libsodium.so.26", "libsodium.so", "libsodium.dylib", "libsodium.dll"];

    static readonly nint s_argon2Handle = First(s_argon2);
    static readonly nint s_sodiumHandle = First(s_sodium);

    static Argon2() => NativeLibrary.SetDllImportResolver(typeof(Argon2).Assembly, static (name, _, _) => name switch
    {
        Native => s_argon2Handle,
        Fallback => s_sodiumHandle,
        _ => 0,
    });

    /// <summary>Why passwords cannot be hashed on this machine at this cost, with the remedy; null when they can.</summary>
    public static string? Refusal(Argon2Cost cost)
    {
        if (s_argon2Handle != 0) return null;
        if (s_sodiumHandle == 0)
        {
            return "passwords need Argon2id, and neither libargon2 nor libsodium is installed: apt-get install libargon2-1 "
                + "(or the package of that library on your system)";
        }
        return cost.Lanes == 1 ? null
            : "password.lanes above 1 needs libargon2 (apt-get install libargon2-1); libsodium, which is installed, knows one lane";
    }

    /// <summary>The hash of a password.</summary>
    /// <exception cref="InvalidOperationException">No library, or one that refuses the cost: the start was to find that out.</exception>
    public static byte[] Hash(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, Argon2Cost cost, int bytes) =>
        s_argon2Handle != 0 ? Argon2Hash(password, salt, [], [], cost, bytes) : SodiumHash(password, salt, cost, bytes);

    /// <summary>With a secret and associated data, as the vectors of RFC 9106 have them; only libargon2 can.</summary>
    public static byte[] Argon2Hash(
        ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> associated, Argon2Cost cost,
        int bytes)
    {
        byte[] hash = new byte[bytes];
        fixed (byte* to = hash, p = password, s = salt, k = secret, x = associated)
        {
            Context context = new()
            {
                Out = to, OutLength = (uint)bytes,
                Password = p, PasswordLength = (uint)password.Length,
                Salt = s, SaltLength = (uint)salt.Length,
                Secret = k, SecretLength = (uint)secret.Length,
                Associated = x, AssociatedLength = (uint)associated.Length,
                Passes = (uint)cost.Passes, MemoryKb = (uint)cost.MemoryKb, Lanes = (uint)cost.Lanes, Threads = 1, Version = Version13,
            };
            int code = argon2id_ctx(&context);
            return code == 0 ? hash : throw new InvalidOperationException($"libargon2 refused with {code}");
        }
    }

    public static byte[] SodiumHash(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, Argon2Cost cost, int bytes)
    {
        if (salt.Length != SodiumSaltBytes || cost.Lanes != 1)
            throw new InvalidOperationException("libsodium takes 16 bytes of salt and one lane");
        byte[] hash = new byte[bytes];
        fixed (byte* to = hash, p = password, s = salt)
        {
            int code = sodium_init() < 0 ? -1 : crypto_pwhash(
                to, (ulong)bytes, p, (ulong)password.Length, s, (ulong)cost.Passes, (nuint)cost.MemoryKb * 1024, SodiumArgon2Id);
            return code == 0 ? hash : throw new InvalidOperationException("libsodium refused the cost of a password hash");
        }
    }

    public static bool HasArgon2 => s_argon2Handle != 0;

    public static bool HasSodium => s_sodiumHandle != 0;

    static nint First(string[] names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint handle)) return handle;
        }
        return 0;
    }

    [LibraryImport(Native)]
    private static partial int argon2id_ctx(Context* context);

    [LibraryImport(Fallback)]
    private static partial int sodium_init();

    [LibraryImport(Fallback)]
    private static partial int crypto_pwhash(
        byte* hash, ulong hashLength, byte* password, ulong passwordLength, byte* salt, ulong passes, nuint memoryBytes, int algorithm);

    /// <summary><c>argon2_context</c> of argon2.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct Context
    {
        public byte* Out;
        public uint OutLength;
        public byte* Password;
        public uint PasswordLength;
        public byte* Salt;
        public uint SaltLength;
        public byte* Secret;
        public uint SecretLength;
        public byte* Associated;
        public uint AssociatedLength;
        public uint Passes;
        public uint MemoryKb;
        public uint Lanes;
        public uint Threads;
        public uint Version;
        public nint Allocate;
        public nint Free;
        public uint Flags;
    }
}
