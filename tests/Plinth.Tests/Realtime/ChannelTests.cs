using System.Text.Json;
using Plinth.Auth;
using Plinth.Http;
using Plinth.Language;
using Plinth.Live;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Rest;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Realtime;

/// <summary>Channels as clients meet them at <c>/realtime</c>.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ChannelTests
{
    const string Rooms = """
        auth { id Int  role String? }
        model Deal { id Int @id  ownerId Int  open Boolean @default(true)  @@allow("all", auth.role == "editor") }
        type Viewer { name String @length(1, 10)  at Int? }
        type Ping { x Int @range(0, 9) }
        type Pong { y Int }
        union Ball = Ping | Pong
        channel board(deal: Deal, room: Int) {
          presence: Viewer
          message: Ball
          @@allow("join", deal.ownerId == auth.id || auth.role == "editor")
          @@deny("join", !deal.open)
          @@allow("publish", room != 9)
        }
        channel lobby { presence @@allow("all", true) }
        channel news(topic: String) { @@allow("join", true) @@allow("publish", auth.role == "editor", message: "editors write the news") }
        channel quiz { leader: reelect @@allow("all", true) }
        channel lesson { leader: close @@allow("all", true) }
        channel shut { presence }
        """;

    [Fact]
    public async Task Members_hear_one_another_and_see_who_is_there()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        Uri url = (await server.ClientAsync()).BaseAddress!;
        await using LiveSocket ann = await LiveSocket.OpenAsync(url), bob = await LiveSocket.OpenAsync(url);
        await ann.JoinAsync("lobby", """{"name":"Ann"}""");
        string a = Member(await ann.FrameAsync());
        await bob.SendAsync("""{"type":"subscribe","id":7,"channel":"lobby","presence":{"name":"Bob"}}""");
        JsonElement joined = await bob.FrameAsync();
        string b = Member(joined);
        Assert.Equal(
            """[{"id":"%a","user":null,"presence":{"name":"Ann"}},{"id":"%b","user":null,"presence":{"name":"Bob"}}]"""
                .Replace("%a", a, StringComparison.Ordinal).Replace("%b", b, StringComparison.Ordinal),
            joined.GetProperty("members").GetRawText());
        Assert.Equal(
            """{"type":"presence","id":"c","kind":"enter","member":{"id":"%b","user":null,"presence":{"name":"Bob"}}}"""
                .Replace("%b", b, StringComparison.Ordinal),
            await ann.TextAsync());
        await ann.SendAsync("""{"type":"publish","id":"c","message":{"any":["thing",1]}}""");
        Assert.Equal(
            """{"type":"message","id":7,"from":{"id":"%a","user":null},"message":{"any":["thing",1]}}"""
                .Replace("%a", a, StringComparison.Ordinal),
            await bob.TextAsync());
        await bob.SendAsync("""{"type":"presence","id":7,"presence":{"name":"Bob","busy":true}}""");
        Assert.Equal(
            """{"type":"presence","id":"c","kind":"update","member":{"id":"%b","user":null,"presence":{"name":"Bob","busy":true}}}"""
                .Replace("%b", b, StringComparison.Ordinal),
            await ann.TextAsync());
        // Not to oneself: the next thing that comes is the answer to this.
        await ann.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await ann.TextAsync());
        await bob.CloseAsync();
        Assert.Equal("""{"type":"presence","id":"c","kind":"leave","member":{"id":"%b"}}""".Replace("%b", b, StringComparison.Ordinal),
            await ann.TextAsync());
        await ann.SendAsync("""{"type":"cancel","id":"c"}""");
        await ann.SendAsync("""{"type":"publish","id":"c","message":1}""");
        Assert.Equal("malformed_body", await ann.ErrorAsync());
    }

    [Fact]
    public async Task Each_set_of_parameters_is_a_channel_of_its_own_and_rules_follow_them()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor), reader = await server.ClientAsync(RunningServer.Reader);
        HttpClient nobody = await server.ClientAsync();
        await editor.SendAsync("POST", "/api/deals", """[{"id":1,"ownerId":8},{"id":2,"ownerId":7},{"id":3,"ownerId":8,"open":false}]""");
        await using LiveSocket all = await LiveSocket.OpenAsync(editor.BaseAddress!), own = await LiveSocket.OpenAsync(reader.BaseAddress!);
        await using LiveSocket none = await LiveSocket.OpenAsync(nobody.BaseAddress!);
        foreach (var (socket, parameters, code) in new[]
            {
                (none, """{"dealId":1,"room":1}""", "unauthorized"), (own, """{"dealId":2,"room":1}""", "forbidden"),
                (own, """{"dealId":3,"room":1}""", "forbidden"), (own, """{"dealId":4,"room":1}""", "forbidden"),
                (all, """{"dealId":4,"room":1}""", "forbidden"), (own, """{"dealId":1}""", "validation_failed"),
                (own, """{"dealId":1,"room":"x"}""", "validation_failed"), (own, """{"dealId":1,"room":1,"more":1}""", "validation_failed"),
            })
        {
            await socket.JoinAsync("board", """{"name":"x"}""", parameters);
            Assert.Equal(code, await socket.ErrorAsync());
        }
        await own.JoinAsync("shut", null);
        Assert.Equal("forbidden", await own.ErrorAsync());
        await own.JoinAsync("board", """{"name":"own"}""", """{"dealId":1,"room":1}""");
        Member(await own.FrameAsync());
        await using LiveSocket second = await LiveSocket.OpenAsync(reader.BaseAddress!);
        await second.JoinAsync("board", """{"name":"two"}""", """{"room":2,"dealId":1}""");
        Member(await second.FrameAsync());
        await second.JoinAsync("board", """{"name":"two"}""", """{"room":1,"dealId":1}""", "same");
        Member(await second.FrameAsync());
        Assert.Equal("enter", (await own.FrameAsync()).GetProperty("kind").GetString());
        // To the other room nothing comes of this one.
        await own.SendAsync("""{"type":"publish","id":"c","message":{"type":"Ping","x":3}}""");
        JsonElement heard = await second.FrameAsync();
        Assert.Equal(("same", """{"type":"Ping","x":3}""", "8"), (heard.GetProperty("id").GetString(),
            heard.GetProperty("message").GetRawText(), heard.GetProperty("from").GetProperty("user").GetString()));
    }

    [Theory]
    [InlineData("""{"type":"publish","id":"c","message":{"type":"Ping","x":10}}""", "validation_failed", "publish")]
    [InlineData("""{"type":"publish","id":"c","message":{"x":1}}""", "validation_failed", "publish")]
    [InlineData("""{"type":"publish","id":"c","message":3}""", "validation_failed", "publish")]
    [InlineData("""{"type":"publish","id":"c"}""", "malformed_body", "publish")]
    [InlineData("""{"type":"publish","id":"d","message":{"type":"Ping","x":1}}""", "malformed_body", "publish")]
    [InlineData("""{"type":"publish","message":{"type":"Ping","x":1}}""", "malformed_body", "publish")]
    [InlineData("""{"type":"publish","id":"nine","message":{"type":"Ping","x":1}}""", "forbidden", "publish")]
    [InlineData("""{"type":"presence","id":"c","presence":{"name":"far too long a name"}}""", "validation_failed", "presence")]
    [InlineData("""{"type":"presence","id":"c","presence":{}}""", "validation_failed", "presence")]
    [InlineData("""{"type":"presence","id":"c"}""", "malformed_body", "presence")]
    [InlineData("""{"type":"presence","id":"d","presence":{"name":"x"}}""", "malformed_body", "presence")]
    [InlineData("""{"type":"presence","id":"news","presence":{"name":"x"}}""", "malformed_body", "presence")]
    [InlineData("""{"type":"subscribe","id":"e","channel":"board","parameters":{"dealId":1,"room":1}}""", "validation_failed", null)]
    [InlineData("""{"type":"subscribe","id":"e","channel":"borad"}""", "unknown_channel", null)]
    [InlineData("""{"type":"subscribe","id":"c","channel":"lobby"}""", "malformed_body", null)]
    [InlineData("""{"type":"subscribe","channel":"lobby"}""", "malformed_body", null)]
    [InlineData("""{"type":"subscribe","id":"e","channel":"news","parameters":{"topic":"x"},"presence":{"a":1}}""", "malformed_body", null)]
    [InlineData("""{"type":"subscribe","id":"e","channel":"lobby","parameters":{"x":1}}""", "validation_failed", null)]
    public async Task What_is_refused_says_of_which_frame_and_ends_nothing_else(string frame, string code, string? of)
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/deals", """{"id":1,"ownerId":8}""");
        await using LiveSocket socket = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await socket.JoinAsync("board", """{"name":"x"}""", """{"dealId":1,"room":1}""");
        await socket.JoinAsync("board", """{"name":"x"}""", """{"dealId":1,"room":9}""", "nine");
        await socket.JoinAsync("news", null, """{"topic":"x"}""", "news");
        for (int i = 0; i < 3; i++) Member(await socket.FrameAsync());
        await socket.SendAsync(frame);
        JsonElement error = await socket.FrameAsync();
        Assert.Equal(code, error.GetProperty("problem").GetProperty("code").GetString());
        Assert.Equal(of, error.TryGetProperty("of", out JsonElement member) ? member.GetString() : null);
        await using LiveSocket other = await LiveSocket.OpenAsync(editor.BaseAddress!);
        await other.JoinAsync("board", """{"name":"y"}""", """{"dealId":1,"room":1}""");
        Assert.Equal("enter", (await socket.FrameAsync()).GetProperty("kind").GetString());
    }

    [Fact]
    public async Task Who_may_no_longer_be_there_is_put_out_by_the_change_itself()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor), reader = await server.ClientAsync(RunningServer.Reader);
        await editor.SendAsync("POST", "/api/deals", """{"id":1,"ownerId":8}""");
        await using LiveSocket all = await LiveSocket.OpenAsync(editor.BaseAddress!), own = await LiveSocket.OpenAsync(reader.BaseAddress!);
        await all.JoinAsync("board", """{"name":"x"}""", """{"dealId":1,"room":1}""");
        Member(await all.FrameAsync());
        // Another room: two servers over one database are two nodes, and their members would see one another.
        await own.JoinAsync("board", """{"name":"x"}""", """{"dealId":1,"room":2}""");
        Member(await own.FrameAsync());
        await editor.SendAsync("PATCH", "/api/deals/1", """{"ownerId":9}""");
        Assert.Equal("forbidden", await own.ErrorAsync());
        await own.SendAsync("""{"type":"publish","id":"c","message":{"type":"Pong","y":1}}""");
        Assert.Equal("malformed_body", await own.ErrorAsync());
        await editor.SendAsync("DELETE", "/api/deals/1");
        Assert.Equal("forbidden", await all.ErrorAsync());
    }

    [Fact]
    public async Task A_session_that_ends_and_rights_that_change_end_membership()
    {
        await using AuthServer server = await AuthServer.OpenAsync(
            schema: AuthServer.Schema + """ channel lobby { presence @@allow("join", auth != null) } channel own(user: User) { presence """
            + """ @@allow("join", user.id == auth.id) }""");
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        await using LiveSocket first = await LiveSocket.OpenAsync(server.Server.Url, "plinth.v1+json", ann.Bearer);
        await using LiveSocket second = await LiveSocket.OpenAsync(server.Server.Url, "plinth.v1+json", bob.Bearer);
        await first.JoinAsync("lobby", null);
        Member(await first.FrameAsync());
        await second.JoinAsync("lobby", null);
        Member(await second.FrameAsync());
        Assert.Equal(bob.UserId, (await first.FrameAsync()).GetProperty("member").GetProperty("user").GetString());
        await first.JoinAsync("own", null, $$"""{"userId":"{{ann.UserId}}"}""", "own");
        Member(await first.FrameAsync());
        await server.Client.SendAsync("POST", "/auth/logout", null, bob.Bearer);
        Assert.Equal("unauthorized", await second.ErrorAsync());
        Assert.Equal("leave", (await first.FrameAsync()).GetProperty("kind").GetString());
        // Someone else from now on: what was joined is joined anew, or not.
        SignedIn carl = await server.SomeoneAsync("carl@example.org");
        await first.SendAsync($$"""{"type":"auth","id":0,"token":"{{carl.Bearer["Authorization: Bearer ".Length..]}}"}""");
        Assert.Equal("result", (await first.FrameAsync()).GetProperty("type").GetString());
        List<string> frames = [await first.TextAsync(), await first.TextAsync()];
        Assert.Contains(frames, frame => frame.Contains("\"id\":\"own\"") && frame.Contains("forbidden"));
        Assert.Contains(frames, frame => frame.Contains("\"type\":\"snapshot\"") && frame.Contains(carl.UserId));
    }

    [Fact]
    public async Task A_channel_with_a_leader_has_the_one_who_came_first()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        Uri url = (await server.ClientAsync()).BaseAddress!;
        List<LiveSocket> sockets = [];
        List<string> ids = [];
        for (int i = 0; i < 3; i++)
        {
            sockets.Add(await LiveSocket.OpenAsync(url));
            await sockets[i].JoinAsync("quiz", null);
            JsonElement joined = await sockets[i].FrameAsync();
            ids.Add(Member(joined));
            Assert.Equal(ids[0], joined.GetProperty("leader").GetString());
            foreach (LiveSocket before in sockets[..i]) Assert.Equal("enter", (await before.FrameAsync()).GetProperty("kind").GetString());
        }
        // From a member to the leader alone, from the leader to all.
        await sockets[2].SendAsync("""{"type":"publish","id":"c","message":"answer"}""");
        JsonElement answer = await sockets[0].FrameAsync();
        Assert.Equal(("\"answer\"", 3),
            (answer.GetProperty("message").GetRawText(), answer.GetProperty("from").GetProperty("slot").GetInt32()));
        await sockets[0].SendAsync("""{"type":"publish","id":"c","message":"question"}""");
        foreach (LiveSocket socket in sockets[1..])
            Assert.Equal("\"question\"", (await socket.FrameAsync()).GetProperty("message").GetRawText());
        await sockets[0].CloseAsync();
        foreach (LiveSocket socket in sockets[1..])
        {
            Assert.Equal("leave", (await socket.FrameAsync()).GetProperty("kind").GetString());
            JsonElement told = await socket.FrameAsync();
            Assert.Equal(("leader", ids[1]), (told.GetProperty("type").GetString(), told.GetProperty("leader").GetString()));
        }
        foreach (LiveSocket socket in sockets) await socket.DisposeAsync();
    }

    [Fact]
    public async Task Members_of_a_channel_with_a_leader_have_numbers_that_are_not_given_again()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        Uri url = (await server.ClientAsync()).BaseAddress!;
        await using LiveSocket leader = await LiveSocket.OpenAsync(url);
        await leader.JoinAsync("quiz", null);
        Assert.Equal("1", Slots(await leader.FrameAsync()));
        for (int next = 2; next < 5; next++)
        {
            await using LiveSocket socket = await LiveSocket.OpenAsync(url);
            await socket.JoinAsync("quiz", null);
            Assert.Equal($"1 {next}", Slots(await socket.FrameAsync()));
            JsonElement entered = await leader.FrameAsync();
            Assert.Equal(("enter", next),
                (entered.GetProperty("kind").GetString(), entered.GetProperty("member").GetProperty("slot").GetInt32()));
            await leader.SendAsync("""{"type":"presence","id":"c","presence":{"ready":true}}""");
            JsonElement shown = (await socket.FrameAsync()).GetProperty("member");
            Assert.Equal((1, "{\"ready\":true}"), (shown.GetProperty("slot").GetInt32(), shown.GetProperty("presence").GetRawText()));
            await socket.CloseAsync();
            Assert.Equal("leave", (await leader.FrameAsync()).GetProperty("kind").GetString());
        }
        // Where nobody leads, nobody is counted.
        await leader.JoinAsync("lobby", null, null, "l");
        Assert.False((await leader.FrameAsync()).GetProperty("members")[0].TryGetProperty("slot", out _));
        await leader.SendAsync("""{"type":"cancel","id":"c"}""");
        // Another socket does not wait for this one's frames; the answer to what follows says that it was taken.
        await leader.SendAsync("""{"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await leader.TextAsync());
        await using LiveSocket again = await LiveSocket.OpenAsync(url);
        await again.JoinAsync("quiz", null);
        Assert.Equal("1", Slots(await again.FrameAsync()));
    }

    [Fact]
    public async Task A_channel_that_ends_with_its_leader_is_closed_for_all()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        Uri url = (await server.ClientAsync()).BaseAddress!;
        await using LiveSocket teacher = await LiveSocket.OpenAsync(url), pupil = await LiveSocket.OpenAsync(url);
        await teacher.JoinAsync("lesson", null);
        Member(await teacher.FrameAsync());
        await pupil.JoinAsync("lesson", null);
        string own = Member(await pupil.FrameAsync());
        await teacher.CloseAsync();
        Assert.Equal("leave", (await pupil.FrameAsync()).GetProperty("kind").GetString());
        Assert.Equal("channel_closed", await pupil.ErrorAsync());
        await pupil.JoinAsync("lesson", null);
        JsonElement again = await pupil.FrameAsync();
        Assert.NotEqual(own, Member(again));
        Assert.Equal(Member(again), again.GetProperty("leader").GetString());
    }

    [Fact]
    public async Task Bounds_are_held_and_named()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms, Limits.Default with
        {
            ChannelMessageBytes = 50, ChannelPresenceBytes = 30, ChannelMembers = 2, Channels = 2,
        });
        Uri url = (await server.ClientAsync(RunningServer.Editor,
            o => o with { Realtime = new RealtimeOptions { PublishesPerSecondMax = 1 } })).BaseAddress!;
        await using LiveSocket socket = await LiveSocket.OpenAsync(url), other = await LiveSocket.OpenAsync(url);
        await socket.JoinAsync("lobby", """{"name":"a name of more than thirty bytes"}""");
        Assert.Contains("limits.channelPresenceBytes", await socket.TextAsync(), StringComparison.Ordinal);
        await socket.JoinAsync("lobby", null, null, "a");
        await socket.JoinAsync("lobby", null, null, "b");
        Member(await socket.FrameAsync());
        Member(await socket.FrameAsync());
        Assert.Equal("enter", (await socket.FrameAsync()).GetProperty("kind").GetString());
        await other.JoinAsync("lobby", null);
        Assert.Contains("limits.channelMembers", await other.TextAsync(), StringComparison.Ordinal);
        await other.JoinAsync("news", null, """{"topic":"1"}""", "1");
        Member(await other.FrameAsync());
        await other.JoinAsync("news", null, """{"topic":"2"}""", "2");
        Assert.Contains("limits.channels", await other.TextAsync(), StringComparison.Ordinal);
        await other.JoinAsync("news", null, $$"""{"topic":"{{new string('x', 1024)}}"}""", "3");
        Assert.Equal("limit_exceeded", await other.ErrorAsync());
        await other.SendAsync($$"""{"type":"publish","id":"1","message":"{{new string('x', 60)}}"}""");
        Assert.Contains("limits.channelMessageBytes", await other.TextAsync(), StringComparison.Ordinal);
        for (int i = 0; i < 30; i++) await other.SendAsync("""{"type":"publish","id":"1","message":1}""");
        Assert.Contains("realtime.publishesPerSecond", await other.TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tenants_never_meet_whatever_the_parameters()
    {
        await using RunningServer server = await RunningServer.OpenAsync("""
            app x { tenancy = row }
            auth { id Int  tenantId Int? }
            model Deal { id Int @id  open Boolean @default(true)  @@allow("all", true) }
            channel lobby { presence @@allow("all", true) }
            channel board(deal: Deal) { @@allow("all", deal.open) }
            """);
        await using ChannelHub hub = new(server.Engine, Assert.Fail);
        Caller one = Of(1), two = Of(2), none = Of(null);
        Command create = new() { Model = "Deal", Kind = CommandKind.Create, Body = "{\"id\":1}"u8.ToArray() };
        (await server.Engine.WriteAsync(one, create, CancellationToken.None)).Value.Dispose();
        List<string> told = [];
        using ChannelMembership first = (await JoinAsync(one, "lobby", told)).Value;
        using ChannelMembership other = (await JoinAsync(two, "lobby", [])).Value;
        Assert.Single(told);
        using ChannelMembership second = (await JoinAsync(one, "lobby", [])).Value;
        Assert.Equal(2, told.Count);
        Assert.Equal("forbidden", (await JoinAsync(none, "lobby", [])).Fault!.Code);
        Assert.True((await JoinAsync(one, "board", [], "{\"dealId\":1}")).IsOk);
        Assert.Equal("forbidden", (await JoinAsync(two, "board", [], "{\"dealId\":1}")).Fault!.Code);
        Assert.Equal("validation_failed", (await JoinAsync(two, "lobby", [], "{\"tenantId\":1}")).Fault!.Code);

        ValueTask<Result<ChannelMembership>> JoinAsync(Caller caller, string channel, List<string> frames, string parameters = "{}") =>
            hub.JoinAsync(caller, new ChannelRequest(channel, System.Text.Encoding.UTF8.GetBytes(parameters), default),
                frame => frames.Add(frame.Type), CancellationToken.None);

        static Caller Of(long? tenant) => new(Value.FromMap(new ValueMap(
            [new("id", Value.From(7)), new("tenantId", tenant is { } id ? Value.From(id) : Value.Null)])), "7");
    }

    [Fact]
    public async Task The_description_lists_the_channels_that_the_caller_might_join()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        Assert.Equal("board lobby news quiz lesson", await ListedAsync(RunningServer.Reader));
        Assert.Equal("lobby news quiz lesson", await ListedAsync(null));

        async Task<string> ListedAsync(Value? identity)
        {
            HttpClient client = await server.ClientAsync(identity);
            JsonElement channels = (await client.SendAsync("GET", "/schema.json")).Json.GetProperty("channels");
            Assert.DoesNotContain("rules", channels.GetRawText(), StringComparison.Ordinal);
            return string.Join(' ', channels.EnumerateArray().Select(static c => c.GetProperty("name").GetString()));
        }
    }

    [Fact]
    public async Task Another_schema_lets_everyone_in_anew_or_out()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        Uri url = (await server.ClientAsync(RunningServer.Reader)).BaseAddress!;
        await using LiveSocket socket = await LiveSocket.OpenAsync(url);
        await socket.JoinAsync("lobby", """{"name":"a"}""", null, "lobby");
        await socket.JoinAsync("news", null, """{"topic":"x"}""", "news");
        await socket.JoinAsync("quiz", null, null, "quiz");
        for (int i = 0; i < 3; i++) Member(await socket.FrameAsync());
        string next = Rooms.Replace("channel quiz { leader: reelect @@allow(\"all\", true) }", "", StringComparison.Ordinal)
            .Replace("channel news(topic: String) { @@allow(\"join\", true)",
                "channel news(topic: String) { @@allow(\"join\", auth.role == \"editor\")", StringComparison.Ordinal);
        AppSchema schema = SchemaReader.Read([new SourceText("schema.plinth", next)]).Schema!;
        Assert.True((await server.Engine.ApplyAsync(schema, CancellationToken.None)).IsOk);
        Dictionary<string, string> told = [];
        for (int i = 0; i < 3; i++)
        {
            JsonElement frame = await socket.FrameAsync();
            told[frame.GetProperty("id").GetString()!] = frame.TryGetProperty("problem", out JsonElement problem)
                ? problem.GetProperty("code").GetString()! : frame.GetProperty("reset").GetRawText();
        }
        Assert.Equal(("true", "forbidden", "unknown_channel"), (told["lobby"], told["news"], told["quiz"]));
    }

    [Fact]
    public async Task A_stream_of_events_listens_to_a_channel_and_cbor_speaks_in_one()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Rooms);
        HttpClient client = await server.ClientAsync(RunningServer.Editor);
        string listen = "/realtime?channel=news&parameters=" + Uri.EscapeDataString("""{"topic":"x"}""");
        using HttpResponseMessage response = await client.GetAsync(listen, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader events = new(await response.Content.ReadAsStreamAsync());
        Assert.Equal("event: snapshot", await events.ReadLineAsync());
        Assert.StartsWith("""data: {"type":"snapshot","id":"1","member":""", await events.ReadLineAsync(), StringComparison.Ordinal);
        await events.ReadLineAsync();
        await using LiveSocket cbor = await LiveSocket.OpenAsync(client.BaseAddress!, "plinth.v1+cbor");
        await cbor.SendAsync(Cbor("""{"type":"subscribe","id":"c","channel":"news","parameters":{"topic":"x"}}"""));
        await cbor.TakeAsync();
        await cbor.SendAsync(Cbor("""{"type":"publish","id":"c","message":{"text":"hello"}}"""));
        Assert.Equal("event: message", await events.ReadLineAsync());
        Assert.EndsWith(""","message":{"text":"hello"}}""", await events.ReadLineAsync(), StringComparison.Ordinal);
        string[] wrongs = ["?channel=nothing", "?channel=news", "?channel=lobby&query={}", "?parameters={}", "?channel=shut"];
        foreach (string wrong in wrongs)
            Assert.InRange((await client.SendAsync("GET", "/realtime" + wrong)).Status, 400, 422);
        foreach (string parameters in new[] { "%7B", "%5B1%5D", "x" })
        {
            Reply refused = await client.SendAsync("GET", "/realtime?channel=news&parameters=" + parameters);
            Assert.Equal((400, "malformed_body"), (refused.Status, refused.Json.GetProperty("code").GetString()));
        }

        static byte[] Cbor(string json) => JsonToCbor.Transcode(System.Text.Encoding.UTF8.GetBytes(json), CborShape.Plain);
    }

    static string Slots(JsonElement joined) => string.Join(' ',
        joined.GetProperty("members").EnumerateArray().Select(static member => member.GetProperty("slot").GetInt32()));

    static string Member(JsonElement joined)
    {
        Assert.True(joined.TryGetProperty("member", out JsonElement member), joined.GetRawText());
        return member.GetString()!;
    }
}
