using System.Globalization;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Changes of every record that a filter finds: the records that a list with this filter would hold, as far as the rules of the operation
/// allow each. One transaction, one event per record; what one record refuses, refuses all.
/// </summary>
static class FilteredWrites
{
    public static Result<Written> Update(WriteScope scope, WritePlan plan)
    {
        Input patch = plan.Input ?? throw new InvalidOperationException("an update without a body");
        int changed = 0;
        return Each(scope, plan, (matched, table) =>
        {
            // A change of a key before this one may have been followed by this record too, which is another version since.
            StoredRow? stored = table.Statements.IsFollowed ? table.Find(scope.Transaction, matched.Row) : matched;
            if (stored is null) throw new InvalidOperationException("an update of many removed a row");
            ValueReader reader = scope.Reader();
            if (Updates.Change(scope, plan, plan.Rules, stored, patch, row => Deciding.Patch(plan.Shape, row, patch, reader), reader)
                .Failed(out Fault? fault, out StoredRow? now)) return fault;
            if (now.Version != stored.Version) changed++;
            return null;
        }, () => changed);
    }

    public static Result<Written> Delete(WriteScope scope, WritePlan plan)
    {
        Deletion deletion = new(scope, plan.Model.IsSoftDelete ? scope.DeletionTime() : Value.Null);
        int changed = 0;
        return Each(scope, plan, (stored, table) =>
        {
            changed++;
            return deletion.Remove(table, stored);
        }, () => changed);
    }

    static Result<Written> Each(WriteScope scope, WritePlan plan, Func<StoredRow, RecordTable, Fault?> change, Func<int> changed)
    {
        RecordTable table = scope.Table(plan.Model);
        if (Matched(scope, plan, table).Failed(out Fault? unreadable, out List<StoredRow>? matched)) return unreadable;
        if (matched.Count > scope.Schema.Limits.WriteRows)
        {
            return Faults.TooManyRows.Says(
                string.Create(CultureInfo.InvariantCulture,
                    $"the filter concerns more than {scope.Schema.Limits.WriteRows} records; nothing was changed"),
                "narrow the filter, or raise limits.writeRows");
        }
        RuleCheck check = new(scope, table, plan.Rules);
        // Who may be changed is settled before anything changes: the first change must not decide over the second.
        FieldCheck fields = new(scope, table, plan.Fields);
        List<StoredRow> allowed = matched.FindAll(
            stored => check.MayStart(stored, out _) && (plan.Input is not { } patch || fields.Refused(patch.Given, stored) is null));
        foreach (StoredRow stored in allowed)
        {
            if (change(stored, table) is { } fault)
            {
                string record = string.Join(',', RecordJson.Key(plan.Model, stored.Values));
                return fault with { Message = $"{plan.Model.Name} {record}: {fault.Message}" };
            }
        }
        return new Written(WriteOutcome.Many, plan.Model) { Matched = matched.Count, Changed = changed() };
    }

    static Result<List<StoredRow>> Matched(WriteScope scope, WritePlan plan, RecordTable table)
    {
        PlannedRead read = plan.Target ?? throw new InvalidOperationException("a filtered write without its filter");
        if (scope.Schema.Selects(read.Plan).Failed(out Fault? fault, out SqlText? select)) return fault;
        // The level answers the key's fields in declaration order.
        List<Value[]> keys = [];
        using (Statement statement = scope.Transaction.Prepare(select))
        {
            statement.Bind(select, read.Values);
            while (statement.Step())
            {
                keys.Add([.. read.Plan.Shape.Root.Fields.Select((field, column) => RecordTable.Column(statement, column, field))]);
            }
        }
        var fields = read.Plan.Shape.Root.Fields;
        SqlText byKey = table.Statements.SelectBy(plan.Model.Within(fields), locks: true);
        List<StoredRow> rows = [];
        foreach (Value[] key in keys)
        {
            if (table.Find(scope.Transaction, byKey, plan.LookupValues(fields, key)) is { } stored) rows.Add(stored);
        }
        return rows;
    }
}
