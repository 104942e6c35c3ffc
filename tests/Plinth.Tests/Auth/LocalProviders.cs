using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Identity.Tokens;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>A person as a provider knows them.</summary>
/// <param name="Id">The provider's own name of the person, in the form that it has.</param>
/// <param name="Email">The address that it tells; null tells none.</param>
/// <param name="IsProved">It says that the address was proved.</param>
/// <param name="Name">As it is shown.</param>
sealed record Person(string Id, string? Email, bool IsProved, string? Name = "Ann Other")
{
    /// <summary>Microsoft's tenant.</summary>
    public string Tenant { get; init; } = "11111111-2222-3333-4444-555555555555";
}

/// <summary>
/// Google, GitHub, Microsoft, Okta, Apple and Discord on one port of this machine, each as it behaves according to its documentation:
/// its addresses, its form of a user, what it checks of a client and how it says no. What the product sends to their hosts arrives here,
/// with the host it was meant for in the first part of the path.
/// </summary>
sealed partial class LocalProviders : IDisposable
{
    public const string ClientId = "the-client", ClientSecret = "the-secret-of-the-client", TeamId = "TEAM123456",
        AppleKeyId = "KEY1234567";

    readonly HttpListener _listener = new();
    readonly string _url;
    readonly Dictionary<string, Grant> _codes = new(StringComparer.Ordinal), _tokens = new(StringComparer.Ordinal);
    readonly ECDsa _apple = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    int _count;

    public LocalProviders()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        _url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/");
        probe.Stop();
        _listener.Prefixes.Add(_url);
        _listener.Start();
        _ = ServeAsync();
    }

    sealed record Grant(string Host, string Callback, string Challenge, string? Nonce, string Scope, Person Person);

    /// <summary>Who sits at the browser.</summary>
    public Person Person { get; set; } = new("1001", "ann@example.org", true);

    /// <summary>Changes what a token says before it is signed.</summary>
    public Action<JsonObject>? Tamper { get; set; }

    /// <summary>Signs in place of the provider's key.</summary>
    public TokenKey? Forger { get; set; }

    /// <summary>Tokens say of a person no more than who it is; the rest is at the user-info address.</summary>
    public bool IsThin { get; set; }

    /// <summary>What was asked of the hosts, in order: method, host and path.</summary>
    public List<string> Asked { get; } = [];

    public TokenKey Key { get; } = TokenKey.Create("provider-key", TokenAlgorithm.RS256);

    /// <summary>The developer's key at Apple, as its file.</summary>
    public string ApplePem => _apple.ExportPkcs8PrivateKeyPem();

    /// <summary>The way to them in place of the way to the world.</summary>
    public HttpMessageHandler Way() =>
        new Detour(_url) { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false } };

    /// <summary>What a browser does with an address of a provider: gives the answer that carries it back.</summary>
    public async Task<HttpResponseMessage> BrowseAsync(string location)
    {
        using HttpClient browser = new(Way());
        return await browser.GetAsync(location);
    }

    public void Dispose()
    {
        _listener.Close();
        _apple.Dispose();
        Key.Dispose();
    }

    async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                Answer answer;
                try
                {
                    string body = await new StreamReader(context.Request.InputStream).ReadToEndAsync();
                    answer = Of(context.Request, body);
                }
                catch (Exception e)
                {
                    answer = new(500, e.ToString());
                }
                context.Response.StatusCode = answer.Status;
                context.Response.ContentType = answer.Type;
                if (answer.Location is { } location) context.Response.Headers["Location"] = location;
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer.Body));
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed with the test.
        }
    }

    sealed record Answer(int Status, string Body, string Type = "application/json", string? Location = null);

    Answer Of(HttpListenerRequest request, string body)
    {
        string[] parts = request.Url!.AbsolutePath[1..].Split('/', 2);
        string host = parts[0], path = "/" + parts[1];
        lock (Asked) Asked.Add($"{request.HttpMethod} {host}{path}");
        return (host, path) switch
        {
            ("accounts.google.com", "/.well-known/openid-configuration") => Discovery("https://accounts.google.com",
                "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token",
                "https://www.googleapis.com/oauth2/v3/certs", "https://openidconnect.googleapis.com/v1/userinfo"),
            ("login.microsoftonline.com", _) when path.EndsWith("/v2.0/.well-known/openid-configuration", StringComparison.Ordinal) =>
                Microsoft(path.Split('/')[1]),
            ("appleid.apple.com", "/.well-known/openid-configuration") => Discovery("https://appleid.apple.com",
                "https://appleid.apple.com/auth/authorize", "https://appleid.apple.com/auth/token",
                "https://appleid.apple.com/auth/keys", null),
            ("example.okta.com", "/oauth2/default/.well-known/openid-configuration") => Discovery(
                "https://example.okta.com/oauth2/default", "https://example.okta.com/oauth2/default/v1/authorize",
                "https://example.okta.com/oauth2/default/v1/token", "https://example.okta.com/oauth2/default/v1/keys",
                "https://example.okta.com/oauth2/default/v1/userinfo"),
            ("www.googleapis.com", "/oauth2/v3/certs") or ("login.microsoftonline.com", "/common/discovery/v2.0/keys")
                or ("appleid.apple.com", "/auth/keys") or ("example.okta.com", "/oauth2/default/v1/keys") => Keys(),
            ("accounts.google.com", "/o/oauth2/v2/auth") or ("login.microsoftonline.com", "/common/oauth2/v2.0/authorize")
                or ("appleid.apple.com", "/auth/authorize") or ("example.okta.com", "/oauth2/default/v1/authorize")
                or ("github.com", "/login/oauth/authorize") or ("discord.com", "/oauth2/authorize") => Authorize(host, request),
            ("oauth2.googleapis.com", "/token") or ("login.microsoftonline.com", "/common/oauth2/v2.0/token")
                or ("appleid.apple.com", "/auth/token") or ("example.okta.com", "/oauth2/default/v1/token")
                or ("github.com", "/login/oauth/access_token") or ("discord.com", "/api/oauth2/token") => Token(host, request, body),
            ("openidconnect.googleapis.com", "/v1/userinfo") or ("example.okta.com", "/oauth2/default/v1/userinfo")
                or ("graph.microsoft.com", "/oidc/userinfo") or ("api.github.com", "/user") or ("api.github.com", "/user/emails")
                or ("discord.com", "/api/users/@me") => User(host + path, request),
            _ => new(404, $"nothing at {host}{path}"),
        };
    }

    static Answer Discovery(string issuer, string authorize, string token, string keys, string? user)
    {
        JsonObject document = new()
        {
            ["issuer"] = issuer, ["authorization_endpoint"] = authorize, ["token_endpoint"] = token, ["jwks_uri"] = keys,
        };
        if (user is not null) document["userinfo_endpoint"] = user;
        return new(200, document.ToJsonString());
    }

    /// <summary>For several tenants the issuer is a template; consumers are one tenant, of a number that everybody knows.</summary>
    static Answer Microsoft(string tenant) => Discovery(
        tenant switch
        {
            "common" or "organizations" => "https://login.microsoftonline.com/{tenantid}/v2.0",
            "consumers" => "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
            _ => $"https://login.microsoftonline.com/{tenant}/v2.0",
        },
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize", "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://login.microsoftonline.com/common/discovery/v2.0/keys", "https://graph.microsoft.com/oidc/userinfo");

    Answer Keys()
    {
        using ByteOutput json = new();
        json.Write("{\"keys\":[{\"use\":\"sig\""u8);
        TokenKey.Member(json, "kid", Key.Id);
        Key.TryWritePublic(json);
        json.Write("}]}"u8);
        return new(200, Encoding.UTF8.GetString(json.Written));
    }

    /// <summary>The person agrees at once; what of the request is wrong is a page of the provider, as at all of them.</summary>
    Answer Authorize(string host, HttpListenerRequest request)
    {
        string? Of(string name) => request.QueryString[name];
        string callback = Of("redirect_uri") ?? "";
        string name = host switch
        {
            "accounts.google.com" => "google", "login.microsoftonline.com" => "microsoft", "appleid.apple.com" => "apple",
            "example.okta.com" => "okta", "github.com" => "github", _ => "discord",
        };
        if (Of("client_id") != ClientId || Of("response_type") != "code") return new(400, "invalid_client");
        if (callback != $"{ProviderPresetTests.PublicUrl}/auth/oauth/{name}/callback") return new(400, "redirect_uri_mismatch");
        if (Of("code_challenge_method") != "S256" || Of("code_challenge") is not { Length: 43 } challenge) return new(400, "no PKCE");
        if (Of("state") is not { Length: > 20 } state) return new(400, "no state");
        string[] scopes = (Of("scope") ?? "").Split(' ');
        string needed = name switch { "github" => "user:email", "discord" => "email", _ => "openid" };
        if (!scopes.Contains(needed)) return new(400, "invalid_scope");
        if (name == "apple" && Of("response_mode") != "form_post") return new(400, "response_mode must be form_post with these scopes");
        string code = $"provider-code-{Interlocked.Increment(ref _count)}";
        lock (_codes) _codes[code] = new(host, callback, challenge, Of("nonce"), Of("scope")!, Person);
        if (name == "apple") return ApplePage(callback, code, state);
        string from = name == "google" ? "&iss=https%3A%2F%2Faccounts.google.com" : "";
        return new(302, "", Location: $"{callback}?code={code}&state={Uri.EscapeDataString(state)}{from}");
    }

    /// <summary>A page that posts itself; the name comes with it, unsigned.</summary>
    Answer ApplePage(string callback, string code, string state)
    {
        string[] names = (Person.Name ?? "").Split(' ', 2);
        JsonObject name = new() { ["firstName"] = names[0], ["lastName"] = names[^1] };
        JsonObject user = new() { ["name"] = name, ["email"] = Person.Email };
        string Input(string name, string value) => $"<input type=\"hidden\" name=\"{name}\" value=\"{WebUtility.HtmlEncode(value)}\">";
        return new(200, $"<form method=\"post\" action=\"{callback}\">{Input("state", state)}{Input("code", code)}"
            + $"{Input("user", user.ToJsonString())}</form>", "text/html");
    }

    Answer Token(string host, HttpListenerRequest request, string body)
    {
        Dictionary<string, string> form = body.Split('&').Select(p => p.Split('=', 2))
            .ToDictionary(p => p[0], p => WebUtility.UrlDecode(p[1]), StringComparer.Ordinal);
        bool isGitHub = host == "github.com";
        // GitHub says no with 200, and answers a form to who does not ask for JSON.
        Answer Refused(string why) => isGitHub ? new(200, $$"""{"error":"bad_verification_code","error_description":"{{why}}"}""")
            : new(host == "discord.com" ? 401 : 400, $$"""{"error":"invalid_grant","error_description":"{{why}}"}""");
        if (isGitHub && request.Headers["Accept"]?.Contains("json", StringComparison.Ordinal) != true)
            return new(200, "access_token=x&token_type=bearer", "application/x-www-form-urlencoded");
        if (form.GetValueOrDefault("grant_type") != "authorization_code") return Refused("grant_type");
        Grant? grant;
        lock (_codes) _ = _codes.Remove(form.GetValueOrDefault("code", ""), out grant);
        if (grant is null) return Refused("the code was used, or never was one");
        if (form.GetValueOrDefault("redirect_uri") != grant.Callback) return Refused("redirect_uri");
        string challenge = System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(
            form.GetValueOrDefault("code_verifier", ""))));
        if (challenge != grant.Challenge) return Refused("code_verifier");
        string secret = form.GetValueOrDefault("client_secret", "");
        bool isClient = form.GetValueOrDefault("client_id") == ClientId
            && (host == "appleid.apple.com" ? IsOfApple(secret) : secret == ClientSecret);
        if (!isClient) return new(401, """{"error":"invalid_client"}""");
        string access = $"provider-access-{Interlocked.Increment(ref _count)}";
        lock (_codes) _tokens[access] = grant;
        JsonObject answer = new() { ["access_token"] = access, ["token_type"] = "Bearer", ["scope"] = grant.Scope };
        if (host is not ("github.com" or "discord.com")) answer["id_token"] = IdToken(host, grant);
        return new(200, answer.ToJsonString());
    }
}
