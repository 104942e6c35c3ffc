using Plinth.Schema;

namespace Plinth.Expressions;

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
