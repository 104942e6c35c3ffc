using System.Globalization;
using System.Text.RegularExpressions;
using Plinth.Cases;
using Plinth.Cli.Schemas;
using Plinth.Language.Cstack;
using Plinth.Language.Yaml;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// <c>cases/language/constructs.tsv</c> lists what files of CrateStack and Alyx may say. Each construct has a case in which it stands, and
/// loads with a meaning that the case shows, or is refused at its place with the code that the list says.
/// </summary>
public partial class ConstructsTests
{
    sealed record Construct(string Notation, string Part, string Name, string Case, string Place, string Outcome)
    {
        public static Construct Of(string line)
        {
            string[] parts = line.Split('\t');
            Assert.Equal(6, parts.Length);
            return new Construct(parts[0], parts[1], parts[2], "cases/language/" + parts[3], Regex.Unescape(parts[4]), parts[5]);
        }
    }

    static readonly Construct[] s_all = [.. File.ReadAllLines(Path.Combine(Corpus.Root, "cases/language/constructs.tsv"))
        .Where(l => !l.StartsWith('#')).Select(Construct.Of)];

    [Fact]
    public void Every_construct_loads_with_a_meaning_or_is_refused_at_its_place()
    {
        List<string> wrong = [];
        foreach (var group in s_all.GroupBy(c => c.Case))
        {
            CaseFile file = Corpus.Read(group.Key);
            SourceText[] sources = [.. file.All("schema").Select(s => new SourceText(s.Arguments, s.Content))];
            SchemaReading reading = SchemaReader.Read(sources, Limits.Default, YamlEvents.Of);
            bool hasMeaning = file.Find("json") is not null || file.Find("fmt") is not null;
            foreach (Construct construct in group)
            {
                if (Problem(construct, sources[0], reading, hasMeaning) is { } problem)
                    wrong.Add($"{construct.Notation}, {construct.Part}, {construct.Name} ({construct.Case}): {problem}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    static string? Problem(Construct construct, SourceText source, SchemaReading reading, bool hasMeaning)
    {
        int at = source.Text.IndexOf(construct.Place, StringComparison.Ordinal);
        if (at < 0) return $"'{construct.Place}' does not stand there";
        if (construct.Outcome == "loads")
            return reading.Schema is null ? "the case does not load" : hasMeaning ? null : "the case does not show what it means";
        int first = LineOf(source.Text, at), last = LineOf(source.Text, at + construct.Place.TrimEnd().Length);
        string[] found = [.. reading.Diagnostics.Where(d => LineOf(d) is var line && line >= first && line <= last).Select(d => d.Code)];
        return found.Contains(construct.Outcome) ? null : $"{construct.Outcome} is not among: {string.Join(' ', found)}";
    }

    static int LineOf(string text, int at) => text.AsSpan(0, at).Count('\n') + 1;

    static int LineOf(Diagnostic finding) =>
        int.Parse(Line().Match($"{finding.Place}").Groups[1].Value, CultureInfo.InvariantCulture);

    /// <summary>What the readers know is what the list has: a word that is added to one of them needs its line.</summary>
    [Fact]
    public void The_list_names_every_word_that_the_readers_know()
    {
        string[] cstack = [.. s_all.Where(c => c.Notation == "cstack").Select(c => c.Place)];
        string[] yaml = [.. s_all.Where(c => c is { Notation: "yaml", Part: "types", Outcome: "loads" }).Select(c => c.Name)];
        var words = CstackAliases.All.Select(a => a.Written).Concat(CstackAliases.Refused.Keys)
            .Concat(CstackAliases.Providers.Where(p => p != "sqlite"));
        Assert.Empty(words.Where(w => !cstack.Any(p => p.Contains(w, StringComparison.Ordinal))).Except(["none"]));
        Assert.Equal(YamlTypes.Words.Order(StringComparer.Ordinal), yaml.Order(StringComparer.Ordinal));
        Assert.Equal(17, yaml.Length);
    }

    [Fact]
    public void Every_case_of_these_notations_is_in_the_list()
    {
        string[] cases = [.. ((IEnumerable<object[]>)Corpus.Of("language")).Select(c => (string)c[0])
            .Where(c => c.StartsWith("cases/language/cstack/", StringComparison.Ordinal))];
        // Cases about mistakes in a construct that another case shows.
        string[] others = ["cstack/datasource-mistakes.case", "cstack/mixin-mistakes.case"];
        Assert.Empty(cases.Except(s_all.Select(c => c.Case)).Except(others.Select(o => "cases/language/" + o)));
    }

    [GeneratedRegex(@":([0-9]+):[0-9]+$")]
    private static partial Regex Line();
}
