using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>A record travels as its row of values, null when there is none.</summary>
sealed class RowStep : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Row is { } row ? Value.FromOther(row) : Value.Null;
}

sealed class BeforeStep : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Before is { } row ? Value.FromOther(row) : Value.Null;
}

sealed class RowFieldStep(int ordinal) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Row![ordinal];

    public override bool TryInt(ref Evaluation e, out long number)
    {
        ref readonly Value value = ref e.Context.Row![ordinal];
        bool isInt = value.Kind == ValueKind.Int;
        number = isInt ? value.Int : 0;
        return isInt;
    }

    public override string? TextOrNull(ref Evaluation e)
    {
        ref readonly Value value = ref e.Context.Row![ordinal];
        return value.Kind == ValueKind.String ? value.String : null;
    }

    public override Truth Decide(ref Evaluation e)
    {
        ref readonly Value value = ref e.Context.Row![ordinal];
        return Truths.Of(value);
    }
}

/// <summary>There is no row before a create: its fields are unknown.</summary>
sealed class BeforeFieldStep(int ordinal) : Step
{
    public override Value Evaluate(ref Evaluation e) => e.Context.Before is { } row ? row[ordinal] : Value.Null;
}

sealed class RecordFieldStep(Step record, int ordinal) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value row = record.Evaluate(ref e);
        return row.IsNull ? row : ((Value[])row.Other)[ordinal];
    }
}

sealed class HopStep(Step from, Relation relation) : Step
{
    public override Value Evaluate(ref Evaluation e)
    {
        Value row = from.Evaluate(ref e);
        if (row.IsNull) return relation.IsToOne ? row : Value.FromOther(Array.Empty<Value[]>());
        RelatedRows related = e.Context.Related
            ?? throw new InvalidOperationException($"'{relation.Name}' cannot be entered in memory: ask CanEvaluateInMemory first");
        IReadOnlyList<Value[]> rows = related(relation, (Value[])row.Other);
        e.Spend(rows.Count + 1);
        if (!relation.IsToOne) return Value.FromOther(rows);
        return rows.Count == 0 ? Value.Null : Value.FromOther(rows[0]);
    }
}
