using System.Collections.Concurrent;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>Retention at work by itself: when another node does it, and when the database or the disk cannot be had.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class RetentionRunTests
{
    static readonly RetentionSpans s_values = new(TimeSpan.Zero, null), s_both = new(TimeSpan.Zero, TimeSpan.Zero);

    [Fact]
    public async Task One_node_at_a_time_does_it()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        await using Retention retention = new(fixture.Store, s_values, null, static _ => { });
        Result<FollowerClaim?> other = await fixture.Store.Committer.RunAsync(
            FollowerTable.Claim(
                fixture.Store.Database.Dialect, Retention.Name, 0, TimeSpan.FromSeconds(600), isForced: false, isFresh: true),
            CancellationToken.None);
        RetentionStep? meanwhile = await retention.StepAsync(CancellationToken.None);
        // A database of one process alone has no other: what an earlier one has left behind holds nobody up.
        Assert.Equal(TestDatabase.IsPostgres ? null : new RetentionStep(1, 0, null), meanwhile);
        await fixture.Store.Committer.RunAsync(FollowerTable.Leave(Retention.Name, other.Value!.Value.Term), CancellationToken.None);
        Assert.Equal(new RetentionStep(1, 0, null), await retention.StepAsync(CancellationToken.None));
    }

    [Fact]
    public async Task While_nothing_can_be_written_nothing_is_done()
    {
        FailingDatabase? database = null;
        using LogFixture fixture = new(over: real => database = new FailingDatabase(real));
        await fixture.CreatedAsync(1, "one");
        await using Retention retention = new(fixture.Store, s_both, null, static _ => { });
        database!.OnCommit = () => throw new StoreException(StoreFailure.Full, "made to fail");
        Assert.Null(await retention.StepAsync(CancellationToken.None));
        database.OnCommit = null;
        Assert.Equal(new RetentionStep(1, 0, null), await retention.StepAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("update plinth_events set data = null", 0, 0)]
    [InlineData("insert into plinth_log_start", 3, 0)]
    [InlineData("update plinth_read_cut", 3, 2)]
    public async Task A_part_that_fails_is_not_told_as_done_and_is_done_the_next_time(string statement, long position, long start)
    {
        FailingDatabase? database = null;
        using LogFixture fixture = new(over: real => database = new FailingDatabase(real));
        for (int i = 1; i <= 3; i++) await fixture.CreatedAsync(i, $"note {i}");
        database!.OnStatement = sql =>
        {
            if (sql.StartsWith(statement, StringComparison.Ordinal)) throw new StoreException(StoreFailure.Full, "made to fail");
        };
        // What cannot have its values taken has not its events taken either.
        await using Retention values = new(fixture.Store, position == 0 ? s_values : s_both, null, static _ => { });
        Assert.Equal(new RetentionStep(position, start, null), await values.StepAsync(CancellationToken.None));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        database.OnStatement = null;
        await using Retention both = new(fixture.Store, s_both, null, static _ => { });
        Assert.Equal(new RetentionStep(3, 2, null), await both.StepAsync(CancellationToken.None));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task By_itself_it_looks_again_and_again_and_says_once_why_it_cannot()
    {
        FailingDatabase? database = null;
        using LogFixture fixture = new(over: real => database = new FailingDatabase(real));
        await fixture.CreatedAsync(1, "one");
        ConcurrentQueue<string> told = [];
        int looks = 0;
        database!.OnRead = () =>
        {
            if (Interlocked.Increment(ref looks) > 0) throw new StoreException(StoreFailure.Unavailable, "out of reach");
        };
        string evidence = Path.Combine(fixture.Folder, "checkpoints");
        await File.WriteAllTextAsync(evidence, "no folder can be here");
        await using Retention retention = new(fixture.Store, s_values, TimeSpan.FromMilliseconds(5), told.Enqueue);
        await FollowerTests.UntilAsync(() => Volatile.Read(ref looks) >= 5 && !told.IsEmpty);
        Assert.Equal(["retention waits: out of reach"], told);

        // The database is back, and now the disk has no place for the evidence: without it nothing is taken away.
        database.OnRead = null;
        await FollowerTests.UntilAsync(() => told.Count == 2);
        Assert.Contains("checkpoints", told.Last(), StringComparison.Ordinal);
        Assert.Equal(0, Cut());
        File.Delete(evidence);
        await FollowerTests.UntilAsync(() => Cut() == 1);
        Assert.True(File.Exists(Path.Combine(evidence, "1.checkpoint")));
        Assert.Equal(2, told.Count);

        long Cut()
        {
            using Connection reader = fixture.Store.Database.OpenReader();
            return LogCut.Position(reader);
        }
    }
}
