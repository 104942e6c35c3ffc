using System.Text;

namespace Plinth.Plan;

/// <summary>
/// RE2 syntax in .NET's spelling, where the same letters mean something else: <c>$</c> is the very end, the classes d, w and s are ASCII,
/// and groups are named with P.
/// </summary>
static class Re2Pattern
{
    public static string ToNet(string pattern)
    {
        StringBuilder net = new(pattern.Length + 16);
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length) net.Append(Escape(pattern[++i], inClass));
            else if (inClass && c == '[' && !(i + 1 < pattern.Length && pattern[i + 1] == ':')) net.Append("\\[");
            else if (c == '[' && inClass) i = NamedClass(pattern, i, net);
            else if (c == '[') inClass = Open(pattern, ref i, net);
            else if (c == ']' && inClass) (inClass, _) = (false, net.Append(c));
            else if (c == '$' && !inClass) net.Append("\\z");
            else if (c == '(' && pattern.AsSpan(i).StartsWith("(?P<", StringComparison.Ordinal)) (i, _) = (i + 2, net.Append("(?"));
            else net.Append(c);
        }
        return net.ToString();
    }

    /// <summary>The head of a class; a <c>]</c> that stands first is itself.</summary>
    static bool Open(string pattern, ref int i, StringBuilder net)
    {
        net.Append('[');
        if (i + 1 < pattern.Length && pattern[i + 1] == '^') net.Append(pattern[++i]);
        if (i + 1 < pattern.Length && pattern[i + 1] == ']') (i, _) = (i + 1, net.Append("\\]"));
        return true;
    }

    static int NamedClass(string pattern, int start, StringBuilder net)
    {
        int end = pattern.IndexOf(":]", start, StringComparison.Ordinal);
        string? members = end < 0 ? null : pattern[(start + 2)..end] switch
        {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => "\\x00-\\x7F",
            "blank" => "\\t ",
            "cntrl" => "\\x00-\\x1F\\x7F",
            "digit" => "0-9",
            "graph" => "!-~",
            "lower" => "a-z",
            "print" => " -~",
            "punct" => "!-/:-@\\[-`{-~",
            "space" => "\\t\\n\\v\\f\\r ",
            "upper" => "A-Z",
            "word" => "0-9A-Za-z_",
            "xdigit" => "0-9A-Fa-f",
            _ => null,
        };
        net.Append(members ?? "\\[");
        return members is null ? start : end + 1;
    }

    static string Escape(char letter, bool inClass) => (letter, inClass) switch
    {
        ('d', false) => "[0-9]",
        ('D', false) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('W', false) => "[^0-9A-Za-z_]",
        ('s', false) => "[\\t\\n\\f\\r ]",
        ('S', false) => "[^\\t\\n\\f\\r ]",
        ('d', true) => "0-9",
        ('w', true) => "0-9A-Za-z_",
        ('s', true) => "\\t\\n\\f\\r ",
        ('D', true) => "\\x00-/:-\\uFFFF",
        ('W', true) => "\\x00-/:-@\\[-^`{-\\uFFFF",
        ('S', true) => "\\x00-\\x08\\x0B\\x0E-\\x1F!-\\uFFFF",
        _ => "\\" + letter,
    };
}
