using Plinth.Schema;

namespace Plinth.Expressions;

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
        _ => e.Error,
    };

    public override Truth Decide(ref Evaluation e) => condition.Decide(ref e) switch
    {
        Truth.True => then.Decide(ref e),
        Truth.False => otherwise.Decide(ref e),
        _ => Truth.Unknown,
    };
}

sealed class IsNullStep(Step operand) : Step
{
    public override Truth Decide(ref Evaluation e) => Truths.Of(operand.Evaluate(ref e).IsNull);
}
