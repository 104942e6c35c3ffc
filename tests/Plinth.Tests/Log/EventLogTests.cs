using System.Text;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Store.Sqlite;
using Plinth.Text;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class EventLogTests
{
    [Fact]
    public async Task Positions_are_dense_in_commit_order_and_chained_from_many_writers()
    {
        using LogFixture fixture = new();
        Task[] writers = [.. Enumerable.Range(0, 16).Select(async w =>
        {
            for (int i = 0; i < 50; i++)
            {
                // Every tenth is refused: refused commands leave no hole.
                bool taken = i % 10 == 9;
                await fixture.CreateAsync((w * 50) + i + 1, taken ? "0:0" : $"{w}:{i}");
            }
        })];
        await Task.WhenAll(writers);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        List<LogEvent> events = EventLog.Read(lease.Connection, 0, 10_000);
        Assert.Equal(16 * 45, events.Count);
        Assert.Equal(Enumerable.Range(1, events.Count).Select(i => (long)i), events.Select(happened => happened.Position));
        Assert.True(events.Zip(events.Skip(1)).All(pair => pair.First.At <= pair.Second.At));
        Assert.Equal(events.Count, fixture.Store.Log.Head);
        LogVerification verified = EventLog.Verify(lease.Connection, CancellationToken.None);
        Assert.Null(verified.Wrong);
        Assert.Equal(events.Count, verified.Events);
        Assert.InRange(verified.Commits, 1, fixture.Store.Committer.Groups);
    }

    [Theory]
    [InlineData("update plinth_events set data = cast('{\"set\":{}}' as blob) where position = 5", "payload")]
    [InlineData("update plinth_events set actor = 'somebody else' where position = 5", "hash differs")]
    [InlineData("update plinth_events set record_id = '1' where position = 5", "hash differs")]
    [InlineData("update plinth_events set version = 7 where position = 5", "hash differs")]
    [InlineData("delete from plinth_events where position = 5", "missing")]
    [InlineData("delete from plinth_events where position = 8", "missing")]
    [InlineData("delete from plinth_commits where first_position = 5", "does not follow")]
    [InlineData("update plinth_commits set at = at + 1 where first_position = 5", "does not belong")]
    [InlineData("update plinth_events set data = cast('{}' as blob), digest = digest where position = 8", "payload")]
    [InlineData("delete from plinth_events where position = 8; delete from plinth_commits where first_position = 8", "head says 8")]
    public async Task Whoever_changes_the_log_is_found_out(string tampering, string expected)
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 8; i++) await fixture.CreatedAsync(i, $"note {i}");
        fixture.Store.Database.Writer.Execute(TestDatabase.Sql(tampering));
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        string? wrong = EventLog.Verify(lease.Connection, CancellationToken.None).Wrong;
        Assert.Contains(expected, wrong, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_history_of_a_record_is_its_events_in_order()
    {
        using LogFixture fixture = new();
        Value[] before = LogFixture.Row(7, "first"), after = LogFixture.Row(7, "second");
        await fixture.CreatedAsync(7, "first");
        await fixture.CreatedAsync(8, "another");
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Append(fixture.Store.Events.Updated(LogFixture.Note, before, after, 2, LogFixture.Origin));
            return Done.It;
        }), CancellationToken.None);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        List<LogEvent> history = EventLog.History(lease.Connection, "Note", "7", 0, 100);
        Assert.Equal([EventKinds.Created, EventKinds.Updated], history.Select(happened => happened.Kind));
        Assert.Equal("""{"set":{"title":"second"},"was":{"title":"first"}}""", Encoding.UTF8.GetString(history[1].Data!));
        Assert.Equal("u1", history[1].Actor);
        Assert.Equal(2, history[1].Version);
    }

    [Fact]
    public async Task Secret_values_are_sealed_in_the_log_and_open_only_with_the_key_and_their_event()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "plain title", secret: "hunter2");
        LogEvent created;
        using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None)) created = EventLog.Read(lease.Connection, 0, 1)[0];
        string data = Encoding.UTF8.GetString(created.Data!);
        Assert.Contains("plain title", data, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", data, StringComparison.Ordinal);
        Assert.Contains("\"fields\":[\"secret\"]", data, StringComparison.Ordinal);
        Assert.Contains("\"key\":\"master-1\"", data, StringComparison.Ordinal);
        Assert.Contains("secret", Payload.FieldNames(created.Data!));

        Value[] row = new Value[LogFixture.Note.Fields.Length];
        Assert.True(Payload.Read(created, "set"u8, LogFixture.Note, null, fixture.Store.Keys, row));
        Assert.Equal(LogFixture.Row(1, "plain title", "hunter2"), row);

        LogEvent moved = new()
        {
            EventId = Guid.CreateVersion7(), Model = created.Model, RecordId = created.RecordId, Version = 1, Kind = created.Kind,
            Data = created.Data, Digest = created.Digest, SchemaVersion = 1,
        };
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(
            () => Payload.Read(moved, "set"u8, LogFixture.Note, null, fixture.Store.Keys, row));

        using TempFolder elsewhere = new();
        using LogKeys others = LogKeys.Open(elsewhere.Path, mayCreate: true);
        Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(
            () => Payload.Read(created, "set"u8, LogFixture.Note, null, others, row));
        foreach (string file in Directory.GetFiles(fixture.Folder, "data.db*"))
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            string text = Encoding.Latin1.GetString(bytes);
            int inTable = text.Split("hunter2").Length - 1;
            Assert.True(inTable <= 1, $"{Path.GetFileName(file)}: the secret is in the table, and nowhere else");
        }
    }

    [Fact]
    public void The_key_file_is_for_its_owner_only_and_survives()
    {
        using TempFolder folder = new();
        byte[] box;
        using (LogKeys keys = LogKeys.Open(folder.Path, mayCreate: true)) box = keys.Seal("x"u8, "bound"u8);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File("master.key")));
        }

        using LogKeys again = LogKeys.Open(folder.Path, mayCreate: false);
        Assert.Equal("x", Encoding.UTF8.GetString(again.Open(again.CurrentId, box, "bound"u8)!));
        Assert.Null(again.Open("no such key", box, "bound"u8));
        File.WriteAllText(folder.File("master.key"), "master-1 tooshort\n");
        Assert.Throws<StoreException>(() => LogKeys.Open(folder.Path, mayCreate: true));
        File.Delete(folder.File("master.key"));
        Assert.Throws<StoreException>(() => LogKeys.Open(folder.Path, mayCreate: false));
    }

    [Fact]
    public async Task Removed_payloads_leave_the_chain_whole()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 3; i++) await fixture.CreatedAsync(i, $"note {i}");
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Append(
                fixture.Store.Events.Updated(LogFixture.Note, LogFixture.Row(2, "note 2"), LogFixture.Row(2, "x"), 2, LogFixture.Origin));
            tx.RemovePayloads("Note", "2");
            tx.Append(fixture.Store.Events.Purged(LogFixture.Note, LogFixture.Row(2, "x"), 3, LogFixture.Origin));
            return Done.It;
        }), CancellationToken.None);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        List<LogEvent> history = EventLog.History(lease.Connection, "Note", "2", 0, 10);
        Assert.Equal(3, history.Count);
        Assert.Null(history[0].Data);
        Assert.Null(history[1].Data);
        Assert.Equal("{}", Encoding.UTF8.GetString(history[2].Data!));
        Assert.Null(EventLog.Verify(lease.Connection, CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task The_log_goes_on_where_it_was_after_a_restart()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        fixture.Reopen();
        Assert.Equal(1, fixture.Store.Log.Head);
        await fixture.CreatedAsync(2, "two");
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Null(EventLog.Verify(lease.Connection, CancellationToken.None).Wrong);
        Assert.Equal(2, EventLog.ReadHead(lease.Connection).Position);
    }

    [Fact]
    public async Task Texts_of_any_length_are_in_the_chain()
    {
        using LogFixture fixture = new();
        EventOrigin origin = new(new string('u', 300), new string('é', 200), 1);
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            Value[] row = LogFixture.Row(1, "one");
            CreateNote.Insert(tx, row);
            tx.Append(fixture.Store.Events.Created(LogFixture.Note, row, 1, origin));
            return Done.It;
        }), CancellationToken.None);
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        fixture.Store.Database.Writer.Execute($"update plinth_events set actor = '{new string('u', 299)}v'");
        Assert.Contains("hash differs", fixture.Store.Verify(CancellationToken.None).Wrong, StringComparison.Ordinal);
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public void A_log_without_its_head_is_damaged()
    {
        using LogFixture fixture = new();
        fixture.Store.Database.Writer.Execute("delete from plinth_log_head");
        StoreOptions readOnly = fixture.Options with { ReadOnly = true };
        StoreException damaged = Assert.Throws<StoreException>(
            () => EventStore.Open(SqliteDatabase.Open(readOnly, TimeProvider.System), TimeProvider.System, Limits.Default));
        Assert.Equal(StoreFailure.Corrupt, damaged.Failure);
    }

    [Fact]
    public async Task A_log_that_loses_its_head_says_so_to_readers_and_writers()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        fixture.Store.Database.Writer.Execute("delete from plinth_log_head");
        using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None))
        {
            StoreException damaged = await Assert.ThrowsAsync<StoreException>(
                () => EventLog.ReadPlaceAsync(lease.Connection, CancellationToken.None).AsTask());
            Assert.Equal(StoreFailure.Corrupt, damaged.Failure);
        }
        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => fixture.CreateAsync(2, "two").AsTask());
        Assert.Contains("log", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_form_of_the_followers_table_gives_way_to_the_one_that_keeps_their_places()
    {
        using LogFixture fixture = new();
        fixture.Store.Database.Writer.Execute("drop table plinth_followers");
        fixture.Store.Database.Writer.Execute("create table plinth_followers (name varchar(100) primary key, position bigint not null)");
        fixture.Store.Database.Writer.Execute("insert into plinth_followers values ('hooks', 3)");
        await fixture.CreatedAsync(1, "one");
        fixture.Reopen();
        await using DurableFollower follower = new(fixture.Store, "hooks", new FollowerWork(null, static (_, _) => { }));
        await FollowerTests.UntilAsync(() => follower.Status.Position == 1);
    }

    [Fact]
    public async Task A_log_of_an_earlier_version_is_looked_at_as_it_is_and_brought_up_to_date_by_who_writes()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        Connection writer = fixture.Store.Database.Writer;
        foreach (string table in new[] { LogCut.Table, LogStart.Table, "plinth_read_cut" }) writer.Execute($"drop table {table}");
        Assert.Equal(new LogVerification(1, 1, null), fixture.Store.Verify(CancellationToken.None));
        Assert.Equal((null, 0), Replayed());

        // Before anything was personal.
        writer.Execute("drop index plinth_events_subject");
        foreach (string column in new[] { "salt", "subject" }) writer.Execute($"alter table plinth_events drop column {column}");
        fixture.Reopen();
        await fixture.CreatedAsync(2, "two");
        Assert.Equal(new LogVerification(2, 2, null), fixture.Store.Verify(CancellationToken.None));
        Assert.Equal((null, 0), Replayed());

        (string?, int) Replayed()
        {
            ReplayReport report = fixture.Store.Replay(LogFixture.Schema, null, CancellationToken.None);
            return (report.Refused, report.Differences.Count);
        }
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public void A_store_whose_keys_are_damaged_does_not_open_and_frees_its_folder()
    {
        using TempFolder folder = new();
        StoreProcess.Open(folder.Path).Dispose();
        string file = LogKeys.FileOf(folder.Path);
        byte[] keys = File.ReadAllBytes(file);
        File.WriteAllText(file, "nonsense");
        Assert.Throws<StoreException>(() => StoreProcess.Open(folder.Path));
        File.WriteAllBytes(file, keys);
        StoreProcess.Open(folder.Path).Dispose();
    }

    [Theory]
    [InlineData("""{"set":{"stage":5}}""", "refused")]
    [InlineData("""{"set":{"stage":"open"}}""", "open")]
    [InlineData("""{"sealed":[{"fields":["stage"],"box":"AAAA"}]}""", "nothing")]
    [InlineData("""{"sealed":[{"pii":true,"fields":["stage"],"box":"AAAA"}]}""", "nothing")]
    [InlineData("""{"other":{"stage":5},"was":{"stage":7}}""", "nothing")]
    public void A_payload_gives_a_word_or_nothing_or_is_refused(string data, string expected)
    {
        Model model = LogFixture.Note with
        {
            Fields =
            [
                new Field { Name = "stage", Column = "stage", Type = new EnumFieldType(new EnumType("Stage", ["open"])) },
            ],
        };
        LogEvent happened = new()
        {
            EventId = Guid.CreateVersion7(), Model = "Note", RecordId = "1", Version = 1, Kind = EventKinds.Updated,
            Data = Encoding.UTF8.GetBytes(data), Digest = [], SchemaVersion = 1,
        };
        using TempFolder folder = new();
        using LogKeys keys = LogKeys.Open(folder.Path, mayCreate: true);
        Value[] row = new Value[1];
        if (expected is "refused")
        {
            Assert.Throws<InvalidDataException>(() => Payload.Read(happened, "set"u8, model, null, keys, row));
            return;
        }

        // What names no key that is here is sealed for good.
        Assert.Equal(expected is not "nothing", Payload.Read(happened, "set"u8, model, null, keys, row));
        Assert.Equal(expected is "nothing" ? Value.Null : Value.From(expected), row[0]);
    }
}
