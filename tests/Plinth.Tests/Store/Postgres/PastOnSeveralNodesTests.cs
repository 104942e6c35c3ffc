using System.Globalization;
using System.Text.Json.Nodes;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Records as they were where several nodes write and remember.</summary>
public class PastOnSeveralNodesTests
{
    const string Cards = """model Card { id Int @id  text String  note String? @pii  @@softDelete  @@allow("all, purge", true) }""";

    [Fact]
    public async Task A_record_of_then_is_one_way_to_the_server()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Cards);
        Engine engine = await nodes.StartAsync();
        await DoAsync(engine, CommandKind.Create, """{"id":1,"text":"a"}""");
        long then = engine.Position;
        await DoAsync(engine, CommandKind.Update, """{"text":"b"}""", "1");
        for (int i = 0; i < 2; i++)
        {
            foreach (string id in new[] { "1", "9" })
            {
                Snapshot snapshot = engine.Current;
                PlannedRead read = snapshot.Reads.Plan(Caller.System, Get(id, Text(then)), engine.Now).Value;
                PastRecordProgram program = snapshot.Program(read.Plan).Value.Past!.ByRecord!;
                using ReadLease lease = await engine.Store.Database.ReadAsync(CancellationToken.None);
                using ByteOutput output = new();
                PastRecordRun run = new(
                    program, read, snapshot, engine.Store, engine.Limits,
                    Policies.Context(Caller.System, engine.Now, engine.Limits) with { Slots = read.Values }, cache: null);
                Assert.True(await run.TryWriteAsync(lease.Connection, _ => null, engine.Position, output, CancellationToken.None));
                Assert.Equal(id == "1", run.Fault is null);
                // The first asks what the model was called.
                if (i > 0) Assert.Equal(1, lease.Connection.WaysTaken);
            }
        }
    }

    [Fact]
    public async Task What_others_change_erase_and_purge_is_remembered_no_more()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Cards);
        Engine one = await nodes.StartAsync(), two = await nodes.StartAsync();
        for (int id = 1; id <= 3; id++)
            await DoAsync(one, CommandKind.Create, $$"""{"id":{{id}},"text":"a","note":"private"}""");
        long then = one.Position;
        for (int id = 1; id <= 3; id++) await DoAsync(one, CommandKind.Update, """{"text":"b"}""", Text(id));
        for (int id = 1; id <= 3; id++)
        {
            for (int i = 0; i < 2; i++) Assert.Equal("a private", await AskAsync(one, Text(id), then));
        }
        await DoAsync(two, CommandKind.Update, """{"text":"c"}""", "1");
        await CaughtUpAsync(one, two);
        // A moment that is known to one node before what leads to it is known to the other.
        long later = two.Position;
        await DoAsync(two, CommandKind.Update, """{"text":"d"}""", "1");
        Assert.Equal("c private", await AskAsync(one, "1", later));
        Assert.Equal("d private", await AskAsync(one, "1", two.Position));
        Assert.Equal("a private", await AskAsync(one, "1", then));

        Assert.True((await two.EraseAsync(Caller.System, "Card", ["1"], scrubs: false, CancellationToken.None)).IsOk);
        await DoAsync(two, CommandKind.Delete, "", "2");
        await DoAsync(two, CommandKind.Purge, "", "2");
        await CaughtUpAsync(one, two);
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal("a ", await AskAsync(one, "1", then));
            Assert.Null(await AskAsync(one, "2", then));
            Assert.Equal("a private", await AskAsync(one, "3", then));
        }
    }

    [Fact]
    public async Task What_another_node_s_retention_takes_is_not_answered_from_memory_for_long()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Cards);
        Engine one = await nodes.StartAsync(), two = await nodes.StartAsync();
        await DoAsync(one, CommandKind.Create, """{"id":1,"text":"a"}""");
        long then = one.Position;
        await DoAsync(one, CommandKind.Update, """{"text":"b"}""", "1");
        for (int i = 0; i < 2; i++) Assert.Equal("a ", await AskAsync(one, "1", then));
        Assert.True((await LogCut.RunAsync(two.Store, one.Position, null, CancellationToken.None)).IsOk);
        Fault? refused = null;
        for (int i = 0; i < 600 && refused is null; i++)
        {
            await Task.Delay(100);
            refused = (await one.ReadAsync(Caller.System, Get("1", Text(then)), CancellationToken.None)).Fault;
        }
        Assert.Equal("as_of_too_old", refused?.Code);
    }

    /// <summary>What one node has committed the other has seen.</summary>
    static async Task CaughtUpAsync(Engine one, Engine two)
    {
        for (int i = 0; i < 6000 && one.Position < two.Position; i++) await Task.Delay(10);
        Assert.True(one.Position >= two.Position);
    }

    static ReadRequest Get(string id, string? asOf) => new() { Model = "Card", Kind = ReadKind.Get, Key = [id], AsOf = asOf };

    static async Task<string?> AskAsync(Engine engine, string id, long then)
    {
        var result = await engine.ReadAsync(Caller.System, Get(id, Text(then)), CancellationToken.None);
        if (result.Fault is { } fault)
        {
            Assert.Equal("not_found", fault.Code);
            return null;
        }
        using ReadReply reply = result.Value;
        JsonNode card = JsonNode.Parse(reply.Body.Written)!;
        return $"{card["text"]!.GetValue<string>()} {card["note"]?.GetValue<string>()}";
    }

    static async Task DoAsync(Engine engine, CommandKind kind, string body, string? key = null) =>
        Assert.Null(await PostgresNodes.WriteAsync(engine, kind, body, key, "Card"));

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
