using System.Text.RegularExpressions;
using Plinth.Cases;

namespace Plinth.Tests.Docs;

/// <summary>Every trap of <c>docs/reference/traps.md</c> has a test, down to the method where one is named.</summary>
public sealed partial class TrapsTests
{
    [Fact]
    public void Every_trap_names_a_test_that_exists()
    {
        Dictionary<string, HashSet<string>> members = [];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Corpus.Root, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            string text = File.ReadAllText(file);
            string[] methods = [.. Method().Matches(text).Select(static m => m.Groups[1].Value)];
            foreach (Match found in Class().Matches(text))
            {
                if (!members.TryGetValue(found.Groups[1].Value, out HashSet<string>? known)) members.Add(found.Groups[1].Value, known = []);
                known.UnionWith(methods);
            }
        }
        int traps = 0;
        List<string> missing = [];
        foreach (string line in File.ReadLines(Path.Combine(Corpus.Root, "docs", "reference", "traps.md")))
        {
            if (!line.StartsWith('|') || line.StartsWith("| ---", StringComparison.Ordinal)
                || line.StartsWith("| trap", StringComparison.Ordinal)) continue;
            traps++;
            string[] names = [.. Quoted().Matches(line.TrimEnd('|', ' ').Split('|')[^1]).Select(static m => m.Groups[1].Value)];
            if (names.Length == 0) missing.Add("no test: " + line);
            missing.AddRange(names.Where(n => !Exists(n)).Select(static n => n + " does not exist"));
        }
        Assert.True(traps > 50, $"{traps} traps were read");
        Assert.Empty(missing);

        bool Exists(string name)
        {
            if (name.StartsWith("cases/", StringComparison.Ordinal)) return Path.Exists(Path.Combine(Corpus.Root, name));
            string[] parts = name.Split('.');
            return members.TryGetValue(parts[0], out HashSet<string>? methods) && (parts.Length == 1 || methods.Contains(parts[1]));
        }
    }

    [GeneratedRegex(@"\bclass ([A-Za-z_]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Class();

    [GeneratedRegex(@"\bpublic (?:static |async )*(?:void|Task) (\w+)\(", RegexOptions.CultureInvariant)]
    private static partial Regex Method();

    [GeneratedRegex("`([^`]+)`", RegexOptions.CultureInvariant)]
    private static partial Regex Quoted();
}
