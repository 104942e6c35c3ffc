using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>What a bulk create costs the server, and those who write meanwhile.</summary>
public class BulkTests
{
    const string Library = """
        model Shelf { id Int @id  label String  open Boolean  books Book[]  @@allow("create", true)  @@allow("read", open) }
        model Book {
          id Int @id @default(autoincrement())  title String  shelfId Int
          shelf Shelf @relation(fields: [shelfId], references: [id])
          @@fulltext([title])
          @@allow("all", true)
        }
        """;

    [Fact]
    public async Task A_thousand_records_are_an_insert_and_one_statement_for_their_numbers_their_shelves_and_their_events_each()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        for (int shelf = 1; shelf <= 7; shelf++) Assert.Null(await ShelfAsync(engine, shelf));
        await BulkAsync(engine, 1, static _ => 1);
        long before = engine.Store.Database.Writer.WaysTaken;

        Result<WriteReply> created = await BulkAsync(engine, 3500, static i => 1 + (i % 7), new Caller(Schema.Value.Null, "someone"));

        Assert.True(created.IsOk, created.Fault?.Message);
        created.Value.Dispose();
        // Four parts: the numbers, the shelves while they are not known (the first part alone), the insert; terms go along with what
        // follows. Then three times a thousand events, and the rest together with the commit.
        Assert.Equal((4 * 2) + 1 + 3 + 1, engine.Store.Database.Writer.WaysTaken - before);
        RequireSound(engine);
    }

    [Fact]
    public async Task Records_of_a_request_that_are_created_with_their_answers_are_few_ways_too()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await ShelfAsync(engine, 1));
        string body = "[" + string.Join(',', Enumerable.Range(0, 200).Select(static i => Book(i, 1))) + "]";
        long before = engine.Store.Database.Writer.WaysTaken;
        Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.CreateMany, body, model: "Book"));

        // Numbers, insert, and the events with the commit; what the savepoint makes of it goes along.
        Assert.InRange(engine.Store.Database.Writer.WaysTaken - before, 3, 5);
        RequireSound(engine);
    }

    [Fact]
    public async Task Other_nodes_write_while_the_rows_of_a_bulk_create_are_on_their_way()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine bulk = await nodes.StartAsync(), other = await nodes.StartAsync();
        Assert.Null(await ShelfAsync(bulk, 1));
        Assert.Null(await ShelfAsync(bulk, 2));
        Task<Result<WriteReply>> creating;
        using (nodes.Hold("select 1 from shelfs where id = 2 for update"))
        {
            // Its last record has to wait for that shelf; thousands of others are there by then, and nobody waits for them.
            creating = BulkAsync(bulk, 3000, static i => i < 2999 ? 1 : 2);
            await UntilAsync(() => nodes.Scalar(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'with items as%'") > 0);
            for (int shelf = 10; shelf < 15; shelf++) Assert.Null(await ShelfAsync(other, shelf));
            Assert.False(creating.IsCompleted);
        }

        Result<WriteReply> created = await creating;
        Assert.True(created.IsOk, created.Fault?.Message);
        created.Value.Dispose();
        Assert.Equal(2 + 5 + 3000, nodes.Scalar("select max(position) from plinth_events"));
        RequireSound(other);
    }

    [Fact]
    public async Task Large_records_are_held_a_few_megabytes_at_a_time()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await ShelfAsync(engine, 1));
        long before = engine.Store.Database.Writer.WaysTaken;
        Result<WriteReply> created = await BulkAsync(engine, 40, static _ => 1, title: new string('x', 500_000));
        Assert.True(created.IsOk, created.Fault?.Message);
        created.Value.Dispose();
        // 20 MB in parts of 4 MB: five times the numbers and the insert, five times the events, and the commit.
        Assert.InRange(engine.Store.Database.Writer.WaysTaken - before, (5 * 2) + 5, (6 * 2) + 7);
    }

    static Task<Fault?> ShelfAsync(Engine engine, int id) => PostgresNodes.WriteAsync(
        engine, CommandKind.Create, $$"""{"id":{{id}},"label":"s","open":true}""", model: "Shelf");

    static string Book(int i, int shelf, string title = "book") =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"title":"{{title}} {{i}}","shelfId":{{shelf}}}""");

    static Task<Result<WriteReply>> BulkAsync(
        Engine engine, int count, Func<int, int> shelf, Caller? caller = null, string title = "book") => engine.BulkCreateAsync(
        caller ?? Caller.System, "Book", Records(count, i => Book(i, shelf(i), title)), key: null, CancellationToken.None);

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> Records(
        int count, Func<int, string> record, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        for (int i = 0; i < count; i++)
        {
            if (i % 500 == 0) await Task.Yield();
            cancel.ThrowIfCancellationRequested();
            yield return Encoding.UTF8.GetBytes(record(i));
        }
    }

    static void RequireSound(Engine engine)
    {
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (!isSo()) await Task.Delay(20, enough.Token);
    }
}
