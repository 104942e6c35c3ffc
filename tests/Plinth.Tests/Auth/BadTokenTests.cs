using System.Buffers.Text;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Identity;
using Plinth.Identity.Tokens;
using Plinth.Rest;

namespace Plinth.Auth;

/// <summary>
/// Every way in which a token can be wrong, each by its name: 401, the standard header, and a body that is the same for all of them, so
/// that nothing tells which check failed. Nobody is ever taken for anonymous instead.
/// </summary>
public sealed class BadTokenTests(BadTokens bad) : IClassFixture<BadTokens>
{
    const string Standard = "{\"type\":\"/errors/unauthorized\",\"title\":\"Sign in first\",\"status\":401,\"code\":\"unauthorized\","
        + "\"message\":\"the credentials are not valid\",\"details\":[]}";

    public static TheoryData<string> Access { get; } = [.. BadTokens.AccessNames];

    public static TheoryData<string> Refresh { get; } = [.. BadTokens.RefreshNames];

    [Theory]
    [MemberData(nameof(Access))]
    public async Task As_an_access_token_it_is_refused_like_every_other(string what)
    {
        // A list that anybody may read, one that nobody may, a batch, and a description.
        foreach (var (method, path) in new[]
        {
            ("GET", "/api/publics"), ("GET", "/auth/me"), ("POST", "/api/batch"), ("GET", "/openapi.json"),
        })
        {
            Reply reply = await bad.Server.Client.SendAsync(method, path, method == "POST" ? """{"operations":[]}""" : null,
                "Authorization: Bearer " + bad.Access[what]);
            AssertRefused(what, reply, "Bearer error=\"invalid_token\"");
        }
        Assert.Equal(200, (await bad.Server.Client.SendAsync("GET", "/api/publics", null, bad.Good.Bearer)).Status);
    }

    /// <summary>Refused before all of it was sent, so it is read for the answer while it is sent.</summary>
    [Fact]
    public async Task A_megabyte_is_refused_like_every_other()
    {
        using TcpClient tcp = new();
        await tcp.ConnectAsync(bad.Server.Server.Url.Host, bad.Server.Server.Url.Port);
        NetworkStream stream = tcp.GetStream();
        Task sending = SendAsync(
            "GET /api/publics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + new string('a', 1 << 20) + "\r\n\r\n");
        using StreamReader reader = new(stream, Encoding.ASCII);
        Assert.Equal("HTTP/1.1 401 Unauthorized", await reader.ReadLineAsync());
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadLineAsync() is { Length: > 0 } header) headers[header.Split(": ")[0]] = header.Split(": ")[1];
        Assert.Equal("Bearer error=\"invalid_token\"", headers["WWW-Authenticate"]);
        char[] body = new char[int.Parse(headers["Content-Length"], CultureInfo.InvariantCulture)];
        Assert.Equal(body.Length, await reader.ReadBlockAsync(body));
        AssertStandard(new string(body));
        tcp.Close();
        await sending;

        async Task SendAsync(string request)
        {
            try
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The server has heard enough, or the answer is there.
            }
        }
    }

    [Theory]
    [MemberData(nameof(Refresh))]
    public async Task As_a_refresh_token_it_is_refused_like_every_other(string what)
    {
        string body = AuthServer.Json(("refreshToken", bad.Refresh[what]));
        AssertRefused(what, await bad.Server.Client.SendAsync("POST", "/auth/refresh", body), "Bearer");
    }

    [Fact]
    public void Every_name_has_its_token_and_every_token_its_name()
    {
        Assert.Equal(BadTokens.AccessNames.Order(StringComparer.Ordinal), bad.Access.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(BadTokens.RefreshNames.Order(StringComparer.Ordinal), bad.Refresh.Keys.Order(StringComparer.Ordinal));
    }

    static void AssertRefused(string what, Reply reply, string challenge)
    {
        Assert.True(reply.Status == 401, $"{what}: {reply.Status} {reply.Body}");
        Assert.Equal(challenge, reply.Header("WWW-Authenticate"));
        AssertStandard(reply.Body);
    }

    static void AssertStandard(string problem)
    {
        JsonObject body = JsonNode.Parse(problem)!.AsObject(); // it is one
        body.Remove("traceId");
        body.Remove("requestId");
        Assert.Equal(Standard, body.ToJsonString());
    }
}

/// <summary>One server, and everything that is wrong for it.</summary>
public sealed class BadTokens : IAsyncLifetime
{
    public static readonly string[] AccessNames =
    [
        "alg none", "alg None", "alg empty", "wrong key under the id of the right one", "key confusion", "unknown key", "expired",
        "not good yet", "issued in the future", "no expiry", "an expiry that is no number", "a huge expiry", "wrong audience",
        "several audiences", "wrong issuer", "no session", "a claim of the wrong type", "a role that is none", "no role", "typ JWT",
        "typ of a refresh token", "a changed payload", "truncated", "without a signature", "two parts", "four parts", "padded",
        "a critical header", "a key in the header", "a name twice", "refresh token as access token", "noise", "dots", "nothing",
        "a key of a program that never was", "longer than any", "revoked session", "session of a replayed refresh token",
        "of a role that changed", "of a password that changed", "of a disabled user", "of a deleted user", "for a schema of before",
    ];

    public static readonly string[] RefreshNames =
    [
        "replayed", "of a revoked session", "of a disabled user", "invented", "truncated", "access token as refresh token", "noise",
        "nothing", "longer than any", "a megabyte",
    ];

    internal AuthServer Server { get; private set; } = null!; // set before any test runs

    internal SignedIn Good { get; private set; } = null!; // likewise

    internal Dictionary<string, string> Access { get; } = new(StringComparer.Ordinal);

    internal Dictionary<string, string> Refresh { get; } = new(StringComparer.Ordinal);

    public async Task InitializeAsync()
    {
        Server = await AuthServer.OpenAsync();
        Good = await Server.SomeoneAsync();
        await using Identities identities = new(Server.Engine, Server.Options, Server.Mail, _ => { });
        Make(identities, (await identities.Keys.CurrentAsync(default)).Value, Payload(Good.Access));
        await EndAsync();
    }

    public async Task DisposeAsync() => await Server.DisposeAsync();

    /// <summary>What was good once.</summary>
    async Task EndAsync()
    {
        SignedIn root = await Server.SomeoneAsync("root@example.org", "admin");
        async Task<SignedIn> EndedAsync(string name, string method, string path, string? body, bool byHimself = false)
        {
            SignedIn one = await Server.SomeoneAsync(name + "@example.org");
            Reply reply = await Server.Client.SendAsync(method, path + (path.EndsWith('/') ? one.UserId : ""), body,
                byHimself ? one.Bearer : root.Bearer);
            Assert.InRange(reply.Status, 200, 204);
            return one;
        }
        SignedIn revoked = await EndedAsync("a", "POST", "/auth/logout", null, byHimself: true);
        (Access["revoked session"], Refresh["of a revoked session"]) = (revoked.Access, revoked.Refresh);
        Access["of a role that changed"] = (await EndedAsync("b", "PATCH", "/api/users/", """{"role":"editor"}""")).Access;
        Access["of a password that changed"] = (await EndedAsync("c", "POST", "/auth/password/change",
            AuthServer.Json(("current", AuthServer.Password), ("password", "another long password")), byHimself: true)).Access;
        SignedIn disabled = await EndedAsync("d", "PATCH", "/api/users/", """{"disabled":true}""");
        (Access["of a disabled user"], Refresh["of a disabled user"]) = (disabled.Access, disabled.Refresh);
        Access["of a deleted user"] = (await EndedAsync("e", "DELETE", "/api/users/", null)).Access;
        SignedIn first = await Server.SomeoneAsync("f@example.org");
        string body = AuthServer.Json(("refreshToken", first.Refresh));
        SignedIn second = SignedIn.Of(await Server.Client.SendAsync("POST", "/auth/refresh", body));
        Assert.Equal(401, (await Server.Client.SendAsync("POST", "/auth/refresh", body)).Status);
        (Access["session of a replayed refresh token"], Refresh["replayed"]) = (second.Access, first.Refresh);
        Refresh["invented"] = new RefreshTokens(new byte[32]).Make(Guid.Parse(Good.SessionId), 0).Text;
        Refresh["truncated"] = Good.Refresh[..^1];
        Refresh["access token as refresh token"] = Good.Access;
        (Refresh["noise"], Refresh["nothing"]) = ("abc", "");
        (Refresh["longer than any"], Refresh["a megabyte"]) = (new string('a', 15_000), new string('a', 1 << 20));
    }

    void Make(Identities identities, TokenKey ours, JsonObject claims)
    {
        long now = claims["iat"]!.GetValue<long>();
        using TokenKey foreign = TokenKey.Create(ours.Id, TokenAlgorithm.ES256), unknown = TokenKey.Create("nobody", TokenAlgorithm.ES256);
        (string What, string Name, JsonNode? Value)[] changed =
        [
            ("expired", "exp", now - 1), ("not good yet", "nbf", now + 3600), ("issued in the future", "iat", now + 3600),
            ("no expiry", "exp", null), ("an expiry that is no number", "exp", "tomorrow"), ("a huge expiry", "exp", 1e300),
            ("wrong audience", "aud", "others"), ("several audiences", "aud", new JsonArray("plinth", "others")),
            ("wrong issuer", "iss", "others"), ("no session", "sid", null),
            ("a claim of the wrong type", "claims", new JsonObject { ["id"] = 7, ["role"] = "admin" }),
            ("a role that is none", "claims", new JsonObject { ["id"] = Good.UserId, ["role"] = "king" }),
            ("no role", "claims", new JsonObject { ["id"] = Good.UserId }),
            ("for a schema of before", "claims", new JsonObject { ["user"] = Good.UserId }),
        ];
        foreach (var (what, name, value) in changed) Access[what] = Signed(ours, With(claims, name, value));
        foreach (string none in new[] { "none", "None" }) Access["alg " + none] = Unsigned(none, claims);
        Access["alg empty"] = Unsigned("", claims);
        Access["wrong key under the id of the right one"] = Signed(foreign, claims);
        Access["key confusion"] = Confused(identities, ours.Id, claims);
        Access["unknown key"] = Signed(unknown, claims);
        Access["typ JWT"] = JsonWebToken.Write(ours, "JWT", Encoding.UTF8.GetBytes(claims.ToJsonString()));
        Access["typ of a refresh token"] = JsonWebToken.Write(ours, "rt+jwt", Encoding.UTF8.GetBytes(claims.ToJsonString()));
        Access["a changed payload"] = Changed(
            Good.Access, With(claims, "claims", new JsonObject { ["id"] = Good.UserId, ["role"] = "admin" }));
        string good = Good.Access;
        (Access["truncated"], Access["without a signature"]) = (good[..^1], good[..(good.LastIndexOf('.') + 1)]);
        (Access["two parts"], Access["four parts"], Access["padded"]) = (good[..good.LastIndexOf('.')], good + ".e30", good + "=");
        Access["a critical header"] = Header(ours, """{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":["x"]}""");
        Access["a key in the header"] = Header(ours, """{"alg":"ES256","typ":"at+jwt","kid":"KID","jwk":{"kty":"EC"}}""");
        Access["a name twice"] = Header(ours, """{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"KID"}""");
        Access["refresh token as access token"] = Good.Refresh;
        (Access["noise"], Access["dots"], Access["nothing"]) = ("abc", "..", "");
        Access["a key of a program that never was"] = TokenText.Write(TokenText.ApiToken, new byte[40]);
        Access["longer than any"] = new string('a', 20_000);
    }

    internal static JsonObject Payload(string token) => Part(token, 1);

    static JsonObject Part(string token, int part) => JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[part]))!.AsObject();

    internal static JsonObject With(JsonObject claims, string name, JsonNode? value)
    {
        JsonObject changed = claims.DeepClone().AsObject();
        if (value is null) changed.Remove(name);
        else changed[name] = value;
        return changed;
    }

    static string Signed(TokenKey key, JsonObject claims) =>
        JsonWebToken.Write(key, AccessTokens.Type, Encoding.UTF8.GetBytes(claims.ToJsonString()));

    static string Unsigned(string algorithm, JsonObject claims) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"alg":"{{algorithm}}","typ":"at+jwt","kid":"x"}""")) + "."
        + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString())) + ".";

    /// <summary>HS256 with what everybody can read at jwks.json, under the id of the real key.</summary>
    static string Confused(Identities identities, string id, JsonObject claims)
    {
        using Text.ByteOutput jwks = new();
        identities.Keys.WritePublic(jwks);
        JsonNode key = JsonNode.Parse(jwks.Written.ToArray())!["keys"]![0]!;
        byte[] point = [4, .. Base64Url.DecodeFromChars(key["x"]!.GetValue<string>()),
            .. Base64Url.DecodeFromChars(key["y"]!.GetValue<string>())];
        using TokenKey shared = TokenKey.Open(id, TokenAlgorithm.HS256, point);
        return Signed(shared, claims);
    }

    internal static string Changed(string token, JsonObject claims)
    {
        string[] parts = token.Split('.');
        return parts[0] + "." + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString())) + "." + parts[2];
    }

    static string Header(TokenKey key, string header)
    {
        string signed = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header.Replace("KID", key.Id, StringComparison.Ordinal))) + ".e30";
        return signed + "." + Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(signed)));
    }
}
