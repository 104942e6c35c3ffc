using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
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
    const int LifetimeSeconds = 600, TriesMax = 4;
    const string CallbackPath = "/callback";

    readonly PlatformRecords _records;
    readonly Accounts _accounts;
    readonly LogKeys _keys;
    readonly OAuthOptions _options;
    readonly ProviderClient _client;
    readonly TimeProvider _time;
    readonly Action<string> _warn;

    public OAuthSignIn(
        PlatformRecords records, Accounts accounts, LogKeys keys, OAuthOptions options, RemoteDocuments documents, TimeProvider time,
        Action<string> warn)
    {
        (_records, _accounts, _keys, _options, _time, _warn) = (records, accounts, keys, options, time, warn);
        _client = new ProviderClient(options.Providers, documents, time);
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
        string authorize;
        try
        {
            authorize = await _client.AuthorizeUrlAsync(provider, cancel).ConfigureAwait(false);
        }
        catch (RemoteException e)
        {
            return Away(name, e);
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
            Asked asked = new(CallbackOf(name), pending.Nonce, pending.Verifier);
            identity = await _client.IdentityAsync(provider, asked, code, answer("user"), cancel).ConfigureAwait(false);
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

    /// <summary>The user that the identity is, or becomes, linked to.</summary>
    async ValueTask<Result<Guid>> UserAsync(ProvidedIdentity identity, CancellationToken cancel)
    {
        for (int tries = 1; ; tries++)
        {
            var user = Linked(identity, cancel) is { } known ? known : await LinkAsync(identity, cancel).ConfigureAwait(false);
            // The same person at the same moment may have been faster: then there is a link by now.
            bool isRace = !user.IsOk && IsTaken(user.Fault) && tries < TriesMax;
            if (!isRace) return user;
        }
    }

    Guid? Linked(ProvidedIdentity identity, CancellationToken cancel)
    {
        foreach (PlatformRow linked in _records.Where(
            PlatformRecords.UserIdentity, "subject", Schema.Value.From(identity.Subject), cancel))
        {
            if (linked.Text("provider") == identity.Provider) return linked.Uuid("userId");
        }
        return null;
    }

    /// <summary>Links the identity to the account of its address, or to a new one: in both cases only a proved address.</summary>
    async ValueTask<Result<Guid>> LinkAsync(ProvidedIdentity identity, CancellationToken cancel)
    {
        if (identity.Email is not { } email)
            return Faults.InvalidCredentials.Says("the provider told no e-mail address, and without one there is no account");
        PlatformRow? user = _accounts.Find(email, cancel);
        if (user is not null && !(identity.IsVerified && user.Is("emailVerified")))
            return Faults.Conflict.Says("an account has this address already, and it is not proved that both are one person's",
                "sign in to it, verify its address, and try again");
        if (user is null)
        {
            if (!_options.MayRegister) return Faults.RegistrationClosed.Says("nobody has an account with this address");
            if (!identity.IsVerified)
                return Faults.EmailNotVerified.Says("the provider does not say that the e-mail address was proved",
                    "verify it there, or register with a password and verify it here");
            var made = await _accounts.CreateAsync(Guid.CreateVersion7(), new Registration(email, null, Short(identity.Name), null),
                _options.Role, tenant: null, isVerified: true, cancel).ConfigureAwait(false);
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

    /// <summary>A unique key was taken in between: the address (which has a code of its own), or the link.</summary>
    static bool IsTaken(Fault fault) => fault.Kind == Faults.Conflict && fault.Details.Length > 0;

    static string? Short(string? name) => name is { Length: > 200 } ? name[..200] : name is { Length: 0 } ? null : name;

    static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    static bool AreEqual(string a, string b) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));

    static void Add(StringBuilder location, string name, string value) =>
        location.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
}
