using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>What the committer does when the database itself fails: by a database that fails when told to.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class CommitterFailureTests
{
    [Theory]
    [InlineData("Full", "storage_unavailable")]
    [InlineData("ReadOnly", "storage_unavailable")]
    [InlineData("InputOutput", "storage_unavailable")]
    [InlineData("Unavailable", "storage_unavailable")]
    [InlineData("Busy", "overloaded")]
    [InlineData("TimedOut", "timeout")]
    [InlineData("TooLarge", "limit_exceeded")]
    [InlineData("Corrupt", null)]
    [InlineData("Bug", null)]
    public async Task A_commit_that_fails_fails_every_command_of_its_group_and_nothing_is_there(string failure, string? code)
    {
        using FailingStore failing = new();
        failing.Database.OnCommit = () => throw new StoreException(Enum.Parse<StoreFailure>(failure), "made to fail");
        Task<Result<long>>[] group = [failing.CreateAsync(1), failing.CreateAsync(2)];
        foreach (Task<Result<long>> one in group)
        {
            if (code is not null) Assert.Equal(code, (await one).Fault?.Code);
            else Assert.Equal("made to fail", (await Assert.ThrowsAsync<StoreException>(() => one)).Message);
        }

        failing.Database.OnCommit = null;
        Assert.True((await failing.CreateAsync(3)).IsOk);
        Assert.Equal("3", failing.Titles());
        Assert.Null(failing.Store.Verify(CancellationToken.None).Wrong);
        Assert.Equal(1, failing.Store.Log.Head);
    }

    [Fact]
    public async Task The_lane_is_idle_when_nobody_has_come_for_a_while_and_once()
    {
        using FailingStore failing = new();
        System.Collections.Concurrent.ConcurrentQueue<bool> tended = [];
        failing.Database.OnTend = tended.Enqueue;
        for (int i = 1; i <= 20; i++) Assert.True((await failing.CreateAsync(i)).IsOk);
        Assert.True(SpinWait.SpinUntil(() => tended.LastOrDefault(), TimeSpan.FromSeconds(60)), "it was never idle");
        await Task.Delay(400);
        // Each of the twenty was a group of its own, after which the queue was empty for a moment; that alone is not idleness.
        Assert.Equal(20, tended.Count(static idle => !idle));
        bool[] order = [.. tended];
        Assert.DoesNotContain((true, true), order.Zip(order.Skip(1)));
    }

    [Fact]
    public async Task A_command_refused_before_the_group_failed_keeps_its_own_answer()
    {
        using FailingStore failing = new();
        failing.Database.OnCommit = () => throw new StoreException(StoreFailure.Full, "made to fail");
        TaskCompletionSource<bool> go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ValueTask<Result<Done>> hold = failing.Store.Committer.RunAsync(new WriteAction<Done>(_ =>
        {
            go.Task.Wait();
            return Faults.Conflict.Says("nothing to do");
        }), CancellationToken.None);
        ValueTask<Result<Done>> refused = failing.Store.Committer.RunAsync(
            new WriteAction<Done>(_ => Faults.ValidationFailed.Says("its own fault")), CancellationToken.None);
        Task<Result<long>> lost = failing.CreateAsync(1);
        go.SetResult(true);
        Assert.Equal(Faults.Conflict.Code, (await hold).Fault?.Code);
        Assert.Equal(Faults.ValidationFailed.Code, (await refused).Fault?.Code);
        Assert.Equal(Faults.StorageUnavailable.Code, (await lost).Fault?.Code);
    }

    [Fact]
    public async Task A_rollback_and_a_checkpoint_that_fail_do_not_stop_the_lane()
    {
        using FailingStore failing = new();
        int rollbacks = 0, checkpoints = 0;
        failing.Database.OnCommit = () => throw new StoreException(StoreFailure.InputOutput, "made to fail");
        failing.Database.OnRollback = () =>
        {
            if (rollbacks++ == 0) throw new StoreException(StoreFailure.InputOutput, "made to fail");
        };
        failing.Database.OnTend = _ =>
        {
            checkpoints++;
            throw new StoreException(StoreFailure.Full, "made to fail");
        };
        Assert.Equal(Faults.StorageUnavailable.Code, (await failing.CreateAsync(1)).Fault?.Code);

        // The transaction is still open: the next group's begin fails, which ends it.
        Assert.False(await Succeeds(failing.CreateAsync(2)));
        failing.Database.OnCommit = null;
        Assert.True((await failing.CreateAsync(3)).IsOk);
        Assert.True(rollbacks >= 2);
        Assert.True(checkpoints >= 2);
    }

    [Fact]
    public async Task A_statement_that_fails_alone_fails_its_command_alone()
    {
        using LogFixture fixture = new(limits: Limits.Default with { StatementMs = 1000 });
        ValueTask<Result<Done>> slow = fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            CreateNote.Insert(tx, LogFixture.Row(1, "one"));
            tx.Connection.ScalarInt64("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n");
            return Done.It;
        }), CancellationToken.None);
        ValueTask<Result<long>> other = fixture.CreateAsync(2, "two");
        Assert.Equal(Faults.Timeout.Code, (await slow).Fault?.Code);
        Assert.True((await other).IsOk);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal("two", lease.Connection.ScalarText(TestDatabase.Sql("select group_concat(title) from notes")));
    }

    [Fact]
    public async Task A_command_that_takes_too_long_is_stopped_and_its_neighbours_run_again_without_it()
    {
        using LogFixture fixture = new(limits: Limits.Default with { StatementMs = 1000 });
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ValueTask<Result<Done>> hold = fixture.Store.Committer.RunAsync(new WriteAction<Done>(_ =>
        {
            go.Task.Wait();
            return Done.It;
        }), CancellationToken.None);
        ValueTask<Result<long>> before = fixture.CreateAsync(1, "one");
        ValueTask<Result<Done>> endless = fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            using Statement insert = tx.Prepare(
                "insert into notes (id, title, tags) select i, 'n' || i, '[]' from "
                + "(with recursive n(i) as (select 100 union all select i + 1 from n) select i from n) m");
            insert.Run();
            return Done.It;
        }), CancellationToken.None);
        ValueTask<Result<long>> after = fixture.CreateAsync(2, "two");
        go.SetResult();
        Assert.True((await hold).IsOk);
        Assert.Equal(Faults.Timeout.Code, (await endless).Fault?.Code);
        Assert.True((await before).IsOk);
        Assert.True((await after).IsOk);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal("one,two", lease.Connection.ScalarText(TestDatabase.Sql("select group_concat(title) from notes")));
        Assert.Equal(2, EventLog.ReadHead(lease.Connection).Position);
    }

    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    [Fact]
    public async Task A_unit_that_suspends_references_and_breaks_one_is_undone_and_they_are_held_again()
    {
        using LogFixture fixture = new();
        fixture.Store.Database.Writer.Execute("create table child (id integer primary key, note integer references notes (id))");
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await fixture.Store.Committer.RunAsync(new Breaker(), CancellationToken.None));
        using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None))
        {
            Assert.Equal(0, lease.Connection.ScalarInt64("select count(*) from child"));
        }

        Result<Done> held = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Connection.Execute("insert into child values (1, 77)");
            return Done.It;
        }), CancellationToken.None);
        Assert.Equal(Faults.Conflict.Code, held.Fault?.Code);
    }

    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    [Fact]
    public async Task Another_writer_of_the_log_is_noticed_before_anything_is_written_over()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "one");
        fixture.Store.Database.Writer.Execute("update plinth_log_head set position = 5");
        StoreException noticed = await Assert.ThrowsAsync<StoreException>(async () => await fixture.CreateAsync(2, "two"));
        Assert.Contains("Something else wrote to the log", noticed.Message, StringComparison.Ordinal);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal("one", lease.Connection.ScalarText(TestDatabase.Sql("select group_concat(title) from notes")));
    }

    [Fact]
    public async Task A_long_transaction_writes_its_events_in_parts_and_followers_get_them_all()
    {
        using LogFixture fixture = new();
        using LogFollower follower = fixture.Store.Tail.Follow(0);
        Result<Done> result = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(
            tx =>
            {
                for (int i = 1; i <= 30; i++)
                {
                    Value[] row = LogFixture.Row(i, $"note {i}");
                    CreateNote.Insert(tx, row);
                    tx.Append(fixture.Store.Events.Created(LogFixture.Note, row, 1, LogFixture.Origin));
                    if (i % 10 == 0) tx.Flush();
                }

                Value[] last = LogFixture.Row(31, "the last");
                CreateNote.Insert(tx, last);
                tx.Append(fixture.Store.Events.Created(LogFixture.Note, last, 1, LogFixture.Origin));
                return Done.It;
            },
            isExclusive: true), CancellationToken.None);
        Assert.True(result.IsOk);
        List<long> seen = [];
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(20));
        await foreach (IReadOnlyList<LogEvent> events in follower.ReadAllAsync(bound.Token))
        {
            seen.AddRange(events.Select(happened => happened.Position));
            if (seen.Count >= 31) break;
        }

        Assert.Equal(Enumerable.Range(1, 31).Select(i => (long)i), seen);
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(fixture.Store.Replay(LogFixture.Schema, null, CancellationToken.None).Differences);
    }

    static async Task<bool> Succeeds(Task<Result<long>> running)
    {
        try
        {
            return (await running).IsOk;
        }
        catch (StoreException)
        {
            return false;
        }
    }

    sealed class Breaker : WriteUnit<Done>
    {
        protected internal override bool IsExclusive => true;

        protected internal override bool SuspendsForeignKeys => true;

        protected override Result<Done> Execute(WriteTransaction transaction)
        {
            transaction.Connection.Execute("insert into child values (1, 77)");
            return Done.It;
        }
    }

    sealed class FailingStore : IDisposable
    {
        readonly TempFolder _folder = new();

        public FailingStore()
        {
            Database = new FailingDatabase(TestDatabase.Open(new StoreOptions { Folder = _folder.Path }, TimeProvider.System));
            Store = EventStore.Open(Database, TimeProvider.System, Limits.Default);
            Database.Writer.Execute(LogFixture.NotesTable);
        }

        public FailingDatabase Database { get; }

        public EventStore Store { get; }

        public Task<Result<long>> CreateAsync(long id) =>
            Store.Committer.RunAsync(new CreateNote(Store, LogFixture.Row(id, $"{id}")), CancellationToken.None).AsTask();

        public string? Titles()
        {
            using ReadLease lease = Store.Database.Read(CancellationToken.None);
            return lease.Connection.ScalarText(TestDatabase.Sql("select group_concat(title) from notes"));
        }

        public void Dispose()
        {
            Store.Dispose();
            _folder.Dispose();
        }
    }
}
