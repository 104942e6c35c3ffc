using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class MigratorTests
{
    const string Allowed = "@@allow(\"all\", true)";

    static string Doc(string fields, string rest = "") => $"model Doc {{ id Int @id  {fields}  {rest} {Allowed} }}";

    [Fact]
    public async Task A_new_database_gets_tables_keys_indexes_and_references()
    {
        using MigratorFixture fixture = new();
        MigrationReport report = await fixture.MigrateAsync($$"""
            model User { id Uuid @id @default(uuid7())  email String @unique  {{Allowed}} }
            model Post { id Uuid @id @default(uuid7())  title String  order Int  author User @relation  @@index([order(desc)])  @@softDelete  {{Allowed}} }
            """);
        Assert.Equal(1, report.Version);
        Assert.Equal("_row,id,email,_version", fixture.Columns("users"));
        Assert.Equal("users,author_id,id,NO ACTION,NO ACTION", fixture.References("posts"));
        Assert.Contains("posts_key!", fixture.Indexes("posts"), StringComparison.Ordinal);
        Assert.Equal(3, fixture.Indexes("posts").Split(' ').Length);
    }

    [Fact]
    public async Task A_reference_that_is_there_stays_and_a_new_one_joins_it()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync($$"""
            model User { id Int @id  posts Post[]  {{Allowed}} }
            model Post { id Int @id  author User @relation  {{Allowed}} }
            """);
        await fixture.MigrateAsync($$"""
            model User {
              id Int @id  name String?
              posts Post[] @relation(name: "written")  edited Post[] @relation(name: "edited")
              {{Allowed}}
            }
            model Post { id Int @id  author User @relation(name: "written")  editor User? @relation(name: "edited")  {{Allowed}} }
            """);
        Assert.Equal(["author_id", "editor_id"], fixture.References("posts").Split("users,").Skip(1).Select(r => r.Split(',')[0]).Order());
        await fixture.InsertAsync("User", Value.From(1), Value.Null);
        await fixture.InsertAsync("Post", Value.From(1), Value.From(1), Value.From(1));
        await Assert.ThrowsAnyAsync<Exception>(() => fixture.InsertAsync("Post", Value.From(2), Value.From(9), Value.Null));
    }

    [Fact]
    public async Task An_integer_key_numbers_the_rows_itself()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        Assert.Equal("id,text,_version", fixture.Columns("docs"));
        await fixture.InsertAsync("Doc", Value.From(7), Value.From("seven"));
        Assert.Equal("7", fixture.Query(TestDatabase.IsPostgres ? "select id from docs" : "select rowid from docs"));
    }

    [Fact]
    public async Task New_optional_fields_are_null_and_cost_no_rebuild()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("a"));
        MigrationReport report = await fixture.MigrateAsync(Doc("text String  more String?"));
        Assert.Equal("add column docs.more", Assert.Single(report.Steps));
        Assert.Equal("1,a,null,1", fixture.Query("select id, text, more, _version from docs"));
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    public async Task A_constant_default_fills_existing_rows_and_is_one_event()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        for (int i = 1; i <= 5; i++) await fixture.InsertAsync("Doc", Value.From(i), Value.From($"text {i}"));
        await fixture.MigrateAsync(Doc("text String  stage String @default(\"new\")  tags String[]  at DateTime @default(now())"));
        Assert.Equal("new,[] new,[] new,[] new,[] new,[]", fixture.Query("select stage, tags from docs"));
        Assert.Equal("1", fixture.Query("select count(distinct at) from docs where at is not null and _version = 1"));
        Assert.Equal("migrated,system,migration 2,2",
            fixture.Query("select kind, actor, cause, schema_version from plinth_events where position > 5"));
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    public async Task A_default_of_its_own_for_each_row_is_one_event_per_row()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        for (int i = 1; i <= 5; i++) await fixture.InsertAsync("Doc", Value.From(i), Value.From($"text {i}"));
        await fixture.MigrateAsync(Doc("text String  token Uuid @unique @default(uuid7())  full String @computed(\"computed \" + "
            + "string(id))"));
        Assert.Equal("5,2", fixture.Query("select count(distinct token), max(_version) from docs"));
        Assert.Equal("computed 1 computed 2 computed 3 computed 4 computed 5", fixture.Query("select \"full\" from docs order by id"));
        Assert.Equal("updated,5", fixture.Query("select kind, count(*) from plinth_events where position > 5 group by kind"));
        Assert.Empty(fixture.Replay().Differences);
        Assert.Null(Verify(fixture));
    }

    [Fact]
    public async Task A_default_of_its_own_for_very_many_rows_is_logged_in_parts_of_one_transaction()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        await fixture.InsertManyAsync("Doc", 2500, i => [Value.From(i), Value.From($"text {i}")]);
        long before = fixture.Store.Log.Head;

        // The last row is in the way of the unique key: the parts that were written already go too.
        await fixture.RefusedAsync(Doc("text String  short String @unique @computed(id == 2499 ? \"short 1\" : \"short \" + string(id))"));
        Assert.Equal(before, fixture.Store.Log.Head);

        MigrationReport report = await fixture.MigrateAsync(Doc("text String  token Uuid @unique @default(uuid7())"));
        Assert.Equal(before + 2500, report.Position);
        Assert.Equal(before + 2500, fixture.Store.Log.Head);
        Assert.Equal("1000 1000 500", fixture.Query($"select count from plinth_commits where first_position > {before}"));
        Assert.Equal("2500", fixture.Query("select count(distinct token) from docs"));
        Assert.Empty(fixture.Replay().Differences);
        Assert.Null(Verify(fixture));
    }

    [Theory]
    [InlineData("text Int", "Doc.text changes from String to Int")]
    [InlineData("text String  must String", "Doc.must is new and required")]
    [InlineData("", "Doc.text is gone")]
    public async Task What_could_lose_or_bend_data_is_refused_with_the_way_out(string fields, string message)
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("a"));
        Fault fault = await fixture.RefusedAsync(Doc(fields));
        Assert.Equal(Faults.MigrationRefused.Code, fault.Code);
        Assert.Contains(message, fault.Message + string.Join(' ', fault.Details.Select(d => d.Message)), StringComparison.Ordinal);
        Assert.NotEmpty(fault.Details);
        Assert.Equal("1,a", fixture.Query("select id, text from docs"));
    }

    [Theory]
    [InlineData("text Int")]
    [InlineData("text String  must String")]
    [InlineData("")]
    public async Task The_same_is_done_where_there_is_no_data_to_lose(string fields)
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        await fixture.MigrateAsync(Doc(fields));
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    public async Task An_optional_field_with_a_constant_default_is_filled_in_place()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("a"));
        await fixture.MigrateAsync(Doc("text String  note String? @default(\"n\")"));
        Assert.Equal("1,a,n,1", fixture.Query("select id, text, note, _version from docs"));
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task The_steps_can_be_looked_at_without_taking_them()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        var plan = fixture.Migrator.Plan(fixture.Read(Doc("text String  more String?")), CancellationToken.None);
        Assert.Equal("add column docs.more", Assert.Single(plan.Steps).Description);
        Assert.Equal("id,text,_version", fixture.Query("select group_concat(name) from pragma_table_info('docs')"));
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task A_model_without_records_is_dropped_with_its_full_text()
    {
        using MigratorFixture fixture = new();
        string note = $"model Note {{ id Int @id  text String  @@fulltext([text]) {Allowed} }} ";
        await fixture.MigrateAsync(note + Doc("text String"));
        await fixture.MigrateAsync(Doc("text String"));
        Assert.Equal("", fixture.Query("select name from sqlite_schema where name like 'notes%'"));
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    public async Task A_word_of_an_enum_goes_where_no_record_has_it()
    {
        using MigratorFixture fixture = new();
        string Words(string words) => $"enum Stage {{ {words} }} " + Doc("stage Stage");
        await fixture.MigrateAsync(Words("open won lost"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("won"));
        Fault refused = await fixture.RefusedAsync(Words("open lost"));
        Assert.Contains("Doc.stage", refused.Message, StringComparison.Ordinal);
        await fixture.MigrateAsync(Words("open won"));
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    public async Task Several_names_change_at_once()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("a String  b String  c String?  d String?"));
        await fixture.MigrateAsync(Doc("a String  b String"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("x"), Value.From("y"));
        await fixture.MigrateAsync(Doc("first String @renamedFrom(\"a\")  second String @renamedFrom(\"b\")"));
        Assert.Equal("1,x,y", fixture.Query("select id, first, second from docs"));
        string text = TestDatabase.IsPostgres ? "convert_from(data, 'UTF8')" : "cast(data as text)";
        Assert.Contains("\"dropped\":[\"c\",\"d\"]", fixture.Query($"select {text} from plinth_events where position = 1"),
            StringComparison.Ordinal);
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task A_rebuild_over_references_to_nothing_is_refused()
    {
        using MigratorFixture fixture = new();
        string Schema(string name) => $"model User {{ id Int @id  {name}  {Allowed} }} " + Doc("author User @relation");
        await fixture.MigrateAsync(Schema("name String?"));
        await fixture.InsertAsync("User", Value.From(1), Value.From("a"));
        fixture.Store.Database.Writer.Execute("pragma foreign_keys = off");
        await fixture.InsertAsync("Doc", Value.From(1), Value.From(99));
        fixture.Store.Database.Writer.Execute("pragma foreign_keys = on");
        Fault refused = await fixture.RefusedAsync(Schema("name String"));
        Assert.Contains("not there", refused.Message, StringComparison.Ordinal);
        Assert.Equal("1", fixture.Query("pragma foreign_keys"));
    }

    [Fact]
    public async Task A_table_that_has_gone_is_noticed_and_all_refusals_are_told()
    {
        using MigratorFixture fixture = new();
        string note = $"model Note {{ id Int @id  text String {Allowed} }} ";
        await fixture.MigrateAsync(note + Doc("text String"));
        fixture.Store.Database.Writer.Execute("drop table docs");
        fixture.Store.Database.Writer.Execute("alter table notes drop column text");
        Fault refused = await fixture.RefusedAsync(note + Doc("text String  more String?"));
        string told = string.Join(' ', refused.Details.Select(d => d.Message));
        Assert.Equal(2, refused.Details.Length);
        Assert.Contains("docs of Doc is gone", told, StringComparison.Ordinal);
        Assert.Contains("lost the columns text", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unique_key_whose_condition_the_database_cannot_hold_is_refused()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        Fault refused = await fixture.RefusedAsync(Doc("text String", "@@unique([text], where: text.matches(\"^x+$\"))"));
        Assert.Contains("does not take its condition", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unique_key_over_duplicates_is_refused_and_undone_as_a_whole()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("twin"));
        await fixture.InsertAsync("Doc", Value.From(2), Value.From("twin"));
        Fault fault = await fixture.RefusedAsync(Doc("text String @unique  more String?"));
        Assert.Contains("unique index", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("twin", fault.Message + fault.Hint, StringComparison.Ordinal);
        Assert.Equal("id,text,_version", fixture.Columns("docs"));
    }

    [Fact]
    public async Task A_check_that_existing_rows_break_is_refused_and_a_kept_one_holds()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("n Int"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From(5));
        Fault fault = await fixture.RefusedAsync(Doc("n Int", "@@check(n > 5)"));
        Assert.Contains("its checks change", fault.Message, StringComparison.Ordinal);
        await fixture.MigrateAsync(Doc("n Int", "@@check(n > 4)"));
        Result<Done> result = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Connection.Execute("update docs set n = 4");
            return Done.It;
        }), CancellationToken.None);
        Assert.Equal(Faults.Conflict.Code, result.Fault?.Code);
    }

    [Fact]
    public async Task A_partial_unique_key_holds_where_its_condition_is_true()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("slug String  live Boolean", "@@unique([slug], where: live == true && slug != \"it's\")"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("a"), Value.True);
        await fixture.InsertAsync("Doc", Value.From(2), Value.From("a"), Value.False);
        await fixture.InsertAsync("Doc", Value.From(3), Value.From("it's"), Value.True);
        await fixture.InsertAsync("Doc", Value.From(4), Value.From("it's"), Value.True);
        Result<Done> twice = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Connection.Execute("update docs set live = true where id = 2");
            return Done.It;
        }), CancellationToken.None);
        Assert.Equal(Faults.Conflict.Code, twice.Fault?.Code);
    }

    [Fact]
    public async Task The_running_schema_is_swapped_in_the_turn_of_the_migration()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        MigrationReport? swapped = null;
        Task<Result<MigrationReport>> applying = fixture.Migrator.ApplyAsync(
            fixture.Read(Doc("text String  more String?")), report => swapped = report, CancellationToken.None);
        Assert.Equal((await applying).Value, swapped);
        swapped = null;
        await fixture.Migrator.ApplyAsync(fixture.Read(Doc("text String  more String?")), report => swapped = report,
            CancellationToken.None);
        Assert.Null(swapped);
    }

    [Fact]
    public async Task A_rebuilt_table_keeps_its_rows_their_numbers_and_who_refers_to_them()
    {
        using MigratorFixture fixture = new();
        string Schema(string title) => $$"""
            model User { id String @id  {{title}}  {{Allowed}} }
            model Post { id Int @id  author User @relation  {{Allowed}} }
            """;
        await fixture.MigrateAsync(Schema("name String?"));
        for (int i = 1; i <= 3; i++) await fixture.InsertAsync("User", Value.From($"u{i}"), Value.From($"name {i}"));
        await fixture.InsertAsync("Post", Value.From(1), Value.From("u2"));
        string before = fixture.Query("select _row, id, name, _version from users");
        MigrationReport report = await fixture.MigrateAsync(Schema("name String"));
        Assert.Contains(report.Steps, step => step.StartsWith("rebuild table users", StringComparison.Ordinal));
        Assert.Equal(before, fixture.Query("select _row, id, name, _version from users"));
        Assert.True(fixture.HoldsReferences());
        Assert.StartsWith("users,", fixture.References("posts"), StringComparison.Ordinal);
        Result<Done> orphan = await fixture.Store.Committer.RunAsync(new WriteAction<Done>(tx =>
        {
            tx.Connection.Execute("delete from users where id = 'u2'");
            return Done.It;
        }), CancellationToken.None);
        Assert.False(orphan.IsOk);
        Assert.Empty(fixture.Replay().Differences);
    }

    [Fact]
    public async Task A_new_reference_over_orphans_is_refused()
    {
        using MigratorFixture fixture = new();
        string users = $"model User {{ id Int @id {Allowed} }} ";
        await fixture.MigrateAsync(users + Doc("authorId Int?"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From(99));
        Fault fault =
            await fixture.RefusedAsync(users + Doc("authorId Int?  author User? @relation(fields: [authorId], references: [id])"));
        Assert.Equal(Faults.MigrationRefused.Code, fault.Code);
        Assert.True(fixture.HoldsReferences());
    }

    [Fact]
    public async Task Renames_keep_data_and_old_events_are_read_by_the_new_names()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String  old String?"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("a"), Value.Null);
        await fixture.MigrateAsync($"model Paper {{ id Int @id  title String @renamedFrom(\"text\")  @@renamedFrom(\"Doc\") {Allowed} }}");
        Assert.Equal("1,a", fixture.Query("select id, title from papers"));
        await fixture.InsertAsync("Paper", Value.From(2), Value.From("b"));
        await fixture.MigrateAsync($"model Paper {{ id Int @id  headline String @renamedFrom(\"title\") {Allowed} }}");
        Assert.Equal("1,a 2,b", fixture.Query("select id, headline from papers"));
        ReplayReport replay = fixture.Replay();
        Assert.Empty(replay.Differences);
        Assert.Equal(2, replay.Records);
    }

    [Fact]
    public async Task Full_text_is_built_from_the_rows_that_are_there()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String  rank String?"));
        await fixture.InsertAsync("Doc", Value.From(1), Value.From("The Caf\u00E9 opens"), Value.From("first"));
        await fixture.InsertAsync("Doc", Value.From(2), Value.From("nothing"), Value.Null);
        await fixture.MigrateAsync(Doc("text String  rank String?", "@@fulltext([text, rank])"));
        Assert.Equal("1", fixture.Search("docs_fts", "caf_c3_a9", "caf"));
        Assert.Equal("1", fixture.Search("docs_fts", "first", "ca"));
        await fixture.MigrateAsync(Doc("text String  rank String?"));
        using ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        Assert.DoesNotContain(lease.Connection.Tables().Keys, name => name.StartsWith("docs_fts", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tables_changed_by_hand_are_noticed_before_anything_is_built_on_them()
    {
        using MigratorFixture fixture = new();
        await fixture.MigrateAsync(Doc("text String"));
        fixture.Store.Database.Writer.Execute("alter table docs drop column text; create table notes (x integer)");
        Fault fault = await fixture.RefusedAsync(Doc("text String  more String?") + $" model Note {{ id Int @id {Allowed} }}");
        string details = string.Join(' ', fault.Details.Select(d => d.Message));
        Assert.Contains("lost the columns text", details, StringComparison.Ordinal);
        Assert.Contains("There is a table notes already", details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_needs_no_step_still_makes_a_version()
    {
        using MigratorFixture fixture = new();
        Assert.Equal(1, (await fixture.MigrateAsync(Doc("text String"))).Version);
        Assert.Equal(1, (await fixture.MigrateAsync(Doc("text String"))).Version);
        MigrationReport report = await fixture.MigrateAsync(Doc("text String @length(max: 5)"));
        Assert.Equal(2, report.Version);
        Assert.Empty(report.Steps);
        Assert.Equal(2, fixture.Migrator.VersionOf(fixture.Schema, CancellationToken.None));
    }

    static string? Verify(MigratorFixture fixture)
    {
        using Plinth.Store.ReadLease lease = fixture.Store.Database.Read(CancellationToken.None);
        return EventLog.Verify(lease.Connection, CancellationToken.None).Wrong;
    }
}
