using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Store;
using Plinth.Text;
using SortKey = Plinth.Plan.SortKey;

namespace Plinth.Runtime;

/// <summary>
/// Records as they were: what was answered while random commands ran is what <c>asOf</c> answers later, for every form of list, by
/// position and by time, and through the rules of then and now.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class PastTests
{
    const string Schema = """
        auth { id String  role String? }
        model Note {
          id Int @id  name String  score Int  price Decimal(8, 2)?  at DateTime?  data Json?  tags String[]
          secret String? @sensitive  owner String  level Int @default(0)  parent Note? @relation(onDelete: setNull)  children Note[]
          hidden String? @allow("read", level < 3)
          @@softDelete  @@fulltext([name, hidden])
          @@allow(["all", "purge"], auth.role == "editor")
          @@allow("read", owner == auth.id || level == 5)
        }
        model Part { name String  number Int  size Float?  note Note? @relation(onDelete: cascade)  @@id([name, number])  @@allow("all", true) }
        """;

    static readonly string[] s_owners = ["ann", "bob"];

    static readonly Caller s_ann = WriteFixture.As("ann");

    [Fact]
    public async Task What_was_answered_then_is_answered_of_then_later()
    {
        int seed = Counts.Seed(), runs = Counts.Of(test: 2, soak: 200), shown = 0, hidden = 0;
        await Counts.InRunsAsync(seed, runs, async run =>
        {
            var (shownOfRun, hiddenOfRun) = await AskLaterAsync(run);
            Interlocked.Add(ref shown, shownOfRun);
            Interlocked.Add(ref hidden, hiddenOfRun);
        });
        string outcome = $"{shown} records shown, {hidden} hidden";
        Counts.Report("histories asked of then, later", runs, seed, outcome);
        Assert.True(Math.Min(shown, hidden) * 10 > shown + hidden, $"seed {seed}: {outcome}");
    }

    static async Task<(int Shown, int Hidden)> AskLaterAsync(int seed)
    {
        using WriteFixture fixture = new(Schema);
        Random random = new(seed);
        List<Seen> seen = [];
        for (int i = 0; i < 120; i++)
        {
            await Write(fixture, random);
            if (i % 3 != 0) continue;
            ReadRequest asked = Draw(random);
            string time = Encoding.UTF8.GetString(Format(At(fixture)));
            seen.Add(new Seen(asked, fixture.Engine.Position, time, await Pages(fixture, asked), await Everything(fixture, "Note")));
        }
        Dictionary<long, JsonObject> now = await Everything(fixture, "Note");
        int shown = 0, hidden = 0;
        foreach (Seen then in seen)
        {
            string told = string.Create(CultureInfo.InvariantCulture, $"seed {seed}, position {then.Position}: {then.Asked}");
            string asOf = random.Next(2) == 0 ? then.Position.ToString(CultureInfo.InvariantCulture) : then.Time;
            // What was purged since is not known any more, at any time.
            bool isPurged = then.All.Keys.Any(id => Purged(fixture, id, then.Position));
            if (!isPurged) Assert.Equal((told, then.Answers), (told, await Pages(fixture, then.Asked with { AsOf = asOf })));
            foreach (var (id, was) in then.All)
            {
                bool gone = Purged(fixture, id, then.Position);
                ReadRequest one = new() { Model = "Note", Kind = ReadKind.Get, Key = [Text(id)], Trashed = TrashMode.With, AsOf = asOf };
                string? expected = gone ? null : was.ToJsonString();
                Assert.Equal((told, id, expected), (told, id, (await Get(fixture, one, Caller.System))?.ToJsonString()));
                one = one with { Trashed = TrashMode.Without };
                expected = gone ? null : Shown(was, now.GetValueOrDefault(id));
                Assert.Equal((told, id, expected), (told, id, (await Get(fixture, one, s_ann))?.ToJsonString()));
                (shown, hidden) = expected is null ? (shown, hidden + 1) : (shown + 1, hidden);
            }
        }
        return (shown, hidden);
    }

    [Fact]
    public async Task A_record_is_shown_of_then_only_to_who_could_read_it_then_and_can_now_if_it_still_is()
    {
        using WriteFixture fixture = new(Schema);
        await Create(fixture, 1, "ann", level: 0);
        await Create(fixture, 2, "ann", level: 0);
        await Create(fixture, 3, "bob", level: 0);
        await fixture.Do(CommandKind.Create, "Part", """{"name":"a","number":1}""");
        string then = Text(fixture.Engine.Position);
        await fixture.Do(CommandKind.Update, "Note", """{"owner":"bob"}""", "1");
        await fixture.Do(CommandKind.Update, "Note", """{"level":4,"name":"x"}""", "2");
        await fixture.Do(CommandKind.Update, "Note", """{"owner":"ann"}""", "3");
        await fixture.Do(CommandKind.Delete, "Part", "", "a,1");

        ReadRequest list = new() { Model = "Note", Kind = ReadKind.List, AsOf = then, Select = ["name", "hidden"] };
        Assert.Equal("""[{"id":2,"name":"n2"}]""", await Items(fixture, list, s_ann));
        // A field that may not be read now is not asked about of then either.
        Assert.Equal("[]", await Items(fixture, list with { Filter = "hidden == 'h2'" }, s_ann));
        Assert.Equal("[]", await Items(fixture, list with { Search = "h2" }, s_ann));
        Assert.Equal("""[{"id":2,"name":"n2"}]""", await Items(fixture, list with { Search = "n2" }, s_ann));
        Assert.Equal("""[{"name":"a","number":1,"size":null,"noteId":null}]""",
            await Items(fixture, new ReadRequest { Model = "Part", Kind = ReadKind.List, AsOf = then }, s_ann));
        Assert.Equal("[]", await Items(fixture, new ReadRequest { Model = "Part", Kind = ReadKind.List, AsOf = "0" }, s_ann));
    }

    [Fact]
    public async Task The_past_is_told_in_the_shape_of_today()
    {
        const string Allow = "@@allow(\"all\", true)";
        using WriteFixture fixture = new($"model Doc {{ id Int @id  text String  old Int  size Int {Allow} }}");
        await fixture.Do(CommandKind.Create, "Doc", """{"id":1,"text":"a","old":1,"size":5}""");
        await fixture.Do(CommandKind.Create, "Doc", """{"id":2,"text":"b","old":1,"size":6}""");
        string then = Text(fixture.Engine.Position);
        await fixture.Do(CommandKind.Update, "Doc", """{"text":"c"}""", "1");
        await fixture.Do(CommandKind.Delete, "Doc", "", "2");
        // It was not there then, and neither is what it gets with the new field.
        await fixture.Do(CommandKind.Create, "Doc", """{"id":3,"text":"d","old":1,"size":8}""");
        var applied = await fixture.Engine.ApplyAsync(WriteFixture.Read("model Paper { id Int @id  title String @renamedFrom(\"text\")  "
            + $"old Int  size BigInt  kind String @default(\"plain\")  @@renamedFrom(\"Doc\") {Allow} }}"), CancellationToken.None);
        Assert.True(applied.IsOk, applied.Fault?.Message);
        await fixture.Do(CommandKind.Update, "Paper", """{"kind":"new","size":"7"}""", "1");
        ReadRequest list = new() { Model = "Paper", Kind = ReadKind.List, AsOf = then, Select = ["title", "size", "kind"] };
        Assert.Equal("""[{"id":1,"title":"a","size":"5","kind":"plain"},{"id":2,"title":"b","size":"6","kind":"plain"}]""",
            await Items(fixture, list, Caller.System));
    }

    [Fact]
    public async Task One_tenant_s_past_is_its_own_and_what_another_does_bounds_nobody()
    {
        const string Tenants = """
            app t { tenancy = row }
            auth { id String  tenantId String }
            model Card { id Int @id  text String  @@allow("all", true) }
            """;
        using WriteFixture fixture = new(Tenants, Limits.Default with { AsOfChanges = 3 });
        Caller one = Of("one"), two = Of("two");
        await fixture.Do(CommandKind.Create, "Card", """{"id":1,"text":"of one"}""", caller: one);
        await fixture.Do(CommandKind.Create, "Card", """{"id":1,"text":"of two"}""", caller: two);
        string then = Text(fixture.Engine.Position);
        await fixture.Do(CommandKind.Update, "Card", """{"text":"changed"}""", "1", one);
        for (int i = 0; i < 6; i++) await fixture.Do(CommandKind.Update, "Card", $$"""{"text":"{{i}}"}""", "1", two);
        ReadRequest list = new() { Model = "Card", Kind = ReadKind.List, AsOf = then };
        Assert.Equal("""[{"id":1,"text":"of one"}]""", await Items(fixture, list, one));
        ReadRequest get = new() { Model = "Card", Kind = ReadKind.Get, Key = ["1"], AsOf = then };
        Assert.Equal("""{"id":1,"text":"of one"}""", (await Get(fixture, get, one))?.ToJsonString());
        Assert.Equal("as_of_too_old", (await fixture.Engine.ReadAsync(two, list, CancellationToken.None)).Fault?.Code);
        Assert.Equal("as_of_too_old", (await fixture.Engine.ReadAsync(two, get, CancellationToken.None)).Fault?.Code);
        Assert.Equal("missing_claim", (await fixture.Engine.ReadAsync(Caller.System, get, CancellationToken.None)).Fault?.Code);

        static Caller Of(string tenant) => new(Value.FromMap(new ValueMap(
            [new("id", Value.From("u")), new(Model.TenantId, Value.From(tenant))])), "u");
    }

    [Theory]
    [InlineData("soon", "neither a position of the log nor an instant")]
    [InlineData("99", "the log ends at position 1")]
    [InlineData("2999-01-01T00:00:00Z", "lies in the future")]
    public async Task A_moment_that_is_none_is_refused(string asOf, string says)
    {
        using WriteFixture fixture = new(Schema);
        await Create(fixture, 1, "ann", level: 0);
        ReadRequest list = new() { Model = "Note", Kind = ReadKind.List, AsOf = asOf };
        Fault fault = (await fixture.Engine.ReadAsync(Caller.System, list, CancellationToken.None)).Fault!;
        Assert.Equal("malformed_parameter", fault.Code);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        fault = (await fixture.Engine.ReadAsync(
            Caller.System, list with { AsOf = "1", Include = [new IncludeRequest("parent")] }, CancellationToken.None)).Fault!;
        Assert.Equal("malformed_parameter", fault.Code);
    }

    sealed record Seen(ReadRequest Asked, long Position, string Time, string Answers, Dictionary<long, JsonObject> All);

    /// <summary>What ann sees of a record of then: the rule of the model and that of the field hold then, and now if it is there.</summary>
    static string? Shown(JsonObject was, JsonObject? now)
    {
        bool may = May(was) && was["deletedAt"] is null && (now is null || May(now));
        if (!may) return null;
        JsonObject shown = (JsonObject)was.DeepClone();
        shown.Remove("deletedAt");
        bool sees = Level(was) < 3 && (now is null || Level(now) < 3);
        if (!sees) shown.Remove("hidden");
        return shown.ToJsonString();
    }

    static bool May(JsonObject note) => note["owner"]!.GetValue<string>() == "ann" || Level(note) == 5;

    static int Level(JsonObject note) => note["level"]!.GetValue<int>();

    static async Task Write(WriteFixture fixture, Random random)
    {
        long id = random.Next(1, 13);
        string key = Text(id);
        string number = Text(random.Next(0, 5));
        _ = random.Next(14) switch
        {
            < 4 => await fixture.Send(CommandKind.Create, "Note", Body(random, id)),
            < 9 => await fixture.Send(CommandKind.Update, "Note", Body(random, null), key),
            < 10 => await fixture.Send(CommandKind.Delete, "Note", "", key),
            < 11 => await fixture.Send(CommandKind.Restore, "Note", "", key),
            < 12 => random.Next(8) == 0 ? await fixture.Send(CommandKind.Purge, "Note", "", key) : default,
            < 13 => await fixture.Send(CommandKind.Create, "Part", $$"""{"name":"p,%","number":{{number}},"size":{{number}}.5}"""),
            _ => await fixture.Send(CommandKind.Delete, "Part", "", $"p,{number}"),
        };
    }

    static string Body(Random random, long? id)
    {
        JsonObject body = new()
        {
            ["name"] = $"word{random.Next(4)} word{random.Next(4)}",
            ["score"] = random.Next(5),
            ["price"] = random.Next(3) == 0 ? null : Text(random.Next(100)) + ".50",
            ["tags"] = new JsonArray(Text(random.Next(3))),
            ["secret"] = Text(random.Next(9)),
            ["owner"] = s_owners[random.Next(4) == 0 ? 1 : 0],
            ["level"] = random.Next(7),
            ["hidden"] = $"word{random.Next(4)}",
            ["at"] = random.Next(2) == 0 ? null : $"2026-01-0{random.Next(1, 9)}T00:00:00.000Z",
            ["data"] = random.Next(2) == 0 ? null : new JsonObject { ["a"] = random.Next(9) },
        };
        if (id is { } key) body["id"] = key;
        else foreach (string name in body.Select(m => m.Key).Where(_ => random.Next(3) > 0).ToArray()) body.Remove(name);
        return body.ToJsonString();
    }

    static ReadRequest Draw(Random random) => new()
    {
        Model = "Note",
        Kind = ReadKind.List,
        Limit = random.Next(1, 6),
        Filter = random.Next(4) switch { 0 => "score > 1", 1 => "name.startsWith(\"word1\") || at == null", 2 => "'1' in tags", _ => null },
        Sort = random.Next(4) switch
        {
            0 => [new SortKey("score", true)],
            1 => [new SortKey("price", false), new SortKey("name", true)],
            2 => [new SortKey("hidden", false), new SortKey("at", false)],
            _ => [],
        },
        Search = random.Next(5) == 0 ? "word1 wor" : null,
        Trashed = random.Next(4) switch { 0 => TrashMode.With, 1 => TrashMode.Only, _ => TrashMode.Without },
        Count = random.Next(2) == 0 ? CountMode.Exact : CountMode.None,
        Select = random.Next(4) == 0 ? ["name"] : [],
    };

    /// <summary>Every page of a list forwards, the last but one backwards, one by offset: without cursors, which know the moment.</summary>
    static async Task<string> Pages(WriteFixture fixture, ReadRequest asked)
    {
        StringBuilder all = new();
        string? after = null, before = null;
        do
        {
            JsonObject page = await Page(fixture, asked with { After = after }, all);
            (after, before) = (page["next"]?.GetValue<string>(), page["previous"]?.GetValue<string>());
        }
        while (after is not null);
        if (before is not null) await Page(fixture, asked with { Before = before }, all);
        await Page(fixture, asked with { Offset = 2 }, all);
        return all.ToString();
    }

    static async Task<JsonObject> Page(WriteFixture fixture, ReadRequest asked, StringBuilder all)
    {
        JsonNode answer = await Json(fixture, asked, Caller.System) ?? throw new InvalidOperationException("no list");
        JsonObject page = (JsonObject)answer["page"]!;
        all.AppendLine(CultureInfo.InvariantCulture,
            $"{answer["items"]!.ToJsonString()} {page["total"]} {page["next"] is null} {page["previous"] is null}");
        return page;
    }

    static async Task<Dictionary<long, JsonObject>> Everything(WriteFixture fixture, string model)
    {
        JsonNode? answer = await Json(
            fixture, new ReadRequest { Model = model, Kind = ReadKind.List, Trashed = TrashMode.With, Limit = 1000 }, Caller.System);
        return answer!["items"]!.AsArray().ToDictionary(item => item!["id"]!.GetValue<long>(), item => (JsonObject)item!.DeepClone());
    }

    static async Task<string> Items(WriteFixture fixture, ReadRequest asked, Caller caller) =>
        (await Json(fixture, asked, caller))!["items"]!.ToJsonString();

    static async Task<JsonNode?> Get(WriteFixture fixture, ReadRequest asked, Caller caller) => await Json(fixture, asked, caller);

    static async Task<JsonNode?> Json(WriteFixture fixture, ReadRequest asked, Caller caller)
    {
        var result = await fixture.Engine.ReadAsync(caller, asked, CancellationToken.None);
        if (result.Fault is { } fault)
        {
            Assert.Equal(Faults.NotFound.Code, fault.Code);
            return null;
        }
        using ReadReply reply = result.Value;
        return JsonNode.Parse(reply.Body.Written);
    }

    static bool Purged(WriteFixture fixture, long id, long since)
    {
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        return EventLog.History(lease.Connection, "Note", Text(id), since, int.MaxValue).Any(e => e.Kind == EventKinds.Purged);
    }

    static long At(WriteFixture fixture)
    {
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        return EventLog.ReadHead(lease.Connection).At;
    }

    static byte[] Format(long at)
    {
        Span<byte> text = stackalloc byte[40];
        return text[..DateTimeType.Format(at, text)].ToArray();
    }

    static Task<string> Create(WriteFixture fixture, int id, string owner, int level) => fixture.Do(CommandKind.Create, "Note",
        $$"""{"id":{{id}},"name":"n{{id}}","score":1,"owner":"{{owner}}","level":{{level}},"hidden":"h{{id}}","tags":[]}""");

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
