using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Plinth.Cases;
using Plinth.Language;
using Plinth.Text;

namespace Plinth.Tidy;

/// <summary>The documents that have a form, and the lists that must be complete.</summary>
public partial class WordsTests
{
    [Fact]
    public void The_changelog_has_the_form_of_keep_a_changelog()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Corpus.Root, "CHANGELOG.md"));
        Assert.Equal("# Changelog", lines[0]);
        string[] headings = [.. lines.Where(l => l.StartsWith("## ", StringComparison.Ordinal))];
        Assert.Equal("## [Unreleased]", headings[0]);
        Assert.All(headings[1..], h => Assert.Matches(@"^## \[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$", h));
        string[] kinds = ["### Added", "### Changed", "### Deprecated", "### Removed", "### Fixed", "### Security"];
        Assert.All(lines.Where(l => l.StartsWith("### ", StringComparison.Ordinal)), kind => Assert.Contains(kind, kinds));
    }

    [Fact]
    public void A_decision_is_short_and_says_what_was_rejected()
    {
        string[] files = [.. Sources.Under("docs/decisions")];
        Assert.NotEmpty(files);
        for (int i = 0; i < files.Length; i++)
        {
            string name = Path.GetFileName(files[i]);
            Assert.Matches(@"^\d{4}-[a-z0-9-]+\.md$", name);
            string number = (i + 1).ToString("0000", CultureInfo.InvariantCulture);
            Assert.True(name.StartsWith(number, StringComparison.Ordinal), $"{files[i]}: decisions are numbered without gaps");
            string text = Sources.Text(files[i]);
            Assert.True(text.Split('\n').Length <= 61, $"{files[i]}: at most 60 lines");
            Assert.StartsWith($"# {name[..4]}: ", text, StringComparison.Ordinal);
            string[] parts = [.. Heading().Matches(text).Select(m => m.Groups[1].Value)];
            Assert.Equal(["Context", "Decision", "Consequences", "Rejected"], parts);
        }
    }

    [Fact]
    public void Every_fault_code_is_provoked_by_a_case_or_a_test()
    {
        string[] cases = [.. Sources.Under("cases").Select(Sources.Text)], tests = [.. Tests.Select(Sources.Text)];
        List<string> missing = [];
        foreach (FaultCode code in Faults.All)
        {
            string member = typeof(Faults).GetFields().First(f => ReferenceEquals(f.GetValue(null), code)).Name;
            Regex reply = new($@"^-- reply \d+ {code.Code} --", RegexOptions.Multiline | RegexOptions.CultureInvariant);
            Regex named = new($@"\bFaults\.{member}\b|""{code.Code}\\?""", RegexOptions.CultureInvariant);
            if (!cases.Any(reply.IsMatch) && !tests.Any(named.IsMatch)) missing.Add(code.Code);
        }
        Assert.True(missing.Count == 0, "no case and no test provokes: " + string.Join(", ", missing));
    }

    [Fact]
    public void Every_attribute_of_the_language_acts_in_a_case()
    {
        string[] cases = [.. Sources.Under("cases/rest").Concat(Sources.Under("cases/evolution")).Select(Sources.Text)];
        string[] missing = [.. Attributes.All.Where(a => a.IsAvailable).Select(a => a.Name).Where(name =>
            !cases.Any(text => Regex.IsMatch(text, $"(?<!@){name}(?![A-Za-z0-9])")))];
        Assert.True(missing.Length == 0, "no case shows what it does: " + string.Join(", ", missing));
    }

    [Fact]
    public void Every_code_of_the_language_is_provoked_by_a_case_or_a_test()
    {
        string[] cases = [.. Sources.Under("cases/language").Select(Sources.Text)], tests = [.. Tests.Select(Sources.Text)];
        var codes = typeof(Codes).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => (f.Name, Code: (string)f.GetValue(null)!));
        string[] missing = [.. codes.Where(c => !cases.Any(t => Regex.IsMatch(t, $@"(error|warning) {c.Code}: "))
            && !tests.Any(t => Regex.IsMatch(t, $@"\bCodes\.{c.Name}\b|""{c.Code}"""))).Select(c => c.Code)];
        Assert.True(missing.Length == 0, "no case and no test provokes: " + string.Join(", ", missing));
    }

    [Fact]
    public void The_list_of_faults_is_complete_and_each_code_is_its_name()
    {
        var declared = typeof(Faults).GetFields().Where(f => f.FieldType == typeof(FaultCode))
            .Select(f => (f.Name, Code: (FaultCode)f.GetValue(null)!)).ToList();
        Assert.Equal(declared.Select(d => d.Code), Faults.All);
        Assert.All(declared, d => Assert.Equal(Names.SnakeCase(d.Name), d.Code.Code));
    }

    static IEnumerable<string> Tests => Sources.Under("tests").Where(f => f.EndsWith(".cs", StringComparison.Ordinal)
        && !f.EndsWith("Tidy/WordsTests.cs", StringComparison.Ordinal));

    [GeneratedRegex(@"^## (\w+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
