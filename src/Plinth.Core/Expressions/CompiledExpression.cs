using Plinth.Schema;

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
        StepCompiler compiler = new();
        Step root = compiler.Compile(expression.Root);
        return new CompiledExpression(expression, root, compiler.Variables);
    }

    /// <exception cref="ExpressionCostException">Loops took more steps than the context's bound.</exception>
    public Value Evaluate(in EvaluationContext context)
    {
        Evaluation evaluation = new(in context, _variables);
        return _root.Evaluate(ref evaluation);
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

/// <summary>The state of one evaluation: what it reads, its variables and its cost.</summary>
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

    public readonly ref Value Variable(int id) => ref _variables![id];

    public void Spend(int steps)
    {
        _cost += steps;
        if (_cost > Context.Cost) throw new ExpressionCostException(Context.Cost);
    }
}

/// <summary>
/// One compiled node. A step of a condition overrides <see cref="Decide"/>, any other <see cref="Evaluate"/>; each falls back on the
/// other.
/// </summary>
abstract class Step
{
    public virtual Value Evaluate(ref Evaluation e) => Decide(ref e).ToValue();

    public virtual Truth Decide(ref Evaluation e) => Truths.Of(Evaluate(ref e));
}
