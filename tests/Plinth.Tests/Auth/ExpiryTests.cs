using Plinth.Identity;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ExpiryTests
{
    [Fact]
    public async Task However_much_an_attack_leaves_behind_goes_in_steps()
    {
        await using AuthServer server = await AuthServer.OpenAsync(limits: new() { WriteRows = 150, BatchOperations = 1000 });
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        string since = PlatformRecords.Time(identities.Records.Now);
        for (int step = 0; step < 3; step++)
        {
            Assert.Null(await identities.Records.RunAllAsync(null, [.. Enumerable.Range(0, 120).Select(i => PlatformRecords.Create(
                PlatformRecords.SignInGuard, json =>
                {
                    json.WriteString("key", $"{step}-{i}");
                    json.WriteNumber("failures", 1);
                    json.WriteString("since", since);
                }))], default));
        }
        server.Clock.By = TimeSpan.FromHours(1);
        Assert.Null(await identities.Expiry.RunAsync(default));
        Assert.Empty(identities.Records.All(PlatformRecords.SignInGuard, 10, default));
    }

    [Fact]
    public async Task What_has_expired_is_removed_and_what_is_good_stays()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        SignedIn old = await server.SomeoneAsync();
        await server.Client.SendAsync("POST", "/auth/login", AuthServer.Json(("email", "ann@example.org"), ("password", "wrong")));
        await server.Client.SendAsync("POST", "/auth/password/forgot", """{"email":"ann@example.org"}""");
        await server.Mail.LetterAsync(1);
        Assert.Null(await identities.Expiry.RunAsync(default));
        Assert.Equal((6, 1, 1), Counts());
        server.Clock.By = TimeSpan.FromHours(1);
        Assert.Null(await identities.Expiry.RunAsync(default));
        Assert.Equal((0, 0, 1), Counts());
        server.Clock.By = TimeSpan.FromDays(38);
        SignedIn now = await server.SignInAsync("ann@example.org");
        Assert.Null(await identities.Expiry.RunAsync(default));
        Assert.Equal((0, 0, 1), Counts());
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, now.Bearer)).Status);
        Assert.NotEqual(old.SessionId, now.SessionId);

        (int Guards, int Codes, int Sessions) Counts() => (Count(PlatformRecords.SignInGuard), Count(PlatformRecords.UserCode),
            Count(PlatformRecords.Session));

        int Count(string model) => identities.Records.All(model, 100, default).Length;
    }
}
