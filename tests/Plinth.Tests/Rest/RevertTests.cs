using System.Text.Json;
using Plinth.Store;

namespace Plinth.Rest;

/// <summary>A record brought back to what it was: under the rule of updates, as an event of its own.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class RevertTests
{
    const string Schema = """
        auth { id Int  role String? }
        model Note {
          id Int @id  text String @length(1, 20)  score Int @default(0)  data Json?  made String @immutable @default("x")
          half Int @computed(score * 2)  wage Int? @allow("write", auth.role == "chief")
          boss Int? @allow("read", auth.role == "chief")  owner Int
          @@allow(["read", "create", "delete"], auth.role == "editor" || auth.role == "chief")
          @@allow("update", owner == auth.id)
        }
        """;

    [Fact]
    public async Task A_record_gets_the_values_of_a_version_or_a_moment_by_an_update_of_its_own()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"id":1,"text":"a","data":{"a":1},"owner":7}""");
        string first = (await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"b","score":1}""")).Header("Plinth-Position")!;
        await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"c","score":2,"data":{"a":null,"b":2}}""");

        Reply reply = await editor.SendAsync("POST", "/api/notes/1/revert?version=1");
        Assert.Equal(200, reply.Status);
        Assert.Equal("""{"a":1}""", reply.Json.GetProperty("data").GetRawText());
        Assert.Equal(("a", 0, 0), Said(reply));
        Assert.StartsWith("\"4.", reply.Header("ETag"), StringComparison.Ordinal);
        Reply history = await editor.SendAsync("GET", "/api/notes/1/history");
        JsonElement last = history.Json.GetProperty("items").EnumerateArray().Last();
        Assert.Equal(("updated", 4), (last.GetProperty("kind").GetString(), last.GetProperty("version").GetInt32()));

        reply = await editor.SendAsync("POST", $"/api/notes/1/revert?asOf={first}", null, "If-Match: \"4.1\"");
        Assert.Equal(("b", 1, 2), Said(reply));
        // What is so already changes nothing.
        long position = server.Engine.Position;
        Assert.Equal(200, (await editor.SendAsync("POST", $"/api/notes/1/revert?asOf={first}")).Status);
        Assert.Equal(position, server.Engine.Position);
        Assert.Equal(412, (await editor.SendAsync("POST", "/api/notes/1/revert?version=1", null, "If-Match: \"4.1\"")).Status);
    }

    [Fact]
    public async Task Nobody_reverts_what_he_could_not_write_or_read()
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient chief = await server.ClientAsync(Claims("chief", 8)), editor = await server.ClientAsync(RunningServer.Editor);
        await chief.SendAsync("POST", "/api/notes", """{"id":1,"text":"a","wage":1,"boss":1,"owner":8}""");
        await chief.SendAsync("PATCH", "/api/notes/1", """{"text":"b","wage":2,"boss":2}""");
        Assert.Equal(401, (await (await server.ClientAsync()).SendAsync("POST", "/api/notes/1/revert?version=1")).Status);
        Assert.Equal(403, (await editor.SendAsync("POST", "/api/notes/1/revert?version=1")).Status);
        HttpClient reader = await server.ClientAsync(RunningServer.Reader);
        Assert.Equal(403, (await reader.SendAsync("POST", "/api/notes/1/revert?version=1")).Status);
        await chief.SendAsync("PATCH", "/api/notes/1", """{"owner":7}""");
        await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"c"}""");

        // The wage is not theirs to write, the boss not theirs to know: both stay.
        Reply reply = await editor.SendAsync("POST", "/api/notes/1/revert?version=3");
        Assert.Equal((200, "b"), (reply.Status, reply.Json.GetProperty("text").GetString()));
        JsonElement seen = (await chief.SendAsync("GET", "/api/notes/1")).Json;
        Assert.Equal((2, 2), (seen.GetProperty("wage").GetInt32(), seen.GetProperty("boss").GetInt32()));
    }

    [Theory]
    [InlineData("/api/notes/1/revert", 400, "malformed_parameter")]
    [InlineData("/api/notes/1/revert?version=1&asOf=1", 400, "malformed_parameter")]
    [InlineData("/api/notes/1/revert?version=x", 400, "malformed_parameter")]
    [InlineData("/api/notes/1/revert?version=9", 400, "malformed_parameter")]
    [InlineData("/api/notes/1/revert?asOf=0", 404, "not_found")]
    [InlineData("/api/notes/1/revert?asOf=x", 400, "malformed_parameter")]
    [InlineData("/api/notes/2/revert?version=1", 404, "not_found")]
    [InlineData("/api/notes/1/revert?to=1", 400, "unknown_parameter")]
    public async Task What_names_no_state_of_the_record_is_refused(string path, int status, string code)
    {
        await using RunningServer server = await RunningServer.OpenAsync(Schema);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"id":1,"text":"a","owner":7}""");
        Reply reply = await editor.SendAsync("POST", path);
        Assert.Equal((status, code), (reply.Status, reply.Code));
    }

    static (string?, int, int) Said(Reply reply) => (reply.Json.GetProperty("text").GetString(),
        reply.Json.GetProperty("score").GetInt32(), reply.Json.GetProperty("half").GetInt32());

    static Schema.Value Claims(string role, long id) => Plinth.Schema.Value.FromMap(new Schema.ValueMap(
        [new("id", Plinth.Schema.Value.From(id)), new("role", Plinth.Schema.Value.From(role))]));
}
