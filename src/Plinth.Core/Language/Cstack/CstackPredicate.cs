using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Language.Cstack;

/// <summary>
/// The SQL of <c>where: "…"</c> as an expression, as far as it says what partial indexes say: columns against null and literals, joined
/// by <c>and</c>, <c>or</c>, <c>not</c> and parentheses.
/// </summary>
sealed class CstackPredicate
{
    readonly SourceText _sql;
    readonly Token[] _tokens;
    readonly RecordSyntax _record;
    int _at;

    CstackPredicate(string sql, RecordSyntax record)
    {
        (_sql, _record) = (new SourceText("", sql), record);
        Findings findings = new(1);
        _tokens = Lexer.Read(_sql, findings).Tokens;
        if (findings.HasErrors) _tokens = [_tokens[^1]];
    }

    /// <summary>Null when the SQL says more than is known here.</summary>
    public static string? Native(string sql, RecordSyntax record)
    {
        if (sql.Length > Limits.Default.FilterBytes) return null;
        CstackPredicate predicate = new(sql, record);
        string? expression = predicate.Any(depth: 0);
        return predicate.Current.Kind == TokenKind.End ? expression : null;
    }

    string? Any(int depth) => Joined("or", "||", () => Joined("and", "&&", () => One(depth)));

    string? Joined(string word, string native, Func<string?> part)
    {
        string? text = part();
        while (text is not null && Take(word)) text = part() is { } next ? $"{text} {native} {next}" : null;
        return text;
    }

    string? One(int depth)
    {
        if (depth > 20) return null;
        if (Take("not")) return One(depth + 1) is { } inner ? $"!({inner})" : null;
        if (Current.Kind == TokenKind.OpenParen)
        {
            _at++;
            string? inner = Any(depth + 1);
            if (Current.Kind != TokenKind.CloseParen) return null;
            _at++;
            return inner is null ? null : $"({inner})";
        }
        if (Current.Kind != TokenKind.Name || FieldOf(TextOf(Current)) is not { } field) return null;
        _at++;
        if (Take("is"))
        {
            string op = Take("not") ? "!=" : "==";
            return Take("null") ? $"{field} {op} null" : null;
        }
        string? comparison = Comparison();
        if (comparison is null) return field;
        return Literal() is { } value ? $"{field} {comparison} {value}" : null;
    }

    string? Comparison()
    {
        string text = TextOf(Current);
        if (Current.Kind == TokenKind.Equal)
        {
            _at++;
            return "==";
        }
        if (Current.Kind != TokenKind.Operator || text is not ("<" or ">" or "<=" or ">=" or "!=")) return null;
        _at++;
        if (text != "<" || TextOf(Current) != ">") return text;
        _at++;
        return "!=";
    }

    string? Literal()
    {
        Token token = Current;
        string text = TextOf(token);
        _at++;
        if (token.Kind == TokenKind.Number) return text;
        if (token.Kind == TokenKind.Name && text.ToLowerInvariant() is "true" or "false") return text.ToLowerInvariant();
        bool isText = token.Kind == TokenKind.String && text.Length > 1 && text[0] == '\'' && !text.Contains('\\', StringComparison.Ordinal)
            && !text.Contains('"', StringComparison.Ordinal) && Current.Kind != TokenKind.String;
        return isText ? $"\"{text[1..^1]}\"" : null;
    }

    string? FieldOf(string column)
    {
        if (column.ToLowerInvariant() is "and" or "or" or "not" or "is" or "null" or "select" or "case") return null;
        foreach (MemberSyntax member in _record.Members)
        {
            if (member is FieldSyntax field && string.Equals(Names.SnakeCase(field.Name.Text), column, StringComparison.Ordinal))
                return field.Name.Text == "deleted_at" ? Model.DeletedAt : field.Name.Text;
        }
        // A mixin's, or one that an attribute adds.
        return CstackAliases.Camel(column);
    }

    bool Take(string word)
    {
        if (Current.Kind != TokenKind.Name || !TextOf(Current).Equals(word, StringComparison.OrdinalIgnoreCase)) return false;
        _at++;
        return true;
    }

    Token Current => _tokens[Math.Min(_at, _tokens.Length - 1)];

    string TextOf(in Token token) => _sql.Text.Substring(token.Start, token.Length);
}
