using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;
using SortKey = Plinth.Plan.SortKey;

namespace Plinth.Live;

/// <summary>
/// Random writers, and clients with live queries under rules: whenever it is quiet, the list that each has made of its frames is the one
/// that a fresh query of the same caller answers, byte for byte. Clients come back at random moments and go on from where they were.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class Live_queries_equal_fresh_ones
{
    const int Records = 40;

    static readonly int s_together = Counts.Of(test: 20, soak: 50), s_changesPerRun = Counts.Of(test: 5_000, soak: 25_000);

    public const string Schema = """
        auth { id Int  role String? }
        model Team { id Int @id  name String  open Boolean  deals Deal[]  @@allow("read", open || auth.role == "admin") }
        model Deal {
          id Int @id
          title String
          stage String
          value Int
          owner Int
          at DateTime?
          price Decimal(8, 2)?
          tags String[]
          secret String? @allow("read", owner == auth.id)
          closed Int? @allow("read", auth.role == "admin")
          team Team? @relation
          @@softDelete
          @@fulltext([title])
          @@allow("read", owner == auth.id || stage == "public" || auth.role == "admin")
          @@deny("read", value == 13)
        }
        model Task {
          id Int @id
          text String
          deal Deal @relation
          @@allow("read", deal.owner == auth.id || deal.team.open)
        }
        """;

    static readonly string[] s_stages = ["new", "won", "lost", "public"];

    /// <summary>What is asked, and whether a change alone must be enough to keep it.</summary>
    internal static readonly (ReadRequest Request, bool IsIncremental)[] Queries =
    [
        (Deals(null), true),
        (Deals("stage == 'won'", "-value"), true),
        (Deals("owner == 2 && value > 40", "title"), true),
        (Deals("title.startsWith('a') || at == null", "-at", "price"), true),
        (Deals("value > 50") with { Select = ["title", "secret"] }, true),
        (Deals("stage != 'lost'", "-value") with { Limit = 5 }, false),
        (Deals("secret == 's1'"), false),
        (Deals(null, "secret"), false),
        (Deals("team.open"), false),
        (Deals(null, "team.name"), false),
        (Deals("team.name == 't1' && stage == 'won'"), false),
        (Deals(null) with { Include = [new IncludeRequest("team")], Limit = 10 }, false),
        (Deals(null) with { Search = "alpha" }, false),
        (new ReadRequest { Model = "Task", Kind = ReadKind.List, Include = [new IncludeRequest("deal")] }, false),
        (new ReadRequest { Model = "Team", Kind = ReadKind.List, Include = [new IncludeRequest("deals") { Limit = 3 }] }, false),
    ];

    static ReadRequest Deals(string? filter, params string[] sort) => new()
    {
        Model = "Deal", Kind = ReadKind.List, Filter = filter,
        Sort = [.. sort.Select(s => new SortKey(s.TrimStart('-'), s.StartsWith('-')))],
    };

    internal static readonly Caller[] Callers = [Of(1, null), Of(2, null), Of(3, "admin"), Caller.Anonymous()];

    static Caller Of(long id, string? role) => new(Value.FromMap(new ValueMap(role is null
        ? [new("id", Value.From(id)), new("role", Value.Null)]
        : [new("id", Value.From(id)), new("role", Value.From(role))])), id.ToString(CultureInfo.InvariantCulture));

    [Fact]
    public async Task At_each_quiet_point()
    {
        int seed = Counts.Seed(), changes = Counts.Of(test: 5_000, soak: 500_000);
        LiveCounts all = new();
        await Counts.InRunsAsync(seed, changes / s_changesPerRun, async run => all.Add(await ChangeAsync(run)));
        string outcome = $"{all.Accepted} accepted, {all.Clients} clients, {all.Queries} queries, {all.Runs} runs, "
            + $"{all.Snapshots} snapshots, {all.Continued} of {all.Returns} returns continued";
        Counts.Report($"changes under live queries, {(TestDatabase.IsPostgres ? "PostgreSQL" : "embedded")}", all.Made, seed, outcome);
        Assert.True(all.Accepted > changes / 3, $"seed {seed}, changes were accepted too seldom: {outcome}");
        Assert.True(all.Told > changes, $"seed {seed}: clients are told of few changes: {outcome}");
        Assert.True(
            all.Continued > all.Returns / Counts.Of(test: 6, soak: 10), $"seed {seed}: few went on without all items anew: {outcome}");
    }

    sealed class LiveCounts
    {
        readonly Lock _gate = new();

        public int Made, Accepted, Clients, Queries, Told, Snapshots, Continued, Returns;
        public long Runs;

        public void Add(LiveCounts run)
        {
            lock (_gate)
            {
                Made += run.Made;
                Accepted += run.Accepted;
                Clients += run.Clients;
                Queries += run.Queries;
                Runs += run.Runs;
                Told += run.Told;
                Snapshots += run.Snapshots;
                Continued += run.Continued;
                Returns += run.Returns;
            }
        }
    }

    static async Task<LiveCounts> ChangeAsync(int seed)
    {
        Random random = new(seed);
        LiveCounts run = new();
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        Engine engine = fixture.Engine;
        using LiveHub hub = new(engine, Fail);
        List<LiveClient> clients = [.. Queries.SelectMany(q => Callers.Select(c => new LiveClient(engine, hub, c, q.Request, seed)))];
        clients.AddRange(Callers.Select(c => new LiveClient(engine, hub, c, Queries[1].Request, seed)));
        foreach (LiveClient client in clients) client.Connect();
        while (run.Made < s_changesPerRun)
        {
            int pause = random.Next(1, 12) * s_together;
            for (int i = 0; i < pause; i += s_together, run.Made += s_together)
            {
                Result<WriteReply>[] replies =
                    await Task.WhenAll(Enumerable.Range(0, s_together).Select(_ => WriteAsync(engine, random).AsTask()));
                run.Accepted += replies.Count(static r => r.IsOk);
                foreach (LiveClient client in clients)
                {
                    if (random.Next(60) > 0) continue;
                    client.Disconnect();
                    if (random.Next(2) == 0) await WriteAsync(engine, random);
                    client.Connect();
                    run.Returns++;
                }
            }
            foreach (LiveClient client in clients) await client.RequireEqualAsync();
        }
        (run.Clients, run.Queries, run.Runs) = (clients.Count, hub.Queries, hub.Runs);
        run.Told = clients.Sum(static c => c.List.Changes);
        (run.Snapshots, run.Continued) = (clients.Sum(static c => c.List.Snapshots), clients.Sum(static c => c.Continued));
        return run;
    }

    [Fact]
    public async Task What_a_record_alone_decides_is_kept_without_running_the_query_again()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        Engine engine = fixture.Engine;
        // The hub begins behind what made the tables, which would make all queries run anew.
        Random random = new(1);
        await WriteAsync(engine, random, "Deal");
        while (engine.Log.Head < engine.Store.Log.Head) await Task.Delay(10);
        using LiveHub hub = new(engine, Fail);
        foreach (var (request, isIncremental) in Queries)
        {
            LivePlan plan = LivePlan.Of(
                engine.Current, Callers[0], request with { IsLive = true }, engine.Now, engine.Limits).Value;
            Assert.True(plan.IsIncremental == isIncremental, $"{request.Filter} {string.Join(',', request.Sort)}");
        }
        LiveClient[] clients =
            [.. Queries.Where(static q => q.IsIncremental).Select(q => new LiveClient(engine, hub, Callers[0], q.Request, 0))];
        foreach (LiveClient client in clients) client.Connect();
        for (int i = 0; i < 40; i++) await WriteAsync(engine, random, "Deal");
        foreach (LiveClient client in clients) await client.RequireEqualAsync();
        long runs = hub.Runs;
        for (int i = 0; i < 400; i++) await WriteAsync(engine, random, "Deal");
        foreach (LiveClient client in clients) await client.RequireEqualAsync();
        Assert.True(clients.Sum(static c => c.List.Changes) > 50, "they are told of the changes");
        Assert.Equal(runs, hub.Runs);
    }

    [Fact]
    public async Task Who_has_the_same_rights_shares_the_work()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        using LiveHub hub = new(fixture.Engine, Fail);
        LiveClient[] clients = [.. Enumerable.Range(0, 200).Select(i => new LiveClient(
            fixture.Engine, hub, Callers[i % 2], Queries[i % 4 < 2 ? 1 : 5].Request, 0))];
        foreach (LiveClient client in clients) client.Connect();
        foreach (LiveClient client in clients) await client.RequireEqualAsync();
        Assert.Equal(4, hub.Queries);
        Assert.InRange(hub.Runs, 4, 12);
        foreach (LiveClient client in clients) client.Disconnect();
        Assert.Equal(0, hub.Queries);
    }

    internal static async ValueTask<Result<WriteReply>> WriteAsync(Engine engine, Random random, string? model = null)
    {
        model ??= random.Next(12) switch { 0 => "Team", 1 or 2 => "Task", _ => "Deal" };
        int kind;
        string id, body;
        lock (random)
        {
            kind = random.Next(20);
            id = random.Next(1, model == "Team" ? 4 : Records).ToString(CultureInfo.InvariantCulture);
            body = model switch
            {
                "Team" => $$"""{"name":"t{{random.Next(3)}}","open":{{(random.Next(2) == 0 ? "true" : "false")}}}""",
                "Task" => $$"""{"text":"{{(char)('a' + random.Next(3))}}","dealId":{{random.Next(1, Records)}}}""",
                _ => Deal(random),
            };
        }
        Command command = new() { Model = model, Kind = CommandKind.Upsert, Key = [id], Body = Encoding.UTF8.GetBytes(body) };
        command = (kind, model) switch
        {
            ( < 3, _) => command with { Kind = CommandKind.Delete, Body = default },
            ( < 5, "Deal") => command with { Kind = CommandKind.Restore, Body = default },
            (5, "Deal") => command with { Kind = CommandKind.Purge, Body = default },
            ( < 14, "Deal") => command with { Kind = CommandKind.Update, Body = Encoding.UTF8.GetBytes(Part(body, random)) },
            _ => command,
        };
        Result<WriteReply> reply = await engine.WriteAsync(Caller.System, command, CancellationToken.None);
        if (reply.IsOk) reply.Value.Dispose();
        return reply;
    }

    internal static void Fail(string message) => Console.Error.WriteLine(message);

    static string Deal(Random random)
    {
        string team = random.Next(3) == 0 ? "null" : random.Next(1, 4).ToString(CultureInfo.InvariantCulture);
        string at = random.Next(3) == 0 ? "null" : $"\"2026-11-0{random.Next(1, 9)}T00:00:00Z\"";
        return $$"""
            {"title":"{{(char)('a' + random.Next(4))}}{{(random.Next(3) == 0 ? " alpha" : " beta")}}",
             "stage":"{{s_stages[random.Next(4)]}}","value":{{random.Next(100)}},
             "owner":{{random.Next(1, 4)}},"at":{{at}},"price":"{{random.Next(100)}}.50",
             "tags":["{{random.Next(3)}}"],"secret":"s{{random.Next(3)}}","closed":{{random.Next(5)}},"teamId":{{team}}}
            """;
    }

    /// <summary>Some members of an object.</summary>
    static string Part(string body, Random random)
    {
        using JsonDocument document = JsonDocument.Parse(body);
        lock (random)
        {
            return "{" + string.Join(',', document.RootElement.EnumerateObject().Where(_ => random.Next(3) == 0)
                .Select(static m => $"\"{m.Name}\":{m.Value.GetRawText()}")) + "}";
        }
    }
}
