using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Plinth.Text;

namespace Plinth.Language.Importing;

/// <summary>One thing that a foreign schema says and the imported one does not, or says differently.</summary>
/// <param name="Path">Where it stands in the foreign schema: <c>Post.author</c>, <c>#/components/schemas/Post</c>.</param>
sealed record ImportNote(string Path, string Message);

/// <param name="Text">Native text that reads without errors; null when the foreign schema could not be read.</param>
/// <param name="Notes">What was not carried, or carried differently, in the order of the foreign schema.</param>
/// <param name="Diagnostics">Why it could not be read.</param>
sealed record Imported(string? Text, ImmutableArray<ImportNote> Notes, ImmutableArray<Diagnostic> Diagnostics);

/// <summary>
/// A foreign schema on its way: lines of native text, each a member that can be left out without the others. What the binder refuses is
/// left out with its reason, so that the result is read without errors whatever the foreign schema was.
/// </summary>
sealed partial class ImportedSchema(Limits limits)
{
    const int RoundsMax = 50;

    readonly List<Line> _lines = [];
    readonly List<ImportNote> _notes = [];
    readonly HashSet<ImportNote> _noted = [];

    /// <param name="Path">Set on what may be left out.</param>
    sealed record Line(string Text, string? Path, string? Doc);

    public int Blocks { get; private set; }

    public void Note(string path, string message)
    {
        ImportNote note = new(path, message);
        if (_noted.Add(note)) _notes.Add(note);
    }

    public void Open(string head, string? doc)
    {
        Blocks++;
        _lines.Add(new Line(head + " {", null, doc));
    }

    /// <summary>A block that is one line.</summary>
    public void Single(string line, string path, string? doc)
    {
        Blocks++;
        _lines.Add(new Line(line, path, doc));
    }

    public void Close() => _lines.Add(new Line("}", null, null));

    /// <summary>A member of the block that is open.</summary>
    public void Member(string text, string path, string? doc = null) => _lines.Add(new Line("  " + text, path, doc));

    /// <summary>The text, settled: read again and again until nothing in it is refused.</summary>
    public Imported Settle(string origin)
    {
        for (int round = 0; round < RoundsMax; round++)
        {
            var (text, starts) = Write();
            SourceText source = new(origin, text);
            SchemaReading reading = SchemaReader.Read([source], limits);
            if (reading.Schema is not null) return new Imported(SchemaFormatter.Format(source, limits), [.. _notes], []);
            Diagnostic[] errors = [.. reading.Diagnostics.Where(d => d.Severity == Severity.Error)];
            if (!Mend(errors, starts)) return new Imported(null, [.. _notes], [.. errors]);
        }
        return new Imported(null, [.. _notes], [new Diagnostic(Codes.TooManyFindings, Severity.Error, new SourceText(origin, ""), default,
            $"the schema did not settle within {RoundsMax} readings")]);
    }

    /// <summary>Leaves out the members that errors point at; false when an error is about nothing that can be left out.</summary>
    bool Mend(Diagnostic[] errors, List<int> starts)
    {
        SortedSet<int> wrong = [], keyless = [], empty = [];
        bool isRenamed = false;
        foreach (Diagnostic error in errors)
        {
            int at = starts.BinarySearch(error.Span.Start);
            if (at < 0) at = ~at - 1;
            if (error.Code == Codes.NameCollision && Unname(at, error.Message))
            {
                isRenamed = true;
            }
            else if (_lines[at].Path is { } path)
            {
                if (wrong.Add(at)) Note(path, $"left out: {error.Message}{(error.Hint is { } hint ? $" ({hint})" : "")}");
            }
            else if (error.Code is Codes.MissingKey or Codes.Cycle && _lines[at].Text.StartsWith("model ", StringComparison.Ordinal))
            {
                keyless.Add(at);
            }
            else if (error.Code == Codes.EmptyBlock)
            {
                empty.Add(at);
            }
        }
        if (!isRenamed && wrong.Count + keyless.Count + empty.Count == 0) return false;
        foreach (int at in wrong.Union(keyless).Union(empty).OrderDescending().ToArray())
        {
            if (keyless.Contains(at)) AddKey(at);
            else if (empty.Contains(at)) Fill(at);
            else _lines.RemoveAt(at);
        }
        return true;
    }

    /// <summary>A block of which nothing was left holds what its values can still be kept in.</summary>
    void Fill(int head)
    {
        string[] words = _lines[head].Text.Split(' ');
        bool isEnum = words[0] == "enum";
        _lines.Insert(head + 1, new Line(isEnum ? "  `none`" : "  `value` Json?", words[1], null));
        Note(words[1].Trim('`'), isEnum ? "it has no value that can be one here: 'none' was added"
            : "it has no field left: 'value' was added");
    }

    /// <summary>
    /// An index whose given name another has too (some databases name them per table) goes by a name that is made. The finding is at
    /// the model, or at the first index of its kind.
    /// </summary>
    bool Unname(int at, string message)
    {
        while (_lines[at].Path is not null) at--;
        for (int i = at + 1; _lines[i].Path is not null; i++)
        {
            Match given = GivenName().Match(_lines[i].Text);
            if (!given.Success || !Names(message, given.Groups[2].Value)) continue;
            string bare = _lines[i].Text.Remove(given.Index, given.Length).Insert(given.Index, given.Groups[1].Value == "(" ? "(" : "");
            _lines[i] = _lines[i] with { Text = bare.Replace("()", "", StringComparison.Ordinal) };
            Note(_lines[i].Path ?? "", $"the name '{given.Groups[2].Value}' is another's too in one database: it is made");
            return true;
        }
        return false;

        static bool Names(string message, string name) => message.EndsWith($", {name}", StringComparison.Ordinal);
    }

    void AddKey(int head)
    {
        string model = _lines[head].Text.Split(' ')[1].Trim('`');
        // A key that depends on itself is in the way of the new one.
        for (int i = head + 1; _lines[i].Path is not null; i++)
        {
            if (_lines[i].Text.Contains("@@id(", StringComparison.Ordinal)) _lines.RemoveAt(i--);
        }
        bool isTaken = false;
        for (int i = head + 1; _lines[i].Path is not null; i++) isTaken |= _lines[i].Text.StartsWith("  `id` ", StringComparison.Ordinal);
        string name = isTaken ? "recordId" : "id";
        _lines.Insert(head + 1, new Line($"  `{name}` Uuid @id @default(uuid7())", model, null));
        Note(model, $"it has no key that can be one here: '{name}' was added");
    }

    (string Text, List<int> Starts) Write()
    {
        StringBuilder text = new();
        List<int> starts = [];
        bool wasAttribute = true;
        foreach (Line line in _lines)
        {
            starts.Add(text.Length);
            bool isAttribute = line.Text.StartsWith("  @@", StringComparison.Ordinal);
            if (isAttribute && !wasAttribute) text.Append('\n');
            wasAttribute = isAttribute;
            string indent = line.Text.StartsWith("  ", StringComparison.Ordinal) ? "  " : "";
            if (line.Path is null && line.Text != "}" && text.Length > 0) text.Append('\n');
            foreach (string doc in line.Doc?.ReplaceLineEndings("\n").Trim().Split('\n') ?? [])
                text.Append(indent).Append("/// ").Append(Plain(doc)).Append('\n');
            text.Append(line.Text).Append('\n');
        }
        return (text.ToString(), starts);
    }

    [GeneratedRegex(@"(, |\()name: ""([^""\\]+)""")]
    private static partial Regex GivenName();

    /// <summary>Without what a comment must not hold: direction marks, and what ends its line.</summary>
    static string Plain(string doc) => string.Concat(doc.Where(c => !char.IsControl(c)
        && char.GetUnicodeCategory(c) is not (UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator))).TrimEnd();
}
