using Npgsql;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>What other programs write past the engine is refused, or, where they are let in, found.</summary>
public class GuardTests
{
    [Theory]
    [InlineData("insert into notes (id, text) values (2, 'x')")]
    [InlineData("update notes set text = 'x' where id = 1")]
    [InlineData("update notes set text = 'x' where id = 999")]
    [InlineData("delete from notes")]
    [InlineData("truncate notes")]
    [InlineData("merge into notes n using (values (2)) v(id) on n.id = v.id when not matched then insert (id, text) values (v.id, 'x')")]
    [InlineData("copy notes (id, text) from program 'echo 5,x' csv")]
    [InlineData("set plinth.writer = 'somebody'; delete from notes")]
    public async Task Another_program_changes_nothing_and_is_told_why(string sql)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"q"}"""));

        PostgresException refused = Assert.Throws<PostgresException>(() => nodes.ExecuteAsOther(sql));

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        Assert.Contains("notes is written by Plinth alone", refused.MessageText, StringComparison.Ordinal);
        Assert.Contains("database.guard", refused.Hint, StringComparison.Ordinal);
        Assert.Equal(1, nodes.Scalar("select count(*) from notes where text = 'q'"));
        RequireEqual(engine);
    }

    [Fact]
    public async Task The_engine_writes_as_ever_and_others_read()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"q"}"""));
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Update, """{"text":"r"}""", "1"));
        nodes.ExecuteAsOther("select * from notes");

        // A new column with a value for each row, and a table that is made anew: it is guarded again.
        Result<MigrationReport> applied = await engine.ApplyAsync(
            WriteFixture.Read("""
                model Note { id Int @id  text String @length(1, 9)  mark Uuid @default(uuid7())  @@allow("all", true) }
                model Tag { id Int @id  @@allow("all", true) }
                """),
            CancellationToken.None);
        Assert.True(applied.IsOk, applied.Fault?.Message);
        Assert.Throws<PostgresException>(() => nodes.ExecuteAsOther("delete from notes"));
        Assert.Throws<PostgresException>(() => nodes.ExecuteAsOther("insert into tags (id) values (1)"));
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Delete, "", "1"));
        RequireEqual(engine);
    }

    [Fact]
    public async Task Where_others_are_let_in_what_they_changed_is_found_and_the_guard_comes_back()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { IsGuarded = false };
        Engine open = await nodes.StartAsync();
        Assert.Null(await PostgresNodes.WriteAsync(open, CommandKind.Create, """{"id":1,"text":"q"}"""));
        nodes.ExecuteAsOther("update notes set text = 'x' where id = 1");
        nodes.ExecuteAsOther("insert into notes (id, text) values (2, 'y')");
        string[] found = [.. open.Store.Replay(open.Current.Schema, null, CancellationToken.None).Differences];
        Assert.Equal(["Note 1: text is not what the log gives.", "Note 2: the table has it, the log does not."], found);

        nodes.IsGuarded = true;
        Engine guarded = await nodes.StartAsync();
        Assert.Throws<PostgresException>(() => nodes.ExecuteAsOther("delete from notes"));
        Assert.Null(await PostgresNodes.WriteAsync(guarded, CommandKind.Update, """{"text":"z"}""", "1"));

        // Whoever owns the tables can switch it off; the next start switches it on.
        nodes.ExecuteAsOther("alter table notes disable trigger plinth_guard");
        using (Connection reader = guarded.Store.Database.OpenReader())
            Assert.Single(reader.GuardSteps(TableGuards.TablesOf(guarded.Current.Schema)));
        await nodes.StartAsync();
        Assert.Throws<PostgresException>(() => nodes.ExecuteAsOther("delete from notes"));

        nodes.IsGuarded = false;
        await nodes.StartAsync();
        nodes.ExecuteAsOther("delete from notes where id = 2");
    }

    [Fact]
    public async Task A_start_that_cannot_put_the_guard_on_says_so_and_serves_nothing()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { IsGuarded = false };
        Engine open = await nodes.StartAsync();
        nodes.IsGuarded = true;
        using (nodes.Hold("lock table notes in row exclusive mode"))
        {
            Task<Engine> starting = nodes.StartAsync();
            // It waits for whoever holds the table, until an operator ends its session.
            const string End = """
                select count(*) filter (where pg_terminate_backend(pid)) from pg_locks where relation = 'notes'::regclass and not granted
                """;
            await FollowerTests.UntilAsync(() => starting.IsCompleted || nodes.Scalar(End) == 1);
            StoreException refused = await Assert.ThrowsAsync<StoreException>(() => starting);
            Assert.StartsWith("The tables could not be guarded", refused.Message, StringComparison.Ordinal);
        }

        // Nothing is half done, and the next start finds what this one did.
        Assert.Null(await PostgresNodes.WriteAsync(open, CommandKind.Create, """{"id":1,"text":"q"}"""));
        nodes.ExecuteAsOther("update notes set text = 'r'");
        await nodes.StartAsync();
        Assert.Throws<PostgresException>(() => nodes.ExecuteAsOther("delete from notes"));
    }

    [Fact]
    public async Task Behind_a_pooler_each_transaction_says_who_writes()
    {
        using PostgresCluster cluster = PostgresCluster.Start("fsync=off");
        using Pooler pooler = Pooler.Start(cluster);
        await using PostgresNodes nodes = new(cluster) { PooledUrl = pooler.Url };
        Engine engine = await nodes.StartAsync();
        await Task.WhenAll(Enumerable.Range(1, 50).Select(async i =>
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, $$"""{"id":{{i}},"text":"q"}"""))));

        // The pooler's sessions go from hand to hand, and nothing of it stays in them.
        await using (NpgsqlDataSource source = PostgresServer.Of(pooler.Url, "tests").Readers(new() { Folder = "" }))
        {
            for (int i = 0; i < 5; i++)
            {
                await using NpgsqlCommand delete = source.CreateCommand($"delete from {nodes.SchemaName}.notes");
                await Assert.ThrowsAsync<PostgresException>(async () => await delete.ExecuteNonQueryAsync());
            }
        }

        Assert.Equal(50, nodes.Scalar("select count(*) from notes"));
        RequireEqual(engine);
    }

    static void RequireEqual(Engine engine) =>
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
}
