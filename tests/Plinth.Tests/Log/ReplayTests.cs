using System.Collections.Concurrent;
using System.Text;
using Plinth.Evolution;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ReplayTests
{
    /// <summary>Longer than any name.</summary>
    const string Long = Fifty + Fifty + Fifty + Fifty + Fifty + Fifty;

    const string Fifty = "01234567890123456789012345678901234567890123456789";

    [Fact]
    public async Task Random_histories_with_migrations_between_replay_to_the_tables()
    {
        int seed = Counts.Seed(), histories = Counts.Of(4, 100);
        ConcurrentDictionary<string, int> kinds = new(StringComparer.Ordinal);
        await Counts.InRunsAsync(seed, histories, async run =>
        {
            using History random = new(new Random(run));
            await random.RunAsync(steps: 150);
            ReplayReport replay = random.Fixture.Replay();
            Assert.True(replay.Differences.Count == 0, $"seed {run}: {string.Join(' ', replay.Differences)}");
            for (long from = replay.Position / 5; from < replay.Position; from += replay.Position / 5 + 1)
            {
                ReplayReport later = random.Fixture.Replay(from);
                Assert.True(later is { Refused: null, Differences.Count: 0 },
                    $"seed {run}, from {from}: {later.Refused}{string.Join(' ', later.Differences)}");
            }
            Assert.Null(random.Fixture.Store.Verify(CancellationToken.None).Wrong);
            foreach (string kind in random.Fixture.Query("select kind from plinth_events").Split(' '))
                kinds.AddOrUpdate(kind, 1, static (_, count) => count + 1);
        });

        // A history that does not do everything proves little.
        string[] all =
            [EventKinds.Created, EventKinds.Updated, EventKinds.Deleted, EventKinds.Restored, EventKinds.Purged, EventKinds.Migrated];
        Assert.All(all,
            kind => Assert.True(kinds.GetValueOrDefault(kind) >= 1, $"seed {seed}: only {kinds.GetValueOrDefault(kind)} events {kind}"));
        Counts.Report("random histories replayed", histories, seed, string.Join(", ", kinds.Select(k => $"{k.Key} {k.Value}")));
    }

    [Fact]
    public async Task A_log_that_is_longer_than_what_is_read_at_once_is_folded_to_its_end()
    {
        const int Count = 20_100;
        using WriteFixture fixture = new("""model Note { id Int @id  title String  @@allow("all", true) }""");
        var bulk = await fixture.Engine.BulkCreateAsync(Caller.System, "Note", Records(), key: null, CancellationToken.None);
        Assert.True(bulk.IsOk, bulk.Fault?.Message);
        bulk.Value.Dispose();
        List<long> told = [];
        ReplayReport replay = fixture.Engine.Replay((position, _) => told.Add(position), CancellationToken.None);
        Assert.Equal((Count, Count, 0), (replay.Events, replay.Records, replay.Differences.Count));
        Assert.Equal(replay.Position, told[^1]);

        static async IAsyncEnumerable<ReadOnlyMemory<byte>> Records()
        {
            for (int i = 1; i <= Count; i++) yield return Encoding.UTF8.GetBytes($$"""{"id":{{i}},"title":"note {{i}}"}""");
            await Task.CompletedTask;
        }
    }

    [Theory]
    [InlineData("update notes set title = 'behind the log' where id = 3", "title is not what the log gives")]
    [InlineData("update notes set secret = null where id = 3", "secret is not what the log gives")]
    [InlineData("update notes set _version = 8 where id = 3", "the table is at version 8, the log at 1")]
    [InlineData("delete from notes where id = 3", "the log has it, the table does not")]
    [InlineData("insert into notes (id, title, tags) values (9, 'nine', '[]')", "the table has it, the log does not")]
    [InlineData("update plinth_events set data = null where position = 3", "payloads of its events were removed")]
    [InlineData("update plinth_events set kind = 'erased' where position = 3", "which is not there")]
    [InlineData("update plinth_events set kind = 'erased', data = null where position = 3", "the table has it, the log does not")]
    [InlineData("update plinth_events set record_id = '2', data = null where position = 3", "which is there already")]
    [InlineData("update plinth_events set data = cast('{\"set\":{\"gone\":1}}' as blob) where position = 3",
        "names a field that Note does not have")]
    [InlineData("update plinth_events set data = cast('{\"set\":{\"id\":\"x\"}}' as blob) where position = 3", "none of its type")]
    [InlineData("update plinth_events set kind = 'updated' where position = 3", "which is not there")]
    [InlineData("update plinth_events set kind = 'purged' where position = 3", "which is not there")]
    [InlineData("update plinth_events set record_id = '2' where position = 3", "which is there already")]
    [InlineData("update plinth_events set model = 'N' || '" + Long + "' where position = 3", "the table has it, the log does not")]
    public async Task Whatever_changed_behind_the_log_is_named(string behind, string expected)
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 5; i++) await fixture.CreatedAsync(i, $"note {i}", "secret");
        Assert.Empty(fixture.Store.Replay(LogFixture.Schema, null, CancellationToken.None).Differences);
        fixture.Store.Database.Writer.Execute(TestDatabase.Sql(behind));
        string difference = Assert.Single(fixture.Store.Replay(LogFixture.Schema, null, CancellationToken.None).Differences);
        Assert.Contains(expected, difference, StringComparison.Ordinal);
        Assert.DoesNotContain("behind the log", difference, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("delete from notes")]
    [InlineData("update notes set title = 'x' || id")]
    [InlineData("""
        with recursive n(i) as (select 1000 union all select i + 1 from n where i < 7000)
          insert into notes (id, title, tags) select n.i, 'x' || n.i, notes.tags from n, notes where notes.id = 1
        """)]
    public async Task No_more_than_a_hundred_differences_are_told(string behind)
    {
        using LogFixture fixture = new();
        await Task.WhenAll(Enumerable.Range(1, 120).Select(i => fixture.CreatedAsync(i, $"note {i}")));
        fixture.Store.Database.Writer.Execute(behind);
        Assert.Equal(Replay.DifferencesMax, fixture.Store.Replay(LogFixture.Schema, null, CancellationToken.None).Differences.Count);
    }

    [Fact]
    public async Task From_a_position_on_no_more_than_a_hundred_differences_are_told_either()
    {
        using LogFixture fixture = new();
        await Task.WhenAll(Enumerable.Range(1, 120).Select(i => fixture.CreatedAsync(i, $"note {i}")));
        long from = fixture.Store.Log.Head;
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            for (int i = 1; i <= 120; i++)
            {
                Value[] before = LogFixture.Row(i, $"note {i}"), after = LogFixture.Row(i, $"new {i}");
                tx.Append(fixture.Store.Events.Updated(LogFixture.Note, before, after, 2, LogFixture.Origin));
            }
            using Statement update = tx.Prepare("update notes set title = 'new ' || id, _version = 2");
            update.Run();
            return Done.It;
        }), CancellationToken.None);
        Assert.Empty(Run().Differences);
        fixture.Store.Database.Writer.Execute("delete from notes");
        IReadOnlyList<string> told = Run().Differences;
        Assert.Equal(Replay.DifferencesMax, told.Count);
        Assert.All(told, static difference => Assert.Contains("the log changes it, the table does not have it", difference,
            StringComparison.Ordinal));

        ReplayReport Run() => RunFrom(fixture, from);
    }

    [Theory]
    [InlineData("update plinth_events set data = cast('{\"was\":{\"gone\":1}}' as blob) where position = 2", "names a field")]
    [InlineData("update plinth_events set data = cast('{\"was\":{\"id\":\"x\"}}' as blob) where position = 2", "none of its type")]
    public async Task An_event_that_cannot_be_undone_is_named(string behind, string expected)
    {
        using LogFixture fixture = new();
        Value[] before = LogFixture.Row(1, "one"), after = LogFixture.Row(1, "two");
        await fixture.CreatedAsync(1, "one");
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Append(fixture.Store.Events.Updated(LogFixture.Note, before, after, 2, LogFixture.Origin));
            return Done.It;
        }), CancellationToken.None);
        fixture.Store.Database.Writer.Execute(TestDatabase.Sql(behind));
        Assert.Contains(expected, Assert.Single(RunFrom(fixture, 1).Differences), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_of_models_that_are_gone_are_passed_over_by_every_replay()
    {
        using MigratorFixture fixture = new();
        const string Note = "model Note { id Int @id  text String  @@allow(\"all\", true) }",
            Other = "model Other { id Int @id  text String  @@allow(\"all\", true) }",
            Idle = "model Idle { id Int @id  @@allow(\"all\", true) }";
        await fixture.MigrateAsync($"{Note} {Other} {Idle}");
        await fixture.InsertAsync("Note", [Value.From(1), Value.From("a")]);
        long middle = fixture.Store.Log.Head;
        await fixture.InsertAsync("Other", [Value.From(1), Value.From("a")]);
        await fixture.InsertAsync("Note", [Value.From(2), Value.From("a")]);
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            using Statement delete = tx.Prepare("delete from others");
            delete.Run();
            tx.Append(fixture.Store.Events.Deleted(
                fixture.Schema.Model("Other"), [Value.From(1), Value.From("a")], 2, LogFixture.Origin));
            return Done.It;
        }), CancellationToken.None);
        await fixture.MigrateAsync($"{Note} {Idle}");
        foreach (ReplayScope scope in new ReplayScope[] { new([], 0), new([], middle), new(["Note"], 0), new(["Note"], middle) })
        {
            ReplayReport report = RunFrom(fixture.Store, fixture.Schema, scope);
            Assert.Equal((null, 0), (report.Refused, report.Differences.Count));
            Assert.Equal(scope.From == 0 ? 2 : 1, report.Records);
        }
        // Nothing has ever happened to it.
        ReplayReport idle = RunFrom(fixture.Store, fixture.Schema, new(["Idle"], 0));
        Assert.Equal((0, 0, 0), (idle.Events, idle.Records, idle.Differences.Count));
    }

    static ReplayReport RunFrom(LogFixture fixture, long from) => RunFrom(fixture.Store, LogFixture.Schema, new([], from));

    static ReplayReport RunFrom(EventStore store, AppSchema schema, ReplayScope scope)
    {
        using Connection reader = store.Database.OpenReader();
        return new Replay(schema, store.Keys, new Ddl(store.Database.Dialect, schema)).Run(reader, scope, null, CancellationToken.None);
    }

    // A shared database refuses a node with another key before it has read anything: SeveralNodesTests.
    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task Sealed_values_under_another_key_of_the_name_are_told_as_that()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one", secret: "s");
        File.WriteAllText(LogKeys.FileOf(fixture.Folder), $"master-1 {Convert.ToBase64String(new byte[32])}\n");
        string difference = Assert.Single(fixture.Reopen().Replay(LogFixture.Schema, null, CancellationToken.None).Differences);
        Assert.Contains("key file", difference, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_is_told_and_a_replay_can_be_stopped()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 3; i++) await fixture.CreatedAsync(i, $"note {i}");
        List<(long, long)> told = [];
        fixture.Store.Replay(LogFixture.Schema, (position, head) => told.Add((position, head)), CancellationToken.None);
        Assert.Equal((3L, 3L), told[^1]);
        using CancellationTokenSource stopped = new();
        await stopped.CancelAsync();
        Assert.Throws<OperationCanceledException>(() => fixture.Store.Replay(LogFixture.Schema, null, stopped.Token));
        Assert.Throws<OperationCanceledException>(() => fixture.Store.Verify(stopped.Token));
    }

    [Fact]
    public async Task Of_many_events_that_do_not_fit_the_first_of_the_log_is_told()
    {
        using LogFixture fixture = new();
        await Task.WhenAll(Enumerable.Range(1, 60).Select(i => fixture.CreatedAsync(i, $"note {i}")));
        fixture.Store.Database.Writer.Execute("update plinth_events set kind = 'purged' where position > 6");
        string difference = Assert.Single(fixture.Store.Replay(LogFixture.Schema, null, CancellationToken.None).Differences);
        Assert.StartsWith("position 7: purged of Note", difference, StringComparison.Ordinal);
    }

    /// <summary>One random history: commands as a planner would make them, and schema changes between.</summary>
    sealed class History(Random random) : IDisposable
    {
        readonly Dictionary<Guid, long> _versions = [];
        readonly List<string> _fields = ["title String", "secret String? @serverOnly", "phone String? @pii", "amount Int", "tags String[]"];
        string _titleName = "title";
        int _added;
        int _version = 1;

        public MigratorFixture Fixture { get; } = new();

        Model Doc => Fixture.Schema.Model("Doc");

        public async Task RunAsync(int steps)
        {
            await MigrateAsync();
            for (int step = 0; step < steps; step++)
            {
                if (random.Next(15) == 0) await ChangeSchemaAsync();
                else await ActAsync();
            }
        }

        public void Dispose() => Fixture.Dispose();

        Task<MigrationReport> MigrateAsync() => Fixture.MigrateAsync(
            $"app test {{ version = {_version} }}\n"
            + $"model Doc {{ id Uuid @id @default(uuid7())  {string.Join("  ", _fields)}  @@softDelete  @@allow(\"all\", true) }}");

        async Task ChangeSchemaAsync()
        {
            int number = ++_added;
            switch (random.Next(7))
            {
                case 5:
                    _fields[1] += $" @upcast({++_version}, old == null ? \"none\" : old == \"none\" ? null : \"<\" + old)";
                    break;
                case 6: _fields[3] += $" @upcast({++_version}, old * 2 - 3)"; break;
                case 0: _fields.Add($"extra{number} String?"); break;
                case 1: _fields.Add($"extra{number} Int @default({number})"); break;
                case 2: _fields.Add($"extra{number} Uuid @default(uuid7())"); break;
                case 3: _fields.Add($"extra{number} String? @computed({_titleName} + \"!\")"); break;
                default:
                    // Computed fields name it; they stay as they are when there are none.
                    if (_fields.Exists(field => field.Contains("@computed", StringComparison.Ordinal))) return;
                    string next = $"title{number}";
                    _fields[0] = $"{next} String @renamedFrom(\"{_titleName}\")";
                    _titleName = next;
                    break;
            }

            await MigrateAsync();
            if (_fields[0].Contains("@renamedFrom", StringComparison.Ordinal)) _fields[0] = $"{_titleName} String";
            foreach (string line in Fixture.Query("select id, _version from docs").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                string[] parts = line.Split(',');
                _versions[new Guid(Convert.FromHexString(parts[0]), bigEndian: true)] =
                    long.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        async Task ActAsync()
        {
            int action = random.Next(10);
            if (_versions.Count == 0 || action < 3)
            {
                await CreateAsync();
                return;
            }

            Guid id = _versions.Keys.ElementAt(random.Next(_versions.Count));
            Result<Done> result = await Fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
            {
                Value[] before = Read(tx.Connection, id);
                bool isDeleted = !Deleted(before).IsNull;
                if (isDeleted && action < 6) Restore(tx, before, id);
                else if (isDeleted || action == 9) Purge(tx, before, id);
                else if (action < 8) Update(tx, before, id);
                else SoftDelete(tx, before, id);
                return Done.It;
            }), CancellationToken.None);
            Assert.True(result.IsOk);
        }

        async Task CreateAsync()
        {
            Value[] row = [.. Doc.Fields.Select(Any)];
            Guid id = Guid.CreateVersion7();
            row[0] = Value.From(id);
            row[Ordinal(Model.DeletedAt)] = Value.Null;
            await Fixture.InsertAsync("Doc", row);
            _versions[id] = 1;
        }

        void Update(WriteTransaction tx, Value[] before, Guid id)
        {
            Value[] after = [.. before];
            foreach (Field field in Doc.Fields)
            {
                if (field.Name is not ("id" or Model.DeletedAt) && random.Next(2) == 0) after[field.Ordinal] = Any(field);
            }

            Write(tx, after, id);
            tx.Append(Fixture.Store.Events.Updated(Doc, before, after, _versions[id], LogFixture.Origin));
        }

        void SoftDelete(WriteTransaction tx, Value[] before, Guid id)
        {
            Value[] after = [.. before];
            after[Ordinal(Model.DeletedAt)] = Value.FromDateTime(tx.Now);
            Write(tx, after, id);
            tx.Append(Fixture.Store.Events.SoftDeleted(Doc, before, after, _versions[id], LogFixture.Origin));
        }

        void Restore(WriteTransaction tx, Value[] before, Guid id)
        {
            Value[] after = [.. before];
            after[Ordinal(Model.DeletedAt)] = Value.Null;
            Write(tx, after, id);
            tx.Append(Fixture.Store.Events.Restored(Doc, before, after, _versions[id], LogFixture.Origin));
        }

        void Purge(WriteTransaction tx, Value[] before, Guid id)
        {
            using Statement delete = tx.Prepare("delete from docs where id = ?1");
            delete.Bind(1, before[0]);
            delete.Run();
            tx.RemovePayloads("Doc", id.ToString());
            tx.Append(random.Next(2) == 0
                ? Fixture.Store.Events.Purged(Doc, before, _versions[id] + 1, LogFixture.Origin)
                : Fixture.Store.Events.Deleted(Doc, before, _versions[id] + 1, LogFixture.Origin));
            _versions.Remove(id);
        }

        void Write(WriteTransaction tx, Value[] row, Guid id)
        {
            Ddl ddl = new(Fixture.Store.Database.Dialect, Fixture.Schema);
            List<string> columns = [.. Doc.Fields.Select(field => field.Column), TableShape.VersionColumn];
            using Statement update = tx.Prepare(ddl.UpdateRow("docs", "id", columns));
            for (int i = 0; i < row.Length; i++) update.Bind(i + 1, row[i]);
            update.BindInt64(columns.Count, ++_versions[id]);
            update.Bind(columns.Count + 1, row[0]);
            update.Run();
        }

        Value[] Read(Connection connection, Guid id)
        {
            Ddl ddl = new(Fixture.Store.Database.Dialect, Fixture.Schema);
            using Statement select = connection.Prepare(ddl.SelectRows("docs", "id", [.. Doc.Fields.Select(field => field.Column)]));
            while (select.Step())
            {
                Value[] row = [.. Doc.Fields.Select(field => select.ColumnValue(field.Ordinal, field))];
                if (row[0].Uuid == id) return row;
            }

            throw new InvalidOperationException($"{id} is gone");
        }

        Value Any(Field field)
        {
            if (field.IsNullable && random.Next(4) == 0) return Value.Null;
            if (field.IsList) return Value.FromJson(random.Next(2) == 0 ? "[]"u8.ToArray() : "[\"a\\nb\",\"\u00E9\"]"u8.ToArray());
            return field.Type switch
            {
                ScalarFieldType { Scalar.Kind: ValueKind.Int } => Value.From(random.Next(-5, 5)),
                ScalarFieldType { Scalar.Kind: ValueKind.Uuid } => Value.From(Guid.NewGuid()),
                ScalarFieldType { Scalar.Kind: ValueKind.DateTime } => Value.Null,
                _ => Value.From(
                    random.Next(6) switch { 0 => "", 1 => "quote \" and \\ and \u0001", 2 => "\U0001F600",
                    _ => $"text {random.Next(100)}" }),
            };
        }

        Value Deleted(Value[] row) => row[Ordinal(Model.DeletedAt)];

        int Ordinal(string name) => Doc.Field(name)!.Ordinal; // Of the schema above, which has it.
    }
}
