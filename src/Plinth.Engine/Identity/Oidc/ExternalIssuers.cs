using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Identity.Tokens;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity.Oidc;

/// <summary>Whose tokens are taken besides our own, and what of them becomes which claim.</summary>
/// <param name="Issuers">Exactly as their tokens name them.</param>
/// <param name="Audience">What their tokens must be for: us.</param>
/// <param name="Claims">Claim of the schema → member of the token; a name that is not here is its own.</param>
sealed record ExternalOptions(ImmutableArray<string> Issuers, string Audience, ImmutableArray<(string Claim, string Member)> Claims);

/// <summary>
/// Access tokens of other issuers: verified by the issuer's published keys, for our audience, in time; their members become the claims
/// of the block <c>auth</c>. Our own tokens never come this way, and theirs never ours: the issuer decides. Thread-safe.
/// </summary>
sealed class ExternalIssuers
{
    const int SkewSeconds = 60;

    readonly ExternalOptions _options;
    readonly Dictionary<string, IssuerKeys> _issuers;
    readonly TimeProvider _time;
    readonly BoundedCache<Kept> _verified;

    public ExternalIssuers(ExternalOptions options, RemoteDocuments documents, TimeProvider time, int keptMax)
    {
        (_options, _time, _verified) = (options, time, new(keptMax));
        _issuers = options.Issuers.ToDictionary(i => i, i => new IssuerKeys(i, i, documents, time), StringComparer.Ordinal);
    }

    sealed record Kept(AuthShape Shape, Identified Who, long ExpiresAt);

    public int TokensKept => _verified.Count;

    public bool IsOn => _issuers.Count > 0;

    /// <summary>Who presents the token of an issuer that is known; null when it is not good.</summary>
    /// <exception cref="RemoteException">The issuer's keys cannot be had now.</exception>
    public async ValueTask<Identified?> VerifyAsync(string text, AuthShape auth, CancellationToken cancel)
    {
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        if (text.Length > JsonWebToken.LengthMax) return null;
        if (_verified.Find(text) is { } kept && ReferenceEquals(kept.Shape, auth)) return kept.ExpiresAt > now ? kept.Who : null;
        if (JsonWebToken.Read(text) is not { } token) return null;
        using JsonDocument? document = JsonWebToken.Document(token.Payload);
        if (document is null || JsonWebToken.Text(document.RootElement, "iss") is not { } issuer) return null;
        if (!_issuers.TryGetValue(issuer, out IssuerKeys? keys)) return null;
        if (token.Type is not (null or "JWT" or "at+jwt" or "application/at+jwt")) return null;
        if (await keys.FindAsync(token.KeyId, token.Algorithm, cancel).ConfigureAwait(false) is not { } key || !token.IsVerifiedBy(key))
            return null;
        JsonElement root = document.RootElement;
        if (!HasAudience(root, _options.Audience) || !IsInTime(root, now, out long expiresAt)) return null;
        if (JsonWebToken.Text(root, "sub") is not { Length: > 0 } subject || Claims(auth, root, issuer,
            subject) is not { } claims) return null;
        Identified who = new(claims, claims.Map.TryGet("id", out Value id) ? id.ToString() : subject, null, null);
        _verified.Put(text, new Kept(auth, who, expiresAt));
        return who;
    }

    /// <summary>Whether one of the audiences is the one.</summary>
    public static bool HasAudience(JsonElement root, string audience) => root.TryGetProperty("aud",
        out JsonElement aud) && aud.ValueKind switch
    {
        JsonValueKind.String => aud.GetString() == audience,
        JsonValueKind.Array => aud.EnumerateArray().Any(a => a.ValueKind == JsonValueKind.String && a.GetString() == audience),
        _ => false,
    };

    public static bool IsInTime(JsonElement root, long now, out long expiresAt)
    {
        expiresAt = JsonWebToken.Seconds(root, "exp") ?? 0;
        if (expiresAt <= now) return false;
        return !(JsonWebToken.Seconds(root, "nbf") > now + SkewSeconds) && !(JsonWebToken.Seconds(root, "iat") > now + SkewSeconds);
    }

    /// <summary>The claims that the schema asks for, of the members that stand for them; null when a required one is not there.</summary>
    Value? Claims(AuthShape auth, JsonElement root, string issuer, string subject)
    {
        using ByteOutput json = new();
        json.Write((byte)'{');
        foreach (Field claim in auth.Claims)
        {
            string member = _options.Claims.FirstOrDefault(c => c.Claim == claim.Name) is { Member: { } mapped } ? mapped
                : claim.Name == "id" ? "sub" : claim.Name;
            if (!root.TryGetProperty(member, out JsonElement value) || value.ValueKind == JsonValueKind.Null) continue;
            if (json.Length > 1) json.Write((byte)',');
            JsonText.WriteName(json, claim.Name);
            bool isForeignId = claim.Name == "id" && claim.Type.Name == "Uuid" && !Guid.TryParse(subject, out _);
            if (isForeignId) JsonText.WriteString(json, IdOf(issuer, subject).ToString());
            else json.Write(Encoding.UTF8.GetBytes(value.GetRawText()));
        }
        json.Write((byte)'}');
        return UserClaims.Read(auth, json.Written);
    }

    /// <summary>Where ids are UUIDs and the issuer's are not: always the same one for the same person (RFC 9562, version 8).</summary>
    public static Guid IdOf(string issuer, string subject)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(issuer + "\n" + subject));
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
