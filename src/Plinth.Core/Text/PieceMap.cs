namespace Plinth.Text;

/// <summary>
/// Where a text that was made from another one comes from, place by place: findings about it are shown in the text that a person
/// wrote. Pieces nest; a place belongs to the innermost piece around it.
/// </summary>
/// <param name="reword">(path, code, message, hint) → what the author of the original is told.</param>
sealed class PieceMap(SourceText original, Func<string, string, string, string?, (string Message, string? Hint)> reword)
    : SourceMap(original)
{
    readonly List<Piece> _pieces = [];
    readonly List<int> _ends = [];

    /// <param name="Parent">Index of the piece around this one, or -1.</param>
    /// <param name="IsExact">Character for character the text at the origin's place.</param>
    readonly record struct Piece(int Start, int Parent, Span Origin, string Path, bool IsExact);

    /// <summary>Opens a piece at a place of the made text; pieces are opened in the order of their places.</summary>
    /// <param name="path">How the place is called in the origin: <c>collections.posts.fields.title</c>.</param>
    /// <returns>What <see cref="Close"/> takes, and the parent of pieces inside.</returns>
    public int Open(int start, int parent, Span place, string path, bool isExact)
    {
        _pieces.Add(new Piece(start, parent, place, path, isExact));
        _ends.Add(int.MaxValue);
        return _pieces.Count - 1;
    }

    public void Close(int piece, int end) => _ends[piece] = end;

    public override Span ToOriginal(Span made)
    {
        int at = Innermost(made.Start);
        if (at < 0) return default;
        Piece piece = _pieces[at];
        Span span = piece.Origin;
        if (!piece.IsExact) return span;
        int offset = Math.Min(made.Start - piece.Start, span.Length);
        // It may end in a later piece, as far as that one is exact too.
        int end = Math.Max(made.Start, made.End - 1);
        int last = Innermost(end);
        int to = last >= 0 && _pieces[last].IsExact
            ? _pieces[last].Origin.Start + Math.Min(end - _pieces[last].Start + 1, _pieces[last].Origin.Length)
            : span.End;
        return Span.Between(span.Start + offset, Math.Max(span.Start + offset, to));
    }

    public override (string Message, string? Hint) Reword(string code, Span made, string message, string? hint)
    {
        int at = Innermost(made.Start);
        return reword(at < 0 ? "" : _pieces[at].Path, code, message, hint);
    }

    int Innermost(int place)
    {
        int low = 0, high = _pieces.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (_pieces[middle].Start <= place) low = middle + 1;
            else high = middle - 1;
        }
        int at = high;
        while (at >= 0 && _ends[at] <= place) at = _pieces[at].Parent;
        return at;
    }
}
