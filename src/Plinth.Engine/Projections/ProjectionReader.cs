using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Projections;

/// <summary>
/// Reads what a projection is made of, and its rows, over one connection: what it reads belongs to that connection's snapshot.
/// </summary>
sealed class ProjectionReader(ProjectionProgram program, Connection connection)
{
    /// <summary>Records that are looked at first when the best value has to be found; then more, then all.</summary>
    static readonly int[] s_steps = [4, 1000, 0];

    /// <summary>A row of the projection; null where there is none.</summary>
    /// <param name="key">Of the row.</param>
    /// <param name="locks">What is decided on it must hold until the end of the transaction.</param>
    public Value[]? Row(in GroupKey key, bool locks)
    {
        ImmutableArray<Field> fields = program.Model.StoredKey;
        Value[] slots = new Value[program.Model.Fields.Length];
        for (int i = 0; i < fields.Length; i++) slots[fields[i].Ordinal] = key.Values[i];
        SqlText sql = locks ? program.Statements.LockedRow : program.Statements.Row;
        using Statement select = connection.Prepare(sql);
        select.Bind(sql, slots);
        return select.Step() ? ReadRow(select) : null;
    }

    /// <summary>All rows of the projection.</summary>
    public IEnumerable<Value[]> Rows()
    {
        using Statement select = connection.PrepareScan(program.Statements.Rows.Text);
        while (select.Step()) yield return ReadRow(select);
    }

    /// <summary>What is needed of the record with a stored key; null where there is none.</summary>
    public Value[]? Record(Value[] key)
    {
        SqlText sql = program.Statements.Record;
        using Statement select = connection.Prepare(sql);
        select.Bind(sql, key);
        return select.Step() ? ReadRecord(select, new Value[program.Source.Fields.Length]) : null;
    }

    /// <summary>What every record counts for. The inputs are those of one record at a time.</summary>
    public IEnumerable<Contribution> Contributions()
    {
        using Statement select = connection.PrepareScan(program.Statements.Records.Text);
        Value[] row = new Value[program.Source.Fields.Length];
        while (select.Step())
        {
            if (program.Of(ReadRecord(select, row)) is { } contribution) yield return contribution;
        }
    }

    /// <summary>The best value of an aggregate among the records of a row; null where none holds one.</summary>
    public Value Best(KeptAggregate aggregate, GroupKey key)
    {
        var (by, input) = program.PlainOf(aggregate);
        Value[] slots = [.. by.Select(b => key.Values[b.Part])];
        Value[] row = new Value[program.Source.Fields.Length];
        foreach (int rowsMax in input is null ? [0] : s_steps)
        {
            SqlText sql = program.Statements.Extreme(
                [.. by.Select(static b => b.Field)], input, aggregate.Function == ProjectedFunction.Max, rowsMax);
            using Statement select = connection.Prepare(sql);
            select.Bind(sql, slots);
            Value best = Value.Null;
            int seen = 0;
            for (; select.Step(); seen++)
            {
                if (program.Of(ReadRecord(select, row)) is not { } contribution || !contribution.Key.Equals(key)) continue;
                if (aggregate.IsBetter(contribution.Inputs[aggregate.Input], best)) best = contribution.Inputs[aggregate.Input];
                if (input is not null) break;
            }
            if (!best.IsNull || seen < rowsMax) return best;
        }
        return Value.Null;
    }

    Value[] ReadRow(Statement select)
    {
        Value[] row = new Value[program.Model.Fields.Length];
        foreach (Field field in program.Model.Fields) row[field.Ordinal] = select.ColumnValue(field.Ordinal, field);
        return row;
    }

    Value[] ReadRecord(Statement select, Value[] row)
    {
        for (int i = 0; i < program.Needed.Length; i++) row[program.Needed[i].Ordinal] = select.ColumnValue(i, program.Needed[i]);
        return row;
    }
}
