using System.Text.RegularExpressions;
using Plinth.Http;
using Plinth.Rest;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>
/// Every route that the server has, as its table enumerates them, asked by nobody, by a wrong user, by the right one, and with a bad
/// token. A route that is added without a line here fails.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed partial class EveryRouteTests
{
    /// <summary>method, template; then what nobody, another user, the right one and a bad token are answered.</summary>
    static readonly Dictionary<string, string> s_expected = new(StringComparer.Ordinal)
    {
        ["GET /"] = "200 200 200 200", ["GET /livez"] = "200 200 200 200", ["GET /readyz"] = "200 200 200 200",
        ["GET /realtime"] = "400 400 400 401", ["POST /realtime/ticket"] = "401 201 201 401",
        ["GET /healthz"] = "200 200 200 200", ["GET /followers"] = "200 200 200 200", ["GET /projections"] = "200 200 200 200",
        ["POST /followers/{name}/resume"] = "404 404 404 404", ["POST /followers/{name}/skip"] = "404 404 404 404",
        ["GET /metrics"] = "200 200 200 200", ["GET /version"] = "200 200 200 200",
        ["GET /openapi.json"] = "200 200 200 401", ["GET /docs"] = "200 200 200 401", ["GET /schema.json"] = "200 200 200 401",
        ["GET /errors"] = "200 200 200 200", ["GET /errors/{code}"] = "404 404 404 404", ["POST /api/batch"] = "400 400 400 401",
        ["GET /.well-known/jwks.json"] = "200 200 200 200", ["POST /auth/register"] = "422 422 422 422",
        ["POST /auth/login"] = "422 422 422 422", ["POST /auth/refresh"] = "401 401 401 401",
        ["POST /auth/password/forgot"] = "422 422 422 422", ["POST /auth/password/reset"] = "422 422 422 422",
        ["POST /auth/verify/request"] = "422 422 422 422", ["POST /auth/verify/confirm"] = "422 422 422 422",
        ["POST /auth/password/change"] = "401 422 422 401", ["GET /auth/me"] = "401 200 200 401",
        ["GET /auth/sessions"] = "401 200 200 401", ["DELETE /auth/sessions/{id}"] = "401 404 204 401",
        ["GET /auth/tokens"] = "401 200 200 401", ["POST /auth/tokens"] = "401 422 422 401",
        ["DELETE /auth/tokens/{id}"] = "401 404 404 401", ["POST /auth/totp/enrol"] = "401 201 201 401",
        ["POST /auth/totp/confirm"] = "401 422 422 401", ["POST /auth/totp/remove"] = "401 422 422 401",
        ["GET /auth/oauth"] = "200 200 200 200", ["GET /auth/oauth/{provider}"] = "404 404 404 404",
        ["GET /auth/oauth/{provider}/callback"] = "404 404 404 404", ["POST /auth/oauth/{provider}/callback"] = "415 415 415 415",
        ["POST /auth/logout"] = "401 204 204 401",
        // For administrators and auditors; ann is neither.
        ["GET /audit/logs"] = "401 403 403 401", ["GET /audit/statistics"] = "401 403 403 401",
        ["GET /audit/reads"] = "401 403 403 401",
        ["GET /audit/user/{id}/activity"] = "401 403 403 401", ["GET /audit/entity/{model}/{id}"] = "401 403 403 401",
        // A record's own routes: the right one is its owner.
        ["GET /api/notes"] = "401 200 200 401", ["QUERY /api/notes"] = "401 200 200 401", ["POST /api/notes"] = "400 400 400 401",
        ["PATCH /api/notes"] = "400 400 400 401", ["DELETE /api/notes"] = "400 400 400 401", ["POST /api/notes/query"] = "401 200 200 401",
        ["GET /api/notes/aggregate"] = "401 200 200 401", ["GET /api/notes/{id}"] = "401 404 200 401",
        ["PUT /api/notes/{id}"] = "400 400 400 401", ["PATCH /api/notes/{id}"] = "400 400 400 401",
        ["DELETE /api/notes/{id}"] = "401 403 403 401", ["POST /api/notes/{id}/restore"] = "400 400 400 401",
        ["POST /api/notes/{id}/erase"] = "401 403 403 401",
        ["POST /api/notes/{id}/revert"] = "400 400 400 401", ["GET /api/notes/{id}/history"] = "401 404 200 401",
    };

    [Fact]
    public async Task Each_caller_gets_what_is_his()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), spare = await server.SignInAsync("ann@example.org");
        await server.Client.SendAsync("POST", "/api/notes", """{"text":"mine"}""", ann.Bearer);
        List<string> wrong = [];
        RouteTable table = new(server.Engine.Current.Schema);
        foreach (Route route in table.All().OrderBy(r => r.Endpoint == Endpoint.Logout))
        {
            if (route.Owner is { Model.Name: not "Note" }) continue; // of the same code; the next test has them
            foreach (Method method in Enum.GetValues<Method>())
            {
                if ((route.Methods & method) == 0 || method is Method.Read or Method.Head or Method.Options) continue;
                string name = $"{Methods.Allow(method)} {route.Template}";
                string id = route.Endpoint == Endpoint.Session ? spare.SessionId
                    : route.Endpoint == Endpoint.Token ? Guid.Empty.ToString() : "1";
                string path = Hole().Replace(route.Template, route.Endpoint == Endpoint.Error ? "nonsense" : id);
                bool takesBody = method is Method.Query || route.Endpoint == Endpoint.Query;
                SignedIn bob = await OtherAsync(server);
                List<int> statuses = [];
                foreach (string[] headers in new[] { [], [bob.Bearer], [ann.Bearer], new[] { "Authorization: Bearer bad" } })
                {
                    Reply reply = await server.Client.SendAsync(Methods.Allow(method), path, takesBody ? "{}" : null, headers);
                    statuses.Add(reply.Status);
                    if (reply.Status == 401) Assert.NotNull(reply.Header("WWW-Authenticate"));
                }
                string found = string.Join(' ', statuses);
                if (s_expected.GetValueOrDefault(name) != found) wrong.Add($"[\"{name}\"] = \"{found}\"");
            }
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    /// <summary>Routes where neither of two ordinary users is the right one, or where the right one has to say more.</summary>
    [Fact]
    public async Task What_is_for_some_alone_is_theirs()
    {
        await using AuthServer server = await AuthServer.OpenAsync(
            server: o => o with { Mode = ServerMode.Serve, OpsToken = "0123456789abcdef" });
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        SignedIn root = await server.SomeoneAsync("root@example.org", "admin");
        const string Operator = "Authorization: Bearer 0123456789abcdef";
        await server.Client.SendAsync("POST", "/api/notes", """{"text":"mine"}""", ann.Bearer);
        string query = "/realtime?query=" + Uri.EscapeDataString("""{"model":"Note"}""");
        foreach (var (method, path, wrong, right, expected) in new[]
        {
            ("GET", "/audit/logs", ann.Bearer, root.Bearer, "401 403 200"),
            ("GET", "/audit/statistics", ann.Bearer, root.Bearer, "401 403 200"),
            ("GET", $"/audit/user/{ann.UserId}/activity", ann.Bearer, root.Bearer, "401 403 200"),
            ("GET", "/audit/entity/Note/1", ann.Bearer, root.Bearer, "401 403 200"),
            ("GET", "/followers", root.Bearer, Operator, "401 401 200"), ("GET", "/metrics", root.Bearer, Operator, "401 401 200"),
            ("POST", "/followers/sink:x/resume", root.Bearer, Operator, "401 401 404"),
            ("POST", "/followers/sink:x/skip", root.Bearer, Operator, "401 401 404"),
            ("GET", query, bob.Bearer, ann.Bearer, "401 200 200"),
            ("POST", "/api/notes/1/revert?version=1", bob.Bearer, root.Bearer, "401 404 200"),
            ("PATCH", "/api/notes/1", bob.Bearer, root.Bearer, "401 403 200"),
            ("DELETE", "/api/notes/1", bob.Bearer, root.Bearer, "401 403 204"),
        })
        {
            List<int> statuses = [];
            foreach (string? who in new[] { null, wrong, right })
            {
                using HttpRequestMessage request = new(new HttpMethod(method), path);
                if (who is not null) request.Headers.TryAddWithoutValidation("Authorization", who["Authorization: ".Length..]);
                if (method == "PATCH") request.Content = new StringContent("""{"text":"x"}""", null, "application/json");
                // A stream has no end to wait for.
                using HttpResponseMessage reply = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                statuses.Add((int)reply.StatusCode);
            }
            Assert.Equal($"{path} {expected}", $"{path} {string.Join(' ', statuses)}");
        }
    }

    [Fact]
    public async Task What_the_product_keeps_of_users_is_reached_by_its_owner_and_by_administrators_alone()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), bob = await server.SomeoneAsync("bob@example.org");
        SignedIn admin = await server.SomeoneAsync("root@example.org", "admin");
        foreach (string route in new[] { "user_codes", "sign_in_guards", "signing_keys" })
        {
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/" + route)).Status);
            Assert.Equal(403, (await server.Client.SendAsync("GET", "/api/" + route, null, admin.Bearer)).Status);
        }
        foreach (string path in new[] { $"/api/users/{ann.UserId}", $"/api/sessions/{ann.SessionId}" })
        {
            Assert.Equal(401, (await server.Client.SendAsync("GET", path)).Status);
            Assert.Equal(404, (await server.Client.SendAsync("GET", path, null, bob.Bearer)).Status);
            Assert.Equal(200, (await server.Client.SendAsync("GET", path, null, ann.Bearer)).Status);
            Reply seen = await server.Client.SendAsync("GET", path, null, admin.Bearer);
            Assert.Equal(200, seen.Status);
            foreach (string secret in new[] { "passwordHash", "refreshHash", "argon2", "generation" })
                Assert.DoesNotContain(secret, seen.Body, StringComparison.Ordinal);
            Reply history = await server.Client.SendAsync("GET", path + "/history", null, ann.Bearer);
            Assert.DoesNotContain("argon2", history.Body, StringComparison.Ordinal);
            Assert.Equal(404, (await server.Client.SendAsync("DELETE", path, null, bob.Bearer)).Status is 404 or 403 ? 404 : 0);
        }
        foreach (string filter in new[] { "passwordHash != null", "passwordHash.startsWith('$')" })
            Assert.Equal(400, (await server.Client.SendAsync("GET", "/api/users?filter=" + Uri.EscapeDataString(filter), null,
                admin.Bearer)).Status);
        Assert.Equal(400, (await server.Client.SendAsync("GET", "/api/users?sort=passwordHash", null, admin.Bearer)).Status);
    }

    [Fact]
    public async Task An_administrator_sees_and_ends_the_sessions_of_a_user_and_a_user_his_own()
    {
        await using AuthServer server = await AuthServer.OpenAsync();
        SignedIn ann = await server.SomeoneAsync(), second = await server.SignInAsync("ann@example.org");
        SignedIn bob = await server.SomeoneAsync("bob@example.org"), admin = await server.SomeoneAsync("root@example.org", "admin");
        string ofAnn = $"/api/sessions?userId={ann.UserId}&include=user(select:email)";
        Assert.Equal((2, 0, 2), (await CountAsync(ofAnn, admin), await CountAsync(ofAnn, bob), await CountAsync(ofAnn, ann)));
        Assert.Equal((4, 1, 2), (await CountAsync("/api/sessions", admin), await CountAsync("/api/sessions", bob),
            await CountAsync("/auth/sessions", ann)));
        foreach (SignedIn one in new[] { bob, admin, ann })
        {
            // Nobody makes a session, changes one or sees what it is renewed by.
            Assert.Equal(403, (await server.Client.SendAsync("POST", "/api/sessions", "{}", one.Bearer)).Status);
            Assert.InRange((await server.Client.SendAsync("PATCH", "/api/sessions/" + ann.SessionId, """{"revokedFor":"x"}""",
                one.Bearer)).Status, 403, 404);
            foreach (string asked in new[] { "?sort=refreshHash", "?select=refreshHash", "?refreshHash[null]=false", "?sort=generation" })
                Assert.Equal(400, (await server.Client.SendAsync("GET", "/api/sessions" + asked, null, one.Bearer)).Status);
        }
        Assert.Equal(404, (await server.Client.SendAsync("DELETE", "/api/sessions/" + ann.SessionId, null, bob.Bearer)).Status);
        Assert.Equal(204, (await server.Client.SendAsync("DELETE", "/api/sessions/" + ann.SessionId, null, admin.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, ann.Bearer)).Status);
        Assert.Equal(401, (await server.Client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken", ann.Refresh)))).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, second.Bearer)).Status);
        // All of one user's at once, and his keys.
        Reply key = await server.Client.SendAsync("POST", "/auth/tokens", """{"name":"x","scopes":["read"]}""", second.Bearer);
        foreach (string model in new[] { "sessions", "api_tokens" })
        {
            Assert.Equal(200, (await server.Client.SendAsync("DELETE", $"/api/{model}?filter="
                + Uri.EscapeDataString($"userId == \"{ann.UserId}\""), null, admin.Bearer)).Status);
        }
        foreach (string ended in new[] { second.Access, key.Json.GetProperty("token").GetString()! })
            Assert.Equal(401, (await server.Client.SendAsync("GET", "/auth/me", null, "Authorization: Bearer " + ended)).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/auth/me", null, bob.Bearer)).Status);

        async Task<int> CountAsync(string path, SignedIn who)
        {
            Reply list = await server.Client.SendAsync("GET", path, null, who.Bearer);
            Assert.True(list.Status == 200, list.Body);
            return list.Json.GetProperty("items").GetArrayLength();
        }
    }

    [Fact]
    public async Task Without_users_there_is_no_such_route_and_every_token_is_a_bad_one()
    {
        await using AuthServer server = await AuthServer.OpenAsync(o => o with { MayRegister = false },
            "model Note { id Int @id  @@allow(\"all\", true) }");
        Assert.Equal(404, (await server.Client.SendAsync("POST", "/auth/login", "{}")).Status);
        Assert.Equal(404, (await server.Client.SendAsync("GET", "/.well-known/jwks.json")).Status);
        Assert.Equal(401, (await server.Client.SendAsync("GET", "/api/notes", null, "Authorization: Bearer x")).Status);
        Assert.Equal(200, (await server.Client.SendAsync("GET", "/api/notes")).Status);
    }

    static int s_others;

    static async Task<SignedIn> OtherAsync(AuthServer server) =>
        await server.SomeoneAsync($"other{Interlocked.Increment(ref s_others)}@example.org");

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Hole();
}
