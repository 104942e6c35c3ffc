using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Plinth.Log;
using Plinth.Rest;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Policy;

/// <summary>
/// A record that the rules hide, and one that never was: every way of asking is answered with the same status, headers and body, after
/// the same statements.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public partial class HiddenEqualsAbsentTests
{
    const string Schema = """
        auth { id Int  role String? }
        model Team { id Int @id  name String  owner Int  code String @unique  people Person[]  keepers Keeper[]
          @@allow("all", owner == auth.id) }
        model Keeper { id Int @id  userId Int  team Team @relation(onDelete: cascade)  @@allow("create", true) }
        model Person {
          id Int @id
          name String
          team Team? @relation
          boss Person? @relation(name: "boss")
          staff Person[] @relation(name: "boss")
          @@allow("all", name != "hidden" || auth.role == "admin")
        }
        """;

    /// <summary>The same, where the rule looks at other records, which no record in memory can answer.</summary>
    static readonly string s_byOthers = Schema.Replace("""@@allow("all", owner == auth.id)""",
        """
        @@allow("all", auth.role == "admin") @@allow("all", keepers.exists(k, k.userId == auth.id))
        @@deny("all", keepers.exists(k, k.id == 99))
        """,
        StringComparison.Ordinal);

    // Of each pair the first names what is hidden, the second what never was.
    public static TheoryData<string, string, string, string?, string?> Ways => new()
    {
        { "GET", "/api/teams/1", "/api/teams/9", null, null },
        { "HEAD", "/api/teams/1", "/api/teams/9", null, null },
        { "GET", "/api/teams/1?select=name", "/api/teams/9?select=name", null, null },
        { "GET", "/api/teams/1?include=people", "/api/teams/9?include=people", null, null },
        { "GET", "/api/teams/1/history", "/api/teams/9/history", null, null },
        { "GET", "/api/teams/1?asOf=1", "/api/teams/9?asOf=1", null, null },
        { "GET", "/api/teams/1?asOf={then}", "/api/teams/9?asOf={then}", null, null },
        { "GET", "/api/teams/1?asOf={now}", "/api/teams/9?asOf={now}", null, null },
        // One that was hidden and is gone.
        { "GET", "/api/teams/2?asOf={then}", "/api/teams/9?asOf={then}", null, null },
        { "GET", "/api/teams/2?asOf={now}", "/api/teams/9?asOf={now}", null, null },
        { "GET", "/api/teams/2/history", "/api/teams/9/history", null, null },
        { "POST", "/api/teams/2/revert?asOf={then}", "/api/teams/9/revert?asOf={then}", null, null },
        { "GET", "/api/teams?filter=id==1&count=exact&asOf={then}", "/api/teams?filter=id==9&count=exact&asOf={then}", null, null },
        { "GET", "/api/persons?filter=team.name=='secret'&asOf={then}", "/api/persons?filter=team.name=='no'&asOf={then}", null, null },
        { "POST", "/api/teams/1/revert?version=1", "/api/teams/9/revert?version=1", null, null },
        { "POST", "/api/teams/1/revert?version=7", "/api/teams/9/revert?version=7", null, null },
        { "POST", "/api/teams/1/revert?asOf={then}", "/api/teams/9/revert?asOf={then}", null, null },
        { "PATCH", "/api/teams/1", "/api/teams/9", """{"name":"x"}""", """{"name":"x"}""" },
        { "DELETE", "/api/teams/1", "/api/teams/9", null, null },
        { "GET", "/api/teams?code=c1", "/api/teams?code=c9", null, null },
        { "GET", "/api/teams?filter=id==1", "/api/teams?filter=id==9", null, null },
        { "GET", "/api/teams?filter=id==1&count=exact", "/api/teams?filter=id==9&count=exact", null, null },
        { "GET", "/api/teams/aggregate?filter=id==1&count", "/api/teams/aggregate?filter=id==9&count", null, null },
        { "PATCH", "/api/teams?filter=id==1", "/api/teams?filter=id==9", """{"name":"x"}""", """{"name":"x"}""" },
        { "DELETE", "/api/teams?filter=id==1", "/api/teams?filter=id==9", null, null },
        { "GET", "/api/persons?filter=team.name=='secret'", "/api/persons?filter=team.name=='nothing'", null, null },
        { "GET", "/api/persons?filter=team!=null&id=1", "/api/persons?filter=team!=null&id=2", null, null },
        { "GET", "/api/persons/aggregate?filter=team==null&id=1", "/api/persons/aggregate?filter=team==null&id=2", null, null },
        { "GET", "/api/persons?filter=staff.exists(s,true)&id=1", "/api/persons?filter=staff.exists(s,true)&id=2", null, null },
        { "POST", "/api/persons", "/api/persons", """{"id":7,"name":"x","teamId":1}""", """{"id":7,"name":"x","teamId":9}""" },
        { "PATCH", "/api/persons/2", "/api/persons/2", """{"teamId":1}""", """{"teamId":9}""" },
        { "POST", "/api/batch", "/api/batch", """{"operations":[{"method":"DELETE","path":"/api/teams/1"}]}""",
            """{"operations":[{"method":"DELETE","path":"/api/teams/9"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Both_are_answered_alike(string method, string hidden, string absent, string? hiddenBody, string? absentBody)
    {
        await AskAsync(Schema, method, hidden, absent, hiddenBody, absentBody);
        await AskAsync(s_byOthers, method, hidden, absent, hiddenBody, absentBody);
    }

    static async Task AskAsync(string schema, string method, string hidden, string absent, string? hiddenBody, string? absentBody)
    {
        FailingDatabase? database = null;
        await using RunningServer server = await RunningServer.OpenAsync(schema, open: (options, clock) =>
            database = new FailingDatabase(TestDatabase.Open(options, clock)));
        HttpClient owner = await server.ClientAsync(Identity(8, "admin")), other = await server.ClientAsync(Identity(7, null));
        Assert.Equal(201, (await owner.SendAsync("POST", "/api/teams", """{"id":1,"name":"secret","owner":8,"code":"c1"}""")).Status);
        Assert.Equal(201, (await owner.SendAsync("POST", "/api/keepers", """{"id":1,"userId":8,"teamId":1}""")).Status);
        Assert.Equal(201, (await owner.SendAsync("POST", "/api/teams", """{"id":2,"name":"secret","owner":8,"code":"c2"}""")).Status);
        Assert.Equal(201, (await owner.SendAsync("POST", "/api/persons",
            """[{"id":1,"name":"shown","teamId":1},{"id":2,"name":"shown"},{"id":3,"name":"hidden","bossId":1}]""")).Status);
        string then = server.Engine.Position.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(200, (await owner.SendAsync("PATCH", "/api/teams/1", """{"name":"secret still"}""")).Status);
        Assert.Equal(204, (await owner.SendAsync("DELETE", "/api/teams/2")).Status);
        string now = server.Engine.Position.ToString(CultureInfo.InvariantCulture);
        hidden = hidden.Replace("{then}", then, StringComparison.Ordinal).Replace("{now}", now, StringComparison.Ordinal);
        absent = absent.Replace("{then}", then, StringComparison.Ordinal).Replace("{now}", now, StringComparison.Ordinal);
        // What the owner has read is at hand, and must not make a difference.
        foreach (string of in new[] { "", "?asOf=" + then, "?asOf=1" })
        {
            for (int i = 0; i < 3; i++) await owner.SendAsync("GET", "/api/teams/1" + of);
        }
        // Once before: what a first request makes ready is not the question.
        await other.SendAsync(method, absent, absentBody);
        // Lists of a moment are remembered for each filter.
        if (hidden.Contains("&asOf=", StringComparison.Ordinal)) await other.SendAsync(method, hidden, hiddenBody);
        (Reply ofHidden, string[] hiddenRun) = await Watched(database!, () => other.SendAsync(method, hidden, hiddenBody));
        (Reply ofAbsent, string[] absentRun) = await Watched(database!, () => other.SendAsync(method, absent, absentBody));
        Assert.Equal(absentRun, hiddenRun);
        Assert.NotEmpty(hiddenRun);
        Assert.Equal(Shown(ofAbsent), Shown(ofHidden));
        Assert.Equal(Headers(ofAbsent), Headers(ofHidden));
        Assert.DoesNotContain("secret", ofHidden.Body, StringComparison.Ordinal);
    }

    /// <summary>Whatever became of it: in the trash, restored, purged, changed more often than is undone, or never there.</summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(1)]
    public async Task What_a_hidden_record_was_is_asked_as_if_it_never_was(int changesMax)
    {
        const string Trashing = """
            auth { id Int  role String? }
            model Card { id Int @id  text String  owner Int  @@softDelete  @@allow("all, purge", owner == auth.id) }
            """;
        FailingDatabase? database = null;
        await using RunningServer server = await RunningServer.OpenAsync(
            Trashing, Text.Limits.Default with { AsOfChanges = changesMax }, open: (options, clock) =>
                database = new FailingDatabase(TestDatabase.Open(options, clock)));
        HttpClient owner = await server.ClientAsync(Identity(8, null)), other = await server.ClientAsync(Identity(7, null));
        for (int id = 1; id <= 5; id++)
            Assert.Equal(201, (await owner.SendAsync("POST", "/api/cards", $$"""{"id":{{id}},"text":"secret","owner":8}""")).Status);
        string then = server.Engine.Position.ToString(CultureInfo.InvariantCulture);
        foreach (var (method, path) in new[] { ("DELETE", "/api/cards/1"), ("DELETE", "/api/cards/2"), ("POST", "/api/cards/2/restore"),
            ("DELETE", "/api/cards/3?purge=true") })
            Assert.InRange((await owner.SendAsync(method, path)).Status, 200, 204);
        for (int i = 0; i < 3; i++) await owner.SendAsync("PATCH", "/api/cards/4", $$"""{"text":"secret {{i}}"}""");
        await other.SendAsync("GET", "/api/cards/9?asOf=" + then);
        (Reply ofAbsent, string[] absentRun) = await Watched(database!, () => other.SendAsync("GET", "/api/cards/9?asOf=" + then));
        for (int id = 1; id <= 5; id++)
        {
            (Reply ofHidden, string[] hiddenRun) = await Watched(database!, () => other.SendAsync("GET", $"/api/cards/{id}?asOf={then}"));
            Assert.Equal(404, ofHidden.Status);
            Assert.Equal(absentRun, hiddenRun);
            Assert.Equal(Shown(ofAbsent), Shown(ofHidden));
        }
        // Who may read it is told that too much has changed.
        Assert.Equal(changesMax == 1 ? 422 : 200, (await owner.SendAsync("GET", "/api/cards/4?asOf=" + then)).Status);
    }

    /// <summary>
    /// What auditors are told is every record of their tenant, so what is hidden from them is another's; from others, everything.
    /// </summary>
    [Theory]
    [InlineData("auditor", 200)]
    [InlineData("user", 403)]
    public async Task A_record_of_another_tenant_is_to_auditors_as_one_that_never_was(string role, int status)
    {
        const string Tenanted = """
            app x { tenancy = row }
            auth { id Int  role String?  tenantId Int }
            model Card { id Int @id  text String  @@allow("all", true) }
            """;
        FailingDatabase? database = null;
        await using RunningServer server = await RunningServer.OpenAsync(Tenanted, open: (options, clock) =>
            database = new FailingDatabase(TestDatabase.Open(options, clock)));
        HttpClient owner = await server.ClientAsync(Of(2, "user")), other = await server.ClientAsync(Of(1, role));
        Assert.Equal(201, (await owner.SendAsync("POST", "/api/cards", """{"id":1,"text":"secret"}""")).Status);
        foreach (string path in new[] { "/audit/entity/Card/", "/audit/logs?model=cards&record=" })
        {
            await other.SendAsync("GET", path + "9");
            (Reply ofHidden, string[] hiddenRun) = await Watched(database!, () => other.SendAsync("GET", path + "1"));
            (Reply ofAbsent, string[] absentRun) = await Watched(database!, () => other.SendAsync("GET", path + "9"));
            Assert.Equal(status, ofHidden.Status);
            Assert.Equal(absentRun, hiddenRun);
            Assert.Equal(Shown(ofAbsent), Shown(ofHidden));
            Assert.Equal(Headers(ofAbsent), Headers(ofHidden));
        }

        static Value Of(long tenant, string role) => Value.FromMap(new ValueMap(
            [new("id", Value.From(7)), new("role", Value.From(role)), new(Model.TenantId, Value.From(tenant))]));
    }

    [Fact]
    public async Task A_put_on_a_hidden_key_is_the_conflict_of_a_create_and_after_its_rules()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient owner = await server.ClientAsync(Identity(8, null)), other = await server.ClientAsync(Identity(7, null));
        await owner.SendAsync("POST", "/api/teams", """{"id":1,"name":"secret","owner":8,"code":"c1"}""");
        Assert.Equal(409, (await other.SendAsync("PUT", "/api/teams/1", """{"name":"x","owner":7,"code":"c2"}""")).Status);
        Assert.Equal(403, (await other.SendAsync("PUT", "/api/teams/1", """{"name":"x","owner":8,"code":"c2"}""")).Status);
        Assert.Equal(403, (await other.SendAsync("PUT", "/api/teams/9", """{"name":"x","owner":8,"code":"c2"}""")).Status);
    }

    static async Task<(Reply, string[])> Watched(FailingDatabase database, Func<Task<Reply>> send)
    {
        ConcurrentQueue<string> run = [];
        database.OnStatement = run.Enqueue;
        Reply reply = await send();
        database.OnStatement = null;
        // The reader of a shared log asks whenever its time has come; a request's own statements ask for the position beside.
        return (reply, [.. run.Where(static sql => !sql.Contains("plinth_commits", StringComparison.Ordinal) && !IsOfTail(sql)
            && !sql.Replace(LogTables.Position, "", StringComparison.Ordinal).Contains("plinth_log_head", StringComparison.Ordinal))]);
    }

    /// <summary>The log read on by whoever follows it: of no record and of no model, so no request's.</summary>
    static bool IsOfTail(string sql) => sql.StartsWith("select position, ordinal", StringComparison.Ordinal)
        && sql.Contains("where position > ", StringComparison.Ordinal) && !sql.Contains("record_id = ", StringComparison.Ordinal);

    static Value Identity(long id, string? role) => Value.FromMap(new ValueMap(role is null
        ? [new("id", Value.From(id))]
        : [new("id", Value.From(id)), new("role", Value.From(role))]));

    static string Shown(Reply reply) => $"{reply.Status} {Varying().Replace(reply.Body, "")}";

    static string Headers(Reply reply) => string.Join('\n', reply.Headers.Concat(reply.Content).Select(static h => h.Key)
        .Where(static name => name != "Date").Order(StringComparer.Ordinal));

    [GeneratedRegex("\"(traceId|requestId)\":\"[^\"]*\"")]
    private static partial Regex Varying();
}
