using System.Globalization;
using System.Text;
using System.Text.Json;
using Plinth.Log;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Rest;

/// <summary>A person who asks to be forgotten: what was personal is nowhere, and everything else is as it was.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ErasureTests
{
    const string Schema = """
        auth { id Int  role String? }
        model Person {
          id Int @id
          name String @length(1, 100) @pii
          email String @unique @email @pii
          phone String? @pii
          nicks String[] @pii
          greeting String? @computed("dear " + name) @pii
          city String
          tests Test[]
          revision Int @version
          @@fulltext([name, city])  @@route("people")
          @@allow("all", auth.role in ["admin", "clerk"])
        }
        model Test {
          id Int @id
          person Person? @relation(onDelete: setNull) @immutable
          finding String? @pii
          grade Int
          @@subject(person)
          @@softDelete
          @@allow("all", auth.role in ["admin", "clerk"])  @@allow("purge", auth.role == "admin")
        }
        model Town { id Int @id  name String  @@allow("all", auth.role in ["admin", "clerk"]) }
        """;

    const string Everything = "Zebulon";

    static readonly Value s_admin = Claims("admin", 1), s_clerk = Claims("clerk", 2);

    [Fact]
    public async Task Administrators_erase_a_person_everywhere_and_nobody_else_does()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient admin = await server.ClientAsync(s_admin), clerk = await server.ClientAsync(s_clerk);
        string then = await FillAsync(clerk);
        Assert.Equal(200, (await clerk.SendAsync("GET", $"/api/people?asOf={then}")).Status);
        Reply create = await clerk.SendAsync("POST", "/api/people", Person(9, "Nobody"), "Idempotency-Key: other-key-0123456789012345");
        Assert.Equal(201, create.Status);

        Assert.Equal(401, (await (await server.ClientAsync()).SendAsync("POST", "/api/people/1/erase")).Status);
        Assert.Equal(403, (await clerk.SendAsync("POST", "/api/people/1/erase")).Status);
        Assert.Equal(404, (await admin.SendAsync("POST", "/api/people/77/erase")).Status);
        Assert.Equal(409, (await admin.SendAsync("POST", "/api/tests/1/erase")).Status);
        Assert.Equal(409, (await admin.SendAsync("POST", "/api/towns/1/erase")).Status);
        Assert.Equal(400, (await admin.SendAsync("POST", "/api/people/1/erase?scrub=perhaps")).Status);
        Assert.Equal(400, (await admin.SendAsync("POST", "/api/people/1/erase?force=true")).Status);
        Assert.Contains(Everything, (await clerk.SendAsync("GET", "/api/people/1")).Body, StringComparison.Ordinal);

        Reply erased = await admin.SendAsync("POST", "/api/people/1/erase");
        Assert.True(erased.Status == 200, erased.Body);
        // The person and both tests about it, of which one is in the trash.
        Assert.Equal(3, erased.Json.GetProperty("records").GetInt32());
        Assert.Equal(1, erased.Json.GetProperty("answers").GetInt32());
        Assert.Equal(4, erased.Json.GetProperty("events").GetInt32());

        await NothingIsLeftAsync(server, admin, then);
        Reply person = await clerk.SendAsync("GET", "/api/people/1");
        Assert.Equal("""{"id":1,"name":"erased:1","email":"erased-1@erased.invalid","phone":null,"nicks":[],"greeting":"dear erased:1","""
            + "\"city\":\"Bern\",\"revision\":3}", person.Body);
        Assert.Equal(3, (await clerk.SendAsync("GET", "/api/people?search=bern")).Json.GetProperty("items").GetArrayLength());
        TheLogHolds(server);

        // Once more is once; and the record lives on.
        long position = server.Engine.Position;
        Reply again = await admin.SendAsync("POST", "/api/people/1/erase");
        Assert.Equal(200, again.Status);
        Assert.Equal((0, 0), (again.Json.GetProperty("records").GetInt32(), again.Json.GetProperty("events").GetInt32()));
        Assert.Equal(position, server.Engine.Position);
        Assert.Equal(200, (await clerk.SendAsync("PATCH", "/api/people/1", """{"city":"Basel","revision":3}""")).Status);
        Assert.Equal("Nobody", (await clerk.SendAsync("GET", "/api/people/9")).Json.GetProperty("name").GetString());
        TheLogHolds(server);
    }

    [Fact]
    public async Task A_person_whose_record_is_gone_is_erased_from_the_log()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient admin = await server.ClientAsync(s_admin);
        string then = await FillAsync(admin);
        Assert.Equal(204, (await admin.SendAsync("DELETE", "/api/people/1")).Status);
        // Tests 1 and 2 lead nowhere now, and are about the person all the same.
        Assert.Contains(Everything, (await admin.SendAsync("GET", $"/api/people/1?asOf={then}")).Body, StringComparison.Ordinal);
        Reply erased = await admin.SendAsync("POST", "/api/people/1/erase");
        Assert.True(erased.Status == 200, erased.Body);
        Assert.Equal(2, erased.Json.GetProperty("records").GetInt32());
        await NothingIsLeftAsync(server, admin, then);
        TheLogHolds(server);
        Reply was = await admin.SendAsync("GET", $"/api/people?asOf={then}&select=id,city,phone");
        Assert.Contains("\"phone\":null,\"city\":\"Bern\"", was.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_log_says_openly_because_it_was_not_personal_then_goes_with_its_payload()
    {
        string before = Schema.Replace("phone String? @pii", "phone String?", StringComparison.Ordinal);
        await using RunningServer server = await RunningServer.OpenAsync(before);
        HttpClient admin = await server.ClientAsync(s_admin);
        await FillAsync(admin);
        Assert.NotEqual(0, Count(server, "data", "+41 Zebulon"));
        var applied = await server.Engine.ApplyAsync(WriteFixture.Read(Schema), CancellationToken.None);
        Assert.True(applied.IsOk, applied.Fault?.Message);
        Reply erased = await admin.SendAsync("POST", "/api/people/1/erase?scrub=false");
        Assert.True(erased.Status == 200, erased.Body);
        Assert.Equal(0, Count(server, "data", "+41 Zebulon"));
        TheLogHolds(server);
        JsonElement history = (await admin.SendAsync("GET", "/api/people/1/history")).Json.GetProperty("items");
        Assert.Equal(["created", "updated", "erased"], history.EnumerateArray().Select(i => i.GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task What_was_sealed_for_other_reasons_goes_where_it_is_personal_by_now_and_nothing_else_does()
    {
        const string Before = """
            auth { id Int  role String? }
            model Person { id Int @id  nick String? @sensitive  motto String? @sensitive  hobby String?  city String?  @@allow("all", true) }
            """, After = """
            auth { id Int  role String? }
            model Person {
              id Int @id  alias String? @pii @renamedFrom("nick")  motto String? @sensitive  city String?  @@allow("all", true)
            }
            """;
        await using RunningServer server = await RunningServer.OpenAsync(Before);
        HttpClient admin = await server.ClientAsync(s_admin);
        await admin.SendAsync("POST", "/api/persons", """{"id":1}""");
        string[] changes =
        [
            """{"nick":"Zeb"}""", """{"motto":"on"}""", """{"hobby":"chess"}""", """{"city":"Bern"}""", """{"hobby":null}""",
        ];
        foreach (string change in changes) Assert.Equal(200, (await admin.SendAsync("PATCH", "/api/persons/1", change)).Status);
        var applied = await server.Engine.ApplyAsync(WriteFixture.Read(After), CancellationToken.None);
        Assert.True(applied.IsOk, applied.Fault?.Message);
        Reply erased = await admin.SendAsync("POST", "/api/persons/1/erase?scrub=false");
        Assert.True(erased.Status == 200, erased.Body);
        // The create named the field, and the change of it.
        Assert.Equal(2, erased.Json.GetProperty("events").GetInt32());
        using ReadLease lease = server.Engine.Store.Database.Read(CancellationToken.None);
        Assert.Equal([false, false, true, true, true, true, true], EventLog.History(lease.Connection, "Person", "1", 0, 100)
            .Select(static e => e.Data is not null));
        TheLogHolds(server);
    }

    [Fact]
    public async Task What_a_model_that_is_gone_said_about_a_person_is_erased_with_them()
    {
        const string Before = """
            auth { id Int  role String? }
            model Person { id Int @id  name String @pii  letters Letter[]  @@allow("all", true) }
            model Letter {
              id Int @id  person Person? @relation(onDelete: setNull) @immutable  text String? @pii  @@subject(person)
              @@allow("all", true)
            }
            """, After = """
            auth { id Int  role String? }
            model Person { id Int @id  name String @pii  @@allow("all", true) }
            """;
        await using RunningServer server = await RunningServer.OpenAsync(Before);
        HttpClient admin = await server.ClientAsync(s_admin);
        for (int i = 1; i <= 2; i++) await admin.SendAsync("POST", "/api/persons", $$"""{"id":{{i}},"name":"Zebulon"}""");
        await admin.SendAsync("POST", "/api/letters", """{"id":5,"personId":1,"text":"Zebulon"}""");
        await admin.SendAsync("POST", "/api/letters", """{"id":6,"personId":2,"text":"of another"}""");
        foreach (int id in new[] { 5, 6 }) Assert.Equal(204, (await admin.SendAsync("DELETE", $"/api/letters/{id}")).Status);
        var applied = await server.Engine.ApplyAsync(WriteFixture.Read(After), CancellationToken.None);
        Assert.True(applied.IsOk, applied.Fault?.Message);
        Assert.Equal((2, 2), (Open("5"), Open("6")));

        Reply erased = await admin.SendAsync("POST", "/api/persons/1/erase");
        Assert.True(erased.Status == 200, erased.Body);
        Assert.Equal((1, 3), (erased.Json.GetProperty("records").GetInt32(), erased.Json.GetProperty("events").GetInt32()));
        Assert.Equal((0, 2), (Open("5"), Open("6")));
        TheLogHolds(server);

        // What opens the sealed values of a letter.
        long Open(string letter)
        {
            using Connection reader = server.Engine.Store.Database.OpenReader();
            return reader.ScalarInt64(
                $"select count(*) from plinth_events where model = 'Letter' and record_id = '{letter}' and salt is not null") ?? -1;
        }
    }

    [Fact]
    public async Task Who_is_erased_in_one_tenant_is_left_alone_in_another()
    {
        await using RunningServer server = await RunningServer.OpenAsync("""
            app x { tenancy = row }
            auth { id Int  role String?  tenantId Int? }
            model Person { id Int @id  name String @pii  tests Test[]  @@allow("all", true) }
            model Test {
              id Int @id  person Person? @relation(onDelete: setNull) @immutable  finding String? @pii  @@subject(person)  @@allow("all", true)
            }
            """);
        HttpClient[] admins =
        [
            await server.ClientAsync(Claims("admin", 1, tenant: 1)), await server.ClientAsync(Claims("admin", 2, tenant: 2)),
        ];
        string then = "";
        foreach (HttpClient admin in admins)
        {
            await admin.SendAsync("POST", "/api/persons", """{"id":1,"name":"Zebulon"}""");
            Reply test = await admin.SendAsync("POST", "/api/tests", """{"id":1,"personId":1,"finding":"Zebulon"}""");
            then = test.Header("Plinth-Position")!;
        }
        // What the log has of a record that is gone knows its person by the key alone, and that is the same in both.
        foreach (HttpClient admin in admins)
        {
            Assert.Equal(204, (await admin.SendAsync("DELETE", "/api/tests/1")).Status);
            Assert.Contains("Zebulon", (await admin.SendAsync("GET", $"/api/tests?asOf={then}")).Body, StringComparison.Ordinal);
        }
        Reply erased = await admins[0].SendAsync("POST", "/api/persons/1/erase");
        Assert.True(erased.Status == 200, erased.Body);
        Assert.Equal(3, erased.Json.GetProperty("events").GetInt32());
        string[] paths = ["/api/persons/1", $"/api/persons?asOf={then}", $"/api/tests?asOf={then}"];
        foreach (string path in paths)
        {
            Assert.DoesNotContain("Zebulon", (await admins[0].SendAsync("GET", path)).Body, StringComparison.Ordinal);
            Assert.Contains("Zebulon", (await admins[1].SendAsync("GET", path)).Body, StringComparison.Ordinal);
        }
        // Each sees in the log what was done in their own: the person's record, and the test that was gone.
        Assert.Equal(2, (await admins[0].SendAsync("GET", "/audit/logs?operation=erased")).Json.GetProperty("items").GetArrayLength());
        Assert.Equal(0, (await admins[1].SendAsync("GET", "/audit/logs?operation=erased")).Json.GetProperty("items").GetArrayLength());
        TheLogHolds(server);
    }

    [Fact]
    public async Task Events_whose_values_retention_has_taken_are_no_hindrance()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient admin = await server.ClientAsync(s_admin);
        await FillAsync(admin);
        long cut = server.Engine.Position;
        Assert.True((await LogCut.RunAsync(server.Engine.Store, cut, null, CancellationToken.None)).IsOk);
        Reply changed = await admin.SendAsync("PATCH", "/api/people/1", """{"name":"Zebulon the Third","revision":2}""");
        Assert.True(changed.Status == 200, changed.Body);
        Reply erased = await admin.SendAsync("POST", "/api/people/1/erase?scrub=false");
        Assert.True(erased.Status == 200, erased.Body);
        Assert.Equal(1, erased.Json.GetProperty("events").GetInt32());
        Assert.DoesNotContain("Zebulon", (await admin.SendAsync("GET", "/api/people/1")).Body, StringComparison.Ordinal);
        Assert.Null(server.Engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(server.Engine.Replay(ReplayScope.Whole with { From = cut }, null, CancellationToken.None).Differences);
    }

    [Fact]
    [Trait(TestDatabase.Trait, TestDatabase.Embedded)]
    public async Task No_file_of_an_embedded_database_has_a_byte_of_it()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient admin = await server.ClientAsync(s_admin);
        // Enough for pages to split and to be left, before, between and after.
        for (int i = 100; i < 400; i++) await admin.SendAsync("POST", "/api/people", Person(i, "Zebulon" + i));
        await FillAsync(admin);
        for (int i = 100; i < 400; i += 2)
            await admin.SendAsync("PATCH", $"/api/people/{i}", $$"""{"name":"Zebulon{{i}} the Second","revision":1}""");
        for (int i = 100; i < 400; i += 3) await admin.SendAsync("DELETE", $"/api/people/{i}");
        for (int i = 100; i < 400; i++)
        {
            Reply one = await admin.SendAsync("POST", $"/api/people/{i}/erase?scrub=false");
            Assert.True(one.Status == 200, one.Body);
            Assert.False(one.Json.GetProperty("scrubbed").GetBoolean());
        }
        // The search of the test finds what is there: pages that were left still have it.
        Assert.NotEmpty(Found(server, "zebulon"));
        Reply last = await admin.SendAsync("POST", "/api/people/1/erase");
        Assert.True(last.Json.GetProperty("scrubbed").GetBoolean(), last.Body);
        Assert.Empty(Found(server, "zebulon"));
        TheLogHolds(server);
    }

    [Fact]
    public async Task A_batch_and_a_replay_of_a_kept_answer_say_nothing_of_an_erased_person()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient admin = await server.ClientAsync(s_admin);
        const string Key = "Idempotency-Key: the-key-of-a-create-0123456789";
        Reply first = await admin.SendAsync("POST", "/api/people", Person(1, Everything), Key);
        Assert.Contains(Everything, first.Body, StringComparison.Ordinal);
        Reply again = await admin.SendAsync("POST", "/api/people", Person(1, Everything), Key);
        Assert.Equal((201, first.Body), (again.Status, again.Body));
        await admin.SendAsync("POST", "/api/people/1/erase");
        again = await admin.SendAsync("POST", "/api/people", Person(1, Everything), Key);
        Assert.Equal((201, "true", ""), (again.Status, again.Header("Idempotency-Replayed"), again.Body));
    }

    [Fact]
    public async Task What_was_erased_may_be_purged_later_whether_it_was_there_or_gone_and_made_again()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema.Replace("@@softDelete", "", StringComparison.Ordinal)
            .Replace("""  @@allow("purge", auth.role == "admin")""", "", StringComparison.Ordinal));
        HttpClient admin = await server.ClientAsync(s_admin);
        await FillAsync(admin);
        // Test 1 is there when the person is erased, and test 2 is gone.
        Reply erased = await admin.SendAsync("POST", "/api/people/1/erase?scrub=false");
        Assert.True(erased.Status == 200, erased.Body);
        var applied = await server.Engine.ApplyAsync(WriteFixture.Read(Schema), CancellationToken.None);
        Assert.True(applied.IsOk, applied.Fault?.Message);
        Reply again = await admin.SendAsync("POST", "/api/tests", """{"id":2,"personId":2,"finding":"new","grade":1}""");
        Assert.True(again.Status == 201, again.Body);
        // Purging takes the payloads of all that ever happened to the record, those of the erasure as well.
        foreach (int id in new[] { 1, 2 })
        {
            Assert.Equal(204, (await admin.SendAsync("DELETE", $"/api/tests/{id}")).Status);
            Assert.Equal(204, (await admin.SendAsync("DELETE", $"/api/tests/{id}?purge=true")).Status);
        }

        TheLogHolds(server);
    }

    static async Task<string> FillAsync(HttpClient client)
    {
        await client.SendAsync("POST", "/api/people", Person(1, Everything), "Idempotency-Key: key-of-a-person-0123456789");
        await client.SendAsync("POST", "/api/people", Person(2, "Somebody"));
        for (int i = 1; i <= 3; i++)
        {
            Reply made = await client.SendAsync("POST", "/api/tests",
                $$"""{"id":{{i}},"personId":{{(i == 3 ? 2 : 1)}},"finding":"Zebulon {{i}}","grade":{{i}}}""");
            Assert.True(made.Status == 201, made.Body);
        }
        await client.SendAsync("PATCH", "/api/tests/3", """{"finding":null}""");
        await client.SendAsync("POST", "/api/tests", """{"id":4,"personId":2,"finding":"Somebody 4","grade":4}""");
        Reply changed = await client.SendAsync(
            "PATCH", "/api/people/1", """{"name":"Zebulon the Second","nicks":["Zebulon!"],"revision":1}""");
        Assert.True(changed.Status == 200, changed.Body);
        await client.SendAsync("DELETE", "/api/tests/2");
        return changed.Header("Plinth-Position")!;
    }

    static string Person(int id, string name) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"id":{{id}},"name":"{{name}}","email":"{{name}}.{{id}}@example.org","phone":"+41 {{name}}","city":"Bern"}""");

    /// <summary>Lists, the past, histories, the audit, searches: what the API says; and the tables, as the database has them.</summary>
    static async Task NothingIsLeftAsync(RunningServer server, HttpClient admin, string then)
    {
        foreach (string path in new[]
        {
            "/api/people", "/api/people/1/history", $"/api/people?asOf={then}", $"/api/people/1?asOf={then}", "/api/tests?include=person",
            "/api/tests?trashed=only", "/api/tests/1/history", $"/api/tests?asOf={then}", "/audit/logs?limit=100", "/audit/entity/Person/1",
            "/api/people?search=zebulon", "/api/people?filter=name.startsWith(%22Zeb%22)",
        })
        {
            Reply reply = await admin.SendAsync("GET", path);
            Assert.True(reply.Status is 200 or 404, path + ": " + reply.Body);
            Assert.False(reply.Body.Contains("Zebulon", StringComparison.Ordinal), path + ": " + reply.Body);
        }
        Reply history = await admin.SendAsync("GET", "/audit/entity/Person/1");
        JsonElement created = history.Json.GetProperty("items").EnumerateArray().Last();
        Assert.Equal("created", created.GetProperty("kind").GetString());
        Assert.True(created.GetProperty("erased").GetBoolean());
        using Connection reader = server.Engine.Store.Database.OpenReader();
        foreach (var (table, columns) in reader.Tables())
        {
            foreach (string column in columns)
            {
                // As text, as bytes, and within what holds words for searching.
                string sql = TestDatabase.IsPostgres
                    ? $"select count(*) from \"{table}\" where \"{column}\"::text ilike any (array['%zebulon%', '%6562756c6f6e%'])"
                    : $"select count(*) from \"{table}\" where instr(lower(cast(\"{column}\" as text)), 'zebulon') > 0";
                if (column.StartsWith("terms_", StringComparison.Ordinal) && !TestDatabase.IsPostgres) continue;
                if (table.Contains("_fts", StringComparison.Ordinal)) continue; // Shadow tables: the files are searched.
                long left = reader.ScalarInt64(sql) ?? 0;
                Assert.True(left == 0, $"{table}.{column} has it {left} times");
            }
        }
    }

    static void TheLogHolds(RunningServer server)
    {
        Assert.Null(server.Engine.Store.Verify(CancellationToken.None).Wrong);
        ReplayReport replay = server.Engine.Replay(null, CancellationToken.None);
        Assert.Equal([], replay.Differences);
    }

    static long Count(RunningServer server, string column, string text)
    {
        using Connection reader = server.Engine.Store.Database.OpenReader();
        return reader.ScalarInt64(TestDatabase.IsPostgres
            ? $"select count(*) from plinth_events where position('{text}'::bytea in \"{column}\") > 0"
            : $"select count(*) from plinth_events where instr(cast(\"{column}\" as text), '{text}') > 0") ?? -1;
    }

    /// <summary>The files of the data folder in which a word stands, in whatever case.</summary>
    static List<string> Found(RunningServer server, string word)
    {
        List<string> found = [];
        foreach (string file in Directory.GetFiles(server.Engine.Store.Database.Options.Folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) is "plinth.lock") continue;
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using MemoryStream bytes = new();
            stream.CopyTo(bytes);
            string text = Encoding.Latin1.GetString(bytes.ToArray());
            if (text.Contains(word, StringComparison.OrdinalIgnoreCase)) found.Add(Path.GetFileName(file));
        }
        return found;
    }

    static Value Claims(string role, long id) => Value.FromMap(new ValueMap([new("id", Value.From(id)), new("role", Value.From(role))]));

    static Value Claims(string role, long id, long tenant) => Value.FromMap(
        new ValueMap([new("id", Value.From(id)), new("role", Value.From(role)), new("tenantId", Value.From(tenant))]));
}
