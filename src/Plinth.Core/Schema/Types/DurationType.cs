using System.Buffers.Text;

namespace Plinth.Schema.Types;

/// <summary>
/// A signed length of time to the microsecond, as ISO 8601 writes it with days and smaller units (<c>PT1H30M</c>); a day is 24 hours.
/// Weeks, months and years are refused: their length depends on the calendar. CEL's form (<c>1h30m</c>) is taken too.
/// </summary>
sealed class DurationType : StringForm
{
    public static readonly DurationType It = new();

    public override string Name => "Duration";

    public override ValueKind Kind => ValueKind.Duration;

    public override string Expected => "a duration such as PT1H30M (days, hours, minutes, seconds)";

    public override string JsonSchema => """{"type":"string","format":"duration"}""";

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        value = default;
        bool negative = text.Length > 0 && text[0] == '-';
        ReadOnlySpan<char> rest = negative ? text[1..] : text;
        bool read = rest.Length > 1 && rest[0] is 'P' ? TryIso(rest[1..], out decimal total) : TryGo(rest, out total);
        if (!read) return false;
        total = decimal.Truncate(negative ? -total : total);
        if (total is < long.MinValue or > long.MaxValue) return false;
        value = Value.FromDuration((long)total);
        return true;
    }

    protected override int Format(in Value value, Span<byte> to)
    {
        long ticks = value.Ticks;
        int at = 0;
        ulong left = ticks < 0 ? (ulong)-(ticks + 1) + 1 : (ulong)ticks;
        if (ticks < 0) to[at++] = (byte)'-';
        to[at++] = (byte)'P';
        ulong micros = left % 1_000_000;
        left /= 1_000_000;
        at += Part(left / 86_400, (byte)'D', to[at..]);
        ulong seconds = left % 60, minutes = left / 60 % 60, hours = left / 3600 % 24;
        if (hours + minutes + seconds + micros == 0 && at > 1 && to[at - 1] == (byte)'D') return at;
        to[at++] = (byte)'T';
        at += Part(hours, (byte)'H', to[at..]);
        at += Part(minutes, (byte)'M', to[at..]);
        if (seconds + micros > 0 || to[at - 1] == (byte)'T') at += Seconds(seconds, micros, to[at..]);
        return at;
    }

    static int Part(ulong count, byte unit, Span<byte> to)
    {
        if (count == 0) return 0;
        Utf8Formatter.TryFormat(count, to, out int length);
        to[length] = unit;
        return length + 1;
    }

    static int Seconds(ulong seconds, ulong micros, Span<byte> to)
    {
        Utf8Formatter.TryFormat(seconds, to, out int at);
        if (micros > 0)
        {
            to[at++] = (byte)'.';
            for (ulong unit = 100_000; micros > 0; unit /= 10)
            {
                to[at++] = (byte)('0' + (micros / unit));
                micros %= unit;
            }
        }
        to[at] = (byte)'S';
        return at + 1;
    }

    static bool TryIso(ReadOnlySpan<char> text, out decimal total)
    {
        total = 0;
        int time = text.IndexOf('T');
        ReadOnlySpan<char> days = time < 0 ? text : text[..time];
        if (days.Length > 0 && !TryParts(days, "D", ref total)) return false;
        return time < 0 ? days.Length > 0 : time < text.Length - 1 && TryParts(text[(time + 1)..], "HMS", ref total);
    }

    /// <summary>Numbers each followed by one of the units, in their order, each at most once; a fraction only on the last.</summary>
    static bool TryParts(ReadOnlySpan<char> text, ReadOnlySpan<char> units, ref decimal total)
    {
        while (text.Length > 0)
        {
            int end = text.IndexOfAnyExcept("0123456789.");
            if (end <= 0) return false;
            int unit = units.IndexOf(text[end]);
            if (unit < 0 || !TryNumber(text[..end], out decimal count)
                || (text[..end].Contains('.') && end != text.Length - 1)) return false;
            total += count * MicrosecondsOf(text[end]);
            units = units[(unit + 1)..];
            text = text[(end + 1)..];
        }
        return true;
    }

    static decimal MicrosecondsOf(char unit) => unit switch
    {
        'D' => 86_400_000_000m,
        'H' => 3_600_000_000m,
        'M' => 60_000_000m,
        _ => 1_000_000m,
    };

    /// <summary>The form that CEL and Go write: <c>1h30m</c>, <c>1.5s</c>, <c>250ms</c>.</summary>
    static bool TryGo(ReadOnlySpan<char> text, out decimal total)
    {
        total = 0;
        if (text.Length == 0) return false;
        while (text.Length > 0)
        {
            int end = text.IndexOfAnyExcept("0123456789.");
            if (end <= 0 || !TryNumber(text[..end], out decimal count)) return false;
            int next = text[end..].IndexOfAny("0123456789.");
            ReadOnlySpan<char> unit = next < 0 ? text[end..] : text.Slice(end, next);
            decimal size = unit switch { "h" => 3_600_000_000m, "m" => 60_000_000m, "s" => 1_000_000m, "ms" => 1000m, "us" => 1m, "ns" =>
                0.001m, _ => 0m };
            if (size == 0) return false;
            total += count * size;
            text = next < 0 ? default : text[(end + next)..];
        }
        return true;
    }

    /// <summary>At most 18 digits, so that the sum of a few stays far inside a decimal.</summary>
    static bool TryNumber(ReadOnlySpan<char> text, out decimal number)
    {
        number = 0;
        return text.Length <= 18 && decimal.TryParse(text, System.Globalization.NumberStyles.AllowDecimalPoint,
            System.Globalization.CultureInfo.InvariantCulture, out number);
    }
}
