using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Examples.Nodes;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Sinks;
using Plinth.Store;
using Plinth.Store.Postgres;
using Plinth.Text;

namespace Plinth.Projections;

/// <summary>
/// A real <c>plinth serve</c> with projections and sinks, killed (SIGKILL) while clients write: between what a sink was sent and the
/// keeping of its place, every time. Whatever the moment, projections are what a fresh count gives, and sinks were sent all in order.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class Followers_outlive_their_process
{
    internal const string Schema = """
        model Deal { id Int @id  stage String  score Int  @@softDelete  @@allow("all", true) }
        projection ByStage from Deal {
          key stage
          n Int = count()  total BigInt = sum(score)  most Int = max(score)
          @@allow("read", true)
        }
        projection Inline from Deal { key stage  n Int = count()  total BigInt = sum(score)  @@inline  @@allow("read", true) }
        """;

    internal const string Operator = "an operator's token";

    [Fact]
    public async Task Killed_between_an_effect_and_its_checkpoint_each_goes_on_and_is_exact()
    {
        // Where others might lead, each that comes after a kill waits for the lease to end.
        int seed = Counts.Seed(), rounds = Counts.Of(test: TestDatabase.IsPostgres ? 1 : 3, soak: 60);
        Random random = new(seed);
        using TempFolder folder = new();
        string project = Directory.CreateDirectory(folder.File("project")).FullName, data = folder.File("data"), file = folder.File("log");
        Directory.CreateDirectory(data);
        await File.WriteAllTextAsync(Path.Combine(project, "schema.plinth"), Schema);
        await using PostgresNodes? database = TestDatabase.IsPostgres ? new PostgresNodes(PostgresCluster.Shared, Schema) : null;
        Engine? looker = database is null ? null : await LookerAsync(database, data);
        await using HttpReceiver receiver = new();
        for (int round = 0; round <= rounds; round++)
        {
            using ServedProcess process = Serve(project, data, file, receiver, database);
            int port = await process.PortAsync();
            int left = random.Next(1, 8);
            // The last one is left alone, and goes on to the end of the log.
            receiver.Receiving = round == rounds ? null : _ =>
            {
                if (--left == 0) process.Kill();
            };
            await WriteAsync([port], seed + round, () => round == rounds || left <= 0, round == rounds ? 40 : int.MaxValue);
            if (round == rounds) await CaughtUpAsync([port]);
        }

        Engine engine = looker ?? await OpenAsync(data);
        RequireExact(engine, $"seed {seed}");
        long head;
        using (Connection reader = engine.Store.Database.OpenReader()) head = EventLog.ReadHead(reader).Position;
        if (looker is null) await engine.DisposeAsync(); // The nodes dispose of theirs.
        RequireAllInOrder([.. receiver.Positions], head, $"seed {seed}, HTTP");
        RequireAllInOrder(Told(await File.ReadAllTextAsync(file)), head, $"seed {seed}, file");
        Counts.Report("kill -9 between an effect and its checkpoint", rounds, seed, $"{head} events, projections and sinks exact");
    }

    /// <summary>Makes the tables and the key, and leads nothing.</summary>
    static async Task<Engine> LookerAsync(PostgresNodes database, string data)
    {
        Engine engine = await database.StartAsync();
        await engine.Projections.DisposeAsync();
        database.CopyKey(data);
        return engine;
    }

    /// <summary>The data of processes that are gone.</summary>
    static async Task<Engine> OpenAsync(string data)
    {
        Result<Engine> opened = await Engine.OpenAsync(
            new EngineOptions { Store = new StoreOptions { Folder = data }, OpenDatabase = TestDatabase.Open, KeepsProjections = false },
            WriteFixture.Read(Schema), CancellationToken.None);
        Assert.True(opened.IsOk, opened.Fault?.Message);
        return opened.Value;
    }

    static ServedProcess Serve(string project, string data, string file, HttpReceiver receiver, PostgresNodes? database)
    {
        List<(string, string)> settings =
            [("PLINTH_SINKS__FILE", file), ("PLINTH_SINKS__URL", receiver.Url.ToString()), ("PLINTH_OPS__TOKEN", Operator)];
        if (database is not null) settings.Add(("PLINTH_DATABASE__URL", database.Url));
        return new ServedProcess(project, data, settings);
    }

    /// <summary>Four clients write at random to servers until it is enough, or none answers any more.</summary>
    internal static async Task WriteAsync(int[] ports, int seed, Func<bool> isEnough, int each)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(60) };
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            Random random = new(unchecked(seed * 31 + writer));
            int lost = 0;
            for (int i = 0; i < each && !(isEnough() && each == int.MaxValue) && lost < ports.Length; i++)
            {
                // A server that was killed is left for the next one.
                int port = ports[(writer + i) % ports.Length];
                lost = await ChangeAsync(http, port, random) ? 0 : lost + 1;
            }
        }));
    }

    static async Task<bool> ChangeAsync(HttpClient http, int port, Random random)
    {
        int id = random.Next(1, 60);
        string body = $"\"stage\":\"{"abcd"[random.Next(4)]}\",\"score\":{random.Next(1000)}";
        var (method, path, json) = random.Next(8) switch
        {
            < 3 => ("POST", "", $"{{\"id\":{id},{body}}}"),
            < 6 => ("PATCH", $"/{id}", $"{{{body}}}"),
            6 => ("DELETE", $"/{id}", null),
            _ => ("POST", $"/{id}/restore", null),
        };
        using HttpRequestMessage request = new(
            new HttpMethod(method), string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/api/deals{path}"));
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        try
        {
            using HttpResponseMessage answer = await http.SendAsync(request);
            Assert.True((int)answer.StatusCode < 500, $"{method} {path} was answered {answer.StatusCode}");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>All that follows the log has seen its end, as the operator's routes of the servers say.</summary>
    internal static async Task CaughtUpAsync(int[] ports)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new("Bearer", Operator);
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(120));
        string followers = "", projections = "";
        try
        {
            while (true)
            {
                projections = await http.GetStringAsync(Of(ports[0], "projections"), bound.Token);
                bool isDone = Members(projections, "projections").All(static p => p["state"]!.ToString() is not "building"
                    && (long)p["behind"]! == 0);
                List<JsonNode> led = [];
                foreach (int port in ports)
                {
                    followers = await http.GetStringAsync(Of(port, "followers"), bound.Token);
                    led.AddRange(Members(followers, "followers")
                        .Where(static f => (bool)f["durable"]! && f["state"]!.ToString() == "running"));
                }
                // Each is led by one node, and has nothing before it.
                isDone &= led.Count >= 3 && led.All(static f => (long)f["behind"]! == 0)
                    && led.Select(static f => f["name"]!.ToString()).Distinct().Count() == led.Count;
                if (isDone) return;
                await Task.Delay(50, bound.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"what follows the log did not come to its end:\n{followers}\n{projections}");
        }

        static Uri Of(int port, string path) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/{path}"));

        static IEnumerable<JsonNode> Members(string json, string name) => JsonNode.Parse(json)![name]!.AsArray().Select(static m => m!);
    }

    internal static void RequireExact(Engine engine, string told)
    {
        foreach (Model model in ProjectionKeeper.ProjectionsOf(engine.Current.Schema))
        {
            ProjectionVerification verified = engine.Projections.Verify(engine.Current.Schema, model, null, CancellationToken.None);
            Assert.True(verified.Differences.Count == 0, $"{told}: {string.Join('\n', verified.Differences)}");
            Assert.True(verified.Rows > 0, told);
        }
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
    }

    /// <summary>At least once and in order: whoever goes on goes back at most, and leaves nothing out.</summary>
    internal static void RequireAllInOrder(List<long> positions, long head, string told)
    {
        long last = 0;
        foreach (long position in positions)
        {
            Assert.True(position <= last + 1, $"{told}: {position} follows {last}");
            last = Math.Max(last, position);
        }
        Assert.Equal((told, head), (told, last));
    }

    /// <summary>Of a line that its process did not end, the next begins behind a line end.</summary>
    static List<long> Told(string text)
    {
        List<long> positions = [];
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.EndsWith('}') && line.StartsWith('{')) positions.AddRange(HttpReceiver.PositionsOf(line));
        }
        return positions;
    }
}
