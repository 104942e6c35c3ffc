using System.Globalization;

namespace Plinth;

/// <summary>
/// How much a test does: its count in <c>./dev test</c>, or its full count in <c>./dev soak</c>. The one place that knows which
/// of the two runs.
/// </summary>
static class Counts
{
    /// <summary>True in <c>./dev soak</c>.</summary>
    public static readonly bool Soak = Environment.GetEnvironmentVariable("PLINTH_SOAK") == "1";

    public static int Of(int test, int soak) => Soak ? soak : test;

    /// <summary>
    /// The seed of a random test: that of <c>PLINTH_SEED</c>; else a new one in <c>./dev soak</c>, which looks for what nobody has
    /// seen, and always the same in <c>./dev test</c>, whose verdict on a change must not depend on luck. It belongs into every
    /// message of the test that uses it.
    /// </summary>
    public static int Seed()
    {
        string? given = Environment.GetEnvironmentVariable("PLINTH_SEED");
        if (given is not null) return int.Parse(given, CultureInfo.InvariantCulture);
        return Soak ? Random.Shared.Next() : SeedOfTests;
    }

    const int SeedOfTests = 20261121;

    /// <summary>
    /// A long random test as many short runs, each with a seed of its own: several go at a time, and one that fails is made again alone,
    /// since the seed that its message names is that of the first run when <c>PLINTH_SEED</c> gives it.
    /// </summary>
    public static Task InRunsAsync(int seed, int runs, Func<int, Task> run) =>
        Parallel.ForEachAsync(Enumerable.Range(0, runs), s_together, async (number, _) => await run(unchecked(seed + number)));

    static readonly ParallelOptions s_together = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    /// <summary>
    /// One line of the soak report: what ran, how often, with which seed, and what came of it. In <c>./dev test</c> it goes to the
    /// test's own output only.
    /// </summary>
    public static void Report(string what, int count, int seed, string outcome)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"- {what}: {count} runs, seed {seed}: {outcome}");
        Console.WriteLine(line);
        if (!Soak || Environment.GetEnvironmentVariable("PLINTH_SOAK_REPORT") is not { } path) return;
        lock (s_reportLock) File.AppendAllText(path, line + "\n");
    }

    static readonly Lock s_reportLock = new();
}
