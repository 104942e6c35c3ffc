namespace Plinth.Cases;

/// <summary>What is expected, held in a file. <c>./dev accept</c> rewrites it; nothing else does, and CI never.</summary>
static class Golden
{
    public static readonly bool Accepts = Environment.GetEnvironmentVariable("PLINTH_ACCEPT") == "1" && !IsTrue("CI");

    /// <summary>Compares a section with what came, or takes what came. Returns the case as it then is.</summary>
    public static CaseFile Holds(CaseFile file, CaseSection section, string actual)
    {
        actual = actual.Trim('\n');
        if (string.Equals(section.Content, actual, StringComparison.Ordinal)) return file;
        if (!Accepts)
        {
            Assert.Fail($"{file.Path}:{section.Line}: -- {section.Name} {section.Arguments} --\nexpected:\n{section.Content}\n"
                + $"actual:\n{actual}\n{FirstDifference(section.Content, actual)}");
        }
        return Accept(file, section, actual);
    }

    public static CaseFile Accept(CaseFile file, CaseSection section, string content)
    {
        if (!Accepts) throw new InvalidOperationException("goldens are written by ./dev accept only");
        CaseFile changed = file.With(section, content);
        File.WriteAllText(Path.Combine(Corpus.Root, file.Path), changed.Write());
        return changed;
    }

    /// <summary>A whole file as a golden: <c>api.txt</c> and its like.</summary>
    public static void FileHolds(string path, string actual)
    {
        string full = Path.Combine(Corpus.Root, path);
        string expected = File.Exists(full) ? File.ReadAllText(full) : "";
        if (string.Equals(expected, actual, StringComparison.Ordinal)) return;
        if (!Accepts) Assert.Fail($"{path} is stale; './dev accept' rewrites it.\n{FirstDifference(expected, actual)}");
        File.WriteAllText(full, actual);
    }

    static string FirstDifference(string expected, string actual)
    {
        string[] old = expected.Split('\n'), now = actual.Split('\n');
        int line = old.Zip(now).TakeWhile(p => string.Equals(p.First, p.Second, StringComparison.Ordinal)).Count();
        return $"first difference in line {line + 1}:\n  expected: {At(old, line)}\n  actual:   {At(now, line)}";

        static string At(string[] lines, int index) => index < lines.Length ? lines[index] : "(the end)";
    }

    static bool IsTrue(string variable) => Environment.GetEnvironmentVariable(variable) is "true" or "1";
}
