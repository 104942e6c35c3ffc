using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class CommitterTests
{
    [Fact]
    public async Task A_command_that_fails_is_undone_and_does_not_hurt_its_neighbours()
    {
        using LogFixture fixture = new();
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<Result<Done>> blocking = Hold(fixture, held);

        // Queued together behind the one that holds the lane, so that they are one group.
        ValueTask<Result<long>> first = fixture.CreateAsync(1, "one");
        ValueTask<Result<long>> duplicate = fixture.CreateAsync(2, "one");
        ValueTask<Result<Done>> halfway = fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            CreateNote.Insert(tx, LogFixture.Row(3, "three"));
            tx.Append(fixture.Store.Events.Created(LogFixture.Note, LogFixture.Row(3, "three"), 1, LogFixture.Origin));
            return Faults.VersionConflict.Says("changed its mind");
        }), CancellationToken.None);
        ValueTask<Result<Done>> broken = fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            CreateNote.Insert(tx, LogFixture.Row(4, "four"));
            throw new InvalidOperationException("a bug");
        }), CancellationToken.None);
        ValueTask<Result<long>> last = fixture.CreateAsync(5, "five");
        held.SetResult();

        Assert.True((await blocking).IsOk);
        Assert.True((await first).IsOk);
        Fault conflict = (await duplicate).Fault!;
        Assert.Equal(Faults.Conflict.Code, conflict.Code);
        Assert.Equal("title", Assert.Single(conflict.Details).Field);
        Assert.Equal(Faults.VersionConflict.Code, (await halfway).Fault!.Code);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await broken);
        Assert.True((await last).IsOk);
        Assert.Equal(2, fixture.Store.Committer.Groups);

        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        const string Ids = "select group_concat(id) from (select id from notes order by id) n";
        Assert.Equal("1,5", lease.Connection.ScalarText(TestDatabase.Sql(Ids)));
        Assert.Equal([1L, 2L], EventLog.Read(lease.Connection, 0, 10).Select(happened => happened.Position));
    }

    [Fact]
    public async Task A_fault_names_neither_value_nor_statement()
    {
        using LogFixture fixture = new();
        await fixture.CreatedAsync(1, "a secret title");
        Fault fault = (await fixture.CreateAsync(2, "a secret title")).Fault!;
        Assert.DoesNotContain("secret", fault.Message + fault.Details[0].Message, StringComparison.Ordinal);
        Assert.DoesNotContain("insert", fault.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Caches_are_told_before_and_after_the_commit_and_followers_after_it()
    {
        using LogFixture fixture = new();
        List<string> order = [];
        // What is committed can be read from another connection, and nothing else.
        long Rows()
        {
            using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
            return lease.Connection.ScalarInt64("select count(*) from notes") ?? -1;
        }
        void Note(string what)
        {
            lock (order) order.Add($"{what}, {Rows()} rows");
        }
        fixture.Store.Committer.Announce = announced => Note($"announced {announced.Events[0].Position}");
        fixture.Store.Committer.Settle = position => Note($"settled {position}");
        using LogFollower follower = fixture.Store.Tail.Follow(0);
        CreateNote unit = new(fixture.Store, LogFixture.Row(1, "one"));
        await fixture.Store.Committer.RunAsync(unit, CancellationToken.None);
        lock (order) order.Add("acknowledged");
        // Where others write too, the place in the log is known with the commit.
        int announced = TestDatabase.IsPostgres ? 0 : 1;
        Assert.Equal([$"announced {announced}, 0 rows", "settled 1, 1 rows", "acknowledged"], order);
        Assert.Equal(1, unit.CommittedAt);
    }

    [Fact]
    public async Task A_group_takes_what_has_gathered_up_to_its_bound()
    {
        using LogFixture fixture = new(limits: Limits.Default with { GroupCommands = 64 });
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<Result<Done>> blocking = Hold(fixture, held);
        Task<Result<long>>[] waiting = [.. Enumerable.Range(1, 200).Select(i => fixture.CreateAsync(i, $"note {i}").AsTask())];
        held.SetResult();
        await blocking;
        Assert.All(await Task.WhenAll(waiting), result => Assert.True(result.IsOk));
        Assert.Equal(1 + 4, fixture.Store.Committer.Groups);
        Assert.Equal(201, fixture.Store.Committer.Commands);
    }

    [Fact]
    public async Task A_full_queue_is_overloaded_at_once_with_a_time_to_retry()
    {
        using LogFixture fixture = new(limits: Limits.Default with { WriteQueue = 2 });
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<Result<Done>> blocking = Hold(fixture, held);
        ValueTask<Result<long>> first = fixture.CreateAsync(1, "one"), second = fixture.CreateAsync(2, "two");
        ValueTask<Result<long>> third = fixture.CreateAsync(3, "three");
        Assert.True(third.IsCompleted);
        Fault fault = (await third).Fault!;
        Assert.Equal(Faults.Overloaded.Code, fault.Code);
        Assert.True(fault.RetryAfterSeconds > 0);
        held.SetResult();
        await blocking;
        Assert.True((await first).IsOk);
        Assert.True((await second).IsOk);
    }

    [Fact]
    public async Task A_command_whose_caller_has_left_does_not_run()
    {
        using LogFixture fixture = new();
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<Result<Done>> blocking = Hold(fixture, held);
        using CancellationTokenSource left = new();
        ValueTask<Result<long>> gone =
            fixture.Store.Committer.RunAsync(new CreateNote(fixture.Store, LogFixture.Row(1, "one")), left.Token);
        await left.CancelAsync();
        held.SetResult();
        await blocking;
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await gone);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(0, lease.Connection.ScalarInt64("select count(*) from notes"));
    }

    [Fact]
    public async Task An_exclusive_unit_is_a_transaction_by_itself_and_undone_as_a_whole()
    {
        using LogFixture fixture = new();
        ValueTask<Result<Done>> exclusive = fixture.Store.Committer.RunAsync(new WriteAction<Done>(
            tx =>
            {
                for (int i = 1; i <= 100; i++) CreateNote.Insert(tx, LogFixture.Row(i, $"note {i}"));
                return Faults.ValidationFailed.Says("the last record is wrong");
            },
            isExclusive: true), CancellationToken.None);
        Assert.Equal(Faults.ValidationFailed.Code, (await exclusive).Fault!.Code);
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal(0, lease.Connection.ScalarInt64("select count(*) from notes"));
    }

    [Fact]
    public async Task A_broken_promise_of_no_savepoint_fails_the_group_and_leaves_nothing()
    {
        using LogFixture fixture = new();
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await fixture.Store.Committer.RunAsync(new Liar(), CancellationToken.None));
        await fixture.CreatedAsync(1, "one");
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Equal("one", lease.Connection.ScalarText(TestDatabase.Sql("select group_concat(title) from notes")));
    }

    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    [Fact]
    public async Task A_full_disk_fails_the_group_as_a_whole_and_writing_resumes_when_there_is_room()
    {
        using LogFixture fixture = new(options => options with { PagesMax = 60 });
        Fault? full = null;
        long written = 0;
        for (int i = 1; i <= 500 && full is null; i++)
        {
            Result<long> result = await fixture.CreateAsync(i, $"note {i} {new string('x', 900)}");
            if (result.IsOk) written++;
            full = result.Fault;
        }

        Assert.Equal(Faults.StorageUnavailable.Code, full?.Code);
        using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None))
        {
            Assert.Equal(written, lease.Connection.ScalarInt64("select count(*) from notes"));
            Assert.Equal(written, EventLog.ReadHead(lease.Connection).Position);
        }

        await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Connection.Execute("pragma max_page_count = 100000");
            return Done.It;
        }), CancellationToken.None);
        await fixture.CreatedAsync(1000, "room again");
        using ReadLease after = fixture.Store.Database.Read(CancellationToken.None);
        Assert.Null(EventLog.Verify(after.Connection, CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task Stopping_finishes_what_waits_and_refuses_what_comes()
    {
        using LogFixture fixture = new();
        Task<Result<long>>[] waiting = [.. Enumerable.Range(1, 50).Select(i => fixture.CreateAsync(i, $"note {i}").AsTask())];
        fixture.Store.Committer.Dispose();
        Assert.All(await Task.WhenAll(waiting), result => Assert.True(result.IsOk));
        Assert.Equal(Faults.NotReady.Code, (await fixture.CreateAsync(51, "late")).Fault!.Code);
    }

    /// <summary>A unit that holds the lane until told.</summary>
    static Task<Result<Done>> Hold(LogFixture fixture, TaskCompletionSource until)
    {
        TaskCompletionSource running = new();
        Task<Result<Done>> held = fixture.Store.Committer.RunAsync(new WriteAction<Done>(_ =>
        {
            running.SetResult();
            until.Task.Wait();
            return Done.It;
        }), CancellationToken.None).AsTask();
        running.Task.Wait();
        return held;
    }

    sealed class Liar : WriteUnit<Done>
    {
        protected internal override bool NeedsSavepoint => false;

        protected override Result<Done> Execute(WriteTransaction transaction)
        {
            CreateNote.Insert(transaction, LogFixture.Row(9, "nine"));
            return Faults.ValidationFailed.Says("after the change");
        }
    }
}
