using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Plinth.Realtime;
using Plinth.Rest;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Policy;

/// <summary>
/// Two tenants whose records have the same keys. One world has both, another has only the first: whatever the first asks and does, in every
/// way that the surface knows, is answered alike in both worlds, and leaves the second's records as they were.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public partial class TwoTenantsTests
{
    const string Schema = """
        app x { tenancy = row }
        auth { id Int  tenantId Int?  role String? }
        model Team {
          id Int @id
          name String
          code String @unique(code: "code_taken")
          parent Team? @relation(name: "tree", onDelete: setNull)
          children Team[] @relation(name: "tree")
          people Person[]
          @@softDelete
          @@fulltext([name])
          @@allow("all, purge", true)
        }
        model Person {
          id Int @id @default(autoincrement())
          name String
          slug String? @unique
          score Int @default(0)
          team Team? @relation(onDelete: cascade)
          boss Person? @relation(name: "boss", onDelete: setNull)
          staff Person[] @relation(name: "boss")
          notes Note[]
          secret String? @allow("read", staff.exists(s, s.score > 2))
          @@index([score])
          @@fulltext([name])
          @@allow("all", true)
          @@deny("delete", notes.exists(n, n.text.contains("keep")))
        }
        model Note {
          id Int
          lang String
          author Person? @relation(onDelete: cascade)
          text String
          @@id([id, lang])
          @@softDelete
          @@fulltext([text])
          @@allow("read", author == null || author.team == null || author.team.name != "closed")
          @@allow("create, update, delete, restore, purge", true)
        }
        """;

    static readonly string[] s_models = ["teams", "persons", "notes"];

    static readonly string[] s_filters =
    [
        "true", "team.name.startsWith('A')", "team.parent.name != null", "notes.exists(n, n.text.contains('B'))", "boss.boss.score > 1",
        "staff.all(s, s.score < 5)", "notes.size() > 1", "score in [1, 2, 3]", "slug == 's1'", "secret != null", "boss == null",
        "team.people.exists(p, p.slug == 's2')", "notes.exists(n, n.author.team.code == 'c1')",
    ];

    static readonly string[] s_teamFilters =
        ["true", "people.exists(p, p.name.contains('B'))", "parent.children.size() > 1", "code == 'c1'", "people.all(p, p.boss == null)"];

    static readonly string[] s_noteFilters =
        ["true", "author.team.name.contains('B')", "author.boss.name != null", "text.contains('B')", "author.staff.exists(s, s.score > 1)"];

    static readonly string[] s_sorts = ["id", "-id", "name", "-score,name", "team.name", "boss.team.code,-id", "slug"];

    static readonly string[] s_includes =
        ["team", "boss(include:team)", "staff(limit:2,sort:-score)", "notes(include:author)",
            "team(include:people(limit:3,include:notes))"];

    [Fact]
    public async Task What_one_asks_and_does_is_the_same_whether_the_other_is_there_or_not()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 700, soak: 30_000);
        Random random = new(seed);
        await using RunningServer both = await RunningServer.OpenAsync(Schema), alone = await RunningServer.OpenAsync(Schema);
        HttpClient first = await both.ClientAsync(Identity(1)), second = await both.ClientAsync(Identity(2));
        HttpClient only = await alone.ClientAsync(Identity(1));
        Cursors here = new(), there = new(), others = new();
        Dictionary<string, int> statuses = [];
        for (int i = 0; i < count; i++)
        {
            here.Remember(i, both.Engine.Position);
            there.Remember(i, alone.Engine.Position);
            others.Remember(i, both.Engine.Position);
            if (random.Next(3) == 0)
            {
                // The other's records, under the same keys; what it says of itself is marked.
                Request theirs = Next(random, "B");
                others.Take(theirs, await Send(second, theirs, others));
                // A page of theirs is no page of ours.
                if (others.For(theirs.Path) is not { } stolen || theirs.Method != "GET") continue;
                Reply page = await first.SendAsync("GET", WithPage(others.Said(theirs.Path), "after=" + stolen));
                // A place in the log is no secret, and shows each their own events after it.
                bool isOfLog = theirs.Path.StartsWith("/audit/", StringComparison.Ordinal)
                    || theirs.Path.EndsWith("/history", StringComparison.Ordinal);
                bool isTaken = isOfLog
                    ? page.Body.Contains("B-", StringComparison.Ordinal) : page.Status != 400;
                Assert.False(isTaken, $"seed {seed}: a cursor of another tenant for {theirs.Path} was taken: {page.Body}");
                continue;
            }
            string before = i % 20 == 0 ? await Whole(second) : "";
            Request request = Next(random, "A");
            Reply reply = await Send(first, request, here), expected = await Send(only, request, there);
            string said = string.Create(CultureInfo.InvariantCulture,
                $"seed {seed}, request {i}: {request.Method} {request.Path} {request.Body}");
            Assert.True(expected.Status < 500 && reply.Status < 500, $"{said}\n{reply.Body}\n{expected.Body}");
            Assert.Equal($"{said}\n{Shown(expected)}", $"{said}\n{Shown(reply)}");
            // Cursors are noise, in which any two letters may stand.
            Assert.DoesNotContain("B-", Varying().Replace(reply.Body, "$1…"), StringComparison.Ordinal);
            if (i % 20 == 0) Assert.Equal(before, await Whole(second));
            here.Take(request, reply);
            there.Take(request, expected);
            string kind = $"{request.Method} {reply.Status / 100}xx";
            statuses[kind] = statuses.GetValueOrDefault(kind) + 1;
        }
        string outcome = string.Join(", ", statuses.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}: {s.Value}"));
        Counts.Report("requests of one tenant beside another", count, seed, outcome);
        int good = statuses.Where(s => s.Key.EndsWith("2xx", StringComparison.Ordinal)).Sum(s => s.Value);
        Assert.True(good > count / 3, $"seed {seed}: only {good} of {count} requests were answered well: {outcome}");
        Assert.Empty(both.Engine.Replay(null, CancellationToken.None).Differences);
    }

    /// <summary>An identity without a tenant has no records, in no way and by no route, and makes none.</summary>
    [Fact]
    public async Task Without_a_tenant_there_is_nothing_and_nothing_is_made()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient of = await server.ClientAsync(Identity(1)), nobodys = await server.ClientAsync(Identity(null));
        for (int i = 0; i < 40; i++) await Send(of, Next(random, "A"), new Cursors());
        long position = server.Engine.Position;
        for (int i = 0; i < 200; i++)
        {
            Request request = Next(random, "A");
            Reply reply = await Send(nobodys, request, new Cursors());
            bool isRefused = reply.Status is 403 or 422 or 400
                || (request.Path.StartsWith("/audit/", StringComparison.Ordinal) && Nothing().IsMatch(reply.Body))
                || (request.Path == "/api/batch" && !reply.Body.Contains("\"status\":2", StringComparison.Ordinal));
            Assert.True(isRefused, $"seed {seed}: {request.Method} {request.Path}: {reply.Status} {reply.Body}");
            Assert.DoesNotContain("A-", request.Body is null ? reply.Body : "", StringComparison.Ordinal);
        }
        Assert.Equal(position, server.Engine.Position);
    }

    /// <summary>What the other writes under the same keys is not told; nor to one who comes back after it.</summary>
    [Fact]
    public async Task A_live_query_is_told_nothing_of_what_the_other_writes()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient first = await server.ClientAsync(Identity(1)), second = await server.ClientAsync(Identity(2));
        foreach (var (path, body) in s_firsts)
        {
            Assert.Equal(201, (await first.SendAsync("POST", path, body)).Status);
            Assert.Equal(201, (await second.SendAsync("POST", path, body.Replace("\"A\"", "\"B-x\"", StringComparison.Ordinal))).Status);
        }
        List<LiveSocket> sockets = [];
        string[] places = new string[s_live.Length];
        int written = 0, resumed = 0;
        try
        {
            for (int i = 0; i < s_live.Length; i++) await ListenAsync(i);
            for (int round = 0; round < 25; round++)
            {
                for (int i = 0; i < 4; i++)
                {
                    Request theirs = Next(random, "B");
                    Reply reply = await Send(second, theirs, new Cursors());
                    if (theirs.Method != "GET" && reply.Status is 200 or 201 or 204) written++;
                }
                foreach (var (path, field) in s_marks)
                    if ((await second.SendAsync("PATCH", path, $"{{\"{field}\":\"B-{round}\"}}")).Status == 200) written++;
                if (round == 15)
                {
                    foreach (LiveSocket socket in sockets) await socket.DisposeAsync();
                    sockets.Clear();
                }
                string mark = string.Create(CultureInfo.InvariantCulture, $"A-{round}");
                foreach (var (path, field) in s_marks)
                    Assert.Equal(200, (await first.SendAsync("PATCH", path, $"{{\"{field}\":\"{mark}\"}}")).Status);
                foreach (LiveSocket socket in sockets) Said(mark, await socket.FrameAsync());
                for (int i = sockets.Count; i < s_live.Length; i++) await ListenAsync(i, places[i]);
            }
            Assert.True(written > 20 && resumed > 0, $"seed {seed}: {written} writes of the other, {resumed} went on");
        }
        finally
        {
            foreach (LiveSocket socket in sockets) await socket.DisposeAsync();
        }

        async Task ListenAsync(int query, string? resume = null)
        {
            LiveSocket socket = await LiveSocket.OpenAsync(first.BaseAddress!);
            sockets.Add(socket);
            await socket.SubscribeAsync("s", s_live[query], resume);
            JsonElement frame = await socket.FrameAsync();
            // One whose rule or filter looks at other records is given its items anew.
            if (frame.TryGetProperty("items", out JsonElement items)) Assert.Equal(1, items.GetArrayLength());
            places[query] = frame.GetProperty("position").GetString()!;
            if (resume is null)
            {
                Assert.Contains("\"A\"", items.GetRawText(), StringComparison.Ordinal);
                return;
            }
            if (items.ValueKind == JsonValueKind.Undefined) resumed++;
            // The first frame may be of a moment before the last write: what is missing comes behind it, and nothing else does.
            while (true)
            {
                string text = frame.GetRawText();
                Assert.DoesNotContain("\"B", text, StringComparison.Ordinal);
                if (text.Contains("\"A-15\"", StringComparison.Ordinal)) return;
                Assert.Matches("\"A(-\\d+)?\"", text);
                frame = await socket.FrameAsync();
            }
        }

        void Said(string mark, JsonElement frame)
        {
            string text = frame.GetRawText();
            bool isOurs = text.Contains("\"kind\":\"update\"", StringComparison.Ordinal)
                && text.Contains($"\"{mark}\"", StringComparison.Ordinal);
            Assert.True(isOurs, $"seed {seed}: instead of {mark} came {text}");
        }
    }

    static readonly (string Path, string Body)[] s_firsts =
    [
        ("/api/teams", """{"id":1,"name":"A","code":"c1"}"""),
        ("/api/persons", """{"id":1,"name":"A","slug":"s1","score":3,"teamId":1}"""),
        ("/api/notes", """{"id":1,"lang":"de","authorId":1,"text":"A"}"""),
    ];

    static readonly (string Path, string Field)[] s_marks =
        [("/api/teams/1", "name"), ("/api/persons/1", "name"), ("/api/notes/1,de", "text")];

    static readonly string[] s_live =
    [
        """{"model":"Team","select":"name"}""", """{"model":"Person","select":"name"}""", """{"model":"Note","select":"text"}""",
        """{"model":"Team","select":"name","filter":"people.exists(p, p.slug == 's1')"}""",
        """{"model":"Person","select":"name","filter":"team.name.startsWith('A') && boss == null"}""",
        """{"model":"Note","select":"text","filter":"author.team.code == 'c1'"}""",
    ];

    static Value Identity(int? tenant) => Value.FromMap(new ValueMap(tenant is { } id
        ? [new("id", Value.From(7)), new("role", Value.From("auditor")), new("tenantId", Value.From(id))]
        : [new("id", Value.From(7)), new("role", Value.From("auditor"))]));

    sealed record Request(string Method, string Path, string? Body = null, bool Follows = false, params string[] Headers);

    static string WithPage(string path, string page) => path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + page;

    /// <summary>The last cursor that one caller was given for a path, and moments of their world's log.</summary>
    sealed class Cursors
    {
        public const int Moments = 40;

        readonly Dictionary<string, string> _next = [], _previous = [];
        // Before the first event, which is a moment of both logs, also while one of them is empty.
        readonly long[] _moments = new long[Moments];

        /// <summary>The log's end before a request: the same moment in both worlds, wherever their logs are by then.</summary>
        public void Remember(int request, long position)
        {
            int slot = request % Moments;
            _moments[slot] = position;
            // A page of one moment is none of another.
            foreach (Dictionary<string, string> cursors in new[] { _next, _previous })
            {
                foreach (string path in cursors.Keys.Where(path => path.EndsWith($"=@{slot}", StringComparison.Ordinal)).ToList())
                    cursors.Remove(path);
            }
        }

        /// <summary>A path with the position of the moment that it names.</summary>
        public string Said(string path) => Moment().Replace(path, found =>
        {
            long position = _moments[int.Parse(found.Groups[2].Value, CultureInfo.InvariantCulture)];
            // A time from an event on includes it: what both worlds have in common begins after it.
            if (found.Groups[1].Success) position++;
            return string.Create(CultureInfo.InvariantCulture, $"{found.Groups[1].Value}={position}");
        });

        public string? For(string path) => _next.GetValueOrDefault(path);

        public string? Before(string path) => _previous.GetValueOrDefault(path);

        public void Take(Request request, Reply reply)
        {
            if (reply.Status != 200 || request.Method != "GET" || !reply.Body.Contains("\"page\"", StringComparison.Ordinal)) return;
            if (Next().Match(reply.Body) is { Success: true } next) _next[request.Path] = next.Groups[1].Value;
            if (Previous().Match(reply.Body) is { Success: true } previous) _previous[request.Path] = previous.Groups[1].Value;
        }
    }

    static Task<Reply> Send(HttpClient client, Request request, Cursors cursors)
    {
        string said = cursors.Said(request.Path);
        string path = !request.Follows ? said
            : cursors.Before(request.Path) is { } before && request.Path.Length % 2 == 0 ? WithPage(said, "before=" + before)
            : cursors.For(request.Path) is { } after ? WithPage(said, "after=" + after)
            : said;
        return client.SendAsync(request.Method, path, request.Body, request.Headers);
    }

    static Request Next(Random random, string mark)
    {
        string Id() => random.Next(1, 6).ToString(CultureInfo.InvariantCulture);
        string Name() => $"{mark}-{(random.Next(6) == 0 ? "closed" : "name")}{Id()}";
        string model = s_models[random.Next(3)];
        string key = model == "notes" ? $"{Id()},{(random.Next(2) == 0 ? "de" : "en")}" : Id();
        string Filter() => Uri.EscapeDataString(model switch
        {
            "teams" => s_teamFilters[random.Next(s_teamFilters.Length)],
            "persons" => s_filters[random.Next(s_filters.Length)],
            _ => s_noteFilters[random.Next(s_noteFilters.Length)],
        });
        string Fields() => model switch
        {
            "teams" => $"\"name\":\"{Name()}\",\"code\":\"c{Id()}\",\"parentId\":{(random.Next(2) == 0 ? "null" : Id())}",
            "persons" => $"\"name\":\"{Name()}\",\"slug\":{(random.Next(3) == 0 ? "null" : $"\"s{Id()}\"")},\"score\":{Id()},"
                + $"\"secret\":\"{mark}-secret\",\"teamId\":{(random.Next(2) == 0 ? "null" : Id())},"
                + $"\"bossId\":{(random.Next(2) == 0 ? "null" : Id())}",
            _ => $"\"text\":\"{mark}-text {(random.Next(8) == 0 ? "keep" : "x")}\",\"authorId\":{(random.Next(3) == 0 ? "null" : Id())}",
        };
        string Keyed() => model switch
        {
            "notes" => $"\"id\":{key.Split(',')[0]},\"lang\":\"{key.Split(',')[1]}\",",
            "persons" when random.Next(2) == 0 => "",
            _ => $"\"id\":{key},",
        };
        string path = "/api/" + model;
        if (random.Next(4) == 0) return OfThePast(random, path, key, Filter());
        switch (random.Next(24))
        {
            case 0 or 1: return new("POST", path, $"{{{Keyed()}{Fields()}}}");
            case 2: return new("PUT", $"{path}/{key}", $"{{{Fields()}}}");
            case 3: return new("PATCH", $"{path}/{key}", $"{{{Fields()}}}");
            case 4: return new("DELETE", $"{path}/{key}");
            case 5: return new("GET", $"{path}/{key}");
            case 6: return new("GET", $"{path}/{key}/history");
            case 7: return new("GET", $"{path}?filter={Filter()}&count=exact&limit=2", Follows: random.Next(2) == 0);
            case 8 when model != "notes": return new("GET", $"{path}?search={mark}&limit=3", Follows: random.Next(2) == 0);
            case 8: return new("GET", $"{path}?search=text&trashed=with");
            case 9: return new("GET", $"/api/persons?include={s_includes[random.Next(s_includes.Length)]}&limit=3");
            case 10: return new("GET", $"/api/persons?sort={s_sorts[random.Next(s_sorts.Length)]}&limit=2", Follows: random.Next(2) == 0);
            case 11: return new("GET", "/api/persons/aggregate?count&sum=score&groupBy=team&filter="
                + Uri.EscapeDataString("boss.score > 0"));
            case 12: return new("PATCH", $"{path}?filter={Filter()}", model == "notes" ? $"{{\"text\":\"{mark}-all\"}}"
                : $"{{\"name\":\"{Name()}\"}}");
            case 13 when random.Next(4) == 0: return new("DELETE", $"{path}?filter={Filter()}");
            case 13: return new("GET", $"/api/teams?include=people,children,parent&trashed=with");
            case 14: return new("POST", $"/api/teams/{Id()}/restore");
            case 15: return new("DELETE", $"/api/notes/{Id()},de?purge=true");
            case 16: return new("PUT", $"/api/teams/c{Id()}?on=code", $"{{\"id\":{Id()},\"name\":\"{Name()}\"}}");
            case 17:
                return new("POST", "/api/batch", $"{{\"operations\":["
                    + $"{{\"method\":\"PATCH\",\"path\":\"{path}/{key}\",\"body\":{{{Fields()}}}}},"
                    + $"{{\"method\":\"DELETE\",\"path\":\"/api/persons/{Id()}\"}}]}}");
            // Both tenants use the same keys, and neither is answered what the other was.
            case 19: return new("POST", path, $"{{{Keyed()}{Fields()}}}", false, $"Idempotency-Key: key-{Id()}");
            case 20: return new("POST", path, $"{{{Keyed()}{Fields()}}}\n", false, "Content-Type: application/x-ndjson");
            case 21: return new("POST", path, $"[{{{Keyed()}{Fields()}}}]");
            case 22:
                return new("POST", "/api/batch", $"{{\"atomic\":false,\"operations\":["
                    + $"{{\"method\":\"POST\",\"path\":\"{path}\",\"body\":{{{Keyed()}{Fields()}}}}},"
                    + $"{{\"method\":\"PUT\",\"path\":\"/api/teams/{Id()}\",\"body\":{{\"name\":\"{Name()}\",\"code\":\"c{Id()}\"}}}}]}}");
            case 18: return new("POST", $"{path}/query", $"{{\"filter\":\"{Uri.UnescapeDataString(Filter())}\",\"limit\":3}}");
            default: return new("GET", $"{path}?filter={Uri.EscapeDataString("tenantId == 2")}");
        }
    }

    /// <summary>A question about what was, or a way back to it.</summary>
    static Request OfThePast(Random random, string path, string key, string filter)
    {
        string moment = "@" + random.Next(Cursors.Moments).ToString(CultureInfo.InvariantCulture);
        bool follows = random.Next(2) == 0;
        string model = path["/api/".Length..];
        return random.Next(10) switch
        {
            0 => new("GET", $"{path}/{key}?asOf={moment}"),
            1 => new("GET", $"{path}?filter={filter}&count=exact&limit=2&asOf={moment}", Follows: follows),
            2 => new("GET", $"{path}?sort=-id&limit=2&{(model == "persons" ? "" : "trashed=with&")}asOf={moment}", Follows: follows),
            3 => new("POST", $"{path}/{key}/revert?version={random.Next(1, 5)}"),
            4 => new("POST", $"{path}/{key}/revert?asOf={moment}"),
            5 => new("GET", $"/audit/logs?model={model}&limit=3&from={moment}", Follows: follows),
            6 => new("GET", $"/audit/entity/{model}/{key}?limit=3&order=oldest", Follows: follows),
            7 => new("GET", $"/audit/user/7/activity?limit=3&to={moment}", Follows: follows),
            8 => new("GET", "/audit/logs?limit=3&operation=deleted", Follows: follows),
            _ => new("GET", $"/audit/statistics?{(follows ? "actor=7&" : "")}from={moment}"),
        };
    }

    /// <summary>An answer without what differs from run to run: ids of requests, places in the log and in lists, times.</summary>
    static string Shown(Reply reply) => $"{reply.Status} {reply.Header("ETag")} {reply.Header("Location")} "
        + Varying().Replace(reply.Body, "$1…");

    static async Task<string> Whole(HttpClient client)
    {
        List<string> all = [];
        foreach (string model in s_models) all.Add((await client.SendAsync("GET", $"/api/{model}?limit=1000&sort=id")).Body);
        return string.Join('\n', all);
    }

    [GeneratedRegex("(\"(?:traceId|requestId|position|at|next|previous|deletedAt)\":)\"[^\"]*\"")]
    private static partial Regex Varying();

    [GeneratedRegex("(from)?=@([0-9]+)")]
    private static partial Regex Moment();

    [GeneratedRegex("\"items\":\\[\\]|\"events\":0[,}]")]
    private static partial Regex Nothing();

    [GeneratedRegex("\"previous\":\"([^\"]*)\"")]
    private static partial Regex Previous();

    [GeneratedRegex("\"next\":\"([^\"]*)\"")]
    private static partial Regex Next();
}
