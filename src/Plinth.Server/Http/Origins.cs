using System.Collections.Frozen;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// Which pages may call. Two questions with one list of origins: whether the browser may show an answer to a page (CORS), and, in
/// development, whether a request is taken at all: there a page of some web site could otherwise reach a server that trusts whoever
/// sits at this machine, by its origin or, through DNS rebinding, by a host name of its own.
/// </summary>
sealed class Origins
{
    static readonly StringValues s_exposed = string.Join(
        ", ", "ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id",
        "Plinth-Position", "Idempotency-Replayed", "Preference-Applied", "Server-Timing");

    static readonly StringValues s_requestHeaders = string.Join(
        ", ", "Accept", "Authorization", "Content-Type", "If-Match", "If-None-Match",
        "Idempotency-Key", "Plinth-Max-Staleness", "Plinth-Min-Position", "Prefer", "X-Request-Id", "traceparent", "tracestate");

    readonly FrozenSet<string> _allowed;
    readonly FrozenSet<string> _hosts;
    readonly bool _any;
    readonly bool _credentials;
    readonly bool _dev;

    public Origins(ServerOptions options)
    {
        _allowed = options.CorsOrigins.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _hosts = options.AllowedHosts.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        _any = _allowed.Contains("*");
        _credentials = options.CorsCredentials;
        _dev = options.Mode == ServerMode.Dev;
    }

    /// <summary>Answers differ by Origin, so caches must know.</summary>
    public bool Varies => _dev || _allowed.Count > 0;

    /// <summary>The refusal of a request that a development server must not take; null in production, which asks for identity
    /// instead.</summary>
    public Fault? Refuse(IHeaderDictionary headers)
    {
        if (!_dev) return null;
        string host = headers.Host.ToString();
        if (!IsLocalHost(HostPart(host)))
        {
            return Faults.Forbidden.Says($"this development server does not answer to the host '{Shown.Name(HostPart(host))}'",
                hint: "use localhost or an address, or allow the name with the setting dev.allowedHosts");
        }
        if (headers.Origin.Count == 0) return null;
        string origin = headers.Origin.ToString();
        return IsSame(origin, host) || Allows(origin)
            ? null
            : Faults.Forbidden.Says($"this development server takes no requests from pages of '{Shown.Name(origin)}'",
                hint: "allow the origin with the setting cors.origins");
    }

    /// <summary>
    /// The refusal of a page of another site that opens a connection: for those browsers ask nobody before, and send cookies along.
    /// </summary>
    public Fault? RefusePage(IHeaderDictionary headers)
    {
        if (headers.Origin.Count == 0) return null;
        string origin = headers.Origin.ToString();
        return IsSame(origin, headers.Host.ToString()) || Allows(origin)
            ? null
            : Faults.Forbidden.Says($"pages of '{Shown.Name(origin)}' may not open connections here",
                hint: "allow the origin with the setting cors.origins");
    }

    /// <summary>The CORS headers of an answer to a page of another origin.</summary>
    public void Annotate(IHeaderDictionary request, IHeaderDictionary response)
    {
        if (request.Origin.Count != 1 || !Allows(request.Origin.ToString())) return;
        response.AccessControlAllowOrigin = _any ? "*" : request.Origin;
        response.AccessControlExposeHeaders = s_exposed;
        if (_credentials) response.AccessControlAllowCredentials = "true";
    }

    /// <summary>The further headers of a preflight's answer.</summary>
    public void AnnotatePreflight(IHeaderDictionary request, IHeaderDictionary response, string methods)
    {
        if (request.AccessControlRequestMethod.Count == 0 || response.AccessControlAllowOrigin.Count == 0) return;
        response.AccessControlAllowMethods = methods;
        response.AccessControlAllowHeaders = s_requestHeaders;
        response.AccessControlMaxAge = "600";
        response.Remove("Access-Control-Expose-Headers");
    }

    bool Allows(string origin) =>
        _any || _allowed.Contains(origin) || (_dev && Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
            && uri.Scheme is "http" or "https" && IsLoopback(uri.IdnHost));

    bool IsSame(string origin, string host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"
        && string.Equals(uri.Authority, host, StringComparison.OrdinalIgnoreCase);

    // An address in Host cannot have been rebound: rebinding needs a name of the attacker's.
    bool IsLocalHost(string host) => host.Length > 0
        && (IsLoopback(host) || IPAddress.TryParse(host.Trim('[', ']'), out _) || _hosts.Contains(host));

    static bool IsLoopback(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address));

    static string HostPart(string host)
    {
        if (host.StartsWith('[')) return host.IndexOf(']', StringComparison.Ordinal) is > 0 and var close ? host[..(close + 1)] : host;
        int colon = host.LastIndexOf(':');
        return colon < 0 ? host : host[..colon];
    }
}
