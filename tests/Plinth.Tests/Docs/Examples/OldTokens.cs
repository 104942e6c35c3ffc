using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Cli;
using Plinth.Identity;

namespace OwnTokens;

/// <summary>The tokens of the application that ran here before: <c>old.&lt;user&gt;.&lt;mac&gt;</c>.</summary>
static class OldTokens
{
    // begin
    public static TokenDecoder Decoder(byte[] key) => (credential, cancel) =>
    {
        if (credential.Split('.') is not ["old", var user, var mac]) return ValueTask.FromResult<DecodedToken?>(null);
        byte[] expected = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(user));
        bool isGood = CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(Convert.ToHexStringLower(expected)), Encoding.UTF8.GetBytes(mac));
        JsonElement claims = JsonSerializer.SerializeToElement(new { id = user, role = "viewer" });
        return ValueTask.FromResult(isGood ? new DecodedToken(Subject: user, claims) : null);
    };

    public static Task<int> RunAsync(string[] args, byte[] key, CancellationToken cancel) =>
        PlinthHost.RunAsync(args, new PlinthExtensions { TokenDecoders = [Decoder(key)] }, cancel);
    // end
}
