using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Plinth.Expressions;
using Plinth.Hosting;
using Plinth.Http;
using Plinth.Language;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Projections;
using Plinth.Rest;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;
using Xunit.Sdk;

namespace Plinth.Cases;

sealed record CaseResponse(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public string? Header(string name) => Headers.GetValueOrDefault(name);
}

sealed record CaseEvent(string Kind, string Model, string Data);

/// <summary>
/// What a story is told to: one engine over a database of its own, and one server on a loopback port for each caller that it names,
/// since the development identity is a server's.
/// </summary>
sealed class CaseHost : IAsyncDisposable
{
    readonly Dictionary<string, (PlinthServer Server, HttpClient Client)> _servers = new(StringComparer.Ordinal);
    readonly CaseClock _clock = new();
    readonly string _folder = Directory.CreateTempSubdirectory("plinth-case-").FullName;
    readonly CaseFile _file;
    Action<Snapshot>? _served;
    Engine _engine = null!; // set by StartAsync, the only way to make one

    CaseHost(CaseFile file) => _file = file;

    public static async Task<CaseHost> StartAsync(CaseFile file, CancellationToken cancel, Action<Snapshot>? served = null)
    {
        CaseHost host = new(file) { _served = served };
        try
        {
            EngineOptions options = new()
            {
                Store = new StoreOptions { Folder = host._folder, Durability = Durability.Normal },
                OpenDatabase = TestDatabase.Open,
                Limits = CaseLimits.Read(file.Find("limits")),
                Migrate = true,
                Time = host._clock,
            };
            Result<Engine> opened = await Engine.OpenAsync(options, host.Read(file.Get("schema")), cancel);
            if (opened.Failed(out Fault? fault, out Engine? engine)) Assert.Fail($"{file.Path}: {fault.Code}: {fault.Message}");
            host._engine = engine;
            served?.Invoke(engine.Current);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public void SetNow(DateTimeOffset now) => _clock.Now = now;

    /// <summary>Position of the last event.</summary>
    public long Position() => _engine.Position;

    /// <summary>Serves another schema from now on; the fault says why not.</summary>
    public async Task<Fault?> ApplyAsync(CaseSection schema, CancellationToken cancel)
    {
        Fault? refused = (await _engine.ApplyAsync(Read(schema), cancel)).Fault;
        if (refused is null) _served?.Invoke(_engine.Current);
        return refused;
    }

    /// <summary>Waits until every projection has seen all that was written.</summary>
    public async Task CaughtUpAsync()
    {
        AppSchema schema = _engine.Current.Schema;
        if (!ProjectionKeeper.ProjectionsOf(schema).Any()) return;
        await Log.FollowerTests.UntilAsync(() => _engine.Projections.Report(schema, CancellationToken.None)
            .All(static r => r is { State: not null, Behind: 0 }));
    }

    /// <summary>Creates a record as the system; null when it was taken.</summary>
    public async Task<string?> InsertAsync(string model, string record, CancellationToken cancel)
    {
        Caller caller = Caller.System;
        if (_engine.Current.Schema.Model(model) is { TenantField: { } tenant })
        {
            // Whose it is, is said as any field, though no input has it.
            JsonObject row = JsonNode.Parse(record)!.AsObject();
            Utf8JsonReader value = new(Encoding.UTF8.GetBytes(row[tenant.Name]!.ToJsonString()));
            value.Read();
            if (!((ScalarFieldType)tenant.Type).Scalar.TryRead(ref value, out Value id)) return $"{tenant.Name} names no tenant";
            row.Remove(tenant.Name);
            (caller, record) = (Caller.SystemOf(id), row.ToJsonString());
        }
        Command command = new() { Model = model, Kind = CommandKind.Create, Body = Encoding.UTF8.GetBytes(record) };
        Result<WriteReply> reply = await _engine.WriteAsync(caller, command, cancel);
        if (reply.IsOk) reply.Value.Dispose();
        return reply.Fault is { } fault ? $"{fault.Code}: {fault.Message} {string.Join(", ", fault.Details)}" : null;
    }

    public async Task<CaseResponse> SendAsync(HttpText request, string caller, CancellationToken cancel)
    {
        HttpClient client = await ClientAsync(caller, cancel);
        Uri target = new($"http://{client.BaseAddress!.Authority}{request.Target}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using HttpRequestMessage message = new(new HttpMethod(request.Method), target);
        bool hasBody = request.Body.Length > 0;
        if (hasBody) message.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(request.Body));
        if (hasBody && request.Header("Content-Type") is null)
            message.Content!.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        foreach (var (name, value) in request.Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value)) message.Content!.Headers.TryAddWithoutValidation(name, value);
        }
        using HttpResponseMessage response = await client.SendAsync(message, cancel);
        var headers = response.Headers.Concat(response.Content.Headers).Concat(response.TrailingHeaders)
            .ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
        return new((int)response.StatusCode, headers, await response.Content.ReadAsStringAsync(cancel));
    }

    /// <summary>The events behind a position, oldest first.</summary>
    public IEnumerable<CaseEvent> EventsAfter(long position) =>
        Rows(string.Create(CultureInfo.InvariantCulture,
            $"select kind, model, data from plinth_events where position > {position} order by position"))
            .Select(row => new CaseEvent(row[0], row[1], row[2]));

    /// <summary>The statements that a GET plans for a caller: its root, its count, its includes for one parent.</summary>
    public IEnumerable<string> Statements(HttpText request, string caller)
    {
        Snapshot snapshot = _engine.Current;
        string[] halves = request.Target.Split('?', 2), path = halves[0]["/api/".Length..].Split('/', 2);
        List<Parameter> parameters = QueryString.Split(halves.Length > 1 ? halves[1] : "", _engine.Limits).Value;
        Model model = snapshot.Schema.FindRoute(path[0]) ?? throw new FormatException($"no model has the route {path[0]}");
        ReadRequest read = (path.Length == 1 ? ReadParameters.List(model, parameters, _engine.Limits)
            : path[1] == "aggregate" ? ReadParameters.Aggregate(model, parameters, _engine.Limits)
            : ReadParameters.One(model, parameters, KeyText.Parse(model, path[1]).Value, _engine.Limits)).Value;
        Caller who = Who(caller, request.Method);
        if (snapshot.Reads.Plan(who, read, _engine.Now).Failed(out Fault? fault, out PlannedRead? planned))
            throw new XunitException($"{_file.Path}: {request.Method} {request.Target} has no plan: {fault.Code}");
        ReadProgram program = snapshot.Program(planned.Plan).Value;
        return [program.Statement.Text, .. program.Count is { } count ? [count.Text] : (string[])[], .. Includes(program.Root)];

        static IEnumerable<string> Includes(LevelProgram level) =>
            level.Includes.SelectMany(i => Includes(i.Level).Prepend(i.Statement(parents: 1, limit: 0).Sql.Text));
    }

    /// <summary>What the rule to list a model says of a row, in memory.</summary>
    public string Decide(string model, string row, string caller)
    {
        AppSchema schema = _engine.Current.Schema;
        FoldedRules rules = _engine.Current.Policies.Of(schema.Model(model)).For(Operation.List, Who(caller, "GET"), _engine.Now).Folded;
        EvaluationContext context = Policies.Context(
            Who(caller, "GET"), _engine.Now, _engine.Limits, CaseRows.Row(schema.Model(model), row));
        if (rules.Denies.Any(deny => deny.Whole.Decide(context) != Truth.False)) return "false";
        Truth[] allows = [.. rules.AllowPairs.Select(pair => pair.When?.Whole.Decide(context) ?? Truth.True)];
        return allows.Contains(Truth.True) ? "true" : allows.Contains(Truth.Unknown) ? "unknown" : "false";
    }

    Caller Who(string caller, string method)
    {
        Value claims = CaseRows.Claims(_engine.Current.Schema, caller);
        return new Caller(claims, subject: null, address: "127.0.0.1", method: method);
    }

    /// <summary>The rows of a statement, columns joined by |.</summary>
    public IEnumerable<string> Query(string sql) => Rows(sql).Select(row => string.Join('|', row));

    public async ValueTask DisposeAsync()
    {
        foreach (var (server, client) in _servers.Values)
        {
            client.Dispose();
            await server.DisposeAsync();
        }
        if (_engine is not null) await _engine.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    List<string[]> Rows(string sql)
    {
        using ReadLease lease = _engine.Store.Database.Read(CancellationToken.None);
        using Statement statement = lease.Connection.Prepare(sql);
        List<string[]> rows = [];
        while (statement.Step())
            rows.Add([.. Enumerable.Range(0, statement.ColumnCount).Select(c => statement.ColumnType(c) == StoredKind.Integer
                ? statement.ColumnInt64(c).ToString(CultureInfo.InvariantCulture) : statement.ColumnTextOrNull(c) ?? "null")]);
        return rows;
    }

    async Task<HttpClient> ClientAsync(string caller, CancellationToken cancel)
    {
        if (_servers.TryGetValue(caller, out var running)) return running.Client;
        Value claims = CaseRows.Claims(_engine.Current.Schema, caller);
        ServerOptions options = new()
        {
            Mode = ServerMode.Dev,
            Port = 0,
            Version = "0.0.0",
            DevelopmentIdentity = claims.IsNull ? null : claims,
            Limits = _engine.Limits,
            RatePerAddress = CaseLimits.Rate(_file.Find("settings")),
            Time = _clock,
        };
        PlinthServer server = await PlinthServer.StartAsync(options, _engine, cancel);
        HttpClient client = new() { BaseAddress = server.Url, Timeout = TimeSpan.FromSeconds(30) };
        _servers.Add(caller, (server, client));
        return client;
    }

    AppSchema Read(CaseSection section)
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("schema.plinth", section.Content)]);
        if (reading.Schema is null)
            Assert.Fail($"{_file.Path}:{section.Line}: "
                + string.Join('\n', reading.Diagnostics.Select(d => $"{d.Place} {d.Code}: {d.Message}")));
        return reading.Schema;
    }
}

/// <summary>The system's clock, until a case sets it.</summary>
sealed class CaseClock : TimeProvider
{
    public DateTimeOffset? Now { get; set; }

    public override DateTimeOffset GetUtcNow() => Now ?? base.GetUtcNow();
}
