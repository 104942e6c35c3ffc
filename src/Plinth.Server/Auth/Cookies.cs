using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;
using Plinth.Http;
using Plinth.Identity;

namespace Plinth.Auth;

/// <summary>
/// The cookies of a browser: the access token (HttpOnly, for the whole site), the refresh token (HttpOnly, for its route alone, never
/// sent along from another site), and a token that pages read and send back as <c>X-CSRF-Token</c>, bound to the session. In production
/// they are <c>Secure</c> and carry the <c>__Host-</c> prefix, so that no neighbour domain can plant one.
/// </summary>
sealed class Cookies(bool isSecure, byte[] secret)
{
    public const string CsrfHeader = "X-CSRF-Token";

    const string Csrf = "plinth-csrf", RefreshPath = "/auth/refresh";

    readonly string _access = isSecure ? "__Host-plinth" : "plinth", _refresh = isSecure ? "__Secure-plinth-refresh" : "plinth-refresh";

    readonly string _oauth = isSecure ? "__Host-plinth-oauth" : "plinth-oauth";

    /// <summary>What a browser brings back from a provider.</summary>
    public string? OAuth(Exchange exchange) => Find(exchange.Headers.Cookie, _oauth);

    /// <param name="comesByPost">The provider posts a form: only a cookie for every site comes along with that.</param>
    public void SetOAuth(Exchange exchange, string value, bool comesByPost) =>
        Add(exchange, _oauth, value, "/", comesByPost && isSecure ? "None" : "Lax", TimeSpan.FromMinutes(10), isHidden: true);

    public void ClearOAuth(Exchange exchange) => Add(exchange, _oauth, "", "/", "Lax", TimeSpan.Zero, isHidden: true);

    public string? Access(Exchange exchange) => Find(exchange.Headers.Cookie, _access);

    public string? Refresh(Exchange exchange) => Find(exchange.Headers.Cookie, _refresh);

    /// <summary>The request was made by a page that could read our cookie: of no other site.</summary>
    public bool IsProved(Exchange exchange, Guid sessionId) => AreEqual(exchange.Headers[CsrfHeader], Proof(sessionId));

    /// <summary>The same before the session is known: what the page sends is what its cookie says.</summary>
    public static bool IsDoubled(Exchange exchange) =>
        Find(exchange.Headers.Cookie, Csrf) is { Length: > 0 } cookie && AreEqual(exchange.Headers[CsrfHeader], cookie);

    /// <summary>What a page of this session sends with its writes.</summary>
    public string Proof(Guid sessionId) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(secret, sessionId.ToByteArray(bigEndian: true)).AsSpan(0, 18));

    public void Set(Exchange exchange, TokenPair pair, TimeSpan access, TimeSpan refresh)
    {
        Add(exchange, _access, pair.Access, "/", "Lax", access, isHidden: true);
        Add(exchange, _refresh, pair.Refresh, RefreshPath, "Strict", refresh, isHidden: true);
        Add(exchange, Csrf, Proof(pair.SessionId), "/", "Lax", refresh, isHidden: false);
    }

    public void Clear(Exchange exchange)
    {
        Add(exchange, _access, "", "/", "Lax", TimeSpan.Zero, isHidden: true);
        Add(exchange, _refresh, "", RefreshPath, "Strict", TimeSpan.Zero, isHidden: true);
        Add(exchange, Csrf, "", "/", "Lax", TimeSpan.Zero, isHidden: false);
    }

    void Add(Exchange exchange, string name, string value, string path, string sameSite, TimeSpan age, bool isHidden)
    {
        string cookie = string.Create(CultureInfo.InvariantCulture,
            $"{name}={value}; Path={path}; Max-Age={(long)age.TotalSeconds}; SameSite={sameSite}{(isSecure ? "; Secure" : "")}"
            + $"{(isHidden ? "; HttpOnly" : "")}");
        exchange.ResponseHeaders.SetCookie = StringValues.Concat(exchange.ResponseHeaders.SetCookie, cookie);
    }

    /// <summary>The value of the first cookie of this name.</summary>
    static string? Find(StringValues headers, string name)
    {
        foreach (string? header in headers)
        {
            ReadOnlySpan<char> rest = header;
            while (!rest.IsEmpty)
            {
                int end = rest.IndexOf(';');
                ReadOnlySpan<char> pair = (end < 0 ? rest : rest[..end]).Trim();
                rest = end < 0 ? default : rest[(end + 1)..];
                if (pair.Length > name.Length && pair[name.Length] == '=' && pair.StartsWith(name, StringComparison.Ordinal))
                    return pair[(name.Length + 1)..].ToString();
            }
        }
        return null;
    }

    static bool AreEqual(StringValues sent, string expected) => sent is [{ } text] && CryptographicOperations.FixedTimeEquals(
        System.Text.Encoding.UTF8.GetBytes(text), System.Text.Encoding.UTF8.GetBytes(expected));
}
