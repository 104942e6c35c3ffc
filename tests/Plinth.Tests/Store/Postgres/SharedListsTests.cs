using System.Text;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Text;

namespace Plinth.Store.Postgres;

/// <summary>Lists and relations from the record caches of several nodes: of one moment, and of the database's.</summary>
public class SharedListsTests
{
    const int Nodes = 3;

    public static TheoryData<int> Seeds()
    {
        int first = Counts.Seed();
        return [.. Enumerable.Range(0, Counts.Of(test: 1, soak: 60)).Select(i => unchecked(first + i))];
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Whichever_node_writes_the_lists_of_each_are_those_of_the_database(int seed)
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, ChildListTests.Schema);
        List<Engine> engines = [];
        for (int i = 0; i < Nodes; i++) engines.Add(await nodes.StartAsync());
        Random random = new(seed);
        const int commands = 140;
        for (int i = 0; i < commands; i++)
        {
            Command command = ChildListTests.Draw(random, i);
            Result<WriteReply> result = await engines[random.Next(Nodes)].WriteAsync(Caller.System, command, CancellationToken.None);
            if (result.IsOk) result.Value.Dispose();
            if (i < 40) continue;
            // Without waiting for the others to hear of it.
            string told = $"seed {seed}, command {i}: {command.Kind} {command.Model} {string.Join(',', command.Key)} "
                + $"{Encoding.UTF8.GetString(command.Body.Span)} {command.Filter}";
            foreach (Engine engine in engines) await CompareAsync(engine, ChildListTests.Lists[i % ChildListTests.Lists.Length], told);
        }
        Assert.All(engines, engine => Assert.True(engine.Cache.Lists > commands, $"seed {seed}: {engine.Cache.Lists} lists were used"));
    }

    [Fact]
    public async Task Readers_of_each_node_see_one_moment_and_never_one_before_what_any_node_has_acknowledged()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, ChildListTests.Schema);
        List<Engine> engines = [];
        for (int i = 0; i < Nodes; i++) engines.Add(await nodes.StartAsync());
        int rounds = Counts.Of(100, 5000);
        await ChildListTests.MoveAndReadAsync(engines, rounds);
        long hits = engines.Sum(static engine => engine.Cache.Hits);
        Assert.True(hits > rounds, $"{hits} records were at hand: too few to tell");
    }

    [Fact]
    public async Task A_list_whose_records_are_at_hand_is_one_statement_whatever_it_includes()
    {
        await using PostgresNodes nodes = new(PostgresCluster.Shared, ChildListTests.Schema);
        Engine engine = await nodes.StartAsync();
        for (int i = 0; i < 60; i++)
        {
            Result<WriteReply> made =
                await engine.WriteAsync(Caller.System, ChildListTests.Draw(new Random(i), Math.Min(i, 39)), CancellationToken.None);
            if (made.IsOk) made.Value.Dispose();
        }
        ReadRequest list = ChildListTests.Lists[0];
        using CancellationTokenSource enough = new(TimeSpan.FromSeconds(60));
        while (true)
        {
            using ReadReply reply = await ChildListTests.Read(engine, list, Caller.System);
            if (reply.Timings.Statements == 1) return;
            enough.Token.ThrowIfCancellationRequested();
        }
    }

    static async Task CompareAsync(Engine engine, ReadRequest list, string told)
    {
        foreach (Caller caller in ChildListTests.Callers)
        {
            string expected = await ChildListTests.Json(engine, ChildListTests.FromRows(engine.Current.Schema, list), caller);
            for (int again = 0; again < 2; again++)
            {
                string answer = await ChildListTests.Json(engine, list, caller);
                Assert.True(expected == answer, $"{told}: {list.Model} for {caller.Subject}\n{expected}\n{answer}");
            }
        }
    }
}
