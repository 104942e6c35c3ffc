using System.Buffers.Text;
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
        string token = new('a', 1 << 20);
        Reply reply = await server.Client.SendAsync("GET", "/api/publics", null, "Authorization: Bearer " + token);
        Assert.Equal((401, "unauthorized"), (reply.Status, reply.Code));
        reply = await RefreshAsync(server, token);
        Assert.Equal((401, "unauthorized"), (reply.Status, reply.Code));
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        Assert.Equal("unauthorized", identities.Resolve(token, default).Fault?.Code);
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
        var mixed = BadTokens.With(BadTokens.Payload(ann.Access), "sid", bob.SessionId);
        await Is(401, ann with { Access = BadTokens.Changed(ann.Access, mixed) });
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
    public async Task Keys_that_rotate_under_load_sign_nobody_out()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { TokensKept = 4 });
        List<SignedIn> signedIn = [await server.SomeoneAsync()];
        for (int i = 0; i < 5; i++) signedIn.Add(await server.SignInAsync("ann@example.org"));
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        using CancellationTokenSource done = new();
        int asked = 0;
        Task[] clients = [.. signedIn.Select(async one =>
        {
            string refresh = one.Refresh, bearer = one.Bearer;
            while (!done.IsCancellationRequested)
            {
                Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, bearer)).Status);
                Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, one.Bearer)).Status);
                SignedIn next = SignedIn.Of(await RefreshAsync(server, refresh));
                (refresh, bearer) = (next.Refresh, next.Bearer);
                Interlocked.Increment(ref asked);
            }
        })];
        HashSet<string> keys = [];
        for (int i = 0; i < 5; i++)
        {
            Assert.Null(await identities.Keys.RotateAsync(default));
            int before = Volatile.Read(ref asked);
            while (Volatile.Read(ref asked) < before + 12 && !Array.Exists(clients, c => c.IsFaulted)) await Task.Delay(5);
            keys.Add(KeyOf((await server.SignInAsync("ann@example.org")).Access));
        }
        await done.CancelAsync();
        await Task.WhenAll(clients);
        Assert.Equal(5, keys.Count);
        Reply published = await server.Client.SendAsync("GET", "/.well-known/jwks.json");
        Assert.Equal(("public, max-age=300", "application/json"), (published.Header("Cache-Control"), published.Header("Content-Type")));
        Assert.Equal(6, published.Json.GetProperty("keys").GetArrayLength());
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

    static JsonObject Part(string token, int part) => JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[part]))!.AsObject();
}
