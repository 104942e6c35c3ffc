using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>One validator of a field, made ready: what is wrong with a value that is not null, or null when nothing is.</summary>
abstract class ValueCheck
{
    private protected ValueCheck()
    {
    }

    /// <summary>The code of the detail: the attribute's name.</summary>
    public abstract string Code { get; }

    public abstract string? Problem(in Value value);

    /// <summary>The check of a validator; null for those that look at the whole row (<see cref="CheckValidator"/>).</summary>
    public static ValueCheck? Of(Validator validator) => validator switch
    {
        LengthValidator length => new LengthCheck(length.Min, length.Max),
        RangeValidator range => new RangeCheck(range.Min, range.Max),
        RegexValidator regex => new RegexCheck(regex.Pattern),
        EmailValidator => new EmailCheck(),
        UrlValidator => new UrlCheck(),
        Iso4217Validator => new CurrencyCheck(),
        OneOfValidator oneOf => new OneOfCheck(oneOf.Values),
        CheckValidator => null,
        _ => throw new InvalidOperationException($"no check for {validator}"),
    };
}

/// <summary>Code points of a text, bytes of Bytes; the items of a list are counted by who reads them.</summary>
sealed class LengthCheck(int? min, int? max) : ValueCheck
{
    public override string Code => "length";

    public override string? Problem(in Value value) => value.Kind switch
    {
        ValueKind.String => Problem(CodePoints(value.String), "characters"),
        ValueKind.Bytes => Problem(value.Bytes.Length, "bytes"),
        _ => throw new InvalidOperationException($"@length on a value of kind {value.Kind}: the binder admits texts, bytes and lists"),
    };

    public string? Problem(int length, string unit)
    {
        if (length >= (min ?? 0) && length <= (max ?? int.MaxValue)) return null;
        return (min, max) switch
        {
            ({ } low, { } high) when low == high => Text($"must have exactly {low} {unit}, has {length}"),
            ({ } low, { } high) => Text($"must have {low} to {high} {unit}, has {length}"),
            ({ } low, null) => Text($"must have at least {low} {unit}, has {length}"),
            _ => Text($"must have at most {max} {unit}, has {length}"),
        };
    }

    static int CodePoints(string text)
    {
        int count = text.Length;
        foreach (char c in text)
        {
            // Pairs are whole: reading refused lone surrogates.
            if (char.IsLowSurrogate(c)) count--;
        }
        return count;
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Exact for whole numbers and decimals; a Float is compared as a double, so that a bound written 0.1 admits the value written 0.1.
/// </summary>
sealed class RangeCheck(decimal? min, decimal? max) : ValueCheck
{
    public override string Code => "range";

    public override string? Problem(in Value value)
    {
        bool inside = value.Kind switch
        {
            ValueKind.Int => Holds(value.Int),
            ValueKind.Decimal => Holds(Exact(value.DecimalUnits, value.DecimalScale)),
            ValueKind.Double => (min is null || value.Double >= (double)min) && (max is null || value.Double <= (double)max),
            _ => throw new InvalidOperationException($"@range on a value of kind {value.Kind}: the binder admits numbers"),
        };
        if (inside) return null;
        return (min, max) switch
        {
            ({ } low, { } high) => string.Create(CultureInfo.InvariantCulture, $"must be from {low} to {high}"),
            ({ } low, null) => string.Create(CultureInfo.InvariantCulture, $"must be at least {low}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"must be at most {max}"),
        };
    }

    bool Holds(decimal number) => (min is null || number >= min) && (max is null || number <= max);

    static decimal Exact(long units, int scale)
    {
        ulong magnitude = units < 0 ? (ulong)-(units + 1) + 1 : (ulong)units;
        return new decimal((int)magnitude, (int)(magnitude >> 32), 0, units < 0, (byte)scale);
    }
}

/// <summary>Matches in linear time, whatever the pattern and the text.</summary>
sealed class RegexCheck(string pattern) : ValueCheck
{
    // Made at the first use: the automaton costs more than a whole schema to check.
    readonly Lazy<Regex> _regex = new(() => Regex2.Compile(pattern));

    public override string Code => "regex";

    public override string? Problem(in Value value) => _regex.Value.IsMatch(value.String) ? null : $"does not match {pattern}";
}

/// <summary>
/// Pragmatic: one @, a local part of dots and the usual letters, a host of at least two labels. What passes can be an address; only a
/// mail
/// that arrives proves one.
/// </summary>
sealed class EmailCheck : ValueCheck
{
    const int AddressMax = 254, LocalMax = 64, LabelMax = 63;

    public override string Code => "email";

    public override string? Problem(in Value value) => IsEmail(value.String) ? null : "is not an e-mail address";

    static bool IsEmail(ReadOnlySpan<char> text)
    {
        int at = text.LastIndexOf('@');
        if (text.Length > AddressMax || at is < 1 or > LocalMax) return false;
        ReadOnlySpan<char> host = text[(at + 1)..];
        return AreLabels(text[..at], "!#$%&'*+-/=?^_`{|}~", LocalMax, edges: true)
            && host.Contains('.') && AreLabels(host, "-", LabelMax, edges: false) && !char.IsAsciiDigit(host[^1]);
    }

    /// <summary>Parts joined by single dots, each of letters, digits and some signs.</summary>
    static bool AreLabels(ReadOnlySpan<char> text, string signs, int labelMax, bool edges)
    {
        foreach (Range part in text.Split('.'))
        {
            ReadOnlySpan<char> label = text[part];
            if (label.Length == 0 || label.Length > labelMax) return false;
            if (!edges && (label[0] == '-' || label[^1] == '-')) return false;
            foreach (char c in label)
            {
                if (!IsOfLabel(c, signs)) return false;
            }
        }
        return true;
    }

    static bool IsOfLabel(char c, string signs)
    {
        if (char.IsAsciiLetterOrDigit(c)) return true;
        return c < 0x80 ? signs.Contains(c, StringComparison.Ordinal) : !char.IsControl(c) && !char.IsWhiteSpace(c);
    }
}

sealed class UrlCheck : ValueCheck
{
    public override string Code => "url";

    public override string? Problem(in Value value) => UrlType.IsUrl(value.String) ? null : "is not an absolute http or https URL";
}

sealed class CurrencyCheck : ValueCheck
{
    public override string Code => "iso4217";

    public override string? Problem(in Value value) => Currencies.Has(value.String) ? null : "is not a currency code of ISO 4217";
}

sealed class OneOfCheck(ImmutableArray<Value> values) : ValueCheck
{
    public override string Code => "one_of";

    public override string? Problem(in Value value) => values.Contains(value) ? null : $"must be one of {string.Join(", ", values)}";
}
