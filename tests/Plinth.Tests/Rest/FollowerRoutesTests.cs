using System.Collections.Concurrent;
using System.Text.Json;
using Plinth.Http;
using Plinth.Log;
using Plinth.Store;

namespace Plinth.Rest;

/// <summary>What an operator may tell what follows the log, and what is answered while something is counted for the first time.</summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public sealed class FollowerRoutesTests
{
    const string Token = "0123456789abcdef", Operator = $"Authorization: Bearer {Token}";

    static readonly FollowerOptions s_quick = new()
    {
        FailuresMax = 2, FirstPause = TimeSpan.FromMilliseconds(1), PauseMax = TimeSpan.FromMilliseconds(4),
        Lease = TimeSpan.FromMilliseconds(600),
    };

    static ServerOptions Served(ServerOptions options) => options with { Mode = ServerMode.Serve, OpsToken = Token };

    [Fact]
    public async Task A_parked_follower_goes_on_in_the_running_server_when_its_operator_says_so_and_nobody_else()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync(null, Served);
        HttpClient editor = await server.ClientAsync(RunningServer.Editor), closed = await server.ClientAsync(
            null, o => o with { Mode = ServerMode.Serve });
        ConcurrentQueue<long> seen = new();
        bool isPoison = true;
        FollowerWork work = new((events, _) =>
        {
            if (Volatile.Read(ref isPoison)) throw new InvalidDataException("poison");
            foreach (LogEvent happened in events) seen.Enqueue(happened.Position);
            return ValueTask.CompletedTask;
        }, null);
        await using DurableFollower follower = new(server.Engine.Store, "to: a/b", work, options: s_quick);
        const string Resume = "/followers/to%3A%20a%2Fb/resume", Behind = "/followers/to%3A%20a%2Fb/skip";
        await WriteAsync(editor);
        await ParkedAsync(server);
        foreach (string path in new[] { Resume, Behind })
        {
            Assert.Equal(404, (await closed.SendAsync("POST", path)).Status);
            Reply nobody = await client.SendAsync("POST", path), wrong = await client.SendAsync(
                "POST", path, null, "Authorization: Bearer 0123456789abcdee");
            Assert.Equal((401, 401), (nobody.Status, wrong.Status));
            Assert.NotNull(nobody.Header("WWW-Authenticate"));
        }
        Assert.Equal(405, (await client.SendAsync("GET", Resume, null, Operator)).Status);
        Assert.Equal(404, (await client.SendAsync("POST", "/followers/other/resume", null, Operator)).Status);
        Assert.Equal(404, (await client.SendAsync("POST", "/followers/%ff/resume", null, Operator)).Status);
        Assert.NotNull(RowOf(server).Error);

        // With the event that it failed over.
        Volatile.Write(ref isPoison, false);
        Assert.Equal(204, (await client.SendAsync("POST", Resume, null, Operator)).Status);
        await FollowerTests.UntilAsync(() => follower.Status.Position == server.Engine.Position);
        Assert.Equal([1L], seen);
        Assert.Equal(404, (await client.SendAsync("POST", Resume, null, Operator)).Status);

        // Behind it.
        Volatile.Write(ref isPoison, true);
        await WriteAsync(editor);
        await ParkedAsync(server);
        Volatile.Write(ref isPoison, false);
        Assert.Equal(204, (await client.SendAsync("POST", Behind, null, Operator)).Status);
        await WriteAsync(editor);
        await FollowerTests.UntilAsync(() => follower.Status.Position == server.Engine.Position);
        Assert.Equal([1L, 3L], seen);
    }

    /// <summary>Where the log begins and ends, for operators alone; and who is behind where it begins.</summary>
    [Fact]
    public async Task Operators_see_where_the_log_begins_and_who_has_not_had_what_came_before()
    {
        await using RunningServer server = await RunningServer.OpenAsync(
            open: static (options, clock) => TestDatabase.OpenInParts(options, clock, partEvents: 5));
        HttpClient client = await server.ClientAsync(null, Served), editor = await server.ClientAsync(RunningServer.Editor);
        HttpClient closed = await server.ClientAsync(null, o => o with { Mode = ServerMode.Serve });
        Assert.StartsWith(
            """{"head":"0","log":{"begin":null,"end":null},"followers":[""", await FollowersAsync(), StringComparison.Ordinal);
        using FollowerRun slow = server.Engine.Log.Run(
            "slow", 0, static (_, _) => throw new InvalidDataException("poison"), s_quick);
        using FollowerRun quick = server.Engine.Log.Run("quick", 0, static (_, _) => ValueTask.CompletedTask);
        for (int i = 0; i < 7; i++) await WriteAsync(editor);
        await FollowerTests.UntilAsync(() => slow.Status.State == FollowerState.Parked && quick.Status.Position == 7);
        JsonElement whole = await LogAsync();
        Assert.Equal(("1", "7"), (At(whole, "begin"), At(whole, "end")));
        Assert.DoesNotContain("lost", await FollowersAsync(), StringComparison.Ordinal);

        Assert.Equal(5, (await LogStart.MoveAsync(server.Engine.Store, 5, CancellationToken.None)).Value);
        JsonElement left = await LogAsync();
        Assert.Equal(("6", "7"), (At(left, "begin"), At(left, "end")));
        foreach (string place in new[] { "begin", "end" })
            Assert.InRange(left.GetProperty(place).GetProperty("at").GetDateTimeOffset(), DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow);
        string said = await FollowersAsync();
        Assert.Contains("\"parked\",\"position\":\"0\",\"behind\":7,\"lost\":5,\"failures\"", said, StringComparison.Ordinal);
        Assert.Contains("""quick","durable":false,"state":"running","position":"7","behind":0}""", said, StringComparison.Ordinal);

        Reply nobody = await client.SendAsync("GET", "/followers"), wrong = await client.SendAsync(
            "GET", "/followers", null, "Authorization: Bearer 0123456789abcdee");
        Assert.Equal((401, 401, 404), (nobody.Status, wrong.Status, (await closed.SendAsync("GET", "/followers")).Status));
        foreach (string body in new[] { nobody.Body, wrong.Body }) Assert.DoesNotContain("begin", body, StringComparison.Ordinal);

        async Task<string> FollowersAsync()
        {
            Reply reply = await client.SendAsync("GET", "/followers", null, Operator);
            Assert.Equal(200, reply.Status);
            return reply.Body;
        }

        async Task<JsonElement> LogAsync() => JsonDocument.Parse(await FollowersAsync()).RootElement.GetProperty("log");

        static string? At(JsonElement log, string place) => log.GetProperty(place).GetProperty("position").GetString();
    }

    [Fact]
    public async Task A_projection_is_told_to_be_rebuilt_instead_of_leaving_an_event_out()
    {
        await using RunningServer server = await RunningServer.OpenAsync();
        HttpClient client = await server.ClientAsync(null, Served);
        Reply refused = await client.SendAsync("POST", "/followers/projection%20Sales/skip", null, Operator);
        Assert.Equal((400, "malformed_parameter"), (refused.Status, refused.Code));
        Assert.Contains("rebuild", refused.Body, StringComparison.Ordinal);
        Assert.Equal(404, (await client.SendAsync("POST", "/followers/projection%20Sales/resume", null, Operator)).Status);
    }

    [Fact]
    public async Task A_projection_that_was_never_counted_is_503_until_it_has_been()
    {
        await using RunningServer server = await RunningServer.OpenAsync("""
            model Deal { id Int @id  stage String  @@allow("all", true) }
            projection ByStage from Deal { key stage  n Int = count()  @@allow("read", true) }
            """);
        HttpClient client = await server.ClientAsync();
        await CountedAsync(client);
        // As if nobody had come to count it yet.
        await server.Engine.Projections.DisposeAsync();
        await server.Engine.Store.Committer.RunAsync(new WriteAction<Plinth.Text.Done>(transaction =>
        {
            ProjectionStates.Put(transaction.Connection, "ByStage", new ProjectionState("", 0, 0));
            return Plinth.Text.Done.It;
        }), CancellationToken.None);
        server.Engine.Current.Built.Clear();
        Assert.Equal(201, (await client.SendAsync("POST", "/api/deals", """{"id":1,"stage":"won"}""")).Status);
        foreach (string path in new[] { "/api/by_stages", "/api/by_stages/won", "/api/by_stages/aggregate" })
        {
            Reply early = await client.SendAsync("GET", path);
            Assert.Equal((503, "not_ready", "1"), (early.Status, early.Code, early.Header("Retry-After")));
        }
        await server.Engine.Projections.ServeAsync(server.Engine.Current.Schema, server.Engine.Current.Version);
        await CountedAsync(client);
        Assert.Equal("""{"stage":"won","n":1}""", (await client.SendAsync("GET", "/api/by_stages/won")).Body);
    }

    static async Task CountedAsync(HttpClient client)
    {
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(60));
        while ((await client.SendAsync("GET", "/api/by_stages")).Status != 200) await Task.Delay(10, bound.Token);
    }

    static async Task WriteAsync(HttpClient editor) =>
        Assert.Equal(201, (await editor.SendAsync("POST", "/api/notes", """{"text":"x"}""")).Status);

    static Task ParkedAsync(RunningServer server) => FollowerTests.UntilAsync(() => RowOf(server).Error is not null);

    static FollowerRow RowOf(RunningServer server)
    {
        using Connection reader = server.Engine.Store.Database.OpenReader();
        return FollowerTable.All(reader).Single(static row => row.Name == "to: a/b");
    }
}
