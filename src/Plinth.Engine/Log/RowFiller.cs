using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>Gives existing rows the values of new columns, and knows which are the same in all of them.</summary>
sealed class RowFiller
{
    readonly ImmutableArray<ColumnFill> _fills;
    readonly long _now;
    readonly IdSource _ids;
    readonly int _cost;
    readonly Dictionary<Field, CompiledExpression> _computed = [];

    public RowFiller(Model model, ImmutableArray<ColumnFill> fills, long now, AppSchema schema, IdSource ids, Limits limits)
    {
        (Model, _now, _ids, _cost) = (model, now, ids, limits.ExpressionCost);

        // Computed fields read what the others were given.
        _fills = [.. fills.OrderBy(static fill => fill is ComputedFill)];
        foreach (ColumnFill fill in _fills)
        {
            if (fill is ConstantFill constant) Constants.Add((fill.Field, constant.Value));
            else if (fill is NowFill) Constants.Add((fill.Field, Value.FromDateTime(now)));
            else PerRow.Add(fill.Field);
            if (fill is ComputedFill { Expression: var expression })
                _computed.Add(fill.Field, Compile(schema, model, fill.Field, expression));
        }
    }

    public Model Model { get; }

    /// <summary>Recorded as one event of the model.</summary>
    public List<(Field Field, Value Value)> Constants { get; } = [];

    /// <summary>Recorded as one event per row.</summary>
    public List<Field> PerRow { get; } = [];

    public bool IsPerRow => PerRow.Count > 0;

    public void Fill(Value[] row)
    {
        foreach (ColumnFill fill in _fills)
        {
            row[fill.Field.Ordinal] = fill switch
            {
                ConstantFill constant => constant.Value,
                NowFill => Value.FromDateTime(_now),
                GeneratedFill generated => _ids.Next(generated.Generator, _now),
                ComputedFill => Deciding.Stored(
                    fill.Field, _computed[fill.Field].Evaluate(new EvaluationContext { Row = row, Cost = _cost })),
                _ => throw new InvalidOperationException($"no way to fill by {fill.GetType().Name}"),
            };
        }
    }

    static CompiledExpression Compile(AppSchema schema, Model model, Field field, Condition expression) => CompiledExpression.Compile(
        CheckedExpression.Of(expression, ExpressionScope.OwnFields(schema, model), CelType.Of(schema, field)));
}
