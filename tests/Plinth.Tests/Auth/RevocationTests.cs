using Plinth.Identity;
using Plinth.Log;
using Plinth.Rest;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>What ends before its token does: at once, on every server over the log, and after a restart.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class RevocationTests
{
    [Fact]
    public async Task A_changed_role_voids_the_tokens_that_say_the_old_one_at_once()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn admin = await server.SomeoneAsync("root@example.org", "admin"), ann = await server.SomeoneAsync();
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
        Reply raised = await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", """{"role":"editor"}""", admin.Bearer);
        Assert.True(raised.Status == 200, raised.Body);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
        SignedIn again = SignedIn.Of(await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken",
            ann.Refresh))));
        Assert.Equal(201, (await server.Client.SendAsync("POST", "/api/publics", """{"id":1,"text":"x"}""", again.Bearer)).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, admin.Bearer)).Status);
    }

    [Fact]
    public async Task A_change_that_no_token_speaks_of_voids_none()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        Assert.Equal(200, (await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", """{"nickname":"Al"}""", ann.Bearer)).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
    }

    [Fact]
    public async Task A_disabled_or_deleted_user_is_nobody_at_once()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn admin = await server.SomeoneAsync("root@example.org", "admin");
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", """{"disabled":true}""", admin.Bearer);
        Assert.Equal(204, (await server.Client.SendAsync("DELETE", $"/api/users/{bob.UserId}", null, admin.Bearer)).Status);
        foreach (SignedIn gone in new[] { ann, bob })
        {
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/publics", null, gone.Bearer)).Status);
            Assert.Equal(401, (await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken",
                gone.Refresh)))).Status);
        }
        Assert.Equal(401, (await server.Client.SendAsync("POST", "/auth/login",
            AuthServer.Json(("email", "ann@example.org"), ("password", AuthServer.Password)))).Status);
    }

    [Fact]
    public async Task Where_the_log_is_not_the_one_that_a_token_speaks_of_the_session_is_asked_for_another()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        LogTail tail = server.Engine.Log;
        await FollowerTests.UntilAsync(() => tail.TryConfirm() && tail.Head > 0);
        server.Clock.By += TimeSpan.FromSeconds(2);
        string another = TestDatabase.IsPostgres ? "decode(md5('x'), 'hex')" : "randomblob(16)";
        WriteAction<Done> putBack = new(transaction =>
        {
            transaction.Connection.Execute(
                $"update plinth_events set event_id = {another} where position = (select position from plinth_log_head)");
            return Done.It;
        }, isExclusive: true);
        Assert.True((await server.Engine.Store.Committer.RunAsync(putBack, CancellationToken.None)).IsOk);
        await FollowerTests.UntilAsync(() => tail.Breaks == 1 && tail.TryConfirm());

        // What ended her session may have been undone, or missed: the session itself is asked.
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        while ((await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status != 401) await Task.Delay(10, bound.Token);
        SignedIn again = SignedIn.Of(await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken",
            ann.Refresh))));
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, again.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
    }

    [Fact]
    public async Task Deleting_the_record_of_a_session_signs_it_out()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn here = await server.SomeoneAsync(), there = await server.SignInAsync("ann@example.org");
        Assert.Equal(204, (await server.Client.SendAsync("DELETE", $"/api/sessions/{there.SessionId}", null, here.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, there.Bearer)).Status);
    }

    [Fact]
    public async Task What_was_revoked_stays_so_after_a_restart()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn here = await server.SomeoneAsync(), there = await server.SignInAsync("ann@example.org");
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/logout", null, there.Bearer)).Status);
        await server.RestartAsync();
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, there.Bearer)).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, here.Bearer)).Status);
    }

    [Fact]
    public async Task Memory_holds_what_a_token_may_still_be_good_for_and_no_more()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        SignedIn ann = await server.SomeoneAsync();
        for (int i = 0; i < 5; i++)
        {
            SignedIn one = await server.SignInAsync("ann@example.org");
            await server.Client.SendAsync("POST", "/auth/logout", null, one.Bearer);
        }
        Assert.Equal(5, identities.Revocations.Count);
        server.Clock.By = TimeSpan.FromMinutes(20);
        SignedIn again = SignedIn.Of(await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken",
            ann.Refresh))));
        await server.Client.SendAsync("POST", "/auth/logout", null, again.Bearer);
        Assert.Equal(1, identities.Revocations.Count);
    }

    [Fact]
    public async Task A_new_schema_asks_for_new_tokens_where_they_lack_a_claim()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        await server.RestartAsync(AuthServer.Schema.Replace("team String? }\nenum", "team String?  level Int }\nenum",
            StringComparison.Ordinal)
            .Replace("nickname String?", "nickname String?  level Int @default(3) @readonly", StringComparison.Ordinal));
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
        SignedIn again = SignedIn.Of(await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken",
            ann.Refresh))));
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, again.Bearer)).Status);
    }
}
