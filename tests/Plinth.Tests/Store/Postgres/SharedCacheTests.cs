using System.Globalization;
using System.Text;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>The record cache of several nodes over one database.</summary>
public class SharedCacheTests
{
    const int Nodes = 3;
    const int Clients = 6;
    const int Rounds = 60;

    [Fact]
    public async Task Nobody_reads_on_any_node_what_is_older_than_their_own_acknowledged_write()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        List<Engine> engines = [];
        for (int i = 0; i < Nodes; i++) engines.Add(await nodes.StartAsync());

        await Task.WhenAll(Enumerable.Range(1, Clients).Select(client => WriteAndReadAsync(engines, client)));

        // They were answered from memory, and yet never with what was old.
        Assert.All(engines, static engine => Assert.InRange(engine.Cache.Hits, Rounds, long.MaxValue));
    }

    [Fact]
    public async Task A_write_of_another_node_is_seen_without_being_asked_for_by_position()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared);
        Engine writer = await nodes.StartAsync(), reader = await nodes.StartAsync();
        await WriteAsync(writer, CommandKind.Create, """{"id":1,"text":"0"}""", key: null);
        for (int i = 1; i <= 10; i++)
        {
            await WriteAsync(writer, CommandKind.Update, $$"""{"text":"{{i}}"}""", "1");
            using CancellationTokenSource enough = new(TimeSpan.FromSeconds(20));
            while (await ReadAsync(reader, "1") != i) await Task.Delay(1, enough.Token);
        }
    }

    [Fact]
    public async Task A_cache_that_is_switched_off_keeps_nothing()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared) { CacheBytes = 0 };
        Engine engine = await nodes.StartAsync();
        await WriteAsync(engine, CommandKind.Create, """{"id":1,"text":"7"}""", key: null);
        for (int i = 0; i < 5; i++) Assert.Equal(7, await ReadAsync(engine, "1"));
        Assert.Equal(0, engine.Cache.Hits + engine.Cache.Records);
    }

    /// <summary>A client changes a record of its own by any node, and reads it by all of them.</summary>
    static async Task WriteAndReadAsync(List<Engine> engines, int client)
    {
        Random random = new(client);
        string key = client.ToString(CultureInfo.InvariantCulture);
        await WriteAsync(engines[0], CommandKind.Create, $$"""{"id":{{client}},"text":"0"}""", key: null);
        for (int round = 1; round <= Rounds; round++)
        {
            Engine writer = engines[random.Next(Nodes)];
            long position = await WriteAsync(writer, CommandKind.Update, $$"""{"text":"{{round}}"}""", key);
            Assert.Equal(round, await ReadAsync(writer, key));
            foreach (Engine reader in engines)
            {
                // What Plinth-Min-Position asks of a node.
                while (reader.Position < position) await Task.Delay(1);
                for (int again = 0; again < 4; again++) Assert.Equal(round, await ReadAsync(reader, key));
            }
        }
    }

    static async Task<long> WriteAsync(Engine engine, CommandKind kind, string body, string? key)
    {
        Command command = new() { Model = "Note", Kind = kind, Body = Encoding.UTF8.GetBytes(body), Key = key is null ? [] : [key] };
        Result<WriteReply> reply = await engine.WriteAsync(Caller.System, command, CancellationToken.None);
        Assert.True(reply.IsOk, reply.Fault?.Message);
        using WriteReply written = reply.Value;
        return written.Position;
    }

    static async Task<int> ReadAsync(Engine engine, string key)
    {
        ReadRequest request = new() { Model = "Note", Kind = ReadKind.Get, Key = [key] };
        string note = await PostgresNodes.AnswerAsync(engine, request);
        return int.Parse(note.Split("\"text\":\"")[1].Split('"')[0], CultureInfo.InvariantCulture);
    }
}
