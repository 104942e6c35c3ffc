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

    readonly string _models;
    readonly string _url;
    readonly string _options;
    readonly List<(Engine Engine, TempFolder Folder)> _nodes = [];

    public PostgresNodes(PostgresCluster cluster, string models = Schema)
        : this(cluster.Url(), models)
    {
    }

    /// <param name="url">With a query.</param>
    /// <param name="models">Their schema.</param>
    public PostgresNodes(string url, string models = Schema)
    {
        SchemaName = "n_" + Guid.NewGuid().ToString("n")[..20];
        (_models, _url) = (models, url);
        Execute($"create schema {SchemaName}");
        _options = "&connect_timeout=2&schema=" + SchemaName;
        _url = url + _options;
    }

    /// <summary>Where their tables are.</summary>
    public string SchemaName { get; }

    /// <summary>Of the server, with the schema that the nodes share.</summary>
    public string Url => _url;

    /// <summary>The server's standby, by its URL with a query.</summary>
    public string? Copy { get; init; }

    /// <summary>Events of one part of the log.</summary>
    public long LogPartEvents { get; init; } = 10_000_000;

    /// <summary>Of those that start from now on.</summary>
    public bool IsGuarded { get; set; } = true;

    /// <summary>A pooler, for all that they say to the server; null where there is none.</summary>
    public string? PooledUrl { get; init; }

    /// <summary>Bound of a statement.</summary>
    public int StatementMs { get; init; } = Limits.Default.StatementMs;

    /// <summary>Most commands of one group.</summary>
    public int GroupCommands { get; init; } = Limits.Default.GroupCommands;

    /// <summary>Of each node's record cache.</summary>
    public long CacheBytes { get; init; } = Limits.Default.CacheBytes;

    /// <summary>Records that one relation of an answer may lead to.</summary>
    public int IncludedRows { get; init; } = Limits.Default.IncludedRows;

    /// <summary>From which on the reads of a plan are slow, and go by themselves: on a busy machine that may be any of them.</summary>
    public int SlowMs { get; init; } = Limits.Default.SlowMs;

    /// <summary>As a program does that does not know of the engine.</summary>
    public void ExecuteAsOther(string sql)
    {
        using TempFolder folder = new();
        using Npgsql.NpgsqlDataSource source = PostgresServer.Of(_url, "tests").Readers(new() { Folder = folder.Path });
        using Npgsql.NpgsqlCommand command = source.CreateCommand(sql);
        command.ExecuteNonQuery();
    }

    /// <summary>Past the engine, as an operator would who knows what he does: the guard of the tables lets it pass.</summary>
    public void Execute(string sql)
    {
        using TempFolder folder = new();
        using Npgsql.NpgsqlDataSource source = PostgresServer.Of(_url, "tests").Writers(new() { Folder = folder.Path });
        using Npgsql.NpgsqlCommand command = source.CreateCommand(sql);
        command.ExecuteNonQuery();
    }

    /// <summary>The number that a statement answers, asked past the engine.</summary>
    public long Scalar(string sql)
    {
        using TempFolder folder = new();
        using Npgsql.NpgsqlDataSource source = PostgresServer.Of(_url, "tests").Writers(new() { Folder = folder.Path });
        using Npgsql.NpgsqlCommand command = source.CreateCommand(sql);
        return Convert.ToInt64(command.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Runs a statement in a transaction that stays open until it is disposed.</summary>
    public IDisposable Hold(string sql)
    {
        using TempFolder folder = new();
        Npgsql.NpgsqlDataSource source = PostgresServer.Of(_url, "tests").Writers(new() { Folder = folder.Path });
        try
        {
            Npgsql.NpgsqlConnection connection = source.OpenConnection();
            using Npgsql.NpgsqlCommand command = new("begin; " + sql, connection);
            command.ExecuteNonQuery();
            return new Held(source, connection);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    public async Task<Engine> StartAsync(bool hasOwnKey = false, Func<Database, Database>? with = null, TimeProvider? clock = null)
    {
        TempFolder folder = new();
        if (_nodes.Count > 0 && !hasOwnKey) File.Copy(_nodes[0].Folder.File("master.key"), folder.File("master.key"));
        Result<Engine> opened = await Engine.OpenAsync(
            new EngineOptions
            {
                Store = new StoreOptions { Folder = folder.Path, ReadTimeMax = TimeSpan.FromMilliseconds(StatementMs) },
                OpenDatabase = (options, _) =>
                {
                    PostgresServer[] copies = Copy is null ? [] : [PostgresServer.Of(Copy + _options, "tests")];
                    PostgresServer server = Server() with { IsGuarded = IsGuarded, LogPartEvents = LogPartEvents, Copies = copies };
                    Database database = PostgresDatabase.Open(options, server);
                    return with is null ? database : with(database);
                },
                Limits = Limits.Default with
                {
                    CacheBytes = CacheBytes,
                    StatementMs = StatementMs,
                    GroupCommands = GroupCommands,
                    IncludedRows = IncludedRows,
                    SlowMs = SlowMs,
                },
                Migrate = true,
                Time = clock ?? TimeProvider.System,
            },
            WriteFixture.Read(_models),
            CancellationToken.None);
        Assert.True(opened.IsOk, opened.Fault?.Message);
        _nodes.Add((opened.Value, folder));
        return opened.Value;
    }

    /// <summary>Gives another node, by its folder, the key that all have; there must be one already.</summary>
    public void CopyKey(string folder) => File.Copy(_nodes[0].Folder.File("master.key"), Path.Combine(folder, "master.key"));

    // A pooler knows nothing of the schema; the role does.
    PostgresServer Server()
    {
        if (PooledUrl is null) return PostgresServer.Of(_url, "tests");
        Execute($"alter role plinth set search_path = {SchemaName}");
        return PostgresServer.Of(PooledUrl, "tests") with { PreparedMax = 0 };
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

    public static async Task<Fault?> WriteAsync(Engine node, CommandKind kind, string body, string? key = null, string model = "Note")
    {
        Command command = new()
        {
            Model = model,
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

    /// <summary>The answer's JSON.</summary>
    public static async Task<string> AnswerAsync(Engine node, ReadRequest request)
    {
        Result<ReadReply> reply = await node.ReadAsync(Caller.System, request, CancellationToken.None);
        Assert.True(reply.IsOk, reply.Fault?.Message);
        using ReadReply read = reply.Value;
        return Encoding.UTF8.GetString(read.Body.Written);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (engine, folder) in _nodes)
        {
            await engine.DisposeAsync();
            folder.Dispose();
        }
    }

    sealed class Held(Npgsql.NpgsqlDataSource source, Npgsql.NpgsqlConnection connection) : IDisposable
    {
        public void Dispose()
        {
            connection.Dispose();
            source.Dispose();
        }
    }
}
