using System.Collections.Concurrent;
using System.Globalization;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;
using Xunit.Sdk;

namespace Plinth.Cases;

/// <summary>
/// Mutation of meaning: a case whose schema says a little less must fail. What no case notices is an attribute, an argument or a
/// condition that the product could ignore and nobody would see. The mutants of
/// cases about one construct run whole in <c>./dev soak</c>, as a sample in <c>./dev test</c>.
/// </summary>
public class MutationTests
{
    /// <summary>Here a schema says nothing that the case is not about: each mutant must be noticed by its own case.</summary>
    static readonly string[] s_strict = ["cases/rest/attributes/", "cases/rest/rules/", "cases/policy/"];

    static readonly ParallelOptions s_parallel = new() { MaxDegreeOfParallelism = 2 };

    [Fact]
    public async Task A_case_about_a_construct_notices_when_it_is_left_out()
    {
        int seed = Counts.Seed();
        MutatedCase[] sample = [.. AllMutants().Where(m => m.IsStrict)];
        new Random(seed).Shuffle(sample);
        sample = sample[..Math.Min(Counts.Of(test: 40, soak: int.MaxValue), sample.Length)];
        string[] survivors = [.. (await SurvivorsAsync(sample)).Select(m => m.Name).Order(StringComparer.Ordinal)];
        Counts.Report("mutants of schemas, each by its case", sample.Length, seed, Outcome(survivors));
        Assert.True(survivors.Length == 0,
            string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {survivors.Length} of {sample.Length} "
            + $"mutants are not noticed:\n{string.Join('\n', survivors)}"));
    }

    [Fact]
    public async Task Every_construct_of_the_corpus_is_noticed_by_some_case_when_it_is_left_out()
    {
        MutatedCase[] all = [.. AllMutants()];
        ConcurrentBag<string> survivors = [];
        await Parallel.ForEachAsync(all.GroupBy(m => m.Mutant.Construct), s_parallel, async (construct, cancel) =>
        {
            foreach (MutatedCase mutant in construct)
            {
                if (await IsNoticedAsync(mutant.File, cancel)) return;
            }
            survivors.Add(construct.Key);
        });
        string[] names = [.. survivors.Order(StringComparer.Ordinal)];
        Counts.Report("constructs of schemas, each by some case", all.Length, seed: 0, Outcome(names));
        Assert.True(names.Length == 0, "no case notices that these are left out:\n" + string.Join('\n', names));
    }

    static string Outcome(string[] survivors) => survivors.Length == 0 ? "no survivor" : "survivors: " + string.Join("; ", survivors);

    /// <summary>Mutants of the last schema of each story, but for those that read as the same model.</summary>
    static IEnumerable<MutatedCase> AllMutants()
    {
        foreach (string path in RestCases.Kinds.SelectMany(Corpus.Paths))
        {
            CaseFile file = Corpus.Read(path);
            CaseSection schema = file.All("schema").Last();
            byte[]? meaning = Meaning(schema.Content);
            foreach (Mutant mutant in Mutants.Of(schema.Content))
            {
                if (Meaning(mutant.Schema) is { } left && left.AsSpan().SequenceEqual(meaning)) continue;
                yield return new(path, file.With(schema, mutant.Schema), mutant);
            }
        }
    }

    static byte[]? Meaning(string schema) =>
        SchemaReader.Read([new SourceText("schema.plinth", schema)]).Schema is { } read ? SchemaJson.Write(read) : null;

    static async Task<List<MutatedCase>> SurvivorsAsync(MutatedCase[] mutants)
    {
        ConcurrentBag<MutatedCase> survivors = [];
        await Parallel.ForEachAsync(mutants, s_parallel, async (mutant, cancel) =>
        {
            if (!await IsNoticedAsync(mutant.File, cancel)) survivors.Add(mutant);
        });
        return [.. survivors];
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

    sealed record MutatedCase(string Path, CaseFile File, Mutant Mutant)
    {
        public bool IsStrict => s_strict.Any(folder => Path.StartsWith(folder, StringComparison.Ordinal));

        public string Name => $"{Path}: without {Mutant.Dropped}";
    }
}
