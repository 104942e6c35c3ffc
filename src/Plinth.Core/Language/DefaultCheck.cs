using Plinth.Schema;

namespace Plinth.Language;

/// <summary>A default that its own field refuses would fail every create that relies on it: found here, not there.</summary>
sealed class DefaultCheck(Findings findings)
{
    public void Check(FieldDraft draft)
    {
        if (draft.Field is not { IsList: false, Default: LiteralDefault { Value: var value } }) return;
        foreach (Validator validator in draft.Field.Validators)
        {
            string? wrong = validator switch
            {
                LengthValidator length when value.Kind == ValueKind.String =>
                    Outside(CodePoints(value.String), length.Min, length.Max, "characters"),
                LengthValidator length when value.Kind == ValueKind.Bytes => Outside(value.Bytes.Length, length.Min, length.Max, "bytes"),
                RangeValidator range when Number(value) is { } number => Outside(number, range.Min, range.Max, ""),
                OneOfValidator oneOf when !oneOf.Values.Contains(value) => "it is not one of the values listed",
                _ => null,
            };
            if (wrong is null) continue;
            findings.Error(draft.Source, Codes.ConflictingAttributes, draft.Attribute("@default")?.Span ?? draft.Name.Span,
                $"'{draft.Field.Name}' refuses its own default: {wrong}");
        }
    }

    static string? Outside(decimal value, decimal? min, decimal? max, string unit)
    {
        if (value >= (min ?? value) && value <= (max ?? value)) return null;
        string bounds = (min, max) switch
        {
            (null, { } most) => FormattableString.Invariant($"at most {most}"),
            ({ } least, null) => FormattableString.Invariant($"at least {least}"),
            _ => FormattableString.Invariant($"from {min} to {max}"),
        };
        return FormattableString.Invariant($"{value} is not {bounds} {unit}").TrimEnd();
    }

    static int CodePoints(string text) => text.EnumerateRunes().Count();

    static decimal? Number(in Value value) => value.Kind switch
    {
        ValueKind.Int => value.Int,
        ValueKind.Decimal => new decimal(value.DecimalUnits) / (decimal)Math.Pow(10, value.DecimalScale),
        ValueKind.Double when Math.Abs(value.Double) < 1e27 => (decimal)value.Double,
        _ => null,
    };
}
