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
    const string FirstId = "master-1";
    const int KeyBytes = 32;
    const int NonceBytes = 12;
    const int TagBytes = 16;

    readonly Dictionary<string, ThreadLocal<AesGcm>> _keys = new(StringComparer.Ordinal);
    byte[] _first = [];

    LogKeys(string current) => CurrentId = current;

    /// <summary>The key that seals now; the others only open what they sealed.</summary>
    public string CurrentId { get; }

    /// <summary>Reads the key file of a data folder, and makes it where there is none.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="mayCreate">False for a folder that is only read: without the file, nothing sealed can be opened.</param>
    /// <exception cref="StoreException">The file is damaged, or absent and may not be made.</exception>
    public static LogKeys Open(string folder, bool mayCreate)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            if (!mayCreate) throw new StoreException(StoreFailure.Unavailable, $"The key file {path} is missing.");
            Create(path);
        }

        string[] lines = File.ReadAllLines(path);
        string? current = lines.Where(static line => line.Length > 0).Select(static line => line.Split(' ')[0]).LastOrDefault();
        LogKeys keys = new(current ?? throw Damaged(path));
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
        foreach (ThreadLocal<AesGcm> key in _keys.Values)
        {
            foreach (AesGcm cipher in key.Values) cipher.Dispose();
            key.Dispose();
        }
    }

    static void Create(string path)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using FileStream file = new(path, options);
        file.Write(Encoding.ASCII.GetBytes($"{FirstId} {Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes))}\n"));

        // A key that is lost with the power makes everything sealed since unreadable.
        file.Flush(flushToDisk: true);
    }

    void Add(string path, string line)
    {
        byte[] key = new byte[KeyBytes];
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0 || !Convert.TryFromBase64String(line[(space + 1)..], key, out int length) || length != KeyBytes) throw Damaged(path);

        if (_first.Length == 0) _first = key;

        // A cipher object is not safe for two threads at once, and making one costs more than using it.
        _keys[line[..space]] = new ThreadLocal<AesGcm>(() => new AesGcm(key, TagBytes), trackAllValues: true);
    }

    static StoreException Damaged(string path) =>
        new(StoreFailure.Unavailable, $"The key file {path} is damaged; restore it from where you keep it.");
}
