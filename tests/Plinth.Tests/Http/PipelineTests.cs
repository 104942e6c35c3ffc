using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Http;

public class PipelineTests
{
    static async Task<JsonElement> ProblemOf(HttpResponseMessage response, int status, string code)
    {
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.ToString());
        JsonElement problem = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync()).RootElement;
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal("/errors/" + code, problem.GetProperty("type").GetString());
        Assert.Equal(JsonValueKind.Array, problem.GetProperty("details").ValueKind);
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), problem.GetProperty("requestId").GetString());
        Assert.Matches("^[0-9a-f]{32}$", problem.GetProperty("traceId").GetString());
        return problem;
    }

    [Fact]
    public async Task Every_answer_carries_a_request_id_whatever_became_of_it()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(e => e.RawKey switch
        {
            "1" => PipelineServer.Answers("{}")(e),
            "2" => throw new InvalidTimeZoneException("secret words"),
            _ => new(Faults.NotFound.Says("no such record")),
        });
        foreach (var (method, path, status) in new[]
        {
            ("GET", "/api/notes/1", 200), ("GET", "/api/notes/2", 500), ("GET", "/api/notes/3", 404), ("GET", "/nowhere", 404),
                ("PUT", "/api/notes", 405),
            ("OPTIONS", "/api/notes", 204), ("HEAD", "/api/notes/1", 200), ("HEAD", "/nowhere", 404), ("BREW", "/api/notes", 405),
        })
        {
            using HttpRequestMessage request = new(new HttpMethod(method), path);
            using HttpResponseMessage response = await server.Client.SendAsync(request);
            Assert.Equal(status, (int)response.StatusCode);
            Assert.True(Guid.TryParse(response.Headers.GetValues("X-Request-Id").Single(), out Guid id), $"{method} {path}");
            Assert.Equal(7, id.Version);
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        }
    }

    [Fact]
    public async Task A_crash_is_a_problem_that_tells_nothing_and_a_log_line_that_tells_all()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(_ => throw new InvalidTimeZoneException("what broke"));
        using HttpResponseMessage response = await server.Client.GetAsync("/api/notes/1?filter=mine");
        JsonElement problem = await ProblemOf(response, 500, "internal");
        Assert.DoesNotContain("what broke", problem.ToString(), StringComparison.Ordinal);
        string log = await server.LogAsync();
        Assert.Contains("InvalidTimeZoneException: what broke", log, StringComparison.Ordinal);
        Assert.Contains(problem.GetProperty("traceId").GetString()!, log, StringComparison.Ordinal);
        Assert.DoesNotContain("mine", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_names_templates_and_never_keys_or_queries()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        await server.Client.GetAsync("/api/notes/private-key?select=private-field");
        string log = await server.LogAsync();
        JsonElement line = JsonDocument.Parse(log.Split('\n')[0]).RootElement;
        Assert.Equal("/api/notes/{id}", line.GetProperty("route").GetString());
        Assert.Equal("Note", line.GetProperty("model").GetString());
        Assert.Equal(200, line.GetProperty("status").GetInt32());
        Assert.DoesNotContain("private", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ids_of_the_client_are_kept_where_they_are_harmless()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Refuses(Faults.NotFound.Says("no")));
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/notes/1");
        request.Headers.Add("X-Request-Id", "order-7:step.2");
        request.Headers.Add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        using HttpResponseMessage response = await server.Client.SendAsync(request);
        JsonElement problem = await ProblemOf(response, 404, "not_found");
        Assert.Equal("order-7:step.2", problem.GetProperty("requestId").GetString());
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", problem.GetProperty("traceId").GetString());

        using HttpRequestMessage harmful = new(HttpMethod.Get, "/api/notes/1");
        harmful.Headers.TryAddWithoutValidation("X-Request-Id", "<script>");
        using HttpResponseMessage other = await server.Client.SendAsync(harmful);
        Assert.True(Guid.TryParse(other.Headers.GetValues("X-Request-Id").Single(), out _));
    }

    [Fact]
    public async Task A_method_that_the_route_does_not_take_names_those_it_takes()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        using HttpResponseMessage response = await server.Client.PutAsync("/api/notes", new StringContent("{}"));
        await ProblemOf(response, 405, "method_not_allowed");
        Assert.Equal(["GET", "HEAD", "QUERY", "POST", "PATCH", "DELETE", "OPTIONS"], response.Content.Headers.Allow);
    }

    [Fact]
    public async Task Options_say_what_a_route_takes_and_need_no_identity()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Refuses(Faults.Forbidden.Says("no")));
        using HttpRequestMessage request = new(HttpMethod.Options, "/api/notes");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "nonsense");
        using HttpResponseMessage response = await server.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Contains("QUERY", response.Content.Headers.Allow);
        Assert.Equal("application/json, application/cbor", response.Headers.GetValues("Accept-Query").Single());
        string all = await server.RawAsync("OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 204", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credentials_of_a_version_without_users_are_bad_credentials_and_never_anonymous()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/notes/1");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "abc");
        using HttpResponseMessage response = await server.Client.SendAsync(request);
        await ProblemOf(response, 401, "unauthorized");
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
    }

    [Fact]
    public async Task Head_has_the_headers_of_get_and_no_body()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{\"id\":1}"));
        string answer = await server.RawAsync("HEAD /api/notes/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("Content-Length: 8\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_by_its_length_and_by_its_bytes()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(async e =>
        {
            var body = await RequestBody.ReadAsync(e, 10, "limits.bodyBytes", e.Cancel);
            return body.IsOk ? await PipelineServer.Answers("{}")(e) : body.Fault;
        });
        using HttpResponseMessage fits = await server.Client.PostAsync("/api/notes", new StringContent("0123456789"));
        Assert.Equal(HttpStatusCode.OK, fits.StatusCode);
        using HttpResponseMessage named = await server.Client.PostAsync("/api/notes", new StringContent("0123456789a"));
        await ProblemOf(named, 413, "body_too_large");
        string chunked = await server.RawAsync(
            "POST /api/notes HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + "b\r\n0123456789a\r\n0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413", chunked, StringComparison.Ordinal);
        Assert.Contains("body_too_large", chunked, StringComparison.Ordinal);
        string broken = await server.RawAsync("POST /api/notes HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        Assert.StartsWith("HTTP/1.1 400", broken, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_over_its_time_is_stopped_and_told_so()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(async e =>
        {
            await Task.Delay(Timeout.Infinite, e.Cancel);
            return null;
        }, o => o with { Limits = Limits.Default with { RequestMs = 50 } });
        using HttpResponseMessage response = await server.Client.GetAsync("/api/notes/1");
        await ProblemOf(response, 504, "timeout");
        using HttpResponseMessage again = await server.Client.GetAsync("/api/notes/1");
        await ProblemOf(again, 504, "timeout");
    }

    [Fact]
    public async Task A_budget_per_address_is_held_and_told()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(
            PipelineServer.Answers("{}"), o => o with { RatePerAddress = new RateLimit(0.01, 2) });
        using HttpResponseMessage first = await server.Client.GetAsync("/api/notes/1");
        Assert.Equal("\"address\";r=1;t=1", first.Headers.GetValues("RateLimit").Single());
        Assert.Equal("\"address\";q=2;w=200", first.Headers.GetValues("RateLimit-Policy").Single());
        await server.Client.GetAsync("/api/notes/1");
        using HttpResponseMessage third = await server.Client.GetAsync("/api/notes/1");
        await ProblemOf(third, 429, "rate_limited");
        Assert.InRange(third.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 90, 100);
    }

    [Fact]
    public async Task A_budget_per_identity_is_its_own()
    {
        Value claims = Value.FromMap(new ValueMap([new("id", Value.From(7L))]));
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"), o => o with
        {
            Mode = ServerMode.Dev, DevelopmentIdentity = claims, RatePerIdentity = new RateLimit(0.01, 1),
        });
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/api/notes/1")).StatusCode);
        await ProblemOf(await server.Client.GetAsync("/api/notes/1"), 429, "rate_limited");
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/livez")).StatusCode);
    }

    [Theory]
    [InlineData("localhost", null, 200)]
    [InlineData("127.0.0.1:1", null, 200)]
    [InlineData("[::1]:80", null, 200)]
    [InlineData("app.localhost", null, 200)]
    [InlineData("phone.lan", null, 200)]
    [InlineData("evil.example", null, 403)]
    [InlineData("localhost.evil.example", null, 403)]
    [InlineData("localhost", "http://localhost:3000", 200)]
    [InlineData("localhost", "http://evil.example", 403)]
    [InlineData("localhost", "https://app.example", 200)]
    [InlineData("localhost", "null", 403)]
    [InlineData("192.168.1.5:4747", "http://192.168.1.5:4747", 200)]
    public async Task A_development_server_answers_to_this_machine_only(string host, string? origin, int status)
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"), o => o with
        {
            Mode = ServerMode.Dev, AllowedHosts = ["phone.lan"], CorsOrigins = ["https://app.example"],
        });
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/notes/1");
        request.Headers.Host = host;
        if (origin is not null) request.Headers.Add("Origin", origin);
        using HttpResponseMessage response = await server.Client.SendAsync(request);
        if (status == 403) await ProblemOf(response, 403, "forbidden");
        else Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Cors_is_off_in_serve_until_origins_are_set()
    {
        await using PipelineServer closed = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        using HttpResponseMessage refused = await closed.Client.SendAsync(Preflight("https://app.example"));
        Assert.False(refused.Headers.Contains("Access-Control-Allow-Origin"));

        await using PipelineServer open = await PipelineServer.StartAsync(PipelineServer.Answers("{}"),
            o => o with { CorsOrigins = ["https://app.example"], CorsCredentials = true });
        using HttpResponseMessage preflight = await open.Client.SendAsync(Preflight("https://app.example"));
        Assert.Equal("https://app.example", preflight.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal("true", preflight.Headers.GetValues("Access-Control-Allow-Credentials").Single());
        Assert.Contains("PATCH", preflight.Headers.GetValues("Access-Control-Allow-Methods").Single(), StringComparison.Ordinal);
        Assert.Contains("Origin", preflight.Headers.Vary);
        using HttpResponseMessage other = await open.Client.SendAsync(Preflight("https://other.example"));
        Assert.False(other.Headers.Contains("Access-Control-Allow-Origin"));
        using HttpRequestMessage get = new(HttpMethod.Get, "/nowhere");
        get.Headers.Add("Origin", "https://app.example");
        using HttpResponseMessage fault = await open.Client.SendAsync(get);
        Assert.Equal(404, (int)fault.StatusCode);
        Assert.Equal("https://app.example", fault.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }

    static HttpRequestMessage Preflight(string origin)
    {
        HttpRequestMessage request = new(HttpMethod.Options, "/api/notes/1");
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "PATCH");
        return request;
    }

    [Fact]
    public async Task Draining_lets_a_request_in_flight_end()
    {
        TaskCompletionSource reached = new(), go = new();
        PipelineServer server = await PipelineServer.StartAsync(async e =>
        {
            reached.SetResult();
            await go.Task;
            return await PipelineServer.Answers("{\"done\":true}")(e);
        });
        Task<HttpResponseMessage> request = server.Client.GetAsync("/api/notes/1");
        await reached.Task;
        Task stopped = server.StopAsync();
        Assert.False(stopped.IsCompleted);
        go.SetResult();
        using HttpResponseMessage response = await request;
        Assert.Equal("{\"done\":true}", await response.Content.ReadAsStringAsync());
        await stopped;
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Client.GetAsync("/api/notes/1"));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Ten_thousand_parameters_reach_the_front_which_refuses_them()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(e =>
        {
            var split = QueryString.Split(e.Target.Query, Limits.Default);
            return split.IsOk ? PipelineServer.Answers("{}")(e) : new(split.Fault);
        });
        StringBuilder query = new("/api/notes?");
        for (int i = 0; i < 10_000; i++) query.Append("a=1&");
        using HttpResponseMessage response = await server.Client.GetAsync(query.ToString());
        await ProblemOf(response, 400, "limit_exceeded");
    }
}
