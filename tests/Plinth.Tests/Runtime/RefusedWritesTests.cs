using System.Text;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Writes that something stands against in the writer's turn: bounds, keys, costs, and what only the database knows.</summary>
public sealed class RefusedWritesTests
{
    const string Tree = """
        model Team { id Int @id  members Member[] @relation(name: "m")  fans Fan[] @relation(name: "f")
          @@softDelete  @@allow("all", true)  @@allow("purge", true) }
        model Member { id Int @id  team Team? @relation(name: "m", onDelete: cascade)  @@softDelete  @@allow("all", true) }
        model Fan { id Int @id  team Team? @relation(name: "f", onDelete: setNull)  @@allow("all", true) }
        """;

    [Fact]
    public async Task A_cascade_of_any_kind_is_bounded_and_changes_nothing_beyond_it()
    {
        using WriteFixture fixture = new(Tree, Limits.Default with { WriteRows = 2 });
        await fixture.Do(CommandKind.Create, "Team", """{"id":1}""");
        for (int i = 1; i <= 2; i++) await fixture.Do(CommandKind.Create, "Fan", $$"""{"id":{{i}},"teamId":1}""");
        Assert.StartsWith("cascade_too_large", await fixture.Refused(CommandKind.Purge, "Team", key: "1"), StringComparison.Ordinal);
        await fixture.Do(CommandKind.Delete, "Fan", key: "2");
        Assert.Equal(["""{"id":1,"teamId":1}"""], await fixture.Rows("Fan"));

        // The trash: what a larger bound let go, a smaller one does not let come back.
        await fixture.Do(CommandKind.Create, "Member", """{"id":1,"teamId":1}""");
        await fixture.Do(CommandKind.Delete, "Fan", key: "1");
        await fixture.Do(CommandKind.Delete, "Team", key: "1");
        await fixture.Do(CommandKind.Restore, "Team", key: "1");
        await fixture.Do(CommandKind.Create, "Team", """{"id":2}""");
        await fixture.Do(CommandKind.Create, "Team", """{"id":3}""");
        Command all = WriteFixture.Command(CommandKind.DeleteMany, "Team") with { Filter = "id < 3" };
        Assert.StartsWith("cascade_too_large", WriteFixture.Told(await fixture.Send(all)), StringComparison.Ordinal);
        Assert.StartsWith("too_many_rows",
            WriteFixture.Told(await fixture.Send(all with { Filter = "true" })), StringComparison.Ordinal);
        Assert.All(await fixture.Rows("Team"), row => Assert.StartsWith("{", row, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restore_is_bounded_like_the_deletion_before_it()
    {
        using WriteFixture fixture = new(Tree, Limits.Default with { WriteRows = 1 });
        await fixture.Do(CommandKind.Create, "Team", """{"id":1}""");
        await fixture.Do(CommandKind.Create, "Member", """{"id":1,"teamId":1}""");

        // As if both had been deleted by one command under a larger bound.
        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Connection.Execute("update teams set deleted_at = 5; update members set deleted_at = 5");
            return Done.It;
        }), CancellationToken.None);
        Assert.StartsWith("cascade_too_large", await fixture.Refused(CommandKind.Restore, "Team", key: "1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_moves_takes_along_a_bounded_number_of_records()
    {
        using WriteFixture pair = new("""
            model Team { id Int @id  code String @unique  area Int  @@allow("all", true) }
            model Badge { id Int @id  code String  area Int  @@unique([area])
              team Team @relation(fields: [code], references: [code], onUpdate: cascade)  @@allow("all", true) }
            """, Limits.Default with { WriteRows = 1 });
        await pair.Do(CommandKind.Create, "Team", """{"id":1,"code":"a","area":1}""");
        await pair.Do(CommandKind.Create, "Badge", """{"id":1,"code":"a","area":1}""");
        await pair.Do(CommandKind.Create, "Badge", """{"id":2,"code":"a","area":2}""");
        Assert.StartsWith("cascade_too_large",
            await pair.Refused(CommandKind.Update, "Team", """{"code":"b"}""", "1"), StringComparison.Ordinal);
        Assert.Equal(2, (await pair.Rows("Badge")).Count(row => row.Contains("\"a\"", StringComparison.Ordinal)));
        await pair.Do(CommandKind.Delete, "Badge", key: "2");
        await pair.Do(CommandKind.Update, "Team", """{"code":"b"}""", "1");
        Assert.Equal(["""{"id":1,"code":"b","area":1}"""], await pair.Rows("Badge"));
    }

    [Fact]
    public async Task A_constraint_that_only_the_database_knows_is_a_conflict_of_its_fields()
    {
        using WriteFixture fixture = new("""model Note { id Int @id  text String  @@allow("all", true) }""");
        fixture.Store.Database.Writer.Execute("create unique index sneaky on notes (text)");
        await fixture.Do(CommandKind.Create, "Note", """{"id":1,"text":"a"}""");
        await fixture.Do(CommandKind.Create, "Note", """{"id":2,"text":"b"}""");
        Assert.Equal("conflict text:conflict", await fixture.Refused(CommandKind.Update, "Note", """{"text":"a"}""", "2"));
        Assert.Equal(2, fixture.Store.Log.Head);
    }

    [Fact]
    public void A_constraint_is_told_by_the_key_that_it_is()
    {
        AppSchema schema = WriteFixture.Read("""
            model Note { id Int @id  a Int  b Int  @@unique([a, b], code: "pair_taken")  @@unique([a])  @@allow("all", true) }
            """);
        string table = schema.Model("Note").Table;
        Assert.Equal("pair_taken", Conflicts.Of(schema, new(ConstraintKind.Unique, table, ["a", "b"], null)).Code);
        Assert.Equal("conflict", Conflicts.Of(schema, new(ConstraintKind.Unique, table, ["a"], null)).Code);
        Assert.Empty(Conflicts.Of(schema, new(ConstraintKind.Unique, "elsewhere", ["a"], null)).Details);
        Assert.Empty(Conflicts.Of(schema, new(ConstraintKind.Check, null, [], "x")).Details);
    }

    [Fact]
    public async Task An_expression_over_its_cost_is_a_limit_and_writes_nothing()
    {
        string long_ = string.Join(',', Enumerable.Range(0, 200).Select(i => $"\"t{i}\""));
        using WriteFixture fixture = new("""
            model Note { id Int @id  tags String[] @check(tags.all(t, t.size() > 0))  @@allow("all", true) }
            """, Limits.Default with { ExpressionCost = 100 });
        string body = $$"""{"id":1,"tags":[{{long_}}]}""";
        Assert.StartsWith("limit_exceeded", await fixture.Refused(CommandKind.Create, "Note", body), StringComparison.Ordinal);
        var bulk = await fixture.Engine.BulkCreateAsync(Caller.System, "Note", One(), key: null, CancellationToken.None);
        Assert.StartsWith("limit_exceeded", WriteFixture.Told(bulk), StringComparison.Ordinal);
        Assert.Empty(fixture.Events());
        await fixture.Do(CommandKind.Create, "Note", """{"id":1,"tags":["a"]}""");

        async IAsyncEnumerable<ReadOnlyMemory<byte>> One()
        {
            await Task.Yield();
            yield return Encoding.UTF8.GetBytes(body);
        }
    }

    [Fact]
    public async Task A_record_whose_rule_costs_too_much_to_decide_is_not_there()
    {
        string tags = string.Join(',', Enumerable.Range(0, 200).Select(i => $"\"t{i}\""));
        using WriteFixture fixture = new("""
            auth { id String  role String }
            model Note { id Int @id  tags String[]  text String?
              @@allow("get", tags.exists(t, t == "last"))  @@allow("list, create, update, delete", true) }
            """, Limits.Default with { ExpressionCost = 100 });
        await fixture.Do(CommandKind.Create, "Note", $$"""{"id":1,"tags":[{{tags}},"last"]}""");
        await fixture.Do(CommandKind.Create, "Note", """{"id":2,"tags":["last"]}""");
        Assert.StartsWith("not_found", await fixture.Refused(CommandKind.Update, "Note", """{"text":"x"}""", "1", WriteFixture.As("a")),
            StringComparison.Ordinal);
        await fixture.Do(CommandKind.Update, "Note", """{"text":"x"}""", "2", WriteFixture.As("a"));
    }

    [Fact]
    public async Task A_number_that_the_writer_gives_is_held_against_the_checks()
    {
        using WriteFixture fixture = new("""
            model Note { id Int @id @default(autoincrement())  text String?  @@check(id < 2)  @@allow("all", true) }
            """);
        Assert.Equal("""{"id":1,"text":null}""", await fixture.Do(CommandKind.Create, "Note", "{}"));
        Assert.Equal("validation_failed :check", await fixture.Refused(CommandKind.Create, "Note", "{}"));
    }

    [Fact]
    public async Task A_command_that_is_outdated_again_and_again_is_given_up()
    {
        using WriteFixture fixture = new("""model Note { id Int @id  @@allow("all", true) }""");
        Snapshot one = fixture.Engine.Current;
        int asked = 0;
        Writes writes = new(fixture.Store, Another, fixture.Clock, fixture.Limits);
        var refused = await writes.RunAsync(
            Caller.System, WriteFixture.Command(CommandKind.Create, "Note", """{"id":1}"""), CancellationToken.None);
        Assert.StartsWith("not_ready", WriteFixture.Told(refused), StringComparison.Ordinal);
        Assert.True(asked >= 16, $"asked {asked} times");
        Assert.Empty(fixture.Events());

        WriteSchema Another()
        {
            asked++;
            return new Snapshot(one.Schema, one.Version, fixture.Store.Database.Dialect, fixture.Limits, new byte[32]).Writes;
        }
    }

    [Fact]
    public async Task A_reference_that_is_cleared_may_run_into_a_key_of_those_without_one()
    {
        using WriteFixture fixture = new("""
            model Team { id Int @id  fans Fan[]  @@allow("all", true) }
            model Fan { id Int @id  row Int  team Team? @relation(onDelete: setNull)  @@unique([row], where: teamId == null)
              @@allow("all", true) }
            """);
        await fixture.Do(CommandKind.Create, "Team", """{"id":1}""");
        await fixture.Do(CommandKind.Create, "Fan", """{"id":1,"row":1}""");
        await fixture.Do(CommandKind.Create, "Fan", """{"id":2,"row":1,"teamId":1}""");
        Assert.Equal("conflict row:conflict", await fixture.Refused(CommandKind.Delete, "Team", key: "1"));
        Assert.Single(await fixture.Rows("Team"));
    }

    [Fact]
    public async Task Records_that_a_filtered_deletion_meets_twice_go_once()
    {
        using WriteFixture fixture = new("""
            model Node { id Int @id  above Node? @relation(name: "tree", onDelete: cascade)  below Node[] @relation(name: "tree")
              @@allow("all", true) }
            """);
        await fixture.Do(CommandKind.Create, "Node", """{"id":1}""");
        await fixture.Do(CommandKind.Create, "Node", """{"id":2,"aboveId":1}""");
        Command all = WriteFixture.Command(CommandKind.DeleteMany, "Node") with { Filter = "true" };
        Assert.Equal("""{"matched":2,"changed":2}""", WriteFixture.Body(await fixture.Send(all)));
        Assert.Equal(4, fixture.Store.Log.Head);
    }

    [Fact]
    public async Task Tables_of_the_platform_that_cannot_be_made_stop_the_start()
    {
        using TempFolder folder = new();
        int commits = 0;
        EngineOptions options = new()
        {
            Store = new StoreOptions { Folder = folder.Path },
            OpenDatabase = (store, time) => new FailingDatabase(Store.Sqlite.SqliteDatabase.Open(store, time))
            {
                OnCommit = () =>
                {
                    if (++commits > 2) throw new StoreException(StoreFailure.Full, "no space");
                },
            },
            Migrate = true,
        };
        AppSchema schema = WriteFixture.Read("""model Note { id Int @id  @@allow("all", true) }""");
        StoreException failed = await Assert.ThrowsAsync<StoreException>(() => Engine.OpenAsync(options, schema, CancellationToken.None));
        Assert.Contains("disk is full", failed.Message, StringComparison.Ordinal);
    }
}
