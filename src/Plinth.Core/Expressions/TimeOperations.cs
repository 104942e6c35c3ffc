using Plinth.Schema;
using Plinth.Schema.Types;

namespace Plinth.Expressions;

/// <summary>Parts of instants (in UTC), days, times of day and lengths of time.</summary>
static class TimeOperations
{
    const long Second = Calendar.MicrosecondsPerSecond;

    public static Value Part(CelFunction part, in Value of) => of.Kind switch
    {
        ValueKind.DateTime => Value.From(OfInstant(part, of.Ticks)),
        ValueKind.Date => Value.From(OfInstant(part, of.Ticks * Calendar.MicrosecondsPerDay)),
        ValueKind.Time => Value.From(OfInstant(part, of.Ticks)),
        ValueKind.Duration => Value.From(OfDuration(part, of.Ticks)),
        _ => Value.Null,
    };

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
