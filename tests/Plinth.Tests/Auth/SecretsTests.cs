using System.Text;
using System.Text.Json;
using Plinth.Cli.Transfer;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Identity.Tokens;
using Plinth.Log;
using Plinth.Policy;
using Plinth.Rest;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Auth;

/// <summary>
/// What is secret is nowhere: a whole life of accounts, then a search through every byte of the data folder, the log of events, the
/// exports of all models, all that an administrator can read, and what the server wrote to its own log.
/// </summary>
public sealed class SecretsTests
{
    const string NewPassword = "another very long password";

    readonly Dictionary<string, byte[]> _secrets = new(StringComparer.Ordinal);

    [Fact]
    public async Task No_secret_is_in_the_database_an_event_an_export_an_answer_or_a_log()
    {
        using LocalProviders providers = new();
        using MemoryStream log = new();
        await using AuthServer server = await AuthServer.OpenAsync(
            options => options with
            {
                Outgoing = providers.Way, PublicUrl = ProviderPresetTests.PublicUrl,
                OAuth = new([Identity.Oidc.OAuthProvider.Preset("github", LocalProviders.ClientId, LocalProviders.ClientSecret, "")],
                    ProviderPresetTests.PublicUrl, [], MayRegister: true, null),
            },
            server: o => o with { LogStream = log, LogLevel = LogLevelMin.Debug, LogFormat = LogFormat.Json });
        await LiveAsync(server, providers);
        SignedIn root = await server.SomeoneAsync("root@example.org", "admin");
        string answers = await AnswersAsync(server, root), exports = await ExportsAsync(server.Engine), events = Events(server.Engine);
        Assert.Contains("ann@example.org", answers, StringComparison.Ordinal);
        Assert.Contains("ann@example.org", exports, StringComparison.Ordinal);
        Assert.Contains("SignInGuard", events, StringComparison.Ordinal);
        foreach (var (where, text) in new[] { ("an answer", answers), ("an export", exports), ("an event", events) })
        {
            Search(where, Encoding.UTF8.GetBytes(text));
            foreach (string hash in new[] { "$argon2id$", "passwordHash\":\"", "refreshHash\":\"", "sealedKey\":\"" })
                Assert.False(text.Contains(hash, StringComparison.Ordinal), $"{hash} is in {where}");
        }
        string folder = server.Folder;
        await server.Server.DisposeAsync();
        Search("the server's log", log.ToArray());
        int searched = 0;
        foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "master.key" or "plinth.lock") continue;
            await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using MemoryStream bytes = new();
            await stream.CopyToAsync(bytes);
            Search("the file " + Path.GetFileName(file), bytes.ToArray());
            searched++;
        }
        Assert.True(searched >= 2, "the database and its write-ahead log are among the files");
        Assert.True(_secrets.Count > 20, string.Join(", ", _secrets.Keys));
    }

    [Fact]
    public void The_search_finds_what_is_there()
    {
        Secret("one", "a secret");
        Assert.ThrowsAny<Exception>(() => Search("here", Encoding.UTF8.GetBytes("xx a secret yy")));
        Assert.ThrowsAny<Exception>(() => Search("here", Encoding.UTF8.GetBytes("xx" + Convert.ToBase64String("a secret"u8))));
        Search("here", Encoding.UTF8.GetBytes("xx a secre"));
    }

    async Task LiveAsync(AuthServer server, LocalProviders providers)
    {
        HttpClient client = server.Client;
        Secret("password", AuthServer.Password);
        Secret("new password", NewPassword);
        Secret("client secret", LocalProviders.ClientSecret);
        SignedIn ann = Of("registered", await client.SendAsync("POST", "/auth/register",
            AuthServer.Json(("email", "ann@example.org"), ("password", AuthServer.Password), ("name", "Ann"))));
        ann = Of("refreshed", await client.SendAsync("POST", "/auth/refresh", AuthServer.Json(("refreshToken", ann.Refresh))));
        Reply cookie = await client.SendAsync("POST", "/auth/login",
            AuthServer.Json(("email", "ann@example.org"), ("password", AuthServer.Password), ("cookie", true)));
        foreach (string set in cookie.Headers.GetValues("Set-Cookie")) Secret("cookie", set.Split('=', 2)[1].Split(';')[0]);
        Reply key = await client.SendAsync("POST", "/auth/tokens", """{"name":"nightly","scopes":["read"]}""", ann.Bearer);
        Secret("key of a program", key.Json.GetProperty("token").GetString());
        Reply known = await client.SendAsync("GET", "/auth/me", null, "Authorization: Bearer " + key.Json.GetProperty("token"));
        Assert.Equal(200, known.Status);
        Secret("code to verify", await server.Mail.CodeAsync(1));
        Assert.Equal(204, (await client.SendAsync("POST", "/auth/verify/confirm",
            AuthServer.Json(("code", await server.Mail.CodeAsync(1))))).Status);
        await client.SendAsync("POST", "/auth/password/forgot", """{"email":"ann@example.org"}""");
        Secret("code to reset", await server.Mail.CodeAsync(2));
        Assert.Equal(204, (await client.SendAsync("POST", "/auth/password/reset",
            AuthServer.Json(("code", await server.Mail.CodeAsync(2)), ("password", NewPassword)))).Status);
        foreach (string wrong in new[] { "a wrong guess of mine", AuthServer.Password })
        {
            Secret("a wrong password", wrong);
            await client.SendAsync("POST", "/auth/login", AuthServer.Json(("email", "ann@example.org"), ("password", wrong)));
        }
        ann = Of("signed in", await client.SendAsync("POST", "/auth/login",
            AuthServer.Json(("email", "ann@example.org"), ("password", NewPassword))));
        JsonElement enrolled = (await client.SendAsync("POST", "/auth/totp/enrol", null, ann.Bearer)).Json;
        Secret("second step", enrolled.GetProperty("secret").GetString());
        foreach (JsonElement code in enrolled.GetProperty("recoveryCodes").EnumerateArray()) Secret("recovery code", code.GetString());
        Reply start = await client.SendAsync("GET", "/auth/oauth/github");
        string brought = start.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        Secret("what a browser brings back", brought.Split('=', 2)[1]);
        providers.Person = new("7", "bob@example.org", true);
        using HttpResponseMessage back = await providers.BrowseAsync(start.Header("Location")!); // a redirect
        Secret("code of the provider", System.Web.HttpUtility.ParseQueryString(back.Headers.Location!.Query)["code"]);
        Of("by a provider", await client.SendAsync("GET", back.Headers.Location.PathAndQuery, null, "Cookie: " + brought));
        Secret("token of the provider", "provider-access-");
        await using Identities identities = new(server.Engine, server.Options, server.Mail, _ => { });
        TokenKey signing = (await identities.Keys.CurrentAsync(default)).Value;
        Secret("signing key", signing.Private());
        Assert.Null(await identities.Keys.RotateAsync(default));
        Secret("next signing key", (await identities.Keys.CurrentAsync(default)).Value.Private());
    }

    /// <summary>What an administrator is answered: every record of every model, with history, and the descriptions.</summary>
    static async Task<string> AnswersAsync(AuthServer server, SignedIn root)
    {
        StringBuilder all = new();
        foreach (Model model in server.Engine.Current.Schema.Models)
        {
            Reply list = await server.Client.SendAsync("GET", $"/api/{model.Route}", null, root.Bearer);
            all.AppendLine(list.Body);
            if (list.Status != 200 || model.KeyFields is not [{ Name: "id" }]) continue;
            foreach (JsonElement item in list.Json.GetProperty("items").EnumerateArray())
            {
                string path = $"/api/{model.Route}/{item.GetProperty("id")}";
                all.AppendLine((await server.Client.SendAsync("GET", path + "/history", null, root.Bearer)).Body);
            }
        }
        foreach (string path in new[] { "/openapi.json", "/schema.json", "/.well-known/jwks.json", "/metrics" })
            all.AppendLine((await server.Client.SendAsync("GET", path, null, root.Bearer)).Body);
        return all.ToString();
    }

    static async Task<string> ExportsAsync(Engine engine)
    {
        StringWriter text = new();
        foreach (Model model in engine.Current.Schema.Models)
        {
            foreach (RecordFormat format in Enum.GetValues<RecordFormat>())
                Assert.True((await Exporting.RunAsync(engine, Caller.System, model, format, text, null, default)).IsOk, model.Name);
        }
        return text.ToString();
    }

    static string Events(Engine engine)
    {
        StringBuilder text = new();
        using ReadLease lease = engine.Store.Database.Read(default);
        for (long after = 0; EventLog.Read(lease.Connection, after, 1000) is { Count: > 0 } page; after = page[^1].Position)
        {
            foreach (LogEvent happened in page)
            {
                text.AppendLine($"{happened.Model} {happened.Kind} {happened.RecordId}");
                text.AppendLine(Encoding.Latin1.GetString(happened.Data ?? []));
            }
        }
        return text.ToString();
    }

    SignedIn Of(string what, Reply reply)
    {
        Assert.True(reply.Status is 200 or 201, $"{what}: {reply.Body}");
        SignedIn one = SignedIn.Of(reply);
        Secret(what + ", access token", one.Access);
        Secret(what + ", refresh token", one.Refresh);
        return one;
    }

    void Secret(string what, string? text) => Secret(what, Encoding.UTF8.GetBytes(text!)); // an answer that lacks one fails here

    void Secret(string what, byte[] bytes)
    {
        Assert.NotEmpty(bytes);
        _secrets[$"{_secrets.Count} {what}"] = bytes;
    }

    /// <summary>As it is, and as base64 would have it.</summary>
    void Search(string where, byte[] bytes)
    {
        foreach (var (what, secret) in _secrets)
        {
            Assert.True(bytes.AsSpan().IndexOf(secret) < 0, $"{what} is in {where}");
            string text = Convert.ToBase64String(secret).TrimEnd('=');
            byte[] encoded = Encoding.ASCII.GetBytes(text[..^(text.Length % 4)]);
            if (encoded.Length >= 8) Assert.True(bytes.AsSpan().IndexOf(encoded) < 0, $"{what} is in {where}, as base64");
        }
    }
}
