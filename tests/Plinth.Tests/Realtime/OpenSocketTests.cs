using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Plinth.Auth;
using Plinth.Identity;
using Plinth.Rest;

namespace Plinth.Realtime;

/// <summary>What becomes of an open socket when its credential, whoever gave it out, is good no longer or says something else.</summary>
public sealed class OpenSocketTests
{
    const string Query = """{"model":"Public","select":"text"}""";

    readonly ConcurrentDictionary<string, Func<DecodedToken?>> _tokens = new(StringComparer.Ordinal);

    [Fact]
    public async Task A_decoder_takes_one_credential_back_and_every_socket_that_shows_it_ends_and_no_other()
    {
        await using AuthServer server = await OpenAsync();
        (_tokens["one"], _tokens["two"]) = (() => Known("viewer"), () => Known("viewer"));
        await using LiveSocket first = await SocketAsync(server, "one"), second = await SocketAsync(server, "one");
        await using LiveSocket other = await SocketAsync(server, "two");
        _tokens["one"] = () => null;
        await EndsAsync(first, "unauthorized", 4401);
        await EndsAsync(second, "unauthorized", 4401);
        await LivesAsync(other);
    }

    [Fact]
    public async Task A_decoder_that_fails_for_one_credential_ends_its_sockets_and_no_others()
    {
        await using AuthServer server = await OpenAsync();
        (_tokens["one"], _tokens["two"]) = (() => Known("viewer"), () => Known("viewer"));
        await using LiveSocket first = await SocketAsync(server, "one"), other = await SocketAsync(server, "two");
        SignedIn ann = await server.SomeoneAsync();
        await using LiveSocket ours = await SocketAsync(server, ann.Access);
        _tokens["one"] = () => throw new InvalidOperationException("broken");
        await EndsAsync(first, "not_ready", 1013);
        await LivesAsync(other);
        await LivesAsync(ours);
    }

    [Fact]
    public async Task Other_claims_of_the_same_credential_are_other_rights()
    {
        await using AuthServer server = await OpenAsync();
        _tokens["one"] = () => Known("editor");
        await using LiveSocket socket = await SocketAsync(server, "one");
        _tokens["one"] = () => Known("viewer");
        await EndsAsync(socket, "unauthorized", 4401);
    }

    [Fact]
    public async Task The_key_of_a_program_whose_user_is_given_another_role_loses_what_it_follows()
    {
        await using AuthServer server = await OpenAsync();
        SignedIn root = await server.SomeoneAsync("root@example.org", "admin"), ann = await server.SomeoneAsync();
        Reply made = await server.Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["read"]}""", ann.Bearer);
        string key = made.Json.GetProperty("token").GetString()!; // it was made
        await using LiveSocket socket = await SocketAsync(server, key);
        Reply changed = await server.Client.SendAsync("PATCH", "/api/users/" + ann.UserId, """{"role":"editor"}""", root.Bearer);
        Assert.Equal(200, changed.Status);
        await EndsAsync(socket, "unauthorized", 4401);
    }

    [Fact]
    public async Task A_key_with_fewer_scopes_follows_no_more_than_it_may()
    {
        await using AuthServer server = await OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        string[] keys = new string[2];
        foreach (var (scope, i) in new[] { ("read", 0), ("notes:read", 1) })
        {
            Reply made = await server.Client.SendAsync(
                "POST", "/auth/tokens", AuthServer.Json(("name", "x"), ("scopes", new[] { scope })), ann.Bearer);
            keys[i] = made.Json.GetProperty("token").GetString()!; // it was made
        }
        await using LiveSocket socket = await SocketAsync(server, keys[0]);
        await socket.SendAsync($$"""{"type":"auth","id":0,"token":"{{keys[1]}}"}""");
        HashSet<string> told = [await socket.TextAsync(), await socket.TextAsync()];
        Assert.Contains("""{"type":"result","id":0}""", told);
        Assert.Contains(told, static frame => frame.Contains("forbidden", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_credential_of_others_is_taken_in_a_frame_and_gets_a_ticket()
    {
        await using AuthServer server = await OpenAsync();
        _tokens["one"] = () => Known("viewer");
        await using LiveSocket socket = await LiveSocket.OpenAsync(server.Server.Url);
        await socket.SendAsync("""{"type":"auth","id":0,"token":"one"}""");
        Assert.Equal("""{"type":"result","id":0}""", await socket.TextAsync());
        Reply ticket = await server.Client.SendAsync("POST", "/realtime/ticket", null, "Authorization: Bearer one");
        Assert.Equal(201, ticket.Status);
        using HttpRequestMessage request = new(HttpMethod.Get, "/realtime?query=" + Uri.EscapeDataString(Query) + "&ticket="
            + ticket.Json.GetProperty("ticket").GetString());
        using HttpResponseMessage stream = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
    }

    [Fact]
    public async Task A_ticket_that_was_used_stays_used_when_the_server_starts_anew()
    {
        await using AuthServer server = await OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        Reply ticket = await server.Client.SendAsync("POST", "/realtime/ticket", null, ann.Bearer);
        string path = "/realtime?query=" + Uri.EscapeDataString(Query) + "&ticket=" + ticket.Json.GetProperty("ticket").GetString();
        using (HttpRequestMessage request = new(HttpMethod.Get, path))
        using (HttpResponseMessage stream = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        await server.RestartAsync();
        Assert.Equal(401, (await server.Client.SendAsync("GET", path)).Status);
    }

    Task<AuthServer> OpenAsync() => AuthServer.OpenAsync(o => o with
    {
        Decoders = [(credential, _) => ValueTask.FromResult(_tokens.TryGetValue(credential, out Func<DecodedToken?>? of) ? of() : null)],
    });

    static DecodedToken Known(string role) => new("x", JsonSerializer.SerializeToElement(new { id = Guid.Empty, role }));

    static async Task<LiveSocket> SocketAsync(AuthServer server, string credential)
    {
        LiveSocket socket = await LiveSocket.OpenAsync(server.Server.Url, "plinth.v1+json", "Authorization: Bearer " + credential);
        await socket.SubscribeAsync("s", Query);
        Assert.Equal("""{"type":"snapshot","id":"s","items":[]}""", await socket.TextAsync());
        return socket;
    }

    static async Task EndsAsync(LiveSocket socket, string code, int status)
    {
        Assert.Equal(code, await socket.ErrorAsync());
        Assert.Null(await socket.TakeAsync());
        Assert.Equal(status, (int)socket.CloseStatus!);
    }

    static async Task LivesAsync(LiveSocket socket)
    {
        await socket.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await socket.TextAsync());
    }
}
