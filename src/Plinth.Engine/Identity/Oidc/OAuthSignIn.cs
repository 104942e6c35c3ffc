using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plinth.Identity.Tokens;
using Plinth.Log;
using Plinth.Text;

namespace Plinth.Identity.Oidc;

/// <summary>What is set about signing in by other providers.</summary>
/// <param name="Providers">Those that are configured.</param>
/// <param name="PublicUrl">Where browsers reach this server: redirects come back to exactly there.</param>
/// <param name="Redirects">The pages, each exactly, that a browser may be sent to afterwards.</param>
/// <param name="MayRegister">Who has no account gets one.</param>
/// <param name="Role">The role of such an account; null leaves the schema's default.</param>
sealed record OAuthOptions(
    ImmutableArray<OAuthProvider> Providers, string PublicUrl, ImmutableArray<string> Redirects, bool MayRegister, string? Role);

/// <summary>A browser on its way to a provider: where it is sent, and the cookie that it must bring back.</summary>
sealed record OAuthStart(string Location, string Cookie, bool PostsForm);

/// <summary>Who came back, signed in.</summary>
/// <param name="Redirect">The page that the browser is sent to; null answers with tokens.</param>
sealed record OAuthEnd(TokenPair Pair, string? Redirect);

/// <summary>
/// Signing in by another provider: authorization code with PKCE, state and nonce. What must come back with the browser is sealed into a
/// cookie of it, so that a callback from another browser, or one that is not of this sign-in, is none. An account is linked only where
/// the provider says that the address was proved and the account has proved it too; else whoever took an address first without having it
/// would share the account of its owner. Thread-safe.
/// </summary>
sealed class OAuthSignIn
{
    const int LifetimeSeconds = 600;
    const string CallbackPath = "/callback";

    readonly PlatformRecords _records;
    readonly Accounts _accounts;
    readonly LogKeys _keys;
    readonly OAuthOptions _options;
    readonly RemoteDocuments _documents;
    readonly TimeProvider _time;
    readonly Action<string> _warn;
    readonly Dictionary<string, IssuerKeys> _issuers;

    public OAuthSignIn(
        PlatformRecords records, Accounts accounts, LogKeys keys, OAuthOptions options, RemoteDocuments documents, TimeProvider time,
        Action<string> warn)
    {
        (_records, _accounts, _keys, _options, _documents, _time, _warn) = (records, accounts, keys, options, documents, time, warn);
        _issuers = options.Providers.Where(p => p.Issuer is not null).ToDictionary(
            p => p.Name, p => new IssuerKeys(p.DiscoveryBase, p.Issuer ?? "", documents, time), StringComparer.Ordinal);
    }

    /// <summary>Names of the providers that may be used.</summary>
    public IEnumerable<string> Names => _options.Providers.Select(p => p.Name);

    static Fault NotGood { get; } = Faults.InvalidCode.Says(
        "the sign-in was not begun in this browser, took too long, or was answered before", "begin again at /auth/oauth/{provider}");

    /// <summary>Sends a browser to the provider.</summary>
    /// <param name="redirect">The page to come back to; null for who wants tokens.</param>
    public async ValueTask<Result<OAuthStart>> StartAsync(string name, string? redirect, CancellationToken cancel)
    {
        if (Find(name) is not { } provider)
            return Faults.NotFound.Says("no such provider is configured", Plinth.Text.Names.DidYouMean(name, Names));
        if (redirect is not null && !_options.Redirects.Contains(redirect, StringComparer.Ordinal))
            return Faults.ValidationFailed.Says("the page to come back to is none of those that are allowed",
                new FaultDetail("redirect", "oneOf", "is not one of oauth.redirects, exactly"));
        string state = Random(), nonce = Random(), verifier = Random();
        string authorize = provider.AuthorizeUrl;
        if (_issuers.TryGetValue(name, out IssuerKeys? issuer))
        {
            try
            {
                authorize = (await issuer.DiscoveryAsync(cancel).ConfigureAwait(false)).AuthorizeUrl;
            }
            catch (RemoteException e)
            {
                return Away(name, e);
            }
        }
        string challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        StringBuilder location = new(authorize);
        location.Append(authorize.Contains('?', StringComparison.Ordinal) ? '&' : '?').Append("response_type=code");
        Add(location, "client_id", provider.ClientId);
        Add(location, "redirect_uri", CallbackOf(name));
        Add(location, "scope", string.Join(' ', provider.Scopes));
        Add(location, "state", state);
        Add(location, "code_challenge", challenge);
        Add(location, "code_challenge_method", "S256");
        if (provider.Issuer is not null) Add(location, "nonce", nonce);
        if (provider.PostsForm) Add(location, "response_mode", "form_post");
        return new OAuthStart(location.ToString(), Seal(new Pending(name, state, nonce, verifier, redirect)), provider.PostsForm);
    }

    /// <summary>The provider sent the browser back.</summary>
    /// <param name="answer">What it sent along: <c>code</c>, <c>state</c>, perhaps <c>iss</c>; or <c>error</c>.</param>
    /// <param name="cookie">What the browser brought.</param>
    public async ValueTask<Result<OAuthEnd>> EndAsync(
        string name, Func<string, string?> answer, string? cookie, Client client, CancellationToken cancel)
    {
        if (Find(name) is not { } provider) return Faults.NotFound.Says("no such provider is configured");
        if (cookie is null || Open(cookie) is not { } pending || pending.Provider != name) return NotGood;
        if (answer("state") is not { } state || !AreEqual(state, pending.State)) return NotGood;
        if (answer("error") is not null) return Faults.InvalidCredentials.Says("the provider did not sign anyone in");
        // RFC 9207: an answer of another issuer is none of ours.
        if (answer("iss") is { } iss && provider.Issuer is { } issuer && !provider.IsOfManyTenants && iss != issuer) return NotGood;
        if (answer("code") is not { Length: > 0 } code) return NotGood;
        ProvidedIdentity? identity;
        try
        {
            identity = await IdentityAsync(provider, pending, code, cancel).ConfigureAwait(false);
        }
        catch (RemoteException e) when (e.IsRefusal)
        {
            _warn($"the identity provider {name}: {e.Message}");
            identity = null;
        }
        catch (RemoteException e)
        {
            return Away(name, e);
        }
        if (identity is null) return Faults.InvalidCredentials.Says("what the provider answered is not to be believed");
        var user = await UserAsync(identity, cancel).ConfigureAwait(false);
        if (!user.IsOk) return user.Fault;
        var pair = await _accounts.OpenAsync(user.Value, name, client, cancel).ConfigureAwait(false);
        return pair.IsOk ? new OAuthEnd(pair.Value, pending.Redirect) : pair.Fault;
    }

    sealed record Pending(string Provider, string State, string Nonce, string Verifier, string? Redirect);

    async ValueTask<ProvidedIdentity?> IdentityAsync(OAuthProvider provider, Pending pending, string code, CancellationToken cancel)
    {
        string tokenUrl = _issuers.TryGetValue(provider.Name, out IssuerKeys? keys)
            ? (await keys.DiscoveryAsync(cancel).ConfigureAwait(false)).TokenUrl : provider.TokenUrl;
        using JsonDocument tokens = await _documents.PostFormAsync(tokenUrl,
        [
            new("grant_type", "authorization_code"), new("code", code), new("redirect_uri", CallbackOf(provider.Name)),
            new("client_id", provider.ClientId), new("client_secret", provider.ClientSecret), new("code_verifier", pending.Verifier),
        ], cancel).ConfigureAwait(false);
        if (tokens.RootElement.ValueKind != JsonValueKind.Object) return null;
        if (keys is null) return await OfDocumentAsync(provider, tokens.RootElement, cancel).ConfigureAwait(false);
        return JsonWebToken.Text(tokens.RootElement, "id_token") is { } text
            ? await OfTokenAsync(provider, keys, text, pending.Nonce, cancel).ConfigureAwait(false) : null;
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
        // A tenant's administrator writes any address into his users: Microsoft says by xms_edov whether it was proved.
        bool isVerified = IsTrue(root, provider.Name == "microsoft" ? "xms_edov" : "email_verified");
        return new ProvidedIdentity(provider.Name, provider.IsOfManyTenants ? issuer + "#" + subject : subject,
            JsonWebToken.Text(root, "email"), isVerified, JsonWebToken.Text(root, "name"));
    }

    async ValueTask<ProvidedIdentity?> OfDocumentAsync(OAuthProvider provider, JsonElement tokens, CancellationToken cancel)
    {
        if (JsonWebToken.Text(tokens, "access_token") is not { } access) return null;
        using JsonDocument document = await _documents.GetAsync(provider.UserUrl, access, cancel).ConfigureAwait(false);
        JsonElement user = document.RootElement;
        if (user.ValueKind != JsonValueKind.Object || !user.TryGetProperty("id", out JsonElement id)) return null;
        string subject = id.ToString();
        if (subject.Length == 0) return null;
        string? name = JsonWebToken.Text(user, "name") ?? JsonWebToken.Text(user, "global_name") ?? JsonWebToken.Text(user, "login");
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

    /// <summary>The user that the identity is, or becomes, linked to.</summary>
    async ValueTask<Result<Guid>> UserAsync(ProvidedIdentity identity, CancellationToken cancel)
    {
        foreach (PlatformRow linked in _records.Where(
            PlatformRecords.UserIdentity, "subject", Schema.Value.From(identity.Subject), cancel))
        {
            if (linked.Text("provider") == identity.Provider) return linked.Uuid("userId");
        }
        if (identity.Email is not { } email)
            return Faults.InvalidCredentials.Says("the provider told no e-mail address, and without one there is no account");
        PlatformRow? user = _accounts.Find(email, cancel);
        if (user is not null && !(identity.IsVerified && user.Is("emailVerified")))
            return Faults.Conflict.Says("an account has this address already, and it is not proved that both are one person's",
                "sign in to it, verify its address, and try again");
        if (user is null)
        {
            if (!_options.MayRegister) return Faults.RegistrationClosed.Says("nobody has an account with this address");
            var made = await _accounts.CreateAsync(Guid.CreateVersion7(), new Registration(email, null, Short(identity.Name), null),
                _options.Role, tenant: null, identity.IsVerified, cancel).ConfigureAwait(false);
            if (!made.IsOk) return made.Fault;
            user = made.Value;
        }
        Fault? fault = await _records.RunAsync(user.Id.ToString(), PlatformRecords.Create(PlatformRecords.UserIdentity, json =>
        {
            json.WriteString("userId", user.Id.ToString());
            json.WriteString("provider", identity.Provider);
            json.WriteString("subject", identity.Subject);
            json.WriteString("email", email);
        }), cancel).ConfigureAwait(false);
        return fault is null ? user.Id : fault;
    }

    Fault Away(string name, RemoteException e)
    {
        _warn($"the identity provider {name}: {e.Message}");
        return Faults.NotReady.Says($"the provider {name} does not answer as it should") with { RetryAfterSeconds = 10 };
    }

    OAuthProvider? Find(string name) => _options.Providers.FirstOrDefault(p => p.Name == name);

    string CallbackOf(string name) => $"{_options.PublicUrl}/auth/oauth/{name}{CallbackPath}";

    string Seal(Pending pending)
    {
        long until = _time.GetUtcNow().ToUnixTimeSeconds() + LifetimeSeconds;
        string plain = string.Join('\n', pending.Provider, pending.State, pending.Nonce, pending.Verifier, pending.Redirect ?? "",
            until.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return _keys.CurrentId + "." + Base64Url.EncodeToString(_keys.Seal(Encoding.UTF8.GetBytes(plain), "oauth"u8));
    }

    Pending? Open(string cookie)
    {
        int dot = cookie.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || cookie.Length > 4096 || !Base64Url.IsValid(cookie.AsSpan(dot + 1))) return null;
        byte[]? plain;
        try
        {
            plain = _keys.Open(cookie[..dot], Base64Url.DecodeFromChars(cookie.AsSpan(dot + 1)), "oauth"u8);
        }
        catch (CryptographicException)
        {
            return null;
        }
        if (plain is null || Encoding.UTF8.GetString(plain).Split('\n') is not [var provider, var state, var nonce, var verifier,
            var redirect,
            var until]) return null;
        bool isOver = long.Parse(until, System.Globalization.CultureInfo.InvariantCulture) <= _time.GetUtcNow().ToUnixTimeSeconds();
        return isOver ? null : new(provider, state, nonce, verifier, redirect.Length > 0 ? redirect : null);
    }

    static bool IsTrue(JsonElement owner, string name) => owner.TryGetProperty(name, out JsonElement member)
        && (member.ValueKind == JsonValueKind.True || (member.ValueKind == JsonValueKind.String && member.GetString() is "true" or "1")
            || (member.ValueKind == JsonValueKind.Number && member.TryGetInt32(out int number) && number == 1));

    static string? Short(string? name) => name is { Length: > 200 } ? name[..200] : name is { Length: 0 } ? null : name;

    static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    static bool AreEqual(string a, string b) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));

    static void Add(StringBuilder location, string name, string value) =>
        location.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
}
