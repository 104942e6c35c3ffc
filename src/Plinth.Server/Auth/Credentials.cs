using Plinth.Http;
using Plinth.Identity;
using Plinth.Identity.Tokens;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>
/// From the headers of a request to its caller: <c>Authorization: Bearer</c> first, then the cookie of a browser. A credential that is
/// there and not good is 401, whatever else came with it; a write that is known by its cookie alone must prove that a page of ours
/// sent it.
/// </summary>
sealed class Credentials(Identities identities, Cookies cookies)
{
    const string Scheme = "Bearer ";

    public ValueTask<Fault?> IdentifyAsync(Exchange exchange)
    {
        var authorization = exchange.Headers.Authorization;
        if (authorization.Count > 0)
        {
            if (authorization is not [{ } header] || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
                return new(Sessions.Unauthorized);
            Fault? refused = Take(exchange, header, header.AsSpan(Scheme.Length).Trim());
            return refused?.Kind == Faults.Unauthorized && identities.TakesOthers
                ? TakeExternalAsync(exchange, header[Scheme.Length..].Trim()) : new(refused);
        }
        if (!identities.HasUsers || exchange.Headers.Cookie.Count == 0) return default;
        if (cookies.Access(exchange) is not { } cookie) return default;
        if (Take(exchange, null, cookie) is { } fault) return new(fault);
        bool isSafe = exchange.Method is Method.Get or Method.Head or Method.Query or Method.Options;
        bool isProved = isSafe || (exchange.Caller.SessionId is { } session && cookies.IsProved(exchange, session));
        return isProved ? default : new(Faults.CsrfRequired.Says("the write is known by a cookie and carries no X-CSRF-Token",
            "send the value of the cookie plinth-csrf as X-CSRF-Token"));
    }

    /// <summary>The credential that a request came with, for connections that outlive it; null when it had none.</summary>
    public string? CredentialOf(Exchange exchange)
    {
        if (exchange.Headers.Authorization is [{ } header]) return header[Math.Min(header.Length, Scheme.Length)..].Trim();
        return identities.HasUsers ? cookies.Access(exchange) : null;
    }

    /// <summary>Who presents a credential apart from a request, or again later.</summary>
    /// <param name="credential">An access token, ours or of an issuer that is trusted, or the key of a program.</param>
    /// <param name="address">Of the client.</param>
    /// <param name="cancel">The client has gone.</param>
    public async ValueTask<Result<Caller>> ResolveAsync(string credential, string address, CancellationToken cancel)
    {
        Result<Identified> resolved = identities.Resolve(credential, cancel);
        if (resolved.Fault?.Kind == Faults.Unauthorized && identities.TakesOthers)
            resolved = await identities.ResolveExternalAsync(credential, cancel);
        return resolved.IsOk ? Caller(resolved.Value, address, "GET") : resolved.Fault;
    }

    /// <summary>
    /// The same of a connection that is open: others are not asked more often than it takes to hear from them within a second.
    /// </summary>
    /// <returns>Null while the log cannot be read: that is told soon, and no change reaches this node meanwhile either.</returns>
    public async ValueTask<Result<Caller?>> RecheckAsync(ShownCredential shown, string address, CancellationToken cancel)
    {
        AccessToken? token = shown.Known as AccessToken;
        Result<Identified> resolved = identities.Resolve(shown.Text, ref token, cancel);
        shown.Known = token;
        if (resolved.Fault?.Kind == Faults.NotReady) return (Caller?)null;
        if (resolved.Fault?.Kind == Faults.Unauthorized && identities.TakesOthers)
            resolved = await identities.Rechecks.AskAsync(shown.Text, cancel);
        return resolved.IsOk ? Caller(resolved.Value, address, "GET") : resolved.Fault;
    }

    /// <param name="exchange">The request.</param>
    /// <param name="header">
    /// What the credential is a part of. The server gives a connection's header as the same object while it stays the same text.
    /// </param>
    /// <param name="credential">A token or a key.</param>
    Fault? Take(Exchange exchange, string? header, ReadOnlySpan<char> credential)
    {
        Known? known = exchange.KnownCredential as Known;
        AccessToken? token = known is not null && ReferenceEquals(known.Header, header) ? known.Token : null;
        AccessToken? before = token;
        var resolved = identities.Resolve(credential, ref token, exchange.Cancel);
        if (!ReferenceEquals(token, before)) exchange.KnownCredential = header is null || token is null ? null : new Known(header, token);
        if (!resolved.IsOk) return resolved.Fault;
        exchange.Caller = Caller(resolved.Value, exchange);
        return null;
    }

    sealed record Known(string Header, AccessToken Token);

    async ValueTask<Fault?> TakeExternalAsync(Exchange exchange, string credential)
    {
        var resolved = await identities.ResolveExternalAsync(credential, exchange.Cancel);
        if (!resolved.IsOk) return resolved.Fault;
        exchange.Caller = Caller(resolved.Value, exchange);
        return null;
    }

    public static Caller Caller(in Identified identified, Exchange exchange) => Caller(identified, exchange.Address, exchange.MethodName);

    static Caller Caller(in Identified identified, string address, string method) =>
        new(identified.Claims, identified.Subject, isSystem: false, address, method)
        {
            SessionId = identified.SessionId,
            Scopes = identified.Scopes,
        };
}
