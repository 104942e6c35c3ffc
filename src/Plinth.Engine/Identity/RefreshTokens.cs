using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Plinth.Identity;

/// <summary>What a refresh token says: which session, and the how manieth of it.</summary>
readonly record struct RefreshToken(Guid SessionId, int Generation);

/// <summary>
/// Refresh tokens: opaque, single use, never an access token. Each carries its session and its number under a MAC, so that an old one is
/// told from an invented one: only what really was a token of the session and has been used before ends it. The record keeps the hash of
/// the one that is good now.
/// </summary>
sealed class RefreshTokens(byte[] secret)
{
    const int RandomBytes = 16, MacBytes = 16, HeadBytes = 16 + 4 + RandomBytes;

    public (string Text, byte[] Hash) Make(Guid sessionId, int generation)
    {
        byte[] content = new byte[HeadBytes + MacBytes];
        sessionId.TryWriteBytes(content, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(content.AsSpan(16), generation);
        RandomNumberGenerator.Fill(content.AsSpan(20, RandomBytes));
        Mac(content).CopyTo(content.AsSpan(HeadBytes));
        string text = TokenText.Write(TokenText.Refresh, content);
        return (text, Hash(text));
    }

    /// <summary>What the token says, when we made it; whether it is still good is the record's to say.</summary>
    public RefreshToken? Read(string text)
    {
        byte[] content = new byte[HeadBytes + MacBytes];
        if (!TokenText.TryRead(TokenText.Refresh, text, content)) return null;
        if (!CryptographicOperations.FixedTimeEquals(Mac(content), content.AsSpan(HeadBytes))) return null;
        return new(new Guid(content.AsSpan(0, 16), bigEndian: true), BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(16)));
    }

    public static byte[] Hash(string text) => SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(text));

    byte[] Mac(ReadOnlySpan<byte> content) => HMACSHA256.HashData(secret, content[..HeadBytes])[..MacBytes];
}
