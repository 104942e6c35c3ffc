using System.Collections.Immutable;
using Microsoft.Extensions.Primitives;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>
/// <c>/auth/*</c>: bytes → the identity's own operations → bytes. What is shown of users, sessions and keys is read through the engine as
/// their owner, so that rules hold here as everywhere. Answers are never to be stored on the way.
/// </summary>
sealed class AuthFront(Engine engine, Identities identities, IdentityOptions options, Cookies cookies, Limits limits)
{
    static readonly StringValues s_noStore = "no-store";

    readonly AuthReplies _replies = new(engine, identities, options, cookies);
    readonly OAuthFront _oauth = new(identities, new AuthReplies(engine, identities, options, cookies), options, cookies, limits);

    public ValueTask<Fault?> AnswerAsync(Exchange exchange)
    {
        exchange.ResponseHeaders.CacheControl = s_noStore;
        Result<bool> cbor = Negotiation.AnswerIsCbor(exchange.Headers.Accept);
        if (!cbor.IsOk) return new(cbor.Fault);
        exchange.AnswersCbor = cbor.Value;
        return exchange.Route.Endpoint switch
        {
            Endpoint.Jwks => JwksAsync(exchange),
            Endpoint.Register => RegisterAsync(exchange),
            Endpoint.Login => LoginAsync(exchange),
            Endpoint.Refresh => RefreshAsync(exchange),
            Endpoint.PasswordForgot => ForgotAsync(exchange),
            Endpoint.PasswordReset => ResetAsync(exchange),
            Endpoint.VerifyRequest => VerifyRequestAsync(exchange),
            Endpoint.VerifyConfirm => VerifyConfirmAsync(exchange),
            Endpoint.OAuthProviders or Endpoint.OAuthStart or Endpoint.OAuthCallback => _oauth.AnswerAsync(exchange),
            Endpoint.Me => _replies.RecordAsync(exchange, PlatformRecords.User, exchange.Caller.Subject ?? ""),
            Endpoint.Sessions => _replies.ListAsync(exchange, PlatformRecords.Session, "userId == auth.id && revokedAt == null"),
            Endpoint.Tokens when exchange.Method != Method.Post =>
                _replies.ListAsync(exchange, PlatformRecords.ApiToken, "userId == auth.id"),
            _ => OwnAsync(exchange),
        };
    }

    /// <summary>What only who signed in may do: a program's key changes no password and makes no other key.</summary>
    ValueTask<Fault?> OwnAsync(Exchange exchange)
    {
        if (exchange.Caller.IsAnonymous) return new(Faults.Unauthorized.Says($"{exchange.Route.Template} needs an identity"));
        if (exchange.Caller.SessionId is not { } session || !Guid.TryParse(exchange.Caller.Subject, out Guid user))
            return new(Faults.Forbidden.Says($"{exchange.Route.Template} is for who signed in, and these credentials have no session"));
        return exchange.Route.Endpoint switch
        {
            Endpoint.Logout => LogoutAsync(exchange, user, session),
            Endpoint.PasswordChange => PasswordChangeAsync(exchange, user, session),
            Endpoint.Session => EndSessionAsync(exchange, user),
            Endpoint.Tokens => CreateTokenAsync(exchange, user),
            Endpoint.Token => RevokeTokenAsync(exchange, user),
            Endpoint.TotpEnrol => TotpEnrolAsync(exchange, user),
            Endpoint.TotpConfirm or Endpoint.TotpRemove => TotpAsync(exchange, user),
            _ => throw new InvalidOperationException($"not a route of identities: {exchange.Route.Endpoint}"),
        };
    }

    async ValueTask<Fault?> JwksAsync(Exchange exchange)
    {
        exchange.ResponseHeaders.CacheControl = "public, max-age=300";
        Result<Identity.Tokens.TokenKey> current = await identities.Keys.CurrentAsync(exchange.Cancel);
        if (!current.IsOk) return current.Fault;
        ByteOutput body = exchange.Scratch;
        identities.Keys.WritePublic(body);
        await exchange.SendAsync(200, Negotiation.Json, body.WrittenMemory);
        return null;
    }

    async ValueTask<Fault?> RegisterAsync(Exchange exchange)
    {
        if (!options.MayRegister) return Faults.RegistrationClosed.Says("nobody can register here");
        var read = await AuthBody.ReadAsync(exchange, limits, "email", "password", "name", "profile", "cookie");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            Registration registration = new(body.Required("email"), body.Required("password"), body.Text("name"), body.Member("profile"));
            bool asCookie = body.Flag("cookie");
            if (body.Problem() is { } problem) return problem;
            var made = await identities.Accounts.RegisterAsync(registration, exchange.Cancel);
            if (made.Failed(out fault, out PlatformRow? user)) return fault;
            identities.Codes.Welcome(user);
            if (options.RequiresVerified)
            {
                await _replies.SendAsync(exchange, 201, "{\"verify\":true}"u8.ToArray());
                return null;
            }
            var pair = await identities.Accounts.OpenAsync(user.Id, "password", ClientOf(exchange), exchange.Cancel);
            return await _replies.PairAsync(exchange, 201, pair, asCookie);
        }
    }

    async ValueTask<Fault?> LoginAsync(Exchange exchange)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "email", "password", "code", "cookie");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            string email = body.Required("email"), password = body.Required("password");
            string? code = body.Text("code");
            bool asCookie = body.Flag("cookie");
            if (body.Problem() is { } problem) return problem;
            var pair = await identities.Accounts.SignInAsync(email, password, code, ClientOf(exchange), exchange.Cancel);
            return await _replies.PairAsync(exchange, 200, pair, asCookie);
        }
    }

    async ValueTask<Fault?> RefreshAsync(Exchange exchange)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "refreshToken");
        // The body is its token: one that is too large holds a bad one.
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault.Kind == Faults.BodyTooLarge ? Sessions.Unauthorized : fault;
        using (body)
        {
            string? token = body.Text("refreshToken");
            if (body.Problem() is { } problem) return problem;
            bool asCookie = token is null;
            token ??= cookies.Refresh(exchange);
            if (token is null) return Sessions.Unauthorized;
            if (asCookie && !Cookies.IsDoubled(exchange)) return Faults.CsrfRequired.Says("the page's token is missing",
                "send the value of the cookie plinth-csrf as X-CSRF-Token");
            var pair = await identities.Sessions.RefreshAsync(token, exchange.Cancel);
            if (!pair.IsOk && asCookie) cookies.Clear(exchange);
            return await _replies.PairAsync(exchange, 200, pair, asCookie);
        }
    }

    async ValueTask<Fault?> LogoutAsync(Exchange exchange, Guid user, Guid session)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "all");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            bool all = body.Flag("all");
            if (body.Problem() is { } problem) return problem;
            fault = all ? await identities.Sessions.RevokeAllAsync(user, "logout", exchange.Cancel)
                : await identities.Sessions.RevokeAsync(user, session, exchange.Cancel);
            if (fault is not null) return fault;
            if (cookies.Access(exchange) is not null) cookies.Clear(exchange);
            exchange.SendEmpty(204);
            return null;
        }
    }

    async ValueTask<Fault?> PasswordChangeAsync(Exchange exchange, Guid user, Guid session)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "current", "password");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            string current = body.Required("current"), wanted = body.Required("password");
            if (body.Problem() is { } problem) return problem;
            bool asCookie = exchange.Headers.Authorization.Count == 0;
            var pair = await identities.Accounts.ChangePasswordAsync(user, session, current, wanted, ClientOf(exchange), exchange.Cancel);
            return await _replies.PairAsync(exchange, 200, pair, asCookie);
        }
    }

    ValueTask<Fault?> ForgotAsync(Exchange exchange) => OrderAsync(exchange, identities.Codes.ForgotAsync);

    ValueTask<Fault?> VerifyRequestAsync(Exchange exchange) => OrderAsync(exchange, identities.Codes.AskAsync);

    async ValueTask<Fault?> OrderAsync(Exchange exchange, Func<string, Client, CancellationToken, ValueTask<Fault?>> order)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "email");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            string email = body.Required("email");
            if (body.Problem() is { } problem) return problem;
            if (await order(email, ClientOf(exchange), exchange.Cancel) is { } refused) return refused;
            exchange.SendEmpty(202);
            return null;
        }
    }

    async ValueTask<Fault?> ResetAsync(Exchange exchange)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "code", "password");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            string code = body.Required("code"), password = body.Required("password");
            if (body.Problem() is { } problem) return problem;
            return await DoneAsync(exchange, identities.Codes.ResetAsync(code, password, ClientOf(exchange), exchange.Cancel));
        }
    }

    async ValueTask<Fault?> VerifyConfirmAsync(Exchange exchange)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "code");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            string code = body.Required("code");
            if (body.Problem() is { } problem) return problem;
            return await DoneAsync(exchange, identities.Codes.VerifyAsync(code, exchange.Cancel));
        }
    }

    async ValueTask<Fault?> EndSessionAsync(Exchange exchange, Guid user)
    {
        if (!Guid.TryParse(exchange.RawKey, out Guid id)) return Faults.NotFound.Says("no such session");
        return await DoneAsync(exchange, identities.Sessions.RevokeAsync(user, id, exchange.Cancel));
    }

    async ValueTask<Fault?> RevokeTokenAsync(Exchange exchange, Guid user)
    {
        if (!Guid.TryParse(exchange.RawKey, out Guid id)) return Faults.NotFound.Says("no such token");
        return await DoneAsync(exchange, identities.ApiTokens.RevokeAsync(user, id, exchange.Cancel));
    }

    async ValueTask<Fault?> CreateTokenAsync(Exchange exchange, Guid user)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "name", "scopes", "expiresAt");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            string name = body.Required("name");
            ImmutableArray<string> scopes = body.Texts("scopes");
            long? expires = body.Time("expiresAt") is { } time
                ? (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond : null;
            if (body.Problem() is { } problem) return problem;
            var made = await identities.ApiTokens.CreateAsync(user, name, scopes, expires, exchange.Cancel);
            return made.IsOk ? await _replies.TokenAsync(exchange, made.Value.Text, made.Value.Id) : made.Fault;
        }
    }

    async ValueTask<Fault?> TotpEnrolAsync(Exchange exchange, Guid user)
    {
        if (identities.Accounts.Get(user, exchange.Cancel) is not { } row) return Sessions.Unauthorized;
        var enrolled = await identities.Factors.EnrolAsync(row, exchange.Cancel);
        if (enrolled.Failed(out Fault? fault, out Enrolment? enrolment)) return fault;
        await _replies.SendAsync(exchange, 201, AuthReplies.Write(enrolment));
        return null;
    }

    async ValueTask<Fault?> TotpAsync(Exchange exchange, Guid user)
    {
        var read = await AuthBody.ReadAsync(exchange, limits, "code");
        if (read.Failed(out Fault? fault, out AuthBody? body)) return fault;
        using (body)
        {
            string code = body.Required("code");
            if (body.Problem() is { } problem) return problem;
            // A code has six digits: whoever may guess often enough finds one.
            var begun = identities.Guards.Begin("totp", user.ToString(), exchange.Address, static () => false, exchange.Cancel);
            if (begun.Failed(out fault, out SignInGuards.Attempt? attempt)) return fault;
            using (attempt)
            {
                fault = exchange.Route.Endpoint == Endpoint.TotpConfirm
                    ? await identities.Factors.ConfirmAsync(user, code, exchange.Cancel)
                    : await identities.Factors.RemoveAsync(user, code, exchange.Cancel);
                if (fault?.Kind == Faults.InvalidCode) return await identities.Guards.FailedAsync(attempt, exchange.Cancel) ?? fault;
            }
            return await DoneAsync(exchange, new(fault));
        }
    }

    static async ValueTask<Fault?> DoneAsync(Exchange exchange, ValueTask<Fault?> done)
    {
        if (await done is { } fault) return fault;
        exchange.SendEmpty(204);
        return null;
    }

    internal static Client ClientOf(Exchange exchange) => new(exchange.Address, exchange.Headers.UserAgent.Count > 0
        ? exchange.Headers.UserAgent.ToString() : null);
}
