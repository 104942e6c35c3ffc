namespace Plinth.Cli.Transfer;

/// <summary>Cells of CSV, quoted where RFC 4180 asks for it. An empty text is quoted, so that it is told apart from null.</summary>
static class CsvText
{
    public static void WriteCell(TextWriter to, string? text)
    {
        if (text is null) return;
        if (text.Length > 0 && text.AsSpan().IndexOfAny(",\"\r\n") < 0)
        {
            to.Write(text);
            return;
        }
        to.Write('"');
        to.Write(text.Replace("\"", "\"\"", StringComparison.Ordinal));
        to.Write('"');
    }
}
