using System.Globalization;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>
/// Random schemas with rules of rows and fields, random rows, callers, reads and writes: the engine, which folds rules and pushes them into
/// statements, answers as the interpreter, which asks every rule of every row. What differs is shown with its seed.
/// </summary>
[Trait(TestDatabase.Trait, TestDatabase.Each)]
public class Engine_and_interpreter_agree
{
    // To make a schema's tables takes a server as long as hundreds of answers.
    static readonly int s_questionsPerWorld = TestDatabase.IsPostgres ? Counts.Of(test: 1000, soak: 2500) : 250;

    readonly Dictionary<string, int> _outcomes = [];

    /// <summary>On the database of the run: another dialect is another line of <see cref="TestDatabase"/>.</summary>
    [Fact]
    public async Task Whoever_asks_whatever()
    {
        string name = TestDatabase.IsPostgres ? "PostgreSQL" : "embedded";
        int seed = Counts.Seed(), cases = Counts.Of(test: 10_000, soak: 1_000_000);
        await Counts.InRunsAsync(seed, cases / s_questionsPerWorld, AskAllAsync);
        string outcomes = string.Join(", ", _outcomes.OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => $"{o.Key} {o.Value}"));
        Counts.Report($"questions to the engine and to an interpreter, {name}", cases, seed, outcomes);
        AssertDistribution(cases, seed, outcomes);
    }

    async Task AskAllAsync(int seed)
    {
        Random random = new(seed);
        await using PolicyWorld world = await PolicyWorld.OpenAsync(random, TestDatabase.Open);
        PolicyQuestions questions = new(world, random);
        for (int i = 0; i < s_questionsPerWorld; i++)
        {
            string? difference = await questions.AskAsync();
            Assert.True(difference is null, string.Create(CultureInfo.InvariantCulture,
                $"seed {seed}, case {i}: {difference}\n{world.Policy.Schema}"));
        }
        lock (_outcomes)
        {
            foreach (var (kind, count) in questions.Outcomes) _outcomes[kind] = _outcomes.GetValueOrDefault(kind) + count;
        }
    }

    /// <summary>Each kind of question is answered, refused and answered in part; nothing is tested by silence.</summary>
    void AssertDistribution(int cases, int seed, string outcomes)
    {
        foreach (string kind in new[] { "list", "get", "aggregate", "update", "create", "delete" })
        {
            int all = _outcomes.Where(o => o.Key.StartsWith(kind, StringComparison.Ordinal)).Sum(o => o.Value);
            int good = _outcomes.GetValueOrDefault(kind + " ok");
            Assert.True(all > cases / 20, $"seed {seed}: few of '{kind}': {outcomes}");
            Assert.True(good > all / 40 && good < all, $"seed {seed}: '{kind}' is always or never answered: {outcomes}");
        }
        int hidden = _outcomes.GetValueOrDefault("rows hidden"), shown = _outcomes.GetValueOrDefault("rows shown");
        Assert.True(hidden > shown / 4 && shown > hidden / 4, $"seed {seed}: {outcomes}");
        int deep = _outcomes.Where(o => o.Key.EndsWith(Faults.MalformedFilter.Code, StringComparison.Ordinal)).Sum(o => o.Value);
        Assert.True(deep < cases / 100, $"seed {seed}: {deep} filters were not lowered: {outcomes}");
        Assert.True(_outcomes.GetValueOrDefault("fields masked") > cases / 20, $"seed {seed}: {outcomes}");
    }
}
