using System.Collections.Concurrent;
using System.Globalization;
using Xunit.Sdk;

namespace Plinth.Cases;

/// <summary>
/// Mutation of meaning inside the plan: a condition is left out where a plan takes the caller's rules from, for one operation at one place
/// only, while the rest of the product keeps it. The mutants of what the cases ask for run whole in <c>./dev soak</c>, as a sample in
/// <c>./dev test</c>.
/// </summary>
public class PlanMutationTests
{
    /// <summary>Here each mutant must be noticed by its own case: they are about rules, and about nothing else.</summary>
    static readonly string[] s_strict = ["cases/policy/", "cases/rest/rules/"];

    static readonly ParallelOptions s_parallel = new() { MaxDegreeOfParallelism = 2 };

    [Fact]
    public async Task Leaving_a_condition_out_of_one_place_of_a_plan_is_noticed()
    {
        int seed = Counts.Seed();
        string[] paths = [.. RestCases.Kinds.SelectMany(Corpus.Paths)];
        new Random(seed).Shuffle(paths);
        paths = paths[..Math.Min(Counts.Of(test: 12, soak: int.MaxValue), paths.Length)];
        ConcurrentBag<(string Path, PlanMutant Mutant, bool IsNoticed)> played = [];
        await Parallel.ForEachAsync(paths, s_parallel, async (path, cancel) =>
        {
            foreach (PlanMutant mutant in await MutantsAsync(path, cancel))
                played.Add((path, mutant, await IsNoticedAsync(path, mutant, cancel)));
        });
        string[] survivors =
        [
            .. played.Where(p => !p.IsNoticed && s_strict.Any(folder => p.Path.StartsWith(folder, StringComparison.Ordinal)))
                .Select(p => $"{p.Path}: without {p.Mutant.Dropped}"),
            .. Counts.Soak ? Anywhere(played) : [],
        ];
        Array.Sort(survivors, StringComparer.Ordinal);
        Counts.Report("mutants of plans", played.Count, seed,
            survivors.Length == 0 ? "no survivor" : "survivors: " + string.Join("; ", survivors));
        Assert.True(survivors.Length == 0, string.Create(CultureInfo.InvariantCulture,
            $"seed {seed}: {survivors.Length} of {played.Count} mutants are not noticed:\n{string.Join('\n', survivors)}"));
    }

    /// <summary>Kinds of conditions whose loss no case notices.</summary>
    static IEnumerable<string> Anywhere(IEnumerable<(string Path, PlanMutant Mutant, bool IsNoticed)> played) =>
        played.GroupBy(p => p.Mutant.Construct).Where(kind => !kind.Any(p => p.IsNoticed)).Select(kind => "anywhere: " + kind.Key);

    /// <summary>One condition less for each operation that the case's plans ask the rules of.</summary>
    static async Task<List<PlanMutant>> MutantsAsync(string path, CancellationToken cancel)
    {
        PlanTampering none = new(null);
        await RestCases.PlayAsync(Corpus.Read(path), cancel, none.Install);
        return [.. none.Asked().SelectMany(asked => PlanMutant.Of(asked.Model, asked.Place, asked.Operation))];
    }

    static async Task<bool> IsNoticedAsync(string path, PlanMutant mutant, CancellationToken cancel)
    {
        try
        {
            await RestCases.PlayAsync(Corpus.Read(path), cancel, new PlanTampering(mutant).Install);
            return false;
        }
        catch (Exception e) when (e is XunitException or FormatException)
        {
            return true;
        }
    }
}
