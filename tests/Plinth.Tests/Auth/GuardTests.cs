using Plinth.Http;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>How often a password may be guessed, and that nobody pays for another's guesses.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class GuardTests
{
    [Fact]
    public async Task After_five_failures_an_address_waits_for_this_account_however_it_is_spelt()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        await server.UserAsync("bob@example.org");
        foreach (string email in new[] { "ann@example.org", "ANN@example.org", " ann@example.org", "Ann@Example.Org", "ann@example.org" })
            Assert.Equal(401, await TryAsync(server.Client, email, "wrong"));
        Reply blocked = await SendAsync(server.Client, "aNN@example.org", AuthServer.Password);
        Assert.Equal((429, "rate_limited"), (blocked.Status, blocked.Code));
        Assert.InRange(int.Parse(blocked.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 900);
        Assert.Equal(200, await TryAsync(server.Client, "bob@example.org", AuthServer.Password));
        server.Clock.By = TimeSpan.FromMinutes(16);
        Assert.Equal(200, await TryAsync(server.Client, "ann@example.org", AuthServer.Password));
    }

    [Fact]
    public async Task Failures_are_remembered_over_a_restart_and_forgotten_by_success()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        for (int i = 0; i < 4; i++) await TryAsync(server.Client, "ann@example.org", "wrong");
        await server.RestartAsync();
        Assert.Equal(401, await TryAsync(server.Client, "ann@example.org", "wrong"));
        Assert.Equal(429, await TryAsync(server.Client, "ann@example.org", AuthServer.Password));
        server.Clock.By = TimeSpan.FromMinutes(16);
        for (int i = 0; i < 4; i++) await TryAsync(server.Client, "ann@example.org", "wrong");
        Assert.Equal(200, await TryAsync(server.Client, "ann@example.org", AuthServer.Password));
        for (int i = 0; i < 4; i++) Assert.Equal(401, await TryAsync(server.Client, "ann@example.org", "wrong"));
        Assert.Equal(200, await TryAsync(server.Client, "ann@example.org", AuthServer.Password));
    }

    [Fact]
    public async Task An_attacker_locks_nobody_out()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { AttemptsPerAccount = 12 }, server: Trusting);
        await server.UserAsync("ann@example.org");
        Assert.Equal(200, await TryAsync(server.Client, "ann@example.org", AuthServer.Password, "198.51.100.1"));
        for (int i = 0; i < 12; i++) Assert.Equal(401, await TryAsync(server.Client, "ann@example.org", "wrong", $"203.0.113.{i}"));
        Assert.Equal(429, await TryAsync(server.Client, "ann@example.org", AuthServer.Password, "203.0.113.99"));
        Assert.Equal(200, await TryAsync(server.Client, "ann@example.org", AuthServer.Password, "198.51.100.1"));
    }

    [Fact]
    public async Task Who_proves_by_mail_that_the_account_is_his_signs_in_from_a_new_place_however_often_others_guess()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { AttemptsPerAccount = 6 }, server: Trusting);
        await server.UserAsync("ann@example.org");
        for (int i = 0; i < 6; i++) Assert.Equal(401, await TryAsync(server.Client, "ann@example.org", "wrong", $"203.0.113.{i}"));
        const string there = "198.51.100.7";
        Assert.Equal(429, await TryAsync(server.Client, "ann@example.org", AuthServer.Password, there));
        await server.Client.SendAsync("POST", "/auth/password/forgot", """{"email":"ann@example.org"}""", "X-Forwarded-For: " + there);
        string body = AuthServer.Json(("code", await server.Mail.CodeAsync(1)), ("password", "another long password"));
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/password/reset", body, "X-Forwarded-For: " + there)).Status);
        Assert.Equal(429, await TryAsync(server.Client, "ann@example.org", "another long password", "203.0.113.99"));
        Assert.Equal(200, await TryAsync(server.Client, "ann@example.org", "another long password", there));
    }

    [Fact]
    public async Task One_address_guesses_many_accounts_only_so_often()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { AttemptsPerAddress = 10 }, server: Trusting);
        for (int i = 0; i < 10; i++) Assert.Equal(401, await TryAsync(server.Client, $"a{i}@example.org", "wrong", "203.0.113.1"));
        Assert.Equal(429, await TryAsync(server.Client, "another@example.org", "wrong", "203.0.113.1"));
        Assert.Equal(401, await TryAsync(server.Client, "another@example.org", "wrong", "203.0.113.2"));
    }

    [Fact]
    public async Task A_network_of_IPv6_is_one_address_and_a_header_of_the_clients_own_is_none()
    {
        await using AuthServer server = await AuthServer.OpenAsync(server: Trusting);
        for (int i = 1; i <= 5; i++) Assert.Equal(401, await TryAsync(server.Client, "ann@example.org", "wrong", $"2001:db8::{i}"));
        Assert.Equal(429, await TryAsync(server.Client, "ann@example.org", "wrong", "2001:db8::99"));
        await using AuthServer direct = await AuthServer.OpenAsync();
        for (int i = 0; i < 5; i++) Assert.Equal(401, await TryAsync(direct.NewClient(), "ann@example.org", "wrong", $"203.0.113.{i}"));
        Assert.Equal(429, await TryAsync(direct.NewClient(), "ann@example.org", "wrong", "203.0.113.77"));
    }

    [Fact]
    public async Task Guesses_at_once_gain_nothing()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        int[] statuses = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => TryAsync(server.Client, "ann@example.org", $"wrong {i}")));
        Assert.All(statuses, s => Assert.True(s is 401 or 429, $"{s}"));
        int guessed = statuses.Count(s => s == 401);
        Assert.InRange(guessed, 1, 5);
        // Whoever is refused for those under way has guessed nothing: fewer than five may have got through, and only guesses count.
        for (; guessed < 5; guessed++) Assert.Equal(401, await TryAsync(server.Client, "ann@example.org", "wrong once more"));
        Assert.Equal(429, await TryAsync(server.Client, "ann@example.org", AuthServer.Password));
    }

    [Fact]
    public async Task Letters_are_bounded_whoever_they_are_for()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        foreach (string email in new[] { "ann@example.org", "nobody@example.org" })
        {
            for (int i = 0; i < 5; i++)
                Assert.Equal(202, (await server.Client.SendAsync("POST", "/auth/password/forgot", AuthServer.Json(("email",
                    email)))).Status);
            Assert.Equal(429, (await server.Client.SendAsync("POST", "/auth/password/forgot", AuthServer.Json(("email", email)))).Status);
        }
        await server.Mail.LetterAsync(5);
        Assert.Equal(5, server.Mail.Count);
        Assert.Equal(200, await TryAsync(server.Client, "ann@example.org", AuthServer.Password));
    }

    static ServerOptions Trusting(ServerOptions options) => options with { TrustedProxies = [new(System.Net.IPAddress.Loopback, 32)] };

    static async Task<int> TryAsync(HttpClient client, string email, string password, string? from = null) =>
        (await SendAsync(client, email, password, from)).Status;

    static Task<Reply> SendAsync(HttpClient client, string email, string password, string? from = null) => client.SendAsync(
        "POST", "/auth/login", AuthServer.Json(("email", email), ("password", password)),
        from is null ? [] : ["X-Forwarded-For: " + from]);
}
