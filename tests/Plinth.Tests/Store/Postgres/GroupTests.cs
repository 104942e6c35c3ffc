using Plinth.Log;
using Plinth.Plan;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Commands that go to the server together, and what becomes of each.</summary>
public class GroupTests
{
    const string Library = """
        model Shelf { id Int @id  label String @unique  books Book[]  @@allow("all", true) }
        model Book {
          id Int @id  title String  shelfId Int
          shelf Shelf @relation(fields: [shelfId], references: [id], onDelete: cascade)
          @@allow("all", true)
        }
        """;

    [Fact]
    public async Task A_group_of_creates_and_updates_is_two_ways_to_the_server_whatever_its_size()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        for (int i = 0; i < 20; i++) Assert.Null(await WriteAsync(engine, CommandKind.Create, "Book", Book(i, shelf: 1)));

        long before = 0;
        Fault?[] faults = await TogetherAsync(
            engine,
            () => before = engine.Store.Database.Writer.WaysTaken,
            [.. Enumerable.Range(100, 20).Select(i => (CommandKind.Create, "Book", Book(i, shelf: 1), (string?)null)),
                .. Enumerable.Range(0, 20).Select(i => (CommandKind.Update, "Book", """{"title":"new"}""", (string?)Text(i)))]);

        Assert.All(faults, Assert.Null);
        // One more is the commit of what they waited for.
        Assert.Equal(1 + 2, engine.Store.Database.Writer.WaysTaken - before);
        RequireSound(engine);
    }

    [Fact]
    public async Task What_the_data_refuse_costs_its_neighbours_nothing()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));

        Fault?[] faults = await TogetherAsync(
            engine,
            static () => { },
            [
                (CommandKind.Create, "Book", Book(1, shelf: 1), null), (CommandKind.Create, "Book", Book(1, shelf: 1), null),
                (CommandKind.Create, "Book", Book(2, shelf: 7), null), (CommandKind.Update, "Book", """{"title":"x"}""", "77"),
                (CommandKind.Create, "Shelf", """{"id":2,"label":"one"}""", null), (CommandKind.Create, "Book", Book(3, shelf: 1), null),
            ]);

        Assert.Equal([null, "conflict", "unknown_reference", "not_found", "conflict", null], faults.Select(static f => f?.Code));
        RequireSound(engine);
    }

    [Fact]
    public async Task A_statement_that_fails_takes_only_its_own_command_with_it()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Book", Book(1, shelf: 1)));

        // A constraint that the engine does not know: no guard sees it coming.
        nodes.Execute("""alter table books add constraint decent check (title <> 'bad')""");
        Fault?[] faults = await TogetherAsync(
            engine,
            static () => { },
            [
                (CommandKind.Create, "Book", Book(2, shelf: 1), null),
                (CommandKind.Create, "Book", """{"id":3,"title":"bad","shelfId":1}""", null),
                (CommandKind.Update, "Book", """{"title":"bad"}""", "1"), (CommandKind.Create, "Book", Book(4, shelf: 1), null),
            ]);

        Assert.Equal([null, "conflict", "conflict", null], faults.Select(static f => f?.Code));
        RequireSound(engine);
    }

    [Fact]
    public async Task Commands_of_one_group_on_one_record_see_one_another_in_turn()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));

        Fault?[] faults = await TogetherAsync(
            engine,
            static () => { },
            [
                (CommandKind.Update, "Shelf", """{"label":"two"}""", "1"), (CommandKind.Update, "Shelf", """{"label":"three"}""", "1"),
                (CommandKind.Create, "Book", Book(1, shelf: 1), null), (CommandKind.Update, "Book", """{"title":"later"}""", "1"),
                (CommandKind.Delete, "Book", "", "1"), (CommandKind.Update, "Shelf", """{"label":"four"}""", "1"),
            ]);

        Assert.All(faults, Assert.Null);
        RequireSound(engine);
    }

    [Fact]
    public async Task A_relation_is_put_to_its_parent_whatever_order_the_server_joins_in()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        for (int i = 1; i <= 40; i++)
        {
            Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", $$"""{"id":{{i}},"label":"{{i}}"}"""));
        }

        for (int i = 1; i <= 40; i++) Assert.Null(await WriteAsync(engine, CommandKind.Create, "Book", Book(i, shelf: 41 - i)));

        // With numbers about them the small tables are joined from the other side, by a hash.
        nodes.Execute("analyze");
        ReadRequest books = new() { Model = "Book", Kind = ReadKind.List, Limit = 40, Include = [new IncludeRequest("shelf")] };
        string answer = await PostgresNodes.AnswerAsync(engine, books);
        Assert.DoesNotContain("\"shelf\":null", answer, StringComparison.Ordinal);
        Assert.Contains("\"shelfId\":40,\"shelf\":{\"id\":40,", answer, StringComparison.Ordinal);
    }

    /// <summary>Lets the commands wait behind one that holds the lane, so that they are one group.</summary>
    static async Task<Fault?[]> TogetherAsync(
        Engine engine, Action before, (CommandKind Kind, string Model, string Body, string? Key)[] commands)
    {
        using SemaphoreSlim release = new(0);
        Task<Result<Done>> holding = engine.Store.Committer.RunAsync(
            new WriteAction<Done>(
                _ =>
                {
                    release.Wait();
                    return Done.It;
                },
                isExclusive: true),
            CancellationToken.None).AsTask();
        Task<Fault?>[] running = [.. commands.Select(c => WriteAsync(engine, c.Kind, c.Model, c.Body, c.Key))];
        while (engine.Store.Committer.Waiting < commands.Length) await Task.Delay(1);
        long groups = engine.Store.Committer.Groups;
        before();
        release.Release();
        await holding;
        Fault?[] faults = await Task.WhenAll(running);
        Assert.Equal(2, engine.Store.Committer.Groups - groups);
        return faults;
    }

    static Task<Fault?> WriteAsync(Engine engine, CommandKind kind, string model, string body, string? key = null) =>
        PostgresNodes.WriteAsync(engine, kind, body, key, model);

    static void RequireSound(Engine engine)
    {
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
    }

    static string Book(int id, int shelf) => $$"""{"id":{{id}},"title":"book {{id}}","shelfId":{{shelf}}}""";

    static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
