using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Expressions;

/// <summary>Parts of instants, days, times of day and lengths of time, and their sums.</summary>
static class TimeOperations
{
    const long Second = Calendar.MicrosecondsPerSecond;

    public static Value Part(CelFunction part, in Value of) => of.Kind switch
    {
        ValueKind.DateTime => Value.From(OfInstant(part, of.Ticks)),
        ValueKind.Duration when part < CelFunction.GetHours => EvaluationError.NoOverload,
        ValueKind.Date => Value.From(OfInstant(part, of.Ticks * Calendar.MicrosecondsPerDay)),
        ValueKind.Time => Value.From(OfInstant(part, of.Ticks)),
        ValueKind.Duration => Value.From(OfDuration(part, of.Ticks)),
        _ => EvaluationError.NoOverload,
    };

    /// <summary>Of an instant, in a time zone.</summary>
    public static Value Part(CelFunction part, in Value of, in Value zone)
    {
        if (of.Kind != ValueKind.DateTime || zone.Kind != ValueKind.String) return EvaluationError.NoOverload;
        if (TimeZones.OffsetAt(zone.String, of.Ticks) is not { } offset) return EvaluationError.BadZone;
        // Within the first or last hours of the calendar a zone may already be beyond it.
        long local = of.Ticks + offset;
        return local is < DateTimeType.Min or > DateTimeType.Max ? EvaluationError.Overflow : Value.From(OfInstant(part, local));
    }

    static Int128 Nanoseconds(in Value value) => (Int128)value.Ticks * 1000 + value.Nanoseconds;

    static (Int128 Microseconds, int Nanoseconds) Split(Int128 nanoseconds)
    {
        Int128 microseconds = nanoseconds / 1000;
        int rest = (int)(nanoseconds % 1000);
        return rest < 0 ? (microseconds - 1, rest + 1000) : (microseconds, rest);
    }

    public static Value Instant(Int128 nanoseconds)
    {
        var (microseconds, rest) = Split(nanoseconds);
        return microseconds >= DateTimeType.Min && microseconds <= DateTimeType.Max
            ? Value.FromDateTime((long)microseconds, rest)
            : EvaluationError.Overflow;
    }

    public static Value Length(Int128 nanoseconds)
    {
        var (microseconds, rest) = Split(nanoseconds);
        return microseconds >= long.MinValue && microseconds <= long.MaxValue
            ? Value.FromDuration((long)microseconds, rest)
            : EvaluationError.Overflow;
    }

    /// <summary>A length of time as CEL bounds it: nanoseconds of 64 bits, about 292 years.</summary>
    public static bool IsBeyondCel(in Value duration) =>
        Nanoseconds(duration) is var nanoseconds && (nanoseconds < long.MinValue || nanoseconds > long.MaxValue);

    public static Value Add(in Value a, in Value b)
    {
        if (a.Kind == ValueKind.DateTime && b.Kind == ValueKind.DateTime) return EvaluationError.NoOverload;
        Int128 sum = Nanoseconds(a) + Nanoseconds(b);
        return a.Kind == b.Kind ? Length(sum) : Instant(sum);
    }

    public static Value Subtract(in Value a, in Value b)
    {
        if (a.Kind == ValueKind.Duration && b.Kind == ValueKind.DateTime) return EvaluationError.NoOverload;
        Int128 difference = Nanoseconds(a) - Nanoseconds(b);
        return a.Kind == b.Kind ? Length(difference) : Instant(difference);
    }

    static long OfInstant(CelFunction part, long microseconds)
    {
        long day = Math.DivRem(microseconds, Calendar.MicrosecondsPerDay, out long within);
        if (within < 0) (day, within) = (day - 1, within + Calendar.MicrosecondsPerDay);
        switch (part)
        {
            case CelFunction.GetHours: return within / (3600 * Second);
            case CelFunction.GetMinutes: return within / (60 * Second) % 60;
            case CelFunction.GetSeconds: return within / Second % 60;
            case CelFunction.GetMilliseconds: return within / 1000 % 1000;
        }
        DateOnly date = DateOnly.FromDayNumber((int)(day - Calendar.DayMin));
        return part switch
        {
            CelFunction.GetFullYear => date.Year,
            CelFunction.GetMonth => date.Month - 1,
            CelFunction.GetDate => date.Day,
            CelFunction.GetDayOfMonth => date.Day - 1,
            CelFunction.GetDayOfWeek => (long)date.DayOfWeek,
            CelFunction.GetDayOfYear => date.DayOfYear - 1,
            _ => throw new InvalidOperationException($"{part} is no part of an instant"),
        };
    }

    /// <summary>The whole length in the unit, towards zero; milliseconds are those within the second.</summary>
    static long OfDuration(CelFunction part, long microseconds) => part switch
    {
        CelFunction.GetHours => microseconds / (3600 * Second),
        CelFunction.GetMinutes => microseconds / (60 * Second),
        CelFunction.GetSeconds => microseconds / Second,
        CelFunction.GetMilliseconds => microseconds / 1000 % 1000,
        _ => throw new InvalidOperationException($"{part} is no part of a length of time"),
    };
}
