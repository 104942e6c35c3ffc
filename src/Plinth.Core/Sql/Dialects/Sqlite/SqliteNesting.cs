namespace Plinth.Sql.Dialects.Sqlite;

/// <summary>
/// How deep the parser's stack gets over an expression: it holds 100 entries before version 3.46 and fails beyond. Counted by tokens
/// from above: what an open parenthesis, choice or subquery leaves on the stack while its inside is read.
/// </summary>
static class SqliteNesting
{
    /// <summary>What an expression may take; the rest is for the statement around it.</summary>
    public const int Max = 80;

    // Entries below: an operand and its operator; a function's name and "distinct"; the items read so far.
    const int Operator = 2, Function = 2, Comma = 2, Select = 5, Case = 5;

    public static int Of(ReadOnlySpan<char> sql)
    {
        Stack<int> open = new();
        int depth = 0, deepest = 0;
        char before = '(';
        bool afterWord = false;
        for (int at = 0; at < sql.Length;)
        {
            char c = sql[at];
            if (c == ' ')
            {
                at++;
                continue;
            }
            if (c is '"' or '\'')
            {
                at = EndOfQuoted(sql, at);
                (before, afterWord) = ('x', false);
                continue;
            }
            if (char.IsAsciiLetter(c))
            {
                int end = at;
                while (end < sql.Length && (char.IsAsciiLetterOrDigit(sql[end]) || sql[end] == '_')) end++;
                ReadOnlySpan<char> word = sql[at..end];
                if (word is "select") depth += Push(open, Select, closes: false);
                else if (word is "case") depth += Push(open, Operator + Case, closes: false);
                else if (word is "end") depth -= open.Pop();
                (before, afterWord, at) = ('x',
                    word is not ("case" or "when" or "then" or "else" or "select" or "from" or "where" or "as" or "on"), end);
            }
            else
            {
                if (c == '(') depth += Push(open,
                    1 + (before == ',' ? Comma : before == '(' ? 0 : afterWord ? Function + Operator : Operator), closes: true);
                else if (c == ')') depth -= Close(open);
                (before, afterWord) = (c, false);
                at++;
            }
            deepest = Math.Max(deepest, depth);
        }
        return deepest;
    }

    static int Push(Stack<int> open, int entries, bool closes)
    {
        open.Push(closes ? -entries : entries);
        return entries;
    }

    /// <summary>A parenthesis closes the select inside of it.</summary>
    static int Close(Stack<int> open)
    {
        int entries = 0;
        while (open.TryPop(out int top))
        {
            if (top < 0) return entries - top;
            entries += top;
        }
        return entries;
    }

    static int EndOfQuoted(ReadOnlySpan<char> sql, int at)
    {
        int close = sql[(at + 1)..].IndexOf(sql[at]);
        return close < 0 ? sql.Length : at + close + 2;
    }
}
