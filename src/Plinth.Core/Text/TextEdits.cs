using System.Text;

namespace Plinth.Text;

/// <summary>
/// Replacements of places of a text. The result is a text of its own that knows where each of its places was written, so that whatever
/// is found in it is shown to the person in the text that the person wrote.
/// </summary>
sealed class TextEdits(SourceText original)
{
    readonly List<Edit> _edits = [];

    /// <param name="Old">What is replaced; empty for an insertion.</param>
    /// <param name="Anchor">What a finding inside the new text points at.</param>
    internal readonly record struct Edit(Span Old, string New, Span Anchor);

    public void Replace(Span old, string text) => _edits.Add(new Edit(old, text, old));

    public void Remove(Span old) => Replace(old, "");

    public void Insert(int at, string text, Span anchor) => _edits.Add(new Edit(new Span(at, 0), text, anchor));

    /// <summary>The edited text. An edit of a place that another one replaces as a whole is dropped.</summary>
    public SourceText Apply()
    {
        if (_edits.Count == 0) return original;
        // The wider of two that begin together comes first, and insertions at one place keep their order.
        List<Edit> ordered =
            [.. _edits.OrderBy(e => e.Old.Start).ThenBy(e => e.Old.Length == 0 ? 0 : 1).ThenByDescending(e => e.Old.Length)];
        StringBuilder text = new(original.Text.Length + 256);
        List<EditMap.Piece> pieces = new(ordered.Count);
        int at = 0;
        foreach (Edit edit in ordered)
        {
            if (edit.Old.Start < at) continue;
            text.Append(original.Text, at, edit.Old.Start - at);
            pieces.Add(new EditMap.Piece(text.Length, text.Length + edit.New.Length, edit.Old.End, edit.Anchor));
            text.Append(edit.New);
            at = edit.Old.End;
        }
        text.Append(original.Text, at, original.Text.Length - at);
        return new SourceText(original.Path, text.ToString(), new EditMap(original, [.. pieces]));
    }
}

/// <summary>Places of an edited text → places of the text as it was written.</summary>
sealed class EditMap(SourceText original, EditMap.Piece[] pieces) : SourceMap(original)
{
    /// <param name="Start">Where the new text begins, in the edited text.</param>
    /// <param name="End">Where it ends.</param>
    /// <param name="OldEnd">Where what it replaced ended, in the original.</param>
    internal readonly record struct Piece(int Start, int End, int OldEnd, Span Anchor);

    public override Span ToOriginal(Span span)
    {
        Piece? before = LastAt(span.Start);
        if (before is { } made && span.Start < made.End)
            return span.End <= made.End ? made.Anchor : Span.Between(made.Anchor.Start, EndOf(span.End));
        int start = span.Start - (before?.End ?? 0) + (before?.OldEnd ?? 0);
        return Span.Between(start, span.Length == 0 ? start : EndOf(span.End));
    }

    int EndOf(int end)
    {
        // The end belongs to the character before it: an insertion that begins right there is not part of the span.
        Piece? before = LastAt(end - 1);
        if (before is not { } piece) return end;
        return end <= piece.End ? piece.Anchor.End : end - piece.End + piece.OldEnd;
    }

    /// <summary>The last piece that begins at or before a position.</summary>
    Piece? LastAt(int position)
    {
        int low = 0, high = pieces.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (pieces[middle].Start <= position) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? null : pieces[low - 1];
    }
}
