using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Plinth.Hosting;
using Plinth.Http;
using Plinth.Language;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>An engine over a database of its own, and any number of servers before it, each with its own identity.</summary>
sealed class RunningServer : IAsyncDisposable
{
    public const string Schema = """
        app sample { }
        auth { id Int  role String? }
        model Author {
          id Int @id
          name String
          photo Bytes?
          notes Note[]
          @@allow("read", true)
          @@allow("create", auth.role == "editor")
          @@allow("update", auth.role == "editor")
        }
        model Note {
          id Int @id @default(autoincrement())
          text String @length(1, 200)
          score Int @default(0) @range(0, 100)
          slug String? @unique(code: "slug_already_exist")
          secret String? @serverOnly
          author Author? @relation
          @@softDelete
          @@allow("read", true)
          @@allow("create", auth.role == "editor")
          @@allow("update", auth.role == "editor")
          @@allow("delete", auth.role == "editor")
          @@allow("restore", auth.role == "editor")
          @@allow("purge", auth.role == "editor")
        }
        model Seat { row String  number Int  taken Boolean @default(false)  @@id([row, number])  @@allow("all", auth.role == "editor") }
        model Ledger { id Int @id  revision Int @version  amount Decimal(10, 2)  @@allow("all", auth.role == "editor") }
        model Hidden { id Int @id }
        """;

    readonly TempFolder _folder = new();
    readonly List<PlinthServer> _servers = [];

    RunningServer(Engine engine, TempFolder folder) => (Engine, _folder) = (engine, folder);

    public Engine Engine { get; }

    public static Value Editor { get; } = Claims("editor", 7);

    public static Value Reader { get; } = Claims("reader", 8);

    /// <param name="open">How the database is opened; null: as tests do.</param>
    public static async Task<RunningServer> OpenAsync(
        string schema = Schema, Limits? limits = null, Func<StoreOptions, TimeProvider, Database>? open = null)
    {
        TempFolder folder = new();
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", schema)]);
        AppSchema app = reading.Schema ?? throw new InvalidOperationException(
            string.Join("\n", reading.Diagnostics.Select(d => $"{d.Place} {d.Code} {d.Message}")));
        EngineOptions options = new()
        {
            Store = new StoreOptions { Folder = folder.Path, Durability = Durability.Off },
            OpenDatabase = open ?? TestDatabase.Open,
            Migrate = true,
            Limits = limits ?? Limits.Default,
        };
        Result<Engine> engine = await Engine.OpenAsync(options, app, CancellationToken.None);
        return new RunningServer(engine.Value, folder);
    }

    /// <summary>A server before the engine, and a client of it. A null identity is an anonymous caller.</summary>
    public async Task<HttpClient> ClientAsync(Value? identity = null, Func<ServerOptions, ServerOptions>? with = null)
    {
        ServerOptions options = new() { Mode = ServerMode.Dev, Port = 0, Version = "test", DevelopmentIdentity = identity,
            Limits = Engine.Limits };
        PlinthServer server = await PlinthServer.StartAsync(with is null ? options : with(options), Engine, CancellationToken.None);
        _servers.Add(server);
        return new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = server.Url };
    }

    /// <summary>The server that was started last.</summary>
    public PlinthServer Last => _servers[^1];

    public async ValueTask DisposeAsync()
    {
        foreach (PlinthServer server in _servers) await server.DisposeAsync();
        await Engine.DisposeAsync();
        _folder.Dispose();
    }

    static Value Claims(string role, long id) => Value.FromMap(new ValueMap([new("id", Value.From(id)), new("role", Value.From(role))]));
}

/// <summary>An answer, read.</summary>
sealed record Reply(int Status, string Body, HttpResponseHeaders Headers, HttpContentHeaders Content)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? string.Join(", ", values)
        : Content.TryGetValues(name, out var content) ? string.Join(", ", content) : null;

    public string Code => Json.GetProperty("code").GetString() ?? "";
}

static class Requests
{
    /// <param name="headers">Lines such as <c>If-Match: "1.1"</c>.</param>
    public static async Task<Reply> SendAsync(
        this HttpClient client, string method, string path, string? body = null, params string[] headers)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        }
        foreach (string header in headers)
        {
            string[] parts = header.Split(": ", 2);
            if (parts[0] == "Content-Type") request.Content!.Headers.Remove("Content-Type");
            if (!request.Headers.TryAddWithoutValidation(parts[0], parts[1]))
                request.Content!.Headers.TryAddWithoutValidation(parts[0], parts[1]);
        }
        using HttpResponseMessage response = await client.SendAsync(request);
        return new Reply((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }
}
