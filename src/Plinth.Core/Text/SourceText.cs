namespace Plinth.Text;

/// <summary>A half-open range of UTF-16 positions in one source.</summary>
readonly record struct Span(int Start, int Length)
{
    public int End => Start + Length;

    public static Span Between(int start, int end) => new(start, Math.Max(0, end - start));

    public Span Join(Span other) => Between(Math.Min(Start, other.Start), Math.Max(End, other.End));
}

/// <summary>A source file held in memory, with its lines. Lines and columns are 1-based; a column counts UTF-16 units.</summary>
sealed class SourceText
{
    readonly int[] _lineStarts;
    readonly SourceMap? _map;

    /// <param name="map">Of a text that was made from another one: where its places were written.</param>
    public SourceText(string path, string text, SourceMap? map = null)
    {
        _map = map;
        Path = path;
        Text = text;
        List<int> starts = [0];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n') starts.Add(i + 1);
        }
        _lineStarts = [.. starts];
    }

    public string Path { get; }

    public string Text { get; }

    /// <summary>The place as the person wrote it: another text's, when this one was made from that.</summary>
    public (SourceText Source, Span Span) Written(Span span) =>
        _map is null ? (this, span) : _map.Original.Written(_map.ToOriginal(span));

    /// <summary>A finding about a place of this text, in the words of the notation that the person writes.</summary>
    public (string Message, string? Hint) Reworded(string code, Span span, string message, string? hint)
    {
        if (_map is null) return (message, hint);
        var (reworded, way) = _map.Reword(code, span, message, hint);
        return _map.Original.Reworded(code, _map.ToOriginal(span), reworded, way);
    }

    public int LineCount => _lineStarts.Length;

    public (int Line, int Column) Position(int offset)
    {
        int at = Math.Clamp(offset, 0, Text.Length);
        int index = Array.BinarySearch(_lineStarts, at);
        int line = index >= 0 ? index : ~index - 1;
        return (line + 1, at - _lineStarts[line] + 1);
    }

    /// <summary>The text of a 1-based line, without its line end.</summary>
    public string Line(int line)
    {
        int start = _lineStarts[line - 1];
        int end = line < _lineStarts.Length ? _lineStarts[line] : Text.Length;
        return Text[start..end].TrimEnd('\n', '\r');
    }

    public string Slice(Span span) => Text.Substring(span.Start, Math.Min(span.Length, Text.Length - span.Start));
}
