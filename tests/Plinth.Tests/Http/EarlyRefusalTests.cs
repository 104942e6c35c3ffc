using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>What is refused before there is a request has a problem too, over raw sockets.</summary>
public class EarlyRefusalTests
{
    static readonly string s_malformed = "400 " + Faults.MalformedRequest.Code, s_long = "414 " + Faults.TargetTooLong.Code,
        s_large = "431 " + Faults.HeadersTooLarge.Code, s_slow = "408 " + Faults.RequestTooSlow.Code,
        s_version = "505 " + Faults.HttpVersionUnsupported.Code, s_credential = "401 " + Faults.Unauthorized.Code;

    static string Get(string headers) => $"GET /api/notes HTTP/1.1\r\n{headers}\r\n\r\n";

    public static TheoryData<string, string, string, string> Refused => new()
    {
        { "no request at all", "\u0001\u0002garbage\r\n\r\n", s_malformed, "request line" },
        { "no version", "GET /api/notes\r\nHost: a\r\n\r\n", s_version, "HTTP/1.1" },
        { "no target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", s_malformed, "request line" },
        { "a version to come", "GET / HTTP/7.3\r\nHost: a\r\n\r\n", s_version, "HTTP/1.1" },
        { "a header without a colon", Get("Host: a\r\nnonsense"), s_malformed, "header" },
        { "a header name with a space", Get("Host: a\r\nbad name: x"), s_malformed, "header" },
        { "no host", Get("Accept: */*"), s_malformed, "Host" },
        { "two hosts", Get("Host: a\r\nHost: b"), s_malformed, "Host" },
        { "two lengths", Get("Host: a\r\nContent-Length: 1\r\nContent-Length: 2"), s_malformed, "" },
        { "a length that is none", Get("Host: a\r\nContent-Length: much"), s_malformed, "" },
        { "a long target", $"GET /{new string('x', 70_000)} HTTP/1.1\r\nHost: a\r\n\r\n", s_long, "server.requestLineBytes" },
        { "many headers", Get("Host: a" + string.Concat(Enumerable.Range(0, 70).Select(i => $"\r\nX-{i}: y"))), s_large,
            "server.headers" },
        { "large headers", Get($"Host: a\r\nX: {new string('y', 40_000)}"), s_large, "server.headerBytes" },
        { "very large headers", Get($"Host: a\r\nX: {new string('y', 100_000)}"), s_large, "server.headerBytes" },
        { "a large cookie", Get($"Host: a\r\nCookie: a={new string('y', 40_000)}"), s_large, "server.headerBytes" },
        { "large headers beside a token", Get($"Host: a\r\nAuthorization: Bearer abc\r\nX: {new string('y', 40_000)}"), s_large,
            "server.headerBytes" },
        { "an endless token", Get($"Host: a\r\nAuthorization: Bearer {new string('y', 100_000)}"), s_credential, "credentials" },
        { "one that comes last", Get($"authorization: bearer {new string('y', 33_000)}\r\nHost: a\r\nX: y"), s_credential,
            "credentials" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_request_that_cannot_be_read_is_refused_with_a_problem(string what, string request, string expected, string says)
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        string answer = await server.RawAsync(request);
        JsonElement problem = Problem(answer, expected);
        Assert.Contains(says, problem.GetProperty("message").GetString() + problem.TryGetProperty("hint", out JsonElement hint) + hint,
            StringComparison.OrdinalIgnoreCase);
        Assert.True(problem.GetProperty("requestId").GetString() is { Length: 36 } id && answer.Contains($"X-Request-Id: {id}\r\n",
            StringComparison.Ordinal), what);
        Assert.Contains("Connection: close\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("request refused before it was read", await server.LogAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_never_ends_is_refused_while_it_is_sent()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        using TcpClient tcp = new();
        await tcp.ConnectAsync(server.Url.Host, server.Url.Port);
        NetworkStream stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + new string('a', 100_000)));
        using StreamReader reader = new(stream, Encoding.UTF8);
        // Neither its end nor the connection's is waited for.
        Assert.Equal("HTTP/1.1 401 Unauthorized", await reader.ReadLineAsync());
        Assert.Equal("WWW-Authenticate: Bearer error=\"invalid_token\"", await reader.ReadLineAsync());
    }

    [Fact]
    public async Task A_second_request_on_a_connection_is_refused_alike_and_the_first_was_answered()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{\"a\":1}"));
        string answers = await server.RawAsync(Get("Host: a") + Get("Host: a") + "nonsense\r\n\r\n");
        string[] parts = answers.Split("HTTP/1.1 ", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, parts.Length);
        Assert.All(parts[..2], part => Assert.EndsWith("\r\n\r\n{\"a\":1}", part, StringComparison.Ordinal));
        Problem("HTTP/1.1 " + parts[2], s_malformed);
    }

    [Fact]
    public async Task Headers_that_do_not_come_are_refused_in_time()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(
            PipelineServer.Answers("{}"), options => options with { HeaderSeconds = 1 });
        Problem(await server.RawAsync("GET /api/notes HTTP/1.1\r\nHost: a\r\n"), s_slow);
    }

    [Theory]
    [InlineData("zz\r\n{}\r\n0\r\n\r\n")]
    [InlineData("2\r\n{}too much\r\n0\r\n\r\n")]
    public async Task A_body_whose_chunks_are_broken_is_refused_with_a_problem(string body)
    {
        await using PipelineServer server = await PipelineServer.StartAsync(async exchange =>
        {
            Result<ReadOnlyMemory<byte>> read = await RequestBody.ReadAsync(exchange, 1000, "limits.bodyBytes", exchange.Cancel);
            return read.Fault ?? Faults.Internal.Says("the body came after all");
        });
        const string head = "POST /api/notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        Problem(await server.RawAsync(head + body), "400 malformed_body");
    }

    [Fact]
    public async Task A_body_whose_chunks_are_broken_and_that_nobody_reads_costs_the_answer_nothing()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        string answer = await server.RawAsync(
            "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n");
        Problem(answer, "404 unknown_path");
    }

    [Fact]
    public async Task A_client_of_another_protocol_is_told_in_words_that_it_can_read()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(PipelineServer.Answers("{}"));
        using TcpClient tcp = new();
        await tcp.ConnectAsync(server.Url.Host, server.Url.Port);
        NetworkStream stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        using MemoryStream all = new();
        await stream.CopyToAsync(all);
        byte[] answer = all.ToArray();

        // A GOAWAY frame that says HTTP_1_1_REQUIRED, or a problem; never silence.
        bool isGoAway = answer.Length == 17 && answer[3] == 7 && answer[16] == 13;
        if (!isGoAway) Problem(Encoding.UTF8.GetString(answer), s_version);
    }

    [Fact]
    public async Task A_bound_of_the_listener_is_moved_by_its_setting()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(
            PipelineServer.Answers("{}"), options => options with { HeadersMax = 3, HeaderBytes = 500, RequestLineBytes = 60 });
        Assert.StartsWith("HTTP/1.1 200", await server.RawAsync(Get("Host: a\r\nConnection: close")), StringComparison.Ordinal);
        Problem(await server.RawAsync(Get("Host: a\r\nA: b\r\nC: d\r\nE: f")), s_large);
        Problem(await server.RawAsync(Get($"Host: a\r\nX: {new string('y', 600)}")), s_large);
        Problem(await server.RawAsync($"GET /{new string('x', 80)} HTTP/1.1\r\nHost: a\r\n\r\n"), s_long);
    }

    [Fact]
    public async Task More_connections_than_the_bound_are_closed_and_the_others_served()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(
            PipelineServer.Answers("{}"), options => options with { ConnectionsMax = 2 });
        using TcpClient first = new(), second = new();
        await first.ConnectAsync(server.Url.Host, server.Url.Port);
        await first.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Get("Host: a")));
        Assert.True(await first.GetStream().ReadAsync(new byte[1000]) > 0);
        await second.ConnectAsync(server.Url.Host, server.Url.Port);
        await second.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Get("Host: a")));
        Assert.True(await second.GetStream().ReadAsync(new byte[1000]) > 0);
        string third;
        try
        {
            third = await server.RawAsync(Get("Host: a"));
        }
        catch (IOException)
        {
            third = "";
        }
        Assert.Equal("", third);
        await first.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Get("Host: a")));
        Assert.True(await first.GetStream().ReadAsync(new byte[1000]) > 0);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_in_time_without_an_answer()
    {
        await using PipelineServer server = await PipelineServer.StartAsync(
            PipelineServer.Answers("{}"), options => options with { IdleSeconds = 1 });
        string answers = await server.RawAsync(Get("Host: a"));
        Assert.Equal(2, answers.Split("HTTP/1.1 ").Length);
    }

    /// <summary>The body of an answer that must be this problem.</summary>
    static JsonElement Problem(string answer, string expected)
    {
        int body = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(body > 0, $"'{answer}'");
        string[] head = answer[..body].Split("\r\n");
        Assert.StartsWith($"HTTP/1.1 {expected.Split(' ')[0]} ", head[0], StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/problem+json", head);
        Assert.Single(head, line => line.StartsWith("Content-Length: ", StringComparison.Ordinal));
        string json = answer[(body + 4)..];
        Assert.Contains($"Content-Length: {Encoding.UTF8.GetByteCount(json)}", head);
        JsonElement problem = JsonDocument.Parse(json).RootElement;
        Assert.Equal(expected, $"{problem.GetProperty("status").GetInt32()} {problem.GetProperty("code").GetString()}");
        return problem;
    }
}
