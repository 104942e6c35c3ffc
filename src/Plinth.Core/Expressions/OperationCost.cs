using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>
/// Steps that an operation costs beyond its own: those whose time or result grows with what they are given. Without it a short
/// expression could double a text until memory ends.
/// </summary>
static class OperationCost
{
    /// <summary>Characters or bytes that are made or searched for one step.</summary>
    const int TextPerStep = 16;

    public static bool IsCounted(CelFunction function) => function is CelFunction.Add or CelFunction.Concat
        or (>= CelFunction.Contains and <= CelFunction.Reverse) or CelFunction.ToText or CelFunction.ToBytes
        or (>= CelFunction.Slice and <= CelFunction.SortByKeys) or CelFunction.Base64Decode or CelFunction.Base64Encode;

    public static int Of(CelFunction function, in Value a, in Value b, in Value c)
    {
        if (function == CelFunction.Add && a.Kind is not (ValueKind.String or ValueKind.Bytes or ValueKind.List)) return 0;
        long steps = Size(a) + Size(b);
        switch (function)
        {
            // Every place of the text may be one of the part.
            case CelFunction.Replace when a.Kind == ValueKind.String && b.Kind == ValueKind.String && c.Kind == ValueKind.String:
                steps += (a.String.Length / Math.Max(1, b.String.Length) + 1L) * c.String.Length / TextPerStep;
                break;
            case CelFunction.Split when a.Kind == ValueKind.String && b.Kind == ValueKind.String:
                steps += a.String.Length / Math.Max(1, b.String.Length);
                break;
            case CelFunction.Join when a.Kind == ValueKind.List:
                steps += a.List.Sum(i => Size(i)) + a.List.Length * Size(b);
                break;
            case CelFunction.Format when b.Kind == ValueKind.List: steps += Deep(b, int.MaxValue / 256); break;
            case CelFunction.Range when a.Kind == ValueKind.Int: steps += Math.Clamp(a.Int, 0, int.MaxValue); break;
            case CelFunction.Flatten when a.Kind == ValueKind.List: steps += Deep(a, int.MaxValue / 256); break;
            // Each item is compared with those that are kept.
            case CelFunction.Distinct when a.Kind == ValueKind.List: steps += (long)a.List.Length * a.List.Length; break;
            case CelFunction.Sort or CelFunction.SortByKeys: steps *= 16; break;
        }
        return (int)Math.Min(steps, int.MaxValue);
    }

    static long Size(in Value value) => value.Kind switch
    {
        ValueKind.String => value.String.Length / TextPerStep,
        ValueKind.Bytes => value.Bytes.Length / TextPerStep,
        ValueKind.List => value.List.Length,
        _ => 0,
    };

    /// <summary>
    /// With what is inside: the same part may stand in a value many times, so that a short expression can make one that is endless to
    /// walk. Counting stops at <paramref name="max"/>, which is more than an evaluation may take.
    /// </summary>
    public static int Deep(in Value value, int max)
    {
        long left = max;
        Walk(value, ref left);
        return (int)Math.Clamp(max - left, 0, max);
    }

    static void Walk(in Value value, ref long left)
    {
        left -= 1 + Size(value);
        if (value.Kind == ValueKind.List)
        {
            for (int i = 0; i < value.List.Length && left >= 0; i++) Walk(value.List.ItemRef(i), ref left);
        }
        else if (Maps.Is(value))
        {
            for (int i = 0; i < Maps.Count(value) && left >= 0; i++)
            {
                Value item = Maps.Item(value, i);
                Walk(item, ref left);
            }
        }
        else if (value is { Kind: ValueKind.Other, Other: OptionalValue { HasValue: true } optional })
        {
            Value inner = optional.Value;
            Walk(inner, ref left);
        }
    }
}
