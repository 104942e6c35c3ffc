using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>The list of readings itself: what is asked of it, what retention takes, and what is found out.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ReadLogTests
{
    static readonly string?[] s_models = [null, "Patient", "Visit"], s_records = [null, "2"], s_people = [null, "u1"],
        s_tenants = [null, "t1"];

    [Fact]
    public async Task Every_question_finds_what_a_look_at_each_reading_finds()
    {
        StepClock clock = new();
        using LogFixture fixture = new(clock: clock);
        Random random = new(7);
        for (int i = 0; i < 60; i++)
        {
            string[] records = [.. Enumerable.Range(0, 4).Where(_ => random.Next(2) == 0).Select(static r => r.ToString("d", null))];
            await AppendAsync(fixture, new ReadNote(s_models[random.Next(1, 3)]!, "list", random.Next(3) == 0 ? null : "u" + random.Next(3),
                random.Next(3) == 0 ? null : "t" + random.Next(3), null, records.Length, records));
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        List<ReadNote> all = Page(fixture, new ReadScope(null, null, null, null, null, null, null), limit: 1000);
        Assert.Equal(60, all.Count);
        long since = all[50].At, until = all[10].At;
        foreach (ReadScope scope in Scopes(since, until, before: 45))
        {
            ReadNote[] expected = [.. all.Where(note => IsMeant(scope, note))];
            Assert.Equal((scope, Positions(expected)), (scope, Positions(Page(fixture, scope, limit: 1000))));
            Assert.Equal((scope, Positions(expected.Take(3))), (scope, Positions(Page(fixture, scope, limit: 3))));
        }
    }

    [Fact]
    public async Task Readings_go_from_the_oldest_on_when_they_are_as_old_as_values_and_the_rest_is_one_chain()
    {
        StepClock clock = new();
        using LogFixture fixture = new(clock: clock);
        await using Retention retention = new(fixture.Store, new(TimeSpan.FromDays(10), null), null, static _ => { });
        for (int i = 0; i < 3; i++) await AppendAsync(fixture, Note("1", "2"));
        clock.Advance(TimeSpan.FromDays(20));
        await AppendAsync(fixture, Note("1"));
        // The clock of another node is behind: what it has noted is older, and stands later.
        clock.Advance(TimeSpan.FromDays(-15));
        await AppendAsync(fixture, Note("1"));
        clock.Advance(TimeSpan.FromDays(15));

        await retention.StepAsync(CancellationToken.None);
        Assert.Equal([5, 4], Kept(fixture));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        // Another who takes the oldest away is found out, and so is who forgets that any were.
        foreach (var (sql, found) in new[]
        {
            ("delete from plinth_reads where position = 4", "The reading 5 does not follow the reading 3"),
            ("delete from plinth_read_cut", "The reading 4 does not follow the reading 0"),
        })
        {
            string? wrong = null;
            Result<Done> undone = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(transaction =>
            {
                transaction.Connection.Execute(sql);
                wrong = ReadLog.Verify(transaction.Connection, CancellationToken.None);
                return Faults.Conflict.Says("only to look");
            }, isExclusive: true), CancellationToken.None);
            Assert.False(undone.IsOk);
            Assert.Contains(found, wrong, StringComparison.Ordinal);
        }

        Assert.Equal([5, 4], Kept(fixture));
        clock.Advance(TimeSpan.FromDays(20));
        await retention.StepAsync(CancellationToken.None);
        Assert.Empty(Kept(fixture));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        await AppendAsync(fixture, Note("3"));
        Assert.Equal([6], Kept(fixture));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task However_many_readings_are_too_old_none_is_left()
    {
        StepClock clock = new();
        using LogFixture fixture = new(clock: clock);
        Result<Done> noted = await fixture.Store.Committer.RunAsync(
            ReadLog.Append(fixture.Store.Database.Dialect, [.. Enumerable.Repeat(Note("1"), 5100)]), CancellationToken.None);
        Assert.True(noted.IsOk, noted.Fault?.Message);
        clock.Advance(TimeSpan.FromDays(20));
        await AppendAsync(fixture, Note("1"));
        await using Retention retention = new(fixture.Store, new(TimeSpan.FromDays(10), null), null, static _ => { });
        await retention.StepAsync(CancellationToken.None);
        Assert.Equal([5101], Kept(fixture));
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task A_list_that_was_cut_before_anybody_took_note_of_it_is_taken_over_as_it_is()
    {
        using LogFixture fixture = new();
        for (int i = 0; i < 3; i++) await AppendAsync(fixture, Note("1"));
        fixture.Store.Database.Writer.Execute("drop table plinth_read_cut");
        fixture.Store.Database.Writer.Execute("delete from plinth_reads where position = 1");
        // Only looked at, it says nothing about where it begins.
        Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        Assert.Null(fixture.Reopen().Verify(CancellationToken.None).Wrong);
        fixture.Store.Database.Writer.Execute("delete from plinth_reads where position = 2");
        Assert.Contains("The reading 3 does not follow the reading 1", fixture.Store.Verify(CancellationToken.None).Wrong,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_without_its_head_is_damaged_for_readers_and_writers()
    {
        using LogFixture fixture = new();
        await AppendAsync(fixture, Note("1"));
        fixture.Store.Database.Writer.Execute("delete from plinth_read_head");
        StoreException damaged = Assert.Throws<StoreException>(() => fixture.Store.Verify(CancellationToken.None));
        Assert.Equal(StoreFailure.Corrupt, damaged.Failure);
        damaged = await Assert.ThrowsAsync<StoreException>(() => AppendAsync(fixture, Note("1")));
        Assert.Equal(StoreFailure.Corrupt, damaged.Failure);
    }

    static ReadNote Note(params string[] records) => new("Patient", "get", "u1", null, null, records.Length, records);

    static async Task AppendAsync(LogFixture fixture, ReadNote note)
    {
        Result<Done> noted = await fixture.Store.Committer.RunAsync(
            ReadLog.Append(fixture.Store.Database.Dialect, [note]), CancellationToken.None);
        Assert.True(noted.IsOk, noted.Fault?.Message);
    }

    static IEnumerable<ReadScope> Scopes(long since, long until, long before) =>
        from model in s_models
        from record in s_records
        from actor in s_people
        from tenant in s_tenants
        from isBounded in new[] { false, true }
        where model is not null || record is null
        select new ReadScope(
            model, record, actor, tenant, isBounded ? since : null, isBounded ? until : null, isBounded ? before : null);

    static bool IsMeant(ReadScope scope, ReadNote note) =>
        (scope.Model ?? note.Model) == note.Model && (scope.RecordId is null || note.Records.Contains(scope.RecordId))
        && (scope.Actor ?? note.Actor) == note.Actor && (scope.Tenant ?? note.Tenant) == note.Tenant
        && note.At >= (scope.From ?? 0) && note.At <= (scope.To ?? long.MaxValue) && note.Position < (scope.Before ?? long.MaxValue);

    static List<ReadNote> Page(LogFixture fixture, ReadScope scope, int limit)
    {
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        using Statement select = ReadLog.Page(lease.Connection, scope, limit);
        List<ReadNote> notes = [];
        while (select.Step()) notes.Add(ReadLog.ReadOne(select));
        return notes;
    }

    static string Positions(IEnumerable<ReadNote> notes) => string.Join(' ', notes.Select(static note => note.Position));

    static IEnumerable<long> Kept(LogFixture fixture) =>
        Page(fixture, new ReadScope(null, null, null, null, null, null, null), limit: 1000).Select(static note => note.Position);

    /// <summary>A clock whose time of day goes where it is told; its timers are the system's.</summary>
    sealed class StepClock : TimeProvider
    {
        long _ahead;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow.AddTicks(Interlocked.Read(ref _ahead));

        public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);
    }
}
