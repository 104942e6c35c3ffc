using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>An instant, RFC 3339, kept in UTC and truncated to microseconds; years 0001 to 9999.</summary>
sealed class DateTimeType : StringForm
{
    public static readonly DateTimeType It = new();

    public const long Min = Calendar.DayMin * Calendar.MicrosecondsPerDay;
    public const long Max = (Calendar.DayMax + 1) * Calendar.MicrosecondsPerDay - 1;

    public override string Name => "DateTime";

    public override ValueKind Kind => ValueKind.DateTime;

    public override string Expected => "an instant as in RFC 3339, such as 2026-01-31T08:30:00Z";

    public override string JsonSchema => """{"type":"string","format":"date-time"}""";

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        value = default;
        if (text.Length < 20 || !Calendar.TryDays(text[..10], out long days) || text[10] is not ('T' or 't' or ' ')) return false;
        int read = Calendar.ReadTime(text[11..], out long microseconds);
        if (read == 0 || !TryOffset(text[(11 + read)..], out int minutes)) return false;
        long at = days * Calendar.MicrosecondsPerDay + microseconds - minutes * 60 * Calendar.MicrosecondsPerSecond;
        if (at is < Min or > Max) return false;
        value = Value.FromDateTime(at);
        return true;
    }

    protected override int Format(in Value value, Span<byte> to) => Format(value.Ticks, to);

    /// <summary>As JavaScript writes instants: three digits of fraction, six where three would lose something, and Z.</summary>
    public static int Format(long microseconds, Span<byte> to)
    {
        long day = Math.DivRem(microseconds, Calendar.MicrosecondsPerDay, out long within);
        if (within < 0) (day, within) = (day - 1, within + Calendar.MicrosecondsPerDay);
        int length = Calendar.WriteDate(day, to);
        to[length++] = (byte)'T';
        length += Calendar.WriteTime(within, to[length..], fractionMin: 3);
        to[length++] = (byte)'Z';
        return length;
    }

    /// <summary>The JSON form straight from the stored number.</summary>
    public static void WriteJson(ByteOutput output, long microseconds)
    {
        Span<byte> to = output.GetSpan(LengthMax);
        to[0] = (byte)'"';
        int length = Format(microseconds, to[1..]);
        to[length + 1] = (byte)'"';
        output.Advance(length + 2);
    }

    static bool TryOffset(ReadOnlySpan<char> text, out int minutes)
    {
        minutes = 0;
        if (text is "Z" or "z") return true;
        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':') return false;
        if (!Calendar.TryDigits(text[1..3], out int hour) || !Calendar.TryDigits(text[4..], out int minute) || hour > 23
            || minute > 59) return false;
        minutes = (hour * 60 + minute) * (text[0] == '-' ? -1 : 1);
        return true;
    }
}
