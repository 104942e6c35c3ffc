using Plinth.Http;
using Plinth.Language;
using Plinth.Rest;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>Holes that others had, and that no test of a feature would look for; <c>docs/reference/traps.md</c> lists them all.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class TrapTests
{
    static Value Identity(int id, int? tenant = null, params KeyValuePair<string, Value>[] more)
    {
        List<KeyValuePair<string, Value>> claims = [new("id", Value.From(id)), .. more];
        if (tenant is { } own) claims.Add(new("tenantId", Value.From(own)));
        return Value.FromMap(new ValueMap([.. claims]));
    }

    static AppSchema Read(string schema) => SchemaReader.Read([new SourceText("schema.plinth", schema)]).Schema
        ?? throw new InvalidOperationException(schema);

    [Fact]
    public async Task A_rule_that_cannot_be_decided_denies_and_is_no_crash()
    {
        await using RunningServer server = await RunningServer.OpenAsync("""
            auth { id Int }
            model A { id Int @id  n Int  word String?  @@allow("create", true)  @@allow("read", 10 / n > 1 && word.size() > 0)
              @@deny("read", 10 % n == 9) @@allow("update, delete", 10 / n > 0) }
            """);
        HttpClient client = await server.ClientAsync(Identity(7));
        await client.SendAsync("POST", "/api/as", """[{"id":1,"n":0,"word":"x"},{"id":2,"n":4},{"id":3,"n":4,"word":"x"}]""");
        for (int again = 0; again < 3; again++)
        {
            Reply list = await client.SendAsync("GET", "/api/as?count=exact");
            Assert.Equal(200, list.Status);
            Assert.Equal(1, list.Json.GetProperty("page").GetProperty("total").GetInt32());
            Assert.Equal(404, (await client.SendAsync("GET", "/api/as/1")).Status);
            Assert.Equal(404, (await client.SendAsync("GET", "/api/as/2")).Status);
            Assert.Equal(200, (await client.SendAsync("GET", "/api/as/3")).Status);
            Assert.Equal(404, (await client.SendAsync("DELETE", "/api/as/1")).Status);
        }
    }

    [Fact]
    public async Task A_rule_that_is_taken_out_lets_nobody_in_from_then_on()
    {
        const string open = """model A { id Int @id  text String  @@allow("all", true) }""";
        await using RunningServer server = await RunningServer.OpenAsync(open);
        HttpClient client = await server.ClientAsync();
        await client.SendAsync("POST", "/api/as", """{"id":1,"text":"x"}""");
        for (int i = 0; i < 3; i++) Assert.Equal(200, (await client.SendAsync("GET", "/api/as/1")).Status);
        AppSchema closed = Read(open.Replace("@@allow(\"all\", true)", "@@allow(\"create\", true)", StringComparison.Ordinal));
        Assert.True((await server.Engine.ApplyAsync(closed, CancellationToken.None)).IsOk);
        Assert.Equal(401, (await client.SendAsync("GET", "/api/as/1")).Status);
        Assert.Equal(401, (await client.SendAsync("GET", "/api/as")).Status);
        Assert.Equal(401, (await client.SendAsync("PATCH", "/api/as/1", """{"text":"y"}""")).Status);
        Assert.True((await server.Engine.ApplyAsync(Read(open), CancellationToken.None)).IsOk);
        Assert.Equal(200, (await client.SendAsync("GET", "/api/as/1")).Status);
    }

    [Theory]
    [InlineData("X-Tenant-ID: 2")]
    [InlineData("x-tenant-id: 2")]
    [InlineData("Tenant: 2")]
    [InlineData("X-Forwarded-Tenant: 2")]
    public async Task A_tenant_that_a_header_or_a_body_names_is_not_listened_to(string header)
    {
        await using RunningServer server = await RunningServer.OpenAsync("""
            app x { tenancy = row }
            auth { id Int  tenantId Int? }
            model A { id Int @id  text String  @@allow("all", true) }
            """);
        HttpClient first = await server.ClientAsync(Identity(7, 1)), second = await server.ClientAsync(Identity(7, 2)),
            none = await server.ClientAsync(Identity(7));
        await first.SendAsync("POST", "/api/as", """{"id":1,"text":"first"}""", header);
        await second.SendAsync("POST", "/api/as", """{"id":1,"text":"second"}""");
        Assert.Contains("first", (await first.SendAsync("GET", "/api/as/1", null, header)).Body, StringComparison.Ordinal);
        Assert.DoesNotContain("second", (await first.SendAsync("GET", "/api/as", null, header)).Body, StringComparison.Ordinal);
        Assert.Equal(403, (await none.SendAsync("GET", "/api/as", null, header)).Status);
        Assert.InRange((await first.SendAsync("POST", "/api/as", """{"id":2,"text":"x","tenantId":2}""", header)).Status, 400, 422);
        Assert.InRange((await first.SendAsync("PATCH", "/api/as/1", """{"tenantId":2}""", header)).Status, 400, 422);
        Assert.Equal(400, (await first.SendAsync("GET", "/api/as?tenantId=2", null, header)).Status);
    }

    [Theory]
    [InlineData("sort=id;drop%20table%20as")]
    [InlineData("sort=id%22%20desc--")]
    [InlineData("id%22%20or%201=1--=1")]
    [InlineData("filter=id%22%20==%201")]
    [InlineData("select=id,(select%201)")]
    [InlineData("include=a%22b")]
    [InlineData("_version=1")]
    [InlineData("sort=_row")]
    public async Task A_name_that_would_be_SQL_is_an_unknown_name(string query)
    {
        await using RunningServer server = await RunningServer.OpenAsync("""model A { id Int @id  @@allow("all", true) }""");
        HttpClient client = await server.ClientAsync();
        await client.SendAsync("POST", "/api/as", """{"id":1}""");
        Reply reply = await client.SendAsync("GET", "/api/as?" + query);
        Assert.Equal(400, reply.Status);
        Assert.StartsWith("application/problem+json", reply.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Equal(200, (await client.SendAsync("GET", "/api/as/1")).Status);
    }

    [Fact]
    public async Task A_rule_sees_what_the_same_batch_wrote_before_it()
    {
        await using RunningServer server = await RunningServer.OpenAsync("""
            auth { id Int }
            model Team { id Int @id  members Member[]  docs Doc[]  @@allow("all", true) }
            model Member { id Int @id  userId Int  team Team @relation  @@allow("all", true) }
            model Doc { id Int @id  team Team @relation  @@allow("create", team.members.exists(m, m.userId == auth.id)) }
            """);
        HttpClient client = await server.ClientAsync(Identity(7));
        const string team = """{"method":"POST","path":"/api/teams","body":{"id":1}}""",
            member = """{"method":"POST","path":"/api/members","body":{"id":1,"userId":7,"teamId":1}}""",
            doc = """{"method":"POST","path":"/api/docs","body":{"id":1,"teamId":1}}""";
        Reply early = await client.SendAsync("POST", "/api/batch", $$"""{"operations":[{{team}},{{doc}},{{member}}]}""");
        Assert.Equal(403, early.Status);
        Assert.Equal(404, (await client.SendAsync("GET", "/api/teams/1")).Status);
        Reply late = await client.SendAsync("POST", "/api/batch", $$"""{"operations":[{{team}},{{member}},{{doc}}]}""");
        Assert.Equal(200, late.Status);
    }

    [Theory]
    [InlineData("Accept: text/none")]
    [InlineData("Content-Type: text/none")]
    [InlineData("Prefer: explain")]
    public async Task What_a_request_says_of_itself_does_not_turn_a_throttle_into_something_else(string header)
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync(null, static options => options with { RatePerAddress = new RateLimit(0.001, 1) });
        await client.SendAsync("GET", "/api/notes");
        Assert.Equal(429, (await client.SendAsync("POST", "/api/notes", """{"text":"x"}""", header)).Status);
    }

    [Fact]
    public async Task A_put_on_a_key_in_the_trash_is_a_conflict_and_overwrites_nothing()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"id":1,"text":"kept"}""");
        await editor.SendAsync("DELETE", "/api/notes/1");
        Assert.Equal(409, (await editor.SendAsync("PUT", "/api/notes/1", """{"text":"over"}""")).Status);
        Reply restored = await editor.SendAsync("POST", "/api/notes/1/restore");
        Assert.Contains("kept", restored.Body, StringComparison.Ordinal);
    }

    /// <summary>Claims of a type are read member by member, in rules and in defaults; what does not fit is no identity.</summary>
    [Fact]
    public async Task A_claim_within_a_claim_guards_and_fills()
    {
        const string schema = """
            auth { id Int  organization Scope }
            type Scope { id Int  name String? }
            model A { id Int @id  orgId Int @default(auth.organization.id)
              @@allow("read, create", orgId == auth.organization.id) @@deny("all", orgId != auth.organization.id) }
            """;
        await using RunningServer server = await RunningServer.OpenAsync(schema);
        AuthShape shape = server.Engine.Current.Schema.Auth!; // Declared above.
        Value? Claims(string json)
        {
            System.Text.Json.Utf8JsonReader reader = new(System.Text.Encoding.UTF8.GetBytes(json));
            var (claims, problem) = ClaimsReader.Read(shape, ref reader);
            return problem is null ? claims : null;
        }
        foreach (string wrong in new[]
        {
            """{"id":1,"organization":5}""", """{"id":1,"organization":{}}""", """{"id":1,"organization":{"id":"x"}}""",
            """{"id":1,"organization":{"id":1,"more":2}}""", """{"id":1,"organization":[{"id":1}]}""",
        }) Assert.Null(Claims(wrong));
        HttpClient one = await server.ClientAsync(Claims("""{"id":1,"organization":{"id":10,"name":"x"}}""")),
            other = await server.ClientAsync(Claims("""{"id":2,"organization":{"id":20}}"""));
        Assert.Equal(201, (await one.SendAsync("POST", "/api/as", """{"id":1}""")).Status);
        Assert.Equal(200, (await one.SendAsync("GET", "/api/as/1")).Status);
        Assert.Equal(404, (await other.SendAsync("GET", "/api/as/1")).Status);
        Assert.Contains("\"items\":[]", (await other.SendAsync("GET", "/api/as")).Body, StringComparison.Ordinal);
        Assert.Equal(403, (await other.SendAsync("POST", "/api/as", """{"id":2,"orgId":10}""")).Status);
    }
}
