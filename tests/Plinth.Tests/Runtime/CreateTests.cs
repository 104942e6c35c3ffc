using Plinth.Plan;
using Plinth.Policy;
using Plinth.Store;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class CreateTests : IDisposable
{
    const string Schema = """
        auth { id String  role String? }
        model Author {
          id Int @id @default(autoincrement())
          name String
          hidden Boolean @default(false)
          books Book[]
          @@allow("all", auth != null && !hidden)
        }
        model Book {
          id String @id
          slug String @unique(code: "slug_already_exist")
          title String @length(1, 20)
          shout String @computed(title + "!")
          pages Int? @range(1, 1000)
          author Author @relation(onDelete: cascade)
          first Book? @relation(name: "first")
          sequels Book[] @relation(name: "first")
          secret String? @serverOnly @default("s3cret")
          @@unique([title, pages])
          @@fulltext([title])
          @@allow("read", auth != null)
          @@allow("create", auth != null && pages != 13)
        }
        """;

    readonly WriteFixture _fixture = new(Schema);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_create_answers_the_record_and_tells_the_log()
    {
        await Author();
        string body = await _fixture.Do(CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","authorId":1}""");
        Assert.Equal("""{"id":"a","slug":"s","title":"T","shout":"T!","pages":null,"authorId":1,"firstId":null}""", body);
        Assert.Equal([body], await _fixture.Rows("Book"));
        string created = _fixture.Events()[1];
        Assert.StartsWith("""created Book a {"set":{"id":"a","slug":"s","title":"T","shout":"T!",""", created, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", created, StringComparison.Ordinal);
        Assert.Equal(1, _fixture.Scalar("select count(*) from books_fts"));
    }

    [Fact]
    public async Task A_guarded_insert_refuses_an_absent_parent()
    {
        Assert.Equal(
            "unknown_reference authorId:unknown_reference",
            await _fixture.Refused(CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","authorId":7}"""));
        Assert.Empty(await _fixture.Rows("Book"));
        Assert.Empty(_fixture.Events());
    }

    [Fact]
    public async Task A_parent_that_the_caller_may_not_read_equals_an_absent_one()
    {
        await _fixture.Do(CommandKind.Create, "Author", """{"name":"A","hidden":true}""");
        Caller caller = WriteFixture.As("u");
        var hidden = await _fixture.Send(
            CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","pages":1,"authorId":1}""", caller: caller);
        var absent = await _fixture.Send(
            CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","pages":1,"authorId":2}""", caller: caller);
        Assert.Equal((absent.Fault!.Code, absent.Fault.Message), (hidden.Fault!.Code, hidden.Fault.Message));
        Assert.Equal(absent.Fault.Details.AsEnumerable(), hidden.Fault.Details);
        Assert.Equal("unknown_reference", hidden.Fault.Code);
    }

    [Fact]
    public async Task A_record_may_refer_to_itself()
    {
        await Author();
        await _fixture.Do(CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","authorId":1,"firstId":"a"}""");
        Assert.Equal(
            "unknown_reference firstId:unknown_reference",
            await _fixture.Refused(CommandKind.Create, "Book", """{"id":"b","slug":"t","title":"U","authorId":1,"firstId":"c"}"""));
    }

    [Fact]
    public async Task A_taken_key_names_the_fields_of_its_constraint_alone()
    {
        await Author();
        await _fixture.Do(CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","pages":1,"authorId":1}""");
        const string rest = """ "title":"U","authorId":1}""";
        Assert.Equal("conflict id:conflict", await _fixture.Refused(CommandKind.Create, "Book", """{"id":"a","slug":"x",""" + rest));
        Assert.Equal(
            "slug_already_exist slug:slug_already_exist",
            await _fixture.Refused(CommandKind.Create, "Book", """{"id":"b","slug":"s",""" + rest));
        Assert.Equal(
            "conflict title:conflict pages:conflict",
            await _fixture.Refused(CommandKind.Create, "Book", """{"id":"b","slug":"x","title":"T","pages":1,"authorId":1}"""));
        Assert.Single(await _fixture.Rows("Book"));
    }

    [Fact]
    public async Task Of_twenty_concurrent_creates_of_one_key_one_succeeds()
    {
        await Author();
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _fixture.Send(
            CommandKind.Create, "Book", $$"""{"id":"b{{i}}","slug":"same","title":"T{{i}}","authorId":1}""").AsTask()));
        Assert.Equal(1, results.Count(r => r.IsOk));
        Assert.Equal(19, results.Count(r => r.Fault?.Code == "slug_already_exist"));
        Assert.Equal(2, _fixture.Events().Count);
    }

    [Fact]
    public async Task The_rules_are_read_on_the_proposed_record()
    {
        await Author();
        Caller user = WriteFixture.As("u");
        Assert.Equal(
            "forbidden", await _fixture.Refused(
                CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","pages":13,"authorId":1}""", caller: user));
        await _fixture.Do(CommandKind.Create, "Book", """{"id":"a","slug":"s","title":"T","pages":14,"authorId":1}""", caller: user);
        Assert.Equal(
            "unauthorized",
            await _fixture.Refused(
                CommandKind.Create, "Book", """{"id":"b","slug":"t","title":"T","authorId":1}""", caller: Caller.Anonymous()));
    }

    [Fact]
    public async Task What_cannot_be_read_fails_before_what_is_not_allowed_and_that_before_what_is_refused()
    {
        Caller anonymous = Caller.Anonymous();
        Assert.Equal("malformed_body", await _fixture.Refused(CommandKind.Create, "Book", "{", caller: anonymous));
        Assert.Equal("unauthorized", await _fixture.Refused(CommandKind.Create, "Book", """{"title":""}""", caller: anonymous));
        Assert.StartsWith(
            "validation_failed", await _fixture.Refused(CommandKind.Create, "Book", """{"title":""}""", caller: WriteFixture.As("u")),
                StringComparison.Ordinal);
        Assert.Equal("unknown_model", await _fixture.Refused(CommandKind.Create, "Boook", "{}"));
    }

    [Fact]
    public async Task A_create_whose_result_is_unreadable_answers_without_a_body()
    {
        var result = await _fixture.Send(CommandKind.Create, "Author", """{"name":"A"}""", caller: WriteFixture.As("u"));
        Assert.NotNull(result.Value.Body);
        using WriteFixture closed = new("""
            model Note { id Int @id  text String  @@allow("create", true) }
            """);
        var hidden = await closed.Send(CommandKind.Create, "Note", """{"id":1,"text":"t"}""", caller: Caller.Anonymous());
        Assert.Null(hidden.Value.Body);
        Assert.Equal(("1", 0L), (hidden.Value.Key.Single(), hidden.Value.Version));
    }

    [Fact]
    public async Task Numbers_count_on_and_never_come_again()
    {
        await Author();
        await Author();
        await _fixture.Do(CommandKind.Delete, "Author", key: "2");
        Assert.StartsWith("""{"id":3,""", await Author(), StringComparison.Ordinal);
        await _fixture.Do(CommandKind.Create, "Author", """{"id":10,"name":"A"}""");
        Assert.StartsWith("""{"id":11,""", await Author(), StringComparison.Ordinal);
        Assert.Equal("conflict id:conflict", await _fixture.Refused(CommandKind.Create, "Author", """{"id":11,"name":"A"}"""));
        Assert.StartsWith("""{"id":12,""", await Author(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_are_created_all_or_none_with_the_position_of_each_problem()
    {
        await Author();
        Assert.Equal(
            "validation_failed [1].title:length",
            await _fixture.Refused(CommandKind.CreateMany, "Book", """
                [{"id":"a","slug":"a","title":"T","authorId":1},{"id":"b","slug":"b","title":"","authorId":1}]
                """));
        Assert.Equal(
            "unknown_reference [1].authorId:unknown_reference [2].slug:slug_already_exist",
            await _fixture.Refused(CommandKind.CreateMany, "Book", """
                [{"id":"a","slug":"a","title":"T","authorId":1},{"id":"b","slug":"b","title":"U","authorId":9},
                 {"id":"c","slug":"a","title":"V","authorId":1}]
                """));
        Assert.Empty(await _fixture.Rows("Book"));
        Assert.Single(_fixture.Events());
        string many = await _fixture.Do(CommandKind.CreateMany, "Book", """
            [{"id":"a","slug":"a","title":"T","authorId":1},{"id":"b","slug":"b","title":"U","authorId":1,"firstId":"a"}]
            """);
        Assert.StartsWith("""[{"id":"a",""", many, StringComparison.Ordinal);
        Assert.Equal(2, (await _fixture.Rows("Book")).Count);
    }

    Task<string> Author() => _fixture.Do(CommandKind.Create, "Author", """{"name":"A"}""");
}
