using Plinth.Log;
using Plinth.Plan;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class SwapUnderWritesTests
{
    [Fact]
    public async Task Writes_under_way_survive_a_change_of_the_schema()
    {
        using WriteFixture fixture = new("""model Note { id Int @id  text String  @@allow("all", true) }""");
        const int count = 300;
        Task<string>[] writes = [.. Enumerable.Range(1, count).Select(i => Task.Run(async () =>
        {
            if (i % 3 == 0) await Task.Delay(i / 10);
            return await fixture.Do(CommandKind.Create, "Note", $$"""{"id":{{i}},"text":"t"}""");
        }))];
        for (int version = 1; version <= 3; version++)
        {
            string added = string.Concat(Enumerable.Range(1, version).Select(v => $"  more{v} String @default(\"m\")"));
            string schema = "model Note { id Int @id  text String" + added + "  @@allow(\"all\", true) }";
            var applied = await fixture.Engine.ApplyAsync(WriteFixture.Read(schema), CancellationToken.None);
            Assert.True(applied.IsOk, applied.Fault?.Message);
        }
        await Task.WhenAll(writes);
        List<string> rows = await fixture.Rows("Note");
        Assert.Equal(count, rows.Count);
        Assert.All(rows,
            row => Assert.EndsWith("\"text\":\"t\",\"more1\":\"m\",\"more2\":\"m\",\"more3\":\"m\"}", row, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_group_that_waited_behind_the_change_is_planned_anew_under_the_schema_that_came()
    {
        using WriteFixture fixture = new("""model Note { id Int @id  text String  @@allow("all", true) }""");
        Committer lane = fixture.Store.Committer;
        Task<Result<MigrationReport>> applying;
        Task<string>[] writes;
        HeldLane held = await HeldLane.HoldAsync(lane);
        await using (held)
        {
            applying = fixture.Engine.ApplyAsync(
                WriteFixture.Read("""model Note { id Int @id  text String  more String @default("m")  @@allow("all", true) }"""),
                CancellationToken.None);
            while (lane.Waiting < 1 && !applying.IsCompleted) await Task.Delay(1);
            writes = [.. Enumerable.Range(1, 3).Select(i => fixture.Do(CommandKind.Create, "Note", $$"""{"id":{{i}},"text":"t"}"""))];
            while (lane.Waiting < 4 && !applying.IsCompleted) await Task.Delay(1);
        }

        Assert.True((await held.Ended).IsOk);
        Assert.True((await applying).IsOk);
        Assert.Equal(
            Enumerable.Range(1, 3).Select(static i => $$"""{"id":{{i}},"text":"t","more":"m"}"""), await Task.WhenAll(writes));
        Assert.Empty(fixture.Store.Replay(fixture.Schema, null, CancellationToken.None).Differences);
    }
}
