using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Cli;
using Plinth.Examples;
using Plinth.Rest;
using Plinth.Store;
using Plinth.Store.Postgres;

namespace Plinth.Tests.Cli;

/// <summary>
/// An application with <c>log.eventDays</c>, served: days later its log has been cut by itself, and every question knows it.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class Served_logs_are_kept_as_long_as_the_setting_says : IDisposable
{
    /// <summary>Events of one part, where the log is divided: the fewest that the setting takes.</summary>
    const int Part = 10_000;

    const string Schema = """
        app notes { }
        auth { id Uuid  role Role }
        enum Role { reader auditor }
        extend User { role Role @default(reader) }
        model Note { id Int @id  text String  @@allow("all", true) }
        """;

    const string OpsToken = "an operator's token", Password = "a long test password", Auditor = "auditor@example.org";

    static readonly string[] s_operator = [$"Authorization: Bearer {OpsToken}"];

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("plinth-served-log-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task After_some_days_the_oldest_events_are_gone_and_every_question_knows_it()
    {
        await using PostgresNodes? nodes = TestDatabase.IsPostgres ? new PostgresNodes(PostgresCluster.Shared) : null;
        Dictionary<string, string> settings = new(StringComparer.Ordinal)
        {
            ["NO_COLOR"] = "1", ["PLINTH_LOG__EVENT_DAYS"] = "10", ["PLINTH_OPS__TOKEN"] = OpsToken, ["PLINTH_USER_PASSWORD"] = Password,
        };
        if (nodes is not null)
        {
            settings["PLINTH_DATABASE__URL"] = nodes.Url;
            settings["PLINTH_DATABASE__LOG_PART"] = Part.ToString(CultureInfo.InvariantCulture);
        }
        (string, string)[] variables = [.. settings.Select(static s => (s.Key, s.Value))];
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "schema.plinth"), Schema);
        string[] create = ["user", "create", Auditor, "--role", "auditor"];
        Ran made = await Ran.OfAsync(_folder.FullName, create, null, variables);
        Assert.True(made.Code == ExitCode.Done, made.All);
        PatientClock clock = new();
        await using RunningProgram served = await RunningProgram.StartAsync(
            _folder.FullName, shell => shell with { Environment = settings, Time = clock }, "serve");
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = served.Address };

        // What is to be old by then: the last of them ends a part of the log.
        await FillAsync(http, notes: Part - (int)await HeadAsync(http) - 1);
        Assert.Equal(200, (await http.SendAsync("PATCH", "/api/notes/1", """{"text":"changed"}""")).Status);
        Assert.Equal(Part, await HeadAsync(http));
        string oldest = (await http.SendAsync("GET", "/api/notes/2/history")).Body;
        Assert.Contains("\"created\"", oldest, StringComparison.Ordinal);
        string lastMoment = clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

        clock.Advance(TimeSpan.FromDays(9));
        Assert.Equal(201, (await http.SendAsync("POST", "/api/notes", """{"id":20000,"text":"young"}""")).Status);
        Assert.Equal(200, (await http.SendAsync("PATCH", "/api/notes/1", """{"text":"changed again"}""")).Status);
        Assert.Equal(1, await BeginAsync(http));
        clock.Advance(TimeSpan.FromDays(2));
        await UntilAsync(async () =>
        {
            clock.Ring();
            return await BeginAsync(http) == Part + 1;
        });

        await RequireQuestionsAsync(http, lastMoment);
        Ran verify = await Ran.OfAsync(_folder.FullName, ["audit", "verify"], null, variables);
        Assert.True(verify.Code == ExitCode.Done && verify.Out.Contains("from position 10001 on", StringComparison.Ordinal), verify.All);
    }

    static async Task FillAsync(HttpClient http, int notes)
    {
        StringBuilder lines = new();
        for (int id = 1; id <= notes; id++) lines.Append(CultureInfo.InvariantCulture, $$"""{"id":{{id}},"text":"t"}""").Append('\n');
        Reply made = await http.SendAsync("POST", "/api/notes", lines.ToString(), "Content-Type: application/x-ndjson");
        Assert.True(made.Status == 201, made.Body);
    }

    static async Task RequireQuestionsAsync(HttpClient http, string lastMoment)
    {
        Reply signedIn = await http.SendAsync("POST", "/auth/login", $$"""{"email":"{{Auditor}}","password":"{{Password}}"}""");
        Assert.True(signedIn.Status == 200, signedIn.Body);
        string bearer = $"Authorization: Bearer {signedIn.Json.GetProperty("accessToken").GetString()}";

        Assert.Equal("10001", (await PositionsAsync("/audit/logs?order=oldest"))[0]);
        Assert.Equal("10001", (await PositionsAsync($"/audit/logs?order=oldest&from={lastMoment}"))[0]);
        Assert.Empty(await PositionsAsync($"/audit/logs?to={lastMoment}"));
        Assert.Empty(await PositionsAsync("/audit/entity/Note/2"));
        Assert.Equal(["10002"], await PositionsAsync("/audit/entity/Note/1"));
        Assert.Equal("10001", (await http.SendAsync("GET", "/audit/statistics", null, bearer)).Json
            .GetProperty("from").GetProperty("position").GetString());

        // Of a record: what is left of what happened to it.
        Assert.Empty(await PositionsAsync("/api/notes/2/history"));
        Assert.Equal(["10002"], await PositionsAsync("/api/notes/1/history"));

        foreach (string past in new[] { "9999", "2001-01-01T00:00:00Z" })
        {
            foreach (string path in new[] { "/api/notes", "/api/notes/1", "/api/notes/1" })
            {
                Reply old = await http.SendAsync("GET", $"{path}?asOf={past}");
                Assert.Equal((path, 422, "as_of_too_old"), (path, old.Status, old.Code));
            }
        }
        Assert.Equal("changed", await TextAsync("/api/notes/1?asOf=10000"));
        Assert.Equal(404, (await http.SendAsync("GET", "/api/notes/20000?asOf=10000")).Status);
        Assert.Equal("changed", await TextAsync("/api/notes/1?asOf=10001"));
        Assert.Equal("changed again", await TextAsync("/api/notes/1"));
        Assert.Equal("t", await TextAsync("/api/notes/2"));

        async Task<string[]> PositionsAsync(string path)
        {
            Reply page = await http.SendAsync("GET", path, null, bearer);
            Assert.True(page.Status == 200, page.Body);
            Assert.Equal(JsonValueKind.Null, page.Json.GetProperty("page").GetProperty("next").ValueKind);
            return [.. page.Json.GetProperty("items").EnumerateArray().Select(static item => item.GetProperty("position").GetString()!)];
        }

        async Task<string?> TextAsync(string path) => (await http.SendAsync("GET", path)).Json.GetProperty("text").GetString();
    }

    static async Task<long> HeadAsync(HttpClient http) =>
        long.Parse((await FollowersAsync(http)).GetProperty("end").GetProperty("position").GetString()!, CultureInfo.InvariantCulture);

    static async Task<long> BeginAsync(HttpClient http) =>
        long.Parse((await FollowersAsync(http)).GetProperty("begin").GetProperty("position").GetString()!, CultureInfo.InvariantCulture);

    static async Task<JsonElement> FollowersAsync(HttpClient http) =>
        (await http.SendAsync("GET", "/followers", null, s_operator)).Json.GetProperty("log");

    static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        while (!await holds()) await Task.Delay(25, bound.Token);
    }

    /// <summary>
    /// The time of day, put forward by the test. What waits for half an hour or longer waits until the test rings, whatever time it is.
    /// </summary>
    sealed class PatientClock : TimeProvider
    {
        static readonly TimeSpan s_long = TimeSpan.FromMinutes(30);

        readonly Lock _gate = new();
        readonly List<LongTimer> _long = [];
        long _ahead;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref _ahead));

        public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);

        /// <summary>Ends every long wait that has begun.</summary>
        public void Ring()
        {
            LongTimer[] waiting;
            lock (_gate) waiting = [.. _long];
            foreach (LongTimer timer in waiting) timer.Ring();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime < s_long) return base.CreateTimer(callback, state, dueTime, period);
            LongTimer timer = new(this, callback, state);
            lock (_gate) _long.Add(timer);
            return timer;
        }

        sealed class LongTimer(PatientClock clock, TimerCallback callback, object? state) : ITimer
        {
            public void Ring() => callback(state);

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
                lock (clock._gate) clock._long.Remove(this);
            }

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
