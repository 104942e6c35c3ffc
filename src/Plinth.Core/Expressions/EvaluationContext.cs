using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>The live rows at the far end of a relation from one row, none or one for a to-one side.</summary>
delegate IReadOnlyList<Value[]> RelatedRows(Relation relation, Value[] row);

/// <summary>What an evaluation reads. A part that the expression does not read may be left out.</summary>
readonly struct EvaluationContext
{
    public EvaluationContext()
    {
    }

    /// <summary>By <see cref="Field.Ordinal"/> of the scope's model (or embedded type).</summary>
    public Value[]? Row { get; init; }

    public Value[]? Before { get; init; }

    /// <summary>A Map of claims, or Null when anonymous.</summary>
    public Value Auth { get; init; }

    public long NowMicroseconds { get; init; }

    public string? Ip { get; init; }

    public string? Method { get; init; }

    /// <summary>Needed by expressions that read relations.</summary>
    public RelatedRows? Related { get; init; }

    /// <summary>Values of the variables of an unbound environment, in the order in which it declares them.</summary>
    public Value[]? Inputs { get; init; }

    /// <summary>Values that a folded rule takes by slot, from <see cref="FirstSlot"/> on.</summary>
    public Value[]? Slots { get; init; }

    public int FirstSlot { get; init; }

    /// <summary>Steps that loops, and functions whose results grow, may take.</summary>
    public int Cost { get; init; } = Limits.Default.ExpressionCost;
}
