using System.Text.RegularExpressions;
using Plinth.Cases;

namespace Plinth.Tests.Docs;

/// <summary>A feature without a proof is not listed: every proof that <c>docs/status.md</c> names exists.</summary>
public sealed partial class StatusTests
{
    [Fact]
    public void Every_proof_that_the_status_names_exists()
    {
        HashSet<string> classes = [.. Directory.EnumerateFiles(Path.Combine(Corpus.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(File.ReadLines).Select(l => ClassName().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value)];
        List<string> missing = [];
        int rows = 0;
        foreach (string line in File.ReadLines(Path.Combine(Corpus.Root, "docs", "status.md")))
        {
            if (!line.StartsWith('|') || line.StartsWith("| ---", StringComparison.Ordinal)
                || line.StartsWith("| feature", StringComparison.Ordinal)) continue;
            rows++;
            string proofs = line.TrimEnd('|', ' ').Split('|')[^1];
            string[] names = [.. Quoted().Matches(proofs).Select(m => m.Groups[1].Value)];
            if (names.Length == 0) missing.Add("no proof: " + line);
            missing.AddRange(names.Where(n => !Exists(n)).Select(n => n + " does not exist"));
        }
        Assert.True(rows > 30, $"{rows} rows were read");
        Assert.Empty(missing);

        bool Exists(string name) => name.StartsWith("cases/", StringComparison.Ordinal)
            ? Path.Exists(Path.Combine(Corpus.Root, name))
            : classes.Contains(name);
    }

    [GeneratedRegex(@"\bclass ([A-Za-z_]+)", RegexOptions.CultureInvariant)]
    private static partial Regex ClassName();

    [GeneratedRegex("`([^`]+)`", RegexOptions.CultureInvariant)]
    private static partial Regex Quoted();
}
