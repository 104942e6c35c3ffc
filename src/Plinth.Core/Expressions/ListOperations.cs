using System.Collections.Immutable;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>Functions of lists, and looking into lists and maps.</summary>
static class ListOperations
{
    /// <summary>Items that <c>lists.range</c> makes; more could not be looped over anyway.</summary>
    const int RangeMax = 100_000;

    public static Value Apply(CelFunction function, in Value a)
    {
        if (function == CelFunction.Range) return Range(a);
        if (a.Kind != ValueKind.List) return EvaluationError.NoOverload;
        ImmutableArray<Value> list = a.List;
        switch (function)
        {
            case CelFunction.Distinct: return Distinct(list);
            case CelFunction.Flatten: return Flatten(list, 1);
            case CelFunction.Reverse: return Value.FromList([.. list.Reverse()]);
            case CelFunction.Sort: return Sort(list, list);
            case CelFunction.First: return list.IsEmpty ? OptionalValue.None : OptionalValue.Of(list[0]);
            case CelFunction.Last: return list.IsEmpty ? OptionalValue.None : OptionalValue.Of(list[^1]);
            case CelFunction.Unwrap: return Unwrap(list);
            default: return EvaluationError.NoOverload;
        }
    }

    public static Value Apply(CelFunction function, in Value a, in Value b) => (function, a.Kind, b.Kind) switch
    {
        (CelFunction.Flatten, ValueKind.List, ValueKind.Int) => b.Int < 0 ? EvaluationError.OutOfBounds : Flatten(a.List, b.Int),
        (CelFunction.SortByKeys, ValueKind.List, ValueKind.List) => Sort(a.List, b.List),
        _ => EvaluationError.NoOverload,
    };

    /// <summary>An item of a list, the value of a key; through an optional an optional.</summary>
    public static Value At(in Value of, in Value key)
    {
        if (of.Kind == ValueKind.List)
        {
            return Position(key) is { } at ? at >= 0 && at < of.List.Length ? of.List[(int)at] : EvaluationError.OutOfBounds
                : EvaluationError.NoOverload;
        }
        if (Maps.Is(of)) return Maps.TryGet(of, key, out Value found) ? found : EvaluationError.NoSuchKey;
        return of.Kind == ValueKind.Other && of.Other is OptionalValue ? IfAt(of, key) : EvaluationError.NoOverload;
    }

    /// <summary>The same as an optional: none where nothing is. What cannot be looked into at all stays an error.</summary>
    public static Value IfAt(in Value of, in Value key)
    {
        if (of.Kind == ValueKind.Other && of.Other is OptionalValue optional)
        {
            if (!optional.HasValue) return of;
            Value inner = optional.Value;
            return IfAt(inner, key);
        }
        if (of.Kind != ValueKind.List && !Maps.Is(of)) return EvaluationError.NoSuchKey;
        Value found = At(of, key);
        return found.IsNull ? OptionalValue.None : OptionalValue.Of(found);
    }

    /// <summary>Whole numbers of every kind count.</summary>
    static long? Position(in Value key) => key.Kind switch
    {
        ValueKind.Int => key.Int,
        ValueKind.Uint => key.Uint <= int.MaxValue ? (long)key.Uint : -1,
        ValueKind.Double when Math.Floor(key.Double) == key.Double && Math.Abs(key.Double) <= int.MaxValue => (long)key.Double,
        _ => null,
    };

    public static Value Slice(in Value a, in Value start, in Value end)
    {
        if (a.Kind != ValueKind.List || start.Kind != ValueKind.Int || end.Kind != ValueKind.Int) return EvaluationError.NoOverload;
        if (start.Int < 0 || end.Int < start.Int || end.Int > a.List.Length) return EvaluationError.OutOfBounds;
        return Value.FromList([.. a.List[(int)start.Int..(int)end.Int]]);
    }

    static Value Range(in Value count)
    {
        if (count.Kind != ValueKind.Int) return EvaluationError.NoOverload;
        if (count.Int is < 0 or > RangeMax) return EvaluationError.OutOfBounds;
        Value[] items = new Value[count.Int];
        for (int i = 0; i < items.Length; i++) items[i] = Value.From((long)i);
        return Value.FromList(items);
    }

    static Value Flatten(ImmutableArray<Value> list, long levels)
    {
        List<Value> to = new(list.Length);
        Add(list, levels);
        return Value.FromList([.. to]);

        void Add(ImmutableArray<Value> from, long left)
        {
            foreach (Value item in from)
            {
                if (item.Kind == ValueKind.List && left > 0) Add(item.List, left - 1);
                else to.Add(item);
            }
        }
    }

    static Value Distinct(ImmutableArray<Value> list)
    {
        List<Value> kept = [];
        foreach (Value item in list)
        {
            if (!kept.Exists(k => Comparison.Equal(k, item) == Truth.True)) kept.Add(item);
        }
        return Value.FromList([.. kept]);
    }

    static Value Unwrap(ImmutableArray<Value> list)
    {
        List<Value> there = [];
        foreach (Value item in list)
        {
            if (item.Kind != ValueKind.Other || item.Other is not OptionalValue optional) return EvaluationError.NoOverload;
            if (optional.HasValue) there.Add(optional.Value);
        }
        return Value.FromList([.. there]);
    }

    /// <summary>Stable. Every pair must have an order, or there is none.</summary>
    static Value Sort(ImmutableArray<Value> list, ImmutableArray<Value> keys)
    {
        if (keys.Length != list.Length) return EvaluationError.OutOfBounds;
        for (int i = 1; i < keys.Length; i++)
        {
            if (Comparison.Ordered(CelFunction.LessOrEqual, keys[0], keys[i]) == Truth.Unknown) return EvaluationError.NotOrdered;
        }
        if (keys.Length == 1 && Comparison.Ordered(CelFunction.LessOrEqual, keys[0], keys[0]) == Truth.Unknown)
            return EvaluationError.NotOrdered;
        int[] places = [.. Enumerable.Range(0, list.Length)];
        Array.Sort(places, (x, y) => Comparison.Ordered(CelFunction.Less, keys[x], keys[y]) == Truth.True ? -1
            : Comparison.Ordered(CelFunction.Less, keys[y], keys[x]) == Truth.True ? 1
            : x.CompareTo(y));
        return Value.FromList([.. places.Select(p => list[p])]);
    }
}
