using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Creates of records whose keys were made for them: the server does not look for such a key before it takes the row.</summary>
public class NewKeyTests
{
    const string Models = """model Note { id Uuid @id @default(uuid7())  text String  @@allow("all", true) }""";
    const string Given = "0190a000-0000-7000-8000-000000000001";

    [Fact]
    public async Task Made_keys_and_given_ones_go_by_a_statement_for_each_kind_and_a_taken_one_is_refused_alone()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Models);
        Engine engine = await nodes.StartAsync();
        Assert.Null((await TogetherAsync(engine, Note(0, Given)))[0]);

        string?[] codes = await TogetherAsync(
            engine, [Note(1), Note(2, Given), Note(3, Given[..^1] + "2"), .. Enumerable.Range(4, 20).Select(static i => Note(i))]);
        Assert.Equal(["conflict"], codes.OfType<string>());
        Assert.Equal("conflict", codes[1]);
        RequireSound(engine, 1 + codes.Length - 1);
    }

    [Fact]
    public async Task A_bulk_of_made_and_given_keys_is_there_whole_or_says_which_of_them_is_taken()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Models);
        Engine engine = await nodes.StartAsync();
        Result<WriteReply> made = await BulkAsync(engine, [.. Enumerable.Range(0, 100).Select(static i => Note(i))]);
        Assert.True(made.IsOk, made.Fault?.Message);
        Result<WriteReply> mixed = await BulkAsync(engine, Note(100), Note(101, Given), Note(102));
        Assert.True(mixed.IsOk, mixed.Fault?.Message);
        Result<WriteReply> taken = await BulkAsync(engine, Note(103), Note(104), Note(105, Given));
        Assert.Equal("conflict", taken.Fault?.Code);
        Assert.StartsWith("[2]", taken.Fault?.Details[0].Field, StringComparison.Ordinal);
        RequireSound(engine, 103);
        foreach (Result<WriteReply> reply in (Result<WriteReply>[])[made, mixed]) reply.Value.Dispose();
    }

    static Task<Result<WriteReply>> BulkAsync(Engine engine, params string[] notes) =>
        engine.BulkCreateAsync(Caller.System, "Note", EachAsync(notes), null, CancellationToken.None);

    static async IAsyncEnumerable<ReadOnlyMemory<byte>> EachAsync(
        string[] notes, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        foreach (string note in notes)
        {
            cancel.ThrowIfCancellationRequested();
            await Task.CompletedTask;
            yield return Encoding.UTF8.GetBytes(note);
        }
    }

    /// <summary>Creates that go as one group; the code of each that was refused.</summary>
    static async Task<string?[]> TogetherAsync(Engine engine, params string[] notes)
    {
        Task<Fault?>[] running;
        await using (await HeldLane.HoldAsync(engine.Store.Committer))
        {
            running = [.. notes.Select(note => PostgresNodes.WriteAsync(engine, CommandKind.Create, note))];
            using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
            while (engine.Store.Committer.Waiting < notes.Length) await Task.Delay(1, enough.Token);
        }

        return [.. (await Task.WhenAll(running)).Select(static fault => fault?.Code)];
    }

    static void RequireSound(Engine engine, int notes)
    {
        Assert.Null(engine.Store.Verify(CancellationToken.None).Wrong);
        Assert.Empty(engine.Store.Replay(engine.Current.Schema, null, CancellationToken.None).Differences);
        using Connection reader = engine.Store.Database.OpenReader();
        Assert.Equal(notes, reader.ScalarInt64("select count(*) from notes"));
    }

    static string Note(int number, string? id = null)
    {
        string text = number.ToString(CultureInfo.InvariantCulture);
        return id is null ? $$"""{"text":"{{text}}"}""" : $$"""{"id":"{{id}}","text":"{{text}}"}""";
    }
}
