using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>What becomes of a result before anyone sees it: the one place where the two environments differ in arithmetic.</summary>
enum ResultRule
{
    /// <summary>As it is: its function cannot leave what the environment allows.</summary>
    Keep,

    /// <summary>Bound: <see cref="Operations.Settle"/>.</summary>
    Settle,

    /// <summary>Unbound: a length of time has nanoseconds of 64 bits.</summary>
    Bound,
}

static class ResultRules
{
    public static Value Of(this ResultRule rule, in Value value) => rule switch
    {
        ResultRule.Keep => value,
        ResultRule.Settle => Operations.Settle(value),
        _ => value.Kind == ValueKind.Duration && TimeOperations.IsBeyondCel(value) ? EvaluationError.Overflow : value,
    };
}

sealed class CallStep1(CelFunction function, CelType result, ResultRule rule, Step argument) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value a = argument.Evaluate(ref e);
        if (a.IsNull) return a;
        if (OperationCost.IsCounted(function)) e.Spend(OperationCost.Of(function, a, default, default));
        return rule.Of(Operations.Apply(function, result, a));
    }
}

sealed class CallStep2(CelFunction function, ResultRule rule, Step first, Step second) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value a = first.Evaluate(ref e);
        if (a.IsNull) return a;
        Value b = second.Evaluate(ref e);
        if (b.IsNull) return b;
        if (OperationCost.IsCounted(function)) e.Spend(OperationCost.Of(function, a, b, default));
        return rule.Of(Operations.Apply(function, a, b));
    }
}

sealed class CallStep3(CelFunction function, ResultRule rule, Step first, Step second, Step third) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value a = first.Evaluate(ref e), b = second.Evaluate(ref e), c = third.Evaluate(ref e);
        if (a.IsNull || b.IsNull || c.IsNull) return a.IsNull ? a : b.IsNull ? b : c;
        if (OperationCost.IsCounted(function)) e.Spend(OperationCost.Of(function, a, b, c));
        return rule.Of(Operations.Apply(function, a, b, c));
    }
}

/// <summary>None or more than three.</summary>
sealed class CallStepN(CelFunction function, CelType result, Step[] arguments) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value[] values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++) values[i] = arguments[i].Evaluate(ref e);
        if (values.Length > 2 && OperationCost.IsCounted(function)) e.Spend(OperationCost.Of(function, values[0], values[1], values[2]));
        return Operations.Apply(function, result, values);
    }
}

/// <summary>
/// In a bound environment the empty part has no occurrences to replace: databases know none, and both executions must agree.
/// </summary>
sealed class BoundReplaceStep(Step replace, Step part) : Step
{
    public override Value Evaluate(ref Evaluation e) =>
        part.Evaluate(ref e) is { Kind: ValueKind.String, String.Length: 0 } ? EvaluationError.OutOfBounds : replace.Evaluate(ref e);
}

/// <summary><c>optional.or</c> and <c>orValue</c>: the second is asked only when the first holds nothing.</summary>
sealed class OrElseStep(CelFunction function, Step first, Step second) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value a = first.Evaluate(ref e);
        if (a.IsNull) return a;
        if (a.Kind != ValueKind.Other || a.Other is not OptionalValue optional) return EvaluationError.NoOverload;
        if (!optional.HasValue) return second.Evaluate(ref e);
        return function == CelFunction.OrValue ? optional.Value : a;
    }
}

/// <summary>What is unknown is nothing there.</summary>
sealed class IfKnownStep(Step value) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value known = value.Evaluate(ref e);
        return known.IsNull ? OptionalValue.None : OptionalValue.Of(known);
    }
}

sealed class CountStep(Step records) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value value = records.Evaluate(ref e);
        return value.IsNull ? value : Value.From((long)((IReadOnlyList<Value[]>)value.Other).Count);
    }
}

/// <param name="optional">Which items stand there only when they hold something; null: none.</param>
/// <param name="isStrict">An item that is an error makes the whole one; in a bound environment it is an unknown item.</param>
sealed class ListStep(Step[] items, bool[]? optional, bool isStrict) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        e.Spend(items.Length);
        Value[] values = new Value[items.Length];
        int count = 0;
        for (int i = 0; i < items.Length; i++)
        {
            Value value = items[i].Evaluate(ref e);
            if (optional is not null && optional[i])
            {
                if (value.Kind != ValueKind.Other || value.Other is not OptionalValue item)
                    return value.IsNull ? value : EvaluationError.NoOverload;
                if (!item.HasValue) continue;
                value = item.Value;
            }
            if (isStrict && value.IsNull) return value;
            values[count++] = value;
        }
        return Value.FromList(count == values.Length ? values : values[..count]);
    }
}

/// <inheritdoc cref="ListStep"/>
sealed class MapStep(Step[] keys, Step[] items, bool[]? optional, bool isStrict) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        e.Spend(items.Length);
        List<KeyValuePair<Value, Value>> entries = new(items.Length);
        for (int i = 0; i < items.Length; i++)
        {
            Value key = keys[i].Evaluate(ref e), value = items[i].Evaluate(ref e);
            if (key.IsNull) return key;
            if (optional is not null && optional[i])
            {
                if (value.Kind != ValueKind.Other || value.Other is not OptionalValue item)
                    return value.IsNull ? value : EvaluationError.NoOverload;
                if (!item.HasValue) continue;
                value = item.Value;
            }
            if (isStrict && value.IsNull) return value;
            entries.Add(new(key, value));
        }
        return Maps.Of(entries);
    }
}
