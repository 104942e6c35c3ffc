namespace Plinth.Text;

/// <summary>
/// An evaluation took more steps than <c>limits.expressionCost</c>. It stands here, and not beside the evaluator, because the edge
/// that answers it knows of no expressions.
/// </summary>
sealed class ExpressionCostException(int bound) : Exception($"the expression takes more than {bound} steps")
{
    public int Bound => bound;

    public Fault ToFault() => Faults.LimitExceeded.Says(Message, "limits.expressionCost sets the bound");
}
