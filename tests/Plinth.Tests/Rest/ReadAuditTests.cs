using Plinth.Log;
using Plinth.Store;

namespace Plinth.Rest;

/// <summary>
/// Who read what, of models that ask for it: every way in is noted, nothing is shown without its note, and notes are evidence.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class ReadAuditTests
{
    const string Schema = """
        auth { id Int  role String? }
        model Patient {
          id Int @id  name String  revision Int @default(1)
          visits Visit[]  @@audit(read)  @@allow("all", auth.role != "guest")
        }
        model Visit { id Int @id  patient Patient @relation  @@allow("all", true) }
        """;

    [Fact]
    public async Task Every_way_to_a_record_is_noted_once_and_what_is_refused_is_not()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        for (int i = 1; i <= 3; i++) await editor.SendAsync("POST", "/api/patients", $$"""{"id":{{i}},"name":"p{{i}}"}""");
        string then = (await editor.SendAsync("POST", "/api/visits", """{"id":5,"patientId":2}""")).Header("Plinth-Position")!;
        // Writing shows nothing that the writer did not say; what he wrote is in the log.
        Assert.Equal([], Notes(server));
        foreach (string path in new[]
        {
            "/api/patients/1", "/api/patients/1", "/api/patients?sort=-id&limit=2", "/api/patients/aggregate?count",
            $"/api/patients/3?asOf={then}", "/api/patients/2/history", "/api/visits/5?include=patient", "/api/visits/5",
        })
        {
            Reply reply = await editor.SendAsync("GET", path);
            Assert.True(reply.Status == 200, path + ": " + reply.Body);
        }
        string tag = (await editor.SendAsync("GET", "/api/patients/1")).Header("ETag")!;
        Assert.Equal(304, (await editor.SendAsync("GET", "/api/patients/1", null, $"If-None-Match: {tag}")).Status);
        Assert.Equal(404, (await editor.SendAsync("GET", "/api/patients/77")).Status);
        Assert.Equal(400, (await editor.SendAsync("GET", "/api/patients?nonsense=1")).Status);
        Assert.Equal(
            ["get 1", "get 1", "list 2,3", "aggregate ", "get 3", "get 2", "get 2", "get 1", "get 1"], Notes(server));
        Reply live = await editor.SendAsync("GET", "/realtime?query=%7B%22model%22:%22Patient%22%7D");
        Assert.Equal((400, "not_live"), (live.Status, live.Code));
    }

    [Fact]
    public async Task A_note_that_was_changed_removed_or_inserted_is_named()
    {
        foreach (var (sql, found) in new[]
        {
            ("update plinth_reads set actor = 'another' where position = 2", "The reading 2 is not"),
            ("update plinth_reads set records = '9' where position = 1", "The reading 1 is not"),
            ("update plinth_reads set previous = hash where position = 2", "The reading 2 does not follow the reading 1"),
            ("delete from plinth_reads where position = 1", "The reading 2 does not follow the reading 0"),
            ("delete from plinth_reads where position = 2", "The reading 3 does not follow"),
            ("delete from plinth_reads where position = 3", "the last one is 2, and 3 were written"),
            ("delete from plinth_reads", "the last one is 0, and 3 were written"),
            ("update plinth_read_head set hash = (select hash from plinth_reads where position = 2)", "The reading 3, the last, is not"),
        })
        {
            await using RunningServer server = await RunningServer.OpenAsync(Schema);
            HttpClient editor = await server.ClientAsync(RunningServer.Editor);
            await editor.SendAsync("POST", "/api/patients", """{"id":1,"name":"p"}""");
            for (int i = 0; i < 3; i++) await editor.SendAsync("GET", "/api/patients/1");
            Assert.Null(server.Engine.Store.Verify(CancellationToken.None).Wrong);
            await server.Engine.Store.Committer.RunAsync(new WriteAction<Plinth.Text.Done>(tx =>
            {
                using Statement change = tx.Prepare(sql);
                change.Run();
                return Plinth.Text.Done.It;
            }), CancellationToken.None);
            Assert.Contains(found, server.Engine.Store.Verify(CancellationToken.None).Wrong, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Readings_of_many_at_once_are_one_chain()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/patients", """{"id":1,"name":"p"}""");
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => editor.SendAsync("GET", "/api/patients/1")));
        Assert.Equal(40, Notes(server).Count);
        Assert.Null(server.Engine.Store.Verify(CancellationToken.None).Wrong);
    }

    static List<string> Notes(RunningServer server)
    {
        using Connection reader = server.Engine.Store.Database.OpenReader();
        using Statement select = ReadLog.Page(reader, new ReadScope(null, null, null, null, null, null, null), 1000);
        List<string> notes = [];
        while (select.Step()) notes.Insert(0, $"{ReadLog.ReadOne(select).Kind} {string.Join(',', ReadLog.ReadOne(select).Records)}");
        return notes;
    }
}
