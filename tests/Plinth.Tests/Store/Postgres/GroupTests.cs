using System.Text;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
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
    public async Task Creates_of_one_model_are_one_statement_and_each_is_answered_by_its_own()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Book", Book(1, shelf: 1)));

        // The first to take the answer is one that was refused; two want one key, and two one label.
        long statements = 0;
        Fault?[] faults = await TogetherAsync(
            engine,
            () => statements = engine.Store.Database.Writer.StatementsRun,
            [
                (CommandKind.Create, "Book", Book(1, shelf: 1), null), .. Enumerable.Range(100, 60).Select(static i =>
                    (CommandKind.Create, "Book", Book(i, shelf: i % 20 == 0 ? 9 : 1), (string?)null)),
                (CommandKind.Create, "Shelf", """{"id":2,"label":"two"}""", null),
                (CommandKind.Create, "Shelf", """{"id":3,"label":"two"}""", null),
                (CommandKind.Create, "Book", Book(102, shelf: 1), null),
            ]);

        string?[] expected = [.. Enumerable.Range(0, 64).Select(static i => i switch
        {
            0 or 63 => "conflict",
            1 or 21 or 41 => "unknown_reference",
            62 => "conflict",
            _ => null,
        })];
        Assert.Equal(expected, faults.Select(static f => f?.Code));

        // Two inserts, what tells the refused ones why, one that had to wait for its turn, and the append.
        Assert.InRange(engine.Store.Database.Writer.StatementsRun - statements, 3, 25);
        RequireSound(engine);
    }

    [Fact]
    public async Task Who_leaves_when_the_statement_is_on_its_way_leaves_no_row_behind_the_log()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        using CancellationTokenSource leaving = new();
        await using HeldLane held = await HeldLane.HoldAsync(engine.Store.Committer);
        Task<Result<WriteReply>> left = engine.WriteAsync(
            Policy.Caller.System,
            WriteFixture.Command(CommandKind.Create, "Book", Book(1, shelf: 1)),
            leaving.Token).AsTask();
        Task<Result<Done>> watching = engine.Store.Committer.RunAsync(new Watching(leaving), CancellationToken.None).AsTask();
        Task<Fault?> other = WriteAsync(engine, CommandKind.Create, "Book", Book(2, shelf: 1));
        while (engine.Store.Committer.Waiting < 3) await Task.Delay(1);
        held.Release();
        await watching;
        Assert.Null(await other);
        Assert.True((await left).IsOk);
        RequireSound(engine);
    }

    [Fact]
    public async Task Who_breaks_when_the_statement_has_run_leaves_no_row_behind_the_log()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Task<Result<Done>>? breaking = null;
        Fault?[] faults = await TogetherAsync(
            engine,
            () => breaking = engine.Store.Committer.RunAsync(new Breaking(), CancellationToken.None).AsTask(),
            [
                (CommandKind.Create, "Shelf", """{"id":1,"label":"one"}""", null),
                (CommandKind.Create, "Shelf", """{"id":2,"label":"two"}""", null),
            ]);
        Assert.All(faults, Assert.Null);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => breaking!);
        Assert.Equal(0, nodes.Scalar("select count(*) from shelfs where id = 77"));
        RequireSound(engine);
    }

    /// <summary>Has a bug behind its insert.</summary>
    sealed class Breaking : WriteUnit<Done>
    {
        Statement? _sent;

        protected internal override bool NeedsSavepoint => false;

        protected internal override string Ahead => "";

        protected internal override void Begin() => _sent = null;

        protected internal override bool Send(WriteTransaction transaction)
        {
            _sent = Insert(transaction);
            _sent.Send();
            return true;
        }

        protected override Result<Done> Execute(WriteTransaction transaction)
        {
            using Statement insert = _sent ?? Insert(transaction);
            Assert.True(insert.Step());
            throw new InvalidTimeZoneException("a bug");
        }

        static Statement Insert(WriteTransaction transaction) =>
            transaction.Prepare("insert into shelfs (id, label, _version) values (77, 'x', 1) returning id");
    }

    /// <summary>Goes ahead behind the creates, and makes somebody leave at that moment.</summary>
    sealed class Watching(CancellationTokenSource leaving) : WriteUnit<Done>
    {
        protected internal override bool NeedsSavepoint => false;

        protected internal override string Ahead => "z";

        protected internal override bool Send(WriteTransaction transaction)
        {
            leaving.Cancel();
            return false;
        }

        protected override Result<Done> Execute(WriteTransaction transaction) => Done.It;
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
    public async Task One_that_fails_is_taken_out_and_the_others_stay_together()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        for (int i = 1; i <= 20; i++) Assert.Null(await WriteAsync(engine, CommandKind.Create, "Book", Book(i, shelf: 1)));
        nodes.Execute("""alter table books add constraint decent check (title <> 'bad')""");
        long before = 0;
        Fault?[] faults = await TogetherAsync(
            engine,
            () => before = engine.Store.Database.Writer.WaysTaken,
            [.. Enumerable.Range(1, 20).Select(i =>
                (CommandKind.Update, "Book", i == 7 ? """{"title":"bad"}""" : """{"title":"good"}""", (string?)Text(i)))]);

        Assert.Equal([.. Enumerable.Range(1, 20).Select(static i => i == 7 ? "conflict" : null)], faults.Select(static f => f?.Code));
        // By itself each would be a way of its own.
        Assert.InRange(engine.Store.Database.Writer.WaysTaken - before, 2, 12);
        RequireSound(engine);
    }

    [Fact]
    public async Task What_fails_while_the_next_one_is_waited_for_is_told_to_whom_it_belongs()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        for (int i = 1; i <= 2; i++) Assert.Null(await WriteAsync(engine, CommandKind.Create, "Book", Book(i, shelf: 1)));
        nodes.Execute("""alter table books add constraint decent check (title <> 'bad')""");
        // Nobody waits for the update, and so it goes along with the look of the delete.
        Fault?[] faults = await TogetherAsync(
            engine,
            static () => { },
            [
                (CommandKind.Update, "Book", """{"title":"bad"}""", "1"), (CommandKind.Delete, "Book", "", "2"),
                (CommandKind.Create, "Book", Book(3, shelf: 1), null),
            ]);

        Assert.Equal(["conflict", null, null], faults.Select(static f => f?.Code));
        Assert.Equal(2, engine.Store.Database.Writer.ScalarInt64("select count(*) from books where id in (1, 3)"));
        RequireSound(engine);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_the_commit_fails_all_are_told_and_a_bulk_does_not_run_again_for_it(bool isFull)
    {
        string code = isFull ? Faults.StorageUnavailable.Code : Faults.LimitExceeded.Code;
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        FailingDatabase? failing = null;
        Engine engine = await nodes.StartAsync(with: database => failing = new FailingDatabase(database) { SendsAhead = true });
        Assert.NotNull(failing);
        int commits = 0;
        void Fail()
        {
            // The first is who holds the lane until all are there.
            if (++commits > 1) throw new StoreException(isFull ? StoreFailure.Full : StoreFailure.TooLarge, "made to fail");
        }

        Fault?[] faults = await TogetherAsync(
            engine,
            () => failing.OnCommit = Fail,
            [(CommandKind.Create, "Shelf", """{"id":1,"label":"1"}""", null), (CommandKind.Create, "Shelf", """{"id":2,"label":"2"}""", null)],
            groups: 1);
        Assert.Equal([code, code], faults.Select(static f => f?.Code));
        // All together, with a statement for each, and each by itself; but a full disk is full for each of them.
        Assert.Equal(isFull ? 1 + 1 : 1 + 3, commits);

        commits = 1;
        Result<WriteReply> bulk = await engine.BulkCreateAsync(
            Caller.System, "Shelf", Each("""{"id":1,"label":"1"}""", """{"id":2,"label":"2"}"""), key: null, CancellationToken.None);
        Assert.Equal(code, bulk.Fault?.Code);
        Assert.Equal(1 + 1, commits);
        failing.OnCommit = null;
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        Assert.Equal(1, engine.Store.Database.Writer.ScalarInt64("select count(*) from shelfs"));
        RequireSound(engine);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_many_fail_or_none_can_be_named_each_command_goes_by_itself(bool isNamed)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync(with: isNamed ? null : static database => new FailingDatabase(database));
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        nodes.Execute("""alter table books add constraint decent check (title <> 'bad')""");
        // More of them than are taken out of a group one by one.
        Fault?[] faults = await TogetherAsync(
            engine,
            static () => { },
            [
                (CommandKind.Create, "Book", Book(1, shelf: 1), null),
                .. Enumerable.Range(2, 7).Select(i =>
                    (CommandKind.Create, "Book", $$"""{"id":{{i}},"title":"bad","shelfId":1}""", (string?)null)),
                (CommandKind.Create, "Book", Book(9, shelf: 1), null),
            ]);

        Assert.Equal([null, .. Enumerable.Repeat("conflict", 7), null], faults.Select(static f => f?.Code));
        RequireSound(engine);
    }

    [Fact]
    public async Task A_command_that_was_refused_keeps_its_answer_when_its_group_runs_again_for_another()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        nodes.Execute("""alter table shelfs add constraint decent check (label <> 'bad')""");
        // The second change of the shelf waits for its turn, behind what went ahead, and fails there.
        Fault?[] faults = await TogetherAsync(
            engine,
            static () => { },
            [
                (CommandKind.Create, "Shelf", """{"id":1,"label":"again"}""", null), (CommandKind.Update, "Shelf", """{"label":"two"}""", "1"),
                (CommandKind.Update, "Shelf", """{"label":"bad"}""", "1"), (CommandKind.Create, "Book", Book(1, shelf: 1), null),
            ]);

        Assert.Equal(["conflict", null, "conflict", null], faults.Select(static f => f?.Code));
        RequireSound(engine);
    }

    [Fact]
    public async Task Who_has_left_is_not_sent_ahead()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        using CancellationTokenSource left = new();
        Task<Result<WriteReply>>? gone = null;
        Fault?[] faults = await TogetherAsync(
            engine,
            () =>
            {
                int waiting = engine.Store.Committer.Waiting;
                gone = engine.WriteAsync(Caller.System, Create("Book", Book(7, shelf: 1)), left.Token).AsTask();
                Assert.True(SpinWait.SpinUntil(() => engine.Store.Committer.Waiting > waiting, TimeSpan.FromSeconds(60)));
                left.Cancel();
            },
            [(CommandKind.Create, "Book", Book(1, shelf: 1), null), (CommandKind.Create, "Book", Book(2, shelf: 1), null)]);

        Assert.All(faults, Assert.Null);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone!); // Set while they waited.
        Assert.Equal(2, engine.Store.Database.Writer.ScalarInt64("select count(*) from books"));
        RequireSound(engine);
    }

    [Fact]
    public async Task What_the_rules_refuse_is_not_sent_ahead_and_is_told_in_its_turn()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, """
            model Shelf { id Int @id  label String  books Book[]  @@allow("all", true) }
            model Book {
              id Int @id  title String  shelfId Int
              shelf Shelf @relation(fields: [shelfId], references: [id], onDelete: cascade)
              @@allow("read", true)  @@allow("create", title != "no")
            }
            model Note { id Int @id  text String  shelf Shelf? @relation  @@allow("read", true)  @@allow("create", shelf.label == "one") }
            """.Replace("books Book[]", "books Book[]  notes Note[]", StringComparison.Ordinal));
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        Task<Result<WriteReply>>[] running = [];
        await TogetherAsync(
            engine,
            () => running = Queued(engine, Caller.Anonymous(), "Book",
                Book(3, shelf: 1), """{"id":4,"title":"no","shelfId":1}""", Book(5, shelf: 1)),
            [(CommandKind.Create, "Shelf", """{"id":2,"label":"two"}""", null)]);
        Result<WriteReply>[] replies = await Task.WhenAll(running);
        Assert.Equal([null, "forbidden", null], replies.Select(static r => r.Fault?.Code));

        // Of many in one request as well: by a rule over the record, and by one that the database has to decide.
        Assert.Equal("forbidden", (await ManyAsync("Book", Book(6, shelf: 1), """{"id":7,"title":"no","shelfId":1}""")).Fault?.Code);
        Assert.Equal("forbidden", (await ManyAsync("Note", """{"id":1,"text":"a","shelfId":1}""",
            """{"id":2,"text":"b","shelfId":2}""")).Fault?.Code);
        Assert.True((await ManyAsync("Note", """{"id":1,"text":"a","shelfId":1}""")).IsOk);
        Assert.Equal(2, engine.Store.Database.Writer.ScalarInt64("select count(*) from books"));
        RequireSound(engine);

        async Task<Result<WriteReply>> ManyAsync(string model, params string[] records) => await engine.BulkCreateAsync(
            Caller.Anonymous(), model, Each(records), key: null, CancellationToken.None);
    }

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> Each(params string[] records)
    {
        foreach (string record in records)
        {
            await Task.Yield();
            yield return Encoding.UTF8.GetBytes(record);
        }
    }

    [Theory]
    [InlineData("""{"id":1,"label":"other"}""")]
    [InlineData("""{"id":2,"label":"one"}""")]
    public async Task What_stood_in_the_way_and_went_before_it_was_looked_for_is_no_reason_to_refuse(string body)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        FailingDatabase? failing = null;
        Engine engine = await nodes.StartAsync(with: database => failing = new FailingDatabase(database));
        Assert.NotNull(failing);
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        bool isGone = false;
        failing.OnStatement = sql =>
        {
            // The insert did nothing, and this asks why.
            if (isGone || !sql.StartsWith("select", StringComparison.Ordinal) || !sql.Contains("shelfs", StringComparison.Ordinal)) return;
            isGone = true;
            nodes.Execute("delete from shelfs");
        };
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", body));
        Assert.True(isGone);
        failing.OnStatement = null;
        Assert.Equal(1, engine.Store.Database.Writer.ScalarInt64("select count(*) from shelfs"));
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
    public async Task However_many_of_a_group_change_one_record_they_do_so_in_the_order_in_which_they_came()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Library);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":1,"label":"one"}"""));
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Shelf", """{"id":2,"label":"two"}"""));

        Fault?[] faults = await TogetherAsync(
            engine,
            static () => { },
            [.. Enumerable.Range(0, 60).Select(static i =>
                (CommandKind.Update, "Shelf", $$"""{"label":"{{i}} of {{i % 2 + 1}}"}""", (string?)Text(i % 2 + 1)))]);

        Assert.All(faults, Assert.Null);
        using (Connection reader = engine.Store.Database.OpenReader())
        {
            foreach (int id in new[] { 1, 2 })
            {
                IEnumerable<string> labels = EventLog.History(reader, "Shelf", Text(id), 0, 100).Skip(1)
                    .Select(static e => Encoding.UTF8.GetString(e.Data!).Split("\"label\":\"")[1].Split('"')[0]); // None was purged.
                Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{2 * i + id - 1} of {id}"), labels);
            }
        }

        RequireSound(engine);
    }

    [Fact]
    public async Task Who_names_a_record_that_the_database_has_to_look_at_waits_for_the_turn_and_costs_the_others_nothing()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, """
            model Room { id Int @id  open Boolean  label String @default("")  desks Desk[]  @@allow("read", open)  @@allow("create", true) }
            model Desk { id Int @id  room Room? @relation  @@allow("all", true) }
            """);
        Engine engine = await nodes.StartAsync();
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Room", """{"id":1,"open":true}"""));
        Assert.Null(await WriteAsync(engine, CommandKind.Create, "Room", """{"id":2,"open":false}"""));
        Task<Result<WriteReply>>[] running = [];
        await TogetherAsync(
            engine,
            () => running = Queued(engine, Caller.Anonymous(), "Desk",
                """{"id":1,"roomId":1}""", """{"id":2,"roomId":2}""", """{"id":3,"roomId":3}""", """{"id":4}"""),
            [(CommandKind.Create, "Desk", """{"id":5,"roomId":2}""", null)]);
        Result<WriteReply>[] replies = await Task.WhenAll(running);

        Assert.Equal([null, "unknown_reference", "unknown_reference", null], replies.Select(static r => r.Fault?.Code));
        Assert.Equal(3, engine.Store.Database.Writer.ScalarInt64("select count(*) from desks"));
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

    /// <summary>
    /// Lets the commands wait behind one that holds the lane, so that they are one group; both are committed, unless it is said otherwise.
    /// </summary>
    static async Task<Fault?[]> TogetherAsync(
        Engine engine, Action before, (CommandKind Kind, string Model, string Body, string? Key)[] commands, int groups = 2)
    {
        Task<Fault?>[] running;
        long begun;
        // Whatever fails, it is let go: a lane that is held never ends.
        await using (await HeldLane.HoldAsync(engine.Store.Committer))
        {
            running = [.. commands.Select(c => WriteAsync(engine, c.Kind, c.Model, c.Body, c.Key))];
            while (engine.Store.Committer.Waiting < commands.Length) await Task.Delay(1);
            begun = engine.Store.Committer.Groups;
            before();
        }

        Fault?[] faults = await Task.WhenAll(running);
        Assert.Equal(groups, engine.Store.Committer.Groups - begun);
        return faults;
    }

    /// <summary>Creates that wait when this returns, and run when the lane is let go.</summary>
    static Task<Result<WriteReply>>[] Queued(Engine engine, Caller caller, string model, params string[] bodies)
    {
        int waiting = engine.Store.Committer.Waiting;
        Task<Result<WriteReply>>[] running =
            [.. bodies.Select(body => engine.WriteAsync(caller, Create(model, body), CancellationToken.None).AsTask())];
        Assert.True(SpinWait.SpinUntil(() => engine.Store.Committer.Waiting == waiting + bodies.Length, TimeSpan.FromSeconds(60)));
        return running;
    }

    static Task<Fault?> WriteAsync(Engine engine, CommandKind kind, string model, string body, string? key = null) =>
        PostgresNodes.WriteAsync(engine, kind, body, key, model);

    static Command Create(string model, string body) =>
        new() { Model = model, Kind = CommandKind.Create, Body = Encoding.UTF8.GetBytes(body) };

    static void RequireSound(Engine engine)
    {
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
    }

    static string Book(int id, int shelf) => $$"""{"id":{{id}},"title":"book {{id}}","shelfId":{{shelf}}}""";

    static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
