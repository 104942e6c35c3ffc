using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Plinth.Store;

namespace Plinth.Rest;

/// <summary>Whatever is thrown at a route: a 4xx problem that names the place, nothing written, and the process lives.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class BadInputTests
{
    static readonly (string Method, string Path)[] s_bodies =
    [
        ("POST", "/api/notes"), ("PATCH", "/api/notes/1"), ("PUT", "/api/notes/1"), ("PATCH", "/api/notes?score=0"),
            ("POST", "/api/notes/query"),
        ("QUERY", "/api/notes"), ("POST", "/api/batch"),
    ];

    static readonly string[] s_targets =
    [
        "/api/notes", "/api/notes/1", "/api/notes/aggregate", "/api/notes/1/history", "/api/notes/1/restore", "/api/notes/query",
            "/api/batch",
        "/api/seats/A,1", "/openapi.json", "/errors/conflict", "/livez",
    ];

    static string Deep(int depth) => string.Concat(Enumerable.Repeat("{\"text\":", depth)) + "1" + new string('}', depth);

    public static TheoryData<string> Bodies => new(
        "", " ", "{", "[", "nul", "\"", "{\"text\":}", "{\"text\":\"a\"", "{\"text\":\"a\"}}", "{\"text\":1}", "{\"text\":null}",
            "{\"text\":[]}", "[1]", "[[]]", "[null]", "42",
        "{\"text\":\"a\",\"text\":\"b\"}", "{\"nothing\":1}", "{\"secret\":\"s\"}", "{\"id\":1.5,\"text\":\"a\"}",
            "{\"text\":\"a\",\"score\":1e400}",
        "{\"text\":\"a\",\"score\":99999999999999999999999999}", "{\"text\":\"a\",\"score\":101}", "{\"text\":\"a\",\"score\":NaN}",
            "{\"text\":\"\\ud800\"}",
        "{\"text\":\"\\u0000\"}", "{\"text\":\"a\\", "{\"\\ud800\":1}", "{\"text\":\"a\",\"authorId\":77}", "\u00a0{}",
            "{\"operations\":[{\"method\":\"POST\",\"path\":\"\",\"body\":1}]}",
        "{\"operations\":[{\"method\":\"POST\",\"path\":\"/api/notes\",\"body\":{\"text\":\"\\ud800\"}}]}", Deep(40), Deep(100_000),
            "{\"filter\":\"((((\"}", "{\"limit\":\"x\"}");

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_bad_body_changes_nothing_and_is_told_why(string body)
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"text":"first"}""");
        long before = server.Engine.Position;
        foreach (var (method, path) in s_bodies)
        {
            foreach (string type in new[] { "application/json", "application/cbor" })
            {
                Reply reply = await editor.SendAsync(method, path, body, "Content-Type: " + type);
                // A body that is wrong for a record may be right as parameters of a list.
                if (reply.Status == 200 && (method == "QUERY" || path.EndsWith("/query", StringComparison.Ordinal))) continue;
                Assert.True(reply.Status is >= 400 and < 500, $"{method} {path} as {type} was answered {reply.Status}: {reply.Body}");
                Assert.Equal("application/problem+json", reply.Header("Content-Type"));
                Assert.NotEmpty(reply.Json.GetProperty("message").GetString()!);
            }
        }
        Assert.Equal(before, server.Engine.Position);
        Assert.Equal(200, (await editor.SendAsync("GET", "/api/notes/1")).Status);
    }

    [Fact]
    public async Task Bytes_that_are_not_text_are_refused()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        foreach (byte[] body in new byte[][] { [0xff], [0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d], [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
            [0] })
        {
            foreach (var (method, path) in s_bodies)
            {
                using HttpRequestMessage request = new(new HttpMethod(method), path) { Content = new ByteArrayContent(body) };
                request.Content.Headers.ContentType = new("application/json");
                using HttpResponseMessage response = await editor.SendAsync(request);
                Assert.InRange((int)response.StatusCode, 400, 499);
            }
        }
        Assert.Equal(0, server.Engine.Position);
    }

    [Fact]
    public async Task Noise_in_targets_headers_and_bodies_never_breaks_anything()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 1500, soak: 200_000);
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """[{"text":"a"},{"text":"b"}]""");
        Random random = new(seed);
        int refused = 0;
        using Raw raw = new(editor.BaseAddress!);
        for (int i = 0; i < count; i++)
        {
            string request = Request(random);
            int status = await raw.SendAsync(request);
            Assert.True(status is >= 200 and < 500 or 503, $"seed {seed}, request {i} was answered {status}:\n{request}");
            if (status >= 400) refused++;
        }
        Counts.Report("routes, noise", count, seed, $"{refused} refused");
        Assert.True(refused > count / 3, "most of it is noise");
        Assert.Equal(200, (await editor.SendAsync("GET", "/readyz")).Status);
    }

    static string Request(Random random)
    {
        string[] methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "HEAD", "OPTIONS", "BREW"];
        string[] names = ["filter", "sort", "limit", "offset", "after", "before", "select", "include", "count", "search", "trashed",
            "text", "score[gte]", "id[in]", "author.name", "on", "purge", "groupBy", "sum", "x"];
        string[] texts = ["1", "-1", "99999999999999999999", "text", "-score", "author", "author(limit:1)", "author(", "score%20%3E%201",
            "text%20==%20%27a%27", "exact", "only", "%00", "%zz", "%ED%A0%80",
            "%F0%9F%98%80", "", "a,b", "true", "(((((", "size(text)", "1/0", "id%20in%20%5B1,2%5D", "now", "'%27"];
        StringBuilder target = new(s_targets[random.Next(s_targets.Length)]);
        if (random.Next(4) == 0) target.Append('/').Append(texts[random.Next(texts.Length)]);
        for (int i = random.Next(4); i > 0; i--) target.Append(
            target.ToString().Contains('?', StringComparison.Ordinal) ? '&' : '?').Append(names[random.Next(names.Length)]).Append(
                '=').Append(texts[random.Next(texts.Length)]);
        string[] headers = ["Accept: application/cbor", "Accept: text/html", "If-Match: \"1.1\"", "If-Match: x", "If-None-Match: *",
            "Idempotency-Key: k", "Prefer: return=minimal", "Authorization: Basic eA==",
            "traceparent: 00-x", "X-Request-Id: \u00ff", "Plinth-Min-Position: x", "Content-Encoding: gzip", "Origin: http://localhost",
                "Range: bytes=0-1"];
        StringBuilder text = new($"{methods[random.Next(methods.Length)]} {target} HTTP/1.1\r\nHost: localhost\r\n");
        for (int i = random.Next(3); i > 0; i--) text.Append(headers[random.Next(headers.Length)]).Append("\r\n");
        if (random.Next(2) == 0) return text.Append("\r\n").ToString();
        string[] types = ["application/json", "application/cbor", "application/x-ndjson", "application/merge-patch+json", "text/plain"];
        StringBuilder body = new();
        string[] bodies = ["{\"text\":\"n\"}", "{\"text\":", "[]", "{}", "[{\"text\":\"m\"}]", "{\"text\":\"\\ud800\"}",
            "{\"score\":1e999}", "{\"filter\":\"score > 0\"}", "{\"operations\":[]}"];
        body.Append(bodies[random.Next(bodies.Length)]);
        if (random.Next(3) == 0) body[random.Next(body.Length)] = (char)random.Next(1, 256);
        return text.Append(CultureInfo.InvariantCulture,
            $"Content-Type: {types[random.Next(types.Length)]}\r\nContent-Length: {body.Length}\r\n\r\n{body}").ToString();
    }

    /// <summary>One connection that is opened anew whenever the server closed it.</summary>
    sealed class Raw(Uri address) : IDisposable
    {
        TcpClient? _tcp;

        public async Task<int> SendAsync(string request)
        {
            _tcp?.Dispose();
            _tcp = new TcpClient();
            await _tcp.ConnectAsync(address.Host, address.Port);
            NetworkStream stream = _tcp.GetStream();
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
            byte[] start = new byte[12];
            await stream.ReadExactlyAsync(start);
            return int.Parse(Encoding.ASCII.GetString(start, 9, 3), CultureInfo.InvariantCulture);
        }

        public void Dispose() => _tcp?.Dispose();
    }

    [Fact]
    public async Task One_byte_over_a_limit_is_over_it()
    {
        await using RunningServer server =
            await RunningServer.OpenAsync(limits: Text.Limits.Default with { BodyBytes = 100, BulkBytes = 300, Parameters = 3 });
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        string fits = $"{{\"text\":\"{new string('a', 89)}\"}}";
        Assert.Equal(100, fits.Length);
        Assert.Equal(201, (await editor.SendAsync("POST", "/api/notes", fits)).Status);
        Assert.Equal((413, "body_too_large"), Of(await editor.SendAsync("PATCH", "/api/notes/1", fits + " ")));
        Assert.Equal((413, "body_too_large"), Of(await editor.SendAsync("POST", "/api/notes", fits + " ")));
        Assert.Equal((413, "body_too_large"), Of(await editor.SendAsync("POST", "/api/notes", new string(' ', 301))));
        Assert.Equal(200, (await editor.SendAsync("GET", "/api/notes?limit=1&text=a&score=1")).Status);
        Assert.Equal((400, "limit_exceeded"), Of(await editor.SendAsync("GET", "/api/notes?limit=1&text=a&score=1&id=1")));

        static (int, string) Of(Reply reply) => (reply.Status, reply.Code);
    }
}
