using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Plinth.Schema;

namespace Plinth.Expressions;

// Steps that decide and compute: logic, comparison, calls, loops.

sealed class NotStep(Step operand) : Step
{
    public override Truth Decide(ref Evaluation e) => operand.Decide(ref e).Not();
}

sealed class AndStep(Step[] items) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Truth all = Truth.True;
        foreach (Step item in items)
        {
            Truth truth = item.Decide(ref e);
            if (truth == Truth.False) return truth;
            if (truth == Truth.Unknown) all = truth;
        }
        return all;
    }
}

sealed class OrStep(Step[] items) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Truth any = Truth.False;
        foreach (Step item in items)
        {
            Truth truth = item.Decide(ref e);
            if (truth == Truth.True) return truth;
            if (truth == Truth.Unknown) any = truth;
        }
        return any;
    }
}

sealed class ConditionalStep(Step condition, Step then, Step otherwise) : Step
{
    public override Value Evaluate(ref Evaluation e) => condition.Decide(ref e) switch
    {
        Truth.True => then.Evaluate(ref e),
        Truth.False => otherwise.Evaluate(ref e),
        _ => Value.Null,
    };
}

sealed class IsNullStep(Step operand) : Step
{
    public override Truth Decide(ref Evaluation e) => Truths.Of(operand.Evaluate(ref e).IsNull);
}

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

sealed class CountStep(Step records) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value value = records.Evaluate(ref e);
        return value.IsNull ? value : Value.From((long)((IReadOnlyList<Value[]>)value.Other).Count);
    }
}

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
        if (within.Kind == ValueKind.Map) return value.Kind == ValueKind.String ? Truths.Of(within.Map.TryGet(value.String, out _)) : Truth.Unknown;
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

/// <summary>What a loop runs over: the items of a list, the keys of a map, the rows of a relation.</summary>
readonly struct LoopItems
{
    readonly ImmutableArray<Value> _items;
    readonly IReadOnlyList<Value[]>? _rows;
    readonly ValueMap? _map;

    LoopItems(ImmutableArray<Value> items, IReadOnlyList<Value[]>? rows, ValueMap? map) => (_items, _rows, _map) = (items, rows, map);

    /// <summary>False when the range is unknown, or nothing to run over.</summary>
    public static bool TryOf(in Value range, out LoopItems items)
    {
        items = range.Kind switch
        {
            ValueKind.List => new LoopItems(range.List, null, null),
            ValueKind.Other => new LoopItems([], (IReadOnlyList<Value[]>)range.Other, null),
            ValueKind.Map => new LoopItems([], null, range.Map),
            _ => default,
        };
        return range.Kind is ValueKind.List or ValueKind.Other or ValueKind.Map;
    }

    public int Count => _rows?.Count ?? _map?.Count ?? _items.Length;

    public Value this[int index] => _rows is not null ? Value.FromOther(_rows[index])
        : _map is not null ? Value.From(_map.Entries[index].Key)
        : _items[index];
}

/// <summary>Keeps the unknown: an element that decides wins over elements that are unknown, wherever they stand.</summary>
sealed class QuantifierStep(QuantifierKind kind, Step range, int variable, Step body, int cost) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value over = range.Evaluate(ref e);
        if (!LoopItems.TryOf(over, out LoopItems items)) return Truth.Unknown;
        int trues = 0;
        bool isUnknown = false;
        for (int i = 0; i < items.Count; i++)
        {
            e.Spend(cost);
            e.Variable(variable) = items[i];
            Truth truth = body.Decide(ref e);
            if (truth == Truth.Unknown) isUnknown = true;
            else if (truth == Truth.True) trues++;
            if (kind == QuantifierKind.Exists && truth == Truth.True) return Truth.True;
            if (kind == QuantifierKind.All && truth == Truth.False) return Truth.False;
        }
        if (isUnknown) return Truth.Unknown;
        return Truths.Of(kind switch
        {
            QuantifierKind.All => true,
            QuantifierKind.Exists => false,
            _ => trues == 1,
        });
    }
}

/// <summary>A filter that is unknown for some element makes the whole unknown; an unknown element of map() is an element.</summary>
sealed class TransformStep(Step range, int variable, Step? filter, Step? transform, bool ofRecords, int cost) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value over = range.Evaluate(ref e);
        if (!LoopItems.TryOf(over, out LoopItems items)) return Value.Null;
        List<Value> made = new(items.Count);
        for (int i = 0; i < items.Count; i++)
        {
            e.Spend(cost + 1);
            Value item = items[i];
            e.Variable(variable) = item;
            Truth keep = filter?.Decide(ref e) ?? Truth.True;
            if (keep == Truth.Unknown) return Value.Null;
            if (keep == Truth.True) made.Add(transform?.Evaluate(ref e) ?? item);
        }
        return ofRecords ? Value.FromOther(made.ConvertAll(m => (Value[])m.Other)) : Value.FromList([.. made]);
    }
}
