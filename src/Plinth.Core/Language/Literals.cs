using System.Globalization;
using System.Text;
using Plinth.Text;

namespace Plinth.Language;

/// <summary>What a literal token stands for.</summary>
static class Literals
{
    /// <summary>The text of a string token; null when it is not well-formed, which is reported.</summary>
    public static string? Text(SourceText source, in Token token, Findings findings)
    {
        ReadOnlySpan<char> text = source.Text.AsSpan(token.Start, token.Length);
        bool isRaw = false;
        int prefix = 0;
        for (; text[prefix] is not ('"' or '\''); prefix++)
        {
            isRaw |= text[prefix] is 'r' or 'R';
            if (text[prefix] is not ('b' or 'B')) continue;
            findings.Error(source, Codes.BadArgument, token.Span, "bytes do not stand here", "write the string without b");
            return null;
        }
        char quote = text[prefix];
        int quotes = text[prefix..].StartsWith([quote, quote, quote]) && text.Length - prefix >= 6 ? 3 : 1;
        int end = text.Length - quotes;
        // Not closed: the lexer has said so.
        if (end < prefix + quotes || text[^1] != quote) return null;
        ReadOnlySpan<char> body = text[(prefix + quotes)..end];
        if (isRaw || !body.Contains('\\')) return body.ToString();
        return Unescape(source, body, token.Start + prefix + quotes, findings);
    }

    static string? Unescape(SourceText source, ReadOnlySpan<char> body, int start, Findings findings)
    {
        StringBuilder text = new(body.Length);
        for (int i = 0; i < body.Length; i++)
        {
            if (body[i] != '\\')
            {
                text.Append(body[i]);
                continue;
            }
            char escape = i + 1 < body.Length ? body[i + 1] : '\0';
            int digits = escape switch { 'x' or 'X' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits > 0)
            {
                if (i + 2 + digits > body.Length
                    || !int.TryParse(body.Slice(i + 2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
                    || !Rune.TryCreate(code, out Rune rune))
                {
                    return BadEscape(source, new Span(start + i, 2), $"\\{escape} needs {digits} hexadecimal digits of a character",
                        findings);
                }
                text.Append(rune.ToString());
                i += 1 + digits;
                continue;
            }
            char plain = escape switch
            {
                'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', 'a' => '\a', 'v' => '\v',
                '\\' or '"' or '\'' or '`' or '?' => escape,
                _ => '\0',
            };
            if (plain == '\0') return BadEscape(source, new Span(start + i, 2), $"\\{escape} is no escape", findings);
            text.Append(plain);
            i++;
        }
        return text.ToString();
    }

    static string? BadEscape(SourceText source, Span span, string message, Findings findings)
    {
        findings.Error(source, Codes.BadArgument, span, message, "write \\\\ for a backslash, or a raw string: r\"…\"");
        return null;
    }
}
