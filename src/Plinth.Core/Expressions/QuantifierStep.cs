using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>The variables of a loop: one stands for the item or key, two for index and item or key and value.</summary>
readonly struct LoopVariables(int first, int? second)
{
    public void Set(ref Evaluation e, in LoopItems items, int index)
    {
        if (second is not { } other)
        {
            e.Variable(first) = items[index];
            return;
        }
        e.Variable(first) = items.Key(index);
        e.Variable(other) = items.Second(index);
    }
}

/// <summary>Keeps the unknown: an element that decides wins over elements that are unknown, wherever they stand.</summary>
sealed class QuantifierStep(QuantifierKind kind, Step range, LoopVariables variables, Step body, int cost) : Step
{
    public override Truth Decide(ref Evaluation e)
    {
        Value over = range.Evaluate(ref e);
        if (!LoopItems.TryOf(over, out LoopItems items))
        {
            e.Note(over, over, EvaluationError.NoOverload);
            return Truth.Unknown;
        }
        int trues = 0;
        bool isUnknown = false;
        for (int i = 0; i < items.Count; i++)
        {
            e.Spend(cost);
            variables.Set(ref e, items, i);
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

/// <summary>
/// A filter that is unknown for some element makes the whole unknown. In a bound environment an unknown element of map() is an
/// element; where it is strict an error is the result.
/// </summary>
sealed class TransformStep(Step range, LoopVariables variables, Step? filter, Step? transform, bool ofRecords, bool isStrict, int cost)
    : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value over = range.Evaluate(ref e);
        if (!LoopItems.TryOf(over, out LoopItems items)) return over.IsNull ? over : EvaluationError.NoOverload;
        List<Value> made = new(items.Count);
        for (int i = 0; i < items.Count; i++)
        {
            e.Spend(cost + 1);
            variables.Set(ref e, items, i);
            Truth keep = filter?.Decide(ref e) ?? Truth.True;
            if (keep == Truth.Unknown) return e.Error;
            if (keep == Truth.False) continue;
            Value value = transform?.Evaluate(ref e) ?? items[i];
            if (isStrict && value.IsNull) return value;
            made.Add(value);
        }
        return ofRecords ? Value.FromOther(made.ConvertAll(m => (Value[])m.Other)) : Value.FromList([.. made]);
    }
}

/// <summary>A map from the first variable to what the transform gives, or of the entries that it gives.</summary>
sealed class TransformMapStep(TransformKind kind, Step range, LoopVariables variables, Step? filter, Step transform, bool isStrict,
    int cost) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value over = range.Evaluate(ref e);
        if (!LoopItems.TryOf(over, out LoopItems items)) return over.IsNull ? over : EvaluationError.NoOverload;
        List<KeyValuePair<Value, Value>> entries = new(items.Count);
        for (int i = 0; i < items.Count; i++)
        {
            e.Spend(cost + 1);
            variables.Set(ref e, items, i);
            Truth keep = filter?.Decide(ref e) ?? Truth.True;
            if (keep == Truth.Unknown) return e.Error;
            if (keep == Truth.False) continue;
            Value value = transform.Evaluate(ref e);
            if (value.IsNull && (isStrict || kind == TransformKind.Entries)) return value;
            if (kind == TransformKind.Map)
            {
                entries.Add(new(items.Key(i), value));
                continue;
            }
            if (!Maps.Is(value)) return EvaluationError.NoOverload;
            e.Spend(Maps.Count(value));
            for (int k = 0; k < Maps.Count(value); k++) entries.Add(new(Maps.Key(value, k), Maps.Item(value, k)));
        }
        return Maps.Of(entries);
    }
}

/// <summary>An error that nobody looks at does no harm: the variable holds it.</summary>
sealed class BindStep(int variable, Step value, Step body) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        e.Variable(variable) = value.Evaluate(ref e);
        return body.Evaluate(ref e);
    }

    public override Truth Decide(ref Evaluation e)
    {
        e.Variable(variable) = value.Evaluate(ref e);
        return body.Decide(ref e);
    }
}
