using Plinth.Hosting;
using Plinth.Http;
using Plinth.Identity;
using Plinth.Identity.Hashing;
using Plinth.Language;
using Plinth.Log;
using Plinth.Rest;
using Plinth.Runtime;
using Plinth.Store;
using Plinth.Store.Postgres;
using Plinth.Text;

namespace Plinth.Auth;

/// <summary>Servers that share one schema of one PostgreSQL, as nodes of a service: a data folder for each, and the same key.</summary>
sealed class AuthNodes : IAsyncDisposable
{
    readonly string _url;
    readonly List<AuthNode> _nodes = [];

    public AuthNodes()
    {
        NativeLibraries.Provide();
        string schema = "a_" + Guid.NewGuid().ToString("n")[..20];
        using TempFolder folder = new();
        using Npgsql.NpgsqlDataSource source =
            PostgresServer.Of(PostgresCluster.Shared.Url(), "tests").Writers(new() { Folder = folder.Path });
        using Npgsql.NpgsqlCommand create = source.CreateCommand($"create schema {schema}");
        create.ExecuteNonQuery();
        _url = PostgresCluster.Shared.Url(options: "&connect_timeout=2&schema=" + schema);
    }

    public IdentityOptions Options { get; init; } = new() { PasswordCost = new Argon2Cost(64, 1, 1), MayRegister = true };

    public async Task<AuthNode> StartAsync()
    {
        TempFolder folder = new();
        if (_nodes.Count > 0) File.Copy(_nodes[0].Folder.File("master.key"), folder.File("master.key"));
        FailingDatabase? database = null;
        Result<Engine> opened = await Engine.OpenAsync(
            new EngineOptions
            {
                Store = new StoreOptions { Folder = folder.Path },
                OpenDatabase = (options, _) =>
                    database = new FailingDatabase(PostgresDatabase.Open(options, PostgresServer.Of(_url, "tests"))),
                Migrate = true,
            },
            SchemaReader.Read([new SourceText("schema.plinth", AuthServer.Schema)]).Schema!, // it is the tests' own
            CancellationToken.None);
        Assert.True(opened.IsOk, opened.Fault?.Message);
        ServerOptions options = new() { Mode = ServerMode.Dev, Port = 0, Version = "test" };
        PlinthServer server = await PlinthServer.StartAsync(options, Options, new KeptMail(), opened.Value, CancellationToken.None);
        AuthNode node = new(folder, opened.Value, database!, server); // opened above
        _nodes.Add(node);
        return node;
    }

    public async Task<AuthNode[]> StartAsync(int count)
    {
        AuthNode[] nodes = new AuthNode[count];
        for (int i = 0; i < count; i++) nodes[i] = await StartAsync();
        return nodes;
    }

    public async Task<Guid> UserAsync(string email, string role = "viewer")
    {
        await using Identities identities = new(_nodes[0].Engine, Options, new KeptMail(), _ => { });
        Result<PlatformRow> made = await identities.Accounts.CreateAsync(Guid.CreateVersion7(),
            new Registration(email, AuthServer.Password, null, null), role, null, isVerified: true, CancellationToken.None);
        Assert.True(made.IsOk, made.Fault?.Message);
        return made.Value.Id;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (AuthNode node in _nodes) await node.DisposeAsync();
    }
}

sealed class AuthNode(TempFolder folder, Engine engine, FailingDatabase database, PlinthServer server) : IAsyncDisposable
{
    public TempFolder Folder => folder;

    public Engine Engine => engine;

    /// <summary>The way to the server, to be cut.</summary>
    public FailingDatabase Database => database;

    public HttpClient Client { get; } = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = server.Url,
    };

    public async Task<SignedIn> SignInAsync(string email)
    {
        Reply reply = await LoginAsync(email, AuthServer.Password);
        Assert.True(reply.Status == 200, reply.Body);
        return SignedIn.Of(reply);
    }

    public Task<Reply> LoginAsync(string email, string password) =>
        Client.SendAsync("POST", "/auth/login", AuthServer.Json(("email", email), ("password", password)));

    public async Task<int> StatusAsync(string method, string path, string? body, params string[] headers) =>
        (await Client.SendAsync(method, path, body, headers)).Status;

    /// <summary>
    /// The answer to what has ended a second ago: it is never believed again. A node that is not sure yet, on a busy machine, says 503
    /// and is asked again.
    /// </summary>
    public async Task<int> AnswerAsync(string method, string path, string? body, string bearer)
    {
        for (int tries = 1; ; tries++)
        {
            int status = await StatusAsync(method, path, body, bearer);
            if (status != 503 || tries == 400) return status;
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await server.DisposeAsync();
        await engine.DisposeAsync();
        folder.Dispose();
    }
}
