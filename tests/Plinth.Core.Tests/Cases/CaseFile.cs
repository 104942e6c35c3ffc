using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Plinth.Cases;

/// <summary>
/// One case: a title line (<c># what must hold</c>), then sections that open with <c>-- name arguments --</c>. A section's content
/// starts on its own line or on the following ones, and ends at the next heading. Order matters: a case reads as a story.
/// </summary>
sealed partial record CaseFile(string Path, string Title, ImmutableArray<CaseSection> Sections)
{
    /// <exception cref="FormatException">The text is no case; the message names the line.</exception>
    public static CaseFile Parse(string path, string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        if (!lines[0].StartsWith("# ", StringComparison.Ordinal))
            throw new FormatException($"{path}:1: a case opens with '# what must hold'");
        var sections = ImmutableArray.CreateBuilder<CaseSection>();
        int next = 1;
        // Further lines of the title are remarks.
        while (next < lines.Length && (lines[next].StartsWith('#') || lines[next].Length == 0)) next++;
        while (next < lines.Length)
        {
            if (Heading().Match(lines[next]) is not { Success: true } heading)
                throw new FormatException($"{path}:{next + 1}: a section opens with '-- name --'");
            int line = next + 1;
            StringBuilder content = new(heading.Groups["rest"].Value);
            for (next++; next < lines.Length && !Heading().IsMatch(lines[next]); next++)
            {
                if (content.Length > 0 || next > line) content.Append('\n');
                content.Append(lines[next]);
            }
            sections.Add(new(heading.Groups["name"].Value, heading.Groups["arguments"].Value.Trim(), content.ToString().Trim('\n'), line));
        }
        if (sections.Count == 0) throw new FormatException($"{path}: a case without sections");
        return new(path, lines[0][2..].Trim(), sections.ToImmutable()) { Remarks = Remark(lines) };
    }

    /// <summary>Title and remarks as they stand in the file.</summary>
    public required string Remarks { get; init; }

    public CaseSection? Find(string name) => Sections.FirstOrDefault(s => s.Is(name));

    public IEnumerable<CaseSection> All(string name) => Sections.Where(s => s.Is(name));

    /// <exception cref="FormatException">The section is missing.</exception>
    public CaseSection Get(string name) =>
        Find(name) ?? throw new FormatException($"{Path}: no section '-- {name} --'");

    /// <exception cref="FormatException">A section that this kind of case does not know: nothing in a case is read and not acted
    /// on.</exception>
    public void AllowOnly(params ReadOnlySpan<string> names)
    {
        foreach (CaseSection section in Sections)
        {
            if (names.Contains(section.Name)) continue;
            string known = string.Join(", ", names);
            throw new FormatException($"{Path}:{section.Line}: this kind of case has no section '-- {section.Name} --' (it has: {known})");
        }
    }

    public CaseFile With(CaseSection old, string content) => this with { Sections = Sections.Replace(old, old with { Content = content }) };

    /// <summary>The file's text: short sections on one line, as they were.</summary>
    public string Write()
    {
        StringBuilder text = new(Remarks);
        foreach (CaseSection section in Sections)
        {
            string heading = section.Arguments.Length == 0 ? $"-- {section.Name} --" : $"-- {section.Name} {section.Arguments} --";
            bool short_ = section.Content.Length <= 100 && !section.Content.Contains('\n', StringComparison.Ordinal);
            text.Append(heading).Append(section.Content.Length == 0 ? "" : short_ ? " " : "\n").Append(section.Content).Append('\n');
        }
        return text.ToString();
    }

    static string Remark(string[] lines) =>
        string.Concat(lines.TakeWhile(l => l.StartsWith('#') || l.Length == 0).Select(l => l + "\n"));

    [GeneratedRegex("^-- (?<name>[a-z]+)(?<arguments>( [^ ]+)*) --[ ]*(?<rest>.*)$")]
    private static partial Regex Heading();
}

/// <param name="Line">1-based, of the heading.</param>
sealed record CaseSection(string Name, string Arguments, string Content, int Line)
{
    public bool Is(string name) => string.Equals(Name, name, StringComparison.Ordinal);

    /// <summary>Lines that are not empty and no remark.</summary>
    public IEnumerable<string> Lines => Content.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && !l.StartsWith('#'));
}
