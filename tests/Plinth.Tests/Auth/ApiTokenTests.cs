using Plinth.Identity;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>Keys of programs, and the second step.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ApiTokenTests
{
    [Fact]
    public async Task A_key_acts_for_its_user_within_its_scopes_until_it_is_revoked()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        await server.Client.SendAsync("POST", "/api/notes", """{"text":"mine"}""", ann.Bearer);
        (string reader, string id) = await CreateAsync(server, ann, "notes:read");
        Assert.StartsWith("plk_", reader, StringComparison.Ordinal);
        Reply notes = await server.Client.SendAsync("GET", "/api/notes", null, reader.Bearer());
        Assert.Equal(1, notes.Json.GetProperty("items").GetArrayLength());
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/api/notes", """{"text":"x"}""", reader.Bearer())).Status);
        Assert.Equal(403, (await server.Client.SendAsync("GET", "/api/publics", null, reader.Bearer())).Status);
        // An include enters another model, and its rules: the key reads no user.
        Reply joined = await server.Client.SendAsync("GET", "/api/notes?include=owner", null, reader.Bearer());
        Assert.DoesNotContain("ann@example.org", joined.Body, StringComparison.Ordinal);
        Reply list = await server.Client.SendAsync("GET", "/auth/tokens", null, ann.Bearer);
        Assert.DoesNotContain(reader, list.Body, StringComparison.Ordinal);
        Assert.Contains(reader[..12], list.Body, StringComparison.Ordinal);
        Assert.Equal(204, (await server.Client.SendAsync("DELETE", "/auth/tokens/" + id, null, ann.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/notes", null, reader.Bearer())).Status);
    }

    [Fact]
    public async Task Tokens_are_remembered_up_to_their_limit_and_good_beyond_it()
    {
        await using AuthServer server = await AuthServer.OpenAsync(options => options with { TokensKept = 2 });
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        SignedIn ann = await server.SomeoneAsync();
        List<string> tokens = [];
        for (int i = 0; i < 4; i++)
        {
            tokens.Add((await CreateAsync(server, ann, "read")).Text);
            tokens.Add((await server.SignInAsync("ann@example.org")).Access);
        }
        foreach (string token in (string[])[.. tokens, .. tokens])
        {
            Assert.Null(identities.Resolve(token, CancellationToken.None).Fault);
            Assert.InRange(identities.TokensKept.Access, 0, 2);
            Assert.InRange(identities.TokensKept.Programs, 0, 2);
        }
        Assert.NotEqual((0, 0, 0), identities.TokensKept);
    }

    [Fact]
    public async Task A_key_ends_with_its_time_and_with_its_user()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn admin = await server.SomeoneAsync("root@example.org", "admin"), ann = await server.SomeoneAsync();
        string soon = DateTimeOffset.UtcNow.AddMinutes(5).ToString("O");
        Reply made = await server.Client.SendAsync("POST", "/auth/tokens",
            AuthServer.Json(("name", "ci"), ("scopes", new[] { "read" }), ("expiresAt", soon)), ann.Bearer);
        Assert.True(made.Status == 201, made.Body);
        string brief = made.Json.GetProperty("token").GetString()!;
        (string lasting, _) = await CreateAsync(server, ann, "read", "write");
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/notes", null, brief.Bearer())).Status);
        server.Clock.By = TimeSpan.FromMinutes(6);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/notes", null, brief.Bearer())).Status);
        Assert.Equal(201, (await server.Client.SendAsync("POST", "/api/notes", """{"text":"x"}""", lasting.Bearer())).Status);
        await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", """{"role":"editor"}""", admin.Bearer);
        Assert.Equal(201, (await server.Client.SendAsync("POST", "/api/publics", """{"id":1,"text":"x"}""", lasting.Bearer())).Status);
        await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", """{"disabled":true}""", admin.Bearer);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/notes", null, lasting.Bearer())).Status);
    }

    [Fact]
    public async Task A_key_makes_no_keys_and_changes_no_password()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        (string key, _) = await CreateAsync(server, ann, "read", "write");
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/auth/tokens", AuthServer.Json(("name", "x"), ("scopes",
            new[] { "read" })), key.Bearer())).Status);
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/auth/password/change",
            AuthServer.Json(("current", AuthServer.Password), ("password", "another long password")), key.Bearer())).Status);
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/auth/logout", null, key.Bearer())).Status);
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/auth/totp/enrol", null, key.Bearer())).Status);
    }

    [Theory]
    [InlineData("""{"name":"x"}""", "scopes")]
    [InlineData("""{"name":"x","scopes":["everything"]}""", "scopes[0]")]
    [InlineData("""{"name":"x","scopes":["read","nothing:read"]}""", "scopes[1]")]
    [InlineData("""{"name":"x","scopes":["read"],"expiresAt":"2001-01-01T00:00:00Z"}""", "expiresAt")]
    [InlineData("""{"name":"x","scopes":["read"],"expiresAt":"soon"}""", "expiresAt")]
    [InlineData("""{"scopes":["read"]}""", "name")]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task A_key_that_means_nothing_is_refused(string body, string field)
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        Reply refused = await server.Client.SendAsync("POST", "/auth/tokens", body, ann.Bearer);
        Assert.Equal(422, refused.Status);
        Assert.Equal(field, refused.Json.GetProperty("details")[0].GetProperty("field").GetString());
    }

    [Fact]
    public async Task A_second_step_is_asked_for_once_confirmed_each_code_counts_once_and_a_recovery_code_stands_in()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { Attempts = 100 });
        SignedIn ann = await server.SomeoneAsync();
        Reply enrolled = await server.Client.SendAsync("POST", "/auth/totp/enrol", null, ann.Bearer);
        Assert.True(enrolled.Status == 201, enrolled.Body);
        byte[] secret = Base32(enrolled.Json.GetProperty("secret").GetString()!);
        Assert.StartsWith("otpauth://totp/", enrolled.Json.GetProperty("uri").GetString(), StringComparison.Ordinal);
        string recovery = enrolled.Json.GetProperty("recoveryCodes")[3].GetString()!;
        await server.SignInAsync("ann@example.org"); // not confirmed yet: not asked for
        Assert.Equal(422, (await server.Client.SendAsync("POST", "/auth/totp/confirm", """{"code":"000000"}""", ann.Bearer)).Status);
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/totp/confirm", AuthServer.Json(("code", Now(server, secret))),
            ann.Bearer)).Status);

        Reply asked = await LoginAsync(server, null);
        Assert.Equal((401, "factor_required"), (asked.Status, asked.Code));
        Assert.Equal(401, (await LoginAsync(server, Now(server, secret))).Status); // it was used to confirm
        server.Clock.By += TimeSpan.FromSeconds(30);
        string next = Now(server, secret);
        Reply[] both = await Task.WhenAll(LoginAsync(server, next), LoginAsync(server, next));
        Assert.Equal([200, 401], both.Select(r => r.Status).Order());
        Assert.Equal(200, (await LoginAsync(server, recovery.ToLowerInvariant())).Status);
        Assert.Equal(401, (await LoginAsync(server, recovery)).Status);
        server.Clock.By += TimeSpan.FromSeconds(30);
        SignedIn now = SignedIn.Of(await LoginAsync(server, Now(server, secret)));
        server.Clock.By += TimeSpan.FromSeconds(30);
        Assert.Equal(422, (await server.Client.SendAsync("POST", "/auth/totp/remove", """{"code":"1"}""", now.Bearer)).Status);
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/totp/remove", AuthServer.Json(("code", Now(server, secret))),
            now.Bearer)).Status);
        await server.SignInAsync("ann@example.org");
    }

    static string Now(AuthServer server, byte[] secret) => Factors.Code(secret, server.Clock.GetUtcNow().ToUnixTimeSeconds() / 30);

    static Task<Reply> LoginAsync(AuthServer server, string? code) => server.Client.SendAsync("POST", "/auth/login",
        AuthServer.Json(("email", "ann@example.org"), ("password", AuthServer.Password), ("code", code)));

    static async Task<(string Text, string Id)> CreateAsync(AuthServer server, SignedIn user, params string[] scopes)
    {
        Reply made = await server.Client.SendAsync("POST", "/auth/tokens", AuthServer.Json(("name", "ci"), ("scopes", scopes)),
            user.Bearer);
        Assert.True(made.Status == 201, made.Body);
        return (made.Json.GetProperty("token").GetString()!, made.Json.GetProperty("id").GetString()!);
    }

    static byte[] Base32(string text)
    {
        List<byte> bytes = [];
        int held = 0, bits = 0;
        foreach (char c in text)
        {
            held = (held << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal);
            bits += 5;
            if (bits < 8) continue;
            bytes.Add((byte)(held >> (bits -= 8)));
            held &= (1 << bits) - 1;
        }
        return [.. bytes];
    }
}

static class BearerHeaders
{
    public static string Bearer(this string token) => "Authorization: Bearer " + token;
}
