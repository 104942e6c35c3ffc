using System.Text.Json;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Rest;

/// <summary>
/// <c>Prefer: explain</c>: a refusal or an empty list says which rule and which of its terms decided, to the roles that were set and to
/// nobody else, and never a value.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class ExplainTests
{
    const string Schema = """
        app x { tenancy = row }
        auth { id Int  role Role?  tenantId Int? }
        enum Role { support sales }
        model Deal {
          id Int @id
          title String
          ownerId Int?
          margin Int? @allow("read, write", auth.role == "sales")
          grade Int? @allow("write", ownerId == auth.id)
          @@softDelete
          @@allow("read, update", ownerId == auth.id && title != "shut")
          @@allow("create", auth.role == "sales", after: ownerId == auth.id)
          @@deny("delete", title.startsWith("quiet"))
          @@allow("delete, restore", ownerId == auth.id)
        }
        model Pin { id Int @id  note String  @@allow("read", note == "none such") }
        """;

    const string Asked = "Prefer: explain";

    static async Task<(RunningServer Server, Func<string?, int?, Task<HttpClient>> As)> OpenAsync()
    {
        RunningServer server = await RunningServer.OpenAsync(Schema);
        Task<HttpClient> As(string? role, int? tenant) => server.ClientAsync(Identity(7, role, tenant),
            static options => options with { Mode = Http.ServerMode.Dev, ExplainRoles = ["support"] });
        HttpClient seller = await server.ClientAsync(Identity(88888, "sales", 1));
        foreach (string body in new[] { """{"id":1,"title":"quiet-words","ownerId":88888}""", """{"id":2,"title":"b","ownerId":88888}""" })
            Assert.Equal(201, (await seller.SendAsync("POST", "/api/deals", body)).Status);
        await seller.SendAsync("DELETE", "/api/deals/2");
        return (server, As);
    }

    static Value Identity(int id, string? role, int? tenant)
    {
        List<KeyValuePair<string, Value>> claims = [new("id", Value.From(id))];
        if (role is not null) claims.Add(new("role", Value.From(role)));
        if (tenant is { } own) claims.Add(new("tenantId", Value.From(own)));
        return Value.FromMap(new ValueMap([.. claims]));
    }

    public static TheoryData<string, string, string?, int> Refusals => new()
    {
        { "GET", "/api/deals/1", null, 404 },
        { "PATCH", "/api/deals/1", """{"title":"x"}""", 404 },
        { "DELETE", "/api/deals/1", null, 404 },
        { "DELETE", "/api/deals/1?purge=true", null, 403 },
        { "PUT", "/api/deals/9", """{"title":"x","ownerId":7}""", 403 },
        { "POST", "/api/deals", """{"id":3,"title":"x"}""", 403 },
        { "POST", "/api/deals/2/restore", null, 404 },
        { "GET", "/api/deals/1/history", null, 404 },
        { "PATCH", "/api/pins?note=x", """{"note":"y"}""", 403 },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_refusal_is_explained_to_whom_it_may_be_and_to_nobody_else(string method, string path, string? body, int status)
    {
        var (server, As) = await OpenAsync();
        await using (server)
        {
            HttpClient support = await As("support", 1), seller = await As("sales", 1), other = await As("support", 2);
            Reply plain = await support.SendAsync(method, path, body), told = await support.SendAsync(method, path, body, Asked);
            Assert.Equal(status, told.Status);
            Assert.Equal(status, plain.Status);
            Assert.DoesNotContain("explain", plain.Body, StringComparison.Ordinal);
            Assert.Equal("explain", told.Header("Preference-Applied"));
            JsonElement[] operations = [.. told.Json.GetProperty("explain").EnumerateArray()];
            Assert.NotEmpty(operations);
            foreach (JsonElement rule in operations.SelectMany(static o => o.GetProperty("rules").EnumerateArray()))
            {
                Assert.StartsWith("schema.plinth:", rule.GetProperty("place").GetString(), StringComparison.Ordinal);
                Assert.StartsWith("@@", rule.GetProperty("rule").GetString(), StringComparison.Ordinal);
            }
            // A rule may name a value; a record's own, and the caller's, are in no answer.
            Assert.DoesNotContain("88888", told.Body, StringComparison.Ordinal);
            Assert.DoesNotContain("quiet-words", told.Body, StringComparison.Ordinal);
            Reply wrong = await seller.SendAsync(method, path, body, Asked);
            Assert.DoesNotContain("explain", wrong.Body, StringComparison.Ordinal);
            Assert.Null(wrong.Header("Preference-Applied"));
            HttpClient nobody = await server.ClientAsync(null, static options => options with { ExplainRoles = ["support"] });
            Reply anonymous = await nobody.SendAsync(method, path, body, Asked);
            Assert.DoesNotContain("explain", anonymous.Body, StringComparison.Ordinal);
            // Another tenant's record is one that is not there, whoever may be told.
            string foreign = (await other.SendAsync(method, path, body, Asked)).Body;
            Assert.DoesNotContain("\"there\"", foreign.Replace("auth.id\",\"is\":\"there\"", "", StringComparison.Ordinal)
                .Replace("auth.role\",\"is\":\"there\"", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Terms_say_what_they_come_to_and_which_values_are_there()
    {
        var (server, As) = await OpenAsync();
        await using (server)
        {
            HttpClient support = await As("support", 1);
            JsonElement get = (await support.SendAsync("GET", "/api/deals/1", null, Asked)).Json.GetProperty("explain")[0];
            Assert.Equal("refused: no rule that allows it is true", get.GetProperty("verdict").GetString());
            JsonElement rule = get.GetProperty("rules")[0];
            Assert.Equal("schema.plinth:11:3", rule.GetProperty("place").GetString());
            Assert.Equal("false", rule.GetProperty("truth").GetString());
            JsonElement[] terms = [.. rule.GetProperty("terms").EnumerateArray()];
            Assert.Equal("ownerId == auth.id", terms[0].GetProperty("term").GetString());
            Assert.Equal("false", terms[0].GetProperty("truth").GetString());
            Assert.Equal("""[{"name":"auth.id","is":"there"},{"name":"ownerId","is":"there"}]""",
                terms[0].GetProperty("reads").GetRawText());
            Assert.Equal("true", terms[1].GetProperty("truth").GetString());
            string absent = (await support.SendAsync("GET", "/api/deals/99", null, Asked)).Body;
            Assert.Contains("there is no such record, or it is in the trash", absent, StringComparison.Ordinal);
            string delete = (await support.SendAsync("DELETE", "/api/deals/1", null, Asked)).Body;
            Assert.Contains("refused by schema.plinth:13:3", delete, StringComparison.Ordinal);
            HttpClient nowhere = await As("support", null);
            string tenantless = (await nowhere.SendAsync("GET", "/api/deals/1", null, Asked)).Body;
            Assert.Contains("the identity has no tenantId", tenantless, StringComparison.Ordinal);
        }
    }

    /// <summary>An empty list says whether there is nothing, all is hidden or the request left it out; its filter is run over nothing
    /// hidden.</summary>
    [Fact]
    public async Task An_empty_list_says_why_and_its_filter_asks_nothing_of_hidden_records()
    {
        var (server, As) = await OpenAsync();
        await using (server)
        {
            HttpClient support = await As("support", 1);
            JsonElement Explained(Reply reply) => reply.Json.GetProperty("explain")[0];
            Reply list = await support.SendAsync("GET", "/api/deals", null, Asked);
            Assert.Equal("explain", list.Header("Preference-Applied"));
            Assert.Equal("hidden", Explained(list).GetProperty("records").GetString());
            Assert.Contains("\"truth\":\"true of none\"", list.Body, StringComparison.Ordinal);
            Assert.Equal("none", Explained(await support.SendAsync("GET", "/api/pins", null, Asked)).GetProperty("records").GetString());
            string hit = Explained(await support.SendAsync("GET", "/api/deals?title=quiet-words", null, Asked)).GetRawText();
            Assert.Equal(Explained(await support.SendAsync("GET", "/api/deals?title=nothing", null, Asked)).GetRawText(), hit);
            HttpClient seller = await server.ClientAsync(Identity(88888, "support", 1), static o => o with { ExplainRoles = ["support"] });
            Reply left = await seller.SendAsync("GET", "/api/deals?title=else", null, Asked);
            Assert.Equal("left out", Explained(left).GetProperty("records").GetString());
            Assert.DoesNotContain("explain", (await seller.SendAsync("GET", "/api/deals", null, Asked)).Body, StringComparison.Ordinal);
            Assert.DoesNotContain("explain", (await (await As("sales", 1)).SendAsync("GET", "/api/deals", null, Asked)).Body,
                StringComparison.Ordinal);
        }
    }

    /// <summary>A field that is closed is unknown; whom rules are explained to is told by which rule.</summary>
    [Fact]
    public async Task A_closed_field_says_by_which_rule()
    {
        var (server, As) = await OpenAsync();
        await using (server)
        {
            HttpClient support = await As("support", 1);
            Reply sorted = await support.SendAsync("GET", "/api/deals?sort=margin", null, Asked);
            Assert.Equal("unknown_field", sorted.Code);
            JsonElement told = Assert.Single(sorted.Json.GetProperty("explain").EnumerateArray());
            Assert.Equal(("read", "margin"), (told.GetProperty("operation").GetString(), told.GetProperty("field").GetString()));
            Assert.Equal("refused: no rule that allows it is true", told.GetProperty("verdict").GetString());
            Assert.StartsWith("@allow auth.role", told.GetProperty("rules")[0].GetProperty("rule").GetString(), StringComparison.Ordinal);
            Assert.StartsWith("schema.plinth:8:", told.GetProperty("rules")[0].GetProperty("place").GetString(), StringComparison.Ordinal);
            HttpClient seller = await As("sales", 1);
            Assert.Equal(201, (await seller.SendAsync("POST", "/api/deals", """{"id":9,"title":"x","ownerId":7}""")).Status);
            Reply written = await support.SendAsync("PATCH", "/api/deals/9", """{"margin":1}""", Asked);
            Assert.Equal(422, written.Status);
            Assert.Equal(["read", "write"], written.Json.GetProperty("explain").EnumerateArray()
                .Where(static e => e.TryGetProperty("field", out _)).Select(static e => e.GetProperty("operation").GetString()));
            Assert.DoesNotContain("explain", (await support.SendAsync("GET", "/api/deals?sort=margin")).Body, StringComparison.Ordinal);
            Assert.DoesNotContain("explain", (await support.SendAsync("GET", "/api/deals?sort=nonsense", null, Asked)).Body,
                StringComparison.Ordinal);
            HttpClient other = await As(null, 1);
            Assert.DoesNotContain("explain", (await other.SendAsync("GET", "/api/deals?sort=margin", null, Asked)).Body,
                StringComparison.Ordinal);
        }
    }

    const string Batch = """
        {"atomic":ATOMIC,"operations":[
          {"method":"POST","path":"/api/deals","body":{"id":8,"title":"x","ownerId":7}},
          {"method":"PATCH","path":"/api/deals/1","body":{"title":"x"},"headers":{"Prefer":"OWN"}},
          {"method":"DELETE","path":"/api/deals/9?purge=true"}]}
        """;

    static string Operations(bool atomic, string own) => Batch
        .Replace("ATOMIC", atomic ? "true" : "false", StringComparison.Ordinal).Replace("OWN", own, StringComparison.Ordinal);

    [Fact]
    public async Task Each_refused_operation_of_a_batch_is_explained()
    {
        var (server, As) = await OpenAsync();
        await using (server)
        {
            HttpClient support = await As("support", 1);
            Reply told = await support.SendAsync("POST", "/api/batch", Operations(atomic: false, "return=minimal"), Asked);
            Assert.Equal((200, "explain"), (told.Status, told.Header("Preference-Applied")));
            JsonElement[] results = [.. told.Json.GetProperty("results").EnumerateArray()];
            Assert.Equal([403, 404, 403], results.Select(static r => r.GetProperty("status").GetInt32()));
            string[][] asked = [.. results.Select(static r => r.GetProperty("problem").GetProperty("explain").EnumerateArray()
                .Select(static e => e.GetProperty("operation").GetString()!).ToArray())];
            Assert.Equal([["create"], ["get", "update"], ["get", "purge"]], asked);
            Assert.DoesNotContain("quiet-words", told.Body, StringComparison.Ordinal);
            Assert.DoesNotContain("88888", told.Body, StringComparison.Ordinal);
            // Of one operation alone; a plain batch of the same caller says nothing.
            Reply one = await support.SendAsync("POST", "/api/batch", Operations(atomic: false, "explain"));
            Assert.Equal([false, true, false], one.Json.GetProperty("results").EnumerateArray()
                .Select(static r => r.GetProperty("problem").TryGetProperty("explain", out _)));
            Reply plain = await support.SendAsync("POST", "/api/batch", Operations(atomic: false, "return=minimal"));
            Assert.DoesNotContain("explain", plain.Body, StringComparison.Ordinal);
            Assert.Null(plain.Header("Preference-Applied"));
        }
    }

    [Fact]
    public async Task The_operation_that_refuses_a_whole_batch_is_explained_to_whom_it_may_be()
    {
        var (server, As) = await OpenAsync();
        await using (server)
        {
            HttpClient support = await As("support", 1), seller = await As("sales", 1), other = await As("support", 2);
            Reply whole = await support.SendAsync("POST", "/api/batch", Operations(atomic: true, "return=minimal"), Asked);
            Assert.Equal((403, "explain"), (whole.Status, whole.Header("Preference-Applied")));
            Assert.Equal("create", Assert.Single(whole.Json.GetProperty("explain").EnumerateArray()).GetProperty("operation").GetString());
            // Whoever may not be told is told nothing, asked of the batch or of its operation.
            foreach (string own in new[] { "return=minimal", "explain" })
            {
                Reply refused = await seller.SendAsync("POST", "/api/batch", Operations(atomic: true, own), Asked);
                Assert.InRange(refused.Status, 403, 404);
                Assert.DoesNotContain("\"explain\"", refused.Body, StringComparison.Ordinal);
                Assert.Null(refused.Header("Preference-Applied"));
            }
            const string Only = """{"operations":[{"method":"PATCH","path":"/api/deals/1","body":{"margin":1}}]}""";
            Reply closed = await support.SendAsync("POST", "/api/batch", Only, Asked);
            Assert.Contains("\"field\":\"margin\"", closed.Json.GetProperty("explain").GetRawText(), StringComparison.Ordinal);
            string titled = Only.Replace("margin\":1", "title\":\"x\"", StringComparison.Ordinal);
            string foreign = (await other.SendAsync("POST", "/api/batch", titled, Asked)).Json.GetProperty("explain").GetRawText();
            Assert.Contains("there is no such record", foreign, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_revert_is_explained_by_what_it_needs()
    {
        var (server, As) = await OpenAsync();
        await using (server)
        {
            HttpClient support = await As("support", 1);
            Reply told = await support.SendAsync("POST", "/api/deals/1/revert?version=1", null, Asked);
            Assert.Equal(404, told.Status);
            Assert.Equal(["get", "update"],
                told.Json.GetProperty("explain").EnumerateArray().Select(static e => e.GetProperty("operation").GetString()));
        }
    }

    [Fact]
    public async Task Roles_that_are_not_there_and_everyone_in_production_are_refused_at_the_start()
    {
        Http.ServerOptions serve = new() { Mode = Http.ServerMode.Serve, Version = "test", ExplainRoles = ["*"] };
        Assert.Contains("explain.roles", serve.Refusal(), StringComparison.Ordinal);
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        Assert.Contains("'boss' is no value of Role", (serve with { ExplainRoles = ["boss"] }).Refusal(server.Engine.Current.Schema),
            StringComparison.Ordinal);
        Assert.Null((serve with { ExplainRoles = ["support"] }).Refusal(server.Engine.Current.Schema));
        await using RunningServer bare = await RunningServer.OpenAsync("model A { id Int @id  @@allow(\"read\", true) }");
        Assert.Contains("needs a claim", (serve with { ExplainRoles = ["support"] }).Refusal(bare.Engine.Current.Schema),
            StringComparison.Ordinal);
    }
}
