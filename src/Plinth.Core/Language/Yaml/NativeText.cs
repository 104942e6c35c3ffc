using System.Globalization;
using System.Text;
using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// The native text that a file of another notation means, while it is written: every piece knows what it was made from, so that the one
/// parser and the one binder speak about the file that the author sees. What comes from the file is written as a name, a literal or an
/// expression that was looked at, never as it stands: a value cannot become syntax.
/// </summary>
sealed class NativeText
{
    readonly StringBuilder _text = new();
    readonly SourceText _origin;
    readonly PieceMap _map;
    int _open = -1;

    public NativeText(SourceText origin, Func<string, string, string, string?, (string Message, string? Hint)> reword) =>
        (_origin, _map) = (origin, new PieceMap(origin, reword));

    /// <summary>What was written so far, as a source whose findings are shown in the origin.</summary>
    public SourceText Source() => new(_origin.Path, _text.ToString(), _map);

    /// <summary>What is written until it is disposed was made from that place.</summary>
    public Opened At(Span place, string path)
    {
        int parent = _open;
        _open = _map.Open(_text.Length, parent, place, path, isExact: false);
        return new Opened(this, _open, parent);
    }

    public readonly record struct Opened(NativeText Text, int Piece, int Parent) : IDisposable
    {
        public void Dispose()
        {
            Text._map.Close(Piece, Text._text.Length);
            Text._open = Parent;
        }
    }

    /// <summary>Syntax of ours.</summary>
    public NativeText Write(string syntax)
    {
        _text.Append(syntax);
        return this;
    }

    /// <summary>A name that was checked: between backticks, so that it is never a keyword.</summary>
    public NativeText Name(string name)
    {
        _text.Append('`').Append(name).Append('`');
        return this;
    }

    /// <summary>A token of an expression, which stands there in the origin.</summary>
    public void Token(ReadOnlySpan<char> token, Span place, string path)
    {
        int piece = _map.Open(_text.Length, _open, place, path, isExact: token.Length == place.Length);
        _text.Append(token);
        _map.Close(piece, _text.Length);
    }

    public NativeText Number(decimal number)
    {
        _text.Append(number.ToString(CultureInfo.InvariantCulture));
        return this;
    }

    /// <summary>A checked name where names are listed, which is no place for a keyword.</summary>
    public NativeText Listed(string name)
    {
        _text.Append(name);
        return this;
    }

    /// <summary>A string literal: everything that could end it or deceive a reader is escaped.</summary>
    public NativeText Literal(string text)
    {
        _text.Append(Quoted(text));
        return this;
    }

    public static string Quoted(string text)
    {
        StringBuilder quoted = new(text.Length + 2);
        quoted.Append('"');
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '"' or '\\': quoted.Append('\\').Append(c); break;
                case '\n': quoted.Append("\\n"); break;
                case '\r': quoted.Append("\\r"); break;
                case '\t': quoted.Append("\\t"); break;
                default:
                    UnicodeCategory category = char.GetUnicodeCategory(c);
                    bool isPair = char.IsSurrogatePair(text, Math.Min(i, Math.Max(0, text.Length - 2))) && i + 1 < text.Length;
                    if (isPair) quoted.Append(c).Append(text[++i]);
                    // Half of a pair is no character in any encoding: it becomes what decoders make of it.
                    else if (char.IsSurrogate(c)) quoted.Append('\uFFFD');
                    else if (category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                        or UnicodeCategory.ParagraphSeparator)
                        quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    else quoted.Append(c);
                    break;
            }
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>Doc comments, a line each.</summary>
    public NativeText Doc(string? doc, string indent)
    {
        if (doc is null) return this;
        foreach (string line in doc.ReplaceLineEndings("\n").Split('\n'))
            _text.Append(indent).Append(line.Length == 0 ? "///" : "/// ").Append(line.TrimEnd()).Append('\n');
        return this;
    }
}
