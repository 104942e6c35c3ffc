using Plinth.Plan;
using Plinth.Store;
using Plinth.Policy;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class UpdateTests : IDisposable
{
    const string Schema = """
        auth { id String  role String? }
        type Address { street String  city String? }
        model Team { id String @id  name String?  open Boolean @default(true)  tasks Task[]  @@allow("all", true) }
        model Task {
          id String @id
          title String @length(1, 20) @trim
          shout String @computed(title + "!")
          code String? @unique
          owner String @immutable
          address Address?
          team Team? @relation(onDelete: setNull)
          updatedAt DateTime @updatedAt
          @@fulltext([title])
          @@check(title != code)
          @@allow("read", owner == auth.id || auth.role == "admin")
          @@allow("create", true)
          @@allow("update", owner == auth.id && title != "locked", after: title != "stolen")
          @@allow("update", team.open && auth.role == "lead", after: title == "by lead")
          @@deny("update", teamId != null && team.name == "frozen")
          @@allow("delete", auth.role == "admin")
        }
        model Doc { id Int @id  text String  revision Int @version  @@allow("all", true) }
        """;

    readonly WriteFixture _fixture = new(Schema);

    static Caller Ann => WriteFixture.As("ann");

    static Caller Admin => WriteFixture.As("root", "admin");

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task A_right_guess_at_a_hidden_value_is_held_against_the_schema_of_today()
    {
        const string Text = """
            auth { id String  role String? }
            model Note {
              id Int @id
              name String
              pin String? @allow("read", false)
              label String @computed(name + "!") LENGTH
              @@allow("all", true)
            }
            """;
        using WriteFixture fixture = new(Text.Replace("LENGTH", "", StringComparison.Ordinal));
        await fixture.Do(CommandKind.Create, "Note", """{"id":1,"name":"long enough","pin":"1"}""");
        var applied = await fixture.Engine.ApplyAsync(
            WriteFixture.Read(Text.Replace("LENGTH", "@length(max: 5)", StringComparison.Ordinal)), CancellationToken.None);
        Assert.True(applied.IsOk, applied.Fault?.Message);
        Assert.Equal("validation_failed label:length", await fixture.Refused(CommandKind.Update, "Note", """{"pin":"1"}""", "1", Ann));
        Assert.Equal("validation_failed label:length", await fixture.Refused(CommandKind.Update, "Note", """{"pin":"2"}""", "1", Ann));
    }

    [Fact]
    public async Task A_patch_changes_what_it_names_and_tells_the_log_what_it_was()
    {
        await New("a");
        string body = await _fixture.Do(CommandKind.Update, "Task", """{"title":" B ","address":{"street":"s"}}""", "a", Ann);
        Assert.Contains("""
            "title":"B","shout":"B!","code":null,"owner":"ann","address":{"street":"s","city":null}
            """.Trim(), body, StringComparison.Ordinal);
        string told = _fixture.Events()[^1];
        Assert.StartsWith("""updated Task a {"set":{"title":"B","shout":"B!","address":{"street":"s","city":null},"updatedAt":""", told,
            StringComparison.Ordinal);
        Assert.Contains("""
            "was":{"title":"a","shout":"a!","address":null,
            """.Trim(), told, StringComparison.Ordinal);
        Assert.Equal(2, (await _fixture.Stored("Task"))[0].Version);
        string term = Text.SearchTerms.Encode("B");
        string found = TestDatabase.IsPostgres ? $"terms @@ '{term}'" : $"tasks_fts match '\"{term}\"'";
        Assert.Equal(1, _fixture.Scalar("select count(*) from tasks_fts where " + found));
    }

    [Fact]
    public async Task A_patch_that_changes_nothing_writes_nothing()
    {
        await New("a");
        await _fixture.Do(CommandKind.Update, "Task", """{"title":"a"}""", "a", Ann);
        await _fixture.Do(CommandKind.Update, "Task", "{}", "a", Ann);
        Assert.Single(_fixture.Events());
        Assert.Equal(1, (await _fixture.Stored("Task"))[0].Version);
    }

    [Fact]
    public async Task What_the_caller_may_not_read_is_not_there()
    {
        await New("a");
        Assert.Equal("not_found", await _fixture.Refused(CommandKind.Update, "Task", """{"title":"B"}""", "a", WriteFixture.As("bob")));
        Assert.Equal("not_found", await _fixture.Refused(CommandKind.Update, "Task", """{"title":"B"}""", "none", Ann));
        Assert.Equal("not_found", await _fixture.Refused(CommandKind.Delete, "Task", "", "none", Admin));
    }

    [Fact]
    public async Task A_refused_write_on_a_readable_record_is_forbidden()
    {
        await New("a");
        Assert.Equal("forbidden", await _fixture.Refused(CommandKind.Update, "Task", """{"title":"B"}""", "a", Admin));
        Assert.Equal("forbidden", await _fixture.Refused(CommandKind.Delete, "Task", "", "a", Ann));
    }

    [Fact]
    public async Task One_rule_holds_before_and_after_as_a_whole()
    {
        await _fixture.Do(CommandKind.Create, "Team", """{"id":"t","name":"T"}""");
        await _fixture.Do(CommandKind.Create, "Task", """{"id":"a","title":"a","owner":"ann","teamId":"t"}""");
        Caller lead = WriteFixture.As("ann", "lead");
        // As the owner: anything but a theft. As the lead: nothing but "by lead". One's condition never goes with the other's after.
        Assert.Equal("forbidden", await _fixture.Refused(CommandKind.Update, "Task", """{"title":"stolen"}""", "a", lead));
        await _fixture.Do(CommandKind.Update, "Task", """{"title":"locked"}""", "a", lead);
        Assert.Equal("forbidden", await _fixture.Refused(CommandKind.Update, "Task", """{"title":"free"}""", "a", lead));
        await _fixture.Do(CommandKind.Update, "Task", """{"title":"by lead"}""", "a", lead);
        Assert.Equal("by lead", (await _fixture.Stored("Task"))[0].Values[1].String);
    }

    [Fact]
    public async Task A_denial_over_a_relation_holds_on_both_states_and_leaves_nothing_behind()
    {
        await _fixture.Do(CommandKind.Create, "Team", """{"id":"t","name":"frozen"}""");
        await _fixture.Do(CommandKind.Create, "Team", """{"id":"u","name":"U"}""");
        await _fixture.Do(CommandKind.Create, "Task", """{"id":"a","title":"a","owner":"ann","teamId":"u"}""");
        int events = _fixture.Events().Count;
        Assert.Equal("forbidden", await _fixture.Refused(CommandKind.Update, "Task", """{"teamId":"t"}""", "a", Ann));
        Assert.Equal(events, _fixture.Events().Count);
        Assert.Contains("\"teamId\":\"u\"", (await _fixture.Rows("Task"))[0], StringComparison.Ordinal);
        await _fixture.Do(CommandKind.Update, "Task", """{"title":"b"}""", "a", Ann);
    }

    [Fact]
    public async Task An_unknown_denial_denies()
    {
        await _fixture.Do(CommandKind.Create, "Team", """{"id":"t"}""");
        await _fixture.Do(CommandKind.Create, "Task", """{"id":"a","title":"a","owner":"ann","teamId":"t"}""");
        Assert.Equal("forbidden", await _fixture.Refused(CommandKind.Update, "Task", """{"title":"b"}""", "a", Ann));
        await _fixture.Do(CommandKind.Update, "Team", """{"name":"T"}""", "t");
        await _fixture.Do(CommandKind.Update, "Task", """{"title":"b"}""", "a", Ann);
    }

    [Theory]
    [InlineData("""{"title":""}""", "validation_failed title:length")]
    [InlineData("""{"title":null}""", "validation_failed title:required")]
    [InlineData("""{"owner":"x"}""", "validation_failed owner:immutable")]
    [InlineData("""{"id":"x"}""", "validation_failed id:immutable")]
    [InlineData("""{"code":"a"}""", "validation_failed :check")]
    [InlineData("""{"teamId":"nope"}""", "unknown_reference teamId:unknown_reference")]
    [InlineData("""{"code":"taken"}""", "conflict code:conflict")]
    [InlineData("""{"address":{"town":"x"}}""", "validation_failed address.town:unknown_field address.street:required")]
    public async Task What_a_patch_may_not_say_changes_nothing(string patch, string told)
    {
        await _fixture.Do(CommandKind.Create, "Team", """{"id":"t","name":"T"}""");
        await _fixture.Do(CommandKind.Create, "Task", """{"id":"a","title":"a","owner":"ann","teamId":"t"}""");
        await _fixture.Do(CommandKind.Create, "Task", """{"id":"b","title":"b","owner":"ann","code":"taken"}""");
        string refused = await _fixture.Refused(CommandKind.Update, "Task", patch, "a", Ann);
        Assert.Equal(told, refused);
        Assert.Equal(1, (await _fixture.Stored("Task"))[0].Version);
    }

    [Fact]
    public async Task Preconditions_are_held_against_the_version()
    {
        await _fixture.Do(CommandKind.Create, "Doc", """{"id":1,"text":"a"}""");
        Command patch = WriteFixture.Command(CommandKind.Update, "Doc", """{"text":"b"}""", "1");
        Assert.Equal("precondition_required", WriteFixture.Told(await _fixture.Send(patch)));
        Assert.Equal("precondition_failed", WriteFixture.Told(await _fixture.Send(patch with { IfVersion = 2 })));
        Assert.Equal("""{"id":1,"text":"b","revision":2}""", WriteFixture.Body(await _fixture.Send(patch with { IfVersion = 1 })));
        Command named = WriteFixture.Command(CommandKind.Update, "Doc", """{"text":"c","revision":1}""", "1");
        Assert.Equal("precondition_failed", WriteFixture.Told(await _fixture.Send(named)));
        named = WriteFixture.Command(CommandKind.Update, "Doc", """{"text":"c","revision":2}""", "1");
        var result = await _fixture.Send(named);
        Assert.Equal(3, result.Value.Version);
        Assert.Equal("""{"id":1,"text":"c","revision":3}""", WriteFixture.Body(result));
        Assert.Equal("precondition_failed", WriteFixture.Told(
            await _fixture.Send(WriteFixture.Command(CommandKind.Delete, "Doc", "", "1") with { IfVersion = 9 })));
    }

    [Fact]
    public async Task A_patch_for_many_cannot_presume_a_version()
    {
        await _fixture.Do(CommandKind.Create, "Doc", """{"id":1,"text":"a"}""");
        Command patch = WriteFixture.Command(CommandKind.UpdateMany, "Doc", """{"text":"b","revision":1}""") with { Filter = "true" };
        Assert.Equal("validation_failed revision:readonly", WriteFixture.Told(await _fixture.Send(patch)));
        patch = WriteFixture.Command(CommandKind.UpdateMany, "Doc", """{"text":"b"}""") with { Filter = "true" };
        Assert.Equal("""{"matched":1,"changed":1}""", WriteFixture.Body(await _fixture.Send(patch)));
        Assert.Equal(["""{"id":1,"text":"b","revision":2}"""], await _fixture.Rows("Doc"));
    }

    [Fact]
    public async Task A_unique_key_with_a_condition_is_held_over_its_rows_alone()
    {
        using WriteFixture fixture = new("""
            model Job { id Int @id  name String  active Boolean  note String?  @@unique([name], where: active)  @@allow("all", true) }
            """);
        await fixture.Do(CommandKind.Create, "Job", """{"id":1,"name":"a","active":true}""");
        await fixture.Do(CommandKind.Create, "Job", """{"id":2,"name":"a","active":false}""");
        await fixture.Do(CommandKind.Update, "Job", """{"note":"n"}""", "2");
        await fixture.Do(CommandKind.Update, "Job", """{"note":"n"}""", "1");
        Assert.Equal("conflict name:conflict", await fixture.Refused(CommandKind.Create, "Job", """{"id":3,"name":"a","active":true}"""));
        Assert.Equal("conflict name:conflict", await fixture.Refused(CommandKind.Update, "Job", """{"active":true}""", "2"));
        await fixture.Do(CommandKind.Update, "Job", """{"active":false}""", "1");
        await fixture.Do(CommandKind.Update, "Job", """{"active":true}""", "2");
    }

    [Fact]
    public async Task An_update_into_what_the_caller_may_not_read_answers_without_a_body()
    {
        using WriteFixture closed = new("""
            model Note { id Int @id  text String  @@allow("create,update", true)  @@allow("read", text != "x") }
            """.Replace("\"create,update\"", "[\"create\", \"update\"]", StringComparison.Ordinal));
        await closed.Do(CommandKind.Create, "Note", """{"id":1,"text":"t"}""");
        var result = await closed.Send(CommandKind.Update, "Note", """{"text":"x"}""", "1", Caller.Anonymous());
        Assert.Null(result.Value.Body);
        Assert.Equal(0, result.Value.Version);
        Assert.Equal("not_found", await closed.Refused(CommandKind.Update, "Note", """{"text":"y"}""", "1", Caller.Anonymous()));
    }

    [Fact]
    public async Task Concurrent_patches_all_count()
    {
        await _fixture.Do(CommandKind.Create, "Doc", """{"id":1,"text":"a"}""");
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _fixture.Send(
            WriteFixture.Command(CommandKind.Update, "Doc", $$"""{"text":"t{{i}}"}""", "1") with { AnyVersion = true }).AsTask()));
        Assert.All(results, r => Assert.True(r.IsOk));
        Assert.Equal(51, (await _fixture.Stored("Doc"))[0].Version);
        Assert.Equal(51, _fixture.Events().Count);
        Assert.Equal(51, results.Select(r => r.Value.Version).Append(1).Distinct().Count());
    }

    [Fact]
    public async Task A_put_replaces_or_creates()
    {
        Command put = WriteFixture.Command(CommandKind.Upsert, "Task", """{"title":"a","owner":"ann","code":"c"}""", "a");
        var created = await _fixture.Send(put, Ann);
        Assert.Equal(WriteOutcome.Created, created.Value.Outcome);
        var replaced = await _fixture.Send(
            WriteFixture.Command(CommandKind.Upsert, "Task", """{"id":"a","title":"b","address":{"street":"s"}}""", "a"), Ann);
        Assert.Equal(WriteOutcome.Updated, replaced.Value.Outcome);
        Assert.Contains("\"code\":null", WriteFixture.Body(replaced), StringComparison.Ordinal);
        Assert.Equal("validation_failed owner:immutable", WriteFixture.Told(
            await _fixture.Send(WriteFixture.Command(CommandKind.Upsert, "Task", """{"title":"b","owner":"bob"}""", "a"), Ann)));
        Assert.Equal("validation_failed id:key", WriteFixture.Told(
            await _fixture.Send(WriteFixture.Command(CommandKind.Upsert, "Task", """{"id":"b","title":"b","owner":"ann"}""", "a"), Ann)));
        // To bob the record does not exist, so his put is a create, which meets the key.
        Assert.Equal("conflict id:conflict", WriteFixture.Told(
            await _fixture.Send(WriteFixture.Command(CommandKind.Upsert, "Task", """{"title":"b","owner":"bob"}""", "a"),
                WriteFixture.As("bob"))));
    }

    [Fact]
    public async Task A_put_may_find_the_record_by_another_unique_key()
    {
        Command put = WriteFixture.Command(
            CommandKind.Upsert, "Task", """{"id":"a","title":"a","owner":"ann"}""", "c1") with { On = "code" };
        Assert.Equal(WriteOutcome.Created, (await _fixture.Send(put, Ann)).Value.Outcome);
        Command again = WriteFixture.Command(CommandKind.Upsert, "Task", """{"title":"b"}""", "c1") with { On = "code" };
        var replaced = await _fixture.Send(again, Ann);
        Assert.Equal(WriteOutcome.Updated, replaced.Value.Outcome);
        Assert.Equal("a", replaced.Value.Key.Single());
        Assert.Contains("\"code\":\"c1\"", WriteFixture.Body(replaced), StringComparison.Ordinal);
        Assert.Equal("malformed_parameter", WriteFixture.Told(await _fixture.Send(again with { On = "title" }, Ann)));
    }

    Task<string> New(string id) => _fixture.Do(CommandKind.Create, "Task", $$"""{"id":"{{id}}","title":"{{id}}","owner":"ann"}""");
}
