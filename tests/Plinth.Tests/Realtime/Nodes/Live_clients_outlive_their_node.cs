using System.Text.Json;
using System.Text.Json.Nodes;
using Plinth.Auth;
using Plinth.Examples.Nodes;
using Plinth.Identity.Tokens;
using Plinth.Runtime;
using Plinth.Store;
using Plinth.Store.Postgres;

namespace Plinth.Realtime.Nodes;

/// <summary>
/// Three real nodes behind one address, clients that write and others that follow live queries under rules, and a node that is killed
/// (SIGKILL) while they do: they resume by another one, and have what a fresh query has.
/// </summary>
public sealed class Live_clients_outlive_their_node
{
    const int Nodes = 3, Writers = 4;

    const string Schema = """
        app live { defaults { pageSize = 20  maxPageSize = 1000 } }
        auth { id Uuid  role String  region String? }
        model Deal {
          id Int @id
          title String
          stage String
          value Int
          region String
          secret String? @allow("read", auth.role == "boss")
          @@allow("all", auth.role == "boss")
          @@allow("read", region == auth.region || stage == "public")
        }
        """;

    /// <summary>Who follows what: over sockets, the last two as event streams. The third is a window, which is given anew.</summary>
    static readonly (string Role, string? Region, WatchedQuery Query)[] s_watched =
    [
        ("boss", null, new WatchedQuery("", "id")),
        ("agent", "north", new WatchedQuery("", "-value,id")),
        ("agent", "south", new WatchedQuery("", "-value,id", 5)),
        ("agent", "south", new WatchedQuery("stage == 'won'", "title")),
        ("boss", null, new WatchedQuery("secret == 'x' && value > 20", "title")),
        ("agent", "north", new WatchedQuery("value > 50", "title")),
        ("agent", "south", new WatchedQuery("", "id")),
    ];

    [Fact]
    public async Task They_resume_by_another_and_have_what_a_fresh_query_has_with_every_acknowledged_write()
    {
        int seed = Counts.Seed(), kills = Counts.Of(test: 1, soak: 40), before = Counts.Of(test: 30, soak: 400);
        Random random = new(seed);
        await using PostgresNodes database = new(PostgresCluster.Shared, Schema);
        Engine looker = await database.StartAsync();
        using TempFolder folder = new();
        string project = Directory.CreateDirectory(folder.File("project")).FullName;
        await File.WriteAllTextAsync(System.IO.Path.Combine(project, "schema.plinth"), Schema);
        using StubIssuer issuer = new();
        TokenKey key = issuer.Add("k1", TokenAlgorithm.ES256);
        ServedProcess[] nodes = [.. Enumerable.Range(0, Nodes).Select(n => Serve(project, folder.File($"node-{n}"), database, issuer))];
        List<LiveWatcher> watchers = [];
        List<LiveWriter> writers = [];
        try
        {
            using PlainProxy proxy = new(await Task.WhenAll(nodes.Select(static node => node.PortAsync())));
            watchers.AddRange(s_watched.Select((w, n) =>
                new LiveWatcher(proxy.Address, Token(issuer, key, w.Role, w.Region), w.Query, isStream: n >= s_watched.Length - 2)));
            string boss = Token(issuer, key, "boss", null);
            writers.AddRange(Enumerable.Range(1, Writers).Select(n => new LiveWriter(proxy.Address, boss, n, seed)));
            foreach (LiveWatcher watcher in watchers) watcher.Start();
            for (int kill = 0; kill < kills; kill++)
            {
                int killed = random.Next(Nodes);
                await WriteAsync(writers, before + random.Next(before), nodes[killed], before);
                foreach (LiveWatcher watcher in watchers) await watcher.RequireEqualAsync($"seed {seed}, kill {kill}");
                await RequireAcknowledgedAsync(looker, writers);

                // It comes back, and has its part.
                nodes[killed].Dispose();
                nodes[killed] = Serve(project, folder.File($"node-{killed}"), database, issuer);
                int carried = proxy.Carried(killed), port = await nodes[killed].PortAsync();
                proxy.Lead(killed, port);
                await WriteAsync(writers, before, null, 0);
                Assert.True(proxy.Carried(killed) > carried, $"seed {seed}: the node that came back was asked for nothing");
                await FollowByAsync(new Uri($"http://127.0.0.1:{port}"), boss, $"seed {seed}, kill {kill}");
            }
            foreach (LiveWatcher watcher in watchers) await watcher.RequireEqualAsync($"seed {seed}");
            await RequireAcknowledgedAsync(looker, writers);
            Counts.Report("kill -9 of one of three nodes under live clients", kills, seed,
                $"{writers.Sum(static w => w.Acknowledged)} writes, {watchers.Sum(static w => w.Changes)} changes told, "
                + $"{watchers.Sum(static w => w.Continued)} of {watchers.Sum(static w => w.Returns)} returns continued");
        }
        finally
        {
            foreach (LiveWatcher watcher in watchers) await watcher.EndAsync();
            foreach (LiveWatcher watcher in watchers) watcher.Dispose();
            foreach (LiveWriter writer in writers) writer.Dispose();
            foreach (ServedProcess node in nodes) node.Dispose();
        }
    }

    static ServedProcess Serve(string project, string data, PostgresNodes database, StubIssuer issuer)
    {
        if (!Directory.Exists(data)) database.CopyKey(Directory.CreateDirectory(data).FullName);
        return new ServedProcess(project, data,
        [
            ("PLINTH_DATABASE__URL", database.Url), ("PLINTH_ISSUERS__URLS", issuer.Url), ("PLINTH_ISSUERS__AUDIENCE", "the-api"),
        ]);
    }

    static string Token(StubIssuer issuer, TokenKey key, string role, string? region)
    {
        JsonObject members = new() { ["sub"] = Guid.CreateVersion7().ToString(), ["role"] = role };
        if (region is not null) members["region"] = region;
        return issuer.Token(key, members);
    }

    /// <summary>Until so many writes are acknowledged; then a node is killed, and so many more are.</summary>
    static async Task WriteAsync(List<LiveWriter> writers, int count, ServedProcess? node, int after)
    {
        using CancellationTokenSource stop = new();
        Task[] running = [.. writers.Select(writer => writer.RunAsync(stop.Token))];
        await UntilAsync(Sum() + count);
        node?.Kill();
        await UntilAsync(Sum() + after);
        await stop.CancelAsync();
        await Task.WhenAll(running);

        int Sum() => writers.Sum(static writer => writer.Acknowledged);

        async Task UntilAsync(int writes)
        {
            using CancellationTokenSource enough = new(TimeSpan.FromSeconds(120));
            // A writer that met a wrong answer has ended, and says so.
            while (Sum() < writes && !running.Any(static task => task.IsFaulted)) await Task.Delay(10, enough.Token);
        }
    }

    static async Task RequireAcknowledgedAsync(Engine looker, List<LiveWriter> writers)
    {
        string list = await PostgresNodes.AnswerAsync(
            looker, new Plan.ReadRequest { Model = "Deal", Kind = Plan.ReadKind.List, Limit = 1000, Sort = [new("id", false)] });
        using JsonDocument page = JsonDocument.Parse(list);
        Dictionary<int, string> found = page.RootElement.GetProperty("items").EnumerateArray()
            .ToDictionary(static d => d.GetProperty("id").GetInt32(), static d => d.GetProperty("title").GetString()!);
        Assert.Equal(writers.SelectMany(static w => w.There).OrderBy(static d => d.Key), found.OrderBy(static d => d.Key));
    }

    /// <summary>A client of that node alone.</summary>
    static async Task FollowByAsync(Uri node, string token, string told)
    {
        using LiveWatcher watcher = new(node, token, new WatchedQuery("", "id"), isStream: false);
        watcher.Start();
        await watcher.RequireEqualAsync($"{told}, the node that came back");
        await watcher.EndAsync();
    }
}
