using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Arithmetic of ints in a bound environment, where an error needs no reason: the same results as <see cref="Operations"/>, in 64 bits
/// with their overflow instead of 128.
/// </summary>
sealed class IntStep(CelFunction function, Step left, Step right) : Step
{
    public static bool Has(CelFunction function) => function is CelFunction.Add or CelFunction.Subtract or CelFunction.Multiply
        or CelFunction.Divide or CelFunction.Modulo;

    public override Value Evaluate(ref Evaluation e) => TryInt(ref e, out long number) ? Value.From(number) : Value.Null;

    // Most right sides are written out: known already, they cost no call.
    readonly bool _isKnown = right is LiteralStep { Int: not null };
    readonly long _known = (right as LiteralStep)?.Int ?? 0;

    public override bool TryInt(ref Evaluation e, out long number)
    {
        number = 0;
        long b = _known;
        if (!left.TryInt(ref e, out long a) || (!_isKnown && !right.TryInt(ref e, out b))) return false;
        switch (function)
        {
            case CelFunction.Add:
                number = unchecked(a + b);
                return ((a ^ number) & (b ^ number)) >= 0;
            case CelFunction.Subtract:
                number = unchecked(a - b);
                return ((a ^ b) & (a ^ number)) >= 0;
            case CelFunction.Multiply:
                long high = Math.BigMul(a, b, out number);
                return high == number >> 63;
            default:
                if (b == 0 || (b == -1 && a == long.MinValue)) return false;
                number = function == CelFunction.Divide ? a / b : a % b;
                return true;
        }
    }
}

/// <summary>A comparison of ints, bound.</summary>
sealed class IntOrderStep(CelFunction function, Step left, Step right) : Step
{
    readonly bool _isKnown = right is LiteralStep { Int: not null };
    readonly long _known = (right as LiteralStep)?.Int ?? 0;

    public override Truth Decide(ref Evaluation e)
    {
        long b = _known;
        if (!left.TryInt(ref e, out long a) || (!_isKnown && !right.TryInt(ref e, out b))) return Truth.Unknown;
        return Truths.Of(function switch
        {
            CelFunction.Equal => a == b,
            CelFunction.NotEqual => a != b,
            CelFunction.Less => a < b,
            CelFunction.LessOrEqual => a <= b,
            CelFunction.Greater => a > b,
            _ => a >= b,
        });
    }
}

/// <summary>What is asked of two texts, bound.</summary>
sealed class TextTestStep(CelFunction function, Step left, Step right) : Step
{
    public static bool Has(CelFunction function) => function is CelFunction.Equal or CelFunction.NotEqual or CelFunction.Contains
        or CelFunction.StartsWith or CelFunction.EndsWith;

    readonly string? _known = (right as LiteralStep)?.Text;

    public override Truth Decide(ref Evaluation e)
    {
        if (left.TextOrNull(ref e) is not { } a || (_known ?? right.TextOrNull(ref e)) is not { } b) return Truth.Unknown;
        if (a.Length >= 1024) e.Spend(a.Length / 16);
        // Spans compare characters and nothing else; a text's own methods look first which comparison is meant.
        return Truths.Of(function switch
        {
            CelFunction.Equal => string.Equals(a, b, StringComparison.Ordinal),
            CelFunction.NotEqual => !string.Equals(a, b, StringComparison.Ordinal),
            CelFunction.Contains => a.AsSpan().IndexOf(b) >= 0,
            CelFunction.StartsWith => a.AsSpan().StartsWith(b),
            _ => a.AsSpan().EndsWith(b),
        });
    }
}

/// <summary>Characters of a text, bound.</summary>
sealed class TextSizeStep(Step text) : Step
{
    public override Value Evaluate(ref Evaluation e) => TryInt(ref e, out long number) ? Value.From(number) : Value.Null;

    public override bool TryInt(ref Evaluation e, out long number)
    {
        string? value = text.TextOrNull(ref e);
        number = value is null ? 0 : TextOperations.CodePoints(value);
        return value is not null;
    }
}

/// <summary>Whether a text is one of a few that are written out, bound.</summary>
sealed class TextInItemsStep(Step item, string[] items) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        if (item.TextOrNull(ref e) is not { } text) return Truth.Unknown;
        foreach (string other in items)
        {
            if (string.Equals(text, other, StringComparison.Ordinal)) return Truth.True;
        }
        return Truth.False;
    }
}
