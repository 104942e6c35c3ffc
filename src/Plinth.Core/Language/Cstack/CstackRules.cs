using System.Text;
using Plinth.Text;

namespace Plinth.Language.Cstack;

/// <summary>
/// The conditions of <c>@@allow</c> and <c>@@deny</c>: terms joined by <c>&amp;&amp;</c>, <c>||</c> and parentheses. A term of which
/// nothing is special there is CEL already and stays as it is written; each other term is replaced as a whole.
/// </summary>
sealed class CstackRules(SchemaSyntax file, Findings findings, TextEdits edits)
{
    readonly HashSet<string> _claims = ClaimsOf(file);
    ArraySegment<Token> _tokens;
    bool _isDeny;

    SourceText Source => file.Source;

    public void Rewrite(AttributeSyntax rule)
    {
        if (rule.Arguments.IsEmpty) return;
        foreach (Token token in rule.Arguments[0].Tokens) if (token.Kind == TokenKind.String) Operations(token);
        _isDeny = rule.Name.Text == "deny";
        for (int i = 1; i < rule.Arguments.Length; i++)
        {
            if (rule.Arguments[i].Label is { Text: "message" }) continue;
            _tokens = rule.Arguments[i].Tokens;
            Terms(0, _tokens.Count);
            // Last, since a term that is replaced has it done already: of two edits of one place the first counts.
            for (int at = 0; at < _tokens.Count; at++)
                if (IsCallOfAuth(at)) edits.Remove(Span.Between(_tokens[at + 1].Start, _tokens[at + 2].End));
        }
    }

    void Operations(in Token token)
    {
        string text = file.TextOf(token);
        string[] words = text[1..^1].Split(',');
        string native = string.Join(',', words.Select(w =>
            CstackAliases.Find(CstackAliases.Operations, w.Trim()) is { } known
                ? w.Replace(w.Trim(), known, StringComparison.Ordinal) : w));
        if (native != text[1..^1]) edits.Replace(token.Span, $"{text[0]}{native}{text[^1]}");
    }

    /// <summary>Splits at the operators between terms, and enters parentheses that group.</summary>
    void Terms(int from, int to)
    {
        int start = from;
        for (int i = from; i <= to; i++)
        {
            if (i < to && !IsOperator(i, "&&") && !IsOperator(i, "||"))
            {
                bool isGroup = _tokens[i].Kind == TokenKind.OpenParen && i == start;
                if (_tokens[i].Kind is not (TokenKind.OpenParen or TokenKind.OpenBracket or TokenKind.OpenBrace)) continue;
                int close = Closing(i, to);
                if (isGroup) Terms(i + 1, close);
                i = close;
                if (isGroup) start = close + 1;
                continue;
            }
            if (i > start) Term(start, i);
            start = i + 1;
        }
    }

    int Closing(int open, int to)
    {
        int depth = 0;
        for (int i = open; i < to; i++)
        {
            if (_tokens[i].Kind is TokenKind.OpenParen or TokenKind.OpenBracket or TokenKind.OpenBrace) depth++;
            else if (_tokens[i].Kind is TokenKind.CloseParen or TokenKind.CloseBracket or TokenKind.CloseBrace && --depth == 0) return i;
        }
        return to - 1;
    }

    void Term(int from, int to)
    {
        Span span = Span.Between(_tokens[from].Start, _tokens[to - 1].End);
        if (Call(from, to) is { } call) edits.Replace(span, call);
        else if (Comparison(from, to) is { } comparison) edits.Replace(span, comparison);
    }

    /// <summary>The functions of a caller.</summary>
    string? Call(int from, int to)
    {
        int count = to - from;
        Span span = Span.Between(_tokens[from].Start, _tokens[to - 1].End);
        if (count is 5 or 7 && Is(from, "auth") && Is(to - 3, "isSystem") && _tokens[to - 1].Kind == TokenKind.CloseParen)
        {
            // No caller is the system, and the system needs no rule.
            if (_isDeny) findings.Error(Source, Codes.NotAvailable, span, "isSystem() in @@deny is not available in this version",
                "rules are for callers; what the system does is not judged by them");
            return "false";
        }
        if (count != 4 || _tokens[from + 1].Kind != TokenKind.OpenParen || _tokens[from + 2].Kind != TokenKind.String) return null;
        string value = TextOf(from + 2);
        if (Is(from, "hasRole"))
        {
            string[] found = [.. Claims("role", "actor.role")];
            string role = string.Join(" || ", (found.Length == 0 ? ["role"] : found).Select(c => $"auth.{c} == {value}"));
            return found.Length > 1 ? $"({role})" : role;
        }
        if (!Is(from, "inTenant")) return null;
        if (Claims("tenant.id", "tenantId", "tenant_id", "tenant").FirstOrDefault() is { } tenant) return $"auth.{tenant} == {value}";
        findings.Error(Source, Codes.UnknownClaim, span, "inTenant(…) needs a claim that says the tenant",
            "add one to auth, as in tenantId String?");
        return "false";
    }

    IEnumerable<string> Claims(params string[] paths) => paths.Where(_claims.Contains);

    /// <summary>The claims of <c>auth</c>, and those one level below that are fields of types of this file.</summary>
    static HashSet<string> ClaimsOf(SchemaSyntax file)
    {
        HashSet<string> claims = new(StringComparer.Ordinal);
        if (file.Blocks.FirstOrDefault(b => b is RecordSyntax { Kind: RecordKind.Auth }) is not RecordSyntax auth) return claims;
        foreach (FieldSyntax claim in auth.Members.OfType<FieldSyntax>())
        {
            string? name = claim.Type?.Name.Text;
            BlockSyntax? type = file.Blocks.FirstOrDefault(b => b is RecordSyntax { Kind: RecordKind.Type } && b.Name?.Text == name);
            if (type is not RecordSyntax inner) claims.Add(claim.Name.Text);
            else foreach (FieldSyntax field in inner.Members.OfType<FieldSyntax>()) claims.Add($"{claim.Name.Text}.{field.Name.Text}");
        }
        return claims;
    }

    /// <summary>Null when nothing of it is special.</summary>
    string? Comparison(int from, int to)
    {
        int at = from;
        while (at < to && !IsOperator(at, "==") && !IsOperator(at, "!=") && !Is(at, "in") && !Is(at, "not")) at = Skip(at, to);
        bool isNotIn = at + 1 < to && Is(at, "not") && Is(at + 1, "in");
        if (at < to && Is(at, "not") && !isNotIn) return null;
        int rightAt = Math.Min(to, at + (isNotIn ? 2 : 1));
        string op = at >= to ? "" : isNotIn ? "in" : TextOf(at);
        Side left = SideOf(from, at), right = SideOf(rightAt, to);
        bool isSpecial = isNotIn || left.IsQuantified || right.IsQuantified;
        // The caller is compared with a record by their keys.
        if (left.IsCaller && right.Path is { Length: > 0 } && op is "==" or "!=" && left.IsCaller && right.Path is not null)
            (left, right, isSpecial) = (left with { Text = "auth.id" }, right with { Path = [.. right.Path, "id"] }, true);
        else if (right.IsCaller && left.Path is { Length: > 0 } && op is "==" or "!=" && right.IsCaller && left.Path is not null)
            (left, right, isSpecial) = (left with { Path = [.. left.Path, "id"] }, right with { Text = "auth.id" }, true);
        if (!isSpecial) return null;
        string text = left.IsQuantified ? Quantified(left.Path!, 0, p => Joined(p, op, right.ToString()))
            : right.IsQuantified ? Quantified(right.Path!, 0, p => Joined(left.ToString(), op, p))
            : Joined(left.ToString(), op, right.ToString());
        return isNotIn ? $"!({text})" : text;
    }

    static string Joined(string left, string op, string right) => op.Length == 0 ? left : $"{left} {op} {right}";

    /// <param name="Path">The names of a path of the row; null when it is something else.</param>
    readonly record struct Side(string Text, string[]? Path, bool IsCaller)
    {
        /// <summary>A quantifier stands between two other names. A longer path than this no rule can enter: CEL refuses it.</summary>
        public bool IsQuantified =>
            Path is { Length: <= 64 } path && path[..^1].Skip(1).Any(IsQuantifier) && !IsQuantifier(path[^1]);

        public override string ToString() => Path is null ? Text : string.Join('.', Path);

        public static bool IsQuantifier(string name) => CstackAliases.Find(CstackAliases.Quantifiers, name) is not null;
    }

    Side SideOf(int from, int to)
    {
        StringBuilder text = new();
        for (int i = from; i < to; i++)
        {
            if (i > from && _tokens[i - 1].End < _tokens[i].Start) text.Append(' ');
            string token = TextOf(i);
            text.Append(_tokens[i].Kind == TokenKind.String ? CstackText.Native(token) ?? token : token);
            if (IsCallOfAuth(i)) i += 2;
        }
        string written = text.ToString();
        if (written == "auth") return new Side(written, null, IsCaller: true);
        bool isPath = to > from && !Is(from, "auth") && !Is(from, "null") && !Is(from, "true") && !Is(from, "false");
        for (int i = from; i < to && isPath; i++)
            isPath = (i - from) % 2 == 0 ? _tokens[i].IsName : _tokens[i].Kind == TokenKind.Dot && i + 1 < to;
        return new Side(written, isPath ? written.Split('.') : null, IsCaller: false);
    }

    /// <summary><c>members.some.user.id</c> → <c>members.exists(m, …m.user.id…)</c>, from the outside in.</summary>
    static string Quantified(string[] path, int depth, Func<string, string> inner)
    {
        int at = Array.FindIndex(path, 1, Side.IsQuantifier);
        if (at < 0 || at == path.Length - 1) return inner(string.Join('.', path));
        string macro = CstackAliases.Find(CstackAliases.Quantifiers, path[at])!; // It is one: IsQuantifier found it.
        string relation = path[at - 1], variable = char.ToLowerInvariant(relation[0]) + (depth == 0 ? "" : $"{depth}");
        string body = Quantified([variable, .. path[(at + 1)..]], depth + 1, inner);
        string not = macro[0] == '!' ? "!" : "";
        return $"{not}{string.Join('.', path[..at])}.{macro.TrimStart('!')}({variable}, {body})";
    }

    /// <summary>The caller is <c>auth()</c> there and <c>auth</c> here.</summary>
    bool IsCallOfAuth(int index) => Is(index, "auth") && index + 2 < _tokens.Count
        && _tokens[index + 1].Kind == TokenKind.OpenParen && _tokens[index + 2].Kind == TokenKind.CloseParen;

    int Skip(int at, int to) =>
        _tokens[at].Kind is TokenKind.OpenParen or TokenKind.OpenBracket or TokenKind.OpenBrace ? Closing(at, to) + 1 : at + 1;

    bool IsOperator(int index, string text) => _tokens[index].Kind == TokenKind.Operator && file.Is(_tokens[index], text);

    bool Is(int index, string text) => index < _tokens.Count && _tokens[index].Kind == TokenKind.Name && file.Is(_tokens[index], text);

    string TextOf(int index) => file.TextOf(_tokens[index]);
}
