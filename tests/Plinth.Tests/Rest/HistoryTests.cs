using System.Text.Json;
using Plinth.Store;

namespace Plinth.Rest;

/// <summary>The past of a record, as its reader may know it.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class HistoryTests
{
    [Fact]
    public async Task A_history_says_who_changed_what_from_what_to_what_and_keeps_secrets()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"text":"first"}""");
        await editor.SendAsync("PATCH", "/api/notes/1", """{"text":"second","score":5}""");
        await editor.SendAsync("DELETE", "/api/notes/1");
        Assert.Equal(404, (await editor.SendAsync("GET", "/api/notes/1/history")).Status);
        await editor.SendAsync("POST", "/api/notes/1/restore");

        Reply reply = await editor.SendAsync("GET", "/api/notes/1/history");
        Assert.Equal(200, reply.Status);
        using JsonDocument document = JsonDocument.Parse(reply.Body);
        JsonElement[] items = [.. document.RootElement.GetProperty("items").EnumerateArray()];
        Assert.Equal(["created", "updated", "deleted", "restored"], items.Select(i => i.GetProperty("kind").GetString()));
        Assert.All(items, i => Assert.Equal("7", i.GetProperty("actor").GetString()));
        Assert.Equal("first", items[0].GetProperty("after").GetProperty("text").GetString());
        Assert.Equal("first", items[1].GetProperty("before").GetProperty("text").GetString());
        Assert.Equal("second", items[1].GetProperty("after").GetProperty("text").GetString());
        Assert.DoesNotContain("secret", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_of_several_parts_finds_its_history_whatever_is_in_them()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        Assert.Equal(201, (await editor.SendAsync("POST", "/api/seats", """{"row":"a,b%","number":1}""")).Status);
        Assert.Equal(200, (await editor.SendAsync("PATCH", "/api/seats/a%2Cb%25,1", """{"taken":true}""")).Status);
        Reply reply = await editor.SendAsync("GET", "/api/seats/a%2Cb%25,01/history");
        Assert.Equal(200, reply.Status);
        Assert.Equal(["created", "updated"],
            reply.Json.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task A_history_is_paged_by_position_and_takes_nothing_else()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient editor = await server.ClientAsync(RunningServer.Editor);
        await editor.SendAsync("POST", "/api/notes", """{"text":"0"}""");
        for (int i = 1; i < 5; i++) await editor.SendAsync("PATCH", "/api/notes/1", $$"""{"text":"{{i}}"}""");
        List<string?> texts = [];
        string? after = "0";
        while (after is not null)
        {
            Reply page = await editor.SendAsync("GET", $"/api/notes/1/history?limit=2&after={after}");
            using JsonDocument document = JsonDocument.Parse(page.Body);
            texts.AddRange(document.RootElement.GetProperty("items").EnumerateArray().Select(
                i => i.GetProperty("after").GetProperty("text").GetString()));
            after = document.RootElement.GetProperty("page").GetProperty("next").GetString();
        }
        Assert.Equal(["0", "1", "2", "3", "4"], texts);
        Assert.Contains("unknown_parameter", (await editor.SendAsync("GET", "/api/notes/1/history?sort=at")).Body,
            StringComparison.Ordinal);
        Assert.Contains("malformed_parameter", (await editor.SendAsync("GET", "/api/notes/1/history?limit=many")).Body,
            StringComparison.Ordinal);
        Assert.Contains("malformed_parameter", (await editor.SendAsync("GET", "/api/notes/1/history?limit=0")).Body,
            StringComparison.Ordinal);
        Assert.Equal(405, (await editor.SendAsync("POST", "/api/notes/1/history", "{}")).Status);
    }

    [Fact]
    public async Task A_history_goes_on_under_new_names_and_shows_no_value_under_the_name_of_another_field()
    {
        const string Allow = "@@allow(\"all\", true)";
        await using RunningServer server = await RunningServer.OpenAsync(
            $"model Doc {{ id Int @id  text String  pay Int? {Allow} }} model Other {{ id Int @id {Allow} }}");
        HttpClient client = await server.ClientAsync();
        await client.SendAsync("POST", "/api/docs", """{"id":1,"text":"a","pay":918273645}""");
        await ApplyAsync("model Paper { id Int @id  title String @renamedFrom(\"text\")  "
            + $"salary Int? @renamedFrom(\"pay\") @serverOnly  @@renamedFrom(\"Doc\") {Allow} }} model Other {{ id Int @id {Allow} }}");
        await client.SendAsync("PATCH", "/api/papers/1", """{"title":"b"}""");

        // The old names come back for something else.
        await ApplyAsync($"model Paper {{ id Int @id  title String  salary Int? @serverOnly  pay Int?  text String? {Allow} }} "
            + $"model Other {{ id Int @id {Allow} }} model Doc {{ id Int @id {Allow} }}");
        await client.SendAsync("POST", "/api/docs", """{"id":1}""");
        await client.SendAsync("PATCH", "/api/papers/1", """{"pay":7}""");

        Reply whole = await client.SendAsync("GET", "/api/papers/1/history");
        JsonElement[] items = [.. whole.Json.GetProperty("items").EnumerateArray()];
        Assert.Equal(["created", "updated", "updated"], items.Select(i => i.GetProperty("kind").GetString()));
        Assert.Equal("""{"id":1,"title":"a"}""", items[0].GetProperty("after").GetRawText());
        Assert.Equal("""{"title":"b"}""", items[1].GetProperty("after").GetRawText());
        Assert.Equal("""{"pay":7}""", items[2].GetProperty("after").GetRawText());
        Assert.DoesNotContain("918273645", whole.Body, StringComparison.Ordinal);

        List<string?> paged = [];
        for (string? after = "0"; after is not null;)
        {
            Reply page = await client.SendAsync("GET", $"/api/papers/1/history?limit=1&after={after}");
            paged.AddRange(page.Json.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("position").GetString()));
            after = page.Json.GetProperty("page").GetProperty("next").GetString();
        }
        Assert.Equal(items.Select(i => i.GetProperty("position").GetString()), paged);
        Assert.Single((await client.SendAsync("GET", "/api/docs/1/history")).Json.GetProperty("items").EnumerateArray());

        async Task ApplyAsync(string schema)
        {
            var applied = await server.Engine.ApplyAsync(Runtime.WriteFixture.Read(schema), CancellationToken.None);
            Assert.True(applied.IsOk, applied.Fault?.Message);
        }
    }
}
