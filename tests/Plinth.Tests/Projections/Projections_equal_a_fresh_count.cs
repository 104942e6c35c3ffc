using System.Globalization;
using System.Text.Json.Nodes;
using Plinth.Plan;
using Plinth.Store;

namespace Plinth.Projections;

/// <summary>
/// Random writers change records while projections follow; whenever nobody writes, each projection must be what a fresh count gives, and
/// what the aggregates of the database say, which know nothing of projections. The seed is in the message of every failure.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class Projections_equal_a_fresh_count
{
    internal const string Schema = """
        enum Stage { open won lost }
        model Deal {
          id Int @id  stage Stage  owner String?  value Decimal(12, 2)?  score Int @default(0)  closedOn Date?  rate Float?
          @@softDelete
          @@allow(["all", "purge"], true)
        }
        model Note { id Int @id  text String  @@allow("all", true) }
        projection ByStage from Deal {
          key stage
          records Int = count()  valued Int = count(value)  total Decimal? = sum(value)  mean Decimal(18, 6)? = avg(value)
          least Decimal(12, 2)? = min(value)  most Decimal(12, 2)? = max(value)
          score BigInt = sum(score)  scored Float = avg(score)  last Date? = max(closedOn)  slowest Float? = min(rate)
          @@allow("read", true)
        }
        projection ByOwner from Deal {
          key owner String = owner == null ? "none" : owner
          key large Boolean = score >= 50
          records Int = count()  best Int = max(score)  doubled BigInt? = sum(score * 2)  worst Int = min(score)
          @@where(stage != "lost")
          @@allow("read", true)
        }
        projection Inline from Deal {
          key stage
          records Int = count()  total Decimal? = sum(value)  least Decimal(12, 2)? = min(value)  most Decimal(12, 2)? = max(value)
          best Int = max(score)
          @@inline
          @@allow("read", true)
        }

        """;

    static readonly string[] s_stages = ["open", "won", "lost"];

    /// <summary>Quiet points of a run.</summary>
    const int Rests = 8;

    /// <summary>More writers make larger groups, and so more changes a second.</summary>
    static readonly int s_writers = Counts.Of(test: 4, soak: 16), s_changesPerRun = Counts.Of(test: 2_400, soak: 25_000);

    [Fact]
    public async Task Whatever_is_written_a_projection_is_what_its_records_come_to()
    {
        int seed = Counts.Seed(), changes = Counts.Of(test: 2_400, soak: 500_000), done = 0;
        await Counts.InRunsAsync(seed, changes / s_changesPerRun, async run => Interlocked.Add(ref done, await ChangeAsync(run)));
        Assert.True(done >= changes, $"seed {seed}: {done} of {changes} changes were made");
        string database = TestDatabase.IsPostgres ? "PostgreSQL" : "embedded";
        Counts.Report($"changes under projections, each against a fresh count, {database}", done, seed,
            $"equal at {changes / s_changesPerRun * Rests} quiet points");
    }

    /// <summary>Changes that were made, not those that were tried.</summary>
    static async Task<int> ChangeAsync(int seed)
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Schema);
        KnownDeals known = new();
        int done = 0;
        for (int rest = 0; rest < Rests; rest++)
        {
            // Sometimes nobody follows while they write, and what happened is found in the log.
            bool isAway = rest % 2 == 1;
            if (isAway) await fixture.Engine.Projections.DisposeAsync();
            int left = s_changesPerRun / Rests;
            int[] written = await Task.WhenAll(Enumerable.Range(0, s_writers).Select(writer => WriteAsync(
                fixture, known, new Random(unchecked((seed * 31 + rest) * 31 + writer)), () => Interlocked.Decrement(ref left) >= 0)));
            done += written.Sum();
            if (isAway) await fixture.Engine.Projections.ServeAsync(fixture.Schema, fixture.Engine.Current.Version);
            await fixture.CaughtUpAsync();
            fixture.AssertExact($"seed {seed}, rest {rest}");
            await AssertAggregates(fixture, $"seed {seed}, rest {rest}");
        }
        return done;
    }

    /// <summary>How records are, as far as their writers know, who may be wrong: others are at it too.</summary>
    sealed class KnownDeals
    {
        public const int Absent = 0, Live = 1, Trashed = 2;

        readonly int[] _states = new int[1400];

        public ref int this[int id] => ref _states[id];
    }

    /// <summary>Writes until enough was taken; answers how much that is.</summary>
    static async Task<int> WriteAsync(ProjectionFixture fixture, KnownDeals known, Random random, Func<bool> wantsMore)
    {
        int taken = 0;
        while (wantsMore())
        {
            // What was refused is made up for.
            while (!await TryWriteAsync(fixture, known, random)) { }
            taken++;
            if (random.Next(50) == 0) await fixture.TryDo(CommandKind.Create, "Note", $$"""{"id":{{random.Next()}},"text":"x"}""");
        }
        return taken;
    }

    static async Task<bool> TryWriteAsync(ProjectionFixture fixture, KnownDeals known, Random random)
    {
        int id = random.Next(1, 400);
        int state = random.Next(10) == 0 ? random.Next(3) : known[id];
        CommandKind kind = (state, random.Next(10)) switch
        {
            (KnownDeals.Absent, < 7) => CommandKind.Create,
            (KnownDeals.Absent, < 9) => CommandKind.Upsert,
            (KnownDeals.Absent, _) => CommandKind.CreateMany,
            (KnownDeals.Live, < 5) => CommandKind.Update,
            (KnownDeals.Live, < 7) => CommandKind.Upsert,
            (KnownDeals.Live, _) => CommandKind.Delete,
            (_, < 6) => CommandKind.Restore,
            _ => CommandKind.Purge,
        };
        string key = id.ToString(CultureInfo.InvariantCulture);
        string body = kind switch
        {
            CommandKind.Create => Deal(random, key),
            CommandKind.CreateMany => $"[{Deal(random, ProjectionFixture.Number(random.Next(400, 900)))},"
                + $"{Deal(random, ProjectionFixture.Number(random.Next(900, 1400)))}]",
            CommandKind.Update => Deal(random, null),
            CommandKind.Upsert => Deal(random, null, isWhole: true),
            _ => "",
        };
        string answer = await fixture.TryDo(kind, "Deal", body, kind is CommandKind.Create or CommandKind.CreateMany ? null : key);
        if (answer.Length > 0 && answer[0] is not ('{' or '[')) return false;
        if (kind != CommandKind.CreateMany)
        {
            known[id] = kind switch
            {
                CommandKind.Delete => KnownDeals.Trashed,
                CommandKind.Purge => KnownDeals.Absent,
                _ => KnownDeals.Live,
            };
        }
        return true;
    }

    static string Deal(Random random, string? id, bool isWhole = false)
    {
        bool isNew = id is not null || isWhole;
        List<string> members = [];
        if (id is not null) members.Add($"\"id\":{id}");
        if (isNew || random.Next(3) == 0) members.Add($"\"stage\":\"{s_stages[random.Next(3)]}\"");
        string value = random.Next(4) == 0 ? "null" : $"\"{random.Next(-50, 200)}.{random.Next(10, 100)}\"";
        if (random.Next(2) == 0) members.Add($"\"value\":{value}");
        if (random.Next(2) == 0) members.Add($"\"owner\":{(random.Next(4) == 0 ? "null" : $"\"o{random.Next(5)}\"")}");
        if (random.Next(2) == 0) members.Add(string.Create(CultureInfo.InvariantCulture, $"\"score\":{random.Next(0, 100)}"));
        string closed = random.Next(1, 13).ToString("00", CultureInfo.InvariantCulture);
        if (random.Next(3) == 0) members.Add($"\"closedOn\":\"2026-{closed}-11\"");
        if (random.Next(3) == 0) members.Add(string.Create(CultureInfo.InvariantCulture, $"\"rate\":{random.Next(8) / 8.0}"));
        return "{" + string.Join(',', members) + "}";
    }

    /// <summary>The database's own aggregates over the records.</summary>
    internal static async Task AssertAggregates(ProjectionFixture fixture, string told)
    {
        string aggregated = await fixture.Read(new ReadRequest
        {
            Model = "Deal", Kind = ReadKind.Aggregate,
            Aggregate = new AggregateRequest(["stage"], true,
            [
                new("sum", "value"), new("sum", "score"), new("avg", "value"), new("avg", "score"), new("min", "value"),
                new("min", "rate"), new("max", "value"), new("max", "closedOn"),
            ]),
        });
        Dictionary<string, string> expected = JsonNode.Parse(aggregated)!["groups"]!.AsArray().ToDictionary(
            g => (string)g!["stage"]!, g => string.Join(' ', g!["count"], g["sum"]!["value"], g["avg"]!["value"], g["min"]!["value"],
                g["max"]!["value"], g["sum"]!["score"], g["avg"]!["score"], g["max"]!["closedOn"], g["min"]!["rate"]));
        Dictionary<string, string> actual = JsonNode.Parse(await fixture.List("ByStage"))!.AsArray().ToDictionary(
            r => (string)r!["stage"]!, r => string.Join(' ', r!["records"], r["total"], r["mean"], r["least"], r["most"], r["score"],
                r["scored"], r["last"], r["slowest"]));
        Assert.True(expected.OrderBy(g => g.Key).SequenceEqual(actual.OrderBy(g => g.Key)),
            $"{told}:\n{string.Join('\n', expected)}\n--\n{string.Join('\n', actual)}");
    }
}
