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
            _ => Value.Null,
        },
        CelFunction.ToBool => ToBool(a),
        CelFunction.ToTimestamp => ToTimestamp(a),
        CelFunction.ToDuration => Parsed(a, ValueKind.Duration, DurationType.It),
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
        return a.Kind == ValueKind.String && type.TryParse(a.String, out Value value) ? value : Value.Null;
    }

    static Value ToInt(in Value a) => a.Kind switch
    {
        ValueKind.Int => a,
        ValueKind.Uint => a.Uint <= long.MaxValue ? Value.From((long)a.Uint) : Value.Null,
        // The bounds themselves are excluded: 2^63 as a double is already beyond, and CEL refuses both ends.
        ValueKind.Double => a.Double is > -9223372036854775808.0 and < 9223372036854775808.0 ? Value.From((long)a.Double) : Value.Null,
        ValueKind.Decimal => Value.From(a.DecimalUnits / DecimalType.PowerOfTen(a.DecimalScale)),
        ValueKind.String => long.TryParse(a.String, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? Value.From(value) : Value.Null,
        ValueKind.DateTime =>
            Value.From((a.Ticks - DateTimeType.Min) / Calendar.MicrosecondsPerSecond + DateTimeType.Min / Calendar.MicrosecondsPerSecond),
        ValueKind.Duration => Value.From(a.Ticks / Calendar.MicrosecondsPerSecond),
        _ => Value.Null,
    };

    static Value ToUint(in Value a) => a.Kind switch
    {
        ValueKind.Uint => a,
        ValueKind.Int => a.Int >= 0 ? Value.From((ulong)a.Int) : Value.Null,
        ValueKind.Double => a.Double is >= 0 and < 18446744073709551616.0 ? Value.From((ulong)a.Double) : Value.Null,
        ValueKind.String =>
            ulong.TryParse(a.String, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? Value.From(value) : Value.Null,
        _ => Value.Null,
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
                return read && double.IsFinite(value) ? Value.From(value) : Value.Null;
            default: return Value.Null;
        }
    }

    static Value ToBool(in Value a) => a.Kind switch
    {
        ValueKind.Boolean => a,
        ValueKind.String => a.String switch
        {
            "true" or "True" or "TRUE" or "t" or "1" => Value.True,
            "false" or "False" or "FALSE" or "f" or "0" => Value.False,
            _ => Value.Null,
        },
        _ => Value.Null,
    };

    static Value ToTimestamp(in Value a)
    {
        if (a.Kind != ValueKind.Int) return Parsed(a, ValueKind.DateTime, DateTimeType.It);
        Int128 microseconds = (Int128)a.Int * Calendar.MicrosecondsPerSecond;
        return microseconds >= DateTimeType.Min && microseconds <= DateTimeType.Max ? Value.FromDateTime((long)microseconds) : Value.Null;
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
            case ValueKind.DateTime: return Value.From(DateTimeType.It.Format(a));
            case ValueKind.Date: return Value.From(DateType.It.Format(a));
            case ValueKind.Time: return Value.From(TimeType.It.Format(a));
            case ValueKind.Duration: return Value.From(Seconds(a.Ticks));
            case ValueKind.Uuid: return Value.From(UuidType.It.Format(a));
            case ValueKind.Bytes:
                try
                {
                    return Value.From(s_strict.GetString(a.Bytes));
                }
                catch (DecoderFallbackException)
                {
                    return Value.Null;
                }
            default: return Value.Null;
        }
    }

    /// <summary>CEL writes a duration as its seconds: <c>5400s</c>, <c>-1.5s</c>.</summary>
    static string Seconds(long microseconds)
    {
        Int128 magnitude = Int128.Abs(microseconds);
        string whole = (magnitude / Calendar.MicrosecondsPerSecond).ToString(CultureInfo.InvariantCulture);
        long rest = (long)(magnitude % Calendar.MicrosecondsPerSecond);
        string fraction = rest.ToString("000000", CultureInfo.InvariantCulture).TrimEnd('0');
        return (microseconds < 0 ? "-" : "") + whole + (fraction.Length > 0 ? "." + fraction : "") + "s";
    }
}
