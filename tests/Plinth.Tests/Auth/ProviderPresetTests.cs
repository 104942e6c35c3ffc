using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Identity.Oidc;
using Plinth.Identity.Tokens;
using Plinth.Rest;

namespace Plinth.Auth;

/// <summary>
/// Each provider that is known by name, signed in by as a browser does it, against a local one that behaves as that one does.
/// </summary>
public sealed partial class ProviderPresetTests
{
    public const string PublicUrl = "https://api.example.org";

    static readonly string[] s_openId = ["google", "microsoft", "okta", "apple"];

    public static TheoryData<string> Presets { get; } = [.. OAuthProvider.Presets.Where(p => p != "oidc")];

    public static TheoryData<string> OpenIdPresets { get; } = [.. s_openId];

    [Theory]
    [MemberData(nameof(Presets))]
    public async Task Who_signs_in_gets_an_account_and_comes_back_to_it_under_another_address(string name)
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, name);
        SignedIn first = SignedIn.Of(await SignInAsync(server, providers, name));
        Reply me = await server.Client.SendAsync("GET", "/auth/me", null, first.Bearer);
        Assert.Equal(("ann@example.org", true, "Ann Other"), (me.Json.GetProperty("email").GetString(),
            me.Json.GetProperty("emailVerified").GetBoolean(), me.Json.GetProperty("name").GetString()));
        Reply sessions = await server.Client.SendAsync("GET", "/auth/sessions", null, first.Bearer);
        Assert.Equal(name, sessions.Json.GetProperty("items")[0].GetProperty("method").GetString());
        Reply linked = await server.Client.SendAsync("GET", "/api/user_identities", null, first.Bearer);
        Assert.Equal(1, linked.Json.GetProperty("items").GetArrayLength());
        // The person is known by the provider's own name of her, whatever address she has by now and whether it is proved.
        providers.Person = new("1001", "married@example.org", false);
        Assert.Equal(first.UserId, SignedIn.Of(await SignInAsync(server, providers, name)).UserId);
        providers.Person = new("1002", "bob@example.org", true);
        Assert.NotEqual(first.UserId, SignedIn.Of(await SignInAsync(server, providers, name)).UserId);
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public async Task An_account_is_linked_or_made_on_a_proved_address_alone(string name)
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, name);
        Guid ann = await server.UserAsync("ann@example.org");
        providers.Person = new("666", "ann@example.org", false);
        Assert.Equal((409, "conflict"), Of(await SignInAsync(server, providers, name)));
        providers.Person = new("667", "stranger@example.org", false);
        Assert.Equal((403, "email_not_verified"), Of(await SignInAsync(server, providers, name)));
        providers.Person = new("668", null, false);
        Assert.Equal((401, "invalid_credentials"), Of(await SignInAsync(server, providers, name)));
        providers.Person = new("1001", "Ann@Example.org", true);
        Assert.Equal(ann.ToString(), SignedIn.Of(await SignInAsync(server, providers, name)).UserId);
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        Assert.Single(identities.Records.All(PlatformRecords.User, 10, default));
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public async Task A_code_is_good_once_with_its_verifier_and_for_who_has_the_secret(string name)
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, name);
        var (location, cookie) = await StartAsync(server, name);
        var (other, otherCookie) = await StartAsync(server, name);
        Callback back = await ReturnAsync(providers, location), stolen = await ReturnAsync(providers, other);
        // Another sign-in's code in this browser: the provider holds it against another challenge.
        Reply mixed = await EndAsync(server, name, back with { Code = stolen.Code }, cookie);
        Assert.Equal((401, "invalid_credentials"), Of(mixed));
        Assert.Equal((422, "invalid_code"), Of(await EndAsync(server, name, back, otherCookie)));
        Assert.Equal(200, (await EndAsync(server, name, back, cookie)).Status);
        Assert.Equal((401, "invalid_credentials"), Of(await EndAsync(server, name, back, cookie)));
        await using AuthServer mistaken = await OpenAsync(providers, name, isMistaken: true);
        Assert.Equal((401, "invalid_credentials"), Of(await SignInAsync(mistaken, providers, name)));
    }

    [Theory]
    [MemberData(nameof(OpenIdPresets))]
    public async Task A_token_that_does_not_prove_itself_signs_nobody_in(string name)
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, name);
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Dictionary<string, Action<JsonObject>> wrong = new(StringComparer.Ordinal)
        {
            ["another nonce"] = t => t["nonce"] = "another", ["no nonce"] = t => t.Remove("nonce"),
            ["for another client"] = t => t["aud"] = "another", ["for several, asked by another"] = t => t["azp"] = "another",
            ["another issuer"] = t => t["iss"] = "https://evil.example", ["expired"] = t => t["exp"] = now - 1,
            ["from the future"] = t => t["iat"] = now + 3600, ["nobody"] = t => t.Remove("sub"), ["no end"] = t => t.Remove("exp"),
        };
        foreach (var (what, tamper) in wrong)
        {
            providers.Tamper = tamper;
            Reply refused = await SignInAsync(server, providers, name);
            Assert.True(Of(refused) == (401, "invalid_credentials"), $"{what}: {refused.Status} {refused.Body}");
        }
        providers.Tamper = null;
        // The key that everybody can read as a shared secret, and another key under the same id.
        using Text.ByteOutput jwk = new();
        providers.Key.TryWritePublic(jwk);
        foreach (TokenKey forger in new[] { TokenKey.Create(providers.Key.Id, TokenAlgorithm.RS256),
            TokenKey.Open(providers.Key.Id, TokenAlgorithm.HS256, jwk.ToArray()) })
        {
            providers.Forger = forger;
            Assert.Equal((401, "invalid_credentials"), Of(await SignInAsync(server, providers, name)));
        }
        providers.Forger = null;
        Assert.Equal(200, (await SignInAsync(server, providers, name)).Status);
    }

    [Theory]
    [InlineData("google")]
    [InlineData("okta")]
    [InlineData("microsoft")]
    public async Task What_a_thin_token_leaves_out_is_asked_for_and_must_be_of_the_same_person(string name)
    {
        using LocalProviders providers = new() { IsThin = true };
        await using AuthServer server = await OpenAsync(providers, name);
        Assert.Equal(200, (await SignInAsync(server, providers, name)).Status);
        Assert.Contains(providers.Asked, a => a.EndsWith("userinfo", StringComparison.Ordinal));
        providers.Person = new("1002", "bob@example.org", true);
        providers.Tamper = t => t["sub"] = t.ContainsKey("nonce") ? "1002" : "1001";
        Assert.Equal((401, "invalid_credentials"), Of(await SignInAsync(server, providers, name)));
    }

    [Fact]
    public async Task Microsoft_names_the_tenant_in_the_issuer_and_says_by_another_claim_that_an_address_is_proved()
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, "microsoft");
        string first = SignedIn.Of(await SignInAsync(server, providers, "microsoft")).UserId;
        // The same number in another tenant is another person.
        providers.Person = new("1001", "eve@example.org", true) { Tenant = "99999999-2222-3333-4444-555555555555" };
        Assert.NotEqual(first, SignedIn.Of(await SignInAsync(server, providers, "microsoft")).UserId);
        foreach (Action<JsonObject> wrong in new Action<JsonObject>[] { t => t["tid"] = "11111111-2222-3333-4444-555555555555",
            t => t.Remove("tid"), t => t["tid"] = "x/../y" })
        {
            providers.Tamper = wrong;
            Assert.Equal(401, (await SignInAsync(server, providers, "microsoft")).Status);
        }
        // A member that Microsoft never proved anything by.
        providers.Tamper = t => t["email_verified"] = true;
        providers.Person = new("7", "root@example.org", false);
        Assert.Equal((403, "email_not_verified"), Of(await SignInAsync(server, providers, "microsoft")));
    }

    [Theory]
    [InlineData("11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555", true)]
    [InlineData("11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555", false)]
    [InlineData("consumers", "9188040d-6c67-4c5b-b112-36a304b66dad", true)]
    [InlineData("consumers", "11111111-2222-3333-4444-555555555555", false)]
    [InlineData("organizations", "11111111-2222-3333-4444-555555555555", true)]
    public async Task Microsoft_signs_in_people_of_the_tenant_that_is_set(string tenant, string of, bool succeeds)
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, "microsoft", tenant: tenant);
        providers.Person = providers.Person with { Tenant = of };
        Assert.Equal(succeeds ? 200 : 401, (await SignInAsync(server, providers, "microsoft")).Status);
    }

    [Fact]
    public async Task Apple_posts_a_form_and_takes_a_fresh_token_of_the_developers_key_for_a_secret()
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, "apple", server: o => o with { Mode = ServerMode.Serve,
            OpsToken = "an-operator-token-of-32-characters" });
        Reply start = await server.Client.SendAsync("GET", "/auth/oauth/apple");
        string set = start.Headers.GetValues("Set-Cookie").Single();
        // A form of another site brings along only a cookie that is for every site.
        Assert.Contains("SameSite=None; Secure; HttpOnly", set, StringComparison.Ordinal);
        Callback back = await ReturnAsync(providers, start.Header("Location")!);
        Assert.True(back.IsForm);
        Assert.Equal(200, (await EndAsync(server, "apple", back, set.Split(';')[0])).Status);
        // An hour later the key signs another.
        Assert.Equal(200, (await SignInAsync(server, providers, "apple")).Status);
        AppleKey? key = AppleKey.Read(LocalProviders.TeamId, LocalProviders.AppleKeyId, providers.ApplePem);
        Assert.NotEqual(key!.Secret("x", 1000), key.Secret("x", 2000)); // read above
        foreach (string text in new[] { "", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----" })
            Assert.Null(AppleKey.Read("TEAM", "KEY", text));
    }

    [Fact]
    public async Task GitHub_is_asked_for_the_address_and_the_public_one_proves_nothing()
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, "github");
        await server.UserAsync("public@example.org");
        await server.UserAsync("other@example.org");
        providers.Person = new("5", null, false);
        Assert.Equal((401, "invalid_credentials"), Of(await SignInAsync(server, providers, "github")));
        providers.Person = new("5", "mine@example.org", true);
        SignedIn signed = SignedIn.Of(await SignInAsync(server, providers, "github"));
        Reply me = await server.Client.SendAsync("GET", "/auth/me", null, signed.Bearer);
        Assert.Equal("mine@example.org", me.Json.GetProperty("email").GetString());
        Assert.Equal(["POST github.com/login/oauth/access_token", "GET api.github.com/user", "GET api.github.com/user/emails"],
            providers.Asked.TakeLast(3));
    }

    [Fact]
    public async Task Of_two_first_sign_ins_of_one_person_at_once_both_are_of_one_account()
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, "google");
        Reply[] replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SignInAsync(server, providers, "google")));
        Assert.All(replies, r => Assert.True(r.Status == 200, r.Body));
        Assert.Single(replies.Select(r => SignedIn.Of(r).UserId).Distinct());
    }

    [Fact]
    public async Task Where_addresses_must_be_proved_the_account_of_who_comes_by_a_provider_is()
    {
        using LocalProviders providers = new();
        await using AuthServer server = await OpenAsync(providers, "google", with: o => o with { RequiresVerified = true });
        SignedIn ann = SignedIn.Of(await SignInAsync(server, providers, "google"));
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        await identities.Records.RunAsync(null, PlatformRecords.Update("User", ann.UserId, null, json =>
            json.WriteBoolean("emailVerified", false)), default);
        Assert.Equal((403, "email_not_verified"), Of(await SignInAsync(server, providers, "google")));
    }

    static (int, string) Of(Reply reply) => (reply.Status, reply.Status == 200 ? "" : reply.Code);

    static Task<AuthServer> OpenAsync(LocalProviders providers, string name, bool isMistaken = false, string tenant = "common",
        Func<ServerOptions, ServerOptions>? server = null, Func<IdentityOptions, IdentityOptions>? with = null) => AuthServer.OpenAsync(
        options =>
        {
            string secret = isMistaken ? "mistaken" : LocalProviders.ClientSecret;
            OAuthProvider provider = OAuthProvider.Preset(name, LocalProviders.ClientId, secret, name == "microsoft" ? tenant
                : "https://example.okta.com/oauth2/default");
            if (name == "apple")
            {
                string team = isMistaken ? "ANOTHER" : LocalProviders.TeamId;
                provider = provider with { AppleKey = AppleKey.Read(team, LocalProviders.AppleKeyId, providers.ApplePem) };
            }
            OAuthOptions oauth = new([provider], PublicUrl, [], MayRegister: true, null);
            options = options with { PublicUrl = PublicUrl, Outgoing = providers.Way, OAuth = oauth };
            return with is null ? options : with(options);
        },
        server: server);

    /// <summary>What a provider sends a browser back with.</summary>
    sealed record Callback(string Code, string State, string? Issuer, string? User, bool IsForm);

    static async Task<(string Location, string Cookie)> StartAsync(AuthServer server, string name)
    {
        Reply start = await server.Client.SendAsync("GET", "/auth/oauth/" + name);
        Assert.True(start.Status == 302, start.Body);
        return (start.Header("Location")!, start.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
    }

    static async Task<Callback> ReturnAsync(LocalProviders providers, string location)
    {
        using HttpResponseMessage answer = await providers.BrowseAsync(location);
        string page = await answer.Content.ReadAsStringAsync();
        if (answer.Headers.Location is { } next)
        {
            var query = System.Web.HttpUtility.ParseQueryString(next.Query);
            return new(query["code"]!, query["state"]!, query["iss"], null, IsForm: false);
        }
        Dictionary<string, string> inputs = Input().Matches(page)
            .ToDictionary(m => m.Groups[1].Value, m => WebUtility.HtmlDecode(m.Groups[2].Value), StringComparer.Ordinal);
        Assert.True(inputs.ContainsKey("code"), $"{(int)answer.StatusCode} {page}");
        return new(inputs["code"], inputs["state"], null, inputs["user"], IsForm: true);
    }

    static async Task<Reply> EndAsync(AuthServer server, string name, Callback back, string cookie)
    {
        string path = $"/auth/oauth/{name}/callback";
        string parameters = $"code={Uri.EscapeDataString(back.Code)}&state={Uri.EscapeDataString(back.State)}"
            + (back.Issuer is null ? "" : "&iss=" + Uri.EscapeDataString(back.Issuer))
            + (back.User is null ? "" : "&user=" + Uri.EscapeDataString(back.User));
        return back.IsForm
            ? await server.Client.SendAsync(
                "POST", path, parameters, "Cookie: " + cookie, "Content-Type: application/x-www-form-urlencoded")
            : await server.Client.SendAsync("GET", path + "?" + parameters, null, "Cookie: " + cookie);
    }

    static async Task<Reply> SignInAsync(AuthServer server, LocalProviders providers, string name)
    {
        var (location, cookie) = await StartAsync(server, name);
        return await EndAsync(server, name, await ReturnAsync(providers, location), cookie);
    }

    [GeneratedRegex("name=\"(\\w+)\" value=\"([^\"]*)\"")]
    private static partial Regex Input();
}
