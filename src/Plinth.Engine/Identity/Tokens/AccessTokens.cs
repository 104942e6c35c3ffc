using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity.Tokens;

/// <summary>What a verified access token says.</summary>
/// <param name="Shape">The block <c>auth</c> that the claims were read by; under another they are read again.</param>
/// <param name="Position">Position of the log whose state of the user the claims are.</param>
/// <param name="ExpiresAt">Microseconds since the epoch.</param>
/// <param name="Keys">The state of the keys that it was verified by; under another it is verified again.</param>
sealed record AccessToken(
    AuthShape Shape, Value Claims, string Subject, Guid UserId, Guid SessionId, long Position, long ExpiresAt, object Keys);

/// <summary>
/// Access tokens: JWTs of RFC 9068's type <c>at+jwt</c> that carry the caller's claims, so that a request is known without a look at the
/// database. Strict: one issuer, one audience, our keys each by its own algorithm, times that hold; whatever is wrong, the answer is the
/// same nothing. Thread-safe.
/// </summary>
/// <remarks>
/// A token that was verified once is known again by its SHA-256, since a signature costs more than the rest of a read by id. What is kept
/// is what the token says, and no token; and how long a look-up takes tells of a digest, which nobody can steer towards one that is kept.
/// Bounded (<see cref="IdentityOptions.TokensKept"/>); only what was verified is kept, so that rubbish pushes nothing out. A change of the
/// keys forgets all; time, schema and revocations are looked at in each request.
/// </remarks>
sealed class AccessTokens(PlatformRecords records, SigningKeys keys, IdentityOptions options)
{
    public const string Type = "at+jwt";

    /// <summary>Seconds that the clocks of two nodes may differ by, for tokens that are not good yet.</summary>
    const int SkewSeconds = 60;

    BoundedCache<AccessToken> _verified = new(options.TokensKept);

    public int Kept => Volatile.Read(ref _verified).Count;

    /// <summary>The keys changed: what they verified is verified again.</summary>
    public void Forget() => Volatile.Write(ref _verified, new(options.TokensKept));

    /// <summary>A token for a user as the record says, in a session.</summary>
    /// <param name="position">Of the log, taken before the record was read.</param>
    public async ValueTask<Result<string>> IssueAsync(PlatformRow user, Guid sessionId, long position, CancellationToken cancel)
    {
        Result<TokenKey> key = await keys.CurrentAsync(cancel).ConfigureAwait(false);
        if (!key.IsOk) return key.Fault;
        if (records.Schema.Auth is not { } auth) return Faults.NotReady.Says("the schema has no users any more");
        long now = records.Now / 1_000_000;
        using ByteOutput json = new();
        json.Write("{\"iss\":"u8);
        JsonText.WriteString(json, options.Issuer);
        TokenKey.Member(json, "aud", options.Audience);
        TokenKey.Member(json, "sub", user.Id.ToString());
        TokenKey.Member(json, "sid", sessionId.ToString());
        Number(json, "iat", now);
        Number(json, "nbf", now);
        Number(json, "exp", now + (long)options.AccessLifetime.TotalSeconds);
        Number(json, "pos", position);
        json.Write(",\"claims\":"u8);
        UserClaims.Write(json, records.Schema, auth, user);
        json.Write((byte)'}');
        return JsonWebToken.Write(key.Value, Type, json.Written);
    }

    /// <summary>What the token says, when it is one of ours and good now; null otherwise.</summary>
    public AccessToken? Verify(ReadOnlySpan<char> text)
    {
        Span<char> digest = stackalloc char[SHA256.HashSizeInBytes / sizeof(char)];
        if (text.Length > JsonWebToken.LengthMax || !TryDigest(text, digest)) return null;
        BoundedCache<AccessToken> verified = Volatile.Read(ref _verified);
        AuthShape? auth = records.Schema.Auth;
        if (verified.Find(digest) is { } kept && ReferenceEquals(kept.Shape, auth)) return kept.ExpiresAt > records.Now ? kept : null;
        AccessToken? token = Read(text, auth, verified);
        if (token is not null) verified.Put(digest.ToString(), token);
        return token;
    }

    /// <summary>What was verified before is good still, revocations apart.</summary>
    public bool IsGood(AccessToken token) =>
        ReferenceEquals(token.Keys, Volatile.Read(ref _verified)) && ReferenceEquals(token.Shape, records.Schema.Auth)
        && token.ExpiresAt > records.Now;

    /// <summary>
    /// The digest's bytes as they lie in memory: a name for a map and no text. False for what is not ASCII, which no token is.
    /// </summary>
    static bool TryDigest(ReadOnlySpan<char> text, Span<char> digest)
    {
        Span<byte> ascii = text.Length <= 2048 ? stackalloc byte[2048] : new byte[text.Length];
        if (Ascii.FromUtf16(text, ascii, out int length) != OperationStatus.Done) return false;
        SHA256.HashData(ascii[..length], MemoryMarshal.AsBytes(digest));
        return true;
    }

    AccessToken? Read(ReadOnlySpan<char> text, AuthShape? auth, object verifiedBy)
    {
        if (auth is null || JsonWebToken.Read(text) is not { } token) return null;
        if (!string.Equals(token.Type, Type, StringComparison.OrdinalIgnoreCase) || token.KeyId is null) return null;
        if (keys.Find(token.KeyId) is not { } key || !token.IsVerifiedBy(key)) return null;
        using JsonDocument? document = JsonWebToken.Document(token.Payload);
        if (document is null) return null;
        JsonElement root = document.RootElement;
        long now = records.Now / 1_000_000;
        if (JsonWebToken.Text(root, "iss") != options.Issuer || JsonWebToken.Text(root, "aud") != options.Audience) return null;
        if (JsonWebToken.Seconds(root, "exp") is not { } exp || exp <= now) return null;
        if (JsonWebToken.Seconds(root, "nbf") is not { } nbf || nbf > now + SkewSeconds) return null;
        if (JsonWebToken.Seconds(root, "iat") is not { } iat || iat > now + SkewSeconds) return null;
        if (JsonWebToken.Text(root, "sub") is not { } subject || !Guid.TryParse(subject, out Guid user)) return null;
        if (!Guid.TryParse(JsonWebToken.Text(root, "sid"), out Guid session)) return null;
        if (!root.TryGetProperty("pos", out JsonElement at) || !at.TryGetInt64(out long position)) return null;
        if (!root.TryGetProperty("claims", out JsonElement claimed)
            || UserClaims.Read(auth, Encoding.UTF8.GetBytes(claimed.GetRawText())) is not { } claims) return null;
        return new AccessToken(auth, claims, subject, user, session, position, exp * 1_000_000, verifiedBy);
    }

    static void Number(ByteOutput json, string name, long value)
    {
        json.Write((byte)',');
        JsonText.WriteName(json, name);
        JsonText.WriteInt(json, value);
    }
}
