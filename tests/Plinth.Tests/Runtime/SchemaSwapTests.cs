using Plinth.Log;
using Plinth.Plan;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class SchemaSwapTests
{
    static string Schema(string field, string was) =>
        $$"""model Thing { id Int @id   {{field}} String @renamedFrom("{{was}}")   @@allow("all", true) }""";

    [Fact]
    public async Task Reads_go_on_while_the_schema_is_replaced()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync(
            """model Thing { id Int @id   a0 String   @@allow("all", true) }""");
        await fixture.InsertAsync("Thing", """{"id":1,"a0":"x"} {"id":2,"a0":"y"}""");
        ReadRequest list = new() { Model = "Thing", Kind = ReadKind.List };
        ReadRequest get = new() { Model = "Thing", Kind = ReadKind.Get, Key = ["1"] };
        using CancellationTokenSource done = new();
        long answered = 0;
        Task[] readers = [.. Enumerable.Range(0, 3).Select(i => Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                string json = fixture.Json(i == 0 ? get : list);
                Assert.Contains("\"x\"", json, StringComparison.Ordinal);
                Interlocked.Increment(ref answered);
            }
        }))];
        for (int i = 1; i <= Counts.Of(20, 200); i++)
        {
            long before = Interlocked.Read(ref answered);
            Result<MigrationReport> applied = await fixture.Engine.ApplyAsync(
                ReadsFixture.Load(Schema($"a{i}", $"a{i - 1}")), CancellationToken.None);
            Assert.True(applied.IsOk, applied.Fault?.Message);
            Assert.Contains($"\"a{i}\":\"x\"", fixture.Json(get), StringComparison.Ordinal);
            while (Interlocked.Read(ref answered) < before + 10 && !readers.Any(r => r.IsFaulted)) await Task.Yield();
        }
        await done.CancelAsync();
        await Task.WhenAll(readers);
    }

    [Fact]
    public async Task A_filter_that_the_database_cannot_decide_is_a_fault_and_not_a_crash()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync("""model A { id Int @id   text String   @@allow("all", true) }""");
        Fault fault = fixture.Fault(new ReadRequest { Model = "A", Kind = ReadKind.List, Filter = "[1, 2].exists_one(x, x == id)" });
        Assert.Equal(Faults.MalformedFilter, fault.Kind);
    }
}
