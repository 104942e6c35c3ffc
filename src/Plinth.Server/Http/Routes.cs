using System.Collections.Frozen;
using System.Globalization;
using Plinth.Schema;

namespace Plinth.Http;

/// <summary>Which of the routes a path leads to.</summary>
enum Endpoint
{
    None,
    Home,
    Live,
    Ready,
    Metrics,
    Followers,
    FollowerResume,
    FollowerSkip,
    Projections,
    Version,
    OpenApi,
    Docs,
    SchemaJson,
    Error,
    Batch,
    Realtime,
    Ticket,
    Public,
    Collection,
    Query,
    Aggregate,
    Item,
    Restore,
    History,
    Revert,
    Erase,
    AuditLogs,
    AuditActivity,
    AuditEntity,
    AuditReads,
    AuditStatistics,
    Jwks,
    Register,
    Login,
    Refresh,
    Logout,
    Me,
    PasswordChange,
    PasswordForgot,
    PasswordReset,
    VerifyRequest,
    VerifyConfirm,
    Sessions,
    Session,
    Tokens,
    Token,
    TotpEnrol,
    TotpConfirm,
    TotpRemove,
    OAuthProviders,
    OAuthStart,
    OAuthCallback,
}

/// <summary>A route of one kind: what logs and metrics call it, and the methods it takes.</summary>
sealed record Route(Endpoint Endpoint, string Template, Method Methods, ModelRoutes? Owner = null)
{
    /// <summary>The value of the <c>Allow</c> header.</summary>
    public string Allow { get; } = Http.Methods.Allow(Methods);

    /// <summary>Routes that never ask who calls: health, and pages without anything of the schema in them.</summary>
    public bool IgnoresIdentity => Endpoint is Endpoint.None or Endpoint.Home or Endpoint.Live or Endpoint.Ready or Endpoint.Metrics
        or Endpoint.Followers or Endpoint.FollowerResume or Endpoint.FollowerSkip or Endpoint.Projections
        or Endpoint.Version or Endpoint.Error or Endpoint.Jwks or Endpoint.Register or Endpoint.Login
        or Endpoint.Refresh or Endpoint.PasswordForgot or Endpoint.PasswordReset or Endpoint.VerifyRequest or Endpoint.VerifyConfirm
        or Endpoint.OAuthProviders or Endpoint.OAuthStart or Endpoint.OAuthCallback or Endpoint.Public;
}

/// <summary>The routes of one model, with everything about them that does not change between requests.</summary>
sealed class ModelRoutes
{
    public ModelRoutes(Model model)
    {
        Model = model;
        Prefix = "/api/" + model.Route + "/";
        string one = Prefix + "{" + string.Join(",", model.Key) + "}";
        Collection = new(Endpoint.Collection, "/api/" + model.Route,
            Method.Read | Method.Query | Method.Post | Method.Patch | Method.Delete, this);
        Query = new(Endpoint.Query, Prefix + "query", Method.Post | Method.Options, this);
        Aggregate = new(Endpoint.Aggregate, Prefix + "aggregate", Method.Read, this);
        Item = new(Endpoint.Item, one, Method.Read | Method.Put | Method.Patch | Method.Delete, this);
        Restore = new(Endpoint.Restore, one + "/restore", Method.Post | Method.Options, this);
        History = new(Endpoint.History, one + "/history", Method.Read, this);
        Revert = new(Endpoint.Revert, one + "/revert", Method.Post | Method.Options, this);
        Erase = new(Endpoint.Erase, one + "/erase", Method.Post | Method.Options, this);
    }

    public Model Model { get; }

    /// <summary><c>/api/contacts/</c></summary>
    public string Prefix { get; }

    public Route Collection { get; }

    public Route Query { get; }

    public Route Aggregate { get; }

    public Route Item { get; }

    public Route Restore { get; }

    public Route History { get; }

    public Route Revert { get; }

    public Route Erase { get; }

    /// <summary>The path of one record, as <c>Location</c> names it.</summary>
    public string PathOf(ReadOnlySpan<string> key)
    {
        if (key.Length == 1) return Prefix + PercentText.EncodePart(key[0]);
        string[] parts = new string[key.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = PercentText.EncodePart(key[i]);
        return Prefix + string.Join(',', parts);
    }
}

/// <summary>A matched route with the raw text of its key, where it has one.</summary>
readonly ref struct RouteMatch(Route route, ReadOnlySpan<char> rawKey = default)
{
    public Route Route { get; } = route;

    public ReadOnlySpan<char> RawKey { get; } = rawKey;
}

/// <summary>All routes of one schema. Immutable; made again when the schema is swapped.</summary>
sealed class RouteTable
{
    public static readonly Route Unknown = new(Endpoint.None, "", Method.None);

    static readonly FrozenDictionary<string, Route> s_fixed = new Route[]
    {
        new(Endpoint.Home, "/", Method.Read),
        new(Endpoint.Live, "/livez", Method.Read),
        new(Endpoint.Ready, "/readyz", Method.Read),
        new(Endpoint.Ready, "/healthz", Method.Read),
        new(Endpoint.Metrics, "/metrics", Method.Read),
        new(Endpoint.Followers, "/followers", Method.Read),
        new(Endpoint.Projections, "/projections", Method.Read),
        new(Endpoint.Version, "/version", Method.Read),
        new(Endpoint.OpenApi, "/openapi.json", Method.Read),
        new(Endpoint.Docs, "/docs", Method.Read),
        new(Endpoint.SchemaJson, "/schema.json", Method.Read),
        new(Endpoint.Error, "/errors", Method.Read),
        new(Endpoint.Batch, "/api/batch", Method.Post | Method.Options),
        new(Endpoint.Realtime, "/realtime", Method.Get | Method.Options),
        new(Endpoint.Ticket, "/realtime/ticket", Method.Post | Method.Options),
        new(Endpoint.AuditLogs, "/audit/logs", Method.Read),
        new(Endpoint.AuditReads, "/audit/reads", Method.Read),
        new(Endpoint.AuditStatistics, "/audit/statistics", Method.Read),
    }.ToFrozenDictionary(r => r.Template, StringComparer.Ordinal);

    /// <summary>Where the schema has users.</summary>
    static readonly FrozenDictionary<string, Route> s_auth = new Route[]
    {
        new(Endpoint.Jwks, "/.well-known/jwks.json", Method.Read),
        new(Endpoint.Register, "/auth/register", Method.Post | Method.Options),
        new(Endpoint.Login, "/auth/login", Method.Post | Method.Options),
        new(Endpoint.Refresh, "/auth/refresh", Method.Post | Method.Options),
        new(Endpoint.Logout, "/auth/logout", Method.Post | Method.Options),
        new(Endpoint.Me, "/auth/me", Method.Read),
        new(Endpoint.PasswordChange, "/auth/password/change", Method.Post | Method.Options),
        new(Endpoint.PasswordForgot, "/auth/password/forgot", Method.Post | Method.Options),
        new(Endpoint.PasswordReset, "/auth/password/reset", Method.Post | Method.Options),
        new(Endpoint.VerifyRequest, "/auth/verify/request", Method.Post | Method.Options),
        new(Endpoint.VerifyConfirm, "/auth/verify/confirm", Method.Post | Method.Options),
        new(Endpoint.Sessions, "/auth/sessions", Method.Read),
        new(Endpoint.Tokens, "/auth/tokens", Method.Read | Method.Post),
        new(Endpoint.OAuthProviders, "/auth/oauth", Method.Read),
        new(Endpoint.TotpEnrol, "/auth/totp/enrol", Method.Post | Method.Options),
        new(Endpoint.TotpConfirm, "/auth/totp/confirm", Method.Post | Method.Options),
        new(Endpoint.TotpRemove, "/auth/totp/remove", Method.Post | Method.Options),
    }.ToFrozenDictionary(r => r.Template, StringComparer.Ordinal);

    static readonly Route s_session = new(Endpoint.Session, "/auth/sessions/{id}", Method.Delete | Method.Options);
    static readonly Route s_token = new(Endpoint.Token, "/auth/tokens/{id}", Method.Delete | Method.Options);

    static readonly Route s_start = new(Endpoint.OAuthStart, "/auth/oauth/{provider}", Method.Read);
    static readonly Route s_callback = new(Endpoint.OAuthCallback, "/auth/oauth/{provider}/callback", Method.Read | Method.Post);

    static readonly Route s_activity = new(Endpoint.AuditActivity, "/audit/user/{id}/activity", Method.Read);
    static readonly Route s_entity = new(Endpoint.AuditEntity, "/audit/entity/{model}/{id}", Method.Read);

    static readonly Route s_resume = new(Endpoint.FollowerResume, "/followers/{name}/resume", Method.Post | Method.Options);
    static readonly Route s_skip = new(Endpoint.FollowerSkip, "/followers/{name}/skip", Method.Post | Method.Options);

    static readonly Route s_error = new(Endpoint.Error, "/errors/{code}", Method.Read);

    readonly FrozenDictionary<string, ModelRoutes> _byRoute;
    readonly FrozenDictionary<string, ModelRoutes>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    readonly PublicFiles? _files;

    /// <param name="schema">Whose models have routes.</param>
    /// <param name="files">Pages beside them.</param>
    public RouteTable(AppSchema schema, PublicFiles? files = null)
    {
        (Schema, _files) = (schema, files);
        _byRoute = schema.Models.ToFrozenDictionary(m => m.Route, m => new ModelRoutes(m), StringComparer.Ordinal);
        _bySpan = _byRoute.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public AppSchema Schema { get; }

    public ModelRoutes Of(Model model) => _byRoute[model.Route];

    public RouteMatch Match(ReadOnlySpan<char> path)
    {
        if (path.StartsWith("/api/", StringComparison.Ordinal))
        {
            ReadOnlySpan<char> rest = path[5..];
            int slash = rest.IndexOf('/');
            ReadOnlySpan<char> name = slash < 0 ? rest : rest[..slash];
            if (TryFind(name, out ModelRoutes? model)) return slash < 0 ? new(model.Collection) : Below(model, rest[(slash + 1)..]);
        }
        else if (path.StartsWith("/errors/", StringComparison.Ordinal) && path.Length > 8 && path[8..].IndexOf('/') < 0)
        {
            return new(s_error, path[8..]);
        }
        else if (path.StartsWith("/followers/", StringComparison.Ordinal)
            && MatchFollower(path[11..]) is { Route.Endpoint: not Endpoint.None } follower)
        {
            return follower;
        }
        else if (path.StartsWith("/audit/", StringComparison.Ordinal)
            && MatchAudit(path[7..]) is { Route.Endpoint: not Endpoint.None } audit)
        {
            return audit;
        }
        else if (Schema.HasUsers && MatchAuth(path) is { Route.Endpoint: not Endpoint.None } auth)
        {
            return auth;
        }
        var lookup = s_fixed.GetAlternateLookup<ReadOnlySpan<char>>();
        // The page of a development server gives way to one of the application's own.
        if (lookup.TryGetValue(path, out Route? route) && (route.Endpoint != Endpoint.Home || _files?.Has(path) != true)) return new(route);
        return new(_files?.Has(path) == true ? PublicFiles.Route : Unknown);
    }

    static RouteMatch MatchFollower(ReadOnlySpan<char> rest)
    {
        int slash = rest.IndexOf('/');
        if (slash <= 0) return new(Unknown);
        return rest[(slash + 1)..] switch
        {
            "resume" => new(s_resume, rest[..slash]),
            "skip" => new(s_skip, rest[..slash]),
            _ => new(Unknown),
        };
    }

    static RouteMatch MatchAudit(ReadOnlySpan<char> rest)
    {
        int slash = rest.IndexOf('/');
        if (slash < 0) return new(Unknown);
        ReadOnlySpan<char> behind = rest[(slash + 1)..];
        int next = behind.IndexOf('/');
        if (next <= 0 || next == behind.Length - 1 || behind[(next + 1)..].Contains('/')) return new(Unknown);
        return rest[..slash] switch
        {
            "user" when behind[next..] is "/activity" => new(s_activity, behind[..next]),
            "entity" => new(s_entity, behind),
            _ => new(Unknown),
        };
    }

    static RouteMatch MatchAuth(ReadOnlySpan<char> path)
    {
        if (s_auth.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(path, out Route? route)) return new(route);
        foreach (Route one in (ReadOnlySpan<Route>)[s_session, s_token, s_callback, s_start])
        {
            ReadOnlySpan<char> template = one.Template;
            ReadOnlySpan<char> prefix = template[..template.IndexOf('{')], suffix = template[(template.IndexOf('}') + 1)..];
            if (!path.StartsWith(prefix) || !path.EndsWith(suffix) || path.Length <= prefix.Length + suffix.Length) continue;
            ReadOnlySpan<char> key = path[prefix.Length..^suffix.Length];
            if (key.IndexOf('/') < 0) return new(one, key);
        }
        return new(Unknown);
    }

    /// <summary>Every route there is, for who must not forget one.</summary>
    public IEnumerable<Route> All()
    {
        IEnumerable<Route> routes = [.. s_fixed.Values, s_activity, s_entity, s_error, s_resume, s_skip];
        if (Schema.HasUsers) routes = routes.Concat(s_auth.Values).Append(s_session).Append(s_token).Append(s_start).Append(s_callback);
        return routes.Concat(_byRoute.Values.SelectMany(
            m => new[] { m.Collection, m.Query, m.Aggregate, m.Item, m.Restore, m.History, m.Revert, m.Erase }));
    }

    static RouteMatch Below(ModelRoutes model, ReadOnlySpan<char> rest)
    {
        int slash = rest.IndexOf('/');
        ReadOnlySpan<char> key = slash < 0 ? rest : rest[..slash];
        if (key.IsEmpty) return new(Unknown);
        if (slash >= 0)
        {
            return rest[(slash + 1)..] switch
            {
                "restore" => new(model.Restore, key),
                "history" => new(model.History, key),
                "revert" => new(model.Revert, key),
                "erase" => new(model.Erase, key),
                _ => new(Unknown),
            };
        }
        return key switch
        {
            "query" => new(model.Query),
            "aggregate" => new(model.Aggregate),
            _ => new(model.Item, key),
        };
    }

    bool TryFind(ReadOnlySpan<char> raw, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ModelRoutes? model)
    {
        if (_bySpan.TryGetValue(raw, out model)) return true;
        // "/api/cont%61cts" is the same resource (RFC 3986, 6.2.2.2), but no one writes it: only then is anything decoded.
        return raw.IndexOf('%') >= 0 && PercentText.TryDecode(raw, plusIsSpace: false, out string text)
            && _byRoute.TryGetValue(text, out model);
    }

    /// <summary>The path nearest to one that leads nowhere, for the hint of the 404.</summary>
    public string? Nearest(ReadOnlySpan<char> path)
    {
        if (!path.StartsWith("/api/", StringComparison.Ordinal)) return null;
        string name = path[5..].ToString();
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0) name = name[..slash];
        string? near = Text.Names.Nearest(name, Schema.Models.Select(m => m.Route))
            ?? Schema.Models.FirstOrDefault(m => string.Equals(m.Name, name, StringComparison.OrdinalIgnoreCase))?.Route;
        return near is null ? null : string.Create(CultureInfo.InvariantCulture, $"did you mean /api/{near}?");
    }
}
