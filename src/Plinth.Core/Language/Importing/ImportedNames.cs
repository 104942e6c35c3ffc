using System.Globalization;
using System.Text;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Language.Importing;

/// <summary>Names of foreign schemas as names of this language: what cannot stand is replaced, what is taken is changed, and
/// said.</summary>
static class ImportedNames
{
    /// <summary>For blocks: letters, digits and _; types of the language are taken.</summary>
    public static string Block(string name, HashSet<string> taken)
    {
        string clean = Clean(name);
        if (ScalarTypes.Names.Contains(clean) || ScalarTypes.NotAvailable.Contains(clean)) clean += "Record";
        return Free(clean, taken);
    }

    /// <summary>For fields of models: besides, words of lists and of expressions are taken, and a leading _ is ours.</summary>
    public static string Field(string name, HashSet<string> taken)
    {
        string clean = Clean(name).TrimStart('_');
        if (clean.Length == 0 || char.IsAsciiDigit(clean[0])) clean = "f" + clean;
        bool isTaken = Declarations.ListParameters.Contains(clean) || Declarations.LiteralWords.Contains(clean)
            || Declarations.ScopeWords.Contains(clean);
        return Free(isTaken ? clean + "Value" : clean, taken);
    }

    /// <summary>A value of an enum, or null when nothing of it can be a name.</summary>
    public static bool IsWord(string text) => text.Length is > 0 and <= Limits.NameLength && (char.IsAsciiLetter(text[0]) || text[0] == '_')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    static string Clean(string name)
    {
        StringBuilder clean = new(name.Length);
        bool startsWord = false;
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
            {
                startsWord = clean.Length > 0;
                continue;
            }
            clean.Append(startsWord ? char.ToUpperInvariant(c) : c);
            startsWord = false;
        }
        if (clean.Length == 0 || char.IsAsciiDigit(clean[0])) clean.Insert(0, 'T');
        return clean.Length <= Limits.NameLength - 4 ? clean.ToString() : clean.ToString(0, Limits.NameLength - 4);
    }

    static string Free(string name, HashSet<string> taken)
    {
        string free = name;
        for (int i = 2; !taken.Add(free); i++) free = string.Create(CultureInfo.InvariantCulture, $"{name}{i}");
        return free;
    }
}
