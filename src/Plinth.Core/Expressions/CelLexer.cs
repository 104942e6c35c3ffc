using System.Globalization;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// Text to tokens by the lexical grammar of cel-spec. Positions are those of the whole source, so that a diagnostic points into the
/// schema.
/// </summary>
static class CelLexer
{
    static readonly string[] s_symbols =
    [
        "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}",
    ];

    /// <exception cref="CelError">A character or literal that the grammar does not know.</exception>
    public static List<CelToken> Read(string text, Span span)
    {
        int at = span.Start;
        int end = Math.Min(span.End, text.Length);
        // Tokens are large, and growing by doubling copies them all: three characters a token is what rules have.
        List<CelToken> tokens = new(((end - at) / 3) + 4);
        while (SkipBlank(text, ref at, end))
        {
            CelToken token = Next(text, at, end);
            tokens.Add(token);
            at = token.Span.End;
        }
        tokens.Add(new CelToken(CelTokenKind.End, new Span(end, 0), "the end", Value.Null));
        return tokens;
    }

    static bool SkipBlank(string text, ref int at, int end)
    {
        while (at < end)
        {
            if (text[at] is ' ' or '\t' or '\n' or '\r' or '\f')
            {
                at++;
            }
            else if (text[at] == '/' && at + 1 < end && text[at + 1] == '/')
            {
                while (at < end && text[at] != '\n') at++;
            }
            else
            {
                return true;
            }
        }
        return false;
    }

    static CelToken Next(string text, int at, int end)
    {
        char c = text[at];
        if (StartsString(text, at, end)) return CelStrings.Read(text, at, end);
        if (IsNameStart(c)) return Name(text, at, end);
        if (c == '`') return Quoted(text, at, end);
        if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < end && char.IsAsciiDigit(text[at + 1]))) return Number(text, at, end);
        foreach (string symbol in s_symbols)
        {
            if (string.CompareOrdinal(text, at, symbol, 0, symbol.Length) == 0 && at + symbol.Length <= end)
                return new CelToken(CelTokenKind.Symbol, new Span(at, symbol.Length), symbol, Value.Null);
        }
        string? hint = c switch
        {
            '&' => "'and' is written &&",
            '|' => "'or' is written ||",
            '=' => "equality is written ==",
            _ => null,
        };
        throw new CelError("syntax", new Span(at, 1), $"'{c}' does not belong into an expression", hint);
    }

    /// <summary>A quote, with the prefixes r and b in any case and order.</summary>
    static bool StartsString(string text, int at, int end)
    {
        for (int i = at; i < end && i < at + 3; i++)
        {
            if (text[i] is '"' or '\'') return true;
            if (text[i] is not ('r' or 'R' or 'b' or 'B')) return false;
        }
        return false;
    }

    public static bool IsName(string text) => text.Length > 0 && IsNameStart(text[0]) && text.All(IsNamePart);

    static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_';

    static bool IsNamePart(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    static CelToken Name(string text, int at, int end)
    {
        int to = at + 1;
        while (to < end && IsNamePart(text[to])) to++;
        Span span = Span.Between(at, to);
        string name = text[at..to];
        return name switch
        {
            "true" => new CelToken(CelTokenKind.Literal, span, name, Value.True),
            "false" => new CelToken(CelTokenKind.Literal, span, name, Value.False),
            "null" => new CelToken(CelTokenKind.Literal, span, name, Value.Null),
            "in" => new CelToken(CelTokenKind.Symbol, span, name, Value.Null),
            _ => new CelToken(CelTokenKind.Identifier, span, name, Value.Null),
        };
    }

    static CelToken Quoted(string text, int at, int end)
    {
        int close = text.IndexOf('`', at + 1);
        if (close < 0 || close >= end || close == at + 1)
            throw new CelError("syntax", new Span(at, 1), "a quoted name ends with another backtick");
        for (int i = at + 1; i < close; i++)
        {
            if (!IsNamePart(text[i]) && text[i] is not ('.' or '-' or '/' or ' '))
                throw new CelError("syntax", new Span(i, 1), "a quoted name is made of letters, digits, '_', '.', '-', '/' and spaces");
        }
        return new CelToken(CelTokenKind.Identifier, Span.Between(at, close + 1), text[(at + 1)..close], Value.Null);
    }

    static CelToken Number(string text, int at, int end)
    {
        bool isHex = text[at] == '0' && at + 1 < end && text[at + 1] is 'x' or 'X';
        int to = isHex ? at + 2 : at;
        while (to < end && (isHex ? char.IsAsciiHexDigit(text[to]) : char.IsAsciiDigit(text[to]))) to++;
        bool isDouble = false;
        if (!isHex && to + 1 < end && text[to] == '.' && char.IsAsciiDigit(text[to + 1]))
        {
            isDouble = true;
            to++;
            while (to < end && char.IsAsciiDigit(text[to])) to++;
        }
        if (!isHex && to < end && text[to] is 'e' or 'E')
        {
            int exponent = to + 1 < end && text[to + 1] is '+' or '-' ? to + 2 : to + 1;
            if (exponent < end && char.IsAsciiDigit(text[exponent]))
            {
                isDouble = true;
                to = exponent;
                while (to < end && char.IsAsciiDigit(text[to])) to++;
            }
        }
        bool isUnsigned = !isDouble && to < end && text[to] is 'u' or 'U';
        Span span = Span.Between(at, isUnsigned ? to + 1 : to);
        if (span.End < end && IsNamePart(text[span.End]))
            throw new CelError("syntax", Span.Between(at, span.End + 1), $"'{text[at..(span.End + 1)]}' is neither a number nor a name");
        return new CelToken(CelTokenKind.Literal, span, text[at..span.End], Parse(text[at..to], span, isHex, isDouble, isUnsigned));
    }

    static Value Parse(string digits, Span span, bool isHex, bool isDouble, bool isUnsigned)
    {
        if (isDouble)
        {
            double value = double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture);
            return double.IsFinite(value)
                ? Value.From(value)
                : throw new CelError("syntax", span, $"{digits} is beyond the range of a double");
        }
        bool read = isHex
            ? ulong.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong number)
            : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
        if (!read) throw new CelError("syntax", span, $"{digits} is beyond the range of 64 bits");
        if (isUnsigned) return Value.From(number);
        // 9223372036854775808 exists only behind a minus; the parser turns the pair into the smallest int and refuses it elsewhere.
        return number <= long.MaxValue ? Value.From((long)number) : Value.FromOther(number);
    }
}
