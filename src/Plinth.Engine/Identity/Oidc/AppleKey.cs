using System.Security.Cryptography;
using Plinth.Identity.Tokens;
using Plinth.Text;

namespace Plinth.Identity.Oidc;

/// <summary>
/// What Apple takes in place of a client secret: a short token that the developer's own key signs (ES256), with the team as its issuer.
/// Apple allows six months; it is made anew for each exchange, so that nothing of it needs to be kept or renewed by hand. Thread-safe.
/// </summary>
sealed class AppleKey
{
    const string Audience = "https://appleid.apple.com";
    const int LifetimeSeconds = 300;

    readonly string _teamId;
    readonly TokenKey _key;

    AppleKey(string teamId, TokenKey key) => (_teamId, _key) = (teamId, key);

    /// <param name="teamId">Ten characters, of the developer's account.</param>
    /// <param name="keyId">Ten characters, of the key: also in the name of its file.</param>
    /// <param name="pem">The file, <c>AuthKey_….p8</c>.</param>
    /// <returns>Null when the text holds no private key of the curve P-256.</returns>
    public static AppleKey? Read(string teamId, string keyId, string pem)
    {
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportFromPem(pem);
            if (key.KeySize != 256) return null;
            return new(teamId, new EllipticTokenKey(keyId, key.ExportParameters(includePrivateParameters: true)));
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return null;
        }
    }

    /// <param name="clientId">For whom.</param>
    /// <param name="now">Seconds since the epoch.</param>
    public string Secret(string clientId, long now)
    {
        using ByteOutput json = new();
        json.Write("{\"iss\":"u8);
        JsonText.WriteString(json, _teamId);
        TokenKey.Member(json, "sub", clientId);
        TokenKey.Member(json, "aud", Audience);
        json.Write(",\"iat\":"u8);
        JsonText.WriteInt(json, now);
        json.Write(",\"exp\":"u8);
        JsonText.WriteInt(json, now + LifetimeSeconds);
        json.Write((byte)'}');
        return JsonWebToken.Write(_key, "JWT", json.Written);
    }
}
