using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Identity.Tokens;

namespace Plinth.Auth;

/// <summary>What each of them says of a person.</summary>
sealed partial class LocalProviders
{
    string IdToken(string host, Grant grant)
    {
        Person person = grant.Person;
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        JsonObject payload = new()
        {
            ["iss"] = host switch
            {
                "oauth2.googleapis.com" => "https://accounts.google.com",
                "login.microsoftonline.com" => $"https://login.microsoftonline.com/{person.Tenant}/v2.0",
                "appleid.apple.com" => "https://appleid.apple.com",
                _ => "https://example.okta.com/oauth2/default",
            },
            ["aud"] = ClientId, ["sub"] = person.Id, ["iat"] = now, ["exp"] = now + 600, ["nonce"] = grant.Nonce,
        };
        if (host == "login.microsoftonline.com") payload["tid"] = person.Tenant;
        if (host == "oauth2.googleapis.com") payload["azp"] = ClientId;
        if (!IsThin) Describe(host, payload, person);
        Tamper?.Invoke(payload);
        return JsonWebToken.Write(Forger ?? Key, "JWT", Encoding.UTF8.GetBytes(payload.ToJsonString()));
    }

    static void Describe(string host, JsonObject claims, Person person)
    {
        if (person.Email is { } email)
        {
            claims["email"] = email;
            switch (host)
            {
                // Microsoft has no email_verified; the optional claim says it where an application asks for it.
                case "login.microsoftonline.com" or "graph.microsoft.com":
                    if (person.IsProved) claims["xms_edov"] = 1;
                    break;
                case "appleid.apple.com": claims["email_verified"] = person.IsProved ? "true" : "false"; break;
                default: claims["email_verified"] = person.IsProved; break;
            }
        }
        if (host != "appleid.apple.com") claims["name"] = person.Name;
    }

    Answer User(string address, HttpListenerRequest request)
    {
        string bearer = request.Headers["Authorization"] ?? "";
        Grant? grant;
        lock (_codes) _tokens.TryGetValue(bearer.Replace("Bearer ", "", StringComparison.Ordinal), out grant);
        if (grant is null || !bearer.StartsWith("Bearer ", StringComparison.Ordinal)) return new(401, """{"message":"Bad credentials"}""");
        if (address.StartsWith("api.github.com", StringComparison.Ordinal) && string.IsNullOrEmpty(request.Headers["User-Agent"]))
            return new(403, """{"message":"Request forbidden by administrative rules."}""");
        Person person = grant.Person;
        switch (address)
        {
            case "api.github.com/user":
                // The public address, if any, and nothing about its being proved.
                return new(200, new JsonObject { ["login"] = "octo", ["id"] = long.Parse(person.Id, CultureInfo.InvariantCulture),
                    ["name"] = person.Name, ["email"] = "public@example.org" }.ToJsonString());
            case "api.github.com/user/emails":
                JsonArray emails = [new JsonObject { ["email"] = "other@example.org", ["primary"] = false, ["verified"] = true }];
                if (person.Email is not null)
                {
                    emails.Add(new JsonObject { ["email"] = person.Email, ["primary"] = true, ["verified"] = person.IsProved,
                        ["visibility"] = "private" });
                }
                return new(200, emails.ToJsonString());
            case "discord.com/api/users/@me":
                JsonObject user = new() { ["id"] = person.Id, ["username"] = "octo", ["global_name"] = person.Name };
                if (person.Email is not null) (user["email"], user["verified"]) = (person.Email, person.IsProved);
                return new(200, user.ToJsonString());
            default:
                JsonObject claims = new() { ["sub"] = person.Id };
                Describe(address.Split('/')[0], claims, person);
                Tamper?.Invoke(claims);
                return new(200, claims.ToJsonString());
        }
    }

    /// <summary>Apple's own check of a client: a token that the developer's key signed, of the team, for Apple, of half a year at
    /// most.</summary>
    bool IsOfApple(string secret)
    {
        if (JsonWebToken.Read(secret) is not { Algorithm: "ES256", KeyId: AppleKeyId } token) return false;
        ECParameters own = _apple.ExportParameters(includePrivateParameters: false);
        using EllipticTokenKey key = new(AppleKeyId, own);
        if (!token.IsVerifiedBy(key)) return false;
        JsonObject claims = JsonNode.Parse(token.Payload)!.AsObject();
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds(), until = claims["exp"]!.GetValue<long>();
        bool isOurs = (string?)claims["iss"] == TeamId && (string?)claims["sub"] == ClientId;
        return isOurs && (string?)claims["aud"] == "https://appleid.apple.com"
            && claims["iat"]!.GetValue<long>() <= now && until > now && until <= now + 15_777_000;
    }

    /// <summary><c>https://github.com/x</c> → this port, <c>/github.com/x</c>.</summary>
    sealed class Detour(string url) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Uri meant = request.RequestUri!;
            Assert.Equal("https", meant.Scheme);
            request.RequestUri = new Uri(url + meant.Host + meant.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
