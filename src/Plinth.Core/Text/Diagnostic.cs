namespace Plinth.Text;

enum Severity
{
    Error,
    Warning,
}

/// <summary>One finding about a source: what is wrong, where, and the way out. Codes are named (<c>unknown_type</c>) and never
/// reused.</summary>
sealed record Diagnostic
{
    /// <param name="span">A place of <paramref name="source"/>; what is kept is where that was written.</param>
    public Diagnostic(string code, Severity severity, SourceText source, Span span, string message, string? hint = null)
    {
        (Code, Severity) = (code, severity);
        (Source, Span) = source.Written(span);
        (Message, Hint) = source.Reworded(code, span, message, hint);
    }

    public string Code { get; }

    public Severity Severity { get; }

    public SourceText Source { get; }

    public Span Span { get; }

    public string Message { get; }

    public string? Hint { get; }

    /// <summary><c>path:line:column</c>, as editors and terminals link it.</summary>
    public string Place
    {
        get
        {
            var (line, column) = Source.Position(Span.Start);
            return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Source.Path}:{line}:{column}");
        }
    }
}
