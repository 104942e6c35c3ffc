using System.Collections.Immutable;
using Plinth.Identity.Hashing;
using Plinth.Identity.Oidc;
using Plinth.Identity.Tokens;

namespace Plinth.Identity;

/// <summary>Everything about signing in that is set from outside; made by the composition root from checked settings.</summary>
sealed record IdentityOptions
{
    /// <summary>Who gives out the access tokens: their claim <c>iss</c>. <c>auth.issuer</c></summary>
    public string Issuer { get; init; } = "plinth";

    /// <summary>For whom: their claim <c>aud</c>. <c>auth.audience</c></summary>
    public string Audience { get; init; } = "plinth";

    /// <summary>How they are signed. <c>auth.algorithm</c></summary>
    public TokenAlgorithm Algorithm { get; init; } = TokenAlgorithm.ES256;

    /// <summary>How long an access token is good for. <c>auth.accessMinutes</c></summary>
    public TimeSpan AccessLifetime { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a session may rest before it ends. <c>auth.refreshDays</c></summary>
    public TimeSpan RefreshLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long a key signs before the next one does. <c>auth.keyDays</c></summary>
    public TimeSpan KeyLifetime { get; init; } = TimeSpan.FromDays(90);

    /// <summary>Anyone may make an account. <c>auth.register</c></summary>
    public bool MayRegister { get; init; }

    /// <summary>The role of those who register; null leaves the schema's default. <c>auth.registerRole</c></summary>
    public string? RegisterRole { get; init; }

    /// <summary>The tenant of those who register: <c>none</c>, <c>own</c> (the user's own id), or a fixed one.
    /// <c>auth.registerTenant</c></summary>
    public string RegisterTenant { get; init; } = "none";

    /// <summary>Only those who proved their address can sign in. <c>auth.requireVerified</c></summary>
    public bool RequiresVerified { get; init; }

    public Argon2Cost PasswordCost { get; init; } = Argon2Cost.Default;

    /// <summary>Characters of a password. <c>password.length</c></summary>
    public int PasswordLength { get; init; } = 10;

    public BreachedPasswords? Breached { get; init; }

    /// <summary>Failed sign-ins to one account from one address before that address waits. <c>auth.attempts</c></summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Failed sign-ins from one address, to whatever accounts. <c>auth.attemptsPerAddress</c></summary>
    public int AttemptsPerAddress { get; init; } = 50;

    /// <summary>
    /// Failed sign-ins to one account from anywhere; then only addresses that signed in to it before may try.
    /// <c>auth.attemptsPerAccount</c>
    /// </summary>
    public int AttemptsPerAccount { get; init; } = 100;

    /// <summary>For how long failures count, and how long who is blocked waits. <c>auth.attemptMinutes</c></summary>
    public TimeSpan AttemptWindow { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a code that was sent by mail is good for. <c>auth.codeMinutes</c></summary>
    public TimeSpan CodeLifetime { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The page that takes a code to reset a password, with <c>{code}</c> in it; empty: the letter holds the code.
    /// <c>mail.resetUrl</c></summary>
    public string ResetUrl { get; init; } = "";

    /// <summary>The page that takes a code to verify an address, likewise. <c>mail.verifyUrl</c></summary>
    public string VerifyUrl { get; init; } = "";

    /// <summary>Where people reach this server, for links in mails and redirects; without a slash at the end.
    /// <c>auth.publicUrl</c></summary>
    public string PublicUrl { get; init; } = "";

    /// <summary>Issuers whose tokens are taken besides ours. <c>issuers.*</c></summary>
    public ExternalOptions External { get; init; } = new([], "", []);

    /// <summary>Readers of credentials that a host brings.</summary>
    public ImmutableArray<TokenDecoder> Decoders { get; init; } = [];

    /// <summary>Identity providers that people may sign in by. <c>oauth.*</c></summary>
    public OAuthOptions OAuth { get; init; } = new([], "", [], MayRegister: false, Role: null);

    /// <summary>The way to other issuers and providers; null goes there directly.</summary>
    public Func<HttpMessageHandler>? Outgoing { get; init; }

    /// <summary>Verified tokens kept in memory, of each kind, so that a signature is checked once per token and not once per request.
    /// <c>limits.tokens</c></summary>
    public int TokensKept { get; init; } = 10_000;

    /// <summary>How old the last confirmed reading of a shared log may be before a token is no longer taken on trust.</summary>
    public TimeSpan LogAgeMax { get; init; } = TimeSpan.FromMilliseconds(750);
}
