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
}
