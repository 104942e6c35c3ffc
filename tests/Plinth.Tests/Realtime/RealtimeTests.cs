using System.Formats.Cbor;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Plinth.Auth;
using Plinth.Http;
using Plinth.Log;
using Plinth.Rest;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>Live queries as clients meet them at <c>/realtime</c>.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class RealtimeTests
{
    const string Own = """
        auth { id Int  role String? }
        model Note {
          id Int @id
          text String
          score Int @default(0)
          owner Int @default(auth.id)
          file Bytes?
          secret String? @allow("read", owner == auth.id)
          @@softDelete
          @@allow("read", owner == auth.id || auth.role == "editor")
          @@allow("create", auth != null)  @@allow("update", auth != null)  @@allow("delete", auth != null)
        }
        model Closed { id Int @id }
        """;

    [Fact]
    public async Task A_list_is_told_whole_and_then_as_it_changes()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """[{"id":1,"text":"a","score":5},{"id":2,"text":"b","score":7}]""");
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!);
        Assert.Equal("plinth.v1+json", socket.Protocol);
        await socket.SubscribeAsync("s", """{"model":"Note","filter":"score > 3","sort":"-score","select":["text","score"]}""");
        Assert.Equal("""{"type":"snapshot","id":"s","items":[{"id":2,"text":"b","score":7},{"id":1,"text":"a","score":5}]}""",
            await socket.TextAsync());
        await editor.SendAsync("POST", "/api/notes", """{"id":3,"text":"c","score":6}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"enter","item":{"id":3,"text":"c","score":6},"before":1}""",
            await socket.TextAsync());
        await editor.SendAsync("PATCH", "/api/notes/3", """{"text":"d"}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"update","item":{"id":3,"text":"d","score":6}}""", await socket.TextAsync());
        await editor.SendAsync("PATCH", "/api/notes/3", """{"score":4}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"move","item":{"id":3,"text":"d","score":4},"before":null}""",
            await socket.TextAsync());
        // What is neither selected nor asked for changes nothing that is seen.
        await editor.SendAsync("PATCH", "/api/notes/3", """{"secret":"x"}""");
        await editor.SendAsync("PATCH", "/api/notes/2", """{"score":1}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"leave","item":{"id":2}}""", await socket.TextAsync());
        await editor.SendAsync("DELETE", "/api/notes/1");
        Assert.Equal("""{"type":"change","id":"s","kind":"leave","item":{"id":1}}""", await socket.TextAsync());
        await socket.SendAsync("""{"type":"cancel","id":"s"}""");
        await socket.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await socket.TextAsync());
        await editor.SendAsync("POST", "/api/notes", """{"id":9,"text":"z","score":9}""");
        await socket.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await socket.TextAsync());
        await socket.CloseAsync();
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
    }

    [Fact]
    public async Task Each_caller_is_told_what_the_rules_give()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        HttpClient reader = await server.ClientAsync(RunningServer.Reader), nobody = await server.ClientAsync();
        await editor.SendAsync(
            "POST", "/api/notes", """[{"id":1,"text":"a","owner":7,"secret":"x"},{"id":2,"text":"b","owner":8,"secret":"y"}]""");
        await using LiveSocket all = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await using LiveSocket own = await LiveSocket.OpenAsync(reader.BaseAddress!);
        await using LiveSocket none = await LiveSocket.OpenAsync(nobody.BaseAddress!);
        foreach (LiveSocket socket in new[] { all, own }) await socket.SubscribeAsync("s", """{"model":"Note","select":"text,secret"}""");
        await none.SubscribeAsync("s", """{"model":"Note","select":"text"}""");
        Assert.Equal(
            """{"type":"snapshot","id":"s","items":[{"id":1,"text":"a","secret":"x"},{"id":2,"text":"b"}]}""", await all.TextAsync());
        Assert.Equal("""{"type":"snapshot","id":"s","items":[{"id":2,"text":"b","secret":"y"}]}""", await own.TextAsync());
        Assert.Equal("unauthorized", await none.ErrorAsync());
        // Given away: to one it leaves, as if it were gone.
        await editor.SendAsync("PATCH", "/api/notes/2", """{"owner":7}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"update","item":{"id":2,"text":"b","secret":"y"}}""", await all.TextAsync());
        Assert.Equal("""{"type":"change","id":"s","kind":"leave","item":{"id":2}}""", await own.TextAsync());
        await none.SubscribeAsync("c", """{"model":"Closed"}""");
        Assert.Equal("unauthorized", await none.ErrorAsync());
        await own.SubscribeAsync("c", """{"model":"Closed"}""");
        Assert.Equal("forbidden", await own.ErrorAsync());
    }

    [Theory]
    [InlineData("""{"type":"subscribe","id":1,"query":{"model":"Noet"}}""", "unknown_model")]
    [InlineData("""{"type":"subscribe","id":1,"query":{"model":"Note","filter":"nothing == 1"}}""", "unknown_field")]
    [InlineData("""{"type":"subscribe","id":1,"query":{"model":"Note","filter":"score >"}}""", "malformed_filter")]
    [InlineData("""{"type":"subscribe","id":1,"query":{"model":"Note","filter":"now > timestamp('2026-01-01T00:00:00Z')"}}""", "not_live")]
    [InlineData("""{"type":"subscribe","id":1,"query":{"model":"Note","offset":3}}""", "not_live")]
    [InlineData("""{"type":"subscribe","id":1,"query":{"model":"Note","sorted":"id"}}""", "unknown_parameter")]
    [InlineData("""{"type":"subscribe","id":1,"query":{"filter":"true"}}""", "malformed_parameter")]
    [InlineData("""{"type":"subscribe","id":1,"query":{"model":"Note","limit":100000}}""", "limit_exceeded")]
    [InlineData("""{"type":"subscribe","query":{"model":"Note"}}""", "malformed_body")]
    [InlineData("""{"type":"subscribe","id":1}""", "malformed_body")]
    [InlineData("""{"type":"subscribe","id":1,"quary":{"model":"Note"}}""", "malformed_body")]
    [InlineData("""{"type":"publish","id":1}""", "malformed_body")]
    [InlineData("""{"type":7}""", "malformed_body")]
    [InlineData("""[1]""", "malformed_body")]
    [InlineData("""{"type":"ping\ud800"}""", "malformed_body")]
    [InlineData("nonsense", "malformed_body")]
    public async Task What_cannot_be_is_told_with_its_id_and_ends_nothing(string frame, string code)
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!, protocol: null);
        await socket.SendAsync(frame);
        JsonElement error = await socket.FrameAsync();
        Assert.Equal(code, error.GetProperty("problem").GetProperty("code").GetString());
        bool isRead = frame.Contains("\"id\":1", StringComparison.Ordinal) && code != "malformed_body";
        if (isRead) Assert.Equal(1, error.GetProperty("id").GetInt32());
        await socket.SubscribeAsync("s", """{"model":"Note"}""");
        Assert.Equal("""{"type":"snapshot","id":"s","items":[]}""", await socket.TextAsync());
        await socket.SubscribeAsync("s", """{"model":"Note"}""");
        Assert.Equal("malformed_body", await socket.ErrorAsync());
    }

    [Fact]
    public async Task Who_comes_back_goes_on_from_where_he_was()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor), reader = await server.ClientAsync(RunningServer.Reader);
        await editor.SendAsync("POST", "/api/notes", """[{"id":1,"text":"a"},{"id":2,"text":"b"},{"id":3,"text":"c"}]""");
        const string Query = """{"model":"Note","select":"text","sort":"text"}""";
        string position;
        await using (LiveSocket first = await LiveSocket.OpenAsync(editor.BaseAddress!))
        {
            await first.SubscribeAsync("s", Query);
            position = (await first.FrameAsync()).GetProperty("position").GetString()!;
        }
        await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"z"}""");
        await editor.SendAsync("DELETE", "/api/notes/2");
        await editor.SendAsync("POST", "/api/notes", """{"id":4,"text":"bb"}""");
        await using LiveSocket again = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await again.SubscribeAsync("s", Query, position);
        Assert.Equal("""{"type":"change","id":"s","kind":"leave","item":{"id":2}}""", await again.TextAsync());
        Assert.Equal("""{"type":"change","id":"s","kind":"move","item":{"id":1,"text":"z"},"before":null}""", await again.TextAsync());
        Assert.Equal("""{"type":"change","id":"s","kind":"enter","item":{"id":4,"text":"bb"},"before":3}""", await again.TextAsync());
        // Other rights, another query, a place that never was: everything anew, and it says so.
        await using LiveSocket other = await LiveSocket.OpenAsync(reader.BaseAddress!);
        foreach (var (socket, query, from) in new[]
            { (other, Query, position), (again, """{"model":"Note"}""", position), (again, Query, "99999"), (again, Query, "x.y") })
        {
            await socket.SubscribeAsync("t", query, from);
            Assert.True((await socket.FrameAsync()).GetProperty("reset").GetBoolean());
            await socket.SendAsync("""{"type":"cancel","id":"t"}""");
        }
    }

    [Fact]
    public async Task Who_has_missed_more_than_is_made_up_for_is_given_everything_anew()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own, Limits.Default with { LiveMissed = 2 });
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        const string Query = """{"model":"Note"}""";
        await editor.SendAsync("POST", "/api/notes", """{"id":1,"text":"a"}""");
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await socket.SubscribeAsync("s", Query);
        string position = (await socket.FrameAsync()).GetProperty("position").GetString()!;
        await socket.SendAsync("""{"type":"cancel","id":"s"}""");
        for (int missed = 2; missed <= 4; missed++)
        {
            await editor.SendAsync("POST", "/api/notes", $$"""{"id":{{missed}},"text":"b"}""");
            await socket.SubscribeAsync("s", Query, position);
            JsonElement first = await socket.FrameAsync();
            Assert.Equal(missed == 4 ? "snapshot" : "change", first.GetProperty("type").GetString());
            if (missed < 4) for (int more = 2; more < missed; more++) await socket.FrameAsync();
            await socket.SendAsync("""{"type":"cancel","id":"s"}""");
        }
    }

    [Fact]
    public async Task A_server_that_lost_its_place_in_the_log_ends_what_is_followed_says_so_everywhere_and_goes_on()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        using MemoryStream log = new();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor, o => o with { LogStream = log, LogLevel = LogLevelMin.Warning });
        await editor.SendAsync("POST", "/api/notes", """[{"id":1,"text":"a"},{"id":2,"text":"b"}]""");
        const string Query = """{"model":"Note"}""";
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await socket.SubscribeAsync("s", Query);
        JsonElement snapshot = await socket.FrameAsync();
        using HttpRequestMessage request = new(HttpMethod.Get, "/realtime?query=" + Uri.EscapeDataString(Query));
        using HttpResponseMessage stream = await editor.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader events = new(await stream.Content.ReadAsStreamAsync());
        Assert.Equal("event: snapshot", await events.ReadLineAsync());
        long head = server.Engine.Log.Head;
        await FollowerTests.UntilAsync(server.Engine.Log.TryConfirm);

        string another = TestDatabase.IsPostgres ? "decode(md5('x'), 'hex')" : "randomblob(16)";
        // Another event stands where the last one stood, as behind a copy that took over without it.
        WriteAction<Done> putBack = new(transaction =>
        {
            transaction.Connection.Execute(
                $"update plinth_events set event_id = {another} where position = (select position from plinth_log_head)");
            return Done.It;
        }, isExclusive: true);
        await server.Engine.Store.Committer.RunAsync(putBack, CancellationToken.None);
        Assert.Equal("log_broken", await socket.ErrorAsync());
        string rest = await events.ReadToEndAsync();
        Assert.Contains("event: error", rest, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"log_broken\"", rest, StringComparison.Ordinal);

        await socket.SubscribeAsync("s", Query, snapshot.GetProperty("position").GetString());
        JsonElement anew = await socket.FrameAsync();
        Assert.True(anew.GetProperty("reset").GetBoolean());
        Assert.Equal(2, anew.GetProperty("items").GetArrayLength());
        await editor.SendAsync("POST", "/api/notes", """{"id":3,"text":"c"}""");
        Assert.Equal("change", (await socket.FrameAsync()).GetProperty("type").GetString());

        Assert.Equal("{\"status\":\"ok\",\"logBreaks\":1}", (await editor.SendAsync("GET", "/readyz")).Body);
        JsonElement followers = (await editor.SendAsync("GET", "/followers")).Json;
        Assert.Equal(1, followers.GetProperty("breaks").GetInt32());
        JsonElement last = followers.GetProperty("lastBreak");
        Assert.Equal(
            ("rewritten", head.ToString(CultureInfo.InvariantCulture)),
            (last.GetProperty("kind").GetString(), last.GetProperty("seen").GetString()));
        Assert.Contains("plinth_log_breaks_total 1", (await editor.SendAsync("GET", "/metrics")).Body, StringComparison.Ordinal);
        await server.Last.DisposeAsync();
        string logged = Encoding.UTF8.GetString(log.ToArray());
        Assert.Equal(2, logged.Split("the log was put back").Length);
    }

    [Fact]
    public async Task Another_token_gives_other_items_and_a_session_that_ends_ends_its_socket()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn admin = await server.SomeoneAsync("root@example.org", "admin");
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        await server.Client.SendAsync("POST", "/api/notes", """{"text":"of ann"}""", ann.Bearer);
        Uri url = server.Server.Url;
        Assert.Equal(401, await LiveSocket.RefusedAsync(url, "plinth.v1+json", "Authorization: Bearer bad"));
        await using LiveSocket socket = await LiveSocket.OpenAsync(url);
        await socket.SubscribeAsync("s", """{"model":"Note","select":"text"}""");
        Assert.Equal("unauthorized", await socket.ErrorAsync());
        await AuthenticateAsync(socket, bob);
        await socket.SubscribeAsync("s", """{"model":"Note","select":"text"}""");
        Assert.Equal("""{"type":"snapshot","id":"s","items":[]}""", await socket.TextAsync());
        await AuthenticateAsync(socket, ann);
        Assert.Equal("""{"type":"snapshot","id":"s","items":[{"id":1,"text":"of ann"}],"reset":true}""", await socket.TextAsync());
        await using LiveSocket byHeader = await LiveSocket.OpenAsync(url, "plinth.v1+json", bob.Bearer);
        await server.Client.SendAsync("POST", "/auth/logout", null, ann.Bearer);
        await EndsAsync(socket);
        await server.Client.SendAsync("PATCH", $"/api/users/{bob.UserId}", """{"role":"editor"}""", admin.Bearer);
        await EndsAsync(byHeader);

        static async Task AuthenticateAsync(LiveSocket socket, SignedIn who)
        {
            string token = who.Bearer["Authorization: Bearer ".Length..];
            await socket.SendAsync($$"""{"type":"auth","id":0,"token":"{{token}}"}""");
            Assert.Equal("""{"type":"result","id":0}""", await socket.TextAsync());
        }

        static async Task EndsAsync(LiveSocket socket)
        {
            Assert.Equal("unauthorized", await socket.ErrorAsync());
            Assert.Null(await socket.TakeAsync());
            Assert.Equal(4401, (int)socket.CloseStatus!);
        }
    }

    [Fact]
    public async Task A_ticket_opens_one_stream_for_half_a_minute_and_after_that_only_who_comes_back()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        await server.Client.SendAsync("POST", "/api/notes", """{"text":"of ann"}""", ann.Bearer);
        string query = "/realtime?query=" + Uri.EscapeDataString("""{"model":"Note","select":"text"}""");
        string ticket = await TicketAsync(ann);
        string id = await FirstIdAsync(ticket, null);
        Assert.Equal(401, (await server.Client.SendAsync("GET", query + "&ticket=" + ticket)).Status);
        await FirstIdAsync(ticket, id);
        Assert.Equal(
            401, (await server.Client.SendAsync("GET", query + "&ticket=" + ticket, null, "Last-Event-ID: 1.0123456789ab")).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", query + "&ticket=" + (await TicketAsync(bob))[..^2])).Status);
        string late = await TicketAsync(ann);
        server.Clock.By = TimeSpan.FromSeconds(40);
        Assert.Equal(401, (await server.Client.SendAsync("GET", query + "&ticket=" + late)).Status);
        await FirstIdAsync(late, id);
        await server.Client.SendAsync("POST", "/auth/logout", null, ann.Bearer);
        Assert.Equal(401, (await server.Client.SendAsync("GET", query + "&ticket=" + late, null, "Last-Event-ID: " + id)).Status);

        async Task<string> TicketAsync(SignedIn who)
        {
            Reply reply = await server.Client.SendAsync("POST", "/realtime/ticket", null, who.Bearer);
            Assert.Equal((201, 30), (reply.Status, reply.Json.GetProperty("expiresIn").GetInt32()));
            return reply.Json.GetProperty("ticket").GetString()!;
        }

        async Task<string> FirstIdAsync(string ticket, string? last)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, query + "&ticket=" + ticket);
            if (last is not null) request.Headers.Add("Last-Event-ID", last);
            using HttpResponseMessage response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(200, (int)response.StatusCode);
            if (last is not null) return last;
            using StreamReader events = new(await response.Content.ReadAsStreamAsync());
            Assert.Equal("event: snapshot", await events.ReadLineAsync());
            string id = (await events.ReadLineAsync())!;
            Assert.Contains("of ann", await events.ReadLineAsync(), StringComparison.Ordinal);
            return id["id: ".Length..];
        }
    }

    [Fact]
    public async Task A_page_of_another_site_opens_nothing()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient serve = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve, CorsOrigins = ["https://app.example"] });
        Assert.Equal(403, await LiveSocket.RefusedAsync(serve.BaseAddress!, null, "Origin: https://evil.example"));
        Assert.Equal(400, await LiveSocket.RefusedAsync(serve.BaseAddress!, "chat"));
        await using LiveSocket allowed = await LiveSocket.OpenAsync(serve.BaseAddress!, null, "Origin: https://app.example");
        await using LiveSocket same = await LiveSocket.OpenAsync(
            serve.BaseAddress!, null, "Origin: " + serve.BaseAddress!.GetLeftPart(UriPartial.Authority));
        Assert.Equal(400, (await serve.SendAsync("GET", "/realtime")).Status);
        Assert.Equal(405, (await serve.SendAsync("POST", "/realtime", "{}")).Status);
    }

    [Fact]
    public async Task Bounds_are_told_and_kept()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own, Limits.Default with { LiveRows = 2 });
        RealtimeOptions few = new() { ConnectionsMax = 1, SubscriptionsMax = 2, FrameBytes = 300, HeartbeatSeconds = 1 };
        HttpClient editor = await server.ClientAsync(RunningServer.Editor, o => o with { Realtime = few });
        await editor.SendAsync("POST", "/api/notes", """[{"id":1,"text":"a"},{"id":2,"text":"b"}]""");
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!);
        Assert.Equal(503, await LiveSocket.RefusedAsync(editor.BaseAddress!));
        await socket.SubscribeAsync("1", """{"model":"Note"}""");
        await socket.SubscribeAsync("2", """{"model":"Note","limit":1}""");
        await socket.FrameAsync();
        await socket.FrameAsync();
        await socket.SubscribeAsync("3", """{"model":"Note"}""");
        Assert.Equal("limit_exceeded", await socket.ErrorAsync());
        await editor.SendAsync("POST", "/api/notes", """{"id":3,"text":"c"}""");
        Assert.Equal("too_many_rows", await socket.ErrorAsync());
        await socket.SubscribeAsync("3", """{"model":"Note"}""");
        Assert.Equal("too_many_rows", await socket.ErrorAsync());
        string longId = new('i', 199);
        await socket.SubscribeAsync(longId, """{"model":"Note"}""");
        Assert.Equal("malformed_body", await socket.ErrorAsync());
        await socket.SendAsync(new string(' ', 301));
        Assert.Equal("limit_exceeded", await socket.ErrorAsync());
        Assert.Null(await socket.TakeAsync());
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, socket.CloseStatus);
    }

    [Fact]
    public async Task An_address_has_no_more_connections_than_it_may_and_others_have_theirs()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient client = await server.ClientAsync(null, o => o with
        {
            Realtime = new RealtimeOptions { ConnectionsPerAddressMax = 2 },
            TrustedProxies = [System.Net.IPNetwork.Parse("127.0.0.0/8"), System.Net.IPNetwork.Parse("::1/128")],
        });
        // Of one network, whatever the address within it.
        string[] there = ["X-Forwarded-For: 2001:db8::1", "X-Forwarded-For: 2001:db8::2", "X-Forwarded-For: 2001:db8::3"];
        LiveSocket first = await LiveSocket.OpenAsync(client.BaseAddress!, null, there[0]);
        await using LiveSocket second = await LiveSocket.OpenAsync(client.BaseAddress!, null, there[1]);
        Assert.Equal(503, await LiveSocket.RefusedAsync(client.BaseAddress!, null, there[2]));
        await using LiveSocket other = await LiveSocket.OpenAsync(client.BaseAddress!, null, "X-Forwarded-For: 2001:db8:0:1::1");
        await first.DisposeAsync();
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        for (LiveSocket? again = null; again is null;)
        {
            try
            {
                again = await LiveSocket.OpenAsync(client.BaseAddress!, null, there[2]);
                await again.DisposeAsync();
            }
            catch (WebSocketException)
            {
                await Task.Delay(10, bound.Token); // The first one's leave is on its way.
            }
        }
    }

    [Fact]
    public async Task Floods_of_frames_and_of_different_queries_are_refused()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own, Limits.Default with { LiveQueries = 2 });
        HttpClient editor = await server.ClientAsync(RunningServer.Editor, o => o with { Realtime = new() { FramesPerSecondMax = 1 } });
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!);
        foreach (string query in new[] { "id > 1", "id > 2", "id > 1" })
        {
            await socket.SubscribeAsync(query + Random.Shared.Next(), $$"""{"model":"Note","filter":"{{query}}"}""");
            Assert.StartsWith("{\"type\":\"snapshot\"", await socket.TextAsync(), StringComparison.Ordinal);
        }
        await socket.SubscribeAsync("third", """{"model":"Note","filter":"id > 3"}""");
        Assert.Equal("overloaded", await socket.ErrorAsync());
        for (int i = 0; i < 6; i++)
        {
            await socket.SendAsync("""{"type":"ping"}""");
            Assert.Equal("""{"type":"pong"}""", await socket.TextAsync());
        }
        for (int i = 0; i < 20; i++) await socket.SendAsync("""{"type":"pong"}""");
        Assert.Equal("rate_limited", await socket.ErrorAsync());
    }

    [Fact]
    public async Task A_socket_that_answers_heartbeats_stays_open_and_one_that_does_not_is_closed()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor, o => o with { Realtime = new() { HeartbeatSeconds = 1 } });
        await using LiveSocket alive = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await using LiveSocket dead = await LiveSocket.OpenAsync(editor.BaseAddress!);
        // A client answers while it waits for a frame.
        Task<string> frame = alive.TextAsync();
        await dead.SendAsync("""{"type":"pong"}""");
        await Task.Delay(6000);
        await alive.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await frame);
        await Assert.ThrowsAsync<WebSocketException>(dead.TakeAsync);
    }

    [Fact]
    public async Task A_slow_reader_is_told_and_dropped_and_others_notice_nothing()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        // Room for several frames: what a quick reader already has counts until its send has returned.
        HttpClient editor = await server.ClientAsync(
            RunningServer.Editor, o => o with { Realtime = new RealtimeOptions { QueueBytes = 500_000 } });
        await using LiveSocket slow = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await using LiveSocket quick = await LiveSocket.OpenAsync(editor.BaseAddress!);
        foreach (LiveSocket socket in new[] { slow, quick })
        {
            await socket.SubscribeAsync("s", """{"model":"Note","select":"text"}""");
            await socket.FrameAsync();
        }
        string text = new('x', 100_000);
        for (int i = 1; i <= 150; i++)
        {
            Assert.Equal(201, (await editor.SendAsync("POST", "/api/notes", $$"""{"id":{{i}},"text":"{{text}}"}""")).Status);
            Assert.Equal(i, (await quick.FrameAsync()).GetProperty("item").GetProperty("id").GetInt32());
        }
        string last = "";
        try
        {
            while (await slow.TakeAsync() is { } frame) last = Encoding.UTF8.GetString(frame);
        }
        catch (WebSocketException)
        {
            // It was not waited for: what it could not read in time is gone with its socket.
            Assert.Contains("\"enter\"", last, StringComparison.Ordinal);
            return;
        }
        Assert.Contains("\"code\":\"lagged\"", last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frames_are_compressed_where_the_client_can_and_joined_where_many_wait()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!, "plinth.v1+json", "deflate: yes");
        string records = string.Join(',', Enumerable.Range(1, 500).Select(i => $$"""{"id":{{i}},"text":"{{new string('y', 100)}}"}"""));
        await editor.SendAsync("POST", "/api/notes", $"[{records}]");
        await socket.SubscribeAsync("s", """{"model":"Note","select":"text"}""");
        Assert.Equal(500, (await socket.FrameAsync()).GetProperty("items").GetArrayLength());
        await editor.SendAsync("PATCH", "/api/notes?filter=" + Uri.EscapeDataString("id > 0"), """{"text":"short"}""");
        // As they happened, or, where that was faster, what differs between two runs of the query.
        List<int> told = [];
        for (int i = 1; i <= 500; i++) told.Add((await socket.FrameAsync()).GetProperty("item").GetProperty("id").GetInt32());
        Assert.Equal(Enumerable.Range(1, 500), told.Order());
    }

    [Fact]
    public async Task Cbor_holds_bytes_as_bytes()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"id":1,"text":"a","file":"AQID"}""");
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!, "plinth.v1+cbor");
        CborWriter frame = new();
        frame.WriteStartMap(3);
        frame.WriteTextString("type");
        frame.WriteTextString("subscribe");
        frame.WriteTextString("id");
        frame.WriteInt32(5);
        frame.WriteTextString("query");
        frame.WriteStartMap(2);
        frame.WriteTextString("model");
        frame.WriteTextString("Note");
        frame.WriteTextString("select");
        frame.WriteTextString("file");
        frame.WriteEndMap();
        frame.WriteEndMap();
        await socket.SendAsync(frame.Encode());
        byte[] snapshot = (await socket.TakeAsync())!;
        Assert.True(snapshot.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x43, 1, 2, 3]) > 0, Convert.ToHexString(snapshot));
        await socket.SendAsync("""{"type":"ping"}""");
        Assert.True((await socket.TakeAsync())!.AsSpan().IndexOf("malformed_body"u8) > 0);
    }

    [Fact]
    public async Task A_rule_that_looks_at_the_clock_is_run_at_each_change_and_a_schema_that_is_replaced_resets()
    {
        const string Timed =
            """model Note { id Int @id  text String  from DateTime  @@allow("read", from < now)  @@allow("create", true) }""";
        await using RunningServer server = await RunningServer.OpenAsync(Timed);
        HttpClient client = await server.ClientAsync();
        await client.SendAsync("POST", "/api/notes",
            """[{"id":1,"text":"a","from":"2020-01-01T00:00:00Z"},{"id":2,"text":"b","from":"2100-01-01T00:00:00Z"}]""");
        await using LiveSocket socket = await LiveSocket.OpenAsync(client.BaseAddress!);
        await socket.SubscribeAsync("s", """{"model":"Note","select":"text"}""");
        Assert.Equal("""{"type":"snapshot","id":"s","items":[{"id":1,"text":"a"}]}""", await socket.TextAsync());
        await client.SendAsync("POST", "/api/notes", """{"id":3,"text":"c","from":"2020-01-01T00:00:00Z"}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"enter","item":{"id":3,"text":"c"},"before":null}""", await socket.TextAsync());
        Assert.True((await server.Engine.ApplyAsync(
            Runtime.ReadsFixture.Load(Timed.Replace("from < now", "id != 1", StringComparison.Ordinal)), CancellationToken.None)).IsOk);
        Assert.Equal(
            """{"type":"snapshot","id":"s","items":[{"id":2,"text":"b"},{"id":3,"text":"c"}],"reset":true}""", await socket.TextAsync());
        Assert.True((await server.Engine.ApplyAsync(
            Runtime.ReadsFixture.Load(Timed.Replace("\"read\", from < now", "\"read\", false", StringComparison.Ordinal)),
            CancellationToken.None)).IsOk);
        Assert.Equal("unauthorized", await socket.ErrorAsync());
    }

    [Fact]
    public async Task A_server_that_stops_says_goodbye()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!);
        using Stream events = await editor.GetStreamAsync("/realtime?query=" + Uri.EscapeDataString("""{"model":"Note"}"""));
        Task stopping = server.Last.StopAsync();
        Assert.Null(await socket.TakeAsync());
        Assert.Equal(1001, (int)socket.CloseStatus!);
        await socket.CloseAsync();
        await new StreamReader(events).ReadToEndAsync();
        await stopping.WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_stream_of_events_is_one_subscription_and_goes_on_after_the_last_one_seen()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Own);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor, o => o with { Realtime = new() { HeartbeatSeconds = 1 } });
        HttpClient nobody = await server.ClientAsync();
        string path = "/realtime?query=" + Uri.EscapeDataString("""{"model":"Note","select":"text"}""");
        await editor.SendAsync("POST", "/api/notes", """{"id":1,"text":"a"}""");
        string id;
        using (HttpResponseMessage response = await editor.GetAsync(path, HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.ToString());
            using StreamReader events = new(await response.Content.ReadAsStreamAsync());
            Assert.Equal("event: snapshot", await events.ReadLineAsync());
            id = (await events.ReadLineAsync())!;
            string data = "data: {\"type\":\"snapshot\",\"id\":\"1\",\"items\":[{\"id\":1";
            Assert.StartsWith(data, await events.ReadLineAsync(), StringComparison.Ordinal);
            Assert.Equal("", await events.ReadLineAsync());
            Assert.Equal(": ", await events.ReadLineAsync());
        }
        await editor.SendAsync("POST", "/api/notes", """{"id":2,"text":"b"}""");
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        request.Headers.Add("Last-Event-ID", id["id: ".Length..]);
        using HttpResponseMessage again = await editor.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader resumed = new(await again.Content.ReadAsStreamAsync());
        Assert.Equal("event: change", await resumed.ReadLineAsync());
        foreach (var (query, status) in new[]
        {
            ("?query=%7B%7D", 400), ("?query=nonsense", 400), ("?other=1", 400),
            ("?query=" + Uri.EscapeDataString("""{"model":"Closed"}"""), 401),
            ("?query=" + Uri.EscapeDataString("""{"model":"Note","filter":"now == now"}"""), 400),
        })
            Assert.Equal(status, (await nobody.SendAsync("GET", "/realtime" + query)).Status);
    }
}
