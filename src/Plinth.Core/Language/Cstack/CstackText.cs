using System.Text;

namespace Plinth.Language.Cstack;

/// <summary>Strings of <c>.cstack</c> files.</summary>
static class CstackText
{
    /// <summary>The native form of a string token; null when it is the same.</summary>
    public static string? Native(string token)
    {
        bool isPlain = token.Length > 1 && token[0] is '"' or '\'' && !token.StartsWith("\"\"\"", StringComparison.Ordinal);
        if (!isPlain || !token.Contains('\\', StringComparison.Ordinal)) return null;
        StringBuilder text = new(token.Length + 8);
        bool isSame = true;
        for (int i = 0; i < token.Length; i++)
        {
            text.Append(token[i]);
            if (token[i] != '\\') continue;
            char next = i + 1 < token.Length ? token[i + 1] : '\0';
            if (next is '\\' or '"' || next == token[0])
            {
                text.Append(next);
                i++;
                continue;
            }
            text.Append('\\');
            isSame = false;
        }
        return isSame ? null : text.ToString();
    }
}
