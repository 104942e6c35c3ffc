using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Identity.Tokens;

/// <summary>
/// A JWS in its compact form (RFC 7515), taken apart strictly: three parts of base64url without padding, a header that is an object with
/// a known <c>alg</c> and nothing critical in it. What it says is worth nothing before its signature was verified.
/// </summary>
sealed class JsonWebToken
{
    /// <summary>Characters; anything longer is refused unread.</summary>
    public const int LengthMax = Limits.CredentialLength;

    const int DepthMax = 16;

    JsonWebToken(string algorithm, string? keyId, string? type, byte[] signed, byte[] payload, byte[] signature) =>
        (Algorithm, KeyId, Type, Signed, Payload, Signature) = (algorithm, keyId, type, signed, payload, signature);

    public string Algorithm { get; }

    public string? KeyId { get; }

    public string? Type { get; }

    /// <summary>The ASCII text that the signature is over.</summary>
    public byte[] Signed { get; }

    public byte[] Payload { get; }

    public byte[] Signature { get; }

    public bool IsVerifiedBy(TokenKey key) =>
        string.Equals(Algorithm, key.Algorithm.ToString(), StringComparison.Ordinal) && key.Verifies(Signed, Signature);

    /// <summary>Null when it is no such token.</summary>
    public static JsonWebToken? Read(ReadOnlySpan<char> text)
    {
        if (text.Length > LengthMax || !Ascii.IsValid(text)) return null;
        int first = text.IndexOf('.');
        if (first <= 0) return null;
        int second = text[(first + 1)..].IndexOf('.');
        if (second <= 0) return null;
        second += first + 1;
        if (text[(second + 1)..].Contains('.')) return null;
        if (Decode(text[..first]) is not { } header || Decode(text[(first + 1)..second]) is not { } payload
            || Decode(text[(second + 1)..]) is not { } signature) return null;
        return ReadHeader(header) is var (algorithm, keyId, type) && algorithm.Length > 0
            ? new(algorithm, keyId, type, Encoding.ASCII.GetBytes(text[..second].ToString()), payload, signature) : null;
    }

    /// <summary>A signed token over a payload.</summary>
    public static string Write(TokenKey key, string type, ReadOnlySpan<byte> payload)
    {
        string header = string.Create(CultureInfo.InvariantCulture,
            $$"""{"alg":"{{key.Algorithm}}","typ":"{{type}}","kid":"{{key.Id}}"}""");
        string signed = Base64Url.EncodeToString(Encoding.ASCII.GetBytes(header)) + "." + Base64Url.EncodeToString(payload);
        return signed + "." + Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(signed)));
    }

    /// <summary>A document of claims or keys; null when it is none, nests deeper than any does, or has a name twice.</summary>
    public static JsonDocument? Document(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            JsonDocument document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = DepthMax,
                AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static (string Algorithm, string? KeyId, string? Type)? ReadHeader(byte[] header)
    {
        using JsonDocument? document = Document(header);
        if (document is null) return null;
        JsonElement root = document.RootElement;
        // Nothing that we would have to understand and do not, and no key that the token brings itself.
        foreach (string refused in (ReadOnlySpan<string>)["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"])
        {
            if (root.TryGetProperty(refused, out _)) return null;
        }
        return (Text(root, "alg") ?? "", Text(root, "kid"), Text(root, "typ"));
    }

    public static string? Text(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;

    /// <summary>Seconds since the epoch, whole or not; null when it is absent or no number of seconds.</summary>
    public static long? Seconds(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.Number && member.TryGetDouble(out double at)
            && at is > 0 and < 253_402_300_800 ? (long)at : null;

    static byte[]? Decode(ReadOnlySpan<char> part)
    {
        if (part.IsEmpty || part.Contains('=') || !Base64Url.IsValid(part)) return null;
        byte[] bytes = Base64Url.DecodeFromChars(part);
        // One text per token: bits that no byte takes are zero.
        return Base64Url.EncodeToString(bytes).AsSpan().SequenceEqual(part) ? bytes : null;
    }
}
