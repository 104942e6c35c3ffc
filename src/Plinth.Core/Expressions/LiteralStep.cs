using Plinth.Schema;

namespace Plinth.Expressions;

sealed class LiteralStep(Value value) : Step
{
    readonly Truth _truth = Truths.Of(value);

    public override Value Evaluate(ref Evaluation e) => value;

    public override Truth Decide(ref Evaluation e)
    {
        if (_truth == Truth.Unknown) e.Note(value, value, EvaluationError.NotBool);
        return _truth;
    }
}

sealed class VariableStep(int id) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Variable(id);
}

sealed class InputStep(int index) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Inputs![index];
}
