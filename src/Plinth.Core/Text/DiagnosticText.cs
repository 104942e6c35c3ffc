using System.Globalization;
using System.Text;

namespace Plinth.Text;

/// <summary>A diagnostic as people and programs read it.</summary>
static class DiagnosticText
{
    /// <summary>Of a longer line, only what surrounds the place is shown.</summary>
    const int ExcerptMax = 120;

    /// <summary>
    /// <c>path:line:column: error: message [code]</c>, the line with carets below the place, and the hint; without a line end at the end.
    /// </summary>
    public static string Render(Diagnostic diagnostic)
    {
        string severity = diagnostic.Severity == Severity.Error ? "error" : "warning";
        StringBuilder text = new();
        text.Append(diagnostic.Place).Append(": ").Append(severity).Append(": ").Append(diagnostic.Message);
        text.Append(" [").Append(diagnostic.Code).Append(']');
        AppendExcerpt(text, diagnostic);
        if (diagnostic.Hint is not null) text.Append("\n  hint: ").Append(diagnostic.Hint);
        return text.ToString();
    }

    static void AppendExcerpt(StringBuilder text, Diagnostic diagnostic)
    {
        var (line, column) = diagnostic.Source.Position(diagnostic.Span.Start);
        string whole = diagnostic.Source.Line(line);
        if (whole.AsSpan().Trim().IsEmpty) return;
        int at = Math.Min(column - 1, whole.Length);
        int from = whole.Length <= ExcerptMax ? 0 : Math.Clamp(at - (ExcerptMax / 3), 0, whole.Length - ExcerptMax);
        int to = Math.Min(whole.Length, from + ExcerptMax);
        string number = line.ToString(CultureInfo.InvariantCulture);
        text.Append("\n  ").Append(number).Append(" | ");
        if (from > 0) text.Append('…');
        AppendVisible(text, whole.AsSpan(from, to - from));
        if (to < whole.Length) text.Append('…');
        text.Append("\n  ").Append(' ', number.Length).Append(" | ");
        if (from > 0) text.Append(' ');
        // Tabs are shown as one space, so a caret stands below its character wherever one is one column wide.
        text.Append(' ', at - from).Append('^', Math.Clamp(diagnostic.Span.Length, 1, Math.Max(1, to - at)));
    }

    /// <summary>
    /// Controls and direction marks are what such a diagnostic is often about: shown raw they would do in the terminal what they did in
    /// the file.
    /// </summary>
    static void AppendVisible(StringBuilder text, ReadOnlySpan<char> line)
    {
        foreach (char c in line)
        {
            UnicodeCategory category = char.GetUnicodeCategory(c);
            bool isHidden = category is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
            text.Append(c == '\t' ? ' ' : isHidden ? '\u00B7' : c);
        }
    }

    /// <summary>A JSON array with one object per finding: file, line, column, length, severity, code, message, hint.</summary>
    public static byte[] Json(IEnumerable<Diagnostic> diagnostics)
    {
        using ByteOutput output = new(1024);
        output.Write((byte)'[');
        bool isFirst = true;
        foreach (Diagnostic diagnostic in diagnostics)
        {
            if (!isFirst) output.Write((byte)',');
            isFirst = false;
            WriteJson(output, diagnostic);
        }
        output.Write((byte)']');
        return output.ToArray();
    }

    static void WriteJson(ByteOutput output, Diagnostic diagnostic)
    {
        var (line, column) = diagnostic.Source.Position(diagnostic.Span.Start);
        output.Write((byte)'{');
        Member(output, "file", diagnostic.Source.Path);
        output.Write((byte)',');
        Member(output, "line", line);
        output.Write((byte)',');
        Member(output, "column", column);
        output.Write((byte)',');
        Member(output, "length", diagnostic.Span.Length);
        output.Write((byte)',');
        Member(output, "severity", diagnostic.Severity == Severity.Error ? "error" : "warning");
        output.Write((byte)',');
        Member(output, "code", diagnostic.Code);
        output.Write((byte)',');
        Member(output, "message", diagnostic.Message);
        output.Write((byte)',');
        JsonText.WriteName(output, "hint");
        if (diagnostic.Hint is null) JsonText.WriteNull(output);
        else JsonText.WriteString(output, diagnostic.Hint);
        output.Write((byte)'}');
    }

    static void Member(ByteOutput output, string name, string value)
    {
        JsonText.WriteName(output, name);
        JsonText.WriteString(output, value);
    }

    static void Member(ByteOutput output, string name, int value)
    {
        JsonText.WriteName(output, name);
        JsonText.WriteInt(output, value);
    }
}
