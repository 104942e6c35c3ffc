using System.Globalization;
using System.Text.Json;

namespace Plinth.Schema.Types;

/// <summary><c>Decimal(p, s)</c>: p digits in all, s of them after the point, p ≤ 18; exact. A string on every wire; numbers are taken
/// too.</summary>
sealed class DecimalType(int precision, int scale) : StringForm
{
    public const int PrecisionMax = 18;

    static readonly long[] s_powers =
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
        1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
        100_000_000_000_000_000, 1_000_000_000_000_000_000,
    ];

    public int Precision { get; } = precision;

    public int Scale { get; } = scale;

    public override string Name => string.Create(CultureInfo.InvariantCulture, $"Decimal({Precision}, {Scale})");

    public override ValueKind Kind => ValueKind.Decimal;

    public override string Expected => string.Create(CultureInfo.InvariantCulture,
        $"a decimal with at most {Precision - Scale} digits before and {Scale} after the point, as a string or a number");

    public override string JsonSchema
    {
        get
        {
            string pattern = string.Create(CultureInfo.InvariantCulture,
                $"^-?[0-9]{{1,{Math.Max(1, Precision - Scale)}}}(\\\\.[0-9]{{1,{Math.Max(1, Scale)}}})?$");
            return $$"""{"type":"string","format":"decimal","pattern":"{{pattern}}"}""";
        }
    }

    public static long PowerOfTen(int exponent) => s_powers[exponent];

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = default;
        return (json.TokenType is JsonTokenType.String or JsonTokenType.Number) && TryParseToken(ref json, out value);
    }

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        value = default;
        bool negative = text.Length > 0 && text[0] == '-';
        if (negative) text = text[1..];
        int point = text.IndexOf('.');
        ReadOnlySpan<char> whole = point < 0 ? text : text[..point];
        ReadOnlySpan<char> fraction = point < 0 ? default : text[(point + 1)..].TrimEnd('0');
        if (whole.Length == 0 || (point >= 0 && point == text.Length - 1) || fraction.Length > Scale) return false;
        whole = whole.TrimStart('0');
        if (whole.Length > Precision - Scale) return false;
        long units = 0;
        foreach (char c in whole)
        {
            if (!char.IsAsciiDigit(c)) return false;
            units = units * 10 + (c - '0');
        }
        foreach (char c in fraction)
        {
            if (!char.IsAsciiDigit(c)) return false;
            units = units * 10 + (c - '0');
        }
        units *= PowerOfTen(Scale - fraction.Length);
        value = Value.FromDecimal(negative ? -units : units, Scale);
        return true;
    }

    protected override int Format(in Value value, Span<byte> to) => Format(value.DecimalUnits, value.DecimalScale, to);

    /// <summary>Writes units of 10^-scale with exactly that many digits after the point, and answers how many bytes.</summary>
    public static int Format(long units, int scale, Span<byte> to)
    {
        int at = 0;
        // Through the unsigned magnitude: the smallest long has no positive twin.
        ulong magnitude = units < 0 ? (ulong)-(units + 1) + 1 : (ulong)units;
        if (units < 0) to[at++] = (byte)'-';
        ulong power = (ulong)PowerOfTen(scale);
        System.Buffers.Text.Utf8Formatter.TryFormat(magnitude / power, to[at..], out int length);
        at += length;
        if (scale == 0) return at;
        to[at++] = (byte)'.';
        ulong fraction = magnitude % power;
        for (int i = scale - 1; i >= 0; i--)
        {
            to[at + i] = (byte)('0' + (fraction % 10));
            fraction /= 10;
        }
        return at + scale;
    }
}
