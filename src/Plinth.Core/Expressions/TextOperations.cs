using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>Functions of text. Positions and lengths count code points.</summary>
static class TextOperations
{
    /// <summary>Unicode's White_Space, the set that trim() takes away on every execution.</summary>
    public const string Blanks =
        "\t\n\v\f\r \u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000";

    public static int CodePoints(ReadOnlySpan<char> text)
    {
        // Most texts have no character beyond the basic plane, which is found many characters at a time.
        int count = text.Length;
        if (!text.ContainsAnyInRange('\uDC00', '\uDFFF')) return count;
        foreach (char c in text)
        {
            if (char.IsLowSurrogate(c)) count--;
        }
        return count;
    }

    public static Value Apply(CelFunction function, in Value a)
    {
        if (function == CelFunction.Join) return Join(a, Value.From(""));
        if (a.Kind != ValueKind.String) return EvaluationError.NoOverload;
        return Value.From(function switch
        {
            CelFunction.LowerAscii => Ascii(a.String, isUpper: false),
            CelFunction.UpperAscii => Ascii(a.String, isUpper: true),
            CelFunction.Quote => Quoted(a.String),
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
        if (a.Kind != ValueKind.String) return EvaluationError.NoOverload;
        if (function == CelFunction.Substring) return Substring(a, b, Value.From((long)CodePoints(a.String)));
        if (function == CelFunction.CharAt) return CharAt(a.String, b);
        if (b.Kind != ValueKind.String) return EvaluationError.NoOverload;
        return function switch
        {
            CelFunction.Contains => Value.From(a.String.Contains(b.String, StringComparison.Ordinal)),
            CelFunction.StartsWith => Value.From(a.String.StartsWith(b.String, StringComparison.Ordinal)),
            CelFunction.EndsWith => Value.From(a.String.EndsWith(b.String, StringComparison.Ordinal)),
            CelFunction.IndexOf => Position(a.String, a.String.IndexOf(b.String, StringComparison.Ordinal)),
            CelFunction.LastIndexOf => Position(a.String, a.String.LastIndexOf(b.String, StringComparison.Ordinal)),
            CelFunction.Split => Split(a, b, Value.From(-1L)),
            _ => throw new InvalidOperationException($"{function} does not take a text and one argument"),
        };
    }

    /// <summary>A place in UTF-16 as one in code points.</summary>
    static Value Position(string text, int at) => Value.From(at < 0 ? -1L : CodePoints(text.AsSpan(0, at)));

    public static Value Matches(in Value text, in Value pattern)
    {
        if (text.Kind != ValueKind.String || pattern.Kind != ValueKind.String) return EvaluationError.NoOverload;
        return Regex2.Refusal(pattern.String) is null ? Value.From(Regex2.Compile(pattern.String).IsMatch(text.String))
            : EvaluationError.BadPattern;
    }

    /// <summary>At the very end it is the empty text, as in CEL's extension.</summary>
    static Value CharAt(string text, in Value index)
    {
        if (index.Kind != ValueKind.Int) return EvaluationError.NoOverload;
        return index.Int == CodePoints(text) ? Value.From("") : Substring(Value.From(text), index, Value.From(unchecked(index.Int + 1)));
    }

    /// <summary>From start (inclusive) to end (exclusive); what lies outside of the text has no result.</summary>
    public static Value Substring(in Value text, in Value start, in Value end)
    {
        if (text.Kind != ValueKind.String || start.Kind != ValueKind.Int || end.Kind != ValueKind.Int) return EvaluationError.NoOverload;
        long from = start.Int, to = end.Int;
        if (from < 0 || to < from || to > CodePoints(text.String)) return EvaluationError.OutOfBounds;
        int first = Offset(text.String, (int)from);
        return Value.From(text.String[first..(first + Offset(text.String.AsSpan(first), (int)(to - from)))]);
    }

    static int Offset(ReadOnlySpan<char> text, int codePoints)
    {
        int at = 0;
        for (; codePoints > 0; codePoints--) at += char.IsHighSurrogate(text[at]) ? 2 : 1;
        return at;
    }

    public static Value IndexOf(in Value text, in Value part, in Value from)
    {
        if (!IsPlace(text, part, from, out int at, out Value refused)) return refused;
        int found = text.String.AsSpan(at).IndexOf(part.String, StringComparison.Ordinal);
        return found < 0 ? Value.From(-1L) : Position(text.String, at + found);
    }

    /// <summary>The last occurrence that starts at the place or before it.</summary>
    public static Value LastIndexOf(in Value text, in Value part, in Value from)
    {
        if (!IsPlace(text, part, from, out int at, out Value refused)) return refused;
        int end = Math.Min(text.String.Length, at + part.String.Length);
        return Position(text.String, text.String.AsSpan(0, end).LastIndexOf(part.String, StringComparison.Ordinal));
    }

    static bool IsPlace(in Value text, in Value part, in Value from, out int at, out Value refused)
    {
        (at, refused) = (0, EvaluationError.NoOverload);
        if (text.Kind != ValueKind.String || part.Kind != ValueKind.String || from.Kind != ValueKind.Int) return false;
        refused = EvaluationError.OutOfBounds;
        if (from.Int < 0 || from.Int > CodePoints(text.String)) return false;
        at = Offset(text.String, (int)from.Int);
        return true;
    }

    /// <summary>The first <paramref name="count"/> occurrences, all of them below 0. An empty part stands before every character.</summary>
    public static Value Replace(in Value text, in Value part, in Value with, in Value count)
    {
        if (text.Kind != ValueKind.String || part.Kind != ValueKind.String || with.Kind != ValueKind.String
            || count.Kind != ValueKind.Int) return EvaluationError.NoOverload;
        long left = count.Int < 0 ? long.MaxValue : count.Int;
        StringBuilder to = new();
        ReadOnlySpan<char> rest = text.String;
        for (; left > 0; left--)
        {
            int at = rest.IndexOf(part.String, StringComparison.Ordinal);
            if (at < 0) break;
            to.Append(rest[..at]).Append(with.String);
            rest = rest[(at + part.String.Length)..];
            if (part.String.Length > 0) continue;
            if (rest.IsEmpty) break;
            int character = char.IsHighSurrogate(rest[0]) ? 2 : 1;
            to.Append(rest[..character]);
            rest = rest[character..];
        }
        return Value.From(to.Append(rest).ToString());
    }

    /// <summary>At most <paramref name="count"/> parts, the last being what is left; all of them below 0. By nothing: characters.</summary>
    public static Value Split(in Value text, in Value separator, in Value count)
    {
        if (text.Kind != ValueKind.String || separator.Kind != ValueKind.String || count.Kind != ValueKind.Int)
            return EvaluationError.NoOverload;
        if (count.Int == 0) return Value.FromList();
        long left = count.Int < 0 ? long.MaxValue : count.Int;
        List<Value> parts = [];
        string rest = text.String;
        while (--left > 0)
        {
            int at = separator.String.Length > 0 ? rest.IndexOf(separator.String, StringComparison.Ordinal)
                : rest.Length == 0 ? -1
                : char.IsHighSurrogate(rest[0]) ? 2 : 1;
            if (at < 0 || (separator.String.Length == 0 && at >= rest.Length)) break;
            parts.Add(Value.From(rest[..at]));
            rest = rest[(at + separator.String.Length)..];
        }
        parts.Add(Value.From(rest));
        return Value.FromList([.. parts]);
    }

    public static Value Join(in Value list, in Value separator)
    {
        if (list.Kind != ValueKind.List || separator.Kind != ValueKind.String) return EvaluationError.NoOverload;
        StringBuilder to = new();
        for (int i = 0; i < list.List.Length; i++)
        {
            if (list.List[i].Kind != ValueKind.String) return EvaluationError.NoOverload;
            if (i > 0) to.Append(separator.String);
            to.Append(list.List[i].String);
        }
        return Value.From(to.ToString());
    }

    public static Value Reverse(string text)
    {
        char[] reversed = text.ToCharArray();
        Array.Reverse(reversed);
        for (int i = 0; i + 1 < reversed.Length; i++)
        {
            // The halves of a pair keep their order.
            if (!char.IsLowSurrogate(reversed[i]) || !char.IsHighSurrogate(reversed[i + 1])) continue;
            (reversed[i], reversed[i + 1]) = (reversed[i + 1], reversed[i]);
            i++;
        }
        return Value.From(new string(reversed));
    }

    static string Quoted(string text)
    {
        StringBuilder to = new(text.Length + 2);
        to.Append('"');
        foreach (char c in text)
        {
            string? escape = c switch
            {
                '\a' => "\\a",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\v' => "\\v",
                '\\' => "\\\\",
                '"' => "\\\"",
                _ => null,
            };
            if (escape is null) to.Append(c);
            else to.Append(escape);
        }
        return to.Append('"').ToString();
    }
}
