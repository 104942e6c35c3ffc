using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Plinth.Realtime;

/// <summary>
/// Tickets: what a browser's event stream shows in its URL, since it can send no header. A ticket seals the credential that it was asked
/// with, so every node can open it and nobody else can read it; it is good for half a minute, and for one stream of a node.
/// </summary>
sealed class Tickets(byte[] key, TimeProvider time) : IDisposable
{
    /// <summary>Seconds for which a ticket opens a stream.</summary>
    public const int Seconds = 30;

    const int NonceBytes = 12, TagBytes = 16, CredentialBytesMax = 16 << 10, UsedMax = 100_000;

    // One at a time: a cipher has a state of its own while it works.
    readonly AesGcm _box = new(key, TagBytes);
    readonly ConcurrentDictionary<string, long> _used = new(StringComparer.Ordinal);

    public string Seal(string credential)
    {
        byte[] plain = new byte[8 + Encoding.UTF8.GetByteCount(credential)], sealedBytes = new byte[NonceBytes + TagBytes + plain.Length];
        BinaryPrimitives.WriteInt64BigEndian(plain, time.GetUtcNow().ToUnixTimeSeconds());
        Encoding.UTF8.GetBytes(credential, plain.AsSpan(8));
        Span<byte> nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        lock (_box) _box.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceBytes + TagBytes), sealedBytes.AsSpan(NonceBytes, TagBytes));
        return Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>The credential of a ticket of ours, and whether it is fresh; null of anything else.</summary>
    public (string Credential, bool IsFresh)? Open(string ticket)
    {
        if (ticket.Length > CredentialBytesMax * 2) return null;
        try
        {
            byte[] bytes = Base64Url.DecodeFromChars(ticket);
            if (bytes.Length < NonceBytes + TagBytes + 8) return null;
            byte[] plain = new byte[bytes.Length - NonceBytes - TagBytes];
            lock (_box)
            {
                _box.Decrypt(
                    bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes + TagBytes), bytes.AsSpan(NonceBytes, TagBytes), plain);
            }
            long age = time.GetUtcNow().ToUnixTimeSeconds() - BinaryPrimitives.ReadInt64BigEndian(plain);
            bool isFresh = age is >= -Seconds and <= Seconds && IsFirst(Convert.ToHexString(bytes.AsSpan(0, NonceBytes)));
            return (Encoding.UTF8.GetString(plain.AsSpan(8)), isFresh);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    public void Dispose() => _box.Dispose();

    // Known by what is in it: the same ticket can be spelt in more than one way.
    bool IsFirst(string nonce)
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        foreach (var (used, at) in _used) if (at < now - (2 * Seconds)) _used.TryRemove(used, out _);
        return _used.Count < UsedMax && _used.TryAdd(nonce, now);
    }
}
