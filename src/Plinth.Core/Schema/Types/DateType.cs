namespace Plinth.Schema.Types;

/// <summary>A day of the calendar, without a time zone.</summary>
sealed class DateType : StringForm
{
    public static readonly DateType It = new();

    public override string Name => "Date";

    public override ValueKind Kind => ValueKind.Date;

    public override string Expected => "a date such as 2026-01-31";

    public override string JsonSchema => """{"type":"string","format":"date"}""";

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        bool read = Calendar.TryDays(text, out long days);
        value = Value.FromDate(days);
        return read;
    }

    protected override int Format(in Value value, Span<byte> to) => Calendar.WriteDate(value.Ticks, to);
}
