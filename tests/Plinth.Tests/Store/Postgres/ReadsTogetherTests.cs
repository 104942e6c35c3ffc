using System.Globalization;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Requests for single records that are asked of the server together.</summary>
public class ReadsTogetherTests
{
    const int Notes = 40;

    const string Owned = """
        auth { id String  role String }
        model Note { id Int @id  owner String  text String @length(max: 5000)  @@allow("read", owner == auth.id || auth.role == "admin") }
        """;

    [Fact]
    public async Task Callers_who_ask_at_once_share_statements_and_see_each_what_is_theirs()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Owned);
        Engine engine = await nodes.StartAsync();
        for (int i = 1; i <= Notes; i++)
        {
            // Of very different lengths, up to cells that no first guess of a buffer holds.
            string note = $$"""{"id":{{i}},"owner":"{{Owner(i)}}","text":"{{new string('x', i * i * 3)}}"}""";
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, note));
        }

        Caller[] callers = [WriteFixture.As("ann"), WriteFixture.As("bob"), WriteFixture.As("eve", role: "admin"), Caller.Anonymous()];
        long before = engine.Store.Database.StatementsRun;
        List<Task<(int Note, Caller Caller, string? Text)>> asked = [];
        for (int i = 1; i <= Notes; i++)
        {
            foreach (Caller caller in callers) asked.Add(AskAsync(engine, caller, i));
        }

        var answers = await Task.WhenAll(asked);
        Assert.InRange(engine.Store.Database.StatementsRun - before, 2, answers.Length / 2);
        foreach (var (note, caller, text) in answers)
        {
            bool isTheirs = ReferenceEquals(caller, callers[2]) || (ReferenceEquals(caller, callers[0]) && note % 2 == 0)
                || (ReferenceEquals(caller, callers[1]) && note % 2 == 1);
            string shown = $$"""{"id":{{note}},"owner":"{{Owner(note)}}","text":"{{new string('x', note * note * 3)}}"}""";
            Assert.Equal(isTheirs ? shown : null, text);
        }
    }

    static string Owner(int note) => note % 2 == 0 ? "ann" : "bob";

    static async Task<(int Note, Caller Caller, string? Text)> AskAsync(Engine engine, Caller caller, int note)
    {
        await Task.Yield();
        ReadRequest request = new() { Model = "Note", Kind = ReadKind.Get, Key = [note.ToString(CultureInfo.InvariantCulture)] };
        Result<ReadReply> reply = await engine.ReadAsync(caller, request, CancellationToken.None);
        if (!reply.IsOk) return (note, caller, null);
        using ReadReply read = reply.Value;
        return (note, caller, System.Text.Encoding.UTF8.GetString(read.Body.Written));
    }
}
