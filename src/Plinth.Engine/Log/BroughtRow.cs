using Plinth.Evolution;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>
/// Brings the values of a row that is copied to the form of another version of the schema, by the same steps that older events are read
/// through: so what is in the table is what folding the log gives, without an event for each row.
/// </summary>
sealed class BroughtRow
{
    readonly Model _model;
    readonly List<(Field Was, Field Now, FieldUpcasts Steps, int Column)> _columns = [];

    /// <param name="schema">That the rows are brought to.</param>
    /// <param name="rebuild">The step.</param>
    /// <param name="kept">The columns that are copied, in order.</param>
    public BroughtRow(AppSchema schema, RebuildTable rebuild, List<string> kept)
    {
        _model = rebuild.Table.Model;
        foreach (BroughtColumn brought in rebuild.Brought)
        {
            if (FieldUpcasts.Of(schema, brought.Now, brought.Version) is { } steps)
                _columns.Add((brought.Was, brought.Now, steps, kept.IndexOf(brought.Now.Column)));
        }
    }

    public bool Has(Field field) => _columns.Exists(c => c.Now.Ordinal == field.Ordinal);

    /// <param name="select">On the row as it was.</param>
    /// <param name="insert">Gets what becomes of it.</param>
    /// <param name="row">Gets the values, too.</param>
    /// <returns>Why one cannot be brought; null when all are.</returns>
    public Fault? Bring(Statement select, Statement insert, Value[] row)
    {
        foreach (var (was, now, steps, column) in _columns)
        {
            Value before = select.ColumnValue(column, was), after = steps.Bring(before);
            // What was something and could not be brought would be lost, also where the field is optional.
            bool isMeant = before.IsNull || after.Reason is null;
            if (after.IsNull && !(now.IsNullable && isMeant)) return Unbrought(now, before);
            row[now.Ordinal] = after.IsNull ? Value.Null : after;
            insert.Bind(column + 1, row[now.Ordinal]);
        }

        return null;
    }

    Fault Unbrought(Field field, in Value before)
    {
        string place = $"{_model.Name}.{field.Name}";
        return before.IsNull
            ? Faults.MigrationRefused.Says(
                $"{place} is not optional, and its upcast makes nothing of records that hold no value.",
                "Say what they get: old == null ? … : …")
            : Faults.MigrationRefused.Says(
                $"The upcast of {place} makes nothing of a value that a record holds, or nothing that the field could hold.",
                "Correct that record first, or say in the expression what becomes of it.");
    }
}
