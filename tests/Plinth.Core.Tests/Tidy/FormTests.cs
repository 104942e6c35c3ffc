using System.Text.RegularExpressions;
using Plinth.Cases;

namespace Plinth.Tidy;

/// <summary>The form of the sources: what a reviewer should not have to say.</summary>
public partial class FormTests
{
    const int LineMax = 140, FileMax = 600;

    [Fact]
    public void No_line_is_longer_than_140_characters() => None(
        from file in Sources.CSharp
        from line in Code(file)
        where line.Text.Length > LineMax
        select $"{file}:{line.Number}: {line.Text.Length} characters");

    /// <summary>The lines of a file, but for those of raw string literals: they are data, in the form that it has elsewhere.</summary>
    static IEnumerable<(int Number, string Text)> Code(string file)
    {
        bool inside = false;
        int number = 0;
        foreach (string line in Sources.Lines(file))
        {
            number++;
            int quotes = RawQuotes().Count(line);
            if (!inside && quotes == 0) yield return (number, line);
            if (quotes % 2 == 1) inside = !inside;
        }
    }

    [Fact]
    public void Lines_end_plainly() => None(
        from file in Sources.CSharp
        let text = Sources.Text(file)
        where text.Contains('\r', StringComparison.Ordinal) || text.Contains('\t', StringComparison.Ordinal)
            || !text.EndsWith('\n') || text.EndsWith("\n\n", StringComparison.Ordinal) || TrailingSpace().IsMatch(text)
        select $"{file}: a tab, a carriage return, a space before a line's end, or not exactly one line end at the end of the file");

    [Fact]
    public void No_file_is_longer_than_600_lines_but_those_of_the_ratchet() => None(
        Ratchet.Read("file", FileMax).Complaints(Sources.CSharp.Select(f => (f, Sources.Lines(f).Length - 1))));

    [Fact]
    public void A_ratchet_lets_sizes_go_down_only()
    {
        Ratchet ratchet = Ratchet.Parse("file", 10, ["# note", "file a 20", "file b 20", "file c 20", "file d 20", "function e 99"]);
        Assert.Equal(
            ["file a grew from 20 to 21 lines (limit 10)", "file b shrank to 19 lines: say so in ratchet.txt",
                "file d is within 10 lines now: remove it from ratchet.txt", "file e has 11 lines (limit 10)"],
            ratchet.Complaints([("a", 21), ("b", 19), ("c", 20), ("d", 10), ("e", 11), ("f", 10)]));
    }

    [Fact]
    public void Nothing_is_left_undone_or_switched_off() => None(
        from file in Sources.CSharp.Concat(Sources.Under("cases")).Append("dev").Append("plinth")
        where !file.EndsWith("Tidy/FormTests.cs", StringComparison.Ordinal)
        from line in Sources.Lines(file).Select((text, index) => (text, index))
        where Undone().IsMatch(line.text)
        select $"{file}:{line.index + 1}: {line.text.Trim()}");

    [Fact]
    public void A_file_is_named_after_what_it_holds() => None(
        from file in Sources.CSharp
        let name = Path.GetFileName(file).Split('.')[0]
        where name is not ("Program" or "GlobalUsings" or "AssemblyInfo")
        let stem = Regex.Escape(name.EndsWith("ies", StringComparison.Ordinal) ? name[..^3] : name.TrimEnd('s'))
        where !Regex.IsMatch(Sources.Text(file), $@"\b(class|struct|record|interface|enum|delegate \S+) \w*{stem}")
        select $"{file}: holds no type named {name}");

    [Fact]
    public void A_namespace_is_the_folder() => None(
        from file in Sources.Under("src").Where(f => f.EndsWith(".cs", StringComparison.Ordinal))
        let folders = Path.GetDirectoryName(file)!.Replace('\\', '/').Split('/')
        let expected = string.Join('.', folders[1] == "Plinth.Cli" ? ["Plinth", "Cli", .. folders[2..]] : folders[2..].Prepend("Plinth"))
        let declared = Namespace().Match(Sources.Text(file))
        where declared.Success && declared.Groups[1].Value != expected
        select $"{file}: is in {declared.Groups[1].Value}, its folder says {expected}");

    [Fact]
    public void Every_folder_of_cases_has_its_runner()
    {
        string[] known = ["language", "expressions", "policy", "plan", "evolution", "rest"];
        string cases = Path.Combine(Corpus.Root, "cases");
        IEnumerable<string> kinds = Directory.EnumerateDirectories(cases).Select(d => Path.GetFileName(d)!);
        None([.. kinds.Except(known).Select(kind => $"cases/{kind}: no runner"),
            .. Sources.Under("cases").Where(f => !f.EndsWith(".case", StringComparison.Ordinal) && !IsRecorded(f))
                .Select(f => $"{f}: no runner reads it")]);
    }

    /// <summary>Data that somebody else recorded, with the program that brings it into our form; ConformanceTests reads it.</summary>
    static bool IsRecorded(string file) => file.StartsWith("cases/expressions/conformance/", StringComparison.Ordinal)
        // The list that ConstructsTests holds against the cases.
        || file == "cases/language/constructs.tsv";

    static void None(IEnumerable<string> wrong)
    {
        string[] all = [.. wrong];
        Assert.True(all.Length == 0, string.Join('\n', all));
    }

    [GeneratedRegex("\"{3,}")]
    private static partial Regex RawQuotes();

    [GeneratedRegex(@"[ ]\n")]
    private static partial Regex TrailingSpace();

    [GeneratedRegex(@"\b(TODO|HACK|FIXME)\b|\bSkip\s*=|NotImplementedException|#region|#pragma warning disable(?!.*//)|#nullable dis")]
    private static partial Regex Undone();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
