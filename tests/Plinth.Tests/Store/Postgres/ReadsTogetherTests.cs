using System.Globalization;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Requests that are asked of the server together.</summary>
public class ReadsTogetherTests
{
    const int Notes = 40;

    const string Owned = """
        auth { id String  role String }
        model Note { id Int @id  owner String  text String @length(max: 5000)  @@allow("read", owner == auth.id || auth.role == "admin") }
        """;

    const string Priced = """
        auth { id String  role String }
        model Note {
          id Int @id  owner String  price Decimal(8, 2)  at DateTime  text String @length(max: 5000)
          @@allow("read", owner == auth.id || auth.role == "admin")
        }
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Lists_that_would_wait_for_a_connection_share_statements_and_each_is_its_own(bool isCached)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, Priced)
        {
            CacheBytes = isCached ? Limits.Default.CacheBytes : 0,
            SlowMs = 600_000,
        };
        Engine engine = await nodes.StartAsync();
        for (int i = 1; i <= Notes; i++)
        {
            string note = $$"""
                {"id":{{i}},"owner":"{{Owner(i)}}","price":"{{i}}.50","at":"2026-01-01T00:{{i:d2}}:00Z","text":"{{new string('x', i * 9)}}"}
                """;
            Assert.Null(await PostgresNodes.WriteAsync(engine, CommandKind.Create, note));
        }

        Caller[] callers = [WriteFixture.As("ann"), WriteFixture.As("bob"), WriteFixture.As("eve", role: "admin"), WriteFixture.As("zoe")];
        (Caller Caller, int After)[] wanted =
            [.. callers.SelectMany(static caller => Enumerable.Range(0, Notes).Select(after => (caller, after)))];
        List<string> expected = [];
        for (int again = 0; again < 2; again++)
        {
            expected.Clear();
            foreach (var (caller, after) in wanted) expected.Add(await ListAsync(engine, caller, after));
        }

        // What the log asks, and records that the cache has not been told of yet, count too: on a busy machine not every time has few.
        await SharedAsync(engine, wanted.Length / 2, async () =>
        {
            Task<string>[] asked;
            using (nodes.Hold("lock table notes in access exclusive mode"))
                asked = [.. wanted.Select(one => ListAsync(engine, one.Caller, one.After))];
            Assert.Equal(expected, await Task.WhenAll(asked));
        });
    }

    /// <summary>Asks until it has taken few statements once: never, if each took its own.</summary>
    internal static async Task SharedAsync(Engine engine, int statementsMax, Func<Task> ask)
    {
        long began = TimeProvider.System.GetTimestamp(), ran;
        do
        {
            long before = engine.Store.Database.StatementsRun;
            await ask();
            ran = engine.Store.Database.StatementsRun - before;
        }
        while (ran > statementsMax && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(60));
        Assert.InRange(ran, 1, statementsMax);
    }

    /// <summary>The items of a list, and whether it goes on.</summary>
    static async Task<string> ListAsync(Engine engine, Caller caller, int after)
    {
        string filter = string.Create(CultureInfo.InvariantCulture,
            $"""id > {after} && price > decimal("{after % 5}.25") && at >= timestamp("2026-01-01T00:{after % 7:d2}:00Z")""");
        ReadRequest request = new() { Model = "Note", Kind = ReadKind.List, Filter = filter, Limit = 7 };
        Result<ReadReply> reply = await engine.ReadAsync(caller, request, CancellationToken.None);
        Assert.True(reply.IsOk, reply.Fault?.Message);
        using ReadReply read = reply.Value;
        string json = System.Text.Encoding.UTF8.GetString(read.Body.Written);
        return json[..json.IndexOf("],\"page\"", StringComparison.Ordinal)] + json.Contains("\"next\":null", StringComparison.Ordinal);
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
