using System.Globalization;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>String and bytes literals: the prefixes r and b, one or three quotes, and the escapes of cel-spec.</summary>
static class CelStrings
{
    public static CelToken Read(string text, int at, int end)
    {
        bool isRaw = false, isBytes = false;
        int open = at;
        for (; text[open] is not ('"' or '\''); open++)
        {
            bool again = text[open] is 'r' or 'R' ? isRaw : isBytes;
            if (again) throw new CelError("syntax", new Span(at, 2), "a prefix of a literal stands once");
            if (text[open] is 'r' or 'R') isRaw = true;
            else isBytes = true;
        }
        char quote = text[open];
        bool isTriple = open + 2 < end && text[open + 1] == quote && text[open + 2] == quote;
        int from = open + (isTriple ? 3 : 1);
        int close = Close(text, from, end, quote, isTriple, isRaw);
        if (close < 0) throw new CelError("syntax", Span.Between(at, Math.Min(end, open + 1)), "the literal has no closing quote");
        Span span = Span.Between(at, close + (isTriple ? 3 : 1));
        ReadOnlySpan<char> inner = text.AsSpan(from, close - from);
        Value value = isBytes ? Value.FromBytes(Bytes(inner, from, isRaw)) : Value.From(String(inner, from, isRaw));
        return new CelToken(CelTokenKind.Literal, span, text[span.Start..span.End], value);
    }

    static int Close(string text, int from, int end, char quote, bool isTriple, bool isRaw)
    {
        for (int i = from; i < end; i++)
        {
            if (text[i] == '\\' && !isRaw) i++;
            else if (!isTriple && text[i] is '\n' or '\r') return -1;
            else if (text[i] == quote && (!isTriple || (i + 2 < end && text[i + 1] == quote && text[i + 2] == quote))) return i;
        }
        return -1;
    }

    static string String(ReadOnlySpan<char> inner, int offset, bool isRaw)
    {
        StringBuilder to = new(inner.Length);
        for (int i = 0; i < inner.Length;)
        {
            if (inner[i] == '\\' && !isRaw)
            {
                uint code = Escape(inner, offset, ref i, out _);
                if (code > 0x10FFFF || code is >= 0xD800 and <= 0xDFFF)
                    throw new CelError("syntax", new Span(offset + i - 1, 1), "the escape is no character of Unicode");
                to.Append(char.ConvertFromUtf32((int)code));
            }
            else
            {
                to.Append(inner[i++]);
            }
        }
        string value = to.ToString();
        return HasLoneSurrogate(value)
            ? throw new CelError("syntax", new Span(offset, inner.Length), "half of a surrogate pair is no character")
            : value;
    }

    static byte[] Bytes(ReadOnlySpan<char> inner, int offset, bool isRaw)
    {
        List<byte> to = new(inner.Length);
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < inner.Length;)
        {
            if (inner[i] == '\\' && !isRaw)
            {
                uint code = Escape(inner, offset, ref i, out bool isCharacter);
                if (isCharacter)
                    throw new CelError("syntax", new Span(offset + i - 1, 1), "\\u and \\U stand in strings only, not in bytes");
                to.Add((byte)code);
                continue;
            }
            if (Rune.DecodeFromUtf16(inner[i..], out Rune rune, out int read) != System.Buffers.OperationStatus.Done)
                throw new CelError("syntax", new Span(offset + i, 1), "half of a surrogate pair is no character");
            to.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
            i += read;
        }
        return [.. to];
    }

    /// <summary>Reads the escape that <paramref name="at"/> stands on and moves behind it.</summary>
    static uint Escape(ReadOnlySpan<char> inner, int offset, ref int at, out bool isCharacter)
    {
        int start = at;
        char kind = inner[at + 1];
        isCharacter = kind is 'u' or 'U';
        at += 2;
        switch (kind)
        {
            case 'a': return 7;
            case 'b': return 8;
            case 'f': return 12;
            case 'n': return 10;
            case 'r': return 13;
            case 't': return 9;
            case 'v': return 11;
            case '\\' or '?' or '"' or '\'' or '`': return kind;
            case 'x' or 'X': return Digits(inner, offset, start, ref at, 2, NumberStyles.AllowHexSpecifier);
            case 'u': return Digits(inner, offset, start, ref at, 4, NumberStyles.AllowHexSpecifier);
            case 'U': return Digits(inner, offset, start, ref at, 8, NumberStyles.AllowHexSpecifier);
            case >= '0' and <= '3':
                at--;
                return Octal(inner, offset, start, ref at);
            default:
                throw new CelError("syntax", new Span(offset + start, 2), $"\\{kind} is no escape",
                    "a backslash is written \\\\, or the literal r\"…\"");
        }
    }

    static uint Digits(ReadOnlySpan<char> inner, int offset, int start, ref int at, int count, NumberStyles style)
    {
        if (at + count > inner.Length || !uint.TryParse(inner.Slice(at, count), style, CultureInfo.InvariantCulture, out uint code))
            throw new CelError("syntax", Span.Between(offset + start, offset + Math.Min(inner.Length, at + count)),
                $"the escape needs {count} hexadecimal digits");
        at += count;
        return code;
    }

    static uint Octal(ReadOnlySpan<char> inner, int offset, int start, ref int at)
    {
        uint code = 0;
        for (int i = 0; i < 3; i++, at++)
        {
            if (at >= inner.Length || inner[at] is not (>= '0' and <= '7'))
                throw new CelError("syntax", Span.Between(offset + start, offset + Math.Min(inner.Length, at + 1)),
                    "the escape needs three octal digits");
            code = code * 8 + (uint)(inner[at] - '0');
        }
        return code;
    }

    static bool HasLoneSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return true;
            i++;
        }
        return false;
    }
}
