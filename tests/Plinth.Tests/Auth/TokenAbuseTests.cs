using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Identity;
using Plinth.Identity.Tokens;
using Plinth.Plan;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>Every way in which a token can be wrong has one answer: 401, the standard header, and nothing that tells which.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class TokenAbuseTests
{
    [Fact]
    public async Task Whatever_is_wrong_with_a_token_the_answer_is_the_same()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        TokenKey ours = (await identities.Keys.CurrentAsync(default)).Value;
        JsonObject claims = Payload(ann.Access);
        long now = claims["iat"]!.GetValue<long>();
        using TokenKey foreign = TokenKey.Create(ours.Id, TokenAlgorithm.ES256);
        Dictionary<string, string> bad = new(StringComparer.Ordinal)
        {
            ["none"] = Unsigned("none", claims), ["None"] = Unsigned("None", claims), ["empty alg"] = Unsigned("", claims),
            ["another key of the same id"] = Signed(foreign, claims),
            ["the public key as a shared secret"] = Confused(identities, ours.Id, claims),
            ["an unknown key"] = Signed(TokenKey.Create("nobody", TokenAlgorithm.ES256), claims),
            ["expired"] = Signed(ours, With(claims, "exp", now - 1)),
            ["not yet"] = Signed(ours, With(claims, "nbf", now + 3600)),
            ["issued in the future"] = Signed(ours, With(claims, "iat", now + 3600)),
            ["no expiry"] = Signed(ours, With(claims, "exp", null)),
            ["an expiry that is no number"] = Signed(ours, With(claims, "exp", "tomorrow")),
            ["a huge expiry"] = Signed(ours, With(claims, "exp", 1e300)),
            ["another audience"] = Signed(ours, With(claims, "aud", "others")),
            ["another issuer"] = Signed(ours, With(claims, "iss", "others")),
            ["no session"] = Signed(ours, With(claims, "sid", null)),
            ["a claim of the wrong type"] = Signed(ours, With(claims, "claims", new JsonObject { ["id"] = 7, ["role"] = "admin" })),
            ["a role that is none"] = Signed(ours, With(claims, "claims", new JsonObject { ["id"] = ann.UserId, ["role"] = "king" })),
            ["no role"] = Signed(ours, With(claims, "claims", new JsonObject { ["id"] = ann.UserId })),
            ["another type"] = JsonWebToken.Write(ours, "JWT", Encoding.UTF8.GetBytes(claims.ToJsonString())),
            ["a changed payload"] = Changed(ann.Access, With(claims, "claims", new JsonObject { ["id"] = ann.UserId, ["role"] = "admin" })),
            ["truncated"] = ann.Access[..^1], ["without a signature"] = ann.Access[..(ann.Access.LastIndexOf('.') + 1)],
            ["two parts"] = ann.Access[..ann.Access.LastIndexOf('.')], ["four parts"] = ann.Access + ".e30",
            ["padded"] = ann.Access + "=", ["a critical header"] = Header(ours,
                """{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":["x"]}"""),
            ["a key in the header"] = Header(ours, """{"alg":"ES256","typ":"at+jwt","kid":"KID","jwk":{"kty":"EC"}}"""),
            ["a name twice"] = Header(ours, """{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"KID"}"""),
            ["a refresh token"] = ann.Refresh, ["noise"] = "abc", ["dots"] = "..", ["nothing"] = "",
            ["a key of a program that never was"] = TokenText.Write(TokenText.ApiToken, new byte[40]),
            ["long"] = new string('a', 20_000),
        };
        HashSet<string> answers = new(StringComparer.Ordinal);
        foreach (var (what, token) in bad)
        {
            Reply reply = await server.Client.SendAsync("GET", "/api/publics", null, "Authorization: Bearer " + token);
            Assert.True(reply.Status == 401, $"{what}: {reply.Status} {reply.Body}");
            Assert.Equal("Bearer error=\"invalid_token\"", reply.Header("WWW-Authenticate"));
            JsonObject body = JsonNode.Parse(reply.Body)!.AsObject();
            body.Remove("traceId");
            body.Remove("requestId");
            answers.Add(body.ToJsonString());
        }
        Assert.Single(answers);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/publics", null, ann.Bearer)).Status);
    }

    [Theory]
    [InlineData("Basic YTpi")]
    [InlineData("Bearer")]
    [InlineData("bearer x")]
    [InlineData("Negotiate abc")]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task Another_scheme_is_a_bad_credential(string header)
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/publics", null, "Authorization: " + header)).Status);
    }

    [Fact]
    public async Task A_token_of_a_megabyte_is_refused_without_being_read()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        Reply reply = await server.Client.SendAsync("GET", "/api/publics", null, "Authorization: Bearer " + new string('a', 1 << 20));
        Assert.InRange(reply.Status, 400, 431);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/publics")).Status);
    }

    [Fact]
    public async Task A_refresh_token_used_twice_ends_its_session()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn first = await server.SomeoneAsync();
        SignedIn second = SignedIn.Of(await RefreshAsync(server, first.Refresh));
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, second.Bearer)).Status);
        Assert.Equal(401, (await RefreshAsync(server, first.Refresh)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, second.Bearer)).Status);
        Assert.Equal(401, (await RefreshAsync(server, second.Refresh)).Status);
    }

    [Fact]
    public async Task Of_many_uses_of_one_refresh_token_at_once_at_most_one_succeeds_and_the_session_ends()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        Reply[] replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RefreshAsync(server, ann.Refresh)));
        Assert.InRange(replies.Count(r => r.Status == 200), 0, 1);
        foreach (Reply lucky in replies.Where(r => r.Status == 200))
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, SignedIn.Of(lucky).Bearer)).Status);
    }

    [Fact]
    public async Task An_invented_refresh_token_ends_nothing()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        (string forged, _) = new RefreshTokens(new byte[32]).Make(Guid.Parse(ann.SessionId), 0);
        Assert.Equal(401, (await RefreshAsync(server, forged)).Status);
        Assert.Equal(401, (await RefreshAsync(server, ann.Access)).Status);
        Assert.Equal(200, (await RefreshAsync(server, ann.Refresh)).Status);
    }

    [Fact]
    public async Task Two_sign_ins_of_one_moment_share_nothing()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        SignedIn[] both = await Task.WhenAll(server.SignInAsync("ann@example.org"), server.SignInAsync("ann@example.org"));
        Assert.NotEqual(both[0].Access, both[1].Access);
        Assert.NotEqual(both[0].SessionId, both[1].SessionId);
        Assert.NotEqual(both[0].Refresh, both[1].Refresh);
    }

    [Fact]
    public async Task A_session_that_rested_too_long_has_ended()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        server.Clock.By = TimeSpan.FromMinutes(16);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
        SignedIn later = SignedIn.Of(await RefreshAsync(server, ann.Refresh));
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, later.Bearer)).Status);
        server.Clock.By = TimeSpan.FromDays(31);
        Assert.Equal(401, (await RefreshAsync(server, later.Refresh)).Status);
    }

    [Theory]
    [InlineData("ES256")]
    [InlineData("EdDSA")]
    [InlineData("RS256")]
    [InlineData("HS256")]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task Each_algorithm_signs_in_survives_a_restart_and_shows_its_public_key_alone(string name)
    {
        TokenAlgorithm algorithm = Enum.Parse<TokenAlgorithm>(name);
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { Algorithm = algorithm });
        SignedIn ann = await server.SomeoneAsync();
        await server.RestartAsync();
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
        Reply keys = await server.Client.SendAsync("GET", "/.well-known/jwks.json");
        Assert.Equal(200, keys.Status);
        Assert.Equal(algorithm == TokenAlgorithm.HS256 ? 0 : 1, keys.Json.GetProperty("keys").GetArrayLength());
        foreach (var member in keys.Json.GetProperty("keys").EnumerateArray().SelectMany(k => k.EnumerateObject()))
            Assert.Contains(member.Name, new[] { "use", "kid", "alg", "kty", "crv", "x", "y", "n", "e" });
    }

    [Fact]
    public async Task A_new_key_signs_and_the_one_before_verifies_until_what_it_signed_has_expired()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn before = await server.SomeoneAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        Assert.Null(await identities.Keys.RotateAsync(default));
        SignedIn after = await server.SignInAsync("ann@example.org");
        Assert.NotEqual(KeyOf(before.Access), KeyOf(after.Access));
        foreach (SignedIn each in new[] { before, after })
            Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, each.Bearer)).Status);
        Reply keys = await server.Client.SendAsync("GET", "/.well-known/jwks.json");
        Assert.Equal(2, keys.Json.GetProperty("keys").GetArrayLength());
        server.Clock.By = TimeSpan.FromMinutes(40);
        keys = await server.Client.SendAsync("GET", "/.well-known/jwks.json");
        Assert.Equal(1, keys.Json.GetProperty("keys").GetArrayLength());
        Assert.Equal(200, (await RefreshAsync(server, before.Refresh)).Status);
    }

    /// <summary>What is known of a connection's token saves work, and no check.</summary>
    [Fact]
    public async Task A_token_that_a_connection_brought_before_is_looked_at_each_time()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        // One request after the other takes the same connection.
        HttpClient client = server.NewClient();
        async Task Is(int status, SignedIn who)
        {
            Assert.Equal(status, (await client.SendAsync("GET", "/auth/me", null, who.Bearer)).Status);
        }

        await Is(200, ann);
        await Is(200, ann);
        Reply asBob = await client.SendAsync("GET", "/auth/me", null, bob.Bearer);
        Assert.Contains(bob.UserId, asBob.Body, StringComparison.Ordinal);
        await Is(401, ann with { Access = Changed(ann.Access, With(Payload(ann.Access), "sid", bob.SessionId)) });
        await Is(401, ann with { Access = ann.Access.Replace('.', '~') });
        await Is(200, ann);
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/logout", null, ann.Bearer)).Status);
        await Is(401, ann);

        await Is(200, bob);
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        Assert.True(identities.Resolve(bob.Access, default).IsOk);
        Assert.Equal(Text.Faults.Unauthorized, identities.Resolve(bob.Access.Replace('.', 'é'), default).Fault?.Kind);
        Assert.Null(await identities.Keys.RotateAsync(default));
        await Is(200, bob);
        Command taken = new() { Model = PlatformRecords.SigningKey, Kind = CommandKind.Delete, Key = [KeyOf(bob.Access)] };
        Assert.Null(await identities.Records.RunAsync(null, taken, default));
        await Is(401, bob);

        SignedIn again = await server.SignInAsync("bob@example.org");
        await Is(200, again);
        await Is(200, again);
        server.Clock.By = TimeSpan.FromMinutes(16);
        await Is(401, again);
    }

    [Fact]
    public async Task A_key_that_has_served_its_time_is_followed_by_another()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn before = await server.SomeoneAsync();
        server.Clock.By = TimeSpan.FromDays(91);
        SignedIn after = await server.SignInAsync("ann@example.org");
        Assert.NotEqual(KeyOf(before.Access), KeyOf(after.Access));
    }

    static Task<Reply> RefreshAsync(AuthServer server, string token) =>
        server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken", token)));

    static string KeyOf(string token) => Part(token, 0)["kid"]!.GetValue<string>();

    static JsonObject Payload(string token) => Part(token, 1);

    static JsonObject Part(string token, int part) => JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[part]))!.AsObject();

    static JsonObject With(JsonObject claims, string name, JsonNode? value)
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

    static string Changed(string token, JsonObject claims)
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
