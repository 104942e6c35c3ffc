using System.Buffers.Text;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Plinth.Text;

namespace Plinth.Identity.Tokens;

/// <summary>The algorithms of access tokens; what is not among them is nobody's signature.</summary>
enum TokenAlgorithm
{
    ES256,
    EdDSA,
    RS256,
    HS256,
}

/// <summary>
/// One key that signs or verifies tokens, by one algorithm: a key is never used for another, so that no header can make a public key a
/// shared secret. Thread-safe.
/// </summary>
abstract class TokenKey(string id, TokenAlgorithm algorithm) : IDisposable
{
    public string Id { get; } = id;

    public TokenAlgorithm Algorithm { get; } = algorithm;

    public abstract byte[] Sign(ReadOnlySpan<byte> text);

    public abstract bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature);

    /// <summary>The private part, for <see cref="Open"/>.</summary>
    public abstract byte[] Private();

    /// <summary>Members of the JWK (RFC 7517) that are the public part; false where there is none.</summary>
    public abstract bool TryWritePublic(ByteOutput json);

    public abstract void Dispose();

    /// <summary>A new key.</summary>
    public static TokenKey Create(string id, TokenAlgorithm algorithm) => algorithm switch
    {
        TokenAlgorithm.ES256 => NewElliptic(id),
        TokenAlgorithm.EdDSA => new EdwardsTokenKey(id, RandomNumberGenerator.GetBytes(32), null),
        TokenAlgorithm.RS256 => new RsaTokenKey(id, RSA.Create(2048)),
        TokenAlgorithm.HS256 => new SharedTokenKey(id, RandomNumberGenerator.GetBytes(32)),
        _ => throw new InvalidOperationException($"no algorithm {algorithm}"),
    };

    /// <summary>A key as <see cref="Private"/> gave it.</summary>
    public static TokenKey Open(string id, TokenAlgorithm algorithm, byte[] secret)
    {
        switch (algorithm)
        {
            case TokenAlgorithm.ES256:
                using (ECDsa elliptic = ECDsa.Create())
                {
                    elliptic.ImportPkcs8PrivateKey(secret, out _);
                    return new EllipticTokenKey(id, elliptic.ExportParameters(includePrivateParameters: true));
                }
            case TokenAlgorithm.RS256:
                RSA rsa = RSA.Create();
                rsa.ImportPkcs8PrivateKey(secret, out _);
                return new RsaTokenKey(id, rsa);
            case TokenAlgorithm.EdDSA: return new EdwardsTokenKey(id, secret, null);
            case TokenAlgorithm.HS256: return new SharedTokenKey(id, secret);
            default: throw new InvalidOperationException($"no algorithm {algorithm}");
        }
    }

    static EllipticTokenKey NewElliptic(string id)
    {
        using ECDsa made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new EllipticTokenKey(id, made.ExportParameters(includePrivateParameters: true));
    }

    internal static void Member(ByteOutput json, string name, ReadOnlySpan<byte> value) => Member(json, name,
        Base64Url.EncodeToString(value));

    internal static void Member(ByteOutput json, string name, string value)
    {
        json.Write((byte)',');
        JsonText.WriteName(json, name);
        JsonText.WriteString(json, value);
    }
}

sealed class EllipticTokenKey(string id, ECParameters parts) : TokenKey(id, TokenAlgorithm.ES256)
{
    // An instance is for one thread at a time.
    readonly ThreadLocal<ECDsa> _key = new(() => ECDsa.Create(parts), trackAllValues: true);

    public override byte[] Sign(ReadOnlySpan<byte> text) => _key.Value!.SignData(text, HashAlgorithmName.SHA256); // made above

    public override bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) =>
        signature.Length == 64 && _key.Value!.VerifyData(text, signature, HashAlgorithmName.SHA256); // made above

    public override byte[] Private() => _key.Value!.ExportPkcs8PrivateKey(); // made above

    public override bool TryWritePublic(ByteOutput json)
    {
        Member(json, "kty", "EC");
        Member(json, "crv", "P-256");
        Member(json, "x", parts.Q.X);
        Member(json, "y", parts.Q.Y);
        return true;
    }

    public override void Dispose()
    {
        foreach (ECDsa key in _key.Values) key.Dispose();
        _key.Dispose();
    }
}

sealed class RsaTokenKey(string id, RSA key) : TokenKey(id, TokenAlgorithm.RS256)
{
    readonly Lock _gate = new();

    public override byte[] Sign(ReadOnlySpan<byte> text)
    {
        lock (_gate) return key.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    public override bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        lock (_gate) return key.VerifyData(text, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    public override byte[] Private() => key.ExportPkcs8PrivateKey();

    public override bool TryWritePublic(ByteOutput json)
    {
        RSAParameters parts = key.ExportParameters(includePrivateParameters: false);
        Member(json, "kty", "RSA");
        Member(json, "n", parts.Modulus);
        Member(json, "e", parts.Exponent);
        return true;
    }

    public override void Dispose() => key.Dispose();
}

/// <param name="seed">The private part; null where only verification is wanted.</param>
/// <param name="publicKey">The public part, where there is no private one.</param>
sealed class EdwardsTokenKey(string id, byte[]? seed, byte[]? publicKey) : TokenKey(id, TokenAlgorithm.EdDSA)
{
    readonly Ed25519PublicKeyParameters _public = seed is null ? new Ed25519PublicKeyParameters(publicKey, 0)
        : new Ed25519PrivateKeyParameters(seed, 0).GeneratePublicKey();

    public override byte[] Sign(ReadOnlySpan<byte> text)
    {
        Ed25519Signer signer = new();
        signer.Init(forSigning: true, new Ed25519PrivateKeyParameters(Private(), 0));
        byte[] bytes = text.ToArray();
        signer.BlockUpdate(bytes, 0, bytes.Length);
        return signer.GenerateSignature();
    }

    public override bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != 64) return false;
        Ed25519Signer verifier = new();
        verifier.Init(forSigning: false, _public);
        byte[] bytes = text.ToArray();
        verifier.BlockUpdate(bytes, 0, bytes.Length);
        return verifier.VerifySignature(signature.ToArray());
    }

    public override byte[] Private() => seed ?? throw new InvalidOperationException("a public key signs nothing");

    public override bool TryWritePublic(ByteOutput json)
    {
        Member(json, "kty", "OKP");
        Member(json, "crv", "Ed25519");
        Member(json, "x", _public.GetEncoded());
        return true;
    }

    public override void Dispose()
    {
        // Managed all through.
    }
}

sealed class SharedTokenKey(string id, byte[] secret) : TokenKey(id, TokenAlgorithm.HS256)
{
    public override byte[] Sign(ReadOnlySpan<byte> text) => HMACSHA256.HashData(secret, text);

    public override bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) =>
        CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(secret, text), signature);

    public override byte[] Private() => secret;

    public override bool TryWritePublic(ByteOutput json) => false;

    public override void Dispose() => CryptographicOperations.ZeroMemory(secret);
}
