using System.Diagnostics;
using System.Text.Json;
using Plinth.Hosting;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Identity.Hashing;
using Plinth.Identity.Mail;
using Plinth.Language;
using Plinth.Rest;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>A server with users, over a database of its own; hashing is cheap, the clock can be moved, mail is kept.</summary>
sealed class AuthServer : IAsyncDisposable
{
    public const string Schema = """
        app sample { }
        auth { id Uuid  role Role  team String? }
        enum Role { admin editor viewer }
        extend User {
          role Role @default(viewer)
          team String?
          nickname String?
          notes Note[]
          @@allow("update", id == auth.id,
            after: role == before.role && disabled == before.disabled && email == before.email
              && (team == before.team || team == null && before.team == null))
        }
        model Note {
          id Int @id @default(autoincrement())
          text String
          owner User @relation @default(auth.id)
          @@allow("read", owner.id == auth.id)
          @@allow("create", auth != null)
          @@allow("all", auth.role == "admin")
        }
        model Public { id Int @id  text String  @@allow("read", true)  @@allow("create", auth.role == "editor") }
        """;

    public const string Password = "a long enough password";

    readonly TempFolder _folder;
    readonly List<HttpClient> _clients = [];

    AuthServer(TempFolder folder, Engine engine, MovedClock clock) => (_folder, Engine, Clock) = (folder, engine, clock);

    public Engine Engine { get; private set; }

    /// <summary>Of its data.</summary>
    public string Folder => _folder.Path;

    public MovedClock Clock { get; }

    public PlinthServer Server { get; private set; } = null!; // set by OpenAsync, the only way to make one

    public KeptMail Mail { get; } = new();

    public IdentityOptions Options { get; private set; } = new();

    public HttpClient Client { get; private set; } = null!; // likewise

    public static async Task<AuthServer> OpenAsync(
        Func<IdentityOptions, IdentityOptions>? with = null, string schema = Schema, Func<ServerOptions, ServerOptions>? server = null,
        Func<StoreOptions, TimeProvider, Database>? open = null, Limits? limits = null)
    {
        NativeLibraries.Provide();
        TempFolder folder = new();
        MovedClock clock = new();
        AuthServer opened = new(folder, await OpenEngineAsync(folder, schema, clock, open, limits), clock);
        opened.Options = new() { PasswordCost = new Argon2Cost(64, 1, 1), MayRegister = true };
        if (with is not null) opened.Options = with(opened.Options);
        await opened.StartAsync(server);
        return opened;
    }

    public async Task StartAsync(Func<ServerOptions, ServerOptions>? with = null)
    {
        ServerOptions options = new() { Mode = ServerMode.Dev, Port = 0, Version = "test", Time = Clock };
        if (with is not null) options = with(options);
        Server = await PlinthServer.StartAsync(options, Options, Mail, Engine, CancellationToken.None);
        Client = NewClient();
    }

    /// <summary>The process ends and starts again over the same folder.</summary>
    public async Task RestartAsync(string schema = Schema)
    {
        await Server.DisposeAsync();
        await Engine.DisposeAsync();
        Engine = await OpenEngineAsync(_folder, schema, Clock);
        await StartAsync();
    }

    public HttpClient NewClient()
    {
        HttpClient client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = Server.Url,
        };
        _clients.Add(client);
        return client;
    }

    /// <summary>A user with the usual password.</summary>
    public async Task<Guid> UserAsync(string email, string role = "viewer")
    {
        await using Identities identities = new(Engine, Options, Mail, _ => { });
        Result<PlatformRow> made = await identities.Accounts.CreateAsync(
            Guid.CreateVersion7(), new Registration(email, Password, null, null), role, null, isVerified: true, CancellationToken.None);
        return made.Value.Id;
    }

    public async Task<SignedIn> SignInAsync(string email, string password = Password)
    {
        Reply reply = await Client.SendAsync("POST", "/auth/login", Json(("email", email), ("password", password)));
        Assert.True(reply.Status == 200, reply.Body);
        return SignedIn.Of(reply);
    }

    /// <summary>A user who has signed in.</summary>
    public async Task<SignedIn> SomeoneAsync(string email = "ann@example.org", string role = "viewer")
    {
        await UserAsync(email, role);
        return await SignInAsync(email);
    }

    public static string Json(params (string Name, object? Value)[] members) =>
        JsonSerializer.Serialize(members.ToDictionary(m => m.Name, m => m.Value));

    public async ValueTask DisposeAsync()
    {
        foreach (HttpClient client in _clients) client.Dispose();
        await Server.DisposeAsync();
        await Engine.DisposeAsync();
        _folder.Dispose();
    }

    static async Task<Engine> OpenEngineAsync(
        TempFolder folder, string schema, TimeProvider clock, Func<StoreOptions, TimeProvider, Database>? open = null,
        Limits? limits = null)
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", schema)]);
        AppSchema app = reading.Schema ?? throw new InvalidOperationException(
            string.Join("\n", reading.Diagnostics.Select(d => $"{d.Place} {d.Code} {d.Message}")));
        EngineOptions options = new()
        {
            Store = new StoreOptions { Folder = folder.Path, Durability = Durability.Off },
            OpenDatabase = open ?? TestDatabase.Open,
            Migrate = true,
            Time = clock,
            Limits = limits ?? Limits.Default,
        };
        return (await Engine.OpenAsync(options, app, CancellationToken.None)).Value;
    }
}

/// <summary>What a sign-in answered.</summary>
sealed record SignedIn(string Access, string Refresh, string SessionId, string UserId)
{
    public string Bearer => "Authorization: Bearer " + Access;

    public static SignedIn Of(Reply reply) => new(
        reply.Json.GetProperty("accessToken").GetString() ?? "",
        reply.Json.GetProperty("refreshToken").GetString() ?? "",
        reply.Json.GetProperty("sessionId").GetString() ?? "",
        reply.Json.GetProperty("user").GetProperty("id").GetString() ?? "");
}

/// <summary>The system's clock, moved.</summary>
sealed class MovedClock : TimeProvider
{
    public TimeSpan By { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + By;
}

/// <summary>Letters that a test reads.</summary>
sealed class KeptMail : Mailer
{
    readonly List<Letter> _letters = [];

    public override Task SendAsync(Letter letter, CancellationToken cancel)
    {
        lock (_letters) _letters.Add(letter);
        return Task.CompletedTask;
    }

    public int Count
    {
        get
        {
            lock (_letters) return _letters.Count;
        }
    }

    /// <summary>The letter with this number, from 1, once it has come.</summary>
    public async Task<Letter> LetterAsync(int number)
    {
        for (int i = 0; i < 500 && Count < number; i++) await Task.Delay(10);
        lock (_letters) return _letters[number - 1];
    }

    /// <summary>The code in a letter.</summary>
    public async Task<string> CodeAsync(int number)
    {
        string text = (await LetterAsync(number)).Text;
        int start = text.IndexOf(TokenText.Code, StringComparison.Ordinal);
        return text[start..].Split('\n', ' ')[0];
    }
}

/// <summary>What a fresh machine may lack: the library of the password hash comes by apt.</summary>
static class NativeLibraries
{
    static readonly Lazy<bool> s_provided = new(Install);

    public static void Provide() => Assert.True(s_provided.Value,
        "neither libargon2 nor libsodium, and apt-get could not install libargon2-1");

    static bool Install()
    {
        if (Argon2.Refusal(Argon2Cost.Default) is null) return true;
        foreach (string arguments in new[] { "update", "install -y --no-install-recommends libargon2-1" })
        {
            using Process? apt = Process.Start(new ProcessStartInfo("apt-get", arguments) { RedirectStandardOutput = true });
            apt?.WaitForExit(TimeSpan.FromMinutes(3));
        }
        return System.Runtime.InteropServices.NativeLibrary.TryLoad("libargon2.so.1", out _);
    }
}
