using System.Text.RegularExpressions;

namespace Plinth.Text;

/// <summary>
/// The patterns of <c>@regex</c> and <c>matches</c>: RE2's syntax, as far as it means the same in the engine's non-backtracking
/// matcher, so that time stays linear in the text.
/// </summary>
static class Regex2
{
    const int LengthMax = 1000;

    /// <summary>Why a pattern is not taken, or null.</summary>
    public static string? Refusal(string pattern)
    {
        if (pattern.Length > LengthMax) return $"it is longer than {LengthMax} characters";
        if (Scan(pattern) is { } refusal) return refusal;
        try
        {
            // Read, not made: the scan has excluded what the non-backtracking matcher refuses, and making one costs a check of a schema
            // more (0.1 ms each, and 60 ms for the first, whose code no image holds precompiled) than all else that it does.
            _ = new Regex(Spell(pattern), RegexOptions.CultureInvariant);
            return null;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return e.Message;
        }
    }

    /// <exception cref="ArgumentException">The pattern is one that <see cref="Refusal"/> refuses.</exception>
    public static Regex Compile(string pattern) =>
        Refusal(pattern) is { } refusal ? throw new ArgumentException(refusal, nameof(pattern)) : Make(pattern);

    /// <summary>The classes \d, \w and \s are spelled out as RE2 means them: ASCII.</summary>
    static Regex Make(string pattern) => new(Spell(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    /// <summary>What the two syntaxes do not share, by what follows a backslash or opens a group.</summary>
    static string? Scan(string pattern)
    {
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\')
            {
                if (++i == pattern.Length) return "it ends with a backslash";
                if (!IsSharedEscape(pattern[i])) return $"\\{pattern[i]} is not available";
                if (pattern[i] == 'x' && !IsHexEscape(pattern, i)) return "\\x needs two hexadecimal digits";
                if (inClass && pattern[i] is 'D' or 'W' or 'S' or 'A' or 'z') return $"\\{pattern[i]} is not available within [ ]";
            }
            else if (char.IsSurrogate(c))
            {
                if (inClass) return "characters beyond the basic plane are not available within [ ]: write (?:a|b)";
                if (i + 1 == pattern.Length || !char.IsSurrogatePair(c, pattern[++i])) return "half of a surrogate pair is no character";
            }
            else if (inClass)
            {
                if (c == ']') inClass = false;
                else if (c == '[') return "[ within [ ] is written \\[";
                else if (c == '-' && i + 1 < pattern.Length && pattern[i + 1] == '[') return "subtraction of classes is not available";
            }
            else if (c == '[')
            {
                inClass = true;
                if (i + 1 < pattern.Length && pattern[i + 1] == '^') i++;
                if (i + 1 < pattern.Length && pattern[i + 1] == ']') return "] first within [ ] is written \\]";
            }
            else if (c == '(' && i + 1 < pattern.Length && pattern[i + 1] == '?' && !IsSharedGroup(pattern.AsSpan(i + 2)))
            {
                return "of the groups (?…) only (?:…), (?i:…) and (?i) are available";
            }
        }
        return inClass ? "a [ is not closed" : null;
    }

    static bool IsSharedEscape(char c) => c is 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'A' or 'z' or 'n' or 'r' or 't' or 'f' or 'v'
        or 'a' or 'x' || !char.IsAsciiLetterOrDigit(c) && c < 128;

    static bool IsHexEscape(string pattern, int at) =>
        at + 2 < pattern.Length && char.IsAsciiHexDigit(pattern[at + 1]) && char.IsAsciiHexDigit(pattern[at + 2]);

    static bool IsSharedGroup(ReadOnlySpan<char> rest) => rest.StartsWith(":", StringComparison.Ordinal)
        || rest.StartsWith("i:", StringComparison.Ordinal) || rest.StartsWith("i)", StringComparison.Ordinal);

    // A text is code points, the matcher sees UTF-16: what matches "any but" must take a surrogate pair as one.
    const string Surrogates = @"\uD800-\uDFFF", Pair = @"[\uD800-\uDBFF][\uDC00-\uDFFF]";

    static string Spell(string pattern)
    {
        System.Text.StringBuilder to = new(pattern.Length + 16);
        bool inClass = false, isNegated = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            switch (c)
            {
                case '\\':
                    to.Append(Escape(pattern[++i], inClass));
                    break;
                case '[' when !inClass:
                    inClass = true;
                    isNegated = pattern[i + 1] == '^';
                    to.Append(isNegated ? $"(?:[^{Surrogates}" : "[");
                    if (isNegated) i++;
                    break;
                case ']' when inClass:
                    inClass = false;
                    to.Append(isNegated ? $"]|{Pair})" : "]");
                    break;
                case '.' when !inClass:
                    to.Append(AnyBut(@"\n"));
                    break;
                case '$' when !inClass:
                    // The very end in RE2, not also before a last line feed.
                    to.Append(@"\z");
                    break;
                case var _ when char.IsHighSurrogate(c):
                    // Two units for the matcher, one character for what stands behind it.
                    to.Append($"(?:{c}{pattern[++i]})");
                    break;
                default:
                    to.Append(c);
                    break;
            }
        }
        return to.ToString();
    }

    static string AnyBut(string set) => $"(?:[^{set}{Surrogates}]|{Pair})";

    static string Escape(char kind, bool inClass)
    {
        const string Word = "0-9A-Za-z_", Blank = @"\t\n\f\r ";
        return kind switch
        {
            'd' => inClass ? "0-9" : "[0-9]",
            'w' => inClass ? Word : $"[{Word}]",
            's' => inClass ? Blank : $"[{Blank}]",
            'D' => AnyBut("0-9"),
            'W' => AnyBut(Word),
            'S' => AnyBut(Blank),
            _ => $"\\{kind}",
        };
    }
}
