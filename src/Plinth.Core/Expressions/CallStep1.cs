using Plinth.Schema;

namespace Plinth.Expressions;

sealed class CallStep1(CelFunction function, CelType result, Step argument) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value a = argument.Evaluate(ref e);
        return a.IsNull ? a : Operations.Apply(function, result, a);
    }
}

sealed class CallStep2(CelFunction function, Step first, Step second) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value a = first.Evaluate(ref e);
        if (a.IsNull) return a;
        Value b = second.Evaluate(ref e);
        return b.IsNull ? b : Operations.Apply(function, a, b);
    }
}

sealed class CallStep3(CelFunction function, Step first, Step second, Step third) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value a = first.Evaluate(ref e), b = second.Evaluate(ref e), c = third.Evaluate(ref e);
        return a.IsNull || b.IsNull || c.IsNull ? Value.Null : Operations.Apply(function, a, b, c);
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

sealed class ListStep(Step[] items) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        e.Spend(items.Length);
        Value[] values = new Value[items.Length];
        for (int i = 0; i < items.Length; i++) values[i] = items[i].Evaluate(ref e);
        return Value.FromList(values);
    }
}

sealed class MapStep(string[] keys, Step[] items) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        e.Spend(items.Length);
        KeyValuePair<string, Value>[] entries = new KeyValuePair<string, Value>[items.Length];
        for (int i = 0; i < items.Length; i++) entries[i] = new(keys[i], items[i].Evaluate(ref e));
        return Value.FromMap(new ValueMap(entries));
    }
}
