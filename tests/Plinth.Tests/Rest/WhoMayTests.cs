using Plinth.Store;

namespace Plinth.Rest;

/// <summary>Every route, asked by nobody, by someone who may not, and by someone who may.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class WhoMayTests
{
    public static TheoryData<string, string, string?, string> Routes => new()
    {
        // method, path, body; then what nobody, a reader and an editor are answered
        { "GET", "/api/notes", null, "200 200 200" },
        { "HEAD", "/api/notes", null, "200 200 200" },
        { "QUERY", "/api/notes", "{}", "200 200 200" },
        { "POST", "/api/notes/query", "{}", "200 200 200" },
        { "GET", "/api/notes/aggregate", null, "200 200 200" },
        { "GET", "/api/notes/1", null, "200 200 200" },
        { "HEAD", "/api/notes/1", null, "200 200 200" },
        { "GET", "/api/notes/99", null, "404 404 404" },
        { "GET", "/api/notes/1/history", null, "200 200 200" },
        { "GET", "/api/notes/99/history", null, "404 404 404" },
        { "POST", "/api/notes/1/revert?version=1", null, "401 403 200" },
        { "POST", "/api/notes/99/revert?version=1", null, "404 404 404" },
        { "POST", "/api/notes/1/erase", null, "401 403 403" },
        { "POST", "/api/notes/99/erase", null, "401 403 403" },
        { "GET", "/api/seats/A,1/history", null, "401 403 404" },
        { "GET", "/api/hiddens/1/history", null, "401 403 403" },
        { "POST", "/api/notes", """{"text":"x"}""", "401 403 201" },
        { "POST", "/api/notes", """[{"text":"x"}]""", "401 403 201" },
        { "PATCH", "/api/notes/1", """{"text":"y"}""", "401 403 200" },
        { "PATCH", "/api/notes?score=0", """{"text":"y"}""", "401 403 200" },
        { "PUT", "/api/notes/1", """{"text":"z"}""", "401 403 200" },
        { "DELETE", "/api/notes/2", null, "401 403 204" },
        { "DELETE", "/api/notes?text=nothing", null, "401 403 200" },
        { "POST", "/api/notes/3/restore", null, "401 403 200" },
        { "DELETE", "/api/notes/4?purge=true", null, "401 403 204" },
        { "POST", "/api/batch", """{"operations":[{"method":"POST","path":"/api/notes","body":{"text":"x"}}]}""", "401 403 200" },
        { "GET", "/api/seats", null, "401 403 200" },
        { "GET", "/api/seats/A,1", null, "401 403 404" },
        { "GET", "/api/seats/aggregate", null, "401 403 200" },
        { "GET", "/api/hiddens", null, "401 403 403" },
        { "GET", "/api/hiddens/1", null, "401 403 403" },
        { "POST", "/api/hiddens", """{"id":1}""", "401 403 403" },
        { "GET", "/realtime", null, "400 400 400" },
        { "POST", "/realtime/ticket", null, "401 401 401" },
        { "GET", "/realtime?query=%7B%22model%22:%22Seat%22,%22limit%22:0%7D", null, "401 403 400" },
        { "GET", "/realtime?query=%7B%22model%22:%22Hidden%22%7D", null, "401 403 403" },
        { "GET", "/openapi.json", null, "200 200 200" },
        { "GET", "/schema.json", null, "200 200 200" },
        { "GET", "/docs", null, "200 200 200" },
        { "GET", "/livez", null, "200 200 200" },
        { "GET", "/readyz", null, "200 200 200" },
        { "GET", "/version", null, "200 200 200" },
        { "GET", "/metrics", null, "200 200 200" },
        { "GET", "/followers", null, "200 200 200" },
        { "GET", "/projections", null, "200 200 200" },
        { "POST", "/followers/nobody/resume", null, "404 404 404" },
        { "POST", "/followers/nobody/skip", null, "404 404 404" },
        { "GET", "/errors", null, "200 200 200" },
        { "GET", "/errors/conflict", null, "200 200 200" },
        { "GET", "/errors/nonsense", null, "404 404 404" },
        { "GET", "/", null, "200 200 200" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Each_caller_gets_what_the_rules_give(string method, string path, string? body, string expected)
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """[{"text":"a"},{"text":"b"},{"text":"c"},{"text":"d"}]""");
        await editor.SendAsync("DELETE", "/api/notes/3");
        await editor.SendAsync("DELETE", "/api/notes/4");
        long before = server.Engine.Position;
        Reply nobody = await (await server.ClientAsync()).SendAsync(method, path, body);
        Reply reader = await (await server.ClientAsync(RunningServer.Reader)).SendAsync(method, path, body);
        Assert.Equal(before, server.Engine.Position);
        Reply other = await editor.SendAsync(method, path, body);
        Assert.Equal(expected, $"{nobody.Status} {reader.Status} {other.Status}");
        foreach (Reply reply in new[] { nobody, reader, other }) Assert.NotNull(reply.Header("X-Request-Id"));
        if (nobody.Status == 401) Assert.Equal("unauthorized", nobody.Code);
        if (reader.Status == 403) Assert.Equal("forbidden", reader.Code);
    }

    [Fact]
    public async Task A_token_is_refused_wherever_identity_is_used_and_nowhere_else()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync();
        foreach (var (path, status) in new[] { ("/api/notes", 401), ("/api/notes/1", 401), ("/openapi.json", 401), ("/schema.json", 401),
            ("/livez", 200), ("/readyz", 200) })
            Assert.Equal(status, (await client.SendAsync("GET", path, null, "Authorization: Bearer abc")).Status);
    }

    [Fact]
    public async Task Absent_and_hidden_records_have_the_same_answer()
    {
        await using RunningServer server = await RunningServer.OpenAsync("""
            auth { id Int }
            model Note { id Int @id  owner Int  @@allow("all", owner == auth.id)  @@allow("create", true) }
            """);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Assert.Equal(201, (await editor.SendAsync("POST", "/api/notes", """{"id":1,"owner":7}""")).Status);
        HttpClient reader = await server.ClientAsync(RunningServer.Reader);
        foreach (var (method, body) in new[] { ("GET", null), ("PATCH", """{"owner":8}"""), ("DELETE", null) })
        {
            Reply hidden = await reader.SendAsync(method, "/api/notes/1", body), absent = await reader.SendAsync(
                method, "/api/notes/2", body);
            Assert.Equal(404, hidden.Status);
            Assert.Equal(Neutral(absent), Neutral(hidden));
        }
        Reply unreadable = await reader.SendAsync("POST", "/api/notes", """{"id":3,"owner":7}""");
        Assert.Equal((201, "", null), (unreadable.Status, unreadable.Body, unreadable.Header("ETag")));

        static string Neutral(Reply reply) =>
            System.Text.RegularExpressions.Regex.Replace(reply.Body, "\"(traceId|requestId)\":\"[^\"]*\"", "")
            .Replace("/2", "/1", StringComparison.Ordinal).Replace("'2'", "'1'", StringComparison.Ordinal);
    }
}
