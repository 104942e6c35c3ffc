using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Plinth.Auth;
using Plinth.Identity.Tokens;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Store;
using Plinth.Store.Postgres;

namespace Plinth.Examples.Nodes;

/// <summary>The example <c>crm</c> on three nodes behind one address, one of which is killed while it is used.</summary>
public sealed class Crm_outlives_one_of_its_nodes
{
    const int Nodes = 3;
    const int Watchers = 10;
    const int Clients = 6;
    const int WritesBefore = 45;
    const int WritesAfter = 45;

    [Fact]
    public async Task Every_acknowledged_write_is_there_with_its_event_and_nobody_is_answered_wrongly()
    {
        string project = Example.Folder("crm");
        // A watcher comes first: it makes the tables and the key.
        string schema = await File.ReadAllTextAsync(Path.Combine(project, "schema.plinth"));
        await using PostgresNodes watchers = new(PostgresCluster.Shared, schema);
        List<Engine> engines = [await watchers.StartAsync()];
        using StubIssuer issuer = new();
        TokenKey key = issuer.Add("k1", TokenAlgorithm.ES256);
        using TempFolder folder = new();
        List<ServedProcess> nodes = [.. Enumerable.Range(0, Nodes).Select(n => Serve(project, folder.File($"node-{n}"), watchers, issuer))];
        try
        {
            while (engines.Count < Watchers) engines.Add(await watchers.StartAsync());
            int[] ports = await Task.WhenAll(nodes.Select(static node => node.PortAsync()));
            using PlainProxy proxy = new(ports);
            await SeedAsync(project, proxy.Address, Token(issuer, key, "admin", null));
            List<CrmClient> clients = [.. Enumerable.Range(1, Clients).Select(n =>
                new CrmClient(proxy.Address, Token(issuer, key, "sales", Branch(n)), n, Branch(n)))];

            await UseAndKillAsync(clients, nodes[1]);
            Assert.All(Enumerable.Range(0, Nodes), node => Assert.InRange(proxy.Carried(node), 1, int.MaxValue));

            foreach (CrmClient client in clients) await client.ReadAllAsync();
            RequireEvents(engines[0], clients);
            await RequireOneOrderAsync(engines);
            foreach (CrmClient client in clients) client.Dispose();
        }
        finally
        {
            foreach (ServedProcess node in nodes) node.Dispose();
        }
    }

    static string Branch(int client) => client % 2 == 0 ? "north" : "south";

    static ServedProcess Serve(string project, string data, PostgresNodes database, StubIssuer issuer)
    {
        database.CopyKey(Directory.CreateDirectory(data).FullName);
        return new ServedProcess(project, data,
        [
            ("PLINTH_DATABASE__URL", database.Url), ("PLINTH_ISSUERS__URLS", issuer.Url), ("PLINTH_ISSUERS__AUDIENCE", "the-api"),
        ]);
    }

    static string Token(StubIssuer issuer, TokenKey key, string role, string? branch)
    {
        JsonObject members = new() { ["sub"] = Guid.CreateVersion7().ToString(), ["role"] = role };
        if (branch is not null) members["branch"] = branch;
        return issuer.Token(key, members);
    }

    static async Task SeedAsync(string project, Uri address, string token)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        foreach (var (model, path) in new[] { ("Company", "companies"), ("Contact", "contacts"), ("Deal", "deals") })
        {
            using StringContent rows = new(
                await File.ReadAllTextAsync(Path.Combine(project, "seeds", model + ".ndjson")),
                new MediaTypeHeaderValue("application/x-ndjson"));
            using HttpResponseMessage made = await http.PostAsync("/api/" + path, rows);
            Assert.True((int)made.StatusCode == 201, await made.Content.ReadAsStringAsync());
        }
    }

    static async Task UseAndKillAsync(List<CrmClient> clients, ServedProcess node)
    {
        using CancellationTokenSource stop = new();
        Task[] running = [.. clients.Select(client => client.RunAsync(stop.Token))];
        Task all = Task.WhenAll(running);
        await UntilAsync(WritesBefore);
        node.Kill();
        int before = Sum();
        await UntilAsync(before + WritesAfter);
        await stop.CancelAsync();
        await all;

        int Sum() => clients.Sum(static client => client.Acknowledged);

        async Task UntilAsync(int writes)
        {
            using CancellationTokenSource enough = new(TimeSpan.FromSeconds(120));
            // A client that met a wrong answer has ended, and says so.
            while (Sum() < writes && !running.Any(static task => task.IsFaulted)) await Task.Delay(10, enough.Token);
        }
    }

    /// <summary>Each contact was made once, and changed as often as was acknowledged: nothing was lost, and nothing repeated.</summary>
    static void RequireEvents(Engine engine, List<CrmClient> clients)
    {
        using Connection reader = engine.Store.Database.OpenReader();
        foreach ((string id, int changes) in clients.SelectMany(static client => client.Contacts))
        {
            string[] kinds = [.. EventLog.History(reader, "Contact", id, 0, 100).Select(static e => e.Kind)];
            Assert.Equal([EventKinds.Created, .. Enumerable.Repeat(EventKinds.Updated, changes)], kinds);
        }
        Assert.Null(EventLog.Verify(reader, CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
    }

    static async Task RequireOneOrderAsync(List<Engine> engines)
    {
        long end;
        using (Connection reader = engines[0].Store.Database.OpenReader()) end = EventLog.ReadHead(reader).Position;
        List<Guid>[] seen = await Task.WhenAll(engines.Select(engine => FollowAsync(engine, end)));
        Assert.All(seen, order => Assert.Equal(seen[0], order));
    }

    static async Task<List<Guid>> FollowAsync(Engine engine, long end)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        using LogFollower follower = engine.Log.Follow(after: 0);
        List<Guid> seen = [];
        await foreach (IReadOnlyList<LogEvent> page in follower.ReadAllAsync(enough.Token))
        {
            foreach (LogEvent happened in page)
            {
                Assert.Equal(seen.Count + 1, happened.Position);
                seen.Add(happened.EventId);
            }
            if (seen.Count >= end) break;
        }
        return seen;
    }
}
