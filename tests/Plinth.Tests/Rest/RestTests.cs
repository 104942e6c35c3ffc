using System.Formats.Cbor;
using System.Text;
using System.Text.Json;
using Plinth.Store;

namespace Plinth.Rest;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class RestTests
{
    [Fact]
    public async Task A_record_lives_from_its_creation_to_its_purge()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);

        Reply created = await editor.SendAsync("POST", "/api/notes", """{"text":"first","slug":"a"}""");
        Assert.Equal(201, created.Status);
        Assert.Equal("/api/notes/1", created.Header("Location"));
        Assert.Equal("\"1.1\"", created.Header("ETag"));
        Assert.Equal("""{"id":1,"text":"first","score":0,"slug":"a","authorId":null}""", created.Body);
        Assert.NotNull(created.Header("Plinth-Position"));

        Reply read = await editor.SendAsync("GET", "/api/notes/1");
        Assert.Equal((200, created.Body, "\"1.1\""), (read.Status, read.Body, read.Header("ETag")));
        Assert.Equal("Accept, Authorization, Cookie, Origin", read.Header("Vary"));
        Assert.Equal(304, (await editor.SendAsync("GET", "/api/notes/1", null, "If-None-Match: W/\"1.1\"")).Status);

        Reply patched = await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"second"}""", "If-Match: \"1.1\"");
        Assert.Equal((200, "\"2.1\""), (patched.Status, patched.Header("ETag")));
        Assert.Equal(412, (await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"third"}""", "If-Match: \"1.1\"")).Status);
        Assert.Equal(412, (await editor.SendAsync("GET", "/api/notes/1", null, "If-Match: \"1.1\"")).Status);

        Reply replaced = await editor.SendAsync("PUT", "/api/notes/1", """{"text":"whole"}""");
        Assert.Equal(200, replaced.Status);
        Assert.Equal(JsonValueKind.Null, replaced.Json.GetProperty("slug").ValueKind);
        Assert.Equal(201, (await editor.SendAsync("PUT", "/api/notes/9", """{"text":"new"}""")).Status);

        Assert.Equal(204, (await editor.SendAsync("DELETE", "/api/notes/1")).Status);
        Assert.Equal(404, (await editor.SendAsync("GET", "/api/notes/1")).Status);
        Reply restored = await editor.SendAsync("POST", "/api/notes/1/restore");
        Assert.Equal((200, "whole"), (restored.Status, restored.Json.GetProperty("text").GetString()));
        Assert.Equal(204, (await editor.SendAsync("DELETE", "/api/notes/1")).Status);
        Assert.Equal(204, (await editor.SendAsync("DELETE", "/api/notes/1?purge=true")).Status);
        Assert.Equal(404, (await editor.SendAsync("POST", "/api/notes/1/restore")).Status);
    }

    [Fact]
    public async Task A_record_tells_its_history()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""");
        await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"b"}""");
        Reply first = await editor.SendAsync("GET", "/api/notes/1/history?limit=1");
        Assert.Equal("created", first.Json.GetProperty("items")[0].GetProperty("kind").GetString());
        string next = first.Json.GetProperty("page").GetProperty("next").GetString()!;
        JsonElement update = (await editor.SendAsync("GET", "/api/notes/1/history?after=" + next)).Json.GetProperty("items")[0];
        Assert.Equal(("updated", "7"), (update.GetProperty("kind").GetString(), update.GetProperty("actor").GetString()));
        Assert.Equal("""{"text":"a"}""", update.GetProperty("before").ToString());
        Assert.Equal("""{"text":"b"}""", update.GetProperty("after").ToString());
        Assert.Equal("malformed_parameter", (await editor.SendAsync("GET", "/api/notes/1/history?after=x")).Code);
        Assert.Equal("unknown_parameter", (await editor.SendAsync("GET", "/api/notes/1/history?filter=x")).Code);
    }

    [Fact]
    public async Task A_short_answer_is_given_to_who_prefers_it()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Reply created = await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""", "Prefer: return=minimal");
        Assert.Equal((201, "", "/api/notes/1", "return=minimal"),
            (created.Status, created.Body, created.Header("Location"), created.Header("Preference-Applied")));
        Reply patched = await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"b"}""", "Prefer: return=minimal");
        Assert.Equal((204, "\"2.1\""), (patched.Status, patched.Header("ETag")));
    }

    [Fact]
    public async Task Lists_include_filter_and_page()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/authors", """{"id":1,"name":"Ada"}""");
        await editor.SendAsync("POST", "/api/notes",
            """[{"text":"a","score":1,"authorId":1},{"text":"b","score":2},{"text":"c","score":3,"authorId":1}]""");

        Reply list = await editor.SendAsync(
            "GET", "/api/notes?score[gte]=2&sort=-score&select=text&include=author(select:name)&count=exact");
        Assert.Equal(
            """
            {"items":[{"id":3,"text":"c","author":{"id":1,"name":"Ada"}},{"id":2,"text":"b","author":null}],
            "page":{"next":null,"previous":null,"limit":20,"total":2}}
            """.ReplaceLineEndings(""), list.Body);
        Reply first = await editor.SendAsync("GET", "/api/notes?limit=2&select=id");
        string next = first.Json.GetProperty("page").GetProperty("next").GetString()!;
        Reply second = await editor.SendAsync("GET", "/api/notes?limit=2&select=id&after=" + Uri.EscapeDataString(next));
        Assert.Equal("""[{"id":3}]""", second.Json.GetProperty("items").ToString());
        Assert.Equal(400, (await editor.SendAsync("GET", "/api/notes?limit=2&sort=text&after=" + Uri.EscapeDataString(next))).Status);

        const string Query = """{"filter":"score > 1 && author.name == 'Ada'","select":["id"]}""";
        foreach (var (method, path) in new[] { ("QUERY", "/api/notes"), ("POST", "/api/notes/query") })
            Assert.Equal("""[{"id":3}]""", (await editor.SendAsync(method, path, Query)).Json.GetProperty("items").ToString());
        Reply aggregate = await editor.SendAsync("GET", "/api/notes/aggregate?count&sum=score&groupBy=authorId");
        Assert.Equal(2, aggregate.Json.GetProperty("groups").GetArrayLength());

        Reply one = await editor.SendAsync("GET", "/api/authors/1?include=notes(select:id)");
        Assert.Matches("^\"1\\.1-[0-9a-f]{16}\"$", one.Header("ETag"));
        Reply many = await editor.SendAsync("PATCH", "/api/notes?score[lt]=3", """{"text":"low"}""");
        Assert.Equal("""{"matched":2,"changed":2}""", many.Body);
        Assert.Equal("filter_required", (await editor.SendAsync("DELETE", "/api/notes")).Code);
        Assert.Equal("""{"matched":1,"changed":1}""", (await editor.SendAsync("DELETE", "/api/notes?text=c")).Body);
    }

    [Fact]
    public async Task Cbor_goes_both_ways_with_native_bytes()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        CborWriter writer = new();
        writer.WriteStartMap(3);
        writer.WriteTextString("id"); writer.WriteInt32(1);
        writer.WriteTextString("name"); writer.WriteTextString("Ada");
        writer.WriteTextString("photo"); writer.WriteByteString([1, 2, 3]);
        writer.WriteEndMap();
        using HttpRequestMessage create = new(HttpMethod.Post, "/api/authors") { Content = new ByteArrayContent(writer.Encode()) };
        create.Content.Headers.ContentType = new("application/cbor");
        create.Headers.Accept.ParseAdd("application/cbor");
        using HttpResponseMessage created = await editor.SendAsync(create);
        Assert.Equal(201, (int)created.StatusCode);
        Assert.Equal("application/cbor", created.Content.Headers.ContentType?.ToString());
        Assert.Equal("\"1.1-c\"", created.Headers.ETag?.Tag);
        CborReader reader = new(await created.Content.ReadAsByteArrayAsync());
        Assert.Equal(3, reader.ReadStartMap());
        reader.ReadTextString(); reader.ReadInt32(); reader.ReadTextString(); reader.ReadTextString();
        Assert.Equal("photo", reader.ReadTextString());
        Assert.Equal([1, 2, 3], reader.ReadByteString());
        Assert.Equal("AQID", (await editor.SendAsync("GET", "/api/authors/1")).Json.GetProperty("photo").GetString());
    }

    [Fact]
    public async Task Forms_are_decided_before_anything_happens()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Assert.Equal("not_acceptable", (await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""", "Accept: text/html")).Code);
        Assert.Equal("unsupported_media_type",
            (await editor.SendAsync("POST", "/api/notes", "text=a", "Content-Type: application/x-www-form-urlencoded")).Code);
        Assert.Equal("unsupported_media_type",
            (await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""", "Content-Type: application/merge-patch+json")).Code);
        Assert.Equal("unsupported_media_type", (await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""", "Content-Encoding: gzip"))
            .Code);
        Assert.Equal("malformed_body", (await editor.SendAsync("DELETE", "/api/notes/1", "{}")).Code);
        Assert.Equal("malformed_header", (await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""", "If-Match: *")).Code);
        Assert.Equal("""[]""", (await editor.SendAsync("GET", "/api/notes")).Json.GetProperty("items").ToString());
    }

    [Fact]
    public async Task A_repeated_key_is_answered_once_and_for_all()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Reply first = await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""", "Idempotency-Key: \"order-1\"");
        Reply again = await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""", "Idempotency-Key: order-1");
        Assert.Equal((201, first.Body, "true"), (again.Status, again.Body, again.Header("Idempotency-Replayed")));
        Assert.Equal(first.Header("Location"), again.Header("Location"));
        Assert.Equal("idempotency_mismatch", (await editor.SendAsync("POST", "/api/notes", """{"text":"b"}""", "Idempotency-Key: order-1"))
            .Code);
        Assert.Equal(201, (await editor.SendAsync("PUT", "/api/notes/50", """{"text":"b"}""", "Idempotency-Key: order-1")).Status);
        Assert.Equal("malformed_header", (await editor.SendAsync("POST", "/api/notes", """{"text":"b"}""", "Idempotency-Key: a b")).Code);
        HttpClient anonymous = await server.ClientAsync();
        Assert.Equal("malformed_header", (await anonymous.SendAsync("POST", "/api/notes", """{"text":"b"}""", "Idempotency-Key: short"))
            .Code);
    }

    [Fact]
    public async Task A_batch_is_one_or_many()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Reply all = await editor.SendAsync("POST", "/api/batch", """
            {"operations":[{"method":"POST","path":"/api/notes","body":{"text":"a"}},
             {"method":"PATCH","path":"/api/notes/1","body":{"text":"b"},"headers":{"If-Match":"\"1.1\""}},
             {"method":"DELETE","path":"/api/notes?text=zzz"}]}
            """);
        Assert.Equal(200, all.Status);
        JsonElement[] results = [.. all.Json.GetProperty("results").EnumerateArray()];
        Assert.Equal([201, 200, 200], results.Select(r => r.GetProperty("status").GetInt32()));
        Assert.Equal("/api/notes/1", results[0].GetProperty("location").GetString());
        Assert.Equal(("b", "\"2.1\""), (results[1].GetProperty("body").GetProperty("text").GetString(), results[1].GetProperty("etag")
            .GetString()));

        Reply none = await editor.SendAsync(
            "POST", "/api/batch",
            """
            {"operations":[{"method":"POST","path":"/api/notes","body":{"text":"c"}},
             {"method":"POST","path":"/api/notes","body":{"text":""}}]}
            """);
        Assert.Equal((422, "validation_failed"), (none.Status, none.Code));
        Assert.StartsWith("operations[1]", none.Json.GetProperty("details")[0].GetProperty("field").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, (await editor.SendAsync("GET", "/api/notes?count=exact")).Json.GetProperty("page").GetProperty("total").GetInt32());

        Reply some = await editor.SendAsync(
            "POST", "/api/batch",
            """
            {"atomic":false,"operations":[{"method":"POST","path":"/api/notes","body":{"text":"c"}},
             {"method":"DELETE","path":"/api/notes/99"}]}
            """);
        Assert.Equal([201, 404], some.Json.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("status").GetInt32()));
        Assert.Equal("not_found", some.Json.GetProperty("results")[1].GetProperty("problem").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("[]", "malformed_body")]
    [InlineData("{}", "malformed_body")]
    [InlineData("""{"operations":[],"x":1}""", "malformed_body")]
    [InlineData("""{"operations":[1]}""", "malformed_body")]
    [InlineData("""{"operations":[{"method":"POST"}]}""", "malformed_body")]
    [InlineData("""{"operations":[{"method":"POST","path":"/api/notes"}]}""", "malformed_body")]
    [InlineData("""{"operations":[{"method":"DELETE","path":"/api/notes/1","body":{}}]}""", "malformed_body")]
    [InlineData("""{"operations":[{"method":"GET","path":"/api/notes/1"}]}""", "method_not_allowed")]
    [InlineData("""{"operations":[{"method":"POST","path":"/api/batch","body":{}}]}""", "unknown_path")]
    [InlineData("""{"operations":[{"method":"DELETE","path":"/api/notes/1?x=1"}]}""", "unknown_parameter")]
    [InlineData("""{"operations":[{"method":"DELETE","path":"/api/notes/1","headers":{"Cookie":"a"}}]}""", "malformed_body")]
    [InlineData("""{"operations":[{"method":"DELETE","path":"/api/notes/1","method":"POST"}]}""", "malformed_body")]
    public async Task A_batch_that_cannot_be_read_is_refused_whole(string body, string code)
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Reply reply = await editor.SendAsync("POST", "/api/batch", body);
        Assert.Equal(code, reply.Code);
    }

    [Fact]
    public async Task Lines_are_created_all_or_none()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        StringBuilder lines = new();
        for (int i = 0; i < 2500; i++) lines.Append("{\"text\":\"n").Append(i).Append("\"}\n");
        Reply created = await editor.SendAsync("POST", "/api/notes", lines.ToString(), "Content-Type: application/x-ndjson");
        Assert.Equal((201, """{"created":2500}"""), (created.Status, created.Body));
        Reply refused = await editor.SendAsync("POST", "/api/notes", lines + "{\"text\":\"\"}\n", "Content-Type: application/x-ndjson");
        Assert.Equal("validation_failed", refused.Code);
        Assert.Equal("[2500].text", refused.Json.GetProperty("details")[0].GetProperty("field").GetString());
        Reply broken = await editor.SendAsync("POST", "/api/notes", lines + "{\"text\":", "Content-Type: application/x-ndjson");
        Assert.Equal("malformed_body", broken.Code);
        Assert.Equal(2500, (await editor.SendAsync("GET", "/api/notes?count=exact&limit=1")).Json.GetProperty("page").GetProperty("total")
            .GetInt32());
    }

    [Fact]
    public async Task Composite_keys_stand_in_urls()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Reply created = await editor.SendAsync("POST", "/api/seats", """{"row":"A,B/ä","number":7}""");
        Assert.Equal("/api/seats/A%2CB%2F%C3%A4,7", created.Header("Location"));
        Reply read = await editor.SendAsync("GET", created.Header("Location")!);
        Assert.Equal((200, created.Body), (read.Status, read.Body));
        Assert.Equal("malformed_parameter", (await editor.SendAsync("GET", "/api/seats/A")).Code);
    }

    [Fact]
    public async Task A_version_field_demands_a_precondition()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Reply created = await editor.SendAsync("POST", "/api/ledgers", """{"id":1,"amount":"1.50"}""");
        Assert.Equal("1.50", created.Json.GetProperty("amount").GetString());
        Assert.Equal((428, "precondition_required"), await Of(editor.SendAsync("PATCH", "/api/ledgers/1", """{"amount":"2"}""")));
        Assert.Equal(200, (await editor.SendAsync("PATCH", "/api/ledgers/1", """{"amount":"2"}""", "If-Match: " + created.Header("ETag")))
            .Status);

        static async Task<(int, string)> Of(Task<Reply> reply) => ((await reply).Status, (await reply).Code);
    }

    [Fact]
    public async Task Answers_tell_their_position_and_wait_for_one()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Reply created = await editor.SendAsync("POST", "/api/notes", """{"text":"a"}""");
        string position = created.Header("Plinth-Position")!;
        Reply read = await editor.SendAsync("GET", "/api/notes/1", null, "Plinth-Min-Position: " + position);
        Assert.Equal(200, read.Status);
        Assert.Contains("sql;dur=", read.Header("Server-Timing"), StringComparison.Ordinal);
        Reply behind = await editor.SendAsync("GET", "/api/notes/1", null, "Plinth-Min-Position: 999999");
        Assert.Equal((503, "not_ready", "1"), (behind.Status, behind.Code, behind.Header("Retry-After")));
        Assert.Equal("malformed_header", (await editor.SendAsync("GET", "/api/notes/1", null, "Plinth-Min-Position: soon")).Code);
        Assert.Equal(200, (await editor.SendAsync("GET", "/api/notes/1", null, "Plinth-Max-Staleness: 0.5")).Status);
        foreach (string wrong in new[] { "soon", "-1", "1e3", "86401", "1,5" })
        {
            Reply refused = await editor.SendAsync("GET", "/api/notes/1", null, "Plinth-Max-Staleness: " + wrong);
            Assert.Equal((400, "malformed_header"), (refused.Status, refused.Code));
        }
    }

    [Fact]
    public async Task A_conflict_has_the_code_that_the_schema_gives_it()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"text":"a","slug":"s"}""");
        Reply taken = await editor.SendAsync("POST", "/api/notes", """{"text":"b","slug":"s"}""");
        Assert.Equal((409, "slug_already_exist"), (taken.Status, taken.Code));
        Reply page = await editor.SendAsync("GET", taken.Json.GetProperty("type").GetString()!);
        Assert.Equal((200, 409), (page.Status, page.Json.GetProperty("status").GetInt32()));
    }
}
