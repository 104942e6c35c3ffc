using Plinth.Identity.Hashing;
using Plinth.Identity.Mail;
using Plinth.Identity.Oidc;
using Plinth.Identity.Tokens;
using Plinth.Log;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Identity;

/// <summary>Who presented a credential that is good.</summary>
/// <param name="Subject">Recorded as the actor of events.</param>
/// <param name="SessionId">Null for keys of programs and for the tokens of other issuers.</param>
readonly record struct Identified(Value Claims, string Subject, Guid? SessionId, TokenScopes? Scopes);

/// <summary>
/// The product's users, wired: the way from a credential to a caller, and the parts that give credentials out. Stands above the engine,
/// of which it is a client. Thread-safe.
/// </summary>
sealed class Identities : IAsyncDisposable
{
    /// <summary>What an entry about a token may outlive the token by: the clocks of nodes, and a request under way.</summary>
    static readonly TimeSpan s_margin = TimeSpan.FromMinutes(2);

    readonly Engine _engine;
    readonly IdentityOptions _options;
    readonly AccessTokens _access;
    readonly PasswordKinds _kinds;
    readonly PostOffice _office;
    readonly RemoteDocuments _documents;
    readonly Action<string> _warn;
    int _isDisposed;

    /// <param name="engine">The engine whose users these are; it outlives them.</param>
    /// <param name="options">Checked by <see cref="Refusal"/>.</param>
    /// <param name="mailer">How letters leave.</param>
    /// <param name="warn">Takes what an operator should know.</param>
    public Identities(Engine engine, IdentityOptions options, Mailer mailer, Action<string> warn)
    {
        (_engine, _options) = (engine, options);
        Hashes = new PasswordHashes(options.PasswordCost);
        Records = new PlatformRecords(engine);
        Revocations = new Revocations(engine, options.AccessLifetime + s_margin, options.LogAgeMax);
        Keys = new SigningKeys(engine, Records, options);
        _access = new AccessTokens(Records, Keys, options);
        RefreshTokens refresh = new(engine.Store.Keys.Derive("refresh tokens"));
        Sessions = new Sessions(Records, _access, refresh, options, engine.Time);
        Guards = new SignInGuards(Records, options, engine.Store.Keys.Derive("sign-in guards"));
        Factors = new Factors(Records, engine.Store.Keys, options.Issuer);
        _kinds = new PasswordKinds(Records, Hashes, engine.Store.Keys);
        Accounts = new Accounts(Records, Sessions, Guards, Factors, Hashes, _kinds, options);
        ApiTokens = new ApiTokens(Records, Revocations, options.TokensKept);
        _office = new PostOffice(mailer, warn);
        Codes = new MailCodes(Records, Accounts, Guards, _office, options);
        Revocations.Changed = Changed;
        Revocations.Lost = Lost;
        _documents = options.Outgoing is { } way ? new RemoteDocuments(way()) : RemoteDocuments.Create();
        Decoders = new TokenDecoders(options.Decoders, options.Issuer, warn);
        External = new ExternalIssuers(options.External, _documents, engine.Time, options.TokensKept);
        Rechecks = new OthersRechecks(ResolveExternalAsync, engine.Time);
        OAuth = new OAuthSignIn(Records, Accounts, engine.Store.Keys, options.OAuth, _documents, engine.Time, warn);
        _warn = warn;
        Expiry = new Expiry(Records, options, engine.Time, warn);
    }

    public PlatformRecords Records { get; }

    public Revocations Revocations { get; }

    public SigningKeys Keys { get; }

    public PasswordHashes Hashes { get; }

    public Sessions Sessions { get; }

    public SignInGuards Guards { get; }

    public Factors Factors { get; }

    public Accounts Accounts { get; }

    public ApiTokens ApiTokens { get; }

    public MailCodes Codes { get; }

    public TokenDecoders Decoders { get; }

    public ExternalIssuers External { get; }

    /// <summary>What others say of the credentials of open connections.</summary>
    public OthersRechecks Rechecks { get; }

    /// <summary>Others than we give out credentials that are taken here.</summary>
    public bool TakesOthers => Decoders.IsOn || External.IsOn;

    public OAuthSignIn OAuth { get; }

    public Expiry Expiry { get; }

    /// <summary>Verified tokens that are remembered, by kind.</summary>
    public (int Access, int Programs, int Issuers) TokensKept => (_access.Kept, ApiTokens.Kept, External.TokensKept);

    /// <summary>The schema that serves now has users.</summary>
    public bool HasUsers => _engine.Current.Schema.HasUsers;

    /// <summary>A secret of its own for each purpose, the same on every node.</summary>
    public byte[] Derive(string purpose) => _engine.Store.Keys.Derive(purpose);

    /// <summary>Why these options cannot be served, with the remedy; null when they can.</summary>
    public static string? Refusal(IdentityOptions options, AppSchema schema)
    {
        if (!schema.HasUsers) return options.MayRegister ? "auth.register is on, and the schema has no users: add extend User { }" : null;
        if (Argon2.Refusal(options.PasswordCost) is { } refusal) return refusal;
        if (options.RegisterRole == "admin") return "auth.registerRole admin would make an administrator of whoever comes by";
        Field? role = schema.Model(PlatformRecords.User).Field("role");
        if (options.RegisterRole is { } word && role?.Type is EnumFieldType { Enum: var words } && !words.Values.Contains(word))
            return $"auth.registerRole: '{word}' is no value of {words.Name}";
        if (options.RegisterTenant != "none" && schema.Model(PlatformRecords.User).Field("tenantId") is null)
            return "auth.registerTenant needs a field of users: extend User { tenantId … }";
        if (!options.OAuth.Providers.IsEmpty && options.PublicUrl.Length == 0)
            return "auth.publicUrl must say where browsers reach this server: identity providers come back to it";
        return null;
    }

    /// <summary>The same for a credential of which nothing is known yet.</summary>
    public Result<Identified> Resolve(ReadOnlySpan<char> credential, CancellationToken cancel)
    {
        AccessToken? known = null;
        return Resolve(credential, ref known, cancel);
    }

    /// <summary>Who presents this credential. Whatever is wrong with it, the fault is the same.</summary>
    /// <param name="credential">A token or a key.</param>
    /// <param name="known">
    /// What this very credential was verified as before, if anything; then what it is verified as now. A hint that saves work: that the
    /// token is good now, by keys, time and revocations, is looked at each time.
    /// </param>
    /// <param name="cancel">Gives up.</param>
    /// <returns><c>not_ready</c> when that cannot be told now, because the log of a shared database cannot be read.</returns>
    public Result<Identified> Resolve(ReadOnlySpan<char> credential, ref AccessToken? known, CancellationToken cancel)
    {
        AccessToken? before = known;
        known = null;
        if (!HasUsers) return Sessions.Unauthorized;
        if (!Revocations.IsCurrent(cancel))
            return Faults.NotReady.Says("it cannot be told now whether the credentials are still good") with { RetryAfterSeconds = 1 };
        if (credential.StartsWith(TokenText.ApiToken, StringComparison.Ordinal))
        {
            return ApiTokens.Verify(credential, cancel) is { } key
                ? new Identified(key.Claims, key.Subject, null, key.Scopes) : Sessions.Unauthorized;
        }
        AccessToken? token = before is not null && _access.IsGood(before) ? before : _access.Verify(credential);
        if (token is null || Revocations.IsVoid(token.UserId, token.SessionId, token.Position)) return Sessions.Unauthorized;
        if (Revocations.IsVoid(token.ExpiresAt - (long)_options.AccessLifetime.TotalMicroseconds)) return Sessions.Unauthorized;
        known = token;
        return new Identified(token.Claims, token.Subject, token.SessionId, null);
    }

    /// <summary>Who presents a credential of others: a host's decoders, then other issuers; asked only where it is none of ours.</summary>
    public async ValueTask<Result<Identified>> ResolveExternalAsync(string credential, CancellationToken cancel)
    {
        if (_engine.Current.Schema.Auth is not { } auth) return Sessions.Unauthorized;
        try
        {
            if (await Decoders.VerifyAsync(credential, auth, cancel).ConfigureAwait(false) is { } decoded) return decoded;
            return await External.VerifyAsync(credential, auth, cancel).ConfigureAwait(false) is { } who ? who : Sessions.Unauthorized;
        }
        catch (RemoteException e)
        {
            _warn($"a credential of others: {e.Message}");
            return Faults.NotReady.Says("it cannot be told now whether the credentials are good") with { RetryAfterSeconds = 10 };
        }
    }

    /// <summary>Idempotent, as the server's own end is.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await Expiry.DisposeAsync().ConfigureAwait(false);
        await _office.DisposeAsync().ConfigureAwait(false);
        Revocations.Dispose();
        Keys.Dispose();
        _documents.Dispose();
        Hashes.Dispose();
    }

    /// <summary>The place in the log was lost: all that was looked up is looked up again.</summary>
    void Lost()
    {
        Keys.Reload();
        _access.Forget();
        ApiTokens.Forget();
    }

    void Changed(LogEvent happened)
    {
        if (happened.Model == PlatformRecords.SigningKey)
        {
            Keys.Reload();
            _access.Forget();
            return;
        }
        ApiTokens.Forget(happened);
        if (happened.Model == PlatformRecords.User) _kinds.Take(happened);
    }
}
