using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>A database of an earlier version gets the indexes that this one asks the log by.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class LogIndexesTests
{
    [Fact]
    public async Task A_log_of_an_earlier_version_is_brought_to_the_indexes_of_this_one_once()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 20; i++) await fixture.CreatedAsync(i, $"note {i}");
        List<string> now = Names(fixture);
        await RunAsync(fixture, OldShape);
        Assert.Equal([.. s_old.Order(StringComparer.Ordinal)], Names(fixture).Where(s_old.Contains).Order(StringComparer.Ordinal));

        await BringAsync(fixture, now);
        for (int start = 0; start < 2; start++)
        {
            fixture.Reopen();
            Assert.Equal(now, Names(fixture));
            AuditScope scope = new() { Actor = "u1", Model = "Note", Kind = EventKinds.Created, UpTo = 18 };
            using (ReadLease lease = fixture.Store.Database.Read(CancellationToken.None))
            {
                AuditPage page = await AuditEvents.PageAsync(lease.Connection, scope, 100, CancellationToken.None);
                Assert.Equal(18, page.Events.Count);
            }
            await fixture.CreatedAsync(100 + start, $"later {start}");
            Assert.Null(fixture.Store.Verify(CancellationToken.None).Wrong);
        }
    }

    [Fact]
    public async Task What_a_start_that_ended_has_done_stays_done()
    {
        using LogFixture fixture = new();
        for (int i = 1; i <= 5; i++) await fixture.CreatedAsync(i, $"note {i}");
        List<string> now = Names(fixture);
        // The first two were brought, then the machine was switched off.
        await RunAsync(fixture, OldShape);
        await RunAsync(fixture, string.Join("; ", LogIndexes.All.Take(2).Select(static index => index.Create)));
        await BringAsync(fixture, now);
    }

    /// <summary>A start that others who read the log for long hold up leaves it to the next one.</summary>
    static async Task BringAsync(LogFixture fixture, List<string> now)
    {
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        for (fixture.Reopen(); !Names(fixture).SequenceEqual(now); fixture.Reopen()) await Task.Delay(10, bound.Token);
    }

    static readonly string[] s_old = ["plinth_events_model", "plinth_events_tenant", "plinth_events_actor", "plinth_events_kind"];

    /// <summary>As the version before made them.</summary>
    public const string OldShape = """
        drop index plinth_events_by_model;
        drop index plinth_events_by_tenant;
        drop index plinth_events_by_actor;
        drop index plinth_events_by_kind;
        create index plinth_events_model on plinth_events (model, position);
        create index plinth_events_tenant on plinth_events (tenant_id, position) where tenant_id is not null;
        create index plinth_events_actor on plinth_events (actor, position) where actor is not null;
        create index plinth_events_kind on plinth_events (kind, position) where kind <> 'created' and kind <> 'updated'
        """;

    static async Task RunAsync(LogFixture fixture, string sql)
    {
        Result<Done> done = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(transaction =>
        {
            transaction.Connection.Execute(sql);
            return Done.It;
        }), CancellationToken.None);
        Assert.True(done.IsOk, done.Fault?.Message);
    }

    static List<string> Names(LogFixture fixture)
    {
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        using Statement select = lease.Connection.Prepare(TestDatabase.IsPostgres
            ? "select c.relname::text from pg_index x join pg_class c on c.oid = x.indexrelid "
                + "where x.indrelid = to_regclass('plinth_events') and x.indisvalid order by 1"
            : "select name from sqlite_master where type = 'index' and name like 'plinth_events%' order by 1");
        List<string> names = [];
        while (select.Step()) names.Add(select.ColumnText(0));
        return names;
    }
}
