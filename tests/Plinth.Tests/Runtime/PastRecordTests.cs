using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>One record as it was: how often the database is asked, what is remembered, and what ends that.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class PastRecordTests
{
    const string Schema = """
        auth { id String  role String? }
        model Card {
          id Int @id  text String  note String? @pii  price Decimal(8, 2)?  data Json?  owner String  level Int @default(0)
          @@softDelete
          @@allow(["all", "purge"], auth.role == "editor")
          @@allow("read", owner == auth.id || level == 5)
        }
        model Plain { id Int @id  text String  tags String[]  at DateTime?  big BigInt?  @@allow("all", true) }
        """;

    static readonly Caller s_ann = WriteFixture.As("ann");

    // Where others write, what is at hand counts for a second after it was last confirmed, so that under load the database is asked.
    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task A_record_of_then_is_two_statements_one_where_it_is_at_hand_and_none_again()
    {
        using WriteFixture fixture = new(Schema);
        for (int id = 1; id <= 2; id++) await fixture.Do(CommandKind.Create, "Plain", $$"""{"id":{{id}},"text":"a"}""");
        long first = fixture.Engine.Position;
        await fixture.Do(CommandKind.Update, "Plain", """{"text":"b"}""", "1");
        long second = fixture.Engine.Position;
        await fixture.Do(CommandKind.Update, "Plain", """{"text":"c"}""", "1");
        // What the model was called is asked once.
        await TextAsync(fixture, 2, second, Caller.System);

        Assert.Equal(("a", 2), await TextAsync(fixture, 1, first, Caller.System));
        Assert.Equal(("a", 0), await TextAsync(fixture, 1, first, Caller.System));
        Assert.Equal(("a", 0), await TextAsync(fixture, 1, first, s_ann));
        Assert.Equal(("b", 1), await TextAsync(fixture, 1, second, s_ann));
        Assert.Equal(("b", 0), await TextAsync(fixture, 1, second, s_ann));
        // As it is now, it is at hand as well.
        Assert.Equal(("c", 0), await TextAsync(fixture, 1, null, s_ann));
        Assert.Equal(("a", 1), await TextAsync(fixture, 2, first, s_ann));
        await fixture.Do(CommandKind.Update, "Plain", """{"text":"d"}""", "1");
        Assert.Equal(("a", 2), await TextAsync(fixture, 1, first, s_ann));
        Assert.Equal(("d", 0), await TextAsync(fixture, 1, null, s_ann));
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task A_time_is_looked_for_once()
    {
        using WriteFixture fixture = new(Schema);
        await fixture.Do(CommandKind.Create, "Plain", """{"id":1,"text":"a"}""");
        fixture.Clock.Advance(TimeSpan.FromSeconds(2));
        string between = fixture.Clock.GetUtcNow().AddSeconds(-1).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        // Nothing came after it: more may come that is not after it either.
        Assert.Equal(("a", 3), await TextAsync(fixture, 1, between, Caller.System, warm: true));
        Assert.Equal(("a", 2), await TextAsync(fixture, 1, between, Caller.System));
        await fixture.Do(CommandKind.Update, "Plain", """{"text":"b"}""", "1");
        Assert.Equal(("a", 3), await TextAsync(fixture, 1, between, Caller.System));
        Assert.Equal(("a", 0), await TextAsync(fixture, 1, between, Caller.System));
    }

    /// <summary>Asked again and again while everything goes on: from memory, half from memory, and from the database.</summary>
    [Fact]
    public async Task What_is_remembered_is_what_was_whatever_happens_meanwhile()
    {
        int seed = Counts.Seed(), runs = Counts.Of(test: 2, soak: 200), known = 0, asked = 0;
        bool isInProcess = true;
        await Counts.InRunsAsync(seed, runs, async run =>
        {
            var (knownOfRun, askedOfRun, isInProcessOfRun) = await AskWhileWritingAsync(run);
            isInProcess = isInProcessOfRun;
            Interlocked.Add(ref known, knownOfRun);
            Interlocked.Add(ref asked, askedOfRun);
        });
        Counts.Report("records of then, asked again", runs, seed, $"{known} of {asked} known");
        Assert.True(!isInProcess || known * 10 > asked, $"seed {seed}: {known} of {asked} known");
    }

    static async Task<(int Known, int Asked, bool IsInProcess)> AskWhileWritingAsync(int seed)
    {
        using WriteFixture fixture = new(Schema);
        Random random = new(seed);
        List<(long Position, Dictionary<long, JsonObject> Cards)> seen = [];
        Dictionary<long, long> purged = [];
        int known = 0, asked = 0;
        for (int i = 0; i < 150; i++)
        {
            await WriteAsync(fixture, random, purged);
            if (i % 5 == 0) seen.Add((fixture.Engine.Position, await CardsAsync(fixture)));
            Dictionary<long, JsonObject> now = await CardsAsync(fixture);
            for (int question = 0; question < 6; question++)
            {
                var (position, cards) = seen[random.Next(Math.Max(0, seen.Count - 4), seen.Count)];
                long id = random.Next(1, 5);
                bool isForgotten = purged.GetValueOrDefault(id) > position;
                JsonObject? was = isForgotten ? null : cards.GetValueOrDefault(id);
                Caller caller = random.Next(3) == 0 ? Caller.System : s_ann;
                bool may = caller.IsSystem || (was is not null && May(was) && (now.GetValueOrDefault(id) is not { } card || May(card)));
                string? expected = was is null || was["deletedAt"] is not null || !may ? null : Shown(was);
                var (answer, statements) = await AskAsync(fixture, "Card", id, Text(position), caller);
                Assert.Equal((seed, i, position, id, caller.IsSystem, expected), (seed, i, position, id, caller.IsSystem, answer));
                asked++;
                if (expected is not null && statements < 2) known++;
            }
        }
        return (known, asked, fixture.Store.Database.IsInProcess);
    }

    [Fact]
    public async Task What_is_erased_or_purged_is_remembered_no_more()
    {
        using WriteFixture fixture = new(Schema);
        for (int id = 1; id <= 3; id++)
            await fixture.Do(CommandKind.Create, "Card", $$"""{"id":{{id}},"text":"t","note":"private","owner":"ann"}""");
        long then = fixture.Engine.Position;
        for (int id = 1; id <= 3; id++) await fixture.Do(CommandKind.Update, "Card", """{"text":"u"}""", Text(id));
        for (int id = 1; id <= 3; id++)
        {
            for (int i = 0; i < 2; i++)
                Assert.Contains("private", (await AskAsync(fixture, "Card", id, Text(then), s_ann)).Answer, StringComparison.Ordinal);
        }
        await fixture.Do(CommandKind.Delete, "Card", "", "2");
        await fixture.Do(CommandKind.Purge, "Card", "", "2");
        Assert.Null((await AskAsync(fixture, "Card", 2, Text(then), s_ann)).Answer);
        Assert.True((await fixture.Engine.EraseAsync(Caller.System, "Card", ["1"], scrubs: false, CancellationToken.None)).IsOk);
        for (int i = 0; i < 2; i++)
            Assert.DoesNotContain("private", (await AskAsync(fixture, "Card", 1, Text(then), s_ann)).Answer, StringComparison.Ordinal);
        Assert.Contains("private", (await AskAsync(fixture, "Card", 3, Text(then), s_ann)).Answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_retention_has_taken_is_not_answered_from_memory()
    {
        using WriteFixture fixture = new(Schema);
        await fixture.Do(CommandKind.Create, "Plain", """{"id":1,"text":"a"}""");
        long then = fixture.Engine.Position;
        await fixture.Do(CommandKind.Update, "Plain", """{"text":"b"}""", "1");
        long later = fixture.Engine.Position;
        await fixture.Do(CommandKind.Update, "Plain", """{"text":"c"}""", "1");
        foreach (long position in new[] { then, later, then, later }) await TextAsync(fixture, 1, position, s_ann);
        Assert.True((await LogCut.RunAsync(fixture.Store, later, null, CancellationToken.None)).IsOk);
        ReadRequest get = Get("Plain", 1, Text(then));
        Assert.Equal("as_of_too_old", (await fixture.Engine.ReadAsync(s_ann, get, CancellationToken.None)).Fault?.Code);
        Assert.Equal("b", (await TextAsync(fixture, 1, later, s_ann)).Text);
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_what_was_asked_for_last_stays()
    {
        RecordsThen then = new(bytesMax: 100_000);
        for (long id = 1; id <= 2000; id++)
        {
            then.Keep(Key(id), 7, new CachedRecord(id, 1, new byte[600]), then.Forgotten);
            Assert.True(then.TryFind(Key(1), 7, out CachedRecord? first) && first is { Version: 1 });
        }
        Assert.InRange(Enumerable.Range(1, 2000).Count(id => then.TryFind(Key(id), 7, out _)), 2, 100);
        Assert.False(then.TryFind(Key(1), 8, out _));
        // What was read before something was erased comes too late.
        long before = then.Forgotten;
        then.Forget();
        then.Keep(Key(1), 7, null, before);
        Assert.False(then.TryFind(Key(1), 7, out _));
        then.Keep(Key(1), 7, null, then.Forgotten);
        Assert.True(then.TryFind(Key(1), 7, out CachedRecord? none) && none is null);
        // One that would push out much of the rest is not kept.
        then.Keep(Key(2), 7, new CachedRecord(1, 1, new byte[50_000]), then.Forgotten);
        Assert.False(then.TryFind(Key(2), 7, out _));

        static RecordKey Key(long id) => RecordKey.OfStored("Plain", [Value.From(id)]);
    }

    [Fact]
    public void Times_that_are_remembered_are_few_and_none_is_the_end_of_the_log()
    {
        TimesThen times = new();
        times.Keep(at: 5, position: 9, head: 9);
        Assert.Null(times.Find(5));
        for (long at = 1; at <= Limits.PastTimesKept + 1; at++) times.Keep(at, at, long.MaxValue);
        Assert.Equal(Limits.PastTimesKept + 1L, times.Find(Limits.PastTimesKept + 1));
        Assert.Null(times.Find(1));
    }

    static async Task WriteAsync(WriteFixture fixture, Random random, Dictionary<long, long> purged)
    {
        long id = random.Next(1, 5);
        string owner = random.Next(3) == 0 ? "bob" : "ann", body =
            $$"""{"text":"t{{random.Next(9)}}","price":"{{random.Next(9)}}.50","owner":"{{owner}}","level":{{random.Next(7)}}""";
        switch (random.Next(12))
        {
            case < 4: await fixture.Send(CommandKind.Create, "Card", $$"""{{body}},"id":{{id}},"note":"n{{random.Next(9)}}"}"""); break;
            case < 8: await fixture.Send(CommandKind.Update, "Card", $$"""{{body}},"data":{"a":{{random.Next(9)}} } }""", Text(id)); break;
            case < 9: await fixture.Send(CommandKind.Update, "Card", """{"owner":"ann"}""", Text(id)); break;
            case < 10: await fixture.Send(CommandKind.Delete, "Card", "", Text(id)); break;
            case < 11: await fixture.Send(CommandKind.Restore, "Card", "", Text(id)); break;
            default:
                if ((await fixture.Send(CommandKind.Purge, "Card", "", Text(id))).IsOk) purged[id] = fixture.Engine.Position;
                break;
        }
    }

    static bool May(JsonObject card) => card["owner"]!.GetValue<string>() == "ann" || card["level"]!.GetValue<int>() == 5;

    static string Shown(JsonObject was)
    {
        JsonObject shown = (JsonObject)was.DeepClone();
        shown.Remove("deletedAt");
        return shown.ToJsonString();
    }

    static async Task<Dictionary<long, JsonObject>> CardsAsync(WriteFixture fixture)
    {
        ReadRequest all = new() { Model = "Card", Kind = ReadKind.List, Trashed = TrashMode.With };
        using ReadReply reply = (await fixture.Engine.ReadAsync(Caller.System, all, CancellationToken.None)).Value;
        return JsonNode.Parse(reply.Body.Written)!["items"]!.AsArray()
            .ToDictionary(card => card!["id"]!.GetValue<long>(), card => (JsonObject)card!.DeepClone());
    }

    static ReadRequest Get(string model, long id, string? asOf) =>
        new() { Model = model, Kind = ReadKind.Get, Key = [Text(id)], AsOf = asOf };

    static async Task<(string? Answer, int Statements)> AskAsync(
        WriteFixture fixture, string model, long id, string? asOf, Caller caller)
    {
        var result = await fixture.Engine.ReadAsync(caller, Get(model, id, asOf), CancellationToken.None);
        if (result.Fault is { } fault)
        {
            Assert.Equal("not_found", fault.Code);
            return (null, 0);
        }
        using ReadReply reply = result.Value;
        return (JsonNode.Parse(reply.Body.Written)!.ToJsonString(), reply.Timings.Statements);
    }

    static Task<(string? Text, int Statements)> TextAsync(WriteFixture fixture, long id, long? position, Caller caller) =>
        TextAsync(fixture, id, position is { } of ? Text(of) : null, caller);

    static async Task<(string? Text, int Statements)> TextAsync(
        WriteFixture fixture, long id, string? asOf, Caller caller, bool warm = false)
    {
        if (warm) await AskAsync(fixture, "Plain", id + 1, asOf, caller);
        var (answer, statements) = await AskAsync(fixture, "Plain", id, asOf, caller);
        return (JsonNode.Parse(answer!)!["text"]!.GetValue<string>(), statements);
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
