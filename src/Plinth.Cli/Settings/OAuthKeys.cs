using System.Collections.Immutable;
using Plinth.Identity.Oidc;

namespace Plinth.Cli.Settings;

/// <summary>The settings of one identity provider.</summary>
sealed record OAuthProviderKeys(string Name, SettingKey ClientId, SettingKey ClientSecret, SettingKey? Issuer);

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

    public static ImmutableArray<OAuthProviderKeys> Providers { get; } = [.. OAuthProvider.Presets.Select(Of)];

    public static ImmutableArray<SettingKey> All { get; } =
    [
        Register, Redirects, .. Providers.SelectMany(p => p.Issuer is { } issuer ? (SettingKey[])[p.ClientId, p.ClientSecret, issuer]
            : [p.ClientId, p.ClientSecret]),
        Issuers, IssuerAudience, IssuerClaims,
    ];

    static OAuthProviderKeys Of(string name)
    {
        SettingKey? issuer = name switch
        {
            "microsoft" => new("oauth.microsoft.tenant", s_text, "common",
                "The tenant: its id, or `common`, `organizations`, `consumers`."),
            "okta" => new("oauth.okta.issuer", s_text, "", "The issuer, such as https://example.okta.com."),
            "oidc" => new("oauth.oidc.issuer", s_text, "", "The issuer of any other provider of OpenID Connect."),
            _ => null,
        };
        return new(name,
            new($"oauth.{name}.clientId", s_text, "", $"The client id that {name} gave out; with it people can sign in by {name}."),
            new($"oauth.{name}.clientSecret", s_text, "", $"The client secret that {name} gave out.", IsSecret: true), issuer);
    }

    static string? RefuseWeb(string text) => RemoteDocuments.IsSafe(text) ? null : "a URL with https (or http to this machine)";

    static string? RefuseMapping(string text) =>
        text.Split('=', 2) is [{ Length: > 0 }, { Length: > 0 }] ? null : "claim=member pairs";
}
