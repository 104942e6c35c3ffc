using System.Globalization;
using System.Text;
using Npgsql;
using Plinth.Hosting;
using Plinth.Http;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Reads by a streaming standby.</summary>
public class ReplicaTests
{
    static readonly Freshness s_new = default;
    static readonly Freshness s_old = new(TimeSpan.FromMinutes(10), 0);

    static readonly ReadRequest[] s_requests =
    [
        new() { Model = "Note", Kind = ReadKind.Get, Key = ["1"] },
        new() { Model = "Note", Kind = ReadKind.List, Limit = 5, Count = CountMode.Exact },
    ];

    [Fact]
    public async Task A_read_that_may_be_old_is_answered_by_a_standby_and_is_never_older_than_it_may_be()
    {
        int first = SwitchedPort.Free(), second = SwitchedPort.Free();
        using PostgresCluster primary = PostgresCluster.Start(Listening(first));
        using PostgresCluster standby = PostgresCluster.Follow(first, Listening(second));
        string copy = PostgresCluster.UrlAt(second);
        await using PostgresNodes nodes = new(PostgresCluster.UrlAt(first)) { Copy = copy, CacheBytes = 0 };
        Engine engine = await nodes.StartAsync();
        Replica replica = Assert.Single(engine.Copies);
        long before = await WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"old"}""");
        await UntilAsync(() => replica.IsUp && replica.Position >= before);
        await OfReplicaAsync(engine, s_old, Text("old"));
        await OfPrimaryAsync(engine, s_new, Text("old"));

        // It stands still from here on: nobody has to hurry.
        Ask(copy, "select pg_wal_replay_pause()");
        await UntilAsync(() => Ask(copy, "select pg_get_wal_replay_pause_state()") is "paused");
        long after = await WriteAsync(engine, CommandKind.Update, """{"text":"new"}""", "1");
        await OfReplicaAsync(engine, s_old, Text("old"));
        await OfPrimaryAsync(engine, s_old with { Position = after }, Text("new"));
        await OfPrimaryAsync(engine, new(TimeSpan.Zero, 0), Text("new"));
        await UntilAsync(() => engine.Log.Ends.AgeOf(before) > TimeSpan.FromMilliseconds(700));
        await OfPrimaryAsync(engine, new(TimeSpan.FromMilliseconds(700), 0), Text("new"));

        Ask(copy, "select pg_wal_replay_resume()");
        await UntilAsync(() => replica.Position >= after);
        await OfReplicaAsync(engine, s_old with { Position = after }, Text("new"));
    }

    [Fact]
    public async Task A_standby_that_is_stopped_is_left_out_until_it_is_back_and_one_that_is_promoted_for_good()
    {
        int first = SwitchedPort.Free(), second = SwitchedPort.Free();
        using PostgresCluster primary = PostgresCluster.Start(Listening(first));
        using PostgresCluster standby = PostgresCluster.Follow(first, Listening(second));
        await using PostgresNodes nodes = new(PostgresCluster.UrlAt(first)) { Copy = PostgresCluster.UrlAt(second), CacheBytes = 0 };
        Engine engine = await nodes.StartAsync();
        Replica replica = Assert.Single(engine.Copies);
        long position = await WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"0"}""");
        await UntilAsync(() => replica.IsUp && replica.Position >= position);
        await OfReplicaAsync(engine, s_old, Text("0"));

        standby.Stop("immediate");
        // Whoever is the first to ask it is answered all the same.
        await OfPrimaryAsync(engine, s_old, Text("0"));
        await UntilAsync(() => !replica.IsUp);
        position = await WriteAsync(engine, CommandKind.Update, """{"text":"1"}""", "1");
        await OfPrimaryAsync(engine, s_old, Text("1"));

        standby.Begin();
        await UntilAsync(() => replica.IsUp && replica.Position >= position);
        await OfReplicaAsync(engine, s_old, Text("1"));

        standby.Promote();
        await UntilAsync(() => !replica.IsUp);
        await WriteAsync(engine, CommandKind.Update, """{"text":"2"}""", "1");
        await OfPrimaryAsync(engine, s_old, Text("2"));
    }

    [Fact]
    public async Task A_copy_that_answers_but_follows_nobody_is_not_believed()
    {
        // The server itself, which a standby's address may lead to after a failover.
        string url = PostgresCluster.Shared.Url(options: "&connect_timeout=5");
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { Copy = url, CacheBytes = 0 };
        Engine engine = await nodes.StartAsync();
        Replica replica = Assert.Single(engine.Copies);
        await WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"0"}""");
        await UntilAsync(() => replica.Position >= 1);
        await OfPrimaryAsync(engine, s_old, Text("0"));
        Assert.False(replica.IsUp);

        // The operator sees it, and no password.
        ServerOptions server = new() { Mode = ServerMode.Dev, Port = 0, Version = "test" };
        using MetricsPage page = new(server);
        using ReplicaReport report = new(engine, server);
        using ByteOutput metrics = new();
        page.Write(metrics);
        string written = Encoding.UTF8.GetString(metrics.Written);
        foreach (string name in new[] { "up", "behind", "answers_total", "refusals_total" })
            Assert.Contains($"plinth_replica_{name}{{replica=\"{replica.Name}\"}} 0\n", written, StringComparison.Ordinal);
        Assert.Equal(PostgresServer.Of(url, "tests").Shown, replica.Name);
    }

    static string Text(string text) => $"\"text\":\"{text}\"";

    static string Listening(int port) =>
        string.Create(CultureInfo.InvariantCulture, $"fsync=off -c listen_addresses=127.0.0.1 -c port={port}");

    static string? Ask(string url, string sql)
    {
        using TempFolder folder = new();
        using NpgsqlDataSource source = PostgresServer.Of(url, "tests").Writers(new() { Folder = folder.Path });
        using NpgsqlCommand command = source.CreateCommand(sql);
        return command.ExecuteScalar() as string;
    }

    static async Task OfReplicaAsync(Engine engine, Freshness fresh, string text)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        foreach (ReadRequest request in s_requests)
        {
            // On a busy machine a look may have taken so long that the standby is left out for the moment.
            while (!await IsOfReplicaAsync(engine, request, fresh, text)) await Task.Delay(10, enough.Token);
        }
    }

    static async Task OfPrimaryAsync(Engine engine, Freshness fresh, string text)
    {
        foreach (ReadRequest request in s_requests)
        {
            Assert.False(await IsOfReplicaAsync(engine, request, fresh, null));
            (string body, _) = await ReadAsync(engine, request, fresh);
            Assert.Contains(text, body, StringComparison.Ordinal);
        }
    }

    /// <summary>Whether it was the standby that answered: then the answer holds the text.</summary>
    static async Task<bool> IsOfReplicaAsync(Engine engine, ReadRequest request, Freshness fresh, string? text)
    {
        long answers = engine.Copies[0].Answers;
        (string body, long position) = await ReadAsync(engine, request, fresh);
        Assert.True(position >= fresh.Position);
        bool isOfReplica = engine.Copies[0].Answers > answers;
        if (isOfReplica && text is not null) Assert.Contains(text, body, StringComparison.Ordinal);
        return isOfReplica;
    }

    static async Task<(string Body, long Position)> ReadAsync(Engine engine, ReadRequest request, Freshness fresh)
    {
        Result<ReadReply> reply = await engine.ReadAsync(Caller.System, request, CancellationToken.None, fresh);
        Assert.True(reply.IsOk, reply.Fault?.Message);
        using ReadReply read = reply.Value;
        return (Encoding.UTF8.GetString(read.Body.Written), read.Position);
    }

    static async Task<long> WriteAsync(Engine engine, CommandKind kind, string body, string? key = null)
    {
        Command command = new() { Model = "Note", Kind = kind, Body = Encoding.UTF8.GetBytes(body), Key = key is null ? [] : [key] };
        Result<WriteReply> reply = await engine.WriteAsync(Caller.System, command, CancellationToken.None);
        Assert.True(reply.IsOk, reply.Fault?.Message);
        using WriteReply written = reply.Value;
        return written.Position;
    }

    static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (!isSo()) await Task.Delay(10, enough.Token);
    }
}
