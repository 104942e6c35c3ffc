using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Plinth.Realtime;

/// <summary>
/// Tickets: what a browser's event stream shows in its URL, since it can send no header. A ticket seals the credential that it was asked
/// with, so every node can open it and nobody else can read it. It is good for half a minute, and for one stream: who redeems it takes its
/// id, which can be done once.
/// </summary>
sealed class Tickets(byte[] key, TimeProvider time) : IDisposable
{
    /// <summary>Seconds for which a ticket opens a stream.</summary>
    public const int Seconds = 30;

    const int NonceBytes = 12, TagBytes = 16, CredentialBytesMax = 16 << 10;

    // One at a time: a cipher has a state of its own while it works.
    readonly AesGcm _box = new(key, TagBytes);

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

    /// <summary>What a ticket of ours says; null of anything else.</summary>
    public OpenedTicket? Open(string ticket)
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
            // Known by what is in it: the same ticket can be spelt in more than one way.
            string id = Convert.ToHexStringLower(bytes.AsSpan(0, NonceBytes));
            return new OpenedTicket(Encoding.UTF8.GetString(plain.AsSpan(8)), id, IsFresh: age is >= -Seconds and <= Seconds);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    public void Dispose() => _box.Dispose();
}

/// <param name="Credential">With which it was asked for.</param>
/// <param name="Id">Its own, however it is spelt.</param>
/// <param name="IsFresh">Young enough to open a stream, if it has not done so yet.</param>
readonly record struct OpenedTicket(string Credential, string Id, bool IsFresh);
