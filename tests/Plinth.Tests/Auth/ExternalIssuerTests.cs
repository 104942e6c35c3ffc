using System.Text.Json.Nodes;
using Plinth.Identity.Oidc;
using Plinth.Identity.Tokens;
using Plinth.Rest;

namespace Plinth.Auth;

/// <summary>Tokens of other issuers: taken by their published keys, for us, in time; everything else is 401.</summary>
public sealed class ExternalIssuerTests
{
    const string Schema = """
        auth { id Uuid  role String?  groups String[] }
        model Note {
          id Int @id
          owner Uuid @default(auth.id)
          @@allow("read", auth != null)
          @@allow("create", auth.role == "editor" && auth.groups.exists(g, g == "writers"))
        }
        """;

    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("EdDSA")]
    public async Task Its_members_become_the_claims_that_rules_read(string algorithm)
    {
        using StubIssuer issuer = new();
        TokenKey key = issuer.Add("k1", Enum.Parse<TokenAlgorithm>(algorithm));
        await using AuthServer server = await OpenAsync(issuer);
        JsonObject members = new()
        {
            ["sub"] = "person-7", ["https://example.org/role"] = "editor", ["groups"] = new JsonArray("writers", "others"),
        };
        string token = issuer.Token(key, members);
        Reply made = await server.Client.SendAsync("POST", "/api/notes", """{"id":1}""", token.Bearer());
        Assert.True(made.Status == 201, made.Body);
        Assert.Equal(ExternalIssuers.IdOf(issuer.Url, "person-7").ToString(), made.Json.GetProperty("owner").GetString());
        members["groups"] = new JsonArray();
        Assert.Equal(403, (await server.Client.SendAsync("POST", "/api/notes", """{"id":2}""", issuer.Token(key, members).Bearer())).Status);
        for (int i = 0; i < 5; i++) Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/notes", null, token.Bearer())).Status);
        Assert.Equal(1, issuer.KeysAsked);
    }

    [Fact]
    public async Task A_subject_that_is_a_uuid_is_the_id()
    {
        using StubIssuer issuer = new();
        TokenKey key = issuer.Add("k1", TokenAlgorithm.ES256);
        await using AuthServer server = await OpenAsync(issuer);
        string id = "0197a000-0011-7000-8000-000000000001";
        JsonObject members = new() { ["sub"] = id, ["https://example.org/role"] = "editor", ["groups"] = new JsonArray("writers") };
        Reply made = await server.Client.SendAsync("POST", "/api/notes", """{"id":1}""", issuer.Token(key, members).Bearer());
        Assert.Equal(id, made.Json.GetProperty("owner").GetString());
    }

    [Fact]
    public async Task Whatever_is_wrong_with_it_it_is_401()
    {
        using StubIssuer issuer = new();
        TokenKey key = issuer.Add("k1", TokenAlgorithm.ES256);
        await using AuthServer server = await OpenAsync(issuer);
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        JsonObject good = new() { ["sub"] = "p" };
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/notes", null, issuer.Token(key, good).Bearer())).Status);
        (string What, string Token)[] bad =
        [
            ("another audience", issuer.Token(key, With("aud", "others"))),
            ("audiences without ours", issuer.Token(key, With("aud", new JsonArray("a", "b")))),
            ("no audience", issuer.Token(key, With("aud", null))),
            ("an issuer that nobody named", issuer.Token(key, With("iss", "https://evil.example"))),
            ("expired", issuer.Token(key, With("exp", now - 1))),
            ("no expiry", issuer.Token(key, With("exp", null))),
            ("not yet", issuer.Token(key, With("nbf", now + 3600))),
            ("no subject", issuer.Token(key, With("sub", null))),
            ("a claim of the wrong type", issuer.Token(key, With("groups", "writers"))),
            ("another key of the same id", issuer.Token(TokenKey.Create("k1", TokenAlgorithm.ES256), good)),
            ("a shared secret", issuer.Token(TokenKey.Create("k1", TokenAlgorithm.HS256), good)),
            ("an id token of another kind", issuer.Token(key, good, type: "logout+jwt")),
        ];
        foreach (var (what, token) in bad)
        {
            Reply reply = await server.Client.SendAsync("GET", "/api/notes", null, token.Bearer());
            Assert.True(reply.Status == 401, $"{what}: {reply.Status} {reply.Body}");
        }

        JsonObject With(string name, JsonNode? value)
        {
            JsonObject changed = good.DeepClone().AsObject();
            changed[name] = value;
            return changed;
        }
    }

    [Fact]
    public async Task A_new_key_is_found_and_nobody_makes_us_ask_for_keys_without_end()
    {
        using StubIssuer issuer = new();
        TokenKey first = issuer.Add("k1", TokenAlgorithm.ES256);
        await using AuthServer server = await OpenAsync(issuer);
        JsonObject good = new() { ["sub"] = "p" };
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/notes", null, issuer.Token(first, good).Bearer())).Status);
        for (int i = 0; i < 20; i++)
        {
            string unknown = issuer.Token(TokenKey.Create("x" + i, TokenAlgorithm.ES256), good);
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/notes", null, unknown.Bearer())).Status);
        }
        Assert.InRange(issuer.KeysAsked, 1, 2);
    }

    [Fact]
    public async Task An_issuer_that_speaks_for_another_or_is_away_is_503()
    {
        using StubIssuer issuer = new() { SpeaksFor = "https://accounts.example" };
        TokenKey key = issuer.Add("k1", TokenAlgorithm.ES256);
        await using AuthServer server = await OpenAsync(issuer);
        string token = issuer.Token(key, new() { ["sub"] = "p" });
        Assert.Equal(503, (await server.Client.SendAsync("GET", "/api/notes", null, token.Bearer())).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/notes", null, "nonsense".Bearer())).Status);
    }

    static Task<AuthServer> OpenAsync(StubIssuer issuer) => AuthServer.OpenAsync(
        o => o with
        {
            MayRegister = false,
            External = new ExternalOptions([issuer.Url], "the-api", [("role", "https://example.org/role")]),
        },
        Schema);
}
