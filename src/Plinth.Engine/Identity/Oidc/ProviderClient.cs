using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Identity.Tokens;

namespace Plinth.Identity.Oidc;

/// <summary>What went with the browser, and what the provider's answer is held against.</summary>
/// <param name="Callback">Where the provider was told to send the browser back to.</param>
/// <param name="Nonce">What the token must repeat.</param>
/// <param name="Verifier">What the challenge was made of.</param>
sealed record Asked(string Callback, string Nonce, string Verifier);

/// <summary>
/// Talks with identity providers: exchanges the code that came back and says who it was, believing as much as proves itself. With OpenID
/// Connect that is a token of the provider's keys, for us, in time, with our nonce; with OAuth 2 alone it is what the provider answers to
/// the token that the code was good for. Thread-safe.
/// </summary>
sealed class ProviderClient
{
    readonly RemoteDocuments _documents;
    readonly TimeProvider _time;
    readonly Dictionary<string, IssuerKeys> _issuers;

    public ProviderClient(IEnumerable<OAuthProvider> providers, RemoteDocuments documents, TimeProvider time)
    {
        (_documents, _time) = (documents, time);
        _issuers = providers.Where(p => p.Issuer is not null).ToDictionary(
            p => p.Name, p => new IssuerKeys(p.DiscoveryBase, p.Issuer ?? "", documents, time), StringComparer.Ordinal);
    }

    /// <exception cref="RemoteException">The provider does not tell.</exception>
    public async ValueTask<string> AuthorizeUrlAsync(OAuthProvider provider, CancellationToken cancel) =>
        _issuers.TryGetValue(provider.Name, out IssuerKeys? issuer)
            ? (await issuer.DiscoveryAsync(cancel).ConfigureAwait(false)).AuthorizeUrl : provider.AuthorizeUrl;

    /// <param name="provider">Who sent the browser back.</param>
    /// <param name="asked">What was asked.</param>
    /// <param name="code">What the provider sent along; good once.</param>
    /// <param name="person">Apple's form member <c>user</c>: the name, at the first sign-in only, and nowhere signed.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>Null when what the provider answers is not to be believed.</returns>
    /// <exception cref="RemoteException">The provider refuses, or does not answer.</exception>
    public async ValueTask<ProvidedIdentity?> IdentityAsync(
        OAuthProvider provider, Asked asked, string code, string? person, CancellationToken cancel)
    {
        Discovery? discovery = _issuers.TryGetValue(provider.Name, out IssuerKeys? keys)
            ? await keys.DiscoveryAsync(cancel).ConfigureAwait(false) : null;
        using JsonDocument tokens = await _documents.PostFormAsync(discovery?.TokenUrl ?? provider.TokenUrl,
        [
            new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", asked.Callback),
            new("client_id", provider.ClientId), new("client_secret", provider.Secret(_time.GetUtcNow().ToUnixTimeSeconds())),
            new("code_verifier", asked.Verifier),
        ], cancel).ConfigureAwait(false);
        JsonElement root = tokens.RootElement;
        if (root.ValueKind != JsonValueKind.Object) return null;
        string? access = JsonWebToken.Text(root, "access_token");
        if (keys is null || discovery is null)
            return access is null ? null : await OfDocumentAsync(provider, access, cancel).ConfigureAwait(false);
        if (JsonWebToken.Text(root, "id_token") is not { } text) return null;
        if (await OfTokenAsync(provider, keys, text, asked.Nonce, cancel).ConfigureAwait(false) is not { } identity) return null;
        if (identity.Email is null && access is not null && discovery.UserUrl.Length > 0)
            return await WithUserInfoAsync(provider, identity, discovery.UserUrl, access, cancel).ConfigureAwait(false);
        return identity with { Name = identity.Name ?? NameOf(person) };
    }

    /// <summary>OpenID Connect Core, 3.1.3.7.</summary>
    async ValueTask<ProvidedIdentity?> OfTokenAsync(
        OAuthProvider provider, IssuerKeys keys, string text, string nonce, CancellationToken cancel)
    {
        if (JsonWebToken.Read(text) is not { } token) return null;
        if (await keys.FindAsync(token.KeyId, token.Algorithm, cancel).ConfigureAwait(false) is not { } key || !token.IsVerifiedBy(key))
            return null;
        using JsonDocument? document = JsonWebToken.Document(token.Payload);
        if (document is null) return null;
        JsonElement root = document.RootElement;
        string issuer = provider.Issuer ?? "";
        if (provider.IsOfManyTenants)
        {
            if (!Guid.TryParse(JsonWebToken.Text(root, "tid"), out Guid tenant)) return null;
            issuer = issuer.Replace("{tenantid}", tenant.ToString(), StringComparison.Ordinal);
        }
        if (JsonWebToken.Text(root, "iss") != issuer || !ExternalIssuers.HasAudience(root, provider.ClientId)) return null;
        if (JsonWebToken.Text(root, "azp") is { } party && party != provider.ClientId) return null;
        if (!ExternalIssuers.IsInTime(root, _time.GetUtcNow().ToUnixTimeSeconds(), out _)) return null;
        if (JsonWebToken.Text(root, "nonce") is not { } answered || !AreEqual(answered, nonce)) return null;
        if (JsonWebToken.Text(root, "sub") is not { Length: > 0 } subject) return null;
        return new ProvidedIdentity(provider.Name, provider.IsOfManyTenants ? issuer + "#" + subject : subject,
            JsonWebToken.Text(root, "email"), IsVerified(provider, root), JsonWebToken.Text(root, "name"));
    }

    /// <summary>
    /// A token may leave out what the scopes were asked for (OpenID Connect Core, 5.4): the provider then tells it to who has the access
    /// token, of the same person and no other (5.3.2).
    /// </summary>
    async ValueTask<ProvidedIdentity?> WithUserInfoAsync(
        OAuthProvider provider, ProvidedIdentity identity, string url, string access, CancellationToken cancel)
    {
        using JsonDocument document = await _documents.GetAsync(url, access, cancel).ConfigureAwait(false);
        JsonElement user = document.RootElement;
        if (user.ValueKind != JsonValueKind.Object) return null;
        string subject = provider.IsOfManyTenants ? identity.Subject[(identity.Subject.IndexOf('#', StringComparison.Ordinal) + 1)..]
            : identity.Subject;
        if (JsonWebToken.Text(user, "sub") != subject) return null;
        return identity with
        {
            Email = JsonWebToken.Text(user, "email"),
            IsVerified = IsVerified(provider, user),
            Name = identity.Name ?? JsonWebToken.Text(user, "name"),
        };
    }

    async ValueTask<ProvidedIdentity?> OfDocumentAsync(OAuthProvider provider, string access, CancellationToken cancel)
    {
        using JsonDocument document = await _documents.GetAsync(provider.UserUrl, access, cancel).ConfigureAwait(false);
        JsonElement user = document.RootElement;
        if (user.ValueKind != JsonValueKind.Object || Id(user) is not { } subject) return null;
        string? name = JsonWebToken.Text(user, "name") ?? JsonWebToken.Text(user, "global_name") ?? JsonWebToken.Text(user, "login")
            ?? JsonWebToken.Text(user, "username");
        if (provider.EmailsUrl.Length == 0)
            return new(provider.Name, subject, JsonWebToken.Text(user, "email"), IsTrue(user, "verified"), name);
        using JsonDocument emails = await _documents.GetAsync(provider.EmailsUrl, access, cancel).ConfigureAwait(false);
        if (emails.RootElement.ValueKind != JsonValueKind.Array) return null;
        foreach (JsonElement email in emails.RootElement.EnumerateArray())
        {
            if (email.ValueKind == JsonValueKind.Object && IsTrue(email, "primary"))
                return new(provider.Name, subject, JsonWebToken.Text(email, "email"), IsTrue(email, "verified"), name);
        }
        return new(provider.Name, subject, null, false, name);
    }

    /// <summary>A number (GitHub), or a number as text (Discord): what stays when names and addresses change.</summary>
    static string? Id(JsonElement user)
    {
        if (!user.TryGetProperty("id", out JsonElement id)) return null;
        return id.ValueKind switch
        {
            JsonValueKind.Number when id.TryGetInt64(out long number) => number.ToString(CultureInfo.InvariantCulture),
            JsonValueKind.String when id.GetString() is { Length: > 0 } text => text,
            _ => null,
        };
    }

    /// <summary>A tenant's administrator writes any address into his users: Microsoft says by xms_edov whether it was proved.</summary>
    static bool IsVerified(OAuthProvider provider, JsonElement claims) =>
        IsTrue(claims, provider.Name == "microsoft" ? "xms_edov" : "email_verified");

    /// <summary><c>{"name":{"firstName":…,"lastName":…}}</c></summary>
    static string? NameOf(string? person)
    {
        if (person is null || JsonWebToken.Document(Encoding.UTF8.GetBytes(person)) is not { } document) return null;
        using (document)
        {
            if (!document.RootElement.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.Object) return null;
            string whole = $"{JsonWebToken.Text(name, "firstName")} {JsonWebToken.Text(name, "lastName")}".Trim();
            return whole.Length > 0 ? whole : null;
        }
    }

    /// <summary>Apple writes it as a text, Microsoft as a number.</summary>
    static bool IsTrue(JsonElement owner, string name) => owner.TryGetProperty(name, out JsonElement member)
        && (member.ValueKind == JsonValueKind.True || (member.ValueKind == JsonValueKind.String && member.GetString() is "true" or "1")
            || (member.ValueKind == JsonValueKind.Number && member.TryGetInt32(out int number) && number == 1));

    static bool AreEqual(string a, string b) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));
}
