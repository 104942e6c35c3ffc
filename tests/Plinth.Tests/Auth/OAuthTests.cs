using Plinth.Identity.Oidc;
using Plinth.Rest;

namespace Plinth.Auth;

/// <summary>Signing in by another provider, against a real one.</summary>
public sealed class OAuthTests
{
    const string PublicUrl = "http://localhost:4747", Callback = PublicUrl + "/auth/oauth/oidc/callback",
        Page = "https://app.example.org/in";

    [Fact]
    public async Task Who_signs_in_by_a_provider_gets_an_account_and_comes_back_to_it()
    {
        await using OidcProvider provider = await OidcProvider.StartAsync(Callback);
        await using AuthServer server = await OpenAsync(provider.Issuer);
        Reply providers = await server.Client.SendAsync("GET", "/auth/oauth");
        Assert.Equal("oidc", providers.Json.GetProperty("providers")[0].GetString());
        Reply first = await SignInAsync(server, "ann");
        Assert.True(first.Status == 200, first.Body);
        SignedIn ann = SignedIn.Of(first);
        Reply me = await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer);
        Assert.Equal(("ann@example.org", true, "Person ann"), (me.Json.GetProperty("email").GetString(),
            me.Json.GetProperty("emailVerified").GetBoolean(), me.Json.GetProperty("name").GetString()));
        Assert.Equal(ann.UserId, SignedIn.Of(await SignInAsync(server, "ann")).UserId);
        Reply sessions = await server.Client.SendAsync("GET", "/auth/sessions", null, ann.Bearer);
        Assert.Equal("oidc", sessions.Json.GetProperty("items")[0].GetProperty("method").GetString());
        // Nobody signs in to it with a password that was never set.
        Assert.Equal(401, (await server.Client.SendAsync("POST", "/auth/login", AuthServer.Json(("email", "ann@example.org"),
            ("password", "")))).Status);
    }

    [Fact]
    public async Task An_account_is_linked_only_where_both_sides_proved_the_address()
    {
        await using OidcProvider provider = await OidcProvider.StartAsync(Callback);
        await using AuthServer server = await OpenAsync(provider.Issuer);
        Guid ann = await server.UserAsync("ann@example.org");
        Assert.Equal(ann.ToString(), SignedIn.Of(await SignInAsync(server, "ann")).UserId);
        Guid bob = await server.UserAsync("bob@example.org");
        Reply unproved = await SignInAsync(server, "unproved-bob");
        Assert.Equal((409, "conflict"), (unproved.Status, unproved.Code));
        // Who registered an address that is not his does not get its owner's sign-ins.
        Assert.Equal(201, (await server.Client.SendAsync("POST", "/auth/register",
            AuthServer.Json(("email", "eve@example.org"), ("password", AuthServer.Password)))).Status);
        Assert.Equal(409, (await SignInAsync(server, "eve")).Status);
        Assert.NotEqual(ann, bob);
    }

    [Fact]
    public async Task A_disabled_user_does_not_come_in_by_a_provider_and_nobody_registers_where_that_is_off()
    {
        await using OidcProvider provider = await OidcProvider.StartAsync(Callback);
        await using AuthServer server = await OpenAsync(provider.Issuer, mayRegister: false);
        Assert.Equal((403, "registration_closed"), Of(await SignInAsync(server, "stranger")));
        SignedIn admin = await server.SomeoneAsync("root@example.org", "admin");
        Guid ann = await server.UserAsync("ann@example.org");
        Assert.Equal(200, (await SignInAsync(server, "ann")).Status);
        await server.Client.SendAsync("PATCH", $"/api/users/{ann}", """{"disabled":true}""", admin.Bearer);
        Assert.Equal((401, "invalid_credentials"), Of(await SignInAsync(server, "ann")));
    }

    [Fact]
    public async Task A_callback_counts_once_and_in_the_browser_that_began()
    {
        await using OidcProvider provider = await OidcProvider.StartAsync(Callback);
        await using AuthServer server = await OpenAsync(provider.Issuer);
        (string location, string cookie) = await StartAsync(server);
        Assert.Contains("code_challenge_method=S256", location, StringComparison.Ordinal);
        (string _, string another) = await StartAsync(server);
        string back = new Uri(await OidcProvider.SignInAsync(location, "ann")).PathAndQuery;
        Assert.Equal((422, "invalid_code"), Of(await server.Client.SendAsync("GET", back)));
        Assert.Equal((422, "invalid_code"), Of(await server.Client.SendAsync("GET", back, null, "Cookie: " + another)));
        Assert.Equal((422, "invalid_code"), Of(await server.Client.SendAsync("GET", back, null, "Cookie: " + cookie[..^3] + "abc")));
        Assert.Equal((422, "invalid_code"), Of(await server.Client.SendAsync("GET", back.Replace("state=", "state=x",
            StringComparison.Ordinal),
            null, "Cookie: " + cookie)));
        string other = back.Replace("/oidc/", "/github/", StringComparison.Ordinal);
        Assert.Equal(404, (await server.Client.SendAsync("GET", other, null, "Cookie: " + cookie)).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", back, null, "Cookie: " + cookie)).Status);
        Assert.Equal((401, "invalid_credentials"), Of(await server.Client.SendAsync("GET", back, null, "Cookie: " + cookie)));
        (location, cookie) = await StartAsync(server);
        back = new Uri(await OidcProvider.SignInAsync(location, "ann")).PathAndQuery;
        server.Clock.By = TimeSpan.FromMinutes(11);
        Assert.Equal((422, "invalid_code"), Of(await server.Client.SendAsync("GET", back, null, "Cookie: " + cookie)));
    }

    [Fact]
    public async Task A_browser_is_sent_to_pages_that_are_allowed_exactly()
    {
        await using OidcProvider provider = await OidcProvider.StartAsync(Callback);
        await using AuthServer server = await OpenAsync(provider.Issuer);
        foreach (string page in new[] { "https://evil.example", Page + "/", Page + "?x=1", "https://app.example.org.evil.example/in",
            "//evil", "/in" })
            Assert.Equal(422, (await server.Client.SendAsync("GET", "/auth/oauth/oidc?redirect=" + Uri.EscapeDataString(page))).Status);
        (string location, string cookie) = await StartAsync(server, "?redirect=" + Uri.EscapeDataString(Page));
        Reply end = await server.Client.SendAsync("GET", new Uri(await OidcProvider.SignInAsync(location, "ann")).PathAndQuery, null,
            "Cookie: " + cookie);
        Assert.Equal((302, Page), (end.Status, end.Header("Location")));
        Assert.Contains(end.Headers.GetValues("Set-Cookie"), c => c.StartsWith("plinth=", StringComparison.Ordinal));
        Assert.Equal(404, (await server.Client.SendAsync("GET", "/auth/oauth/nobody")).Status);
        Assert.Equal(400, (await server.Client.SendAsync("GET", "/auth/oauth/oidc?to=x")).Status);
    }

    [Fact]
    public async Task A_provider_that_is_away_is_503()
    {
        await using AuthServer server = await OpenAsync("http://127.0.0.1:9");
        Reply away = await server.Client.SendAsync("GET", "/auth/oauth/oidc");
        Assert.Equal((503, "not_ready"), Of(away));
    }

    [Theory]
    [InlineData("google", "https://accounts.google.com")]
    [InlineData("github", null)]
    [InlineData("microsoft", "https://login.microsoftonline.com/{tenantid}/v2.0")]
    [InlineData("okta", "https://example.okta.com")]
    [InlineData("apple", "https://appleid.apple.com")]
    [InlineData("discord", null)]
    [InlineData("oidc", "https://id.example.org")]
    public void Each_preset_knows_its_issuer_or_its_addresses(string name, string? issuer)
    {
        string given = name switch { "microsoft" => "common", "okta" => "https://example.okta.com", _ => "https://id.example.org" };
        OAuthProvider provider = OAuthProvider.Preset(name, "id", "secret", given);
        Assert.Equal(issuer, provider.Issuer);
        foreach (string url in issuer is null ? [provider.AuthorizeUrl, provider.TokenUrl,
            provider.UserUrl] : new[] { provider.DiscoveryBase })
            Assert.True(RemoteDocuments.IsSafe(url), url);
        Assert.Equal(name == "apple", provider.PostsForm);
    }

    static (int, string) Of(Reply reply) => (reply.Status, reply.Code);

    static Task<AuthServer> OpenAsync(string issuer, bool mayRegister = true) => AuthServer.OpenAsync(o => o with
    {
        PublicUrl = PublicUrl,
        OAuth = new OAuthOptions([OAuthProvider.Preset("oidc", "plinth", "a-secret-of-the-client", issuer)], PublicUrl,
            [Page], mayRegister, Role: null),
    });

    static async Task<(string Location, string Cookie)> StartAsync(AuthServer server, string query = "")
    {
        Reply start = await server.Client.SendAsync("GET", "/auth/oauth/oidc" + query);
        Assert.True(start.Status == 302, start.Body);
        return (start.Header("Location")!, start.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
    }

    static async Task<Reply> SignInAsync(AuthServer server, string person)
    {
        (string location, string cookie) = await StartAsync(server);
        string back = await OidcProvider.SignInAsync(location, person);
        Assert.StartsWith(Callback, back, StringComparison.Ordinal);
        return await server.Client.SendAsync("GET", new Uri(back).PathAndQuery, null, "Cookie: " + cookie);
    }
}
