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
        string note = "";
        for (int i = 0; i < Lookalikes.Length; i += 2)
        {
            if (Lookalikes[i] == rune.Value) note = $" (looks like '{Lookalikes[i + 1]}')";
        }
        if (rune.Value is >= 0xFF01 and <= 0xFF5E) note = $" (looks like '{(char)(rune.Value - 0xFEE0)}')";
        UnicodeCategory category = Rune.GetUnicodeCategory(rune);
        if (category is UnicodeCategory.Format or UnicodeCategory.Control) note = " (invisible)";
        else if (note.Length == 0 && Rune.IsLetterOrDigit(rune)) note = $" ('{rune}')";
        return string.Create(CultureInfo.InvariantCulture, $"U+{rune.Value:X4}{note}");
    }
}
