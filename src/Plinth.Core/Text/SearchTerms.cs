using System.Globalization;
using System.Text;

namespace Plinth.Text;

/// <summary>
/// The words of a text as full-text search knows them: segmented by the word boundary rules of UAX #29, those without a letter or digit
/// left out, case-folded, not stemmed. The engine makes them itself so that the same rows match on every database.
/// </summary>
/// <remarks>
/// Character classes come from the general categories of the runtime's Unicode data, plus the small closed sets that the annex names.
/// Scripts without spaces (Han, Hiragana, Thai and its neighbours) give one term per character, which searches match as all-of.
/// </remarks>
static class SearchTerms
{
    /// <summary>UTF-8 bytes of a term that are kept: nobody types more, and a text without spaces must not become one huge key.</summary>
    const int TermBytesMax = 128;

    enum Class
    {
        Other,
        Letter,
        Katakana,
        Ideograph,
        Numeric,
        ExtendNumLet,
        Extend,
        MidLetter,
        MidNum,
        MidNumLet,
    }

    /// <summary>The terms in the order of the text, repeated ones too.</summary>
    public static IEnumerable<string> Of(string text)
    {
        int at = 0;
        while (at < text.Length)
        {
            int end = NextBoundary(text, at, out bool isWord);
            if (isWord) yield return Fold(text.AsSpan(at, end - at));
            at = end;
        }
    }

    /// <summary>The terms of a text as a full-text table holds them: encoded, with spaces between.</summary>
    public static string Encode(string text)
    {
        StringBuilder encoded = new(text.Length);
        foreach (string term in Of(text))
        {
            if (encoded.Length > 0) encoded.Append(' ');
            EncodeTerm(encoded, term);
        }

        return encoded.ToString();
    }

    /// <summary>
    /// One term in letters, digits and underscores of ASCII, so that no tokenizer of a database has anything left to decide. What a term
    /// starts with, its code starts with: prefixes can be searched.
    /// </summary>
    public static string EncodeTerm(string term)
    {
        StringBuilder encoded = new(term.Length);
        EncodeTerm(encoded, term);
        return encoded.ToString();
    }

    static void EncodeTerm(StringBuilder to, string term)
    {
        Span<byte> utf8 = stackalloc byte[4];
        int bytes = 0;
        foreach (Rune rune in term.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > TermBytesMax) return;
            if (rune.IsAscii && char.IsAsciiLetterOrDigit((char)rune.Value))
            {
                to.Append((char)rune.Value);
                continue;
            }

            foreach (byte part in utf8[..rune.EncodeToUtf8(utf8)]) to.Append('_').Append(CultureInfo.InvariantCulture, $"{part:x2}");
        }
    }

    /// <summary>Upper then lower, so that letters with several lower forms (final sigma, long s) become one.</summary>
    static string Fold(ReadOnlySpan<char> word)
    {
        StringBuilder folded = new(word.Length);
        Span<char> units = stackalloc char[2];
        foreach (Rune rune in word.EnumerateRunes())
        {
            Rune lower = Rune.ToLowerInvariant(Rune.ToUpperInvariant(rune));
            folded.Append(units[..lower.EncodeToUtf16(units)]);
        }

        return folded.ToString();
    }

    /// <summary>The end of the segment that starts at an index, and whether it is a word.</summary>
    static int NextBoundary(string text, int start, out bool isWord)
    {
        Class left = ClassAt(text, start, out int length);
        int at = start + length;
        isWord = left is Class.Letter or Class.Numeric or Class.Katakana or Class.Ideograph;
        while (at < text.Length)
        {
            Class right = ClassAt(text, at, out length);

            // WB4: marks and format characters belong to what they follow.
            if (right == Class.Extend)
            {
                if (left == Class.Other && !isWord && !IsWordLike(text, start)) return at + SkipExtends(text, at);
                at += length;
                continue;
            }

            if (Joins(left, right))
            {
                at += length;
            }
            else if (IsMiddle(left, right) && NextAfterExtends(text, at + length, out int next) is var beyond && beyond == left)
            {
                // WB6, 7, 11, 12: can't, 3.14 — a mark between two letters or two digits does not part them.
                right = beyond;
                at = next;
            }
            else
            {
                return at;
            }

            isWord |= right is Class.Letter or Class.Numeric or Class.Katakana;
            left = right;
        }

        return at;
    }

    /// <summary>WB5, 8, 9, 10, 13, 13a, 13b.</summary>
    static bool Joins(Class left, Class right) => (left, right) switch
    {
        (Class.Letter or Class.Numeric, Class.Letter or Class.Numeric) => true,
        (Class.Katakana, Class.Katakana) => true,
        (Class.Letter or Class.Numeric or Class.Katakana or Class.ExtendNumLet, Class.ExtendNumLet) => true,
        (Class.ExtendNumLet, Class.Letter or Class.Numeric or Class.Katakana) => true,
        _ => false,
    };

    static bool IsMiddle(Class left, Class middle) => (left, middle) switch
    {
        (Class.Letter, Class.MidLetter or Class.MidNumLet) => true,
        (Class.Numeric, Class.MidNum or Class.MidNumLet) => true,
        _ => false,
    };

    static bool IsWordLike(string text, int at) => ClassAt(text, at, out _) is not Class.Other;

    static int SkipExtends(string text, int at)
    {
        int start = at;
        while (at < text.Length && ClassAt(text, at, out int length) == Class.Extend) at += length;
        return at - start;
    }

    static Class NextAfterExtends(string text, int at, out int next)
    {
        at += SkipExtends(text, at);
        next = at;
        if (at >= text.Length) return Class.Other;
        Class found = ClassAt(text, at, out int length);
        next = at + length;
        return found;
    }

    static Class ClassAt(string text, int at, out int length)
    {
        // A lone surrogate never gets into stored text; here it is a character without a class.
        if (Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out length) != System.Buffers.OperationStatus.Done) return Class.Other;
        int value = rune.Value;
        return value switch
        {
            '\'' or '.' or 0x2018 or 0x2019 or 0x2024 or 0xFE52 or 0xFF07 or 0xFF0E => Class.MidNumLet,
            ':' or 0xB7 or 0x387 or 0x55F or 0x5F4 or 0x2027 or 0xFE13 or 0xFE55 or 0xFF1A => Class.MidLetter,
            ',' or ';' or 0x37E or 0x589 or 0x60C or 0x60D or 0x66C or 0x7F8 or 0x2044 or 0xFE10 or 0xFE14 or 0xFE50 or 0xFE54 or 0xFF0C
                or 0xFF1B => Class.MidNum,
            0x202F => Class.ExtendNumLet,
            _ when IsKatakana(value) => Class.Katakana,
            _ when IsWithoutSpaces(value) => OfSpaceless(rune),
            _ => OfCategory(rune),
        };
    }

    static Class OfCategory(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber => Class.Letter,
        UnicodeCategory.DecimalDigitNumber => Class.Numeric,
        UnicodeCategory.ConnectorPunctuation => Class.ExtendNumLet,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Class.Extend,
        UnicodeCategory.Format when rune.Value != 0x200B => Class.Extend,
        _ => Class.Other,
    };

    static Class OfSpaceless(Rune rune) => OfCategory(rune) switch
    {
        Class.Letter => Class.Ideograph,
        var other => other,
    };

    static bool IsKatakana(int value) => value is (>= 0x3031 and <= 0x3035) or 0x309B or 0x309C or (>= 0x30A0 and <= 0x30FA)
        or (>= 0x30FC and <= 0x30FF) or (>= 0x31F0 and <= 0x31FF) or (>= 0x32D0 and <= 0x32FE) or (>= 0x3300 and <= 0x3357)
        or (>= 0xFF66 and <= 0xFF9D) or 0x1B000;

    /// <summary>Han, Hiragana; Thai, Lao, Myanmar, Khmer, Tai: scripts that the annex leaves to dictionaries or parts everywhere.</summary>
    static bool IsWithoutSpaces(int value) => value is (>= 0x0E00 and <= 0x0EFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x17FF)
        or (>= 0x1950 and <= 0x19DF) or (>= 0x1A20 and <= 0x1AAF) or (>= 0x3005 and <= 0x3007) or (>= 0x3021 and <= 0x3029)
        or (>= 0x3038 and <= 0x303B) or (>= 0x3041 and <= 0x3096) or (>= 0x309D and <= 0x309F) or (>= 0x3400 and <= 0x4DBF)
        or (>= 0x4E00 and <= 0x9FFF) or (>= 0xA9E0 and <= 0xA9FE) or (>= 0xAA60 and <= 0xAADF) or (>= 0xF900 and <= 0xFAFF)
        or (>= 0x1B001 and <= 0x1B16F) or (>= 0x20000 and <= 0x3FFFF);
}
