using System.Globalization;
using System.Net;
using Plinth.Auth;
using Plinth.Realtime;
using Plinth.Rest;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Policy;

/// <summary>The newer ways to a record (live queries, the past, reverting, tickets, batches), tried by whom it is none of.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class OtherEyesTests
{
    const string Tenanted = """
        app x { tenancy = row }
        auth { id Int  role String?  tenantId Int? }
        model Card { id Int @id  text String  notes Note[]  @@allow("all", true) }
        model Note { id Int @id  card Card @relation(onDelete: cascade)  @@allow("all", true) }
        """;

    const string Owned = """
        auth { id Int  role String? }
        model Card {
          id Int @id
          text String
          owner Int
          secret String? @allow("read, write", owner == auth.id)
          @@allow("read, update", owner == auth.id || text == "shared")
          @@allow("create", auth != null)
          @@allow("delete", owner == auth.id)
        }
        """;

    [Fact]
    public async Task Without_a_tenant_and_from_another_nothing_live_is_told()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Tenanted);
        HttpClient first = await server.ClientAsync(OfTenant(1)), second = await server.ClientAsync(OfTenant(2));
        HttpClient nobodys = await server.ClientAsync(OfTenant(null));
        await using LiveSocket own = await LiveSocket.OpenAsync(first.BaseAddress!);
        await using LiveSocket other = await LiveSocket.OpenAsync(second.BaseAddress!);
        await using LiveSocket none = await LiveSocket.OpenAsync(nobodys.BaseAddress!);
        foreach (string more in new[] { "", ",\"include\":\"notes\"", ",\"limit\":5" })
        {
            string query = "{\"model\":\"Card\"" + more + "}", id = query.Length.ToString(CultureInfo.InvariantCulture);
            foreach (LiveSocket socket in new[] { own, other }) await socket.SubscribeAsync(id, query);
            foreach (LiveSocket socket in new[] { own, other })
                Assert.Contains("\"items\":[]", await socket.TextAsync(), StringComparison.Ordinal);
            await none.SubscribeAsync("n", query);
            string told = await none.TextAsync();
            bool isNothing = told.Contains("\"items\":[]", StringComparison.Ordinal)
                || told.Contains("forbidden", StringComparison.Ordinal);
            Assert.True(isNothing, told);
            await none.SendAsync("""{"type":"cancel","id":"n"}""");
            await none.SubscribeAsync("m" + id, query);
            await none.TextAsync();
        }
        Assert.Equal(201, (await first.SendAsync("POST", "/api/cards", """{"id":1,"text":"of the first"}""")).Status);
        Assert.Equal(201, (await first.SendAsync("POST", "/api/notes", """{"id":1,"cardId":1}""")).Status);
        // The window is read again some time after the change; it is the last of the three to tell.
        HashSet<string> kinds = [];
        while (kinds.Count < 3) kinds.Add((await own.FrameAsync()).GetProperty("id").GetString()!);
        foreach (LiveSocket socket in new[] { other, none })
        {
            await socket.SendAsync("""{"type":"ping"}""");
            Assert.Equal("""{"type":"pong"}""", await socket.TextAsync());
        }
    }

    [Fact]
    public async Task What_was_another_ones_is_given_back_to_nobody_else_by_the_past_or_by_reverting()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Owned);
        HttpClient ann = await server.ClientAsync(OfUser(1)), bob = await server.ClientAsync(OfUser(2));
        Assert.Equal(201, (await ann.SendAsync("POST", "/api/cards", """{"id":1,"text":"private","owner":1,"secret":"of ann"}""")).Status);
        string then = server.Engine.Position.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(200, (await ann.SendAsync("PATCH", "/api/cards/1", """{"secret":null}""")).Status);
        Assert.Equal(200, (await ann.SendAsync("PATCH", "/api/cards/1", """{"text":"shared"}""")).Status);
        Reply now = await bob.SendAsync("GET", "/api/cards/1");
        Assert.Equal(200, now.Status);
        Assert.DoesNotContain("secret", now.Body, StringComparison.Ordinal);
        foreach (string past in new[] { "/api/cards/1?asOf=" + then, "/api/cards/1?asOf=" + then + "&select=text" })
            Assert.Equal(404, (await bob.SendAsync("GET", past)).Status);
        Reply list = await bob.SendAsync("GET", "/api/cards?count=exact&asOf=" + then);
        Assert.Contains("\"items\":[]", list.Body, StringComparison.Ordinal);
        Assert.Contains("\"total\":0", list.Body, StringComparison.Ordinal);
        foreach (string filter in new[] { "secret=='of ann'", "secret!=null", "text=='private'" })
        {
            Reply found = await bob.SendAsync("GET", $"/api/cards?count=exact&asOf={then}&filter={Uri.EscapeDataString(filter)}");
            Assert.Contains("\"total\":0", found.Body, StringComparison.Ordinal);
        }
        foreach (string revert in new[] { "?version=1", "?asOf=" + then })
        {
            Reply refused = await bob.SendAsync("POST", "/api/cards/1/revert" + revert);
            Assert.Equal(404, refused.Status);
            Assert.DoesNotContain("private", refused.Body, StringComparison.Ordinal);
        }
        // Of what bob may read then and now, he brings back what he may write, and never sees the rest.
        string shared = server.Engine.Position.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(200, (await ann.SendAsync("PATCH", "/api/cards/1", """{"secret":"again"}""")).Status);
        Reply reverted = await bob.SendAsync("POST", "/api/cards/1/revert?asOf=" + shared);
        Assert.Equal(200, reverted.Status);
        Assert.DoesNotContain("secret", reverted.Body, StringComparison.Ordinal);
        Assert.Contains("again", (await ann.SendAsync("GET", "/api/cards/1")).Body, StringComparison.Ordinal);
        Reply history = await bob.SendAsync("GET", "/api/cards/1/history");
        Assert.DoesNotContain("of ann", history.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("again", history.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_happens_to_a_hidden_record_is_told_to_nobody_and_what_is_hidden_leaves_by_its_key()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Owned);
        HttpClient ann = await server.ClientAsync(OfUser(1)), bob = await server.ClientAsync(OfUser(2));
        await using LiveSocket socket = await LiveSocket.OpenAsync(bob.BaseAddress!);
        await socket.SubscribeAsync("s", """{"model":"Card","sort":"-text"}""");
        await socket.TextAsync();
        await ann.SendAsync("POST", "/api/cards", """{"id":1,"text":"private","owner":1,"secret":"x"}""");
        await ann.SendAsync("PATCH", "/api/cards/1", """{"text":"private too"}""");
        await ann.SendAsync("PATCH", "/api/cards/1", """{"text":"shared"}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"enter","item":{"id":1,"text":"shared","owner":1},"before":null}""",
            await socket.TextAsync());
        await ann.SendAsync("PATCH", "/api/cards/1", """{"secret":"y"}""");
        await ann.SendAsync("PATCH", "/api/cards/1", """{"text":"private again"}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"leave","item":{"id":1}}""", await socket.TextAsync());
        await ann.SendAsync("PATCH", "/api/cards/1", """{"text":"and again"}""");
        await ann.SendAsync("DELETE", "/api/cards/1");
        await bob.SendAsync("POST", "/api/cards", """{"id":2,"text":"mine","owner":2}""");
        Assert.Equal("""{"type":"change","id":"s","kind":"enter","item":{"id":2,"text":"mine","owner":2,"secret":null},"before":null}""",
            await socket.TextAsync());
    }

    [Fact]
    public async Task A_ticket_is_its_owners_whoever_shows_it_and_ends_with_what_it_was_asked_with()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        await server.Client.SendAsync("POST", "/api/notes", """{"text":"of ann"}""", ann.Bearer);
        string notes = Uri.EscapeDataString("""{"model":"Note","select":"text"}""");
        string publics = Uri.EscapeDataString("""{"model":"Public"}""");
        Reply made = await server.Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["publics:read"]}""", ann.Bearer);
        string key = "Authorization: Bearer " + made.Json.GetProperty("token").GetString();
        // The scopes of a key are those of its ticket.
        Assert.Equal(403, (await server.Client.SendAsync("GET", $"/realtime?query={notes}&ticket={await TicketAsync(key)}")).Status);
        Assert.Equal(HttpStatusCode.OK, await OpenAsync($"/realtime?query={publics}&ticket={await TicketAsync(key)}"));
        string late = await TicketAsync(key);
        string ended = "/auth/tokens/" + made.Json.GetProperty("id");
        Assert.Equal(204, (await server.Client.SendAsync("DELETE", ended, null, ann.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", $"/realtime?query={publics}&ticket={late}")).Status);
        // Two identities in one request: the ticket's is the one, and a token beside it must be good all the same.
        string ofBob = await TicketAsync(bob.Bearer);
        Assert.Equal(401, (await server.Client.SendAsync(
            "GET", $"/realtime?query={notes}&ticket={ofBob}", null, "Authorization: Bearer bad")).Status);
        using HttpRequestMessage both = new(HttpMethod.Get, $"/realtime?query={notes}&ticket={ofBob}");
        both.Headers.Add("Authorization", ann.Bearer["Authorization: ".Length..]);
        using HttpResponseMessage stream = await server.Client.SendAsync(both, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader events = new(await stream.Content.ReadAsStreamAsync());
        Assert.Equal("event: snapshot", await events.ReadLineAsync());
        await events.ReadLineAsync();
        Assert.Contains("\"items\":[]", await events.ReadLineAsync(), StringComparison.Ordinal);

        async Task<string> TicketAsync(string bearer) =>
            (await server.Client.SendAsync("POST", "/realtime/ticket", null, bearer)).Json.GetProperty("ticket").GetString()!;

        async Task<HttpStatusCode> OpenAsync(string path)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            using HttpResponseMessage opened = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            return opened.StatusCode;
        }
    }

    [Fact]
    public async Task A_batch_reaches_no_further_than_its_operations_would()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        await server.Client.SendAsync("POST", "/api/notes", """{"text":"of ann"}""", ann.Bearer);
        foreach (var (operation, status) in new[]
        {
            ("""{"method":"DELETE","path":"/api/notes/1"}""", 403),
            ("""{"method":"PATCH","path":"/api/users/ANN","body":{"role":"admin"}}""", 404),
            ("""{"method":"PATCH","path":"/api/users/BOB","body":{"role":"admin"}}""", 403),
            ("""{"method":"DELETE","path":"/api/sessions/SESSION"}""", 404), ("""{"method":"POST","path":"/api/batch","body":{}}""", 404),
            ("""{"method":"POST","path":"/auth/logout","body":{}}""", 404),
            ("""{"method":"POST","path":"/api/notes/1/revert?version=1"}""", 405),
            ("""{"method":"GET","path":"/api/notes/1"}""", 405), ("""{"method":"POST","path":"/api/signing_keys","body":{}}""", 403),
            ("""{"method":"DELETE","path":"/api/notes/1","headers":{"Authorization":"Bearer x"}}""", 400),
        })
        {
            string body = "{\"operations\":[" + operation.Replace("ANN", ann.UserId, StringComparison.Ordinal)
                .Replace("BOB", bob.UserId, StringComparison.Ordinal).Replace("SESSION", ann.SessionId, StringComparison.Ordinal) + "]}";
            Reply refused = await server.Client.SendAsync("POST", "/api/batch", body, bob.Bearer);
            Assert.True(refused.Status == status, $"{operation}: {refused.Status} {refused.Body}");
        }
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
    }

    static Value OfTenant(int? tenant) => Value.FromMap(new ValueMap(tenant is { } own
        ? [new("id", Value.From(1)), new(Model.TenantId, Value.From(own))] : [new("id", Value.From(1))]));

    static Value OfUser(int id) => Value.FromMap(new ValueMap([new("id", Value.From(id))]));
}
