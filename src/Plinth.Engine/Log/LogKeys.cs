using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// The keys that seal secret values in the log, by id. The master key lives in a file of the data folder that only its owner may read,
/// outside the database and outside its backups: a copy of the database alone does not give the secrets away. Thread-safe.
/// </summary>
sealed class LogKeys : IDisposable
{
    const string FileName = "master.key";
    const string IdPrefix = "master-";
    const string FirstId = IdPrefix + "1";
    const int KeyBytes = 32;
    const int NonceBytes = 12;
    const int TagBytes = 16;
    const int SaltBytes = 32;

    readonly Dictionary<string, ThreadLocal<AesGcm>> _keys = new(StringComparer.Ordinal);
    readonly Dictionary<string, byte[]> _masters = new(StringComparer.Ordinal);
    bool _ended;
    byte[] _first = [];

    LogKeys(string current) => CurrentId = current;

    /// <summary>The key that seals now; the others only open what they sealed.</summary>
    public string CurrentId { get; }

    /// <summary>All ids, in the order in which they were made.</summary>
    public ImmutableArray<string> Ids { get; private set; } = [];

    /// <summary>Where the keys of a data folder are kept.</summary>
    public static string FileOf(string folder) => Path.Combine(folder, FileName);

    /// <summary>Reads the key file of a data folder, and makes it where there is none.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="mayCreate">False for a folder that is only read: without the file, nothing sealed can be opened.</param>
    /// <exception cref="StoreException">The file is damaged, or absent and may not be made.</exception>
    public static LogKeys Open(string folder, bool mayCreate)
    {
        string path = FileOf(folder);
        if (!File.Exists(path))
        {
            if (!mayCreate) throw new StoreException(StoreFailure.Unavailable, $"The key file {path} is missing.");
            Write(path, [NewLine(FirstId)]);
        }

        string[] lines = File.ReadAllLines(path);
        string? current = lines.Where(static line => line.Length > 0).Select(static line => line.Split(' ')[0]).LastOrDefault();
        if (current is null) throw Damaged(path);
        LogKeys keys = new(current);
        foreach (string line in lines)
        {
            if (line.Length > 0) keys.Add(path, line);
        }

        return keys;
    }

    /// <summary>Encrypts with the current key; the answer is nonce, ciphertext, tag.</summary>
    /// <param name="plain">What nobody without the key may read.</param>
    /// <param name="bound">What the box belongs to: it opens only together with the same bytes.</param>
    public byte[] Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> bound)
    {
        byte[] box = new byte[NonceBytes + plain.Length + TagBytes];
        Span<byte> nonce = box.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        _keys[CurrentId].Value!.Encrypt(nonce, plain, box.AsSpan(NonceBytes, plain.Length), box.AsSpan(NonceBytes + plain.Length), bound);
        return box;
    }

    /// <summary>
    /// Encrypts with a key made from the current one and from random bytes that are kept beside the box: without them nobody opens it, not
    /// even whoever has the key. To throw them away is to erase what is in the box.
    /// </summary>
    public byte[] SealErasable(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> bound, out byte[] salt)
    {
        salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] box = new byte[NonceBytes + plain.Length + TagBytes];
        Span<byte> nonce = box.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using AesGcm key = Salted(CurrentId, salt);
        key.Encrypt(nonce, plain, box.AsSpan(NonceBytes, plain.Length), box.AsSpan(NonceBytes + plain.Length), bound);
        return box;
    }

    /// <summary>
    /// Decrypts what <see cref="SealErasable"/> made; null when the key, or what was kept beside the box, is not there any more.
    /// </summary>
    /// <exception cref="CryptographicException">The box was changed, or belongs to something else.</exception>
    public byte[]? OpenErasable(string keyId, ReadOnlySpan<byte> box, ReadOnlySpan<byte> bound, byte[]? salt)
    {
        if (salt is null || !_masters.ContainsKey(keyId)) return null;
        if (box.Length < NonceBytes + TagBytes) throw new CryptographicException("a sealed value is cut short");
        byte[] plain = new byte[box.Length - NonceBytes - TagBytes];
        using AesGcm key = Salted(keyId, salt);
        key.Decrypt(box[..NonceBytes], box[NonceBytes..^TagBytes], box[^TagBytes..], plain, bound);
        return plain;
    }

    // One pass of HMAC is a pseudo-random function of both, and what follows from one event says nothing about another.
    AesGcm Salted(string keyId, byte[] salt)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        HMACSHA256.HashData(_masters[keyId], [.. "plinth pii 1"u8, .. salt], key);
        return new AesGcm(key, TagBytes);
    }

    /// <summary>Decrypts what <see cref="Seal"/> made; null when the key is not there any more.</summary>
    /// <exception cref="CryptographicException">The box was changed, or belongs to something else.</exception>
    public byte[]? Open(string keyId, ReadOnlySpan<byte> box, ReadOnlySpan<byte> bound)
    {
        if (!_keys.TryGetValue(keyId, out ThreadLocal<AesGcm>? key)) return null;
        if (box.Length < NonceBytes + TagBytes) throw new CryptographicException("a sealed value is cut short");
        byte[] plain = new byte[box.Length - NonceBytes - TagBytes];
        key.Value!.Decrypt(box[..NonceBytes], box[NonceBytes..^TagBytes], box[^TagBytes..], plain, bound);
        return plain;
    }

    /// <summary>
    /// A key of 32 bytes for one purpose, made from the first master key, so that it stays when the master key is rotated.
    /// </summary>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _first, KeyBytes, info: Encoding.UTF8.GetBytes(purpose));

    public void Dispose()
    {
        // Ending twice is ending once.
        if (_ended) return;
        _ended = true;
        foreach (ThreadLocal<AesGcm> key in _keys.Values)
        {
            foreach (AesGcm cipher in key.Values) cipher.Dispose();
            key.Dispose();
        }
    }

    /// <summary>
    /// Adds a key that seals from the next opening of the folder on; the others stay, to open what they sealed. The caller holds the
    /// folder.
    /// </summary>
    /// <returns>The id of the new key.</returns>
    /// <exception cref="StoreException">The file is damaged.</exception>
    public static string Rotate(string folder)
    {
        using LogKeys now = Open(folder, mayCreate: true);
        string path = FileOf(folder);
        string next = string.Create(CultureInfo.InvariantCulture, $"{IdPrefix}{now._keys.Count + 1}");
        if (now._keys.ContainsKey(next)) throw Damaged(path);
        Write(path, [.. File.ReadLines(path).Where(static line => line.Length > 0), NewLine(next)]);
        return next;
    }

    /// <summary>Gives a second folder the keys of a first, which are made where it has none: for a database that is to move over.</summary>
    public static void Share(string from, string to)
    {
        Open(from, mayCreate: true).Dispose();
        Write(FileOf(to), File.ReadLines(FileOf(from)));
    }

    /// <summary>The file appears whole or, after a crash, as it was: a key that is lost makes what it sealed unreadable.</summary>
    static void Write(string path, IEnumerable<string> lines)
    {
        string partial = path + ".partial";
        File.Delete(partial);
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (FileStream file = new(partial, options))
        {
            foreach (string line in lines) file.Write(Encoding.ASCII.GetBytes(line + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(partial, path, overwrite: true);
        FolderFlush.Run(Path.GetDirectoryName(path)!); // It was joined to a folder.
    }

    static string NewLine(string id) => $"{id} {Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes))}";

    void Add(string path, string line)
    {
        byte[] key = new byte[KeyBytes];
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0 || !Convert.TryFromBase64String(line[(space + 1)..], key, out int length) || length != KeyBytes) throw Damaged(path);

        if (_first.Length == 0) _first = key;

        // A cipher object is not safe for two threads at once, and making one costs more than using it.
        Ids = Ids.Add(line[..space]);
        _masters[line[..space]] = key;
        _keys[line[..space]] = new ThreadLocal<AesGcm>(() => new AesGcm(key, TagBytes), trackAllValues: true);
    }

    static StoreException Damaged(string path) =>
        new(StoreFailure.Unavailable, $"The key file {path} is damaged; restore it from where you keep it.");
}
