using Plinth.Schema.Types;

namespace Plinth.Expressions;

/// <summary>
/// Time zones by name, as the machine's own data has them (the IANA data of the package tzdata), and fixed offsets, which need none.
/// </summary>
static class TimeZones
{
    /// <summary>Microseconds that the zone is ahead of UTC at an instant; null when there is no such zone.</summary>
    public static long? OffsetAt(string zone, long microsecondsSince1970)
    {
        if (TryOffset(zone, out long fixedOffset)) return fixedOffset;
        if (Find(zone) is not { } found) return null;
        DateTime at = DateTime.UnixEpoch.AddTicks(microsecondsSince1970 * TimeSpan.TicksPerMicrosecond);
        return found.GetUtcOffset(at).Ticks / TimeSpan.TicksPerMicrosecond;
    }

    /// <summary>
    /// The framework looks a name up as a file, and keeps what it has read: only what the names of IANA are made of reaches it.
    /// </summary>
    public static TimeZoneInfo? Find(string name)
    {
        bool isName = name.Length is > 0 and <= 64 && char.IsAsciiLetter(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '+' or '/');
        return isName && TimeZoneInfo.TryFindSystemTimeZoneById(name, out TimeZoneInfo? found) ? found : null;
    }

    /// <summary>"UTC", "Z" or a fixed offset such as "+02:00" or "-05:30".</summary>
    public static bool TryOffset(string zone, out long microseconds)
    {
        microseconds = 0;
        if (zone is "UTC" or "Z" or "") return zone.Length > 0;
        bool isSigned = zone[0] is '+' or '-';
        ReadOnlySpan<char> text = isSigned ? zone.AsSpan(1) : zone;
        if (text.Length != 5 || text[2] != ':' || !Calendar.TryDigits(text[..2], out int hours)
            || !Calendar.TryDigits(text[3..], out int minutes)) return false;
        microseconds = (hours * 60L + minutes) * 60 * Calendar.MicrosecondsPerSecond * (zone[0] == '-' ? -1 : 1);
        return hours < 24 && minutes < 60;
    }
}
