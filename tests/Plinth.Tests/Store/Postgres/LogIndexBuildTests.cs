using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;

namespace Plinth.Store.Postgres;

/// <summary>The log's indexes are made anew part by part while other nodes write, and nobody is held up by it.</summary>
public class LogIndexBuildTests
{
    [Fact]
    public async Task Nodes_of_a_new_version_bring_every_part_while_another_writes()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, 70);
        nodes.Execute(LogIndexesTests.OldShape);
        // What a build that did not end has left in one part.
        nodes.Execute("create index plinth_events_from_1_by_actor on plinth_events_from_1 (at); "
            + "update pg_index set indisvalid = false where indexrelid = 'plinth_events_from_1_by_actor'::regclass");

        using CancellationTokenSource stop = new();
        Task<int> writing = WriteUntilAsync(engine, stop.Token);
        Engine[] later = await Task.WhenAll(nodes.StartAsync(), nodes.StartAsync());
        await stop.CancelAsync();
        Assert.Equal(70 + await writing, nodes.Scalar("select count(*) from plinth_events"));

        await RequireBroughtAsync(nodes);
        foreach (Engine each in later) Assert.Null(each.Store.Verify(CancellationToken.None).Wrong);
        Assert.Equal(0, nodes.Scalar("select count(*) from pg_index where indrelid = 'plinth_events_from_1'::regclass "
            + "and pg_get_indexdef(indexrelid) like '%(at)%'"));
    }

    [Fact]
    public async Task A_log_that_is_not_divided_yet_is_brought_before_it_is()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, 30);
        nodes.Execute(LogPartitionsTests.Whole);
        Engine later = await nodes.StartAsync();
        await RequireBroughtAsync(nodes);
        await WriteAsync(later, 100, 30);
        Assert.Null(later.Store.Verify(CancellationToken.None).Wrong);
    }

    [Fact]
    public async Task While_somebody_reads_the_log_the_older_indexes_stay_until_the_next_start()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { LogPartEvents = 20 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, 1, 5);
        nodes.Execute(LogIndexesTests.OldShape);
        using (nodes.Hold("select count(*) from plinth_events"))
        {
            Engine later = await nodes.StartAsync();
            await WriteAsync(later, 100, 5);
            Assert.Equal(4, Older(nodes));
            await nodes.EndAsync(later);
        }

        await RequireBroughtAsync(nodes);
    }

    [Fact]
    public async Task A_start_that_the_database_let_go_since_it_and_another_waited_for_one_another_goes_on()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        await nodes.StartAsync();

        // Holds what a start needs, waits until it does, and then wants what the start holds: the start is who looks first.
        string other = $"""
            begin;
            set local deadlock_timeout = '20s';
            lock table {LogTables.Head} in share mode;
            do $$begin
              for i in 1..3000 loop
                exit when exists (select from pg_locks where relation = '{LogTables.Head}'::regclass and not granted);
                perform pg_sleep(0.01);
              end loop;
              perform pg_advisory_xact_lock(7310579628130496);
            end$$;
            rollback
            """;
        bool wasLetGo = false;
        for (int tries = 0; !wasLetGo && tries < 5; tries++)
        {
            Task waiting = Task.Run(() => nodes.Execute(other));
            Engine started = await nodes.StartAsync();
            try
            {
                await waiting;
                wasLetGo = true;
            }
            catch (Npgsql.PostgresException e) when (e.SqlState == Npgsql.PostgresErrorCodes.DeadlockDetected)
            {
                // On a busy machine the other one may be let go instead.
            }

            await WriteAsync(started, 1 + (tries * 10), 5);
            await nodes.EndAsync(started);
        }

        Assert.True(wasLetGo, "the start was never the one that is let go");
    }

    static long Older(PostgresNodes nodes) => nodes.Scalar("select count(*) from pg_class where relnamespace = "
        + "current_schema()::regnamespace and relname in ('plinth_events_model', 'plinth_events_tenant', 'plinth_events_actor', "
        + "'plinth_events_kind')");

    static async Task RequireBroughtAsync(PostgresNodes nodes)
    {
        // Another test on this server may read for long, and hold a start up: it leaves the rest to the next one.
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        while (Older(nodes) > 0)
        {
            bound.Token.ThrowIfCancellationRequested();
            await nodes.EndAsync(await nodes.StartAsync());
        }

        long wanted = LogIndexes.All.Count + 1;
        Assert.Equal(wanted, nodes.Scalar(
            "select count(*) from pg_index where indrelid = 'plinth_events'::regclass and indisvalid"));
        // Of each part as many, of which each is one of the whole's.
        Assert.Equal(0, nodes.Scalar($"""
            select count(*) from (
              select count(*) filter (where x.indisvalid and j.inhparent is not null) as joined, count(*) as of_part from pg_inherits i
                join pg_index x on x.indrelid = i.inhrelid left join pg_inherits j on j.inhrelid = x.indexrelid
              where i.inhparent = 'plinth_events'::regclass group by i.inhrelid) parts
              where joined <> {wanted} or of_part <> {wanted}
            """));
    }

    static async Task WriteAsync(Engine engine, int from, int count)
    {
        for (int i = from; i < from + count; i++)
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{i}},"text":"t"}"""));
    }

    /// <summary>How many were written.</summary>
    static async Task<int> WriteUntilAsync(Engine engine, CancellationToken stop)
    {
        int written = 0;
        for (; !stop.IsCancellationRequested; written++) await WriteAsync(engine, 1000 + written, 1);
        return written;
    }
}
