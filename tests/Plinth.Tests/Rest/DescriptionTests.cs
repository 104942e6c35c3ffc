using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Plinth.Http;
using Plinth.Log;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Rest;

public partial class DescriptionTests
{
    [Fact]
    public async Task The_document_is_that_of_its_reader()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        JsonElement nobody = (await (await server.ClientAsync()).SendAsync("GET", "/openapi.json")).Json;
        JsonElement editor = (await (await server.ClientAsync(RunningServer.Editor)).SendAsync("GET", "/openapi.json")).Json;
        Assert.Equal("3.1.1", nobody.GetProperty("openapi").GetString());
        Assert.Equal(["get"], Methods(nobody, "/api/notes"));
        Assert.Equal(["get", "post", "patch", "delete"], Methods(editor, "/api/notes"));
        Assert.False(nobody.GetProperty("paths").TryGetProperty("/api/seats", out _));
        Assert.True(editor.GetProperty("paths").TryGetProperty("/api/seats/{key}", out _));
        Assert.False(editor.GetProperty("paths").TryGetProperty("/api/hiddens", out _));
        Assert.DoesNotContain("secret", editor.ToString(), StringComparison.Ordinal);

        static string[] Methods(JsonElement document, string path) =>
            [.. document.GetProperty("paths").GetProperty(path).EnumerateObject().Select(m => m.Name).Where(n => n != "parameters")];
    }

    [Fact]
    public async Task Descriptions_are_kept_up_to_their_limit_and_right_beyond_it()
    {
        await using RunningServer server = await RunningServer.OpenAsync(limits: new Limits { Descriptions = 1 });
        HttpClient client = await server.ClientAsync();
        for (int i = 0; i < 3; i++)
        {
            Assert.Contains("\"openapi\"", (await client.SendAsync("GET", "/openapi.json")).Body, StringComparison.Ordinal);
            Assert.DoesNotContain("\"openapi\"", (await client.SendAsync("GET", "/schema.json")).Body, StringComparison.Ordinal);
            Assert.Equal(1, server.Last.DescriptionsKept);
        }
    }

    [Fact]
    public async Task A_rule_over_claims_that_takes_too_long_is_answered_on_every_route()
    {
        const string Text = """
            auth { id Int  teams Int[] }
            model Note {
              id Int @id
              text String? @allow("read", auth.teams.all(t, auth.teams.exists(u, u == t)))
              @@allow("all", auth.teams.all(t, auth.teams.exists(u, u == t)))
            }
            """;
        Value claims = Value.FromMap(new ValueMap(
        [
            new("id", Value.From(1L)), new("teams", Value.FromList([.. Enumerable.Range(0, 100).Select(n => Value.From((long)n))])),
        ]));
        await using RunningServer server = await RunningServer.OpenAsync(Text, new Limits { ExpressionCost = 1000 });
        HttpClient client = await server.ClientAsync(claims);
        foreach (var (method, path, body) in new[]
        {
            ("GET", "/api/notes", null), ("GET", "/api/notes/1", null), ("GET", "/openapi.json", null), ("GET", "/schema.json", null),
            ("POST", "/api/notes", """{"id":1}"""), ("PATCH", "/api/notes/1", """{"text":"x"}"""), ("DELETE", "/api/notes/1", null),
        })
        {
            Reply reply = await client.SendAsync(method, path, body);
            Assert.True(reply is { Status: 400, Code: "limit_exceeded" }, $"{method} {path}: {reply.Status} {reply.Body}");
            Assert.Contains("limits.expressionCost", reply.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_schema_holds_no_rule_and_nothing_that_never_leaves()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        string editor = (await (await server.ClientAsync(RunningServer.Editor)).SendAsync("GET", "/schema.json")).Body;
        Assert.Contains("\"Note\"", editor, StringComparison.Ordinal);
        foreach (string hidden in new[] { "secret", "Hidden", "auth.role" }) Assert.DoesNotContain(
            hidden, editor, StringComparison.Ordinal);
        Assert.DoesNotContain("Seat", (await (await server.ClientAsync()).SendAsync("GET", "/schema.json")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_run_nothing_but_what_is_in_them_and_ask_nobody()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync();
        foreach (string path in new[] { "/docs", "/", "/errors", "/errors/conflict" })
        {
            Reply page = await client.SendAsync("GET", path, null, "Accept: text/html");
            Assert.Equal("text/html; charset=utf-8", page.Header("Content-Type"));
            string policy = page.Header("Content-Security-Policy")!;
            Assert.StartsWith("default-src 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            foreach (Match inline in Inline().Matches(page.Body))
                Assert.Contains("'sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(inline.Groups[2].Value))) + "'",
                    policy, StringComparison.Ordinal);
            Assert.DoesNotMatch("(src|href)=\"(https?:)?//", page.Body);
            Assert.DoesNotMatch(" (style|on[a-z]+)=\"", page.Body);
        }
        Assert.Contains("/api/notes", (await client.SendAsync("GET", "/")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_home_page_is_for_development_only()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient serve = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve });
        Assert.Equal(404, (await serve.SendAsync("GET", "/")).Status);
        Reply read = await serve.SendAsync("GET", "/api/notes");
        Assert.Null(read.Header("Server-Timing"));
    }

    [Fact]
    public async Task Metrics_are_the_operators()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient closed = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve });
        Assert.Equal(404, (await closed.SendAsync("GET", "/metrics")).Status);
        HttpClient token = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve, OpsToken = "0123456789abcdef" });
        await token.SendAsync("GET", "/api/notes/77");
        Assert.Equal(401, (await token.SendAsync("GET", "/metrics")).Status);
        Assert.Equal(401, (await token.SendAsync("GET", "/metrics", null, "Authorization: Bearer 0123456789abcdee")).Status);
        Reply metrics = await token.SendAsync("GET", "/metrics", null, "Authorization: Bearer 0123456789abcdef");
        Assert.Equal(200, metrics.Status);
        Assert.Contains("# TYPE http_server_request_duration_seconds histogram", metrics.Body, StringComparison.Ordinal);
        Assert.Contains(
            "http_server_request_duration_seconds_count"
            + """{http_request_method="GET",http_route="/api/notes/{id}",http_response_status_code="404"}""",
            metrics.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("77\"", metrics.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_tell_of_the_record_cache_the_committer_and_the_statements()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync(RunningServer.Editor);
        Dictionary<string, long> before = await TotalsAsync();
        for (int i = 1; i <= 3; i++) Assert.Equal(201, (await client.SendAsync("POST", "/api/notes", $$"""{"id":{{i}},"text":"x"}""")).Status);
        for (int i = 0; i < 5; i++) Assert.Equal(200, (await client.SendAsync("GET", "/api/notes/1")).Status);
        Dictionary<string, long> after = await TotalsAsync();

        Assert.Equal(3, Since("plinth_committer_commands_total"));
        Assert.InRange(Since("plinth_committer_groups_total"), 1, 3);
        Assert.InRange(Since("plinth_cache_hits_total"), 4, 5);
        Assert.True(Since("plinth_database_statements_total") > 3);
        Assert.Equal(3, Since("plinth_log_position"));
        Assert.True(after["plinth_cache_records"] >= 1 && after["plinth_cache_size_bytes"] > 0);
        Assert.Equal(0, after["plinth_committer_waiting"]);

        long Since(string name) => after[name] - before[name];

        async Task<Dictionary<string, long>> TotalsAsync()
        {
            string page = (await client.SendAsync("GET", "/metrics")).Body;
            return page.Split('\n')
                .Where(static line => line.StartsWith("plinth_", StringComparison.Ordinal) && !line.Contains('{', StringComparison.Ordinal))
                .Select(static line => line.Split(' ')).ToDictionary(
                    static parts => parts[0], static parts => (long)double.Parse(parts[1], CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public async Task An_operators_port_has_the_operators_routes_alone()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        int port = FreePort();
        HttpClient client = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve, OpsPort = port });
        using HttpClient ops = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        foreach (string path in new[] { "/metrics", "/followers", "/projections", "/livez", "/readyz", "/version" })
            Assert.Equal(200, (await ops.SendAsync("GET", path)).Status);
        foreach (var (path, status) in new[] { ("/api/notes", 404), ("/openapi.json", 404) })
            Assert.Equal(status, (await ops.SendAsync("GET", path)).Status);
        Assert.Equal(404, (await client.SendAsync("GET", "/metrics")).Status);
    }

    [Fact]
    public async Task How_followers_are_is_the_operators_to_know()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient closed = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve });
        Assert.Equal(404, (await closed.SendAsync("GET", "/followers")).Status);
        HttpClient token = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve, OpsToken = "0123456789abcdef" });
        Assert.Equal(401, (await token.SendAsync("GET", "/followers")).Status);
        Assert.Equal(401, (await token.SendAsync("GET", "/followers", null, "Authorization: Bearer 0123456789abcdee")).Status);
        using FollowerRun broken = server.Engine.Log.Run("broken", 0, static (_, _) => throw new InvalidDataException("poison"),
            new FollowerOptions { FailuresMax = 1 });
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Assert.Equal(201, (await editor.SendAsync("POST", "/api/notes", """{"text":"x"}""")).Status);
        string body = "";
        for (int i = 0; i < 400 && !body.Contains("\"parked\"", StringComparison.Ordinal); i++)
        {
            await Task.Delay(25);
            body = (await token.SendAsync("GET", "/followers", null, "Authorization: Bearer 0123456789abcdef")).Body;
        }
        Assert.Contains("\"name\":\"broken\",\"durable\":false,\"state\":\"parked\",\"position\":\"0\"", body, StringComparison.Ordinal);
        Assert.Contains("\"failures\":1,\"failedAt\":\"1\",\"error\":\"InvalidDataException: poison\"", body, StringComparison.Ordinal);
        Reply metrics = await token.SendAsync("GET", "/metrics", null, "Authorization: Bearer 0123456789abcdef");
        Assert.Contains("plinth_follower_parked{follower=\"broken\"} 1", metrics.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readiness_fails_before_the_port_closes()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync(null, o => o with { DrainDelay = TimeSpan.FromSeconds(2) });
        Assert.Equal(200, (await client.SendAsync("GET", "/readyz")).Status);
        Task stopped = server.Last.StopAsync();
        Reply draining = await client.SendAsync("GET", "/readyz");
        Assert.Equal((503, "not_ready", true), (draining.Status, draining.Code, draining.Headers.ConnectionClose));
        Assert.Equal(200, (await client.SendAsync("GET", "/livez")).Status);
        Assert.Equal(200, (await client.SendAsync("GET", "/api/notes")).Status);
        await stopped;
        await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync("GET", "/livez"));
    }

    [Fact]
    public async Task Every_code_has_a_page_and_a_document()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync();
        foreach (FaultCode code in Faults.All)
        {
            Reply reply = await client.SendAsync("GET", "/errors/" + code.Code);
            Assert.Equal(code.Explanation, reply.Json.GetProperty("explanation").GetString());
            Assert.Contains(WebUtility.HtmlEncode(code.Title),
                (await client.SendAsync("GET", "/errors/" + code.Code, null, "Accept: text/html")).Body, StringComparison.Ordinal);
        }
        Assert.Equal(200, (await client.SendAsync("HEAD", "/errors/conflict")).Status);
    }

    static int FreePort()
    {
        using System.Net.Sockets.TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [GeneratedRegex("<(script|style)>(.*?)</", RegexOptions.Singleline)]
    private static partial Regex Inline();
}
