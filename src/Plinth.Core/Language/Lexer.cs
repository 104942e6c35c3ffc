using System.Buffers;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>
/// Text → tokens and comments, in one pass and linear time. It knows the tokens of expressions too, so that the parser can find where
/// one ends by counting brackets. Names are ASCII: they become routes, columns and identifiers in a dozen languages, and a letter that
/// only looks like another one is how a reviewer is deceived.
/// </summary>
sealed class Lexer
{
    static readonly SearchValues<char> s_bidiControls = SearchValues.Create("\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069");

    readonly SourceText _source;
    readonly string _text;
    readonly Findings _findings;
    readonly List<Token> _tokens;
    readonly List<Comment> _comments = [];
    int _at;
    bool _lineStarted = true;
    int _badUntil = -1;

    Lexer(SourceText source, Findings findings)
    {
        (_source, _text, _findings) = (source, source.Text, findings);
        _tokens = new List<Token>((_text.Length / 5) + 16);
    }

    /// <summary>The last token is always <see cref="TokenKind.End"/>.</summary>
    public static (Token[] Tokens, Comment[] Comments) Read(SourceText source, Findings findings)
    {
        Lexer lexer = new(source, findings);
        lexer.Run();
        return ([.. lexer._tokens], [.. lexer._comments]);
    }

    void Run()
    {
        RefuseBidiControls();
        if (_text.Length > 0 && _text[0] == '\uFEFF') _at = 1;
        while (_at < _text.Length) One(_text[_at]);
        Push(TokenKind.End, _text.Length);
    }

    void One(char c)
    {
        switch (c)
        {
            case '\n': _lineStarted = true; _at++; break;
            case ' ' or '\t' or '\r': _at++; break;
            case '/' when Next() is '/' or '*': Comment(); break;
            case '"' or '\'': String(_at); break;
            case '`': QuotedName(); break;
            case '{': Push(TokenKind.OpenBrace, _at + 1); break;
            case '}': Push(TokenKind.CloseBrace, _at + 1); break;
            case '(': Push(TokenKind.OpenParen, _at + 1); break;
            case ')': Push(TokenKind.CloseParen, _at + 1); break;
            case '[': Push(TokenKind.OpenBracket, _at + 1); break;
            case ']': Push(TokenKind.CloseBracket, _at + 1); break;
            case ',': Push(TokenKind.Comma, _at + 1); break;
            case ':': Push(TokenKind.Colon, _at + 1); break;
            case '?': Push(TokenKind.Question, _at + 1); break;
            case '.': Push(TokenKind.Dot, _at + 1); break;
            case '@': Push(Next() == '@' ? TokenKind.AtAt : TokenKind.At, _at + (Next() == '@' ? 2 : 1)); break;
            case '=' when Next() != '=': Push(TokenKind.Equal, _at + 1); break;
            case '|' when Next() != '|': Push(TokenKind.Bar, _at + 1); break;
            case '=' or '|' or '&' or '<' or '>' or '!' or '+' or '-' or '*' or '/' or '%': Operator(c); break;
            default:
                if (IsNameStart(c)) NameOrPrefixedString();
                else if (char.IsAsciiDigit(c)) Number();
                else Bad();
                break;
        }
    }

    char Next() => _at + 1 < _text.Length ? _text[_at + 1] : '\0';

    void Push(TokenKind kind, int end)
    {
        _tokens.Add(new Token(kind, _at, end - _at, _comments.Count, _lineStarted));
        _lineStarted = false;
        _at = end;
    }

    void Operator(char c)
    {
        bool isPair = Next() == '=' && c is '=' or '<' or '>' or '!' && Next() == '=';
        isPair |= (c == '&' && Next() == '&') || (c == '|' && Next() == '|');
        if (c == '&' && !isPair)
        {
            Bad();
            return;
        }
        Push(TokenKind.Operator, _at + (isPair ? 2 : 1));
    }

    void Comment()
    {
        int start = _at;
        if (_text[_at + 1] == '*')
        {
            int close = _text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
            if (close < 0)
            {
                _findings.Error(_source, Codes.Unclosed, new Span(start, 2), "the comment is not closed", "end it with */");
                close = _text.Length - 2;
            }
            bool ownLine = _lineStarted;
            if (_text.AsSpan(start, close - start).Contains('\n')) _lineStarted = true;
            _at = close + 2;
            _comments.Add(new Comment(CommentKind.Block, start, _at - start, ownLine));
            return;
        }
        int end = _text.IndexOf('\n', _at);
        if (end < 0) end = _text.Length;
        _at = end;
        if (_text[end - 1] == '\r') end--;
        bool isDoc = end - start >= 3 && _text[start + 2] == '/' && (end - start == 3 || _text[start + 3] != '/');
        _comments.Add(new Comment(isDoc ? CommentKind.Doc : CommentKind.Line, start, end - start, _lineStarted));
    }

    /// <summary>Quotes of both kinds, tripled, and raw: what CEL knows. Escapes are read later, by whom the string is for.</summary>
    void String(int quoteAt, bool isRaw = false)
    {
        char quote = _text[quoteAt];
        bool isTriple = _text.AsSpan(quoteAt).StartsWith([quote, quote, quote]);
        int at = quoteAt + (isTriple ? 3 : 1);
        while (at < _text.Length)
        {
            char c = _text[at];
            if (c == '\\' && !isRaw && at + 1 < _text.Length && _text[at + 1] != '\n') at += 2;
            else if (c == quote && (!isTriple || _text.AsSpan(at).StartsWith([quote, quote, quote])))
            {
                Push(TokenKind.String, at + (isTriple ? 3 : 1));
                return;
            }
            else if (c == '\n' && !isTriple) break;
            else at++;
        }
        if (at > quoteAt + 1 && at <= _text.Length && _text[at - 1] == '\r') at--;
        _findings.Error(_source, Codes.Unclosed, new Span(quoteAt, isTriple ? 3 : 1), "the string is not closed",
            $"end it with {(isTriple ? new string(quote, 3) : quote)}");
        Push(TokenKind.BrokenString, Math.Min(at, _text.Length));
    }

    void NameOrPrefixedString()
    {
        int end = _at + 1;
        while (end < _text.Length && IsNamePart(_text[end])) end++;
        if (end < _text.Length && _text[end] is '"' or '\'' && end - _at <= 2 && IsStringPrefix(_text.AsSpan(_at, end - _at)))
        {
            String(end, isRaw: _text.AsSpan(_at, end - _at).IndexOfAny('r', 'R') >= 0);
            return;
        }
        if (end < _text.Length && _text[end] > '\x7f')
        {
            BadName(end);
            return;
        }
        Push(TokenKind.Name, end);
    }

    static bool IsStringPrefix(ReadOnlySpan<char> text) =>
        text is "r" or "R" or "b" or "B" or "rb" or "rB" or "Rb" or "RB" or "br" or "bR" or "Br" or "BR";

    void QuotedName()
    {
        int end = _at + 1;
        while (end < _text.Length && IsNamePart(_text[end])) end++;
        if (end < _text.Length && _text[end] == '`' && end > _at + 1 && IsNameStart(_text[_at + 1]))
        {
            Push(TokenKind.QuotedName, end + 1);
            return;
        }
        int close = end;
        while (close < _text.Length && _text[close] is not ('`' or '\n')) close++;
        bool isClosed = close < _text.Length && _text[close] == '`';
        _findings.Error(_source, isClosed ? Codes.BadName : Codes.Unclosed, Span.Between(_at, isClosed ? close + 1 : _at + 1),
            isClosed ? "a name between backticks is ASCII letters, digits and _, not starting with a digit" : "the name is not closed",
            isClosed ? null : "end it with `");
        Push(TokenKind.QuotedName, isClosed ? close + 1 : end);
    }

    void Number()
    {
        int end = _at;
        while (end < _text.Length)
        {
            char c = _text[end];
            bool isFraction = c == '.' && end + 1 < _text.Length && char.IsAsciiDigit(_text[end + 1]);
            bool isSign = c is '+' or '-' && _text[end - 1] is 'e' or 'E'
                && !_text.AsSpan(_at, end - _at).StartsWith("0x", StringComparison.OrdinalIgnoreCase);
            if (!char.IsAsciiLetterOrDigit(c) && c != '_' && !isFraction && !isSign) break;
            end++;
        }
        Push(TokenKind.Number, end);
    }

    /// <summary>
    /// A name with a letter that is not ASCII: the whole name is one finding and still one name token, so that nothing follows from it.
    /// </summary>
    void BadName(int badAt)
    {
        int end = badAt;
        while (end < _text.Length && (IsNamePart(_text[end]) || _text[end] > '\x7f') && !char.IsWhiteSpace(_text[end])) end++;
        ReportCodePoint(badAt, Span.Between(_at, end));
        Push(TokenKind.Name, end);
    }

    void Bad()
    {
        char c = _text[_at];
        if (c > '\x7f' && !char.IsWhiteSpace(c) && (char.IsLetter(c) || char.IsSurrogate(c) || IsInvisible(c)))
        {
            BadName(_at);
            return;
        }
        // A run of characters that belong nowhere is one mistake.
        if (_at != _badUntil) ReportCodePoint(_at, new Span(_at, 1));
        _at++;
        _badUntil = _at;
    }

    void ReportCodePoint(int at, Span span)
    {
        string named = CodePoint.Describe(_text, at);
        _findings.Error(_source, Codes.UnexpectedCharacter, span, $"{named} cannot stand here",
            _text[at] > '\x7f' ? "names are ASCII letters, digits and _; other characters belong into strings and comments" : null);
    }

    /// <summary>Direction controls are refused even in comments and strings: they make a reader see another text than we read.</summary>
    void RefuseBidiControls()
    {
        foreach (int at in BidiControls(_text))
        {
            _findings.Error(_source, Codes.BidiControl, new Span(at, 1),
                $"{CodePoint.Describe(_text, at)} makes the text read differently than it is",
                "in a string, write it as an escape (\\u202e)");
        }
    }

    /// <summary>Places of direction controls.</summary>
    public static IEnumerable<int> BidiControls(string text)
    {
        int next;
        for (int at = -1; (next = text.AsSpan(at + 1).IndexOfAny(s_bidiControls)) >= 0;) yield return at += next + 1;
    }

    static bool IsInvisible(char c) =>
        c is >= '\u200B' and <= '\u200F' or '\u2060' or '\uFEFF' or '\u00AD'
            or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');

    static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_';

    static bool IsNamePart(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';
}
