using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text;
using Plinth.Plan;
using Plinth.Store;
using Plinth.Policy;
using Plinth.Text;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class BatchTests : IDisposable
{
    const string Schema = """
        model Author { id Int @id  name String  books Book[]  @@allow("all", true) }
        model Book { id Int @id @default(autoincrement())  title String @length(1, 20)  author Author @relation  @@fulltext([title])
          @@allow("all", true) }
        """;

    readonly WriteFixture _fixture = new(Schema);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task An_atomic_batch_sees_what_it_wrote_and_is_one_transaction()
    {
        var batch = await Batch(
            atomic: true,
            WriteFixture.Command(CommandKind.Create, "Author", """{"id":1,"name":"A"}"""),
            WriteFixture.Command(CommandKind.Create, "Book", """{"title":"T","authorId":1}"""),
            WriteFixture.Command(CommandKind.Update, "Author", """{"name":"B"}""", "1"));
        Assert.Equal(
            ["""{"id":1,"name":"A"}""", """{"id":1,"title":"T","authorId":1}""", """{"id":1,"name":"B"}"""],
            batch.Value.Select(r => Encoding.UTF8.GetString(r.Value.Body!.Written)));
        Assert.Equal(1, _fixture.Scalar("select count(*) from plinth_commits where first_position > 0 and count = 3"));
    }

    [Fact]
    public async Task One_refusal_undoes_an_atomic_batch_and_is_placed()
    {
        var batch = await Batch(
            atomic: true,
            WriteFixture.Command(CommandKind.Create, "Author", """{"id":1,"name":"A"}"""),
            WriteFixture.Command(CommandKind.Create, "Book", """{"title":"T","authorId":2}"""));
        Assert.Equal("unknown_reference", batch.Fault!.Code);
        Assert.Equal("[1].authorId", batch.Fault.Details[0].Field);
        Assert.Empty(await _fixture.Rows("Author"));
        Assert.Empty(_fixture.Events());
        batch = await Batch(
            atomic: true,
            WriteFixture.Command(CommandKind.Create, "Author", """{"id":1,"name":"A"}"""),
            WriteFixture.Command(CommandKind.Delete, "Book", "", "9"));
        Assert.Equal(("not_found", "[1]"), (batch.Fault!.Code, batch.Fault.Details[0].Field));
    }

    [Fact]
    public async Task Each_operation_of_a_loose_batch_stands_for_itself()
    {
        var batch = await Batch(
            atomic: false,
            WriteFixture.Command(CommandKind.Create, "Book", """{"title":"T","authorId":1}"""),
            WriteFixture.Command(CommandKind.Create, "Author", """{"id":1,"name":"A"}"""));
        Assert.Equal([false, true], batch.Value.Select(r => r.IsOk));
        Assert.Single(await _fixture.Rows("Author"));
    }

    [Fact]
    public async Task A_batch_is_bounded()
    {
        using WriteFixture small = new(Schema, Limits.Default with { BatchOperations = 1 });
        Command create = WriteFixture.Command(CommandKind.Create, "Author", """{"id":1,"name":"A"}""");
        var batch = await small.Engine.BatchAsync(Caller.System, [create, create], atomic: true, CancellationToken.None);
        Assert.Equal("limit_exceeded", batch.Fault!.Code);
        Assert.Empty((await small.Engine.BatchAsync(Caller.System, [], atomic: true, CancellationToken.None)).Value);
    }

    [Fact]
    public async Task A_repeated_key_answers_what_the_first_request_was_answered()
    {
        Command create = Keyed("""{"id":1,"name":"A"}""", "k", 1);
        var first = await _fixture.Send(create);
        Assert.False(first.Value.IsReplayed);
        var second = await _fixture.Send(create);
        Assert.True(second.Value.IsReplayed);
        Assert.Equal((first.Value.Outcome, first.Value.Version, "1"),
            (second.Value.Outcome, second.Value.Version, second.Value.Key.Single()));
        Assert.Equal(WriteFixture.Body(first), WriteFixture.Body(second));
        Assert.Single(_fixture.Events());
        Assert.Equal("idempotency_mismatch", WriteFixture.Told(await _fixture.Send(Keyed("""{"id":2,"name":"A"}""", "k", 2))));
        // Another key of the same request is another request.
        Assert.Equal("conflict id:conflict", WriteFixture.Told(await _fixture.Send(Keyed("""{"id":1,"name":"A"}""", "other", 1))));
    }

    [Fact]
    public async Task A_refusal_keeps_no_answer_and_is_decided_anew()
    {
        Command create = Keyed("""{"title":"T","authorId":1}""", "k", 1) with { Model = "Book" };
        Assert.StartsWith("unknown_reference", WriteFixture.Told(await _fixture.Send(create)), StringComparison.Ordinal);
        await _fixture.Do(CommandKind.Create, "Author", """{"id":1,"name":"A"}""");
        Assert.False((await _fixture.Send(create)).Value.IsReplayed);
        Assert.True((await _fixture.Send(create)).Value.IsReplayed);
        Assert.Single(await _fixture.Rows("Book"));
    }

    [Fact]
    public async Task An_answer_is_kept_for_a_day_and_sealed()
    {
        Command create = Keyed("""{"id":1,"name":"A legible name"}""", "k", 1);
        await _fixture.Send(create);
        string legible = TestDatabase.IsPostgres
            ? "position('legible'::bytea in answer) > 0"
            : "instr(answer, cast('legible' as blob)) > 0";
        Assert.Equal(0, _fixture.Scalar("select count(*) from plinth_idempotency where " + legible));
        _fixture.Clock.Advance(TimeSpan.FromHours(23));
        Assert.True((await _fixture.Send(create)).Value.IsReplayed);
        _fixture.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal("conflict id:conflict", WriteFixture.Told(await _fixture.Send(create)));
        await _fixture.Send(Keyed("""{"id":2,"name":"B"}""", "k2", 1));
        Assert.Equal(1, _fixture.Scalar("select count(*) from plinth_idempotency"));
    }

    [Fact]
    public async Task A_large_answer_is_replayed_without_its_body()
    {
        Command create = Keyed($$"""{"id":1,"name":"{{new string('x', 70_000)}}"}""", "k", 1);
        await _fixture.Send(create);
        var second = await _fixture.Send(create);
        Assert.True(second.Value.IsReplayed);
        Assert.Null(second.Value.Body);
        Assert.Equal("1", second.Value.Key.Single());
    }

    [Fact]
    public async Task An_answer_is_kept_for_as_many_hours_as_are_set()
    {
        using WriteFixture fixture = new(Schema, Limits.Default with { IdempotencyHours = 2 });
        Command create = Keyed("""{"id":1,"name":"A"}""", "k", 1);
        Assert.True((await fixture.Send(create)).IsOk);
        fixture.Clock.Advance(TimeSpan.FromMinutes(119));
        Assert.True((await fixture.Send(create)).Value.IsReplayed);
        fixture.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.StartsWith("conflict", WriteFixture.Told(await fixture.Send(create)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_concurrent_requests_with_one_key_one_runs()
    {
        Command create = Keyed("""{"id":1,"name":"A"}""", "k", 1);
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await _fixture.Send(create))));
        Assert.Equal(1, results.Count(r => r.IsOk && !r.Value.IsReplayed));
        Assert.All(results.Where(r => !r.IsOk), r => Assert.Equal("idempotency_in_flight", r.Fault!.Code));
        Assert.Single(_fixture.Events());
    }

    [Fact]
    public async Task A_bulk_create_is_one_transaction_of_any_size()
    {
        await _fixture.Do(CommandKind.Create, "Author", """{"id":1,"name":"A"}""");
        const int count = 2500;
        var result = await _fixture.Engine.BulkCreateAsync(
            Caller.System, "Book", Records(count, i => $$"""{"title":"book {{i}}","authorId":1}"""), key: null, CancellationToken.None);
        Assert.Equal($$"""{"created":{{count}}}""", WriteFixture.Body(result));
        Assert.Equal(count, _fixture.Scalar("select count(*) from books"));
        Assert.Equal(count, _fixture.Scalar("select max(id) from books"));
        Assert.Equal(count + 1, _fixture.Scalar("select max(position) from plinth_events"));
        Assert.Equal(count, _fixture.Scalar("select count(*) from books_fts"));
        Assert.Equal(count + 1, _fixture.Store.Log.Head);
        Assert.Empty(Directory.GetFiles(Path.Combine(_fixture.Folder, "staging")));
        await _fixture.Do(CommandKind.Create, "Book", """{"title":"next","authorId":1}""");
        Assert.Equal(count + 2, _fixture.Store.Log.Head);
    }

    [Fact]
    public async Task A_bulk_create_with_wrong_records_names_at_most_a_hundred_and_writes_nothing()
    {
        await _fixture.Do(CommandKind.Create, "Author", """{"id":1,"name":"A"}""");
        var result = await _fixture.Engine.BulkCreateAsync(
            Caller.System, "Book", Records(2500, i => i % 10 == 3 ? """{"title":"","authorId":1}""" : """{"title":"t","authorId":1}"""),
                key: null, CancellationToken.None);
        Assert.Equal("validation_failed", result.Fault!.Code);
        Assert.Equal(100, result.Fault.Details.Length);
        Assert.Equal("[3].title", result.Fault.Details[0].Field);
        result = await _fixture.Engine.BulkCreateAsync(
            Caller.System, "Book", Records(2500, i => i > 1500 ? """{"title":"t","authorId":7}""" : """{"title":"t","authorId":1}"""),
                key: null, CancellationToken.None);
        Assert.Equal("unknown_reference", result.Fault!.Code);
        Assert.Equal("[1501].authorId", result.Fault.Details[0].Field);
        Assert.Equal(0, _fixture.Scalar("select count(*) from books"));
        Assert.Single(_fixture.Events());
        await _fixture.Do(CommandKind.Create, "Book", """{"title":"t","authorId":1}""");
        Assert.Equal(2, _fixture.Store.Log.Head);
    }

    [Fact]
    public async Task A_bulk_create_with_a_key_is_done_once_and_another_one_with_the_key_is_refused()
    {
        IdempotencyKey key = new("who POST /api/authors", "0123456789", [1, 2, 3]);
        Assert.Equal("""{"created":1500}""", WriteFixture.Body(await Create(1500)));
        var again = await Create(1500);
        Assert.True(again.Value.IsReplayed);
        Assert.Equal("""{"created":1500}""", WriteFixture.Body(again));
        Assert.Equal(1500, _fixture.Scalar("select count(*) from authors"));
        Assert.Equal(1500, _fixture.Store.Log.Head);
        Assert.StartsWith("idempotency_mismatch", WriteFixture.Told(await Create(1499)), StringComparison.Ordinal);
        Assert.StartsWith("idempotency_mismatch", WriteFixture.Told(await Create(1500, key with { RequestDigest = [1, 2, 4] })),
            StringComparison.Ordinal);

        // A refused one wrote nothing, so its key is free.
        IdempotencyKey other = key with { Key = "other" };
        Assert.StartsWith("conflict", WriteFixture.Told(await Create(2, other)), StringComparison.Ordinal);
        Assert.Equal("""{"created":1}""", WriteFixture.Body(await Create(1, other, from: 9000)));

        Task<Result<WriteReply>> Create(int count, IdempotencyKey? under = null, int from = 0) => _fixture.Engine.BulkCreateAsync(
            Caller.System, "Author", Records(count, i => $$"""{"id":{{from + i}},"name":"A"}"""), under ?? key, CancellationToken.None);
    }

    [Fact]
    public async Task A_bulk_create_with_a_key_that_is_in_flight_is_refused_before_its_records_are_read()
    {
        IdempotencyKey key = new("who POST /api/authors", "0123456789", [1, 2, 3]);
        TaskCompletionSource asked = new(), go = new();
        Task<Result<WriteReply>> first = _fixture.Engine.BulkCreateAsync(Caller.System, "Author", Held(), key, CancellationToken.None);
        await asked.Task;
        var second = await _fixture.Engine.BulkCreateAsync(
            Caller.System, "Author", Records(1, _ => throw new InvalidOperationException()), key, CancellationToken.None);
        Assert.Equal("idempotency_in_flight", second.Fault!.Code);
        go.SetResult();
        Assert.Equal("""{"created":1}""", WriteFixture.Body(await first));

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Held()
        {
            asked.SetResult();
            await go.Task;
            yield return """{"id":1,"name":"A"}"""u8.ToArray();
        }
    }

    [Fact]
    public async Task A_bulk_create_under_a_schema_that_is_replaced_meanwhile_writes_nothing()
    {
        using WriteFixture fixture = new("""model Note { id Int @id  @@allow("all", true) }""");
        var result = await fixture.Engine.BulkCreateAsync(Caller.System, "Note", Replacing(), key: null, CancellationToken.None);
        Assert.Equal("not_ready", result.Fault!.Code);
        Assert.Equal(0, fixture.Scalar("select count(*) from notes"));

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Replacing()
        {
            yield return """{"id":1}"""u8.ToArray();
            var applied = await fixture.Engine.ApplyAsync(
                WriteFixture.Read("""model Note { id Int @id  more String?  @@allow("all", true) }"""), CancellationToken.None);
            Assert.True(applied.IsOk);
        }
    }

    [Fact]
    public async Task A_problem_deep_in_a_batch_is_placed_from_the_outside_in()
    {
        var batch = await Batch(
            atomic: true,
            WriteFixture.Command(CommandKind.CreateMany, "Author", """[{"id":1,"name":"A"},{"id":1,"name":"B"}]"""));
        Assert.Equal("[1].id", batch.Fault!.Details[0].Field);
        batch = await Batch(
            atomic: true,
            WriteFixture.Command(CommandKind.Create, "Author", """{"id":1,"name":"A"}"""),
            WriteFixture.Command(CommandKind.CreateMany, "Book", """[{"title":"T","authorId":1},{"title":"T","authorId":2}]"""));
        Assert.Equal("[1][1].authorId", batch.Fault!.Details[0].Field);
        using WriteFixture checkedOnes = new("""model Note { id Int @id  @@check(id < 5)  @@allow("all", true) }""");
        batch = await checkedOnes.Engine.BatchAsync(
            Caller.System,
            [
                WriteFixture.Command(CommandKind.Create, "Note", """{"id":1}"""),
                WriteFixture.Command(CommandKind.Create, "Note", """{"id":9}"""),
            ],
            atomic: true, CancellationToken.None);
        Assert.Equal("[1]", batch.Fault!.Details[0].Field);
    }

    [Fact]
    public async Task A_bulk_create_of_an_unknown_model_is_refused()
    {
        var result = await _fixture.Engine.BulkCreateAsync(
            Caller.System, "Authr", Records(1, _ => throw new InvalidOperationException()), key: null, CancellationToken.None);
        Assert.Equal("unknown_model", result.Fault!.Code);
        Assert.Contains("Author", result.Fault.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bulk_create_is_refused_before_its_records_are_read()
    {
        using WriteFixture closed = new("""model Note { id Int @id  @@allow("read", true) }""");
        var result = await closed.Engine.BulkCreateAsync(
            Caller.Anonymous(), "Note", Records(1, _ => throw new InvalidOperationException()), key: null, CancellationToken.None);
        Assert.Equal("unauthorized", result.Fault!.Code);
        var small = new WriteFixture(Schema, Limits.Default with { BulkRows = 2 });
        using (small)
        {
            result = await small.Engine.BulkCreateAsync(
                Caller.System, "Author", Records(3, i => $$"""{"id":{{i}},"name":"A"}"""), key: null, CancellationToken.None);
            Assert.Equal("too_many_rows", result.Fault!.Code);
            Assert.Empty(await small.Rows("Author"));
        }
    }

    static Command Keyed(string body, string key, byte digest) =>
        WriteFixture.Command(CommandKind.Create, "Author", body) with { Idempotency = new IdempotencyKey("scope", key, [digest]) };

    ValueTask<Result<ImmutableArray<Result<WriteReply>>>> Batch(bool atomic, params ImmutableArray<Command> commands) =>
        _fixture.Engine.BatchAsync(Caller.System, commands, atomic, CancellationToken.None);

    internal static async IAsyncEnumerable<ReadOnlyMemory<byte>> Records(
        int count, Func<int, string> record, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        for (int i = 0; i < count; i++)
        {
            if (i % 500 == 0) await Task.Yield();
            cancel.ThrowIfCancellationRequested();
            yield return Encoding.UTF8.GetBytes(record(i));
        }
    }
}
