namespace Plinth.Text;

enum Severity
{
    Error,
    Warning,
}

/// <summary>One finding about a source: what is wrong, where, and the way out. Codes are named (<c>unknown_type</c>) and never
/// reused.</summary>
sealed record Diagnostic(string Code, Severity Severity, SourceText Source, Span Span, string Message, string? Hint = null)
{
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
