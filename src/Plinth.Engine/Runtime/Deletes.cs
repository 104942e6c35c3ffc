using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Delete, restore and purge of one record in the writer's turn.</summary>
static class Deletes
{
    public static Result<Written> One(WriteScope scope, WritePlan plan)
    {
        RecordTable table = scope.Table(plan.Model);
        StoredRow? stored = scope.Live(table, table.Statements.SelectByKey, WriteScope.StoredKey(plan));
        if (!new RuleCheck(scope, table, plan.Read).Sees(stored)) return KeyValues.NotFound(plan.Model);
        if (Preconditions.Check(plan, stored, isRequired: false) is { } stale) return stale;
        RuleCheck check = new(scope, table, plan.Rules);
        if (!check.MayStart(stored, out _)) return check.Refused($"to delete this {plan.Model.Name}");
        Deletion deletion = new(scope, plan.Model.IsSoftDelete ? scope.DeletionTime() : Value.Null);
        if (deletion.Remove(table, stored) is { } fault) return fault;
        return new Written(WriteOutcome.Deleted, plan.Model);
    }

    /// <summary>From the trash or from among the living: the record goes for good, with all that hangs on it.</summary>
    public static Result<Written> Purge(WriteScope scope, WritePlan plan)
    {
        RecordTable table = scope.Table(plan.Model);
        StoredRow? stored = table.Find(scope.Transaction, table.Statements.SelectByKey, WriteScope.StoredKey(plan));
        if (!new RuleCheck(scope, table, plan.Read).Sees(stored)) return KeyValues.NotFound(plan.Model);
        if (Preconditions.Check(plan, stored, isRequired: false) is { } stale) return stale;
        RuleCheck check = new(scope, table, plan.Rules);
        if (!check.MayStart(stored, out _)) return check.Refused($"to purge this {plan.Model.Name}");
        if (new Deletion(scope, Value.Null).Remove(table, stored) is { } fault) return fault;
        return new Written(WriteOutcome.Purged, plan.Model);
    }

    /// <summary>The record comes back with the set that its deletion took along.</summary>
    public static Result<Written> Restore(WriteScope scope, WritePlan plan)
    {
        RecordTable table = scope.Table(plan.Model);
        StoredRow? stored = table.Find(scope.Transaction, table.Statements.SelectByKey, WriteScope.StoredKey(plan));
        RuleCheck reads = new(scope, table, plan.Read);
        if (stored?.IsTrashed(plan.Model) == false) stored = null;
        if (!reads.Sees(stored)) return KeyValues.NotFound(plan.Model);
        if (Preconditions.Check(plan, stored, isRequired: false) is { } stale) return stale;
        RuleCheck check = new(scope, table, plan.Rules);
        if (!check.MayStart(stored, out bool[] allowing)) return check.Refused($"to restore this {plan.Model.Name}");
        if (Restore(scope, table, stored).Failed(out Fault? fault, out StoredRow? now)) return fault;
        if (!check.MayEnd(now, stored.Values, allowing)) return check.Refused($"to restore this {plan.Model.Name}");
        return scope.Shown(plan, WriteOutcome.Restored, now);
    }

    static Result<StoredRow> Restore(WriteScope scope, RecordTable table, StoredRow root)
    {
        StoredRow? restored = null;
        Queue<(RecordTable Table, StoredRow Stored)> waiting = new([(table, root)]);
        while (waiting.TryDequeue(out var next))
        {
            StoredRow there = next.Table.Find(scope.Transaction, next.Stored.Row)
                ?? throw new InvalidOperationException("a restore lost a row");
            // Two paths may lead to one record.
            if (!there.IsTrashed(next.Table.Model)) continue;
            if (scope.Count() is { } large) return large;
            if (References.Check(scope, next.Table, there.Values, before: null, given: null) is { } unknown) return unknown;
            if (Conflicts.Find(scope, next.Table, there.Values, there.Row, changed: null) is { } taken) return taken;
            StoredRow now = scope.Restore(next.Table, there);
            restored ??= now;
            foreach (Relation relation in next.Table.Statements.Dependents)
            {
                RecordTable children = scope.Table(relation.Model);
                if (relation.OnDelete != ReferentialAction.Cascade || !children.Model.IsSoftDelete) continue;
                foreach (StoredRow child in References.To(scope, children, relation, next.Table.Model, there.Values))
                {
                    // One deletion gives all it takes one time, which no other deletion has.
                    if (child.DeletedAt(children.Model) == there.DeletedAt(next.Table.Model)) waiting.Enqueue((children, child));
                }
            }
        }
        return restored ?? throw new InvalidOperationException("a restore of nothing");
    }
}
