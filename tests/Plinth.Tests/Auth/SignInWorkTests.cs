using Plinth.Identity;
using Plinth.Identity.Hashing;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>
/// What a sign-in costs tells nothing: who is there, who is not, and whose password was hashed in another way cost the same. Counted in
/// work that was done, and never in time.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class SignInWorkTests
{
    const string Bcrypt6 = "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
        Bcrypt4 = "$2y$04$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
        Argon128 = "$argon2id$v=19$m=128,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    static readonly (string Email, string Password)[] s_tries =
    [
        ("nobody@example.org", "wrong"), ("ann@example.org", "wrong"), ("off@example.org", AuthServer.Password),
        ("byprovider@example.org", ""), ("nobody@example.org", ""), ("ann@example.org", new string('x', 5000)),
        ("no address", "wrong"), ("", ""),
    ];

    [Fact]
    public async Task As_much_work_is_done_for_who_is_not_there()
    {
        await using AuthServer server = await OpenAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        foreach (var (email, password) in s_tries) Assert.Equal((64, 0), await WorkAsync(identities, email, password));
    }

    [Fact]
    public async Task Whatever_hashes_the_store_holds_everyone_costs_their_sum()
    {
        await using AuthServer server = await OpenAsync();
        (string, string)[] imported =
        [
            ("six@example.org", Bcrypt6), ("four@example.org", Bcrypt4), ("argon@example.org", Argon128), ("plain@example.org", "plain"),
            ("broken@example.org", "$2b$nonsense"), ("short@example.org", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"),
            ("dear@example.org", Bcrypt6.Replace("$06$", "$31$", StringComparison.Ordinal)),
        ];
        await ImportAsync(server, imported);
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        // The first who comes is nobody.
        foreach (var (email, password) in s_tries.Concat(imported.Select(static i => (i.Item1, "wrong"))))
            Assert.Equal((64 + (128 * 2), (1 << 6) + (1 << 4)), await WorkAsync(identities, email, password));
        await server.SignInAsync("six@example.org", "abc");
    }

    [Fact]
    public async Task A_hash_that_comes_while_the_server_runs_costs_everyone_from_then_on()
    {
        await using AuthServer server = await OpenAsync();
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        Assert.Equal((64, 0), await WorkAsync(identities, "nobody@example.org", "wrong"));
        await ImportAsync(server, [("six@example.org", Bcrypt6)]);
        Assert.Equal((64, 1 << 6), await WorkAsync(identities, "nobody@example.org", "wrong"));
        Assert.Equal((64, 1 << 6), await WorkAsync(identities, "six@example.org", "wrong"));
        PlatformRow ann = identities.Accounts.Find("ann@example.org", default)!; // it was made
        Assert.Null(await identities.Records.RunAsync(null, PlatformRecords.Update("User", ann.Id.ToString(), null, json =>
            json.WriteString("passwordHash", Bcrypt4)), default));
        foreach (string email in new[] { "nobody@example.org", "ann@example.org", "off@example.org" })
            Assert.Equal((64, (1 << 6) + (1 << 4)), await WorkAsync(identities, email, "wrong"));
    }

    [Fact]
    public async Task Kinds_are_bounded_and_a_hash_of_one_more_still_matches()
    {
        using PasswordHashes hashes = new(new Argon2Cost(64, 1, 1));
        for (int i = 1; i <= Limits.PasswordKinds + 5; i++) hashes.Learn(new PasswordKind(new Argon2Cost(64 + i, 1, 1), 0));
        Assert.Equal(Limits.PasswordKinds, hashes.Kinds.Length);
        Assert.True((await hashes.VerifyAsync(Bcrypt6, "abc", default)).Value.IsMatch);
        Assert.False((await hashes.VerifyAsync(Bcrypt6, "abd", default)).Value.IsMatch);
    }

    [Theory]
    [InlineData("$2b$15$", true)]
    [InlineData("$2b$16$", false)]
    [InlineData("$2b$03$", false)]
    [InlineData("$2x$10$", false)]
    public void A_hash_that_would_cost_everyone_too_much_is_nobodys(string begins, bool expected) =>
        Assert.Equal(expected, PasswordKind.TryRead(begins + Bcrypt6[7..], out _, out _));

    [Theory]
    [InlineData("m=4194304,t=100,p=16", true)]
    [InlineData("m=4194305,t=1,p=1", false)]
    [InlineData("m=64,t=101,p=1", false)]
    [InlineData("m=64,t=0,p=1", false)]
    [InlineData("m=7,t=1,p=1", false)]
    [InlineData("m=4096,t=1,p=17", false)]
    public void So_is_one_of_Argon2id(string cost, bool expected) =>
        Assert.Equal(expected, PasswordKind.TryRead($"$argon2id$v=19${cost}${Argon128[31..]}", out _, out _));

    static async Task<AuthServer> OpenAsync()
    {
        AuthServer server = await AuthServer.OpenAsync(
            o => o with { PasswordLength = 1, Attempts = 1000, AttemptsPerAddress = 1000, AttemptsPerAccount = 1000 });
        await server.UserAsync("ann@example.org");
        Guid off = await server.UserAsync("off@example.org");
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        await identities.Accounts.DisableAsync(identities.Accounts.Get(off, default)!, disabled: true, default); // it was made
        await identities.Accounts.CreateAsync(
            Guid.CreateVersion7(), new Registration("byprovider@example.org", null, null, null), null, null, isVerified: true, default);
        return server;
    }

    static async Task ImportAsync(AuthServer server, (string Email, string Hash)[] users)
    {
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        foreach (var (email, hash) in users)
        {
            Assert.Null(await identities.Records.RunAsync(null, PlatformRecords.Create("User", json =>
            {
                json.WriteString("email", email);
                json.WriteString("passwordHash", hash);
            }), default));
        }
    }

    static async Task<(long, long)> WorkAsync(Identities identities, string email, string password)
    {
        var before = identities.Hashes.Work;
        var refused = await identities.Accounts.SignInAsync(email, password, null, new("127.0.0.1", null), default);
        Assert.Equal("invalid_credentials", refused.Fault?.Code);
        return (identities.Hashes.Work.Argon2 - before.Argon2, identities.Hashes.Work.Bcrypt - before.Bcrypt);
    }
}
