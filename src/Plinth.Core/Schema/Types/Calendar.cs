namespace Plinth.Schema.Types;

/// <summary>Digits and days: the proleptic Gregorian calendar of RFC 3339, years 0001 to 9999.</summary>
static class Calendar
{
    public const long MicrosecondsPerSecond = 1_000_000;
    public const long MicrosecondsPerDay = 86_400 * MicrosecondsPerSecond;

    const long EpochDays = 719_162;

    /// <summary>0001-01-01 and 9999-12-31 as days since 1970-01-01.</summary>
    public const long DayMin = -EpochDays;
    public const long DayMax = 2_932_896;

    public static bool TryDays(ReadOnlySpan<char> text, out long days)
    {
        days = 0;
        if (text.Length != 10 || text[4] != '-' || text[7] != '-') return false;
        if (!TryDigits(text[..4], out int year) || !TryDigits(text[5..7], out int month)
            || !TryDigits(text[8..], out int day)) return false;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        days = new DateOnly(year, month, day).DayNumber - EpochDays;
        return true;
    }

    /// <summary><c>HH:MM:SS</c> with an optional fraction, truncated to microseconds; answers the characters read.</summary>
    public static int ReadTime(ReadOnlySpan<char> text, out long microseconds)
    {
        microseconds = 0;
        if (text.Length < 8 || text[2] != ':' || text[5] != ':') return 0;
        if (!TryDigits(text[..2], out int hour) || !TryDigits(text[3..5], out int minute)
            || !TryDigits(text[6..8], out int second)) return 0;
        if (hour > 23 || minute > 59 || second > 59) return 0;
        microseconds = ((hour * 60L + minute) * 60 + second) * MicrosecondsPerSecond;
        if (text.Length == 8 || text[8] != '.') return 8;
        int at = 9;
        long unit = MicrosecondsPerSecond / 10;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            microseconds += (text[at] - '0') * unit;
            unit /= 10;
            at++;
        }
        return at == 9 ? 0 : at;
    }

    /// <summary>yyyy-MM-dd; 10 bytes.</summary>
    public static int WriteDate(long days, Span<byte> to)
    {
        DateOnly date = DateOnly.FromDayNumber((int)(days + EpochDays));
        WriteDigits(to, date.Year, 4);
        to[4] = (byte)'-';
        WriteDigits(to[5..], date.Month, 2);
        to[7] = (byte)'-';
        WriteDigits(to[8..], date.Day, 2);
        return 10;
    }

    /// <summary>HH:mm:ss and a fraction of no digit, or three, or six: the fewest that keep the value, but at least <paramref
    /// name="fractionMin"/>.</summary>
    public static int WriteTime(long microseconds, Span<byte> to, int fractionMin)
    {
        long seconds = microseconds / MicrosecondsPerSecond;
        int fraction = (int)(microseconds % MicrosecondsPerSecond);
        WriteDigits(to, (int)(seconds / 3600), 2);
        to[2] = (byte)':';
        WriteDigits(to[3..], (int)(seconds / 60 % 60), 2);
        to[5] = (byte)':';
        WriteDigits(to[6..], (int)(seconds % 60), 2);
        int digits = Math.Max(fractionMin, fraction == 0 ? 0 : fraction % 1000 == 0 ? 3 : 6);
        if (digits == 0) return 8;
        to[8] = (byte)'.';
        WriteDigits(to[9..], digits == 3 ? fraction / 1000 : fraction, digits);
        return 9 + digits;
    }

    public static bool TryDigits(ReadOnlySpan<char> text, out int number)
    {
        number = 0;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c)) return false;
            number = number * 10 + (c - '0');
        }
        return text.Length > 0;
    }

    static void WriteDigits(Span<byte> to, int value, int digits)
    {
        for (int i = digits - 1; i >= 0; i--)
        {
            to[i] = (byte)('0' + (value % 10));
            value /= 10;
        }
    }
}
