using System.Diagnostics;
using Plinth.Identity;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>What signing in promises where several nodes serve one database.</summary>
public sealed class SeveralNodesTests
{
    static readonly TimeSpan s_bound = TimeSpan.FromSeconds(1);

    /// <summary>Surfaces that use identity: each must refuse what has ended.</summary>
    static readonly (string Method, string Path, string? Body)[] s_surfaces =
    [
        ("GET", "/auth/me", null), ("GET", "/api/publics", null), ("GET", "/openapi.json", null), ("GET", "/schema.json", null),
        ("POST", "/api/batch", """{"operations":[]}"""), ("POST", "/api/publics", """{"id":1,"text":"x"}"""),
        ("POST", "/api/publics/query", "{}"), ("GET", "/api/publics/aggregate", null),
    ];

    [Fact]
    public async Task What_ends_on_one_node_is_over_on_every_surface_of_every_node_within_a_second()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(3);
        await nodes.UserAsync("root@example.org", "admin");
        SignedIn root = await all[0].SignInAsync("root@example.org");
        (string What, Func<SignedIn, Task<int>> End)[] ends =
        [
            ("logout", one => all[0].StatusAsync("POST", "/auth/logout", null, one.Bearer)),
            ("an administrator ends the session", one =>
                all[1].StatusAsync("DELETE", "/api/sessions/" + one.SessionId, null, root.Bearer)),
            ("another role", one => all[0].StatusAsync("PATCH", "/api/users/" + one.UserId, """{"role":"editor"}""", root.Bearer)),
            ("another password", one => all[2].StatusAsync("POST", "/auth/password/change",
                AuthServer.Json(("current", AuthServer.Password), ("password", "another long password")), one.Bearer)),
            ("disabled", one => all[1].StatusAsync("PATCH", "/api/users/" + one.UserId, """{"disabled":true}""", root.Bearer)),
            ("deleted", one => all[0].StatusAsync("DELETE", "/api/users/" + one.UserId, null, root.Bearer)),
        ];
        SignedIn[] signedIn = new SignedIn[ends.Length];
        for (int i = 0; i < ends.Length; i++)
        {
            await nodes.UserAsync($"u{i}@example.org");
            signedIn[i] = await all[1].SignInAsync($"u{i}@example.org");
            foreach (AuthNode node in all) Assert.Equal(200, await node.StatusAsync("GET", "/auth/me", null, signedIn[i].Bearer));
        }
        for (int i = 0; i < ends.Length; i++) Assert.InRange(await ends[i].End(signedIn[i]), 200, 204);
        await Task.Delay(s_bound);
        for (int i = 0; i < ends.Length; i++)
        {
            foreach (AuthNode node in all)
            {
                foreach (var (method, path, body) in s_surfaces)
                {
                    int status = await node.AnswerAsync(method, path, body, signedIn[i].Bearer);
                    Assert.True(status == 401, $"{ends[i].What}: {method} {path} of node {Array.IndexOf(all, node)} is {status}");
                }
            }
        }
    }

    [Fact]
    public async Task On_the_node_that_ended_it_there_is_no_gap_and_keys_of_programs_end_likewise()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(2);
        await nodes.UserAsync("ann@example.org");
        SignedIn ann = await all[0].SignInAsync("ann@example.org");
        Reply made = await all[0].Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["read"]}""", ann.Bearer);
        string key = "Authorization: Bearer " + made.Json.GetProperty("token").GetString();
        foreach (AuthNode node in all) Assert.Equal(200, await node.StatusAsync("GET", "/api/publics", null, key));
        Assert.Equal(204, await all[0].StatusAsync("DELETE", "/auth/tokens/" + made.Json.GetProperty("id").GetString(), null, ann.Bearer));
        Assert.Equal(401, await all[0].StatusAsync("GET", "/api/publics", null, key));
        await Task.Delay(s_bound);
        Assert.Equal(401, await all[1].AnswerAsync("GET", "/api/publics", null, key));
        Assert.Equal(204, await all[0].StatusAsync("POST", "/auth/logout", null, ann.Bearer));
        Assert.Equal(401, await all[0].StatusAsync("GET", "/auth/me", null, ann.Bearer));
    }

    [Fact]
    public async Task A_node_that_cannot_read_the_log_says_so_and_knows_all_when_it_can_again()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(2);
        await nodes.UserAsync("ann@example.org");
        SignedIn stays = await all[0].SignInAsync("ann@example.org"), ends = await all[0].SignInAsync("ann@example.org");
        foreach (SignedIn one in new[] { stays, ends }) Assert.Equal(200, await all[1].StatusAsync("GET", "/auth/me", null, one.Bearer));
        all[1].Database.OnRead = () => throw new StoreException(StoreFailure.Unavailable, "out of reach");
        Assert.Equal(204, await all[0].StatusAsync("POST", "/auth/logout", null, ends.Bearer));
        await Task.Delay(s_bound);
        foreach (var (method, path, body) in s_surfaces)
        {
            foreach (SignedIn one in new[] { stays, ends })
            {
                Reply blind = await all[1].Client.SendAsync(method, path, body, one.Bearer);
                Assert.True((blind.Status, blind.Code) == (503, "not_ready"), $"{method} {path}: {blind.Status} {blind.Body}");
                Assert.NotNull(blind.Header("Retry-After"));
            }
        }
        Assert.Equal(200, await all[0].StatusAsync("GET", "/auth/me", null, stays.Bearer));
        all[1].Database.OnRead = null;
        Assert.Equal(401, await all[1].AnswerAsync("GET", "/auth/me", null, ends.Bearer));
        Assert.Equal(200, await all[1].AnswerAsync("GET", "/auth/me", null, stays.Bearer));
        // The follower of the log lives on: what ends now is heard of without a question.
        Assert.Equal(204, await all[0].StatusAsync("POST", "/auth/logout", null, stays.Bearer));
        await Task.Delay(s_bound);
        Assert.Equal(401, await all[1].AnswerAsync("GET", "/auth/me", null, stays.Bearer));
    }

    [Fact]
    public async Task A_token_is_verified_without_a_statement_while_the_log_is_heard()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(2);
        await nodes.UserAsync("ann@example.org");
        SignedIn ann = await all[0].SignInAsync("ann@example.org");
        await using Identities identities = new(all[1].Engine, nodes.Options, new KeptMail(), _ => { });
        Assert.True(identities.Resolve(ann.Access, default).IsOk);
        int reads = 0;
        all[1].Database.OnRead = () => Interlocked.Increment(ref reads);
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < 2000; i++) Assert.True(identities.Resolve(ann.Access, default).IsOk);
        // The poll of the log reads four times a second, and nothing else does.
        Assert.InRange(reads, 0, 2 + (int)(Stopwatch.GetElapsedTime(started).TotalSeconds * 5));
    }

    [Fact]
    public async Task A_node_that_starts_later_knows_what_ended_before_and_every_key()
    {
        await using AuthNodes nodes = new();
        AuthNode first = await nodes.StartAsync();
        await nodes.UserAsync("ann@example.org");
        SignedIn stays = await first.SignInAsync("ann@example.org"), ends = await first.SignInAsync("ann@example.org");
        Assert.Equal(204, await first.StatusAsync("POST", "/auth/logout", null, ends.Bearer));
        AuthNode second = await nodes.StartAsync();
        Assert.Equal(401, await second.StatusAsync("GET", "/auth/me", null, ends.Bearer));
        Assert.Equal(200, await second.StatusAsync("GET", "/auth/me", null, stays.Bearer));
        // A key that is new on one node verifies on the other with the first token that comes by.
        await using Identities identities = new(first.Engine, nodes.Options, new KeptMail(), _ => { });
        Assert.Null(await identities.Keys.RotateAsync(default));
        SignedIn fresh = await first.SignInAsync("ann@example.org");
        Assert.Equal(200, await second.StatusAsync("GET", "/auth/me", null, fresh.Bearer));
        Assert.Equal(200, await second.StatusAsync("GET", "/auth/me", null, stays.Bearer));
    }

    [Fact]
    public async Task Failures_count_on_every_node_and_a_refresh_token_is_good_once_among_them()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(2);
        await nodes.UserAsync("ann@example.org");
        SignedIn ann = await all[0].SignInAsync("ann@example.org");
        for (int i = 0; i < 5; i++) Assert.Equal(401, (await all[i % 2].LoginAsync("ann@example.org", "wrong")).Status);
        foreach (AuthNode node in all) Assert.Equal(429, (await node.LoginAsync("ann@example.org", AuthServer.Password)).Status);
        string body = AuthServer.Json(("refreshToken", ann.Refresh));
        int[] statuses = await Task.WhenAll(all.Concat(all).Select(node => node.StatusAsync("POST", "/auth/refresh", body)));
        Assert.InRange(statuses.Count(s => s == 200), 0, 1);
        Assert.Equal(401, await all[1].StatusAsync("POST", "/auth/refresh", body));
        await Task.Delay(s_bound);
        foreach (AuthNode node in all) Assert.Equal(401, await node.AnswerAsync("GET", "/auth/me", null, ann.Bearer));
    }

    [Fact]
    public async Task A_ticket_of_one_node_opens_one_stream_of_whichever_node()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(2);
        await nodes.UserAsync("ann@example.org");
        SignedIn ann = await all[0].SignInAsync("ann@example.org");
        for (int round = 0; round < 4; round++)
        {
            Reply ticket = await all[round % 2].Client.SendAsync("POST", "/realtime/ticket", null, ann.Bearer);
            string path = "/realtime?query=%7B%22model%22:%22Note%22%7D&ticket=" + ticket.Json.GetProperty("ticket").GetString();
            int[] opened = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => StreamAsync(all[(i + 1) % 2], path)));
            Assert.Equal((1, 5), (opened.Count(s => s == 200), opened.Count(s => s == 401)));
            foreach (AuthNode node in all) Assert.Equal(401, await StreamAsync(node, path));
        }
        Reply first = await all[0].Client.SendAsync("POST", "/realtime/ticket", null, ann.Bearer);
        Assert.Equal(200, await StreamAsync(
            all[1], "/realtime?query=%7B%22model%22:%22Note%22%7D&ticket=" + first.Json.GetProperty("ticket").GetString()));
    }

    /// <summary>How a stream is answered, which has no end. A node that cannot tell at the moment (503) is asked again.</summary>
    static async Task<int> StreamAsync(AuthNode node, string path)
    {
        for (int tries = 0; ; tries++)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            using HttpResponseMessage stream = await node.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if ((int)stream.StatusCode != 503 || tries == 100) return (int)stream.StatusCode;
            await Task.Delay(100);
        }
    }

    [Fact]
    public async Task Of_those_who_register_one_address_on_all_nodes_at_once_one_succeeds()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(3);
        string body = AuthServer.Json(("email", "same@example.org"), ("password", AuthServer.Password));
        int[] statuses = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => all[i % 3].StatusAsync("POST", "/auth/register", body)));
        Assert.Equal((1, 29), (statuses.Count(s => s == 201), statuses.Count(s => s == 409)));
    }

    [Fact]
    public async Task Of_administrators_who_demote_each_other_on_two_nodes_at_once_one_stays()
    {
        await using AuthNodes nodes = new();
        AuthNode[] all = await nodes.StartAsync(2);
        Guid[] admins = [await nodes.UserAsync("a@example.org", "admin"), await nodes.UserAsync("b@example.org", "admin")];
        for (int round = 0; round < 6; round++)
        {
            string change = round % 2 == 0 ? """{"role":"viewer"}""" : """{"disabled":true}""";
            string[] bearers = [(await all[0].SignInAsync("a@example.org")).Bearer, (await all[1].SignInAsync("b@example.org")).Bearer];
            Reply[] replies = await Task.WhenAll(
                all[0].Client.SendAsync("PATCH", $"/api/users/{admins[1]}", change, bearers[0]),
                all[1].Client.SendAsync("PATCH", $"/api/users/{admins[0]}", change, bearers[1]));
            Assert.True(replies.Count(r => r.Status == 200) == 1, string.Join("\n", replies.Select(r => r.Body)));
            // The other was told, or was no administrator any more by the time it was asked.
            Assert.Single(replies, r => r.Status is 409 or 401 && r.Code is "last_administrator" or "unauthorized");
            await using Identities identities = new(all[0].Engine, nodes.Options, new KeptMail(), _ => { });
            foreach (Guid admin in admins)
            {
                Assert.Null(await identities.Records.RunAsync(null, PlatformRecords.Update("User", admin.ToString(), null, json =>
                {
                    json.WriteString("role", "admin");
                    json.WriteBoolean("disabled", false);
                }), default));
            }
        }
    }
}
