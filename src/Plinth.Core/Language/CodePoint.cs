using System.Globalization;
using System.Text;

namespace Plinth.Language;

/// <summary>How a character that may not stand where it stands is named to the person who cannot see it.</summary>
static class CodePoint
{
    // Letters of other scripts that are drawn like an ASCII letter: pairs of (foreign, ASCII).
    const string Lookalikes =
        "\u0430a\u0435e\u043Eo\u0440p\u0441c\u0443y\u0445x\u0456i\u0458j\u0455s\u04BBh\u0501d\u051Bq\u051Dw"
        + "\u0410A\u0412B\u0415E\u041AK\u041CM\u041DH\u041EO\u0420P\u0421C\u0422T\u0425X\u0131i"
        + "\u03B1a\u03BFo\u03C1p\u03BDv\u03B9i\u0391A\u0392B\u0395E\u0396Z\u0397H\u0399I\u039AK\u039CM\u039DN\u039FO\u03A1P\u03A4T"
        + "\u03A5Y\u03A7X";

    /// <summary><c>U+0430 (looks like 'a')</c>, <c>U+200B (invisible)</c>, <c>';'</c>.</summary>
    public static string Describe(string text, int at)
    {
        if (!Rune.TryGetRuneAt(text, at, out Rune rune)) return string.Create(CultureInfo.InvariantCulture,
            $"U+{(int)text[at]:X4} (half of a surrogate pair)");
        if (rune.Value is > 0x20 and < 0x7f) return $"'{rune}'";
        string note = LooksLike(rune) is { } ascii ? $" (looks like '{ascii}')" : "";
        UnicodeCategory category = Rune.GetUnicodeCategory(rune);
        if (category is UnicodeCategory.Format or UnicodeCategory.Control) note = " (invisible)";
        else if (note.Length == 0 && Rune.IsLetterOrDigit(rune)) note = $" ('{rune}')";
        return string.Create(CultureInfo.InvariantCulture, $"U+{rune.Value:X4}{note}");
    }

    /// <summary>As a string may hold it visibly: <c>\u200b</c>.</summary>
    public static string Escape(string text, int at)
    {
        int code = char.IsSurrogatePair(text, at) ? char.ConvertToUtf32(text, at) : text[at];
        return code > 0xffff ? string.Create(CultureInfo.InvariantCulture, $"\\U{code:x8}")
            : string.Create(CultureInfo.InvariantCulture, $"\\u{code:x4}");
    }

    /// <summary>
    /// Where a text deceives who reads it: a character that is not seen, or a letter that looks like an ASCII one in a word with ASCII
    /// letters (<c>"\u0430dmin"</c>). Words wholly of another script are what they seem. Direction marks are found elsewhere.
    /// </summary>
    /// <returns>Its place; -1 when there is none.</returns>
    public static int Deceiving(ReadOnlySpan<char> text, bool mayMixScripts)
    {
        if (!text.ContainsAnyExceptInRange(' ', '~')) return -1;
        int lookalike = -1;
        bool hasAscii = false;
        for (int at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length);
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            bool isHidden = category is UnicodeCategory.Control or UnicodeCategory.Format && rune.Value is not ('\t' or '\n' or '\r');
            if (isHidden && !IsBidiControl(rune)) return at;
            if (!Rune.IsLetter(rune)) (lookalike, hasAscii) = (-1, false);
            else if (rune.IsAscii) hasAscii = true;
            else if (lookalike < 0 && LooksLike(rune) is not null) lookalike = at;
            if (hasAscii && lookalike >= 0 && !mayMixScripts) return lookalike;
            at += length;
        }
        return -1;
    }

    static bool IsBidiControl(Rune rune) => rune.Value is (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069);

    static char? LooksLike(Rune rune)
    {
        if (rune.Value is >= 0xFF01 and <= 0xFF5E) return (char)(rune.Value - 0xFEE0);
        for (int i = 0; i < Lookalikes.Length; i += 2)
        {
            if (Lookalikes[i] == rune.Value) return Lookalikes[i + 1];
        }
        return null;
    }
}
