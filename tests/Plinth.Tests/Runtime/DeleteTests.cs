using Plinth.Plan;
using Plinth.Policy;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class DeleteTests : IDisposable
{
    const string Schema = """
        auth { id String  role String? }
        model Company {
          id Int @id
          name String
          contacts Contact[]
          @@softDelete
          @@allow(["read", "create", "delete", "restore"], true)
          @@allow("purge", auth.role == "admin")
        }
        model Contact {
          id Int @id
          email String @unique
          company Company? @relation(onDelete: cascade)
          manager Contact? @relation(name: "manager", onDelete: setNull)
          reports Contact[] @relation(name: "manager")
          notes Note[]
          deals Deal[]
          revision Int @version
          @@fulltext([email])
          @@softDelete
          @@allow("all", true)
        }
        model Note { id Int @id  contact Contact @relation(onDelete: cascade)  @@allow("all", true) }
        model Deal { id Int @id  contact Contact @relation(onDelete: restrict)  @@allow("all", true) }
        model Node { id Int @id  next Node? @relation(name: "next", onDelete: cascade)  nodes Node[] @relation(name: "next")
          @@allow("all", true) }
        """;

    readonly WriteFixture _fixture = new(Schema);

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_soft_deletion_takes_its_children_along_and_restoring_brings_that_set_back()
    {
        await Create("Company", """{"id":1,"name":"C"}""");
        await Create("Contact", """{"id":1,"email":"a@x","companyId":1}""");
        await Create("Contact", """{"id":2,"email":"b@x","companyId":1}""");
        await Create("Contact", """{"id":3,"email":"c@x","companyId":1}""");
        await Create("Note", """{"id":1,"contactId":1}""");
        await _fixture.Do(CommandKind.Delete, "Contact", key: "3");
        await _fixture.Do(CommandKind.Delete, "Company", key: "1");
        Assert.All(await _fixture.Rows("Contact"), row => Assert.StartsWith("trashed", row, StringComparison.Ordinal));
        Assert.Single(await _fixture.Rows("Note"));
        Assert.Equal(
            ["deleted Contact 3", "deleted Contact 1", "deleted Contact 2", "deleted Company 1"],
            _fixture.Events().Skip(5).Select(e => string.Join(' ', e.Split(' ')[..3])));

        Assert.Contains("\"name\":\"C\"", await _fixture.Do(CommandKind.Restore, "Company", key: "1"), StringComparison.Ordinal);
        Assert.Equal(
            [false, false, true], (await _fixture.Rows("Contact")).Select(row => row.StartsWith("trashed", StringComparison.Ordinal)));
        Assert.Equal(
            ["restored Company 1", "restored Contact 1", "restored Contact 2"],
            _fixture.Events().Skip(9).Select(e => string.Join(' ', e.Split(' ')[..3])));
    }

    [Fact]
    public async Task Two_deletions_at_one_moment_are_told_apart()
    {
        await Create("Company", """{"id":1,"name":"C"}""");
        await Create("Contact", """{"id":1,"email":"a@x","companyId":1}""");
        await Create("Contact", """{"id":2,"email":"b@x","companyId":1}""");
        _fixture.Clock.IsFrozen = true;
        await _fixture.Do(CommandKind.Delete, "Contact", key: "1");
        await _fixture.Do(CommandKind.Delete, "Company", key: "1");
        await _fixture.Do(CommandKind.Restore, "Company", key: "1");
        Assert.Equal([true, false], (await _fixture.Rows("Contact")).Select(row => row.StartsWith("trashed", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_is_in_the_trash_is_not_there_until_it_is_restored()
    {
        await Create("Contact", """{"id":1,"email":"a@x"}""");
        await _fixture.Do(CommandKind.Delete, "Contact", key: "1");
        Assert.Equal("not_found", await _fixture.Refused(CommandKind.Delete, "Contact", key: "1"));
        Assert.Equal("not_found", await _fixture.Refused(CommandKind.Update, "Contact", """{"email":"b@x","revision":2}""", "1"));
        Assert.Equal("conflict id:conflict", await _fixture.Refused(CommandKind.Create, "Contact", """{"id":1,"email":"z@x"}"""));
        Assert.Equal(
            "unknown_reference contactId:unknown_reference",
                await _fixture.Refused(CommandKind.Create, "Note", """{"id":1,"contactId":1}"""));
        await Create("Contact", """{"id":2,"email":"a@x"}""");
        Assert.Equal("conflict email:conflict", await _fixture.Refused(CommandKind.Restore, "Contact", key: "1"));
        await _fixture.Do(CommandKind.Delete, "Contact", key: "2");
        Assert.Contains("\"revision\":3", await _fixture.Do(CommandKind.Restore, "Contact", key: "1"), StringComparison.Ordinal);
        Assert.Equal("not_found", await _fixture.Refused(CommandKind.Restore, "Contact", key: "1"));
    }

    [Fact]
    public async Task A_restore_demands_a_live_parent()
    {
        await Create("Company", """{"id":1,"name":"C"}""");
        await Create("Contact", """{"id":1,"email":"a@x","companyId":1}""");
        await _fixture.Do(CommandKind.Delete, "Contact", key: "1");
        await _fixture.Do(CommandKind.Delete, "Company", key: "1");
        Assert.Equal(
            "unknown_reference companyId:unknown_reference", await _fixture.Refused(CommandKind.Restore, "Contact", key: "1"));
    }

    [Fact]
    public async Task What_still_refers_restricts()
    {
        await Create("Company", """{"id":1,"name":"C"}""");
        await Create("Contact", """{"id":1,"email":"a@x","companyId":1}""");
        await Create("Deal", """{"id":1,"contactId":1}""");
        int events = _fixture.Events().Count;
        Assert.StartsWith("restricted_by_reference", await _fixture.Refused(CommandKind.Delete, "Contact", key: "1"),
            StringComparison.Ordinal);
        Assert.StartsWith("restricted_by_reference", await _fixture.Refused(CommandKind.Delete, "Company", key: "1"),
            StringComparison.Ordinal);
        Assert.Equal(events, _fixture.Events().Count);
        await _fixture.Do(CommandKind.Delete, "Deal", key: "1");
        await _fixture.Do(CommandKind.Delete, "Company", key: "1");
    }

    [Fact]
    public async Task A_cleared_reference_is_an_update_of_its_own()
    {
        await Create("Contact", """{"id":1,"email":"a@x"}""");
        await Create("Contact", """{"id":2,"email":"b@x","managerId":1}""");
        await _fixture.Do(CommandKind.Delete, "Contact", key: "1");
        Assert.Contains("\"revision\":2,\"companyId\":null,\"managerId\":null", (await _fixture.Rows("Contact"))[1],
            StringComparison.Ordinal);
        Assert.Contains("""updated Contact 2 {"set":{"revision":2,"managerId":null},"was":{"revision":1,"managerId":1}}""",
            _fixture.Events());
    }

    [Fact]
    public async Task A_purge_removes_the_record_its_children_and_the_values_in_the_log()
    {
        await Create("Company", """{"id":1,"name":"C"}""");
        await Create("Contact", """{"id":1,"email":"a@x","companyId":1}""");
        await Create("Note", """{"id":1,"contactId":1}""");
        await _fixture.Do(CommandKind.Delete, "Company", key: "1");
        Assert.Equal("forbidden", await _fixture.Refused(CommandKind.Purge, "Company", key: "1", caller: WriteFixture.As("u")));
        await _fixture.Do(CommandKind.Purge, "Company", key: "1", caller: WriteFixture.As("u", "admin"));
        foreach (string model in (string[])["Company", "Contact", "Note"]) Assert.Empty(await _fixture.Rows(model));
        Assert.Equal(0, _fixture.Scalar("select count(*) from contacts_fts"));
        Assert.DoesNotContain(_fixture.Events(), e => e.Contains("a@x", StringComparison.Ordinal));
        Assert.Equal("unknown_parameter", await _fixture.Refused(CommandKind.Purge, "Note", key: "1"));
    }

    [Fact]
    public async Task A_circle_of_cascades_ends()
    {
        await Create("Node", """{"id":1}""");
        await Create("Node", """{"id":2,"nextId":1}""");
        await Create("Node", """{"id":3,"nextId":2}""");
        await _fixture.Do(CommandKind.Update, "Node", """{"nextId":3}""", "1");
        await _fixture.Do(CommandKind.Delete, "Node", key: "2");
        Assert.Empty(await _fixture.Rows("Node"));
    }

    [Fact]
    public async Task A_cascade_that_is_too_large_changes_nothing()
    {
        using WriteFixture small = new(Schema, Limits.Default with { WriteRows = 3 });
        await small.Do(CommandKind.Create, "Node", """{"id":1}""");
        for (int i = 2; i <= 4; i++) await small.Do(CommandKind.Create, "Node", $$"""{"id":{{i}},"nextId":{{i - 1}}}""");
        Assert.Equal("cascade_too_large", await small.Refused(CommandKind.Delete, "Node", key: "1"));
        Assert.Equal(4, (await small.Rows("Node")).Count);
        await small.Do(CommandKind.Delete, "Node", key: "2");
        Assert.Single(await small.Rows("Node"));
    }

    [Fact]
    public async Task A_filtered_write_changes_what_a_list_would_hold_as_far_as_the_rules_allow()
    {
        using WriteFixture fixture = new("""
            auth { id String  role String? }
            model Item {
              id Int @id  state String  owner String  hidden Boolean @default(false)  code String? @unique
              @@allow("read", !hidden)  @@allow("create", true)  @@allow(["update", "delete"], owner == auth.id, after: state != "bad")
            }
            """);
        for (int i = 1; i <= 6; i++)
        {
            await fixture.Do(
                CommandKind.Create, "Item",
                    $$"""{"id":{{i}},"state":"new","owner":"{{(i < 4 ? "ann" : "bob")}}","hidden":{{(i == 3 ? "true" : "false")}}}""");
        }
        Caller ann = WriteFixture.As("ann");
        Command update = WriteFixture.Command(CommandKind.UpdateMany, "Item", """{"state":"old"}""") with { Filter = "state == \"new\"" };
        Assert.Equal("""{"matched":5,"changed":2}""", WriteFixture.Body(await fixture.Send(update, ann)));
        Assert.Equal("""{"matched":3,"changed":0}""", WriteFixture.Body(await fixture.Send(update, ann)));
        Assert.Equal("filter_required", WriteFixture.Told(await fixture.Send(update with { Filter = " " }, ann)));
        Assert.Equal("forbidden", WriteFixture.Told(await fixture.Send(
            WriteFixture.Command(CommandKind.UpdateMany, "Item", """{"state":"bad"}""") with { Filter = "true" }, ann)));
        Assert.Equal("conflict code:conflict", WriteFixture.Told(await fixture.Send(
            WriteFixture.Command(CommandKind.UpdateMany, "Item", """{"code":"x"}""") with { Filter = "true" }, ann)));
        Assert.Equal(8, fixture.Events().Count);
        Command delete = WriteFixture.Command(
            CommandKind.DeleteMany, "Item") with { ShortFilters = [new ShortFilter("state", "eq", "old")] };
        Assert.Equal("""{"matched":2,"changed":2}""", WriteFixture.Body(await fixture.Send(delete, ann)));
        Assert.Equal(4, (await fixture.Rows("Item")).Count);
    }

    [Fact]
    public async Task A_filtered_write_over_too_many_records_changes_nothing()
    {
        using WriteFixture small = new(Schema, Limits.Default with { WriteRows = 3 });
        for (int i = 1; i <= 4; i++) await small.Do(CommandKind.Create, "Node", $$"""{"id":{{i}}}""");
        Assert.Equal("too_many_rows", WriteFixture.Told(
            await small.Send(WriteFixture.Command(CommandKind.DeleteMany, "Node") with { Filter = "id > 0" })));
        Assert.Equal("""{"matched":3,"changed":3}""", WriteFixture.Body(
            await small.Send(WriteFixture.Command(CommandKind.DeleteMany, "Node") with { Filter = "id > 1" })));
        Assert.Single(await small.Rows("Node"));
    }

    Task<string> Create(string model, string body) => _fixture.Do(CommandKind.Create, model, body);
}
