namespace Plinth.Text;

/// <summary>
/// Of a text that was made from another one: where its places were written, and how findings about them are said to who wrote that.
/// </summary>
abstract class SourceMap(SourceText original)
{
    public SourceText Original { get; } = original;

    /// <summary>Where a place of the made text was written.</summary>
    public abstract Span ToOriginal(Span span);

    /// <summary>A finding about a place of the made text, in the words of the notation of the original.</summary>
    public virtual (string Message, string? Hint) Reword(string code, Span span, string message, string? hint) => (message, hint);
}
