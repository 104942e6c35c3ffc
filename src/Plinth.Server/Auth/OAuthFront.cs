using System.Text;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Identity.Oidc;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>
/// <c>/auth/oauth</c>: sends browsers to identity providers and takes them back. Afterwards the browser is sent, with cookies, to one of
/// the pages that are allowed, or is answered tokens.
/// </summary>
sealed class OAuthFront(Identities identities, AuthReplies replies, IdentityOptions options, Cookies cookies, Limits limits)
{
    public ValueTask<Fault?> AnswerAsync(Exchange exchange) => exchange.Route.Endpoint switch
    {
        Endpoint.OAuthProviders => ProvidersAsync(exchange),
        Endpoint.OAuthStart => StartAsync(exchange),
        _ => EndAsync(exchange),
    };

    async ValueTask<Fault?> ProvidersAsync(Exchange exchange)
    {
        string names = string.Join(',', identities.OAuth.Names.Select(n => $"\"{n}\""));
        await replies.SendAsync(exchange, 200, Encoding.UTF8.GetBytes($"{{\"providers\":[{names}]}}"));
        return null;
    }

    async ValueTask<Fault?> StartAsync(Exchange exchange)
    {
        if (QueryString.Split(exchange.Target.Query, limits).Failed(out Fault? fault, out List<Parameter>? parameters)) return fault;
        foreach (Parameter parameter in parameters)
        {
            if (parameter.Name != "redirect")
                return Faults.UnknownParameter.Says($"there is no parameter '{Shown.Name(parameter.Name)}'", "redirect is one");
        }
        string? redirect = parameters.Count > 0 ? parameters[^1].Text : null;
        var started = await identities.OAuth.StartAsync(exchange.RawKey, redirect, exchange.Cancel);
        if (started.Failed(out fault, out OAuthStart? start)) return fault;
        cookies.SetOAuth(exchange, start.Cookie, start.PostsForm);
        exchange.ResponseHeaders.Location = start.Location;
        exchange.SendEmpty(302);
        return null;
    }

    async ValueTask<Fault?> EndAsync(Exchange exchange)
    {
        string? brought = cookies.OAuth(exchange);
        // One cookie, one way back: whatever comes of it, the next begins anew.
        cookies.ClearOAuth(exchange);
        var answer = await AnswerOfAsync(exchange);
        if (answer.Failed(out Fault? fault, out List<Parameter>? parameters)) return fault;
        string? Of(string name)
        {
            Parameter[] named = [.. parameters.Where(p => p.Name == name)];
            return named is [var one] ? one.Text : null;
        }
        var ended = await identities.OAuth.EndAsync(exchange.RawKey, Of, brought, AuthFront.ClientOf(exchange), exchange.Cancel);
        if (ended.Failed(out fault, out OAuthEnd? end)) return fault;
        if (end.Redirect is null) return await replies.PairAsync(exchange, 200, end.Pair, asCookie: false);
        cookies.Set(exchange, end.Pair, options.AccessLifetime, options.RefreshLifetime);
        exchange.ResponseHeaders.Location = end.Redirect;
        exchange.SendEmpty(302);
        return null;
    }

    /// <summary>What the provider sent along, in the address or as a form.</summary>
    async ValueTask<Result<List<Parameter>>> AnswerOfAsync(Exchange exchange)
    {
        if (exchange.Method != Method.Post) return QueryString.Split(exchange.Target.Query, limits);
        if (exchange.Headers.ContentType.ToString().Split(';')[0].Trim() != "application/x-www-form-urlencoded")
            return Faults.UnsupportedMediaType.Says("a provider posts a form", "application/x-www-form-urlencoded is taken");
        var body = await RequestBody.ReadAsync(exchange, Limits.AuthBodyBytes, "a bound of the sign-in routes", exchange.Cancel);
        return body.IsOk ? QueryString.Split(Encoding.UTF8.GetString(body.Value.Span), limits) : body.Fault;
    }
}
