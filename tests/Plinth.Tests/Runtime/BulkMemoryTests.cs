using System.Diagnostics;
using Plinth.Policy;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>Tests that look at the whole process: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

[Collection(Alone.Name)]
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class BulkMemoryTests
{
    const string Schema = """
        model Author { id Int @id  name String  books Book[]  @@allow("all", true) }
        model Book { id Int @id @default(autoincrement())  title String @length(1, 20)  author Author @relation  @@fulltext([title])
          @@allow("all", true) }
        """;

    [Fact]
    public async Task A_hundred_thousand_records_in_one_request_stay_within_64_megabytes()
    {
        using WriteFixture fixture = new(Schema);
        // Pools, compiled code and the database's cache have their size before anything is counted.
        await fixture.Engine.BulkCreateAsync(
            Caller.System, "Author", BatchTests.Records(WarmUp, i => Author(-i - 1)), key: null, CancellationToken.None);
        long before = Resident(), peak = before;
        int count = Counts.Of(test: 100_000, soak: 500_000);
        using Timer sampler = new(_ => peak = Math.Max(peak, Resident()), null, 0, 20);
        var result = await fixture.Engine.BulkCreateAsync(
            Caller.System, "Author", BatchTests.Records(count, Author), key: null, CancellationToken.None);
        Assert.Equal($$"""{"created":{{count}}}""", WriteFixture.Body(result));
        Assert.Equal(count + WarmUp, fixture.Scalar("select count(*) from authors"));
        Assert.True(peak - before < 64 << 20, $"grew by {(peak - before) >> 20} MB");
    }

    const int WarmUp = 20_000;

    static string Author(int i) => $$"""{"id":{{i}},"name":"the author of book {{i}}"}""";

    static long Resident()
    {
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
