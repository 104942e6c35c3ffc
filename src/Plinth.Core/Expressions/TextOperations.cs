using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>Functions of text. Positions and lengths count code points.</summary>
static class TextOperations
{
    /// <summary>Unicode's White_Space, the set that trim() takes away on every execution.</summary>
    public const string Blanks =
        "\t\n\v\f\r \u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000";

    public static int CodePoints(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        foreach (char c in text)
        {
            if (char.IsLowSurrogate(c)) count--;
        }
        return count;
    }

    public static Value Apply(CelFunction function, in Value a)
    {
        if (a.Kind != ValueKind.String) return Value.Null;
        return Value.From(function switch
        {
            CelFunction.LowerAscii => Ascii(a.String, isUpper: false),
            CelFunction.UpperAscii => Ascii(a.String, isUpper: true),
            _ => a.String.AsSpan().Trim(Blanks).ToString(),
        });
    }

    static string Ascii(string text, bool isUpper) => string.Create(text.Length, (text, isUpper), static (to, from) =>
    {
        for (int i = 0; i < to.Length; i++)
        {
            char c = from.text[i];
            to[i] = !char.IsAscii(c) ? c : from.isUpper ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c);
        }
    });

    public static Value Apply(CelFunction function, in Value a, in Value b)
    {
        if (a.Kind != ValueKind.String) return Value.Null;
        if (function == CelFunction.Substring) return Substring(a, b, Value.From((long)CodePoints(a.String)));
        if (function == CelFunction.CharAt) return CharAt(a.String, b);
        if (b.Kind != ValueKind.String) return Value.Null;
        return function switch
        {
            CelFunction.Contains => Value.From(a.String.Contains(b.String, StringComparison.Ordinal)),
            CelFunction.StartsWith => Value.From(a.String.StartsWith(b.String, StringComparison.Ordinal)),
            CelFunction.EndsWith => Value.From(a.String.EndsWith(b.String, StringComparison.Ordinal)),
            CelFunction.IndexOf => IndexOf(a.String, b.String),
            _ => throw new InvalidOperationException($"{function} does not take a text and one argument"),
        };
    }

    static Value IndexOf(string text, string part)
    {
        int at = text.IndexOf(part, StringComparison.Ordinal);
        return Value.From(at < 0 ? -1L : CodePoints(text.AsSpan(0, at)));
    }

    /// <summary>At the very end it is the empty text, as in CEL's extension.</summary>
    static Value CharAt(string text, in Value index)
    {
        if (index.Kind != ValueKind.Int) return Value.Null;
        return index.Int == CodePoints(text) ? Value.From("") : Substring(Value.From(text), index, Value.From(unchecked(index.Int + 1)));
    }

    /// <summary>From start (inclusive) to end (exclusive); what lies outside of the text has no result.</summary>
    public static Value Substring(in Value text, in Value start, in Value end)
    {
        if (text.Kind != ValueKind.String || start.Kind != ValueKind.Int || end.Kind != ValueKind.Int) return Value.Null;
        long from = start.Int, to = end.Int;
        if (from < 0 || to < from || to > CodePoints(text.String)) return Value.Null;
        int first = Offset(text.String, (int)from);
        return Value.From(text.String[first..(first + Offset(text.String.AsSpan(first), (int)(to - from)))]);
    }

    static int Offset(ReadOnlySpan<char> text, int codePoints)
    {
        int at = 0;
        for (; codePoints > 0; codePoints--) at += char.IsHighSurrogate(text[at]) ? 2 : 1;
        return at;
    }

    public static Value Replace(in Value text, in Value part, in Value with)
    {
        if (text.Kind != ValueKind.String || part.Kind != ValueKind.String || with.Kind != ValueKind.String) return Value.Null;
        // An empty part stands between all characters in CEL's extension, and nowhere in SQL: it has no result here.
        return part.String.Length == 0 ? Value.Null : Value.From(text.String.Replace(part.String, with.String, StringComparison.Ordinal));
    }
}
