using Plinth.Http;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>Browsers: cookies that no script reads, and writes that only a page of ours can make.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class CookieTests
{
    [Fact]
    public async Task A_browser_signs_in_reads_writes_refreshes_and_signs_out()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        Reply login = await LoginAsync(server);
        Assert.DoesNotContain("accessToken", login.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("refreshToken", login.Body, StringComparison.Ordinal);
        (string cookies, string csrf) = Cookies(login);
        Assert.Equal(csrf, login.Json.GetProperty("csrfToken").GetString());
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, "Cookie: " + cookies)).Status);
        Reply bare = await server.Client.SendAsync("POST", "/api/notes", """{"text":"x"}""", "Cookie: " + cookies);
        Assert.Equal((403, "csrf_required"), (bare.Status, bare.Code));
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/api/notes", """{"text":"x"}""", "Cookie: " + cookies,
            "X-CSRF-Token: x")).Status);
        Assert.Equal(201, (await server.Client.SendAsync("POST", "/api/notes", """{"text":"x"}""", "Cookie: " + cookies,
            "X-CSRF-Token: " + csrf)).Status);
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/auth/refresh", null, "Cookie: " + cookies)).Status);
        Reply refreshed = await server.Client.SendAsync("POST", "/auth/refresh", null, "Cookie: " + cookies, "X-CSRF-Token: " + csrf);
        Assert.True(refreshed.Status == 200, refreshed.Body);
        (cookies, csrf) = Cookies(refreshed);
        Reply logout = await server.Client.SendAsync("POST", "/auth/logout", null, "Cookie: " + cookies, "X-CSRF-Token: " + csrf);
        Assert.Equal(204, logout.Status);
        Assert.Equal(3, logout.Headers.GetValues("Set-Cookie").Count(c => c.Contains("Max-Age=0", StringComparison.Ordinal)));
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/publics", null, "Cookie: " + cookies)).Status);
    }

    [Fact]
    public async Task The_proof_of_one_session_is_none_for_another()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        (string mine, _) = Cookies(await LoginAsync(server));
        (_, string other) = Cookies(await LoginAsync(server));
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/api/notes", """{"text":"x"}""", "Cookie: " + mine,
            "X-CSRF-Token: " + other)).Status);
    }

    [Fact]
    public async Task In_production_cookies_are_for_this_host_over_TLS_and_no_script_reads_the_tokens()
    {
        await using AuthServer server = await AuthServer.OpenAsync(server: o => o with { Mode = ServerMode.Serve });
        await server.UserAsync("ann@example.org");
        string[] cookies = [.. (await LoginAsync(server)).Headers.GetValues("Set-Cookie")];
        Assert.Equal(3, cookies.Length);
        string access = Assert.Single(cookies, c => c.StartsWith("__Host-plinth=", StringComparison.Ordinal));
        string refresh = Assert.Single(cookies, c => c.StartsWith("__Secure-plinth-refresh=", StringComparison.Ordinal));
        string csrf = Assert.Single(cookies, c => c.StartsWith("plinth-csrf=", StringComparison.Ordinal));
        foreach (string part in new[] { "Path=/;", "SameSite=Lax", "Secure", "HttpOnly" }) Assert.Contains(part, access,
            StringComparison.Ordinal);
        foreach (string part in new[] { "Path=/auth/refresh", "SameSite=Strict", "Secure", "HttpOnly" })
            Assert.Contains(part, refresh, StringComparison.Ordinal);
        Assert.DoesNotContain("HttpOnly", csrf, StringComparison.Ordinal);
        Assert.All(cookies, c => Assert.DoesNotContain("Domain", c, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bearer_token_needs_no_proof_and_is_stronger_than_a_cookie()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn bob = await server.SomeoneAsync("bob@example.org");
        await server.UserAsync("ann@example.org");
        (string cookies, _) = Cookies(await LoginAsync(server));
        Reply me = await server.Client.SendAsync("GET", "/auth/me", null, "Cookie: " + cookies, bob.Bearer);
        Assert.Equal("bob@example.org", me.Json.GetProperty("email").GetString());
        Assert.Equal(201, (await server.Client.SendAsync("POST", "/api/notes", """{"text":"x"}""", "Cookie: " + cookies,
            bob.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, "Cookie: " + cookies, "Authorization: Bearer x")).Status);
    }

    static Task<Reply> LoginAsync(AuthServer server) => server.Client.SendAsync("POST", "/auth/login",
        AuthServer.Json(("email", "ann@example.org"), ("password", AuthServer.Password), ("cookie", true)));

    static (string Cookies, string Csrf) Cookies(Reply reply)
    {
        string[] pairs = [.. reply.Headers.GetValues("Set-Cookie").Select(c => c.Split(';')[0])];
        return (string.Join("; ", pairs), pairs.Single(p => p.StartsWith("plinth-csrf=",
            StringComparison.Ordinal))["plinth-csrf=".Length..]);
    }
}
