using System.Collections.Immutable;
using Plinth.Identity.Oidc;

namespace Plinth.Cli.Settings;

/// <summary>The settings of one identity provider.</summary>
/// <param name="ClientSecret">Null for Apple, whose secrets are signed by a key.</param>
sealed record OAuthProviderKeys(string Name, SettingKey ClientId, SettingKey? ClientSecret, SettingKey? Issuer)
{
    public IEnumerable<SettingKey> All => new[] { ClientId, ClientSecret, Issuer }.OfType<SettingKey>();
}

/// <summary>The settings of other issuers: whose tokens are taken, and by whom people sign in.</summary>
static class OAuthKeys
{
    static readonly TextForm s_text = new();

    public static readonly SettingKey Register = new("oauth.register", new SwitchForm(), "off",
        "Whoever signs in by a provider and has no account gets one, with the role of `auth.registerRole`.");
    public static readonly SettingKey Redirects = new("oauth.redirects", new ListForm(RefuseWeb), "",
        "Pages, each exactly, that a browser may be sent to after signing in by a provider.");
    public static readonly SettingKey Issuers = new("issuers.urls", new ListForm(RefuseWeb), "",
        "Issuers of OpenID Connect whose access tokens are taken, exactly as their tokens name them.");
    public static readonly SettingKey IssuerAudience = new("issuers.audience", s_text, "",
        "What the tokens of other issuers must be for (`aud`): this API.");
    public static readonly SettingKey IssuerClaims = new("issuers.claims", new ListForm(RefuseMapping), "",
        "Claims of `auth` that have another name in their tokens, as in role=https://example.org/role. `id` is `sub` "
            + "unless said otherwise.");

    public static readonly SettingKey AppleTeamId = new("oauth.apple.teamId", s_text, "", "The team of the developer's account at Apple.");
    public static readonly SettingKey AppleKeyId = new("oauth.apple.keyId", s_text, "",
        "The id of the key that signs for Apple: ten characters, also in the name of its file.");
    public static readonly SettingKey AppleKeyFile = new("oauth.apple.keyFile", s_text, "",
        "The file of that key (AuthKey_….p8), relative to the project folder.");

    public static ImmutableArray<OAuthProviderKeys> Providers { get; } = [.. OAuthProvider.Presets.Select(Of)];

    public static ImmutableArray<SettingKey> All { get; } =
    [
        Register, Redirects, .. Providers.SelectMany(p => p.All), AppleTeamId, AppleKeyId, AppleKeyFile,
        Issuers, IssuerAudience, IssuerClaims,
    ];

    static OAuthProviderKeys Of(string name)
    {
        SettingKey? issuer = name switch
        {
            "microsoft" => new("oauth.microsoft.tenant", new TenantForm(), "common",
                "The tenant: its id (a UUID), or `common`, `organizations`, `consumers`."),
            "okta" => new("oauth.okta.issuer", s_text, "", "The issuer, such as https://example.okta.com."),
            "oidc" => new("oauth.oidc.issuer", s_text, "", "The issuer of any other provider of OpenID Connect."),
            _ => null,
        };
        return new(name,
            new($"oauth.{name}.clientId", s_text, "", $"The client id that {name} gave out; with it people can sign in by {name}."),
            name == "apple" ? null
                : new($"oauth.{name}.clientSecret", s_text, "", $"The client secret that {name} gave out.", IsSecret: true),
            issuer);
    }

    /// <summary>A domain would do at Microsoft, but its tokens name the id.</summary>
    sealed record TenantForm : SettingForm
    {
        public override string? Refuse(string text) =>
            Guid.TryParse(text, out _) || text is "common" or "organizations" or "consumers" ? null
                : "the tenant's id (a UUID), or common, organizations, consumers";
    }

    static string? RefuseWeb(string text) => RemoteDocuments.IsSafe(text) ? null : "a URL with https (or http to this machine)";

    static string? RefuseMapping(string text) =>
        text.Split('=', 2) is [{ Length: > 0 }, { Length: > 0 }] ? null : "claim=member pairs";
}
