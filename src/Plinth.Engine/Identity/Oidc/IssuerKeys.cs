using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Plinth.Identity.Tokens;

namespace Plinth.Identity.Oidc;

/// <summary>What an issuer tells of itself (OpenID Connect Discovery 1.0).</summary>
/// <param name="UserUrl">Tells of the user what a token leaves out; empty where the issuer has no such address.</param>
sealed record Discovery(string Issuer, string AuthorizeUrl, string TokenUrl, string KeysUrl, string UserUrl);

/// <summary>
/// The public keys of one issuer, as its discovery document leads to them. Kept for an hour; a token with a key that is not among them
/// makes them be asked for anew, once a minute at most, so that nobody can make us a hammer. Thread-safe.
/// </summary>
sealed class IssuerKeys(string discoveryBase, string issuer, RemoteDocuments documents, TimeProvider time)
{
    const int KeysMax = 64;
    static readonly TimeSpan s_keep = TimeSpan.FromHours(1), s_again = TimeSpan.FromMinutes(1);

    readonly SemaphoreSlim _asking = new(1, 1);
    volatile Known? _known;
    long _askedAt = long.MinValue;

    sealed record Known(Discovery Discovery, ImmutableArray<TokenKey> Keys, DateTimeOffset Until);

    /// <exception cref="RemoteException">The issuer does not tell.</exception>
    public async ValueTask<Discovery> DiscoveryAsync(CancellationToken cancel) =>
        (_known ?? await AskAsync(force: true, cancel).ConfigureAwait(false)).Discovery;

    /// <summary>The key that a token names; the only one of its algorithm where it names none. Null when there is no such key.</summary>
    /// <exception cref="RemoteException">The issuer does not tell.</exception>
    public async ValueTask<TokenKey?> FindAsync(string? id, string algorithm, CancellationToken cancel)
    {
        Known known = _known is { } kept && kept.Until > time.GetUtcNow() ? kept : await AskAsync(force: true,
            cancel).ConfigureAwait(false);
        if (Find(known, id, algorithm) is { } key) return key;
        return Find(await AskAsync(force: false, cancel).ConfigureAwait(false), id, algorithm);
    }

    static TokenKey? Find(Known known, string? id, string algorithm)
    {
        ImmutableArray<TokenKey> fitting = [.. known.Keys.Where(k => k.Algorithm.ToString() == algorithm && (id is null || k.Id == id))];
        return fitting is [var one] ? one : null;
    }

    async ValueTask<Known> AskAsync(bool force, CancellationToken cancel)
    {
        await _asking.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            bool wasAsked = _askedAt != long.MinValue && time.GetElapsedTime(_askedAt) < s_again;
            if (_known is { } known && (wasAsked || (force && known.Until > time.GetUtcNow()))) return known;
            if (_known is null && wasAsked) throw new RemoteException($"{issuer} did not answer a moment ago");
            _askedAt = time.GetTimestamp();
            Discovery discovery = await DiscoverAsync(cancel).ConfigureAwait(false);
            using JsonDocument keys = await documents.GetAsync(discovery.KeysUrl, null, cancel).ConfigureAwait(false);
            return _known = new Known(discovery, Keys(keys.RootElement), time.GetUtcNow() + s_keep);
        }
        finally
        {
            _asking.Release();
        }
    }

    async ValueTask<Discovery> DiscoverAsync(CancellationToken cancel)
    {
        string url = discoveryBase.TrimEnd('/') + "/.well-known/openid-configuration";
        using JsonDocument document = await documents.GetAsync(url, null, cancel).ConfigureAwait(false);
        JsonElement root = document.RootElement;
        string? Text(string name) => root.ValueKind == JsonValueKind.Object ? JsonWebToken.Text(root, name) : null;
        if (Text("issuer") is not { } named || named != issuer) throw new RemoteException($"{url} speaks for another issuer than {issuer}");
        if (Text("jwks_uri") is not { } keys) throw new RemoteException($"{url} names no jwks_uri");
        return new Discovery(named, Text("authorization_endpoint") ?? "", Text("token_endpoint") ?? "", keys,
            Text("userinfo_endpoint") ?? "");
    }

    static ImmutableArray<TokenKey> Keys(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("keys", out JsonElement keys)
            || keys.ValueKind != JsonValueKind.Array) throw new RemoteException("a document of keys has none");
        ImmutableArray<TokenKey>.Builder read = ImmutableArray.CreateBuilder<TokenKey>();
        foreach (JsonElement key in keys.EnumerateArray().Take(KeysMax))
        {
            if (key.ValueKind == JsonValueKind.Object && Key(key) is { } one) read.Add(one);
        }
        return read.ToImmutable();
    }

    /// <summary>A key that verifies signatures by an algorithm that we know; null for any other.</summary>
    static TokenKey? Key(JsonElement jwk)
    {
        if (JsonWebToken.Text(jwk, "use") is { } use && use != "sig") return null;
        string id = JsonWebToken.Text(jwk, "kid") ?? "";
        try
        {
            switch (JsonWebToken.Text(jwk, "kty"), JsonWebToken.Text(jwk, "crv"))
            {
                case ("EC", "P-256"):
                    return new EllipticTokenKey(id, new ECParameters
                    {
                        Curve = ECCurve.NamedCurves.nistP256,
                        Q = new ECPoint { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") },
                    });
                case ("OKP", "Ed25519"):
                    return new EdwardsTokenKey(id, null, Bytes(jwk, "x"));
                case ("RSA", _):
                    byte[] modulus = Bytes(jwk, "n");
                    if (modulus.Length < 256) return null; // 2,048 bits are the least that anyone should believe
                    RSA rsa = RSA.Create();
                    rsa.ImportParameters(new RSAParameters { Modulus = modulus, Exponent = Bytes(jwk, "e") });
                    return new RsaTokenKey(id, rsa);
                default:
                    return null;
            }
        }
        catch (Exception e) when (e is CryptographicException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    static byte[] Bytes(JsonElement jwk, string name) =>
        System.Buffers.Text.Base64Url.DecodeFromChars(JsonWebToken.Text(jwk, name) ?? throw new FormatException($"no {name}"));
}
