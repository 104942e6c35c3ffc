using System.Net.Sockets;
using System.Text;
using Plinth.Rest;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>The folder <c>public</c> of a project, beside its API.</summary>
public sealed class PublicFilesTests
{
    [Fact]
    public async Task Each_file_is_at_its_path_for_whoever_asks()
    {
        using TempFolder folder = Pages();
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient nobody = await server.ClientAsync(with: o => o with { PublicFolder = folder.File("public") });
        Reply page = await nobody.SendAsync("GET", "/board.html", null, "Authorization: Bearer nonsense");
        Assert.Equal((200, "<h1>board</h1>", "text/html; charset=utf-8"), (page.Status, page.Body, page.Header("Content-Type")));
        Assert.Equal("nosniff", page.Header("X-Content-Type-Options"));
        Assert.Contains("frame-ancestors 'self'", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal(304, (await nobody.SendAsync("GET", "/board.html", null, "If-None-Match: " + page.Header("ETag"))).Status);
        Reply head = await nobody.SendAsync("HEAD", "/board.html");
        Assert.Equal((200, "", "14"), (head.Status, head.Body, head.Header("Content-Length")));
        Assert.Equal("text/javascript; charset=utf-8", (await nobody.SendAsync("GET", "/js/a%20b.js")).Header("Content-Type"));
        Assert.Equal("home", (await nobody.SendAsync("GET", "/")).Body);
        Assert.Equal(405, (await nobody.SendAsync("POST", "/board.html", "{}")).Status);
        // The API comes first.
        Assert.StartsWith("{", (await nobody.SendAsync("GET", "/api/notes")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/.env")]
    [InlineData("/.git/config")]
    [InlineData("/link.txt")]
    [InlineData("/linked/outside.txt")]
    [InlineData("/../outside.txt")]
    [InlineData("/%2e%2e/outside.txt")]
    [InlineData("/js/..%2fboard.html")]
    [InlineData("/js/../board.html")]
    [InlineData("//board.html")]
    [InlineData("/BOARD.html")]
    [InlineData("/board.html%00")]
    [InlineData("/js")]
    [InlineData("/js/")]
    public async Task Nothing_else_is(string path)
    {
        using TempFolder folder = Pages();
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient nobody = await server.ClientAsync(with: o => o with { PublicFolder = folder.File("public") });
        // As bytes: a client would tidy such paths.
        using TcpClient client = new(nobody.BaseAddress!.Host, nobody.BaseAddress.Port);
        await client.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {nobody.BaseAddress.Authority}\r\nConnection: close\r\n\r\n"));
        string answer = await new StreamReader(client.GetStream()).ReadToEndAsync();
        Assert.Matches("^HTTP/1.1 40[04] ", answer);
        Assert.DoesNotContain("secret", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_writes_pages_sees_them_at_once_and_production_what_it_started_with()
    {
        using TempFolder folder = Pages();
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient dev = await server.ClientAsync(with: o => o with { PublicFolder = folder.File("public") });
        HttpClient serve = await server.ClientAsync(with: o => o with { PublicFolder = folder.File("public"), Mode = ServerMode.Serve });
        await File.WriteAllTextAsync(Path.Combine(folder.File("public"), "board.html"), "<h1>another</h1>");
        await File.WriteAllTextAsync(Path.Combine(folder.File("public"), "new.html"), "new");
        Assert.Equal("<h1>board</h1>", (await serve.SendAsync("GET", "/board.html")).Body);
        Assert.Equal(404, (await serve.SendAsync("GET", "/new.html")).Status);
        Assert.Equal("<h1>another</h1>", (await dev.SendAsync("GET", "/board.html")).Body);
        Assert.Equal("new", (await dev.SendAsync("GET", "/new.html")).Body);
        File.Delete(Path.Combine(folder.File("public"), "new.html"));
        Assert.Equal(404, (await dev.SendAsync("GET", "/new.html")).Status);
    }

    [Fact]
    public async Task More_than_memory_should_hold_is_refused_at_the_start()
    {
        using TempFolder folder = Pages();
        await using RunningServer server = await RunningServer.OpenAsync();
        InvalidDataException refused = await Assert.ThrowsAsync<InvalidDataException>(() => server.ClientAsync(
            with: o => o with { PublicFolder = folder.File("public"), Limits = Limits.Default with { PublicBytes = 10 } }));
        Assert.Contains("limits.publicBytes", refused.Message, StringComparison.Ordinal);
    }

    static TempFolder Pages()
    {
        TempFolder folder = new();
        string pages = folder.File("public");
        File.WriteAllText(folder.File("outside.txt"), "secret");
        foreach (var (name, text) in new[]
            { ("board.html", "<h1>board</h1>"), ("index.html", "home"), ("js/a b.js", "1"), (".env", "secret"), (".git/config", "secret") })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(pages, name))!);
            File.WriteAllText(Path.Combine(pages, name), text);
        }
        File.CreateSymbolicLink(Path.Combine(pages, "link.txt"), folder.File("outside.txt"));
        Directory.CreateDirectory(folder.File("other"));
        File.WriteAllText(Path.Combine(folder.File("other"), "outside.txt"), "secret");
        Directory.CreateSymbolicLink(Path.Combine(pages, "linked"), folder.File("other"));
        return folder;
    }
}
