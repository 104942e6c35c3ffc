using System.Text.Json;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>Signing in as a client meets it: the whole way of an account, over HTTP.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class SignInTests
{
    [Fact]
    public async Task Register_me_refresh_logout()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        Reply made = await server.Client.SendAsync("POST", "/auth/register", AuthServer.Json(
            ("email", " Ann@Example.org "), ("password", AuthServer.Password), ("name", "Ann")));
        Assert.True(made.Status == 201, made.Body);
        Assert.Equal("no-store", made.Header("Cache-Control"));
        SignedIn ann = SignedIn.Of(made);
        Reply me = await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer);
        Assert.Equal(200, me.Status);
        Assert.Equal("ann@example.org", me.Json.GetProperty("email").GetString());
        Assert.Equal("viewer", me.Json.GetProperty("role").GetString());
        Assert.False(me.Body.Contains("argon2", StringComparison.Ordinal) || me.Body.Contains("passwordHash", StringComparison.Ordinal));

        Reply refreshed = await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken", ann.Refresh)));
        Assert.True(refreshed.Status == 200, refreshed.Body);
        SignedIn again = SignedIn.Of(refreshed);
        Assert.Equal(ann.SessionId, again.SessionId);
        Assert.NotEqual(ann.Access, again.Access);
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/logout", null, again.Bearer)).Status);
        foreach (SignedIn before in new[] { ann, again })
        {
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, before.Bearer)).Status);
            Assert.Equal(401, (await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken",
                before.Refresh)))).Status);
        }
    }

    [Fact]
    public async Task Registering_is_off_unless_it_is_set()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { MayRegister = false });
        Reply refused = await server.Client.SendAsync("POST", "/auth/register", AuthServer.Json(("email", "a@b.org"), ("password", "x")));
        Assert.Equal((403, "registration_closed"), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task Of_fifty_who_register_one_address_at_once_one_succeeds()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        Reply[] replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => server.Client.SendAsync("POST", "/auth/register",
            AuthServer.Json(("email", i % 2 == 0 ? "same@example.org" : "SAME@example.org"), ("password", AuthServer.Password)))));
        Assert.Single(replies, r => r.Status == 201);
        Assert.Equal(49, replies.Count(r => r.Status == 409 && r.Code == "email_taken"));
    }

    [Theory]
    [InlineData("""{"password":"a long enough password"}""", 422, "validation_failed", "email")]
    [InlineData("""{"email":"nobody","password":"a long enough password"}""", 422, "validation_failed", "email")]
    [InlineData("""{"email":"a@b.org","password":"short"}""", 422, "validation_failed", "password")]
    [InlineData("""{"email":"a@b.org","password":"a long enough password","profile":{"role":"admin"}}""", 422, "validation_failed",
        "profile.role")]
    [InlineData("""{"email":"a@b.org","password":"a long enough password","profile":{"team":"x"}}""", 422, "validation_failed",
        "profile.team")]
    [InlineData("""{"email":"a@b.org","password":"a long enough password","profile":{"emailVerified":true}}""", 422, "validation_failed",
        "profile.emailVerified")]
    [InlineData("""{"email":"a@b.org","password":"a long enough password","profile":{"passwordHash":"x"}}""", 422, "validation_failed",
        "profile.passwordHash")]
    [InlineData("""{"email":"a@b.org","password":"a long enough password","profile":[]}""", 422, "validation_failed", "profile")]
    [InlineData("""{"email":"a@b.org","password":"a long enough password","role":"admin"}""", 400, "unknown_field", "role")]
    [InlineData("""{"email":"a@b.org","password":7}""", 422, "validation_failed", "password")]
    [InlineData("""{"email":"a@b.org","email":"b@b.org"}""", 400, "malformed_body", null)]
    [InlineData("""[]""", 400, "malformed_body", null)]
    [InlineData("""{""", 400, "malformed_body", null)]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task Nobody_gives_himself_what_rules_decide_by(string body, int status, string code, string? field)
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        Reply refused = await server.Client.SendAsync("POST", "/auth/register", body);
        Assert.Equal((status, code), (refused.Status, refused.Code));
        if (field is not null) Assert.Equal(field, refused.Json.GetProperty("details")[0].GetProperty("field").GetString());
        Assert.DoesNotContain("long enough", refused.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_profile_fills_the_fields_that_the_schema_adds()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        Reply made = await server.Client.SendAsync("POST", "/auth/register", AuthServer.Json(("email", "a@b.org"),
            ("password", AuthServer.Password), ("profile", new { nickname = "Al" })));
        Assert.True(made.Status == 201, made.Body);
        Assert.Equal("Al", made.Json.GetProperty("user").GetProperty("nickname").GetString());
    }

    [Fact]
    public async Task Unknown_and_mistyped_are_answered_alike()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        await server.UserAsync("ann@example.org");
        await server.UserAsync("off@example.org");
        SignedIn admin = await server.SomeoneAsync("root@example.org", "admin");
        Reply users = await server.Client.SendAsync("GET", "/api/users?email=off@example.org", null, admin.Bearer);
        string off = users.Json.GetProperty("items")[0].GetProperty("id").GetString()!;
        Assert.Equal(200, (await server.Client.SendAsync("PATCH", $"/api/users/{off}", """{"disabled":true}""", admin.Bearer)).Status);
        string[] bodies = [.. await Task.WhenAll(new[] { ("nobody@example.org", "x"), ("ann@example.org", "wrong"),
            ("off@example.org", AuthServer.Password), ("ann@example.org", new string('x', 5000)) }.Select(async pair =>
        {
            Reply reply = await server.Client.SendAsync("POST", "/auth/login", AuthServer.Json(("email", pair.Item1), ("password",
                pair.Item2)));
            Assert.Equal(401, reply.Status);
            Assert.Equal("Bearer", reply.Header("WWW-Authenticate"));
            using JsonDocument json = JsonDocument.Parse(reply.Body);
            return string.Join('|', json.RootElement.EnumerateObject().Where(m => m.Name is not ("traceId" or "requestId"))
                .Select(m => m.ToString()));
        }))];
        Assert.Single(bodies.Distinct());
    }

    [Fact]
    public async Task However_many_sessions_there_are_a_changed_password_ends_them_in_one_commit()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn here = await server.SomeoneAsync();
        await using Identity.Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        string last = "";
        for (int i = 0; i < 120; i++)
        {
            last = (await identities.Accounts.OpenAsync(Guid.Parse(here.UserId), "password", new("127.0.0.1", null), default)).Value.Access;
        }
        Reply changed = await server.Client.SendAsync("POST", "/auth/password/change",
            AuthServer.Json(("current", AuthServer.Password), ("password", "another long password")), here.Bearer);
        Assert.True(changed.Status == 200, changed.Body);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, "Authorization: Bearer " + last)).Status);
        Assert.Single(identities.Sessions.Open(Guid.Parse(here.UserId), default));
    }

    [Fact]
    public async Task Who_proves_an_address_by_a_reset_finds_no_strangers_keys_in_the_account()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        // Somebody registers the address of another, and leaves ways in behind: a key, and a second step in the owner's way.
        SignedIn stranger = SignedIn.Of(await server.Client.SendAsync("POST", "/auth/register",
            AuthServer.Json(("email", "ann@example.org"), ("password", AuthServer.Password))));
        Reply key = await server.Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["read"]}""", stranger.Bearer);
        string bearer = "Authorization: Bearer " + key.Json.GetProperty("token").GetString();
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, bearer)).Status);
        Assert.Equal(201, (await server.Client.SendAsync("POST", "/auth/totp/enrol", null, stranger.Bearer)).Status);
        await ResetAsync(2); // the first letter welcomed
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, bearer)).Status);
        SignedIn owner = await server.SignInAsync("ann@example.org", "another long password");
        Reply factors = await server.Client.SendAsync("GET", "/api/user_factors", null, owner.Bearer);
        Assert.Equal(0, factors.Json.GetProperty("items").GetArrayLength());
        // Whose address is proved already keeps his programs running over a reset.
        key = await server.Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["read"]}""", owner.Bearer);
        bearer = "Authorization: Bearer " + key.Json.GetProperty("token").GetString();
        await ResetAsync(3);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, bearer)).Status);

        async Task ResetAsync(int letter)
        {
            await server.Client.SendAsync("POST", "/auth/password/forgot", """{"email":"ann@example.org"}""");
            string body = AuthServer.Json(("code", await server.Mail.CodeAsync(letter)), ("password", "another long password"));
            Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/password/reset", body)).Status);
        }
    }

    [Fact]
    public async Task A_hash_of_bcrypt_signs_in_and_becomes_argon2()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { PasswordLength = 1 });
        Guid id = await server.UserAsync("ann@example.org");
        await using Identity.Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        await identities.Records.RunAsync(null, Identity.PlatformRecords.Update("User", id.ToString(), null, json =>
            json.WriteString("passwordHash", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")), default);
        await server.SignInAsync("ann@example.org", "abc");
        Assert.StartsWith("$argon2id$", identities.Accounts.Get(id, default)!.Text("passwordHash"), StringComparison.Ordinal);
        SignedIn ann = await server.SignInAsync("ann@example.org", "abc");
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
    }

    [Fact]
    public async Task A_changed_password_ends_every_other_session_at_once()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn here = await server.SomeoneAsync(), there = await server.SignInAsync("ann@example.org");
        Reply wrong = await server.Client.SendAsync("POST", "/auth/password/change",
            AuthServer.Json(("current", "not it"), ("password", "another long password")), here.Bearer);
        Assert.Equal((401, "invalid_credentials"), (wrong.Status, wrong.Code));
        Reply changed = await server.Client.SendAsync("POST", "/auth/password/change",
            AuthServer.Json(("current", AuthServer.Password), ("password", "another long password")), here.Bearer);
        Assert.True(changed.Status == 200, changed.Body);
        foreach (SignedIn before in new[] { here, there })
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, before.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken",
            there.Refresh)))).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, SignedIn.Of(changed).Bearer)).Status);
        await server.SignInAsync("ann@example.org", "another long password");
    }

    [Fact]
    public async Task A_forgotten_password_is_reset_once_by_mail_and_strangers_get_no_letter()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        Assert.Equal(202, (await server.Client.SendAsync("POST", "/auth/password/forgot", """{"email":"nobody@example.org"}""")).Status);
        Assert.Equal(202, (await server.Client.SendAsync("POST", "/auth/password/forgot", """{"email":"Ann@example.org"}""")).Status);
        string code = await server.Mail.CodeAsync(1);
        Assert.Equal("ann@example.org", (await server.Mail.LetterAsync(1)).To);
        Reply weak = await server.Client.SendAsync("POST", "/auth/password/reset", AuthServer.Json(("code", code), ("password", "x")));
        Assert.Equal(422, weak.Status);
        string body = AuthServer.Json(("code", code), ("password", "another long password"));
        Reply[] both = await Task.WhenAll(server.Client.SendAsync("POST", "/auth/password/reset", body),
            server.Client.SendAsync("POST", "/auth/password/reset", body));
        Assert.Equal([204, 422], both.Select(r => r.Status).Order());
        Assert.Equal("invalid_code", (await server.Client.SendAsync("POST", "/auth/password/reset", body)).Code);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
        await server.SignInAsync("ann@example.org", "another long password");
        Assert.Equal(1, server.Mail.Count);
    }

    [Fact]
    public async Task A_code_expires_and_is_for_one_purpose()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { RequiresVerified = true });
        Reply made = await server.Client.SendAsync("POST", "/auth/register", AuthServer.Json(
            ("email", "ann@example.org"), ("password", AuthServer.Password)));
        Assert.Equal(201, made.Status);
        string code = await server.Mail.CodeAsync(1);
        Reply early = await server.Client.SendAsync("POST", "/auth/login", AuthServer.Json(("email", "ann@example.org"), ("password",
            AuthServer.Password)));
        Assert.Equal((403, "email_not_verified"), (early.Status, early.Code));
        Assert.Equal(422, (await server.Client.SendAsync("POST", "/auth/password/reset",
            AuthServer.Json(("code", code), ("password", "another long password")))).Status);
        server.Clock.By = TimeSpan.FromMinutes(31);
        Assert.Equal(422, (await server.Client.SendAsync("POST", "/auth/verify/confirm", AuthServer.Json(("code", code)))).Status);
        Assert.Equal(202, (await server.Client.SendAsync("POST", "/auth/verify/request", """{"email":"ann@example.org"}""")).Status);
        string second = await server.Mail.CodeAsync(2);
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/verify/confirm", AuthServer.Json(("code", second)))).Status);
        await server.SignInAsync("ann@example.org");
    }

    [Fact]
    public async Task Sessions_are_listed_and_ended_by_their_owner_alone()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn here = await server.SomeoneAsync(), there = await server.SignInAsync("ann@example.org");
        SignedIn other = await server.SomeoneAsync("bob@example.org");
        Reply list = await server.Client.SendAsync("GET", "/auth/sessions", null, here.Bearer);
        Assert.Equal(2, list.Json.GetProperty("items").GetArrayLength());
        Assert.DoesNotContain("refreshHash", list.Body, StringComparison.Ordinal);
        Assert.Equal(404, (await server.Client.SendAsync("DELETE", $"/auth/sessions/{there.SessionId}", null, other.Bearer)).Status);
        Assert.Equal(204, (await server.Client.SendAsync("DELETE", $"/auth/sessions/{there.SessionId}", null, here.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, there.Bearer)).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, here.Bearer)).Status);
        Assert.Equal(204, (await server.Client.SendAsync("POST", "/auth/logout", """{"all":true}""", here.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, here.Bearer)).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, other.Bearer)).Status);
    }

    [Fact]
    public async Task A_record_belongs_to_who_signed_in()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        Reply made = await server.Client.SendAsync("POST", "/api/notes", """{"text":"mine"}""", ann.Bearer);
        Assert.Equal((201, ann.UserId), (made.Status, made.Json.GetProperty("ownerId").GetString()));
        string path = "/api/notes/" + made.Json.GetProperty("id").GetInt32();
        Assert.Equal(200, (await server.Client.SendAsync("GET", path, null, ann.Bearer)).Status);
        Assert.Equal(404, (await server.Client.SendAsync("GET", path, null, bob.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", path)).Status);
        Reply history = await server.Client.SendAsync("GET", path + "/history", null, ann.Bearer);
        Assert.Contains(ann.UserId, history.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_changes_is_not_a_proved_one_any_more()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), admin = await server.SomeoneAsync("root@example.org", "admin");
        string path = "/api/users/" + ann.UserId;
        Assert.True((await server.Client.SendAsync("GET", path, null, admin.Bearer)).Json.GetProperty("emailVerified").GetBoolean());
        foreach (string same in new[] { """{"email":"ANN@example.org"}""", """{"name":"Ann"}""" })
            Assert.True((await server.Client.SendAsync("PATCH", path, same, admin.Bearer)).Json.GetProperty("emailVerified").GetBoolean());
        Reply changed = await server.Client.SendAsync("PATCH", path, """{"email":"victim@example.org"}""", admin.Bearer);
        Assert.False(changed.Json.GetProperty("emailVerified").GetBoolean());
    }

    [Fact]
    public async Task Nobody_raises_himself()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync();
        foreach (string body in new[] { """{"role":"admin"}""", """{"disabled":true}""", """{"email":"b@b.org"}""" })
            Assert.Equal(403, (await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", body, ann.Bearer)).Status);
        foreach (string body in new[] { """{"passwordHash":"x"}""", """{"emailVerified":true}""" })
            Assert.InRange((await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", body, ann.Bearer)).Status, 400, 422);
        Assert.Equal(200, (await server.Client.SendAsync("PATCH", $"/api/users/{ann.UserId}", """{"nickname":"Al"}""", ann.Bearer)).Status);
    }
}
