using Plinth.Text;

namespace Plinth.Language.Yaml;

/// <summary>
/// An expression in a YAML value → the same expression in native text. It is cut into tokens first: one whose brackets do not close, or
/// that holds what only attributes have, is refused here and never becomes syntax. <c>doc.title</c>, as Alyx writes the record, is the
/// field <c>title</c>.
/// </summary>
sealed class YamlExpression(YamlFile file, NativeText text)
{
    static readonly string[] s_macros = ["all", "exists", "exists_one", "map", "filter", "existsOne", "transformList", "transformMap"];

    YamlScalar _scalar = new(default, "", isPlain: true);
    string _path = "";
    SourceText _source = new("", "");
    Token[] _tokens = [];
    int _cursor;

    /// <summary>False when it is not written, which was reported.</summary>
    public bool Write(YamlEntry entry)
    {
        if (entry.Value is not YamlScalar { IsNull: false } scalar || string.IsNullOrWhiteSpace(scalar.Text))
        {
            file.Error(Codes.BadArgument, YamlFile.Place(entry), entry.Path, "an expression is expected: nothing is not a rule",
                "true is everyone");
            return false;
        }
        (_scalar, _path) = (scalar, entry.Path);
        _source = new SourceText("", scalar.Text);
        Findings wrong = new(file.Limits.SchemaFindings);
        (_tokens, Comment[] comments) = Lexer.Read(_source, wrong);
        _tokens = _tokens[..^1];
        foreach (Diagnostic found in wrong.InOrder([]))
            file.Error(found.Code, PlaceOf(found.Span), _path, found.Message, found.Hint);
        if (comments.Length > 0) Error(Codes.UnexpectedToken, comments[0].Span, "an expression has no comments", "YAML's own begin with #");
        if (wrong.HasErrors || comments.Length > 0 || !IsClosed() || !UsesDocWell()) return false;
        using (text.At(scalar.Span, _path)) Tokens();
        return true;
    }

    /// <summary>Brackets pair, and nothing in it ends the argument it becomes.</summary>
    bool IsClosed()
    {
        Stack<(TokenKind Close, Span At)> open = new();
        for (int i = 0; i < _tokens.Length; i++)
        {
            Token token = _tokens[i];
            bool isLabel = i == 0 && token.IsName && _tokens.Length > 1 && _tokens[1].Kind == TokenKind.Colon;
            bool ends = token.Kind is TokenKind.At or TokenKind.AtAt or TokenKind.BrokenString || isLabel
                || (token.Kind == TokenKind.Comma && open.Count == 0);
            bool closes = token.Kind is TokenKind.CloseParen or TokenKind.CloseBracket or TokenKind.CloseBrace;
            if (ends || (closes && (!open.TryPop(out var expected) || expected.Close != token.Kind)))
            {
                Error(Codes.UnexpectedToken, isLabel ? _tokens[1].Span : token.Span,
                    $"'{_source.Slice(isLabel ? _tokens[1].Span : token.Span)}' cannot stand here in an expression");
                return false;
            }
            TokenKind? close = token.Kind switch
            {
                TokenKind.OpenParen => TokenKind.CloseParen,
                TokenKind.OpenBracket => TokenKind.CloseBracket,
                TokenKind.OpenBrace => TokenKind.CloseBrace,
                _ => null,
            };
            if (close is { } kind) open.Push((kind, token.Span));
            if (open.Count <= file.Limits.SchemaDepth) continue;
            Error(Codes.LimitExceeded, token.Span, $"nested deeper than {file.Limits.SchemaDepth} levels (limits.schemaDepth)");
            return false;
        }
        if (!open.TryPop(out var unclosed)) return true;
        Error(Codes.Unclosed, unclosed.At, $"'{_source.Slice(unclosed.At)}' is not closed");
        return false;
    }

    /// <summary>The record is used for its fields, and no variable hides the field that is meant.</summary>
    bool UsesDocWell()
    {
        HashSet<string> variables = Variables();
        bool isGood = true;
        for (int i = 0; i < _tokens.Length; i++)
        {
            if (!IsDoc(i)) continue;
            if (i + 2 >= _tokens.Length || _tokens[i + 1].Kind != TokenKind.Dot || !_tokens[i + 2].IsName)
                Error(Codes.BadArgument, _tokens[i].Span, "'doc' is the record, and is used for its fields", "write doc.title");
            else if (variables.Contains(_source.Slice(_tokens[i + 2].Span)))
                Error(Codes.NameCollision, _tokens[i + 2].Span,
                    $"'{_source.Slice(_tokens[i + 2].Span)}' is a variable of this expression too",
                    "rename the variable");
            else continue;
            isGood = false;
        }
        return isGood;
    }

    void Tokens()
    {
        _cursor = _scalar.Span.Start;
        for (int i = 0; i < _tokens.Length; i++)
        {
            if (i > 0 && _tokens[i - 1].End < _tokens[i].Start) text.Write(" ");
            if (HasOfDoc(i))
            {
                // has(doc.x) asks whether the record has a value there; of a field, null is the only absence.
                Write(_tokens[i + 4], "(", " != null)");
                i += 5;
            }
            else if (IsDoc(i))
            {
                Write(_tokens[i + 2]);
                i += 2;
            }
            else
            {
                Write(_tokens[i]);
            }
        }
    }

    bool Is(int at, string word) => at < _tokens.Length && _source.Text.AsSpan(_tokens[at].Start, _tokens[at].Length).SequenceEqual(word);

    /// <summary>The name of the record, not a member or a function of that name.</summary>
    bool IsDoc(int at) => Is(at, "doc") && (at == 0 || _tokens[at - 1].Kind != TokenKind.Dot)
        && (at + 1 >= _tokens.Length || _tokens[at + 1].Kind != TokenKind.OpenParen);

    /// <summary><c>has ( doc . x )</c>, one field deep.</summary>
    bool HasOfDoc(int at) => Is(at, "has") && at + 5 < _tokens.Length && _tokens[at + 1].Kind == TokenKind.OpenParen && IsDoc(at + 2)
        && _tokens[at + 3].Kind == TokenKind.Dot && _tokens[at + 4].IsName && _tokens[at + 5].Kind == TokenKind.CloseParen
        && (at == 0 || _tokens[at - 1].Kind != TokenKind.Dot);

    /// <summary>Names that macros bind: <c>tags.exists(t, …)</c>.</summary>
    HashSet<string> Variables()
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        for (int i = 1; i + 3 < _tokens.Length; i++)
        {
            bool isMacro = _tokens[i - 1].Kind == TokenKind.Dot && _tokens[i + 1].Kind == TokenKind.OpenParen
                && s_macros.Contains(_source.Slice(_tokens[i].Span), StringComparer.Ordinal);
            if (!isMacro) continue;
            for (int at = i + 2; at + 1 < _tokens.Length && _tokens[at].IsName && _tokens[at + 1].Kind == TokenKind.Comma; at += 2)
                names.Add(_source.Slice(_tokens[at].Span));
        }
        return names;
    }

    void Write(in Token token, string before = "", string after = "")
    {
        ReadOnlySpan<char> written = _source.Text.AsSpan(token.Start, token.Length);
        text.Write(before);
        text.Token(written, Locate(written), _path);
        text.Write(after);
    }

    /// <summary>
    /// Where the token stands in the file: tokens keep their order and, but for escapes inside of strings, their text, whatever style the
    /// scalar has.
    /// </summary>
    Span Locate(ReadOnlySpan<char> token)
    {
        int end = Math.Min(_scalar.Span.End, file.Source.Text.Length);
        if (_cursor >= end) return _scalar.Span;
        int found = file.Source.Text.AsSpan(_cursor, end - _cursor).IndexOf(token, StringComparison.Ordinal);
        if (found < 0) return _scalar.Span;
        Span span = new(_cursor + found, token.Length);
        _cursor = span.End;
        return span;
    }

    /// <summary>A place of the expression in the file; the whole value where that cannot be said.</summary>
    Span PlaceOf(Span span)
    {
        ReadOnlySpan<char> wrong = _source.Text.AsSpan(span.Start, Math.Min(span.Length, _source.Text.Length - span.Start));
        int start = Math.Min(_scalar.Span.Start, file.Source.Text.Length), end = Math.Min(_scalar.Span.End, file.Source.Text.Length);
        ReadOnlySpan<char> whole = file.Source.Text.AsSpan(start, end - start);
        int at = whole.IndexOf(_source.Text, StringComparison.Ordinal);
        if (at >= 0) return new Span(start + at + span.Start, span.Length);
        at = wrong.IsEmpty ? -1 : whole.IndexOf(wrong, StringComparison.Ordinal);
        return at < 0 ? _scalar.Span : new Span(start + at, wrong.Length);
    }

    void Error(string code, Span span, string message, string? hint = null) => file.Error(code, PlaceOf(span), _path, message, hint);
}
