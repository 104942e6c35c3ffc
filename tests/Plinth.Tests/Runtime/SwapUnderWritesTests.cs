using Plinth.Plan;
using Plinth.Store;

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
}
