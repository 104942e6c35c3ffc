using System.Collections.Concurrent;
using System.Globalization;
using Xunit.Sdk;

namespace Plinth.Cases;

/// <summary>
/// Mutation of meaning: a case whose schema says a little less must fail. What no case notices is an attribute, an argument or a
/// condition that the product could ignore and nobody would see. All of them in <c>./dev soak</c>, a sample in <c>./dev test</c>.
/// </summary>
public class MutationTests
{
    [Fact]
    public async Task A_case_notices_what_is_left_out_of_its_schema()
    {
        int seed = Counts.Seed();
        List<(string Path, CaseFile File, Mutant Mutant)> mutants = [];
        foreach (string path in RestCases.Kinds.SelectMany(Corpus.Paths))
        {
            CaseFile file = Corpus.Read(path);
            CaseSection schema = file.Get("schema");
            mutants.AddRange(Mutants.Of(schema.Content).Select(m => (path, file.With(schema, m.Schema), m)));
        }
        var sample = mutants.ToArray();
        new Random(seed).Shuffle(sample);
        sample = sample[..Math.Min(Counts.Of(test: 10, soak: int.MaxValue), sample.Length)];

        ConcurrentBag<string> survivors = [];
        await Parallel.ForEachAsync(sample, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (mutant, cancel) =>
        {
            if (!await IsNoticedAsync(mutant.File, cancel)) survivors.Add($"{mutant.Path}: without {mutant.Mutant.Dropped}");
        });
        string outcome = survivors.IsEmpty ? "no survivor" : string.Join("; ", survivors.Order(StringComparer.Ordinal));
        Counts.Report("mutants of the cases' schemas", sample.Length, seed, outcome);
        Assert.True(survivors.IsEmpty, string.Create(CultureInfo.InvariantCulture, $"seed {seed}, of {sample.Length} mutants nobody noticed:\n")
            + string.Join('\n', survivors.Order(StringComparer.Ordinal)));
    }

    static async Task<bool> IsNoticedAsync(CaseFile file, CancellationToken cancel)
    {
        try
        {
            await RestCases.PlayAsync(file, cancel);
            return false;
        }
        catch (XunitException)
        {
            return true;
        }
        catch (FormatException)
        {
            // A name that the story gives later was never given, since an earlier answer was another.
            return true;
        }
    }
}
