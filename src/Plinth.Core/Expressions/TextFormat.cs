using System.Globalization;
using System.Numerics;
using System.Text;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary><c>text.format(list)</c>: clauses as in C, each taking the next item of the list.</summary>
static class TextFormat
{
    const int PrecisionDefault = 6, PrecisionMax = 100;

    public static Value Apply(in Value format, in Value items)
    {
        if (format.Kind != ValueKind.String || items.Kind != ValueKind.List) return EvaluationError.NoOverload;
        string text = format.String;
        StringBuilder to = new(text.Length + 16);
        int next = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '%')
            {
                to.Append(text[at]);
                continue;
            }
            if (++at < text.Length && text[at] == '%')
            {
                to.Append('%');
                continue;
            }
            int precision = Precision(text, ref at);
            if (precision < 0 || at >= text.Length || next >= items.List.Length) return EvaluationError.BadFormat;
            if (Clause(text[at], items.List[next++], precision) is not { } written) return EvaluationError.BadFormat;
            to.Append(written);
        }
        return Value.From(to.ToString());
    }

    /// <summary><c>.3</c>; -1 when it is none or too large.</summary>
    static int Precision(string text, ref int at)
    {
        if (at >= text.Length || text[at] != '.') return PrecisionDefault;
        int start = ++at, precision = 0;
        for (; at < text.Length && char.IsAsciiDigit(text[at]) && precision <= PrecisionMax; at++)
            precision = precision * 10 + text[at] - '0';
        return at > start && precision <= PrecisionMax ? precision : -1;
    }

    static string? Clause(char clause, in Value item, int precision) => clause switch
    {
        's' => Shown(item),
        'd' => item.Kind switch
        {
            ValueKind.Int or ValueKind.Uint or ValueKind.Decimal => Shown(item),
            ValueKind.Double when !double.IsFinite(item.Double) => Named(item.Double),
            _ => null,
        },
        'f' => Number(item) is { } number ? double.IsFinite(number) ? Fixed(number, precision) : Named(number) : null,
        'e' => Number(item) is { } number ? double.IsFinite(number) ? Scientific(number, precision) : Named(number) : null,
        'b' => item.Kind == ValueKind.Boolean ? item.Boolean ? "1" : "0" : InBase(item, 2),
        'o' => InBase(item, 8),
        'x' => Hex(item),
        'X' => Hex(item)?.ToUpperInvariant(),
        _ => null,
    };

    static double? Number(in Value item) => item.Kind switch
    {
        ValueKind.Double => item.Double,
        ValueKind.Int => item.Int,
        ValueKind.Uint => item.Uint,
        _ => null,
    };

    static string Named(double number) => double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";

    static string? InBase(in Value item, int to) => item.Kind switch
    {
        ValueKind.Int when item.Int >= 0 => Digits((ulong)item.Int, to),
        ValueKind.Int => "-" + Digits((ulong)-(item.Int + 1) + 1, to),
        ValueKind.Uint => Digits(item.Uint, to),
        _ => null,
    };

    static string Digits(ulong number, int to)
    {
        Span<char> digits = stackalloc char[64];
        int at = digits.Length;
        do
        {
            digits[--at] = "0123456789abcdef"[(int)(number % (ulong)to)];
            number /= (ulong)to;
        }
        while (number > 0);
        return digits[at..].ToString();
    }

    static string? Hex(in Value item) => item.Kind switch
    {
        ValueKind.String => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(item.String)),
        ValueKind.Bytes => Convert.ToHexStringLower(item.Bytes),
        _ => InBase(item, 16),
    };

    /// <summary>As people read a value; null where it has no such form.</summary>
    static string? Shown(in Value item)
    {
        switch (item.Kind)
        {
            case ValueKind.String: return item.String;
            case ValueKind.Double: return double.IsFinite(item.Double) ? Plain(item.Double) : Named(item.Double);
            case ValueKind.List:
                string?[] items = [.. item.List.Select(i => Shown(i))];
                return items.Contains(null) ? null : $"[{string.Join(", ", items)}]";
            case ValueKind.Json:
                Value read = JsonValues.Read(item.Json);
                return Shown(read);
            case ValueKind.Null: return "null";
            case ValueKind.Other when item.Other is CelNull or TypeValue: return item.Other.ToString();
        }
        if (Maps.Is(item)) return ShownMap(item);
        Value text = Conversions.Apply(CelFunction.ToText, item);
        return text.Kind == ValueKind.String ? text.String : null;
    }

    /// <summary>In the order of its keys as they are shown.</summary>
    static string? ShownMap(in Value map)
    {
        List<(string Key, string Value)> entries = [];
        for (int i = 0; i < Maps.Count(map); i++)
        {
            Value key = Maps.Key(map, i), value = Maps.Item(map, i);
            if (Shown(key) is not { } name || Shown(value) is not { } shown) return null;
            entries.Add((name, shown));
        }
        entries.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        return "{" + string.Join(", ", entries.Select(e => $"{e.Key}: {e.Value}")) + "}";
    }

    /// <summary>The shortest digits that name the number, without an exponent.</summary>
    static string Plain(double number)
    {
        string shortest = number.ToString("R", CultureInfo.InvariantCulture);
        int e = shortest.IndexOf('E', StringComparison.Ordinal);
        if (e < 0) return shortest;
        bool isNegative = shortest[0] == '-';
        string mantissa = shortest[(isNegative ? 1 : 0)..e];
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int whole = (point < 0 ? digits.Length : point) + int.Parse(shortest[(e + 1)..], CultureInfo.InvariantCulture);
        string plain = whole <= 0 ? "0." + new string('0', -whole) + digits
            : whole >= digits.Length ? digits + new string('0', whole - digits.Length)
            : digits[..whole] + "." + digits[whole..];
        return isNegative ? "-" + plain : plain;
    }

    /// <summary>Exactly, halves to the even digit: the number is a fraction of a power of two, and is rounded as that.</summary>
    static string Fixed(double number, int precision)
    {
        (BigInteger numerator, BigInteger denominator) = Fraction(number);
        BigInteger scaled = Rounded(numerator * BigInteger.Pow(10, precision), denominator);
        string digits = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(precision + 1, '0');
        string text = precision == 0 ? digits : digits[..^precision] + "." + digits[^precision..];
        return double.IsNegative(number) ? "-" + text : text;
    }

    static string Scientific(double number, int precision)
    {
        if (number == 0) return $"{Fixed(number, precision)}e+00";
        (BigInteger numerator, BigInteger denominator) = Fraction(number);
        int exponent = (int)Math.Floor(Math.Log10(Math.Abs(number)));
        BigInteger limit = BigInteger.Pow(10, precision + 1);
        BigInteger mantissa = At(exponent);
        // The logarithm may be one off beside a power of ten, and rounding may carry over one.
        if (mantissa >= limit) mantissa = At(++exponent);
        else if (mantissa * 10 < limit) mantissa = At(--exponent);
        string digits = mantissa.ToString(CultureInfo.InvariantCulture);
        string sign = double.IsNegative(number) ? "-" : "", fraction = precision == 0 ? "" : "." + digits[1..];
        string power = Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
        return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{power}";

        BigInteger At(int power)
        {
            int shift = precision - power;
            return shift >= 0 ? Rounded(numerator * BigInteger.Pow(10, shift), denominator)
                : Rounded(numerator, denominator * BigInteger.Pow(10, -shift));
        }
    }

    static (BigInteger Numerator, BigInteger Denominator) Fraction(double number)
    {
        long bits = BitConverter.DoubleToInt64Bits(Math.Abs(number));
        int exponent = (int)(bits >> 52);
        long mantissa = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0) exponent = 1;
        else mantissa |= 1L << 52;
        exponent -= 1075;
        return exponent >= 0 ? (mantissa * BigInteger.Pow(2, exponent), 1) : (mantissa, BigInteger.Pow(2, -exponent));
    }

    static BigInteger Rounded(BigInteger numerator, BigInteger denominator)
    {
        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger rest);
        int half = (rest * 2).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }
}
