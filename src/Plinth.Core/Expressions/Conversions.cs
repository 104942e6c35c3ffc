using System.Globalization;
using System.Text;
using Plinth.Schema;
using Plinth.Schema.Types;
using Calendar = Plinth.Schema.Types.Calendar;

namespace Plinth.Expressions;

/// <summary>The conversion functions. What has no counterpart in the target type has no result.</summary>
static class Conversions
{
    static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static Value Apply(CelFunction function, in Value a) => function switch
    {
        CelFunction.ToInt => ToInt(a),
        CelFunction.ToUint => ToUint(a),
        CelFunction.ToDouble => ToDouble(a),
        CelFunction.ToText => ToText(a),
        CelFunction.ToBytes => a.Kind switch
        {
            ValueKind.Bytes => a,
            ValueKind.String => Value.FromBytes(Encoding.UTF8.GetBytes(a.String)),
            _ => EvaluationError.NoOverload,
        },
        CelFunction.ToBool => ToBool(a),
        CelFunction.ToTimestamp => ToTimestamp(a),
        CelFunction.ToDuration => ToDuration(a),
        CelFunction.ToDate when a.Kind == ValueKind.DateTime => Value.FromDate(Days(a.Ticks)),
        CelFunction.ToDate => Parsed(a, ValueKind.Date, DateType.It),
        CelFunction.ToTime when a.Kind == ValueKind.DateTime => Value.FromTime(a.Ticks - Days(a.Ticks) * Calendar.MicrosecondsPerDay),
        CelFunction.ToTime => Parsed(a, ValueKind.Time, TimeType.It),
        CelFunction.ToUuid => Parsed(a, ValueKind.Uuid, UuidType.It),
        _ => throw new InvalidOperationException($"{function} is no conversion"),
    };

    static long Days(long microseconds)
    {
        long days = Math.DivRem(microseconds, Calendar.MicrosecondsPerDay, out long within);
        return within < 0 ? days - 1 : days;
    }

    static Value Parsed(in Value a, ValueKind kind, ScalarType type)
    {
        if (a.Kind == kind) return a;
        if (a.Kind != ValueKind.String) return EvaluationError.NoOverload;
        return type.TryParse(a.String, out Value value) ? value : EvaluationError.NotConvertible;
    }

    static Value ToInt(in Value a) => a.Kind switch
    {
        ValueKind.Int => a,
        ValueKind.Uint => a.Uint <= long.MaxValue ? Value.From((long)a.Uint) : EvaluationError.Overflow,
        // The bounds themselves are excluded: 2^63 as a double is already beyond, and CEL refuses both ends.
        ValueKind.Double => a.Double is > -9223372036854775808.0 and < 9223372036854775808.0 ? Value.From((long)a.Double)
            : EvaluationError.Overflow,
        ValueKind.Decimal => Value.From(a.DecimalUnits / DecimalType.PowerOfTen(a.DecimalScale)),
        ValueKind.String => long.TryParse(a.String, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? Value.From(value) : EvaluationError.NotConvertible,
        ValueKind.DateTime =>
            Value.From((a.Ticks - DateTimeType.Min) / Calendar.MicrosecondsPerSecond + DateTimeType.Min / Calendar.MicrosecondsPerSecond),
        ValueKind.Duration => Value.From(a.Ticks / Calendar.MicrosecondsPerSecond),
        _ => EvaluationError.NoOverload,
    };

    static Value ToUint(in Value a) => a.Kind switch
    {
        ValueKind.Uint => a,
        ValueKind.Int => a.Int >= 0 ? Value.From((ulong)a.Int) : EvaluationError.Overflow,
        ValueKind.Double => a.Double is >= 0 and < 18446744073709551616.0 ? Value.From((ulong)a.Double) : EvaluationError.Overflow,
        ValueKind.String =>
            ulong.TryParse(a.String, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? Value.From(value)
                : EvaluationError.NotConvertible,
        _ => EvaluationError.NoOverload,
    };

    static Value ToDouble(in Value a)
    {
        switch (a.Kind)
        {
            case ValueKind.Double: return a;
            case ValueKind.Int: return Value.From((double)a.Int);
            case ValueKind.Uint: return Value.From((double)a.Uint);
            case ValueKind.Decimal: return Value.From((double)a.DecimalUnits / DecimalType.PowerOfTen(a.DecimalScale));
            case ValueKind.String:
                bool read = double.TryParse(a.String,
                    NumberStyles.Float & ~NumberStyles.AllowLeadingWhite & ~NumberStyles.AllowTrailingWhite,
                    CultureInfo.InvariantCulture, out double value);
                return read ? Value.From(value) : EvaluationError.NotConvertible;
            default: return EvaluationError.NoOverload;
        }
    }

    static Value ToBool(in Value a) => a.Kind switch
    {
        ValueKind.Boolean => a,
        ValueKind.String => a.String switch
        {
            "true" or "True" or "TRUE" or "t" or "1" => Value.True,
            "false" or "False" or "FALSE" or "f" or "0" => Value.False,
            _ => EvaluationError.NotConvertible,
        },
        _ => EvaluationError.NoOverload,
    };

    static Value ToTimestamp(in Value a)
    {
        if (a.Kind == ValueKind.Int) return TimeOperations.Instant((Int128)a.Int * 1_000_000_000);
        Value parsed = Parsed(a, ValueKind.DateTime, DateTimeType.It);
        if (a.Kind != ValueKind.String || parsed.IsNull) return parsed;
        // The type stops at microseconds; three digits more are kept.
        int point = a.String.IndexOf('.', StringComparison.Ordinal), nanoseconds = 0;
        for (int i = 7; i <= 9; i++)
        {
            int at = point + i;
            bool isDigit = point > 0 && at < a.String.Length && char.IsAsciiDigit(a.String[at]);
            nanoseconds = nanoseconds * 10 + (isDigit ? a.String[at] - '0' : 0);
            if (!isDigit) point = 0;
        }
        return nanoseconds == 0 ? parsed : Value.FromDateTime(parsed.Ticks, nanoseconds);
    }

    static Value ToDuration(in Value a)
    {
        if (a.Kind != ValueKind.String) return a.Kind == ValueKind.Duration ? a : EvaluationError.NoOverload;
        return TryNanoseconds(a.String, out Int128 nanoseconds) ? TimeOperations.Length(nanoseconds)
            : Parsed(a, ValueKind.Duration, DurationType.It);
    }

    /// <summary>The form that CEL writes: a sign, then numbers with units from h to ns.</summary>
    static bool TryNanoseconds(ReadOnlySpan<char> text, out Int128 nanoseconds)
    {
        nanoseconds = 0;
        bool isNegative = text.StartsWith('-');
        if (text.Length > 0 && text[0] is '-' or '+') text = text[1..];
        if (text is "0") return true;
        if (text.IsEmpty) return false;
        while (!text.IsEmpty)
        {
            int end = text.IndexOfAnyExcept("0123456789.");
            if (end is <= 0 or > 18 || !decimal.TryParse(text[..end], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out decimal count)) return false;
            int next = text[end..].IndexOfAny("0123456789.");
            ReadOnlySpan<char> unit = next < 0 ? text[end..] : text.Slice(end, next);
            long size = unit switch
            {
                "h" => 3_600_000_000_000,
                "m" => 60_000_000_000,
                "s" => 1_000_000_000,
                "ms" => 1_000_000,
                "us" or "µs" or "μs" => 1000,
                "ns" => 1,
                _ => 0,
            };
            if (size == 0) return false;
            // 18 digits: whole and fraction apart, so that the product stays within a decimal.
            decimal whole = decimal.Truncate(count);
            nanoseconds += (Int128)whole * size + (Int128)((count - whole) * size);
            text = next < 0 ? default : text[(end + next)..];
        }
        if (isNegative) nanoseconds = -nanoseconds;
        return true;
    }

    public static Value Base64(CelFunction function, in Value a)
    {
        if (function == CelFunction.Base64Encode)
            return a.Kind == ValueKind.Bytes ? Value.From(Convert.ToBase64String(a.Bytes)) : EvaluationError.NoOverload;
        if (a.Kind != ValueKind.String) return EvaluationError.NoOverload;
        string padded = a.String.PadRight((a.String.Length + 3) / 4 * 4, '=');
        byte[] to = new byte[padded.Length / 4 * 3];
        return Convert.TryFromBase64String(padded, to, out int length) ? Value.FromBytes(to[..length]) : EvaluationError.NotConvertible;
    }

    static Value ToText(in Value a)
    {
        switch (a.Kind)
        {
            case ValueKind.String: return a;
            case ValueKind.Boolean: return Value.From(a.Boolean ? "true" : "false");
            case ValueKind.Int: return Value.From(a.Int.ToString(CultureInfo.InvariantCulture));
            case ValueKind.Uint: return Value.From(a.Uint.ToString(CultureInfo.InvariantCulture));
            case ValueKind.Double: return Value.From(a.Double.ToString("R", CultureInfo.InvariantCulture));
            case ValueKind.Decimal: return Value.From(new DecimalType(DecimalType.PrecisionMax, a.DecimalScale).Format(a));
            case ValueKind.DateTime: return Value.From(Instant(a));
            case ValueKind.Date: return Value.From(DateType.It.Format(a));
            case ValueKind.Time: return Value.From(TimeType.It.Format(a));
            case ValueKind.Duration: return Value.From(Seconds(a));
            case ValueKind.Uuid: return Value.From(UuidType.It.Format(a));
            case ValueKind.Bytes:
                try
                {
                    return Value.From(s_strict.GetString(a.Bytes));
                }
                catch (DecoderFallbackException)
                {
                    return EvaluationError.NotUtf8;
                }
            default: return EvaluationError.NoOverload;
        }
    }

    /// <summary>RFC 3339 in UTC, with as many digits of a fraction as there are.</summary>
    static string Instant(in Value a)
    {
        Span<byte> utf8 = stackalloc byte[40];
        int length = DateTimeType.Format(a.Ticks, utf8);
        string text = Encoding.ASCII.GetString(utf8[..length]);
        long within = a.Ticks - Days(a.Ticks) * Calendar.MicrosecondsPerDay;
        return text[..19] + Fraction(within % Calendar.MicrosecondsPerSecond * 1000 + a.Nanoseconds) + "Z";
    }

    static string Fraction(Int128 nanoseconds) =>
        nanoseconds == 0 ? "" : "." + nanoseconds.ToString("000000000", CultureInfo.InvariantCulture).TrimEnd('0');

    /// <summary>CEL writes a duration as its seconds: <c>5400s</c>, <c>-1.5s</c>.</summary>
    static string Seconds(in Value a)
    {
        Int128 nanoseconds = (Int128)a.Ticks * 1000 + a.Nanoseconds, magnitude = Int128.Abs(nanoseconds);
        string whole = (magnitude / 1_000_000_000).ToString(CultureInfo.InvariantCulture);
        return (nanoseconds < 0 ? "-" : "") + whole + Fraction(magnitude % 1_000_000_000) + "s";
    }
}
