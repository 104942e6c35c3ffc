using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;

namespace Plinth.Schema.Types;

/// <summary>The scalar types by the name the language knows them under. Decimal takes parameters and is made per use.</summary>
static class ScalarTypes
{
    static readonly FrozenDictionary<string, ScalarType> s_byName = new ScalarType[]
    {
        StringType.It, LongTextType.It, BooleanType.It, IntType.It, BigIntType.It, FloatType.It, DateTimeType.It, DateType.It, TimeType.It,
        DurationType.It, UuidType.It, CuidType.It, NanoIdType.It, BytesType.It, JsonType.It, UrlType.It,
    }.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);

    /// <summary>Known to the language, not to this version.</summary>
    public static ImmutableArray<string> NotAvailable { get; } = ["Vector", "File"];

    /// <summary>Every name, for suggestions.</summary>
    public static ImmutableArray<string> Names { get; } = [.. s_byName.Keys.Append("Decimal").Order(StringComparer.Ordinal)];

    /// <summary>A type without parameters.</summary>
    public static ScalarType? Find(string name) => s_byName.GetValueOrDefault(name);

    /// <summary>The same, and <c>Decimal(12, 2)</c>; null where the text is no type.</summary>
    public static ScalarType? Parse(string text)
    {
        if (Find(text) is { } plain) return plain;
        if (!text.StartsWith("Decimal(", StringComparison.Ordinal) || !text.EndsWith(')')) return null;
        string[] digits = text["Decimal(".Length..^1].Split(',', StringSplitOptions.TrimEntries);
        return digits is [var all, var after] && int.TryParse(all, NumberStyles.None, CultureInfo.InvariantCulture, out int precision)
            && int.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out int scale)
            && precision is >= 1 and <= DecimalType.PrecisionMax && scale <= precision ? new DecimalType(precision, scale) : null;
    }
}
