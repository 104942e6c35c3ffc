using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Rest;

/// <summary>The log for auditors: who may ask, what they are shown, and what a question costs.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class AuditTests
{
    const string Schema = """
        auth { id Int  role String? }
        model Contact {
          id Int @id  name String  phone String? @pii  secret String? @serverOnly  wage Int? @allow("read", id == 1)
          salary Int? @allow("read", auth.role == "chief")
          @@softDelete  @@allow(["all", "purge"], auth.role == "editor")  @@allow("read", auth.role == "auditor")
        }
        model Seat { row String  number Int  taken Boolean @default(false)  @@id([row, number])  @@allow("all", auth.role == "editor") }
        """;

    static readonly Value s_auditor = Claims("auditor", 9);

    [Fact]
    public async Task Every_route_is_for_administrators_and_auditors_alone()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/contacts", """{"id":1,"name":"a"}""");
        HttpClient nobody = await server.ClientAsync(), auditor = await server.ClientAsync(s_auditor);
        HttpClient admin = await server.ClientAsync(Claims("admin", 1));
        foreach (string path in new[]
        {
            "/audit/logs", "/audit/user/7/activity", "/audit/entity/Contact/1", "/audit/entity/contacts/1", "/audit/statistics",
        })
        {
            Assert.Equal(401, (await nobody.SendAsync("GET", path)).Status);
            Assert.Equal(403, (await editor.SendAsync("GET", path)).Status);
            Assert.Equal(200, (await auditor.SendAsync("GET", path)).Status);
            Assert.Equal(200, (await admin.SendAsync("GET", path)).Status);
            // What is wrong with a question is told to nobody who may not ask.
            Assert.Equal(403, (await editor.SendAsync("GET", path + "?nonsense=1")).Status);
            Assert.Equal(400, (await auditor.SendAsync("GET", path + "?nonsense=1")).Status);
        }
        Assert.Equal(405, (await auditor.SendAsync("POST", "/audit/logs", "{}")).Status);
        foreach (string path in new[] { "/audit", "/audit/", "/audit/user/7", "/audit/user//activity", "/audit/entity/Contact/1/2" })
            Assert.Equal(404, (await auditor.SendAsync("GET", path)).Status);
    }

    [Fact]
    public async Task An_event_says_who_what_when_and_nothing_that_is_not_the_auditor_s_to_read()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor), auditor = await server.ClientAsync(s_auditor);
        await editor.SendAsync("POST", "/api/contacts", """{"id":1,"name":"a","phone":"0123456","wage":77777}""");
        await editor.SendAsync("PATCH", "/api/contacts/1", """{"name":"b"}""");
        await editor.SendAsync("DELETE", "/api/contacts/1");
        await editor.SendAsync("POST", "/api/seats", """{"row":"a,b%","number":1}""");

        Reply reply = await auditor.SendAsync("GET", "/audit/logs?order=oldest");
        JsonElement[] items = Items(reply);
        Assert.Equal(["created Contact 1", "updated Contact 1", "deleted Contact 1", "created Seat a%2Cb%25,1"], items.Select(Said));
        Assert.All(items, item => Assert.Equal("7", item.GetProperty("actor").GetString()));
        Assert.Equal("""{"id":1,"name":"a","deletedAt":null}""", items[0].GetProperty("after").GetRawText());
        Assert.Equal("""["phone"]""", items[0].GetProperty("redacted").GetRawText());
        Assert.Equal("""{"name":"a"}""", items[1].GetProperty("before").GetRawText());
        // A model that the auditor may not read: that it happened, not what.
        Assert.False(items[3].TryGetProperty("after", out _));
        foreach (string hidden in new[] { "0123456", "77777", "secret", "salary" })
            Assert.DoesNotContain(hidden, reply.Body, StringComparison.Ordinal);

        Assert.Equal(["created Seat a%2Cb%25,1"], Items(await auditor.SendAsync("GET", "/audit/entity/Seat/a%2Cb%25,1")).Select(Said));
        Assert.Equal(["deleted Contact 1"],
            Items(await auditor.SendAsync("GET", "/audit/logs?model=contacts&record=1&operation=deleted")).Select(Said));
        Assert.Empty(Items(await auditor.SendAsync("GET", "/audit/entity/Contact/none")));
    }

    [Theory]
    [InlineData("record=1", "malformed_parameter")]
    [InlineData("order=up", "malformed_parameter")]
    [InlineData("limit=0", "malformed_parameter")]
    [InlineData("limit=x", "malformed_parameter")]
    [InlineData("after=x", "malformed_parameter")]
    [InlineData("from=yesterday", "malformed_parameter")]
    [InlineData("actor=1&actor=2", "malformed_parameter")]
    [InlineData("actor=", "malformed_parameter")]
    [InlineData("model=Contcat", "unknown_model")]
    [InlineData("kind=created", "unknown_parameter")]
    public async Task A_question_that_is_none_is_refused(string query, string code)
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        Assert.Equal(code, (await (await server.ClientAsync(s_auditor)).SendAsync("GET", "/audit/logs?" + query)).Code);
    }

    [Fact]
    public async Task Every_question_is_answered_as_a_scan_of_the_whole_log_would()
    {
        using WriteFixture fixture = new(Schema);
        int seed = Counts.Seed();
        Random random = new(seed);
        for (int i = 0; i < 150; i++) await Write(fixture, random);
        List<LogEvent> all;
        using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None))
            all = EventLog.Read(lease.Connection, 0, int.MaxValue);
        for (int i = 0; i < Counts.Of(test: 80, soak: 5000); i++)
        {
            long from = random.Next(2) == 0 ? 1 : random.Next(1, all.Count);
            long to = random.Next(2) == 0 ? all.Count : random.Next(1, all.Count);
            AuditRequest asked = new()
            {
                Model = random.Next(3) == 0 ? "Contact" : random.Next(3) == 0 ? "Seat" : null,
                Actor = random.Next(3) == 0 ? "u" + random.Next(3) : null,
                Operation = random.Next(3) switch
                {
                    0 => new[] { EventKinds.Created, EventKinds.Updated, EventKinds.Deleted, EventKinds.Restored }[random.Next(4)],
                    _ => null,
                },
                From = Time(all, from, random), To = Time(all, to, random), OldestFirst = random.Next(2) == 0, Limit = random.Next(1, 30),
            };
            if (asked.Model == "Contact" && random.Next(2) == 0) asked = asked with { Key = [Text(random.Next(1, 9))] };
            IEnumerable<LogEvent> expected = all.Where(e => e.Position >= from && e.Position <= to
                && (asked.Model ?? e.Model) == e.Model && (asked.Actor ?? e.Actor) == e.Actor && (asked.Operation ?? e.Kind) == e.Kind
                && (asked.Key.IsEmpty || asked.Key[0] == e.RecordId));
            if (!asked.OldestFirst) expected = expected.Reverse();
            Assert.Equal((seed, i, Said(expected.Select(e => e.Position))), (seed, i, Said(await Pages(fixture, asked))));
        }
    }

    [Fact]
    public async Task A_rare_event_is_found_over_short_pages_and_no_page_walks_further_than_its_bound()
    {
        using WriteFixture fixture = new(Schema);
        await fixture.Do(CommandKind.Create, "Contact", """{"id":1,"name":"a"}""", caller: WriteFixture.As("rare", "editor"));
        await Fill(fixture, Limits.AuditScan + 100);
        AuditRequest asked = new() { Actor = "rare", Model = "Contact" };
        // Of an index of its own it is found at once; among the events of a model, on the second page.
        Assert.Equal(1, Count(await Page(fixture, asked)));
        asked = new AuditRequest { Model = "Contact", Operation = EventKinds.Created };
        JsonElement first = await Page(fixture, asked);
        Assert.Equal(0, Count(first));
        long next = long.Parse(first.GetProperty("page").GetProperty("next").GetString()!, CultureInfo.InvariantCulture);
        Assert.Equal(1, Count(await Page(fixture, asked with { After = next })));
    }

    [Fact]
    public async Task A_tenant_s_auditor_sees_its_log_and_no_other()
    {
        using WriteFixture fixture = new("""
            app t { tenancy = row }
            auth { id String  role String?  tenantId String }
            model Card { id Int @id  text String  @@allow("all", true) }
            """);
        foreach (string tenant in new[] { "one", "two" })
            await fixture.Do(CommandKind.Create, "Card", $$"""{"id":1,"text":"of {{tenant}}"}""", caller: Of(tenant, "user"));
        foreach (AuditRequest asked in new[] { new AuditRequest(), new AuditRequest { Model = "Card", Key = ["1"] },
            new AuditRequest { Actor = "u" }, new AuditRequest { Operation = EventKinds.Created } })
        {
            string page = (await Page(fixture, asked, Of("one", "auditor"))).GetRawText();
            Assert.Contains("\"id\":\"1\"", page, StringComparison.Ordinal);
            Assert.Contains("of one", page, StringComparison.Ordinal);
            Assert.DoesNotContain("two", page, StringComparison.Ordinal);
        }
        // Both tenants have an actor of that name.
        var counted = await fixture.Engine.AuditStatisticsAsync(
            Of("one", "auditor"), new AuditRequest { Actor = "u" }, CancellationToken.None);
        using (ReadReply statistics = counted.Value)
        {
            Assert.StartsWith("{\"events\":1,", Encoding.UTF8.GetString(statistics.Body.ToArray()), StringComparison.Ordinal);
        }
        var told = await fixture.Engine.AuditAsync(Of("one", "auditor"), new AuditRequest { Tenant = "two" }, CancellationToken.None);
        Assert.Equal("unknown_parameter", told.Fault?.Code);
        Caller homeless = new(Value.FromMap(new ValueMap([new("id", Value.From("u")), new("role", Value.From("admin"))])), "u");
        Assert.Equal(0, Count(await Page(fixture, new AuditRequest(), homeless)));

        static Caller Of(string tenant, string role) => new(Value.FromMap(new ValueMap(
            [new("id", Value.From("u")), new("role", Value.From(role)), new(Model.TenantId, Value.From(tenant))])), "u");
    }

    [Fact]
    public async Task Statistics_count_by_model_kind_and_actor()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor), auditor = await server.ClientAsync(s_auditor);
        for (int i = 1; i <= 3; i++) await editor.SendAsync("POST", "/api/contacts", $$"""{"id":{{i}},"name":"a"}""");
        await editor.SendAsync("PATCH", "/api/contacts/1", """{"name":"b"}""");
        JsonElement told = (await auditor.SendAsync("GET", "/audit/statistics")).Json;
        Assert.Equal((4, true), (told.GetProperty("events").GetInt32(), told.GetProperty("whole").GetBoolean()));
        Assert.Equal("""[{"model":"Contact","kind":"created","events":3},{"model":"Contact","kind":"updated","events":1}]""",
            told.GetProperty("models").GetRawText());
        Assert.Equal("""[{"actor":"7","events":4}]""", told.GetProperty("actors").GetRawText());
        told = (await auditor.SendAsync("GET", "/audit/statistics?to=2")).Json;
        Assert.Equal((2, "2"), (told.GetProperty("events").GetInt32(), told.GetProperty("to").GetProperty("position").GetString()));
        Assert.Equal((JsonValueKind.Null, "1"),
            (told.GetProperty("next").ValueKind, told.GetProperty("from").GetProperty("position").GetString()));
        Reply none = await auditor.SendAsync("GET", "/audit/statistics?actor=nobody");
        Assert.Equal("""{"events":0,"from":null,"to":null,"whole":true,"next":null,"models":[],"actors":[]}""", none.Body);
    }

    /// <summary>Each form of question, and the index that its walk must go along; never through the table.</summary>
    [Theory]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    [InlineData("Contact", "1", null, null, "COVERING INDEX plinth_events_record")]
    [InlineData("Contact", null, null, null, "COVERING INDEX plinth_events_by_model")]
    [InlineData("Contact", null, null, "updated", "COVERING INDEX plinth_events_by_model")]
    [InlineData(null, null, "u", null, "COVERING INDEX plinth_events_by_actor")]
    [InlineData("Contact", null, "u", "updated", "COVERING INDEX plinth_events_by_actor")]
    [InlineData("Contact", null, "u", "updated", "COVERING INDEX plinth_events_by_actor", "t")]
    [InlineData(null, null, null, "purged", "COVERING INDEX plinth_events_by_kind")]
    [InlineData("Contact", null, null, "purged", "COVERING INDEX plinth_events_by_kind", "t")]
    [InlineData(null, null, null, null, "COVERING INDEX plinth_events_by_tenant", "t")]
    [InlineData("Contact", null, null, "updated", "COVERING INDEX plinth_events_by_tenant", "t")]
    [InlineData(null, null, null, "created", "INTEGER PRIMARY KEY")]
    public void A_page_walks_an_index(string? model, string? record, string? actor, string? kind, string index, string? tenant = null)
    {
        using WriteFixture fixture = new(Schema);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        AuditScope scope = new()
        {
            Model = model, RecordId = record, Actor = actor, Kind = kind, Tenant = tenant, UpTo = 10_000_000, IsDescending = true,
        };
        using Statement explain = AuditEvents.Prepared(lease.Connection, "explain query plan ", scope, 50);
        RequireWalk(explain, index);
        // What is counted of the same, whole: of a model, of a record or of a kind it is not.
        if (model is not null || record is not null || kind is not null) return;
        using Statement counts = AuditEvents.Counts(lease.Connection, scope, 1000, "explain query plan ");
        RequireWalk(counts, index);
    }

    static void RequireWalk(Statement explain, string index)
    {
        List<string> plan = [];
        while (explain.Step()) plan.Add(explain.ColumnText(3));
        Assert.Contains(plan, line =>
            line.StartsWith("SEARCH", StringComparison.Ordinal) && line.Contains(index, StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.StartsWith("SCAN plinth_events", StringComparison.Ordinal));
    }

    static async Task Write(WriteFixture fixture, Random random)
    {
        Caller caller = WriteFixture.As("u" + random.Next(3), "editor");
        string key = Text(random.Next(1, 9));
        _ = random.Next(8) switch
        {
            < 3 => await fixture.Send(CommandKind.Create, "Contact", $$"""{"id":{{key}},"name":"a"}""", caller: caller),
            < 5 => await fixture.Send(CommandKind.Update, "Contact", $$"""{"name":"{{random.Next()}}"}""", key, caller),
            < 6 => await fixture.Send(CommandKind.Delete, "Contact", "", key, caller),
            < 7 => await fixture.Send(CommandKind.Restore, "Contact", "", key, caller),
            _ => await fixture.Send(CommandKind.Create, "Seat", $$"""{"row":"r","number":{{key}}}""", caller: caller),
        };
    }

    /// <summary>So many events of one record, in one transaction: as a bulk of updates would leave them.</summary>
    static async Task Fill(WriteFixture fixture, int events)
    {
        Model model = fixture.Schema.Model("Contact");
        Value[] row = new Value[model.Fields.Length];
        row[0] = Value.From(1L);
        Result<Done> done = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            for (int i = 0; i < events; i++) tx.Append(fixture.Store.Events.Updated(model, row, row, 2 + i, new EventOrigin("u", null, 1)));
            return Done.It;
        }), CancellationToken.None);
        Assert.True(done.IsOk, done.Fault?.Message);
    }

    static async Task<List<long>> Pages(WriteFixture fixture, AuditRequest asked)
    {
        List<long> positions = [];
        while (true)
        {
            JsonElement page = await Page(fixture, asked);
            positions.AddRange(page.GetProperty("items").EnumerateArray().Select(
                i => long.Parse(i.GetProperty("position").GetString()!, CultureInfo.InvariantCulture)));
            if (page.GetProperty("page").GetProperty("next").GetString() is not { } next) return positions;
            asked = asked with { After = long.Parse(next, CultureInfo.InvariantCulture) };
        }
    }

    static async Task<JsonElement> Page(WriteFixture fixture, AuditRequest asked, Caller? caller = null)
    {
        var result = await fixture.Engine.AuditAsync(caller ?? Caller.System, asked, CancellationToken.None);
        Assert.True(result.IsOk, result.Fault?.Message);
        using ReadReply reply = result.Value;
        return JsonDocument.Parse(reply.Body.ToArray()).RootElement;
    }

    static int Count(JsonElement page) => page.GetProperty("items").GetArrayLength();

    static string? Time(List<LogEvent> all, long position, Random random)
    {
        if (random.Next(2) == 0) return Text(position);
        long at = all[(int)position - 1].At;
        // Events of one transaction share its time: then only the position says where the bound is.
        bool isAlone = all.Count(e => e.At == at) == 1;
        return isAlone ? DateTimeOffset.UnixEpoch.AddMicroseconds(at).ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture)
            : Text(position);
    }

    static JsonElement[] Items(Reply reply)
    {
        Assert.Equal(200, reply.Status);
        return [.. reply.Json.GetProperty("items").EnumerateArray()];
    }

    static string Said(JsonElement item) => $"{item.GetProperty("kind")} {item.GetProperty("model")} {item.GetProperty("id")}";

    static string Said(IEnumerable<long> positions) => string.Join(' ', positions);

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    static Value Claims(string role, long id) => Value.FromMap(new ValueMap([new("id", Value.From(id)), new("role", Value.From(role))]));
}
