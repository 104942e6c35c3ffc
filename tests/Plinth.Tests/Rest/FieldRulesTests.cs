using Plinth.Schema;

namespace Plinth.Rest;

/// <summary>
/// Rules of fields beyond what <c>cases/rest/attributes/allow-*.case</c> tell: caches, tags, descriptions, guesses, bulk.
/// </summary>
public class FieldRulesTests
{
    const string Schema = """
        auth { id Int  role String? }
        model Person {
          id Int @id
          name String
          revision Int @version
          salary Int? @allow("read", auth.role == "hr")
          diary Text @default("") @allow("read", id == auth.id)
          rank Int @default(0) @allow("write", auth.role == "hr")
          pin String? @allow("read", false)
          vault String? @allow("read, write", auth.role == "hr")
          @@fulltext([name, salaryNote, diary])
          salaryNote String @default("") @allow("read", auth.role == "hr")
          @@allow("all", true)
        }
        """;

    static Value Identity(long id, string? role = null) => Value.FromMap(new ValueMap(role is null
        ? [new("id", Value.From(id))]
        : [new("id", Value.From(id)), new("role", Value.From(role))]));

    static async Task<(RunningServer Server, HttpClient Hr, HttpClient Ada)> OpenAsync()
    {
        RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient hr = await server.ClientAsync(Identity(9, "hr"));
        Reply created = await hr.SendAsync("POST", "/api/persons",
            """[{"id":1,"name":"Ada","salary":90,"diary":"dear","pin":"1234","salaryNote":"rich","vault":"v"},{"id":2,"name":"Bo"}]""");
        Assert.Equal(201, created.Status);
        return (server, hr, await server.ClientAsync(Identity(1)));
    }

    [Fact]
    public async Task A_record_kept_for_one_caller_shows_no_other_what_they_may_not_read()
    {
        var (server, hr, ada) = await OpenAsync();
        await using var _ = server;
        for (int i = 0; i < 3; i++)
        {
            Assert.Contains("salary\":90", (await hr.SendAsync("GET", "/api/persons/1")).Body, StringComparison.Ordinal);
            Assert.Equal("""{"id":1,"name":"Ada","revision":1,"diary":"dear","rank":0}""",
                (await ada.SendAsync("GET", "/api/persons/1")).Body);
            Assert.Equal("""{"id":2,"name":"Bo","revision":1,"rank":0}""", (await ada.SendAsync("GET", "/api/persons/2")).Body);
        }
    }

    [Fact]
    public async Task Where_a_record_shows_each_caller_something_else_a_hash_of_the_body_joins_the_tag()
    {
        var (server, _, ada) = await OpenAsync();
        await using var disposed = server;
        HttpClient bo = await server.ClientAsync(Identity(2));
        string? hers = (await ada.SendAsync("GET", "/api/persons/1")).Header("ETag");
        string? his = (await bo.SendAsync("GET", "/api/persons/1")).Header("ETag");
        Assert.NotEqual(hers, his);
        Reply changed = await ada.SendAsync("PATCH", "/api/persons/1", """{"name":"Ada L"}""", "If-Match: " + hers);
        Assert.Equal(200, changed.Status);
        Assert.Equal((await ada.SendAsync("GET", "/api/persons/1")).Header("ETag"), changed.Header("ETag"));
        Assert.Equal(304, (await ada.SendAsync("GET", "/api/persons/1", null, "If-None-Match: " + changed.Header("ETag"))).Status);
    }

    [Fact]
    public async Task A_guess_at_a_hidden_value_is_a_change_whether_it_was_right_or_wrong()
    {
        var (server, _, ada) = await OpenAsync();
        await using var disposed = server;
        Reply right = await ada.SendAsync("PATCH", "/api/persons/1", """{"pin":"1234"}""", "If-Match: *");
        Reply wrong = await ada.SendAsync("PATCH", "/api/persons/2", """{"pin":"1234"}""", "If-Match: *");
        Assert.Equal(2, right.Json.GetProperty("revision").GetInt32());
        Assert.Equal(2, wrong.Json.GetProperty("revision").GetInt32());
        Assert.DoesNotContain("pin", right.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Descriptions_know_a_field_only_as_far_as_the_caller_does()
    {
        var (server, hr, ada) = await OpenAsync();
        await using var _ = server;
        string forHr = (await hr.SendAsync("GET", "/openapi.json")).Body;
        Assert.Contains("\"salary\"", forHr, StringComparison.Ordinal);
        Assert.Contains("\"vault\"", forHr, StringComparison.Ordinal);
        var schemas = (await ada.SendAsync("GET", "/openapi.json")).Json.GetProperty("components").GetProperty("schemas");
        var record = schemas.GetProperty("Person").GetProperty("properties");
        var input = schemas.GetProperty("PersonCreate").GetProperty("properties");
        Assert.Equal("id name revision diary rank", string.Join(' ', record.EnumerateObject().Select(p => p.Name)));
        Assert.Equal("id name salary diary pin salaryNote", string.Join(' ', input.EnumerateObject().Select(p => p.Name)));
        string described = (await ada.SendAsync("GET", "/schema.json")).Body;
        Assert.DoesNotContain("vault", described, StringComparison.Ordinal);
        Assert.DoesNotContain("auth.role", described, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rich", 0)]
    [InlineData("dear", 1)]
    [InlineData("Ada dear", 1)]
    [InlineData("Ada rich", 0)]
    public async Task A_search_finds_nothing_by_words_that_the_caller_may_not_read(string words, int found)
    {
        var (server, hr, ada) = await OpenAsync();
        await using var _ = server;
        string path = "/api/persons?search=" + Uri.EscapeDataString(words);
        Assert.Equal(found, (await ada.SendAsync("GET", path)).Json.GetProperty("items").GetArrayLength());
        int open = words.Contains("dear", StringComparison.Ordinal) ? 0 : 1;
        Assert.Equal(open, (await hr.SendAsync("GET", path)).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task A_bulk_create_is_held_to_the_rules_of_fields()
    {
        var (server, hr, ada) = await OpenAsync();
        await using var _ = server;
        string[] lines = ["Content-Type: application/x-ndjson"];
        Reply refused = await ada.SendAsync("POST", "/api/persons", "{\"id\":5,\"name\":\"x\",\"rank\":5}\n", lines);
        Assert.Equal((403, "forbidden"), (refused.Status, refused.Code));
        Reply unknown = await ada.SendAsync("POST", "/api/persons", "{\"id\":5,\"name\":\"x\",\"vault\":\"5\"}\n", lines);
        Assert.Equal((422, "validation_failed"), (unknown.Status, unknown.Code));
        Assert.Equal(201,
            (await hr.SendAsync("POST", "/api/persons", "{\"id\":5,\"name\":\"x\",\"rank\":5,\"vault\":\"5\"}\n", lines)).Status);
    }

    [Fact]
    public async Task A_hint_names_no_field_that_the_caller_does_not_know()
    {
        var (server, _, ada) = await OpenAsync();
        await using var disposed = server;
        foreach (string path in new[] { "/api/persons?sort=salery", "/api/persons?filter=salery==1", "/api/persons?salery=1" })
            Assert.DoesNotContain("salary", (await ada.SendAsync("GET", path)).Body, StringComparison.Ordinal);
        Assert.DoesNotContain("'vault'", (await ada.SendAsync("PATCH", "/api/persons/1", """{"vaults":"x"}""", "If-Match: *")).Body,
            StringComparison.Ordinal);
    }
}
