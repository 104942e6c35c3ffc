using System.Globalization;
using System.Text;

namespace Plinth.Sql.Dialects.Postgres;

/// <summary>
/// A pattern of <c>matches</c> in the syntax of the database's own matcher, where there is a form that means the same. What comes here has
/// passed the scan of the pattern's own language, so only what the two spell differently is looked at.
/// </summary>
static class PostgresPattern
{
    const string Word = "0-9A-Za-z_", Blank = @"\t\n\f\r ";

    const int RepeatMax = 255;

    /// <summary>Null when there is none: a change of case in the middle, a count that the database does not take.</summary>
    public static string? Of(string pattern)
    {
        StringBuilder to = new(pattern.Length + 16);
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            switch (c)
            {
                case '\\':
                    Escape(to, pattern, ref i, inClass);
                    break;
                case '[' when !inClass:
                    inClass = true;
                    to.Append(c);
                    break;
                case ']' when inClass:
                    inClass = false;
                    to.Append(c);
                    break;
                case '.' when !inClass:
                    to.Append("[^\\n]");
                    break;
                case '(' when !inClass && pattern.AsSpan(i).StartsWith("(?i", StringComparison.Ordinal):
                    // The database knows the option at the very start only, for all that follows.
                    if (i > 0 || pattern[3] != ')') return null;
                    to.Append("(?i)");
                    i += 3;
                    break;
                case '{' when !inClass && !IsShortCount(pattern.AsSpan(i + 1)):
                    return null;
                default:
                    to.Append(c);
                    break;
            }
        }
        return to.ToString();
    }

    static bool IsShortCount(ReadOnlySpan<char> rest)
    {
        int close = rest.IndexOf('}');
        if (close < 0) return false;
        foreach (Range part in rest[..close].Split(','))
        {
            ReadOnlySpan<char> digits = rest[..close][part];
            if (digits.IsEmpty) continue;
            if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count) || count > RepeatMax) return false;
        }
        return true;
    }

    static void Escape(StringBuilder to, string pattern, ref int i, bool inClass)
    {
        char kind = pattern[++i];
        switch (kind)
        {
            case 'd': to.Append(inClass ? "0-9" : "[0-9]"); break;
            case 'w': to.Append(inClass ? Word : $"[{Word}]"); break;
            case 's': to.Append(inClass ? Blank : $"[{Blank}]"); break;
            case 'D': to.Append("[^0-9]"); break;
            case 'W': to.Append($"[^{Word}]"); break;
            case 'S': to.Append($"[^{Blank}]"); break;
            case 'z': to.Append(@"\Z"); break;
            case 'x':
                // There \x takes as many digits as follow; \u takes four.
                to.Append(@"\u00").Append(pattern, i + 1, 2);
                i += 2;
                break;
            default: to.Append('\\').Append(kind); break;
        }
    }
}
