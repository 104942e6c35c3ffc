using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Evolution;

public sealed class SchemaDiffTests
{
    const string Doc = "model Doc { id Int @id  title String  n Int?  @@index([n]) }";

    static AppSchema Read(string text)
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("test.plinth", text)]);
        Assert.True(reading.Schema is not null, string.Join('\n', reading.Diagnostics.Select(d => d.Message)));
        return reading.Schema;
    }

    static EvolutionPlan Between(string? current, string desired) =>
        SchemaDiff.Between(current is null ? null : Read(current), Read(desired));

    static string Steps(string? current, string desired) =>
        string.Join("; ", Between(current, desired).Steps.Select(step => step is DataPrecondition demand
            ? $"require {demand.Table}{(demand.Column is null ? "" : "." + demand.Column)} "
            + $"{demand.Demand}{string.Concat(demand.Words.Select(w => " " + w))}"
            : step.Description));

    [Fact]
    public void A_new_database_gets_every_table_before_any_index() =>
        Assert.Equal(
            "create table users; create table posts; create unique index users_key on users; create unique index users_email_key on users; "
            + "create unique index posts_key on posts; create index posts_author_id_ref on posts; build the full-text index of posts "
            + "over title",
            Steps(null, """
                model User { id Uuid @id @default(uuid7())  email String @unique }
                model Post { id Uuid @id @default(uuid7())  title String  author User @relation  @@fulltext([title]) }
                """).Replace("users_email_unique", "users_email_key", StringComparison.Ordinal));

    [Fact]
    public void The_same_schema_needs_no_step() => Assert.Equal("", Steps(Doc, Doc));

    [Theory]
    [InlineData("a String?", "add column docs.a")]
    [InlineData("a Int @default(7)", "rebuild table docs: a is new and required; create index docs_n_index on docs")]
    [InlineData("a Int? @default(7)", "add column docs.a; fill docs.a in existing rows")]
    [InlineData("a Uuid @default(uuid7())", "rebuild table docs: a is new and required; create index docs_n_index on docs")]
    [InlineData("a String", "require docs Empty; rebuild table docs: a is new and required; create index docs_n_index on docs")]
    [InlineData("a String[]", "rebuild table docs: a is new and required; create index docs_n_index on docs")]
    public void New_fields(string field, string expected)
    {
        string actual = Steps(Doc, Doc.Replace("n Int?", "n Int?  " + field, StringComparison.Ordinal));
        Assert.Equal(expected, Index(actual));
    }

    [Theory]
    [InlineData("n Int?", "n BigInt?", "")]
    [InlineData("title String", "title Text", "")]
    [InlineData("title String", "title String @length(max: 5) @trim", "")]
    [InlineData("n Int?", "n String?",
        "require docs.n AllNull; record the new names of Doc (1); rebuild table docs: n becomes String; create index docs_n_index on docs")]
    [InlineData("title String", "title Int",
        "require docs Empty; require docs Empty; record the new names of Doc (1); rebuild table docs: title becomes Int; create index "
        + "docs_n_index on docs")]
    [InlineData("title String", "title String?", "rebuild table docs: title becomes optional; create index docs_n_index on docs")]
    [InlineData("n Int?", "n Int", "require docs.n NoNull; rebuild table docs: n becomes required; create index docs_n_index on docs")]
    [InlineData("title String", "name String @renamedFrom(\"title\")", "rename column docs.title to name; record the new names of Doc (1)")]
    [InlineData("title String", "title String @map(\"t\")", "rename column docs.title to t")]
    [InlineData("title String", "",
        "require docs Empty; record the new names of Doc (1); rebuild table docs: title goes; create index docs_n_index on docs")]
    [InlineData("@@index([n])", "@@index([n(desc)])", "drop index docs_n_index of docs; create index docs_n_index_desc on docs")]
    [InlineData("@@index([n])", "@@index([n])  @@unique([title])", "create unique index docs_title_key on docs")]
    [InlineData("@@index([n])", "", "drop index docs_n_index of docs")]
    [InlineData("@@index([n])", "@@index([n])  @@fulltext([title])", "build the full-text index of docs over title")]
    [InlineData("@@index([n])", "@@index([n])  @@check(n > 0)", "rebuild table docs: its checks change; create index docs_n_index on docs")]
    [InlineData("@@index([n])", "@@index([n])  @@softDelete", "add column docs.deleted_at")]
    [InlineData("id Int @id", "id Int @unique  key String @id",
        "require docs Empty; require docs Empty; rebuild table docs: its key changes")]
    [InlineData("model Doc", "model Paper",
        "require docs Empty; drop table docs, which is empty; create table papers; create index papers_n_index on papers")]
    [InlineData("@@index([n])", "@@index([n])  @@allow(\"all\", true)", "")]
    public void Changes(string was, string now, string expected)
    {
        Assert.Contains(was, Doc, StringComparison.Ordinal);
        string actual = Index(Steps(Doc, Doc.Replace(was, now, StringComparison.Ordinal)));
        if (was == "id Int @id") Assert.StartsWith(expected, actual, StringComparison.Ordinal);
        else Assert.Equal(expected, actual);
    }

    [Fact]
    public void A_renamed_model_takes_its_table_its_indexes_and_its_search_along() =>
        Assert.Equal(
            "rename table docs to papers; drop index docs_n_index of papers; drop the full-text index of docs; record the new names of "
            + "Paper (1); "
            + "create index papers_n_index on papers; build the full-text index of papers over title",
            Index(Steps(
                Doc.Replace("@@index", "@@fulltext([title])  @@index", StringComparison.Ordinal),
                Doc.Replace("@@index", "@@fulltext([title])  @@renamedFrom(\"Doc\")  @@index", StringComparison.Ordinal)
                    .Replace("model Doc", "model Paper", StringComparison.Ordinal))));

    [Theory]
    [InlineData("kind Kind", "kind String", "")]
    [InlineData("kind Kind", "kind Int", "require docs Empty; require docs Empty; REBUILD kind becomes Int")]
    [InlineData("price Decimal(8, 2)", "price Decimal(12, 2)", "")]
    [InlineData("price Decimal(8, 2)", "price Decimal(12, 3)",
        "require docs Empty; require docs Empty; REBUILD price becomes Decimal(12, 3)")]
    [InlineData("tags String[]", "tags Int[]", "require docs Empty; REBUILD tags becomes Int[]")]
    [InlineData("spot Spot?", "spot Place?", "require docs.spot AllNull; REBUILD spot becomes Place")]
    [InlineData("block Block?", "block Spot?", "require docs.block AllNull; REBUILD block becomes Spot")]
    [InlineData("model Doc {", "model Doc { @@map(\"papers\")", "rename table docs to papers")]
    public void Types_widen_in_place_and_change_only_where_nothing_is_lost(string was, string now, string expected)
    {
        string schema = "enum Kind { a b } type Spot { x Int } type Place { y Int } union Block = Spot | Place "
            + "model Doc { id Int @id  kind Kind  price Decimal(8, 2)  tags String[]  spot Spot?  block Block? }";
        Assert.Contains(was, schema, StringComparison.Ordinal);
        string rebuild = expected.Replace("REBUILD", "record the new names of Doc (1); rebuild table docs:", StringComparison.Ordinal);
        Assert.Equal(rebuild, Steps(schema, schema.Replace(was, now, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_model_that_is_gone_takes_its_empty_table_and_its_search_along() =>
        Assert.Equal(
            "require docs Empty; drop the full-text index of docs; drop table docs, which is empty",
            Steps(Doc.Replace("@@index", "@@fulltext([title])  @@index", StringComparison.Ordinal) + " model Other { id Int @id }",
                "model Other { id Int @id }"));

    [Fact]
    public void Removed_words_of_an_enum_must_not_be_in_use() =>
        Assert.Equal(
            "require docs.kind NoWords b c",
            Steps(
                "enum Kind { a b c } model Doc { id Int @id  kind Kind }",
                "enum Kind { a d } model Doc { id Int @id  kind Kind }"));

    [Fact]
    public void A_reference_to_a_renamed_table_is_the_same_reference()
    {
        string before = "model User { id Int @id } model Post { id Int @id  author User @relation }";
        string after = "model Person { id Int @id  @@renamedFrom(\"User\") } model Post { id Int @id  author Person @relation }";
        Assert.Equal("rename table users to persons; record the new names of Person (1)", Steps(before, after));
    }

    [Fact]
    public void Every_refusal_names_the_place_and_the_way_out()
    {
        EvolutionPlan plan = Between(Doc, "model Doc { id Int @id  title Int  must String }");
        Assert.All(plan.Steps.OfType<DataPrecondition>(), demand =>
        {
            Assert.Equal(Faults.MigrationRefused.Code, demand.Refusal.Code);
            Assert.Contains("Doc", demand.Refusal.Message, StringComparison.Ordinal);
            Assert.False(string.IsNullOrEmpty(demand.Refusal.Hint));
        });
        Assert.True(plan.Steps.OfType<DataPrecondition>().Count() >= 3);
    }

    [Fact]
    public void A_stale_hint_of_a_rename_makes_a_new_field() =>
        Assert.Equal(
            "add column docs.name",
            Steps(Doc, Doc.Replace("n Int?", "n Int?  name String? @renamedFrom(\"gone\")", StringComparison.Ordinal)));

    // The binder's names of indexes are its own affair; here they only have to be the same on both sides.
    static string Index(string steps) =>
        steps.Replace("_idx", "_index", StringComparison.Ordinal).Replace("_unique ", "_key ", StringComparison.Ordinal);
}
