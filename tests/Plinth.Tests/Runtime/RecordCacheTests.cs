using System.Text.Json;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

public class RecordCacheTests
{
    const string Schema = """
        auth { id Int   role String? }
        model Counter { id Int @id   value Int   @@allow("all", true) }
        model Note {
          id Int @id   owner Int   text String?   secret Int? @serverOnly   big BigInt?   at DateTime?   tags String[]
            price Decimal(6, 2)?
          @@allow("read", owner == auth.id)
        }
        model Guarded { id Int @id   secret Int? @serverOnly   @@allow("read", secret == 1) }
        """;

    static ReadRequest Get(string model, long id) =>
        new() { Model = model, Kind = ReadKind.Get, Key = [id.ToString(System.Globalization.CultureInfo.InvariantCulture)] };

    static Caller User(long id) => new(Value.FromMap(new ValueMap([KeyValuePair.Create("id", Value.From(id))])), "user");

    static int ValueOf(ReadsFixture fixture, long id)
    {
        using JsonDocument record = JsonDocument.Parse(fixture.Json(Get("Counter", id)));
        return record.RootElement.GetProperty("value").GetInt32();
    }

    [Fact]
    public async Task A_record_read_twice_comes_from_memory_with_the_same_bytes_and_version()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        await fixture.InsertAsync("Counter", """{"id":1,"value":5}""");
        using ReadReply first = fixture.Read(Get("Counter", 1)), second = fixture.Read(Get("Counter", 1));
        Assert.Equal((1, false), (first.Timings.Statements, first.Timings.CacheHit));
        Assert.Equal((0, true), (second.Timings.Statements, second.Timings.CacheHit));
        Assert.Equal(first.Body.Written.ToArray(), second.Body.Written.ToArray());
        Assert.Equal((1L, 1L), (first.Version, second.Version));
        Assert.Equal(fixture.Engine.Position, second.Position);
        Assert.Equal((1L, 1L), (fixture.Engine.Cache.Hits, fixture.Engine.Cache.Records));
    }

    [Fact]
    public async Task An_acknowledged_write_is_seen_by_the_next_read()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        await fixture.InsertAsync("Counter", """{"id":1,"value":0} {"id":2,"value":0}""");
        for (int i = 1; i <= 20; i++)
        {
            Assert.Equal(i - 1, ValueOf(fixture, 1));
            Assert.Equal(i - 1, ValueOf(fixture, 1));
            await fixture.SetAsync("Counter", Value.From(1L), "value", Value.From((long)i));
        }
        Assert.Equal(20, ValueOf(fixture, 1));
    }

    [Fact]
    public async Task What_is_read_is_never_older_than_what_was_acknowledged_when_the_read_began()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        await fixture.InsertAsync("Counter", """{"id":1,"value":0}""");
        int acknowledged = 0;
        int writes = Counts.Of(300, 20_000);
        using CancellationTokenSource done = new();
        Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                int before = Volatile.Read(ref acknowledged);
                int read = ValueOf(fixture, 1);
                Assert.True(read >= before, $"read {read} after {before} was acknowledged");
            }
        }))];
        for (int i = 1; i <= writes; i++)
        {
            await fixture.SetAsync("Counter", Value.From(1L), "value", Value.From((long)i));
            Volatile.Write(ref acknowledged, i);
        }
        await done.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(fixture.Engine.Cache.Hits > 0, "nothing was ever served from memory, so nothing was tested");
    }

    [Fact]
    public async Task A_rule_over_the_records_own_fields_is_held_against_the_cached_record()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        await fixture.InsertAsync("Note", """
            {"id":1,"owner":1,"text":"a \"b\"","secret":3,"big":"9007199254740993","at":"2026-01-02T03:04:05.678901Z","tags":["x"],
             "price":"1.20"}
            """);
        string first = fixture.Json(Get("Note", 1), User(1));
        Assert.Equal(first, fixture.Json(Get("Note", 1), User(1)));
        Assert.Equal(1, fixture.Engine.Cache.Hits);
        Fault refused = fixture.Fault(Get("Note", 1), User(2));
        Assert.Equal(fixture.Fault(Get("Note", 99), User(2)), refused);
        Assert.Equal(1, fixture.Engine.Cache.Refused);
        Assert.Equal(1, fixture.Engine.Cache.Hits);
    }

    [Fact]
    public async Task A_rule_over_what_the_answer_does_not_hold_is_left_to_the_database()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema);
        await fixture.InsertAsync("Guarded", """{"id":1,"secret":1} {"id":2,"secret":2}""");
        for (int i = 0; i < 3; i++)
        {
            using ReadReply reply = fixture.Read(Get("Guarded", 1), User(1));
            Assert.Equal(1, reply.Timings.Statements);
            Assert.Equal(Faults.NotFound, fixture.Fault(Get("Guarded", 2), User(1)).Kind);
        }
        fixture.Read(Get("Guarded", 2), Caller.System).Dispose();
        fixture.Read(Get("Guarded", 2), Caller.System).Dispose();
        Assert.Equal(Faults.NotFound, fixture.Fault(Get("Guarded", 2), User(1)).Kind);
    }

    [Fact]
    public async Task Nothing_is_kept_when_it_is_off()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(Schema, new Limits { CacheBytes = 0 });
        await fixture.InsertAsync("Counter", """{"id":1,"value":5}""");
        for (int i = 0; i < 3; i++)
        {
            using ReadReply reply = fixture.Read(Get("Counter", 1));
            Assert.Equal(1, reply.Timings.Statements);
        }
        Assert.Equal(default, fixture.Engine.Cache);
    }

    static RecordKey Key(long id) => RecordKey.OfStored("Counter", [Value.From(id)]);

    [Fact]
    public void A_fill_whose_read_began_before_an_invalidation_is_dropped()
    {
        RecordCache cache = new(1 << 20, position: 0);
        long position = cache.Position;
        cache.Announce(s_schema, Group(Event("1", 1)));
        cache.Settle(1);
        cache.Fill(Key(1), position, new CachedRecord(1, 1, [1]));
        Assert.Null(cache.Find(Key(1), 1));
        Assert.Equal(1, cache.Counts.Dropped);
        cache.Fill(Key(1), cache.Position, new CachedRecord(2, 1, [2]));
        Assert.Equal(2, cache.Find(Key(1), 1)?.Version);
        Assert.Equal(1, cache.Position);
    }

    [Fact]
    public void Between_the_announcement_of_a_change_and_its_commit_nothing_is_kept()
    {
        RecordCache cache = new(1 << 20, position: 5);
        cache.Fill(Key(1), cache.Position, new CachedRecord(1, 1, [1]));
        cache.Announce(s_schema, Group(Event("1", 6)));
        Assert.Null(cache.Find(Key(1), 1));
        cache.Fill(Key(1), cache.Position, new CachedRecord(1, 1, [1]));
        Assert.Null(cache.Find(Key(1), 1));
        // The commit failed: the position stands, and the place is open again for whoever reads after the next commit.
        cache.Settle(5);
        cache.Announce(s_schema, Group(Event("2", 6)));
        cache.Settle(6);
        cache.Fill(Key(1), cache.Position, new CachedRecord(1, 1, [1]));
        Assert.NotNull(cache.Find(Key(1), 1));
    }

    [Fact]
    public void A_create_closes_no_place_and_what_took_its_key_from_another_record_before_has_closed_it()
    {
        RecordCache cache = new(1 << 20, position: 5);
        long before = cache.Position;
        cache.Announce(s_schema, Group(Event("1", 6, EventKinds.Deleted)));
        cache.Settle(6);
        cache.Announce(s_schema, Group(Event("1", 7, EventKinds.Created)));
        for (int id = 2; id <= 500; id++)
        {
            cache.Fill(Key(id), cache.Position, new CachedRecord(1, 1, [1]));
            Assert.NotNull(cache.Find(Key(id), 1));
        }

        // Read before it was deleted.
        cache.Fill(Key(1), before, new CachedRecord(1, 1, [1]));
        Assert.Null(cache.Find(Key(1), 1));
        cache.Settle(7);
        cache.Fill(Key(1), before, new CachedRecord(1, 1, [1]));
        Assert.Null(cache.Find(Key(1), 1));
        cache.Fill(Key(1), cache.Position, new CachedRecord(1, 1, [2]));
        Assert.NotNull(cache.Find(Key(1), 1));
    }

    [Fact]
    public void Who_reads_in_a_snapshot_finds_no_record_that_may_be_newer()
    {
        RecordCache cache = new(1 << 20, position: 5);
        cache.Announce(s_schema, Group(Event("1", 6)));
        cache.Settle(6);
        cache.Fill(Key(1), cache.Position, new CachedRecord(2, 1, [2]));
        Assert.Null(cache.Find(Key(1), 1, position: 5));
        Assert.NotNull(cache.Find(Key(1), 1, position: 6));
    }

    [Fact]
    public void A_record_written_out_under_another_schema_is_not_found()
    {
        RecordCache cache = new(1 << 20, position: 0);
        cache.Fill(Key(1), cache.Position, new CachedRecord(1, 1, [1]));
        Assert.NotNull(cache.Find(Key(1), schemaVersion: 1));
        Assert.Null(cache.Find(Key(1), schemaVersion: 2));
    }

    [Fact]
    public void An_event_of_a_whole_model_clears_all()
    {
        RecordCache cache = new(1 << 20, position: 0);
        cache.Fill(Key(1), cache.Position, new CachedRecord(1, 1, [1]));
        cache.Announce(s_schema, Group(Event("", 1)));
        cache.Settle(1);
        Assert.Null(cache.Find(Key(1), 1));
    }

    [Fact]
    public void It_stays_within_its_bytes_and_the_coldest_go_first()
    {
        const int Bytes = 64 * 12 * 1024;
        RecordCache cache = new(Bytes, position: 0);
        for (long id = 0; id < 20_000; id++)
        {
            cache.Fill(Key(id), cache.Position, new CachedRecord(1, 1, new byte[300]));
            Assert.NotNull(cache.Find(Key(0), 1));
            if (id % 1000 == 0) Assert.True(cache.Counts.Bytes <= Bytes);
        }
        Assert.True(cache.Counts.Evictions > 15_000);
        Assert.InRange(cache.Counts.Bytes, Bytes / 2, Bytes);
        Assert.Equal(cache.Counts.Records * 700, cache.Counts.Bytes);
        Assert.Null(cache.Find(Key(1), 1));
    }

    static readonly AppSchema s_schema = Language.SchemaReader.Read([new SourceText("s", Schema)]).Schema!;

    static Announcement Group(LogEvent only) => new([only], only.Position, IsWhole: true);

    static LogEvent Event(string id, long position, string kind = EventKinds.Updated) => new()
    {
        EventId = Guid.NewGuid(), Model = "Counter", RecordId = id, Version = 2, Kind = kind, Data = null, Digest = [],
        SchemaVersion = 1, Position = position,
    };
}
