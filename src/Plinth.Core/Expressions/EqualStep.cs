using System.Text.RegularExpressions;
using Plinth.Schema;

namespace Plinth.Expressions;

sealed class EqualStep(Step left, Step right, bool isNegated) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value a = left.Evaluate(ref e), b = right.Evaluate(ref e);
        if (a.Kind >= ValueKind.List) e.Spend(OperationCost.Deep(a, e.Left));
        Truth equal = Comparison.Equal(a, b);
        if (equal == Truth.Unknown) e.Note(a, b);
        return isNegated ? equal.Not() : equal;
    }
}

sealed class OrderStep(CelFunction function, Step left, Step right, bool asDoubles) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value a = left.Evaluate(ref e), b = right.Evaluate(ref e);
        Truth ordered = Comparison.Ordered(function, a, b, asDoubles);
        if (ordered == Truth.Unknown) e.Note(a, b, EvaluationError.NotOrdered);
        return ordered;
    }
}

sealed class MatchesStep(Step text, Regex pattern) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value value = text.Evaluate(ref e);
        if (value.Kind != ValueKind.String)
        {
            e.Note(value, value, EvaluationError.NoOverload);
            return Truth.Unknown;
        }
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
        if (Maps.Is(within))
        {
            if (!value.IsNull) return Truths.Of(Maps.TryGet(within, value, out _));
            e.Note(value, within);
            return Truth.Unknown;
        }
        if (within.Kind != ValueKind.List)
        {
            e.Note(value, within, EvaluationError.NoOverload);
            return Truth.Unknown;
        }
        e.Spend(value.Kind >= ValueKind.List ? OperationCost.Deep(within, e.Left) : within.List.Length);
        Truth any = Truth.False;
        foreach (Value other in within.List)
        {
            Truth equal = Comparison.Equal(value, other);
            if (equal == Truth.True) return equal;
            if (equal == Truth.Unknown) any = equal;
        }
        if (any == Truth.Unknown) e.Note(value, within);
        return any;
    }
}
