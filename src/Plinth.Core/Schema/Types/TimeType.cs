namespace Plinth.Schema.Types;

/// <summary>A time of day, without a date or a zone, to the microsecond.</summary>
sealed class TimeType : StringForm
{
    public static readonly TimeType It = new();

    public override string Name => "Time";

    public override ValueKind Kind => ValueKind.Time;

    public override string Expected => "a time of day such as 08:30:00";

    public override string JsonSchema => """{"type":"string","pattern":"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?$"}""";

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        int read = Calendar.ReadTime(text, out long microseconds);
        value = Value.FromTime(microseconds);
        return read > 0 && read == text.Length;
    }

    protected override int Format(in Value value, Span<byte> to) => Calendar.WriteTime(value.Ticks, to, fractionMin: 0);
}
