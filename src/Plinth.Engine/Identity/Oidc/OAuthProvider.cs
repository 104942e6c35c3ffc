using System.Collections.Immutable;

namespace Plinth.Identity.Oidc;

/// <summary>
/// An identity provider that people may sign in by. One with an <see cref="Issuer"/> speaks OpenID Connect and tells its addresses and
/// keys itself; the others are OAuth 2 with a document about the user.
/// </summary>
sealed record OAuthProvider(string Name, string ClientId, string ClientSecret)
{
    /// <summary>Exactly as its tokens name it; null for OAuth 2 alone.</summary>
    public string? Issuer { get; init; }

    public string AuthorizeUrl { get; init; } = "";

    public string TokenUrl { get; init; } = "";

    /// <summary>OAuth 2 alone: a document about the user.</summary>
    public string UserUrl { get; init; } = "";

    /// <summary>OAuth 2 alone: the user's addresses, where the document has none that is proved.</summary>
    public string EmailsUrl { get; init; } = "";

    /// <summary>Apple: the key that signs what stands in for a client secret.</summary>
    public AppleKey? AppleKey { get; init; }

    /// <summary>What proves to the provider that it is us.</summary>
    /// <param name="now">Seconds since the epoch.</param>
    public string Secret(long now) => AppleKey?.Secret(ClientId, now) ?? ClientSecret;

    public ImmutableArray<string> Scopes { get; init; } = ["openid", "email", "profile"];

    /// <summary>The provider comes back with a form instead of an address (<c>response_mode=form_post</c>).</summary>
    public bool PostsForm { get; init; }

    /// <summary>Its issuer has the tenant in it, which the token names: <c>{tenantid}</c> stands for the claim <c>tid</c>.</summary>
    public bool IsOfManyTenants => Issuer?.Contains("{tenantid}", StringComparison.Ordinal) == true;

    /// <summary>The tenant of Microsoft's private accounts, whose issuer has the number and not the word.</summary>
    const string Consumers = "9188040d-6c67-4c5b-b112-36a304b66dad";

    /// <summary>The providers that are known by name.</summary>
    public static ImmutableArray<string> Presets { get; } = ["google", "github", "microsoft", "okta", "apple", "discord", "oidc"];

    /// <param name="name">One of <see cref="Presets"/>.</param>
    /// <param name="clientId">As the provider gave it out.</param>
    /// <param name="clientSecret">Likewise.</param>
    /// <param name="issuer">For okta and oidc; for microsoft the tenant.</param>
    public static OAuthProvider Preset(string name, string clientId, string clientSecret, string issuer)
    {
        OAuthProvider provider = new(name, clientId, clientSecret);
        return name switch
        {
            "google" => provider with { Issuer = "https://accounts.google.com" },
            "microsoft" => provider with
            {
                Issuer = issuer switch
                {
                    "common" or "organizations" => "https://login.microsoftonline.com/{tenantid}/v2.0",
                    "consumers" => $"https://login.microsoftonline.com/{Consumers}/v2.0",
                    _ => $"https://login.microsoftonline.com/{issuer}/v2.0",
                },
                AuthorizeUrl = $"https://login.microsoftonline.com/{issuer}/v2.0",
            },
            "okta" or "oidc" => provider with { Issuer = issuer },
            "apple" => provider with { Issuer = "https://appleid.apple.com", Scopes = ["openid", "email", "name"], PostsForm = true },
            "discord" => provider with
            {
                AuthorizeUrl = "https://discord.com/oauth2/authorize",
                TokenUrl = "https://discord.com/api/oauth2/token",
                UserUrl = "https://discord.com/api/users/@me",
                Scopes = ["identify", "email"],
            },
            "github" => provider with
            {
                AuthorizeUrl = "https://github.com/login/oauth/authorize",
                TokenUrl = "https://github.com/login/oauth/access_token",
                UserUrl = "https://api.github.com/user",
                EmailsUrl = "https://api.github.com/user/emails",
                Scopes = ["read:user", "user:email"],
            },
            _ => throw new InvalidOperationException($"no provider {name}"),
        };
    }

    /// <summary>Where its discovery document is looked for.</summary>
    public string DiscoveryBase => IsOfManyTenants || AuthorizeUrl.EndsWith("/v2.0",
        StringComparison.Ordinal) ? AuthorizeUrl : Issuer ?? "";
}

/// <summary>What a provider said of who signed in.</summary>
/// <param name="Subject">Its own, stable name of the person.</param>
/// <param name="IsVerified">It says that the person has proved the address; without that an address proves nothing.</param>
sealed record ProvidedIdentity(string Provider, string Subject, string? Email, bool IsVerified, string? Name);
