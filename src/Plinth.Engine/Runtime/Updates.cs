using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Updates in the writer's turn: the record is read, held against what the request presumes and the rules on its state before, decided,
/// written where the version read still stands, and held against the rules on its state after.
/// </summary>
static class Updates
{
    public static Result<Written> One(WriteScope scope, WritePlan plan)
    {
        RecordTable table = scope.Table(plan.Model);
        StoredRow? stored = scope.Live(table, table.Statements.SelectByKey, plan.KeyValues);
        RuleCheck reads = new(scope, table, plan.Read);
        if (stored is null || !reads.Sees(stored)) return KeyValues.NotFound(plan.Model);
        if (Preconditions.Check(plan, stored, isRequired: plan.Model.VersionField is not null) is { } failed) return failed;
        Input patch = plan.Input ?? throw new InvalidOperationException("an update without a body");
        ValueReader reader = scope.Reader();
        if (Change(scope, plan.Shape, plan.Rules, stored, patch, row => Deciding.Patch(plan.Shape, row, patch, reader), reader)
            .Failed(out Fault? fault, out StoredRow? now)) return fault;
        return new Written(WriteOutcome.Updated, plan.Model) { Record = now, IsReadable = reads.Sees(now) };
    }

    /// <summary>
    /// Decides and writes one record. The record as it was when nothing changes: then nothing is written or told to the log.
    /// </summary>
    public static Result<StoredRow> Change(
        WriteScope scope,
        RecordShape shape,
        CallerRules rules,
        StoredRow stored,
        Input input,
        Func<Value[], Value[]> decide,
        ValueReader reader)
    {
        RecordTable table = scope.Table(shape.Name);
        RuleCheck check = new(scope, table, rules);
        if (!check.MayStart(stored, out bool[] allowing)) return check.Refused($"to change this {shape.Name}");
        Value[] after = decide(stored.Values);
        if (reader.Problems.ToFault() is { } unacceptable) return unacceptable;
        if (stored.Values.AsSpan().SequenceEqual(after)) return stored;
        if (References.Check(scope, table, after, stored.Values, input.Given) is { } unknown) return unknown;
        if (Conflicts.Find(scope, table, after, stored.Row, stored.Values) is { } taken) return taken;
        bool own = RuleCheck.IsOwn(rules.Folded);
        if (own && !check.MayEnd(new(stored.Row, stored.Version + 1, after), stored.Values, allowing)) return Refused(check, shape);
        bool moves = References.Moves(table, stored.Values, after);
        if (moves) scope.Transaction.Connection.DeferForeignKeys(true);
        StoredRow now = scope.Update(table, stored, after);
        if (!own && !check.MayEnd(now, stored.Values, allowing)) return Refused(check, shape);
        if (!moves) return now;
        Fault? stuck = References.Follow(scope, table, stored, now);
        scope.Transaction.Connection.DeferForeignKeys(false);
        return stuck is null ? now : stuck;
    }

    static Fault Refused(RuleCheck check, RecordShape shape) => check.Refused($"to change this {shape.Name} so");
}
