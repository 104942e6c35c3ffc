using System.Text.RegularExpressions;
using Plinth.Schema;

namespace Plinth.Expressions;

sealed class EqualStep(Step left, Step right, bool isNegated) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Truth equal = Comparison.Equal(left.Evaluate(ref e), right.Evaluate(ref e));
        return isNegated ? equal.Not() : equal;
    }
}

sealed class OrderStep(CelFunction function, Step left, Step right) : Step
{
    public override Truth Decide(ref Evaluation e) => Comparison.Ordered(function, left.Evaluate(ref e), right.Evaluate(ref e));
}

sealed class MatchesStep(Step text, Regex pattern) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value value = text.Evaluate(ref e);
        if (value.Kind != ValueKind.String) return Truth.Unknown;
        e.Spend(value.String.Length / 16);
        return Truths.Of(pattern.IsMatch(value.String));
    }
}

sealed class InItemsStep(Step item, Step[] items) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value value = item.Evaluate(ref e);
        Truth any = Truth.False;
        foreach (Step other in items)
        {
            Truth equal = Comparison.Equal(value, other.Evaluate(ref e));
            if (equal == Truth.True) return equal;
            if (equal == Truth.Unknown) any = equal;
        }
        return any;
    }
}

sealed class InListStep(Step item, Step list) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value value = item.Evaluate(ref e), within = list.Evaluate(ref e);
        if (within.Kind == ValueKind.Map) return value.Kind == ValueKind.String ? Truths.Of(within.Map.TryGet(value.String, out _))
            : Truth.Unknown;
        if (within.Kind != ValueKind.List) return Truth.Unknown;
        e.Spend(within.List.Length);
        Truth any = Truth.False;
        foreach (Value other in within.List)
        {
            Truth equal = Comparison.Equal(value, other);
            if (equal == Truth.True) return equal;
            if (equal == Truth.Unknown) any = equal;
        }
        return any;
    }
}
