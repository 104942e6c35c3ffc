using System.Text;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Engines that share one schema of one server, as nodes of a service: a data folder for each, and the same key.</summary>
sealed class PostgresNodes : IAsyncDisposable
{
    public const string Schema = """model Note { id Int @id  text String  @@allow("all", true) }""";

    readonly string _url;
    readonly string _model;
    readonly List<(Engine Engine, TempFolder Folder)> _nodes = [];

    public PostgresNodes(PostgresCluster cluster, string model = Schema)
    {
        _model = model;
        string schema = "n_" + Guid.NewGuid().ToString("n")[..20];
        using TempFolder folder = new();
        using Npgsql.NpgsqlDataSource source = PostgresServer.Of(cluster.Url(), "tests").Writers(new() { Folder = folder.Path });
        using Npgsql.NpgsqlCommand create = source.CreateCommand($"create schema {schema}");
        create.ExecuteNonQuery();
        _url = cluster.Url(options: "&connect_timeout=2&schema=" + schema);
    }

    public async Task<Engine> StartAsync(bool hasOwnKey = false, Func<Database, Database>? with = null)
    {
        TempFolder folder = new();
        if (_nodes.Count > 0 && !hasOwnKey) File.Copy(_nodes[0].Folder.File("master.key"), folder.File("master.key"));
        Result<Engine> opened = await Engine.OpenAsync(
            new EngineOptions
            {
                Store = new StoreOptions { Folder = folder.Path },
                OpenDatabase = (options, _) =>
                {
                    Database database = PostgresDatabase.Open(options, PostgresServer.Of(_url, "tests"));
                    return with is null ? database : with(database);
                },
                Migrate = true,
            },
            WriteFixture.Read(_model),
            CancellationToken.None);
        Assert.True(opened.IsOk, opened.Fault?.Message);
        _nodes.Add((opened.Value, folder));
        return opened.Value;
    }

    /// <summary>The node's process is gone.</summary>
    public async Task EndAsync(Engine node)
    {
        int at = _nodes.FindIndex(n => ReferenceEquals(n.Engine, node));
        (Engine ended, TempFolder folder) = _nodes[at];
        _nodes.RemoveAt(at);
        await ended.DisposeAsync();
        folder.Dispose();
    }

    public static async Task<Fault?> WriteAsync(Engine node, CommandKind kind, string body, string? key = null)
    {
        Command command = new()
        {
            Model = "Note",
            Kind = kind,
            Body = Encoding.UTF8.GetBytes(body),
            Key = key is null ? [] : [key],
        };
        Result<WriteReply> reply = await node.WriteAsync(Caller.System, command, CancellationToken.None);
        if (reply.IsOk) reply.Value.Dispose();
        return reply.Fault;
    }

    public static async Task<Fault?> ReadAsync(Engine node, string key)
    {
        ReadRequest request = new() { Model = "Note", Kind = ReadKind.Get, Key = [key] };
        Result<ReadReply> reply = await node.ReadAsync(Caller.System, request, CancellationToken.None);
        if (reply.IsOk) reply.Value.Dispose();
        return reply.Fault;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (engine, folder) in _nodes)
        {
            await engine.DisposeAsync();
            folder.Dispose();
        }
    }
}
