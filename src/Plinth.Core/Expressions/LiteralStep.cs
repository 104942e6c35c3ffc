using Plinth.Schema;

namespace Plinth.Expressions;

sealed class LiteralStep(Value value) : Step
{
    readonly Truth _truth = Truths.Of(value);
    readonly bool _isInt = value.Kind == ValueKind.Int;
    readonly long _int = value.Kind == ValueKind.Int ? value.Int : 0;
    readonly string? _text = value.Kind == ValueKind.String ? value.String : null;

    /// <summary>The number, where the literal is an int.</summary>
    public long? Int => _isInt ? _int : null;

    /// <summary>The text, where it is one.</summary>
    public string? Text => _text;

    public override bool TryInt(ref Evaluation e, out long number)
    {
        number = _int;
        return _isInt;
    }

    public override string? TextOrNull(ref Evaluation e) => _text;

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
