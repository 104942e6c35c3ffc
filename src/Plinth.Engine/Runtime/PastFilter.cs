using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// What of a list's filter a record by itself decides. Records of the past that it refuses are not given to the database, which would
/// refuse them too: of ten thousand that have changed since, a filter leaves a few, and holding it against them in memory takes a
/// hundredth of the time of sending them.
/// </summary>
sealed class PastFilter
{
    readonly CompiledExpression[] _terms;
    readonly int _cost;

    PastFilter(CompiledExpression[] terms, int cost) => (_terms, _cost) = (terms, cost);

    /// <param name="read">A planned list.</param>
    /// <param name="limits">The bound of what an expression may cost.</param>
    public static PastFilter Of(PlannedRead read, Limits limits)
    {
        ReadPlan plan = read.Plan;
        Model model = plan.Shape.Root.Model;
        if (plan.Shape.Root.Filter is not { } shape) return new PastFilter([], 0);
        CheckedNode root = SlotValues.Of(shape, read.Values, plan.Slots.Filters[0]).Root;
        ImmutableArray<CheckedNode> terms = root is AndNode and ? and.Items : [root];
        return new PastFilter(
            [.. terms.Select(CheckedExpression.Of).Where(IsOwn).Select(CompiledExpression.Compile)], limits.ExpressionCost);

        // A field that only some may see counts as null in some records, which the database knows.
        bool IsOwn(CheckedExpression term) => term is { CanEvaluateInMemory: true, ReadsCaller: false, ReadsNow: false, ReadsBefore: false }
            && term.OwnFields.All(name => model.Field(name) is { } field && plan.Mask(model, field) is null);
    }

    /// <summary>False where the filter is not true of the record, whatever the database knows besides.</summary>
    /// <param name="record">Its values, by ordinal.</param>
    public bool Admits(Value[] record)
    {
        EvaluationContext context = new() { Row = record, Cost = _cost };
        try
        {
            foreach (CompiledExpression term in _terms)
            {
                if (!term.IsTrue(context)) return false;
            }
        }
        catch (ExpressionCostException)
        {
            // The database decides, and refuses the request if it is too much for it as well.
        }
        return true;
    }
}
