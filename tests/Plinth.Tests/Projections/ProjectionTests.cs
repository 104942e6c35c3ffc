using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Store;

namespace Plinth.Projections;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ProjectionTests
{
    const string Deals = """
        enum Stage { open won lost }
        model Deal {
          id Int @id  stage Stage  value Decimal(12, 2)?  score Int @default(0)  closedOn Date?
          @@softDelete
          @@allow(["all", "purge"], true)
        }

        """;

    const string ByStage = """
        projection SalesByStage from Deal {
          key stage
          count   Int              = count()
          valued  Int              = count(value)
          value   Decimal?         = sum(value)
          average Decimal(18, 6)?  = avg(value)
          least   Decimal(12, 2)?  = min(value)
          most    Decimal(12, 2)?  = max(value)
          score   BigInt           = sum(score)
          mean    Float            = avg(score)
          last    Date?            = max(closedOn)
          @@allow("read", true)
        }
        """;

    const string Inline = """
        projection P from Deal { key stage  n Int = count()  total Int = sum(score)  most Int = max(score)  @@inline  @@allow("read", true) }
        """;

    [Fact]
    public async Task A_projection_counts_the_records_that_agree_in_its_key()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals + ByStage);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"open","value":"10.00","score":3,"closedOn":"2026-01-02"}""");
        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"open","value":"2.55","score":4}""");
        await fixture.Do(CommandKind.Create, "Deal", """{"id":3,"stage":"won"}""");
        await fixture.CaughtUpAsync();
        Assert.Equal(
            """
            [{"stage":"open","count":2,"valued":2,"value":"12.55","average":"6.275000","least":"2.55","most":"10.00","score":"7","mean":3.5,"last":"2026-01-02"},{"stage":"won","count":1,"valued":0,"value":null,"average":null,"least":null,"most":null,"score":"0","mean":0,"last":null}]
            """, await fixture.List("SalesByStage"));
        await fixture.Do(CommandKind.Update, "Deal", """{"stage":"won"}""", "1");
        await fixture.CaughtUpAsync();
        Assert.Equal(
            """
            [{"stage":"open","count":1,"valued":1,"value":"2.55","average":"2.550000","least":"2.55","most":"2.55","score":"4","mean":4,"last":null},{"stage":"won","count":2,"valued":1,"value":"10.00","average":"10.000000","least":"10.00","most":"10.00","score":"3","mean":1.5,"last":"2026-01-02"}]
            """, await fixture.List("SalesByStage"));
        fixture.AssertExact("after a change");
    }

    [Fact]
    public async Task A_row_goes_with_its_last_record_and_comes_back_with_it()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals + ByStage);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"open","value":"10.00"}""");
        await fixture.CaughtUpAsync();
        Assert.NotEqual("[]", await fixture.List("SalesByStage"));
        await fixture.Do(CommandKind.Delete, "Deal", key: "1");
        await fixture.CaughtUpAsync();
        Assert.Equal("[]", await fixture.List("SalesByStage"));
        await fixture.Do(CommandKind.Restore, "Deal", key: "1");
        await fixture.CaughtUpAsync();
        Assert.NotEqual("[]", await fixture.List("SalesByStage"));
        await fixture.Do(CommandKind.Purge, "Deal", key: "1");
        await fixture.CaughtUpAsync();
        Assert.Equal("[]", await fixture.List("SalesByStage"));
    }

    [Fact]
    public async Task What_was_there_before_a_projection_is_counted_when_it_comes_and_again_when_it_changes()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"open","score":3}""");
        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"won","score":4}""");
        await fixture.ApplyAsync(Deals + "projection P from Deal { key stage  n Int = count()  @@allow(\"read\", true) }");
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"open","n":1},{"stage":"won","n":1}]""", await fixture.List("P"));
        await fixture.ApplyAsync(Deals
            + "projection P from Deal { key stage  n Int = sum(score)  @@where(score > 3)  @@allow(\"read\", true) }");
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"won","n":4}]""", await fixture.List("P"));
        await fixture.ApplyAsync(Deals);
        Assert.Null(fixture.Schema.FindModel("P"));
        await fixture.ApplyAsync(Deals + "projection P from Deal { key stage  n Int = count()  @@allow(\"read\", true) }");
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"open","n":1},{"stage":"won","n":1}]""", await fixture.List("P"));
    }

    [Fact]
    public async Task Keys_are_several_fields_and_expressions_and_a_record_without_one_is_counted_nowhere()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals + """
            projection P from Deal {
              key stage
              key size String = value == null ? "none" : value >= decimal("100") ? "large" : "small"
              key year Int = closedOn.getFullYear()
              n Int = count()
              most Int = max(score)
              @@allow("read", true)
            }
            """);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"open","value":"100.00","score":3,"closedOn":"2026-01-02"}""");
        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"open","value":"99.99","score":9,"closedOn":"2026-05-02"}""");
        await fixture.Do(CommandKind.Create, "Deal", """{"id":3,"stage":"open","value":"9.99","score":4,"closedOn":"2026-05-02"}""");
        await fixture.Do(CommandKind.Create, "Deal", """{"id":4,"stage":"open","score":4}""");
        await fixture.CaughtUpAsync();
        const string Large = """{"stage":"open","size":"large","year":2026,"n":1,"most":3}""";
        Assert.Equal($$"""[{{Large}},{"stage":"open","size":"small","year":2026,"n":2,"most":9}]""", await fixture.List("P"));
        // The largest goes: the next one is found among those that the expression puts into the same row.
        await fixture.Do(CommandKind.Delete, "Deal", key: "2");
        await fixture.CaughtUpAsync();
        Assert.Equal($$"""[{{Large}},{"stage":"open","size":"small","year":2026,"n":1,"most":4}]""", await fixture.List("P"));
        fixture.AssertExact("by expressions");
    }

    [Fact]
    public async Task What_is_inline_is_counted_with_the_write_and_given_up_where_it_has_no_room()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"open","score":3}""");
        await fixture.ApplyAsync(Deals + Inline);
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"open","n":1,"total":3,"most":3}]""", await fixture.List("P"));
        // From here on without waiting for anything.
        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"open","score":4}""");
        Assert.Equal("""[{"stage":"open","n":2,"total":7,"most":4}]""", await fixture.List("P"));
        await fixture.Do(CommandKind.Update, "Deal", """{"stage":"won"}""", "2");
        Assert.Equal("""[{"stage":"open","n":1,"total":3,"most":3},{"stage":"won","n":1,"total":4,"most":4}]""", await fixture.List("P"));
        await fixture.Do(CommandKind.CreateMany, "Deal", """[{"id":3,"stage":"won","score":9},{"id":4,"stage":"lost","score":1}]""");
        await fixture.Do(CommandKind.Delete, "Deal", key: "3");
        await fixture.Do(CommandKind.Purge, "Deal", key: "1");
        Assert.Equal("""[{"stage":"lost","n":1,"total":1,"most":1},{"stage":"won","n":1,"total":4,"most":4}]""", await fixture.List("P"));
        fixture.AssertExact("inline");
        // A sum without room does not refuse the write: the rows are given up, and counted anew when there is room.
        await fixture.Do(CommandKind.Create, "Deal", """{"id":5,"stage":"won","score":2147483647}""");
        Assert.Null(fixture.Engine.Projections.Report(fixture.Schema, CancellationToken.None)[0].State);
        await fixture.Do(CommandKind.Update, "Deal", """{"score":5}""", "5");
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"lost","n":1,"total":1,"most":1},{"stage":"won","n":2,"total":9,"most":5}]""", await fixture.List("P"));
    }

    [Fact]
    public async Task What_is_inline_counts_a_bulk_of_thousands_with_the_write()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals + Inline);
        await fixture.CaughtUpAsync();
        // More than are told to the log at a time.
        Assert.Equal("""{"created":2500}""", WriteFixture.Body(await fixture.Bulk("Deal", 2500, static i =>
            $$"""{"id":{{i}},"stage":"{{(i < 2400 ? "open" : "won")}}","score":{{i % 7}}}""")));
        Assert.Equal("""[{"stage":"open","n":2400,"total":7197,"most":6},{"stage":"won","n":100,"total":300,"most":6}]""",
            await fixture.List("P"));
        fixture.AssertExact("after the bulk");
        // All or nothing holds of what is counted as well.
        Assert.Equal("conflict [1200].id:conflict", WriteFixture.Told(await fixture.Bulk("Deal", 1300, static i =>
            $$"""{"id":{{(i == 1200 ? 7 : 5000 + i)}},"stage":"lost"}""")));
        fixture.AssertExact("after the refusal");
    }

    [Fact]
    public async Task What_is_inline_is_counted_anew_when_a_migration_gives_its_records_values()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals + Inline);
        await fixture.CaughtUpAsync();
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"open","score":3}""");
        // Whether it counts anew is seen by what it would never have counted.
        fixture.Execute($"update {fixture.Schema.Model("P").Table} set n = 77");
        Assert.Equal("""[{"stage":"open","n":77,"total":3,"most":3}]""", await fixture.List("P"));
        await fixture.ApplyAsync(
            (Deals + Inline).Replace("closedOn Date?", "closedOn Date?  rank Int @default(4)", StringComparison.Ordinal));
        await fixture.CaughtUpAsync();
        Assert.Equal("""[{"stage":"open","n":1,"total":3,"most":3}]""", await fixture.List("P"));
        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"open","score":4}""");
        Assert.Equal("""[{"stage":"open","n":2,"total":7,"most":4}]""", await fixture.List("P"));
        fixture.AssertExact("after the migration");
    }

    [Fact]
    public async Task Values_that_are_brought_to_another_version_are_counted_as_what_they_are_then()
    {
        const string Counted = """
            projection Later from Deal { key stage  n Int = count()  total Int = sum(score)  @@allow("read", true) }
            projection AtOnce from Deal { key stage  n Int = count()  total Int = sum(score)  @@inline  @@allow("read", true) }
            """;
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync("""
            model Deal { id Int @id  stage String  score String  @@allow("all", true) }
            """);
        for (int i = 1; i <= 6; i++)
            await fixture.Do(CommandKind.Create, "Deal", $$"""{"id":{{i}},"stage":"{{(i % 2 == 0 ? "won" : "open")}}","score":"{{i}}"}""");
        await fixture.ApplyAsync("""
            app x { version = 2 }
            model Deal { id Int @id  stage String  score Int @upcast(2, int(old), from: String)  @@allow("all", true) }

            """ + Counted);
        await fixture.CaughtUpAsync();
        await fixture.Do(CommandKind.Update, "Deal", """{"score":10}""", "1");
        await fixture.CaughtUpAsync();
        const string Before = """[{"stage":"open","n":3,"total":18},{"stage":"won","n":3,"total":12}]""";
        Assert.Equal((Before, Before), (await fixture.List("Later"), await fixture.List("AtOnce")));
        await fixture.ApplyAsync("""
            app x { version = 3 }
            model Deal {
              id Int @id  stage String @upcast(3, old == "won" ? "closed" : old)
              score Int @upcast(2, int(old), from: String) @upcast(3, old * 2)
              @@allow("all", true)
            }

            """ + Counted);
        await fixture.Do(CommandKind.Update, "Deal", """{"stage":"closed"}""", "3");
        await fixture.CaughtUpAsync();
        const string After = """[{"stage":"closed","n":4,"total":30},{"stage":"open","n":2,"total":30}]""";
        Assert.Equal((After, After), (await fixture.List("Later"), await fixture.List("AtOnce")));
        fixture.AssertExact("brought");
        Assert.Empty(fixture.Store.Replay(fixture.Schema, null, CancellationToken.None).Differences);
    }

    [Fact]
    public async Task Nobody_writes_to_a_projection()
    {
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Deals + ByStage);
        foreach (CommandKind kind in Enum.GetValues<CommandKind>())
        {
            string? key = kind is CommandKind.Create or CommandKind.CreateMany or CommandKind.UpdateMany or CommandKind.DeleteMany
                ? null : "open";
            Assert.Equal("read_only_model", await fixture.TryDo(kind, "SalesByStage", """{"stage":"open","count":3}""", key));
        }
        Assert.Equal("read_only_model", WriteFixture.Told(await fixture.Bulk("SalesByStage", 2, static _ => """{"stage":"open"}""")));
        Assert.Equal(0L, fixture.Store.Log.Head);
    }

    [Fact]
    public async Task A_projection_that_another_process_left_behind_goes_on_where_it_stood()
    {
        const string Schema = Deals + ByStage;
        await using ProjectionFixture fixture = await ProjectionFixture.OpenAsync(Schema);
        await fixture.Do(CommandKind.Create, "Deal", """{"id":1,"stage":"open","value":"10.00"}""");
        await fixture.CaughtUpAsync();
        long built = fixture.Engine.Projections.Report(fixture.Schema, CancellationToken.None)[0].State!.BuiltAt;
        // Written while nobody keeps it.
        await fixture.Engine.Projections.DisposeAsync();
        await fixture.Do(CommandKind.Create, "Deal", """{"id":2,"stage":"open","value":"1.00"}""");
        await fixture.Do(CommandKind.Update, "Deal", """{"stage":"won","value":"20.00"}""", "1");
        await fixture.Do(CommandKind.Delete, "Deal", key: "2");
        await fixture.ReopenAsync(Schema);
        await fixture.CaughtUpAsync();
        fixture.AssertExact("after the pause");
        Assert.Equal(built, fixture.Engine.Projections.Report(fixture.Schema, CancellationToken.None)[0].State!.BuiltAt);
        Assert.Contains("\"value\":\"20.00\"", await fixture.List("SalesByStage"), StringComparison.Ordinal);
    }
}
