using System.Text;
using System.Text.Json;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class ReadsTests
{
    const string Books = """
        auth { id Int   role String? }
        enum Stage { open won lost }
        model Author { id Int @id   name String   books Book[]   @@allow("all", true) }
        model Book {
          id Int @id   title String   year Int?   price Decimal(8, 2)?   stage Stage?   tags String[]   author Author @relation
          sequel Book? @relation(name: "sequel")   prequels Book[] @relation(name: "sequel")   secret String? @serverOnly
          @@allow("all", true)
        }
        """;

    const string Rows = """
        {"id":1,"title":"The Dispossessed","year":1974,"authorId":1,"price":"12.50","stage":"won","tags":["a","b"]}
        {"id":2,"title":"Solaris","year":1961,"authorId":2,"price":"8.00","sequelId":1}
        {"id":3,"title":"The \"Lathe\" of Heaven","year":1971,"authorId":1,"stage":"open","sequelId":1,"secret":"s"}
        {"id":4,"title":"Unfinished","authorId":2,"stage":"won"}
        """;

    static async Task<ReadsFixture> OpenBooksAsync()
    {
        ReadsFixture fixture = await ReadsFixture.OpenAsync(Books);
        await fixture.InsertAsync("Author", """{"id":1,"name":"Le Guin"} {"id":2,"name":"Lem"} {"id":3,"name":"Nobody"}""");
        await fixture.InsertAsync("Book", Rows);
        return fixture;
    }

    static ReadRequest List(string model = "Book") => new() { Model = model, Kind = ReadKind.List };

    static ReadRequest Get(string key, string model = "Book") => new() { Model = model, Kind = ReadKind.Get, Key = [key] };

    static Caller User(long id) => new(Value.FromMap(new ValueMap([KeyValuePair.Create("id", Value.From(id))])), "user");

    [Fact]
    public async Task One_record_has_every_field_that_may_leave_in_its_wire_form()
    {
        await using ReadsFixture books = await OpenBooksAsync();
        Assert.Equal(
            """{"id":1,"title":"The Dispossessed","year":1974,"price":"12.50","stage":"won","tags":["a","b"]"""
            + ""","authorId":1,"sequelId":null}""",
            Sorted(books.Json(Get("1")), "id", "title", "year", "price", "stage", "tags", "authorId", "sequelId"));
        Assert.Equal(Faults.NotFound, books.Fault(Get("9")).Kind);
    }

    static string Sorted(string json, params string[] names)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Equal(
            names.Order(StringComparer.Ordinal), document.RootElement.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        return "{" + string.Join(',', names.Select(n => $"\"{n}\":{document.RootElement.GetProperty(n).GetRawText()}")) + "}";
    }

    [Fact]
    public async Task A_list_is_filtered_sorted_and_cut()
    {
        await using ReadsFixture books = await OpenBooksAsync();
        Assert.Equal(["4", "2", "3", "1"], books.Items(List() with { Sort = [new SortKey("year", false)] }, "id"));
        Assert.Equal(["1", "3", "2", "4"], books.Items(List() with { Sort = [new SortKey("year", true)] }, "id"));
        Assert.Equal(["3", "1"], books.Items(
            List() with { Filter = "year > 1965 && author.name.startsWith('Le')", Sort = [new SortKey("year", false)] }, "id"));
        Assert.Equal(["2"], books.Items(List() with { Filter = "author.name == 'Lem' && year != null" }, "id"));
        Assert.Equal(["1", "3"], books.Items(List() with { ShortFilters = [new ShortFilter("author.name", "eq", "Le Guin")] }, "id"));
        Assert.Equal(["1", "2"], books.Items(List() with { ShortFilters = [new ShortFilter("year", "in", "1961,1974,1975")] }, "id"));
        Assert.Equal(["3"], books.Items(List() with { ShortFilters = [new ShortFilter("year", "nin", "1961,1974")] }, "id"));
        Assert.Equal(["4"], books.Items(List() with { ShortFilters = [new ShortFilter("year", "null", "true")] }, "id"));
        Assert.Equal(["1"], books.Items(List() with { ShortFilters = [new ShortFilter("price", "gt", "8.0")] }, "id"));
        Assert.Equal(["3"], books.Items(List() with { ShortFilters = [new ShortFilter("title", "like", "\"Lathe\"")] }, "id"));
        Assert.Equal(["1", "4"], books.Items(List() with { ShortFilters = [new ShortFilter("stage", "eq", "won")] }, "id"));
        Assert.Equal(["2"], books.Items(List("Author") with { Filter = "books.exists(b, b.year < 1965)" }, "id"));
        Assert.Equal(["3"], books.Items(List("Author") with { Filter = "!books.exists(b, true)" }, "id"));
        Assert.Equal(["2", "3"], books.Items(List() with { Filter = "sequel.title == 'The Dispossessed'" }, "id"));
        Assert.Equal(
            ["3", "1", "4", "2"], books.Items(List() with { Sort = [new SortKey("author.name", false), new SortKey("id", true)] }, "id"));
    }

    [Fact]
    public async Task Includes_nest_and_are_bounded_sorted_and_filtered_on_their_own()
    {
        await using ReadsFixture books = await OpenBooksAsync();
        string authors = books.Json(List("Author") with
        {
            Select = ["name"],
            Sort = [new SortKey("id", false)],
            Include = [new IncludeRequest("books") { Limit = 1, Sort = [new SortKey("year", true)], Select = ["title"] }],
        });
        Assert.Equal(
            """{"items":[{"id":1,"name":"Le Guin","books":[{"id":1,"title":"The Dispossessed"}]},"""
            + """{"id":2,"name":"Lem","books":[{"id":2,"title":"Solaris"}]},{"id":3,"name":"Nobody","books":[]}]"""
            + ""","page":{"next":null,"previous":null,"limit":20}}""",
            authors);
        Assert.Equal(
            """{"id":2,"title":"Solaris","author":{"id":2,"name":"Lem","books":[{"id":2},{"id":4}]}"""
            + ""","sequel":{"id":1,"prequels":[{"id":2},{"id":3}]}}""",
            books.Json(Get("2") with
            {
                Select = ["title"],
                Include =
                [
                    new IncludeRequest("author") { Include = [new IncludeRequest("books") { Select = ["id"] }] },
                    new IncludeRequest("sequel") { Select = ["id"], Include = [new IncludeRequest("prequels") { Select = ["id"] }] },
                ],
            }));
        Assert.Equal(
            """{"id":4,"sequel":null}""", books.Json(Get("4") with { Select = ["id"], Include = [new IncludeRequest("sequel")] }));
        Assert.Equal(
            """{"id":1,"books":[{"id":3}]}""",
            books.Json(Get("1", "Author") with { Select = ["id"], Include = [new IncludeRequest(
                "books") { Select = ["id"], Filter = "year < 1974" }] }));
    }

    [Fact]
    public async Task A_read_takes_one_statement_and_one_more_for_each_relation_and_for_the_count()
    {
        await using ReadsFixture books = await OpenBooksAsync();
        Assert.Equal(1, Statements(Get("1") with { Select = ["title"] }));
        Assert.Equal(1, Statements(List()));
        Assert.Equal(2, Statements(List() with { Include = [new IncludeRequest("author")] }));
        Assert.Equal(4, Statements(List() with
        {
            Include = [new IncludeRequest("author") { Include = [new IncludeRequest("books")] }, new IncludeRequest("sequel")],
        }));
        Assert.Equal(2, Statements(List() with { Count = CountMode.Exact }));

        int Statements(ReadRequest request)
        {
            using ReadReply reply = books.Read(request);
            return reply.Timings.Statements;
        }
    }

    [Fact]
    public async Task Offset_limit_and_count_agree()
    {
        await using ReadsFixture books = await OpenBooksAsync();
        using JsonDocument page = JsonDocument.Parse(
            books.Json(List() with { Limit = 2, Offset = 1, Count = CountMode.Exact, Select = ["id"] }));
        JsonElement info = page.RootElement.GetProperty("page");
        Assert.Equal(4, info.GetProperty("total").GetInt32());
        Assert.Equal(JsonValueKind.String, info.GetProperty("next").ValueKind);
        Assert.Equal(JsonValueKind.String, info.GetProperty("previous").ValueKind);
        Assert.Equal(["2", "3"], books.Items(List() with { Limit = 2, Offset = 1 }, "id"));
        Assert.Equal(["4"], books.Items(List() with { After = info.GetProperty("next").GetString() }, "id"));
        Assert.Equal(["1"], books.Items(List() with { Before = info.GetProperty("previous").GetString() }, "id"));
    }

    [Fact]
    public async Task Aggregates_are_exact_and_grouped()
    {
        await using ReadsFixture books = await OpenBooksAsync();
        ReadRequest all = new()
        {
            Model = "Book",
            Kind = ReadKind.Aggregate,
            Aggregate = new AggregateRequest(
                [], true, [new("sum", "price"), new("avg", "price"), new("avg", "year"), new("min", "title"), new("max", "year")]),
        };
        Assert.Equal(
            """{"groups":[{"count":4,"sum":{"price":"20.50"},"avg":{"price":"10.250000","year":1968.6666666666667}"""
            + ""","min":{"title":"Solaris"},"max":{"year":1974}}]}""",
            books.Json(all));
        Assert.Equal(
            """{"groups":[{"stage":null,"count":1},{"stage":"open","count":1},{"stage":"won","count":2}]}""",
            books.Json(all with { Aggregate = new AggregateRequest(["stage"], true, []) }));
        Assert.Equal(
            """{"groups":[{"authorId":1,"count":2},{"authorId":2,"count":1}]}""",
            books.Json(all with { Aggregate = new AggregateRequest(
                ["author"], true, []), ShortFilters = [new ShortFilter("year", "gte", "1961")] }));
        Assert.Equal(
            """{"groups":[{"count":0,"sum":{"price":null}}]}""",
            books.Json(all with { Aggregate = new AggregateRequest([], true, [new("sum", "price")]), Filter = "year > 3000" }));
    }

    [Fact]
    public async Task A_sum_beyond_64_bits_is_a_fault_and_one_within_is_exact()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync("""model N { id Int @id   big BigInt   @@allow("all", true) }""");
        await fixture.InsertAsync(
            "N", """{"id":1,"big":"9223372036854775807"} {"id":2,"big":"-5"} {"id":3,"big":"-9223372036854775808"} {"id":4,"big":"100"}""");
        ReadRequest sum = new() { Model = "N", Kind = ReadKind.Aggregate, Aggregate = new AggregateRequest(
            [], false, [new("sum", "big")]) };
        Assert.Equal("""{"groups":[{"sum":{"big":"94"}}]}""", fixture.Json(sum));
        Assert.Equal(Faults.LimitExceeded, fixture.Fault(sum with { ShortFilters = [new ShortFilter("id", "in", "1,4")] }).Kind);
        Assert.Equal(Faults.LimitExceeded, fixture.Fault(sum with { ShortFilters = [new ShortFilter("id", "in", "2,3")] }).Kind);
    }

    const string Notes = """
        auth { id Int   role String? }
        model User { id Int @id   name String   team Int?   notes Note[]   @@allow("get", true)   @@allow("list", auth.role == "admin") }
        model Note {
          id Int @id   text String   hidden Boolean   owner User @relation   parts Part[]
          @@allow("read", owner.id == auth.id)
          @@allow("read", owner.team == 7)
          @@deny("read", hidden)
        }
        model Part { id Int @id   note Note @relation   @@allow("read", note.owner.id == auth.id) }
        """;

    static async Task<ReadsFixture> OpenNotesAsync()
    {
        ReadsFixture fixture = await ReadsFixture.OpenAsync(Notes);
        await fixture.InsertAsync("User", """{"id":1,"name":"a"} {"id":2,"name":"b","team":7} {"id":3,"name":"c","team":8}""");
        await fixture.InsertAsync("Note", """
            {"id":1,"text":"mine","hidden":false,"ownerId":1} {"id":2,"text":"team","hidden":false,"ownerId":2}
            {"id":3,"text":"hidden","hidden":true,"ownerId":1} {"id":4,"text":"theirs","hidden":false,"ownerId":3}
            """);
        await fixture.InsertAsync("Part", """{"id":1,"noteId":1} {"id":2,"noteId":2} {"id":3,"noteId":3}""");
        return fixture;
    }

    [Fact]
    public async Task Rules_are_in_every_statement()
    {
        await using ReadsFixture notes = await OpenNotesAsync();
        Assert.Equal(["1", "2"], notes.Items(List("Note"), "id", User(1)));
        Assert.Equal(["1", "2", "3", "4"], notes.Items(List("Note"), "id"));
        Assert.Equal(Faults.NotFound, notes.Fault(Get("3", "Note"), User(1)).Kind);
        Assert.Equal(Faults.NotFound, notes.Fault(Get("4", "Note"), User(1)).Kind);
        Assert.Equal(notes.Fault(Get("99", "Note"), User(1)), notes.Fault(Get("4", "Note"), User(1)));
        Assert.Equal(["2"], notes.Items(List("Note"), "id", Caller.Anonymous()));
        ReadRequest count = new() { Model = "Note", Kind = ReadKind.Aggregate, Aggregate = new AggregateRequest([], true, []) };
        Assert.Equal("""{"groups":[{"count":2}]}""", notes.Json(count, User(1)));
    }

    [Fact]
    public async Task What_is_included_comes_under_its_own_rule()
    {
        await using ReadsFixture notes = await OpenNotesAsync();
        Assert.Equal(
            """{"items":[{"id":1,"parts":[{"id":1}]},{"id":2,"parts":[]}],"page":{"next":null,"previous":null,"limit":20}}""",
            notes.Json(List("Note") with { Select = ["id"], Include = [new IncludeRequest("parts") { Select = ["id"] }] }, User(1)));
        Assert.Equal(
            """{"id":1,"notes":[{"id":1}]}""",
            notes.Json(Get("1", "User") with { Select = ["id"], Include = [new IncludeRequest("notes") { Select = ["id"] }] }, User(1)));
        Assert.Equal(
            """{"id":1,"notes":[]}""",
            notes.Json(Get(
                "1", "User") with { Select = ["id"], Include = [new IncludeRequest("notes") { Select = ["id"] }] }, Caller.Anonymous()));
    }

    [Fact]
    public async Task Hops_that_a_request_writes_see_what_the_caller_may_list()
    {
        await using ReadsFixture notes = await OpenNotesAsync();
        ReadRequest byPart = List("Note") with { Filter = "parts.exists(p, true)", Select = ["id"] };
        Assert.Equal(["1"], notes.Items(byPart, "id", User(1)));
        Assert.Equal(["1", "2", "3"], notes.Items(byPart, "id"));

        // Users may be read by id but not listed, so a filter over them finds nothing, although the rule itself sees their team.
        ReadRequest byOwner = List("Note") with { Filter = "owner.team == 7", Select = ["id"] };
        Assert.Empty(notes.Items(byOwner, "id", User(1)));
        Assert.Equal(["2"], notes.Items(byOwner, "id"));
        Assert.Equal(["1", "2"], notes.Items(
            List("Note") with { Sort = [new SortKey("owner.name", true), new SortKey("id", false)] }, "id", User(1)));
    }

    [Fact]
    public async Task Trashed_records_are_left_out_until_they_are_asked_for()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync("""
            model Owner { id Int @id   things Thing[]   @@allow("all", true) }
            model Thing { id Int @id   owner Owner? @relation   parent Thing? @relation(name: "tree")
              children Thing[] @relation(name: "tree")   @@allow("all", true)   @@softDelete }
            """);
        await fixture.InsertAsync("Owner", """{"id":1}""");
        await fixture.InsertAsync(
            "Thing", """{"id":1,"ownerId":1} {"id":2,"ownerId":1,"parentId":1,"deletedAt":"2026-01-01T00:00:00Z"} {"id":3,"parentId":2}""");
        Assert.Equal(["1", "3"], fixture.Items(List("Thing"), "id"));
        Assert.Equal(["2"], fixture.Items(List("Thing") with { Trashed = TrashMode.Only }, "id"));
        Assert.Equal(["1", "2", "3"], fixture.Items(List("Thing") with { Trashed = TrashMode.With }, "id"));
        Assert.Equal(Faults.NotFound, fixture.Fault(Get("2", "Thing")).Kind);
        Assert.DoesNotContain("deletedAt", fixture.Json(List("Thing")), StringComparison.Ordinal);
        Assert.Contains("\"deletedAt\":\"2026-01-01T00:00:00.000Z\"", fixture.Json(
            List("Thing") with { Trashed = TrashMode.Only }), StringComparison.Ordinal);
        Assert.Equal("""{"id":3,"parent":null}""", fixture.Json(
            Get("3", "Thing") with { Select = ["id"], Include = [new IncludeRequest("parent")] }));
        Assert.Equal("""{"id":1,"things":[{"id":1}]}""", fixture.Json(
            Get("1", "Owner") with { Include = [new IncludeRequest("things") { Select = ["id"] }] }));
        Assert.Empty(fixture.Items(List("Thing") with { Filter = "parent.id == 2 && parent.parent.id == 1" }, "id"));
        Assert.Equal(["1"], fixture.Items(List("Owner") with { Filter = "things.exists(t, t.id == 1)" }, "id"));
        Assert.Empty(fixture.Items(List("Owner") with { Filter = "things.exists(t, t.id == 2)" }, "id"));
    }

    [Fact]
    public async Task Composite_keys_are_found_sorted_by_and_led_over()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync("""
            model Shelf { room String   number Int   books Item[]   @@id([room, number])   @@allow("all", true) }
            model Item { id Int @id   shelf Shelf? @relation   @@allow("all", true) }
            """);
        await fixture.InsertAsync("Shelf", """{"room":"a","number":1} {"room":"a","number":2} {"room":"b","number":1}""");
        await fixture.InsertAsync("Item", """{"id":1,"shelfRoom":"a","shelfNumber":2} {"id":2,"shelfRoom":"a","shelfNumber":2} {"id":3}""");
        Assert.Equal(
            """{"room":"a","number":2}""", fixture.Json(new ReadRequest { Model = "Shelf", Kind = ReadKind.Get, Key = ["a", "2"] }));
        Assert.Contains(
            "\"books\":[{\"id\":1},{\"id\":2}]",
            fixture.Json(List("Shelf") with { Include = [new IncludeRequest("books") { Select = ["id"] }] }), StringComparison.Ordinal);
        Assert.Contains(
            "\"shelf\":{\"room\":\"a\",\"number\":2}", fixture.Json(
                List("Item") with { Include = [new IncludeRequest("shelf")] }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_of_many_parents_takes_what_it_includes_in_chunks()
    {
        await using ReadsFixture fixture = await ReadsFixture.OpenAsync("""
            app big { defaults { pageSize = 10 maxPageSize = 10000 } }
            model P { id Int @id   children C[]   @@allow("all", true) }
            model C { id Int @id   p P @relation   @@allow("all", true) }
            """);
        StringBuilder parents = new(), children = new();
        for (int i = 1; i <= 5000; i++)
        {
            parents.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"id\":{i}}}");
            children.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"id\":{i},\"pId\":{5001 - i}}}");
        }
        await fixture.InsertAsync("P", parents.ToString());
        await fixture.InsertAsync("C", children.ToString());
        using JsonDocument page = JsonDocument.Parse(
            fixture.Json(List("P") with { Limit = 10000, Include = [new IncludeRequest("children")] }));
        int checkedCount = 0;
        foreach (JsonElement parent in page.RootElement.GetProperty("items").EnumerateArray())
        {
            JsonElement child = Assert.Single(parent.GetProperty("children").EnumerateArray());
            Assert.Equal(5001 - parent.GetProperty("id").GetInt32(), child.GetProperty("id").GetInt32());
            checkedCount++;
        }
        Assert.Equal(5000, checkedCount);
    }
}
