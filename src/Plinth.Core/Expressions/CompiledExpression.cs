using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>
/// A checked tree made ready to run: sealed typed steps, no allocation unless a function makes a text or an expression looks into
/// JSON. Immutable and thread-safe. Three-valued: unknown is <see cref="Value.Null"/>.
/// </summary>
sealed class CompiledExpression
{
    readonly Step _root;
    readonly int _variables;

    CompiledExpression(CheckedExpression expression, Step root, int variables) =>
        (Expression, _root, _variables) = (expression, root, variables);

    public CheckedExpression Expression { get; }

    public static CompiledExpression Compile(CheckedExpression expression)
    {
        StepCompiler compiler = new(expression.IsUnbound);
        Step root = compiler.Compile(expression.Root);
        return new CompiledExpression(expression, root, compiler.Variables);
    }

    /// <exception cref="ExpressionCostException">Loops took more steps than the context's bound.</exception>
    public Value Evaluate(in EvaluationContext context)
    {
        Evaluation evaluation = new(in context, _variables);
        Value value = _root.Evaluate(ref evaluation);
        return value.IsNull && value.Reason is null ? evaluation.Error : value;
    }

    /// <summary>The same, of a condition.</summary>
    public Truth Decide(in EvaluationContext context)
    {
        Evaluation evaluation = new(in context, _variables);
        return _root.Decide(ref evaluation);
    }

    /// <summary>True, not merely unknown.</summary>
    public bool IsTrue(in EvaluationContext context) => Decide(context) == Truth.True;
}

/// <summary>The state of one evaluation: what it reads, its variables, its cost and why it failed.</summary>
ref struct Evaluation
{
    public readonly ref readonly EvaluationContext Context;
    readonly Value[]? _variables;
    int _cost;

    public Evaluation(in EvaluationContext context, int variables)
    {
        Context = ref context;
        _variables = variables > 0 ? new Value[variables] : null;
    }

    /// <summary>
    /// The reason of what last became <see cref="Truth.Unknown"/>, which has no room for one. Null where nothing did.
    /// </summary>
    public Value Error { get; private set; }

    /// <summary>Steps that may still be taken.</summary>
    public readonly int Left => (int)Math.Min(int.MaxValue, (long)Context.Cost - _cost + 1);

    public readonly ref Value Variable(int id) => ref _variables![id];

    /// <exception cref="ExpressionCostException">The bound is passed.</exception>
    public void Spend(int steps)
    {
        _cost = steps > int.MaxValue - _cost ? int.MaxValue : _cost + steps;
        if (_cost > Context.Cost) throw new ExpressionCostException(Context.Cost);
    }

    /// <summary>Keeps the reason of the first that has one, or else this one.</summary>
    public void Note(in Value a, in Value b, in Value otherwise = default) =>
        Error = a.Reason is not null ? a : b.Reason is not null ? b : otherwise.IsNull && otherwise.Reason is null ? Error : otherwise;
}

/// <summary>
/// One compiled node. A step of a condition overrides <see cref="Decide"/>, any other <see cref="Evaluate"/>; each falls back on the
/// other.
/// </summary>
abstract class Step
{
    public virtual Value Evaluate(ref Evaluation e)
    {
        Truth truth = Decide(ref e);
        return truth == Truth.Unknown ? e.Error : truth.ToValue();
    }

    /// <summary>The value where it is an int, without the width of a <see cref="Value"/>; false where it is anything else.</summary>
    public virtual bool TryInt(ref Evaluation e, out long number)
    {
        Value value = Evaluate(ref e);
        bool isInt = value.Kind == ValueKind.Int;
        number = isInt ? value.Int : 0;
        return isInt;
    }

    /// <summary>The same of a text; null where it is anything else.</summary>
    public virtual string? TextOrNull(ref Evaluation e)
    {
        Value value = Evaluate(ref e);
        return value.Kind == ValueKind.String ? value.String : null;
    }

    public virtual Truth Decide(ref Evaluation e)
    {
        Value value = Evaluate(ref e);
        Truth truth = Truths.Of(value);
        if (truth == Truth.Unknown) e.Note(value, value, EvaluationError.NotBool);
        return truth;
    }
}
