using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Store;
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
        StoredRow? stored = scope.LiveByKey(table, plan);
        RuleCheck reads = new(scope, table, plan.Read);
        if (!reads.Sees(stored)) return KeyValues.NotFound(plan.Model);
        if (Preconditions.Check(plan, stored, isRequired: plan.Model.VersionField is not null) is { } failed) return failed;
        Input patch = plan.Input ?? throw new InvalidOperationException("an update without a body");
        ValueReader reader = scope.Reader();
        if (Change(scope, plan, plan.Rules, stored, patch, row => Deciding.Patch(plan.Shape, row, patch, reader), reader)
            .Failed(out Fault? fault, out StoredRow? now)) return fault;
        return scope.Shown(plan, WriteOutcome.Updated, now);
    }

    /// <summary>The look for the record.</summary>
    public static Statement Ahead(WriteScope scope, WritePlan plan) =>
        scope.Table(plan.Model).Looking(scope.Transaction, WriteScope.StoredKey(plan));

    /// <summary>
    /// Decides and writes one record. The record as it was when nothing changes: then nothing is written or told to the log.
    /// </summary>
    public static Result<StoredRow> Change(
        WriteScope scope,
        WritePlan plan,
        CallerRules rules,
        StoredRow stored,
        Input input,
        Func<Value[], Value[]> decide,
        ValueReader reader)
    {
        RecordShape shape = plan.Shape;
        RecordTable table = scope.Table(shape.Name);
        RuleCheck check = new(scope, table, rules);
        FieldCheck fields = new(scope, table, plan.Fields);
        if (!check.MayStart(stored, out bool[] allowing)) return check.Refused($"to change this {shape.Name}");
        if (fields.Refused(input.Given, stored) is { } closed) return closed;
        Value[] after = decide(stored.Values);
        if (reader.Problems.ToFault() is { } unacceptable) return unacceptable;
        after = scope.Schema.Users?.Decided(plan, stored, after) ?? after;
        if (stored.Values.AsSpan().SequenceEqual(after))
        {
            if (!GuessesHidden(plan, fields, input, stored)) return stored;
            after = Deciding.Touch(shape, stored.Values, [.. after], reader, isWrite: true);
            if (reader.Problems.ToFault() is { } wrong) return wrong;
        }
        if (References.Check(scope, table, after, stored.Values, input.Given) is { } unknown) return unknown;
        if (Conflicts.Find(scope, table, after, stored.Row, stored.Values) is { } taken) return taken;
        bool own = RuleCheck.IsOwn(rules.Folded);
        bool ownFields = fields.IsOwn;
        StoredRow proposed = new(stored.Row, stored.Version + 1, after);
        if (ownFields && fields.Denied(input.Given, proposed) is { } denied) return denied;
        if (own && !check.MayEnd(proposed, stored.Values, allowing)) return Refused(check, shape);
        bool moves = References.Moves(table, stored.Values, after);
        if (moves) scope.Transaction.Connection.DeferForeignKeys(true);
        StoredRow now = scope.Update(table, stored, after);
        if (!own && !check.MayEnd(now, stored.Values, allowing)) return Refused(check, shape);
        if (!ownFields && fields.Denied(input.Given, now) is { } deniedNow) return deniedNow;
        if (!moves) return now;
        Fault? stuck = References.Follow(scope, table, stored, now);
        scope.Transaction.Connection.DeferForeignKeys(false);
        return stuck is null ? now : stuck;
    }

    /// <summary>
    /// The body gives a field that the caller does not see, and gave the value that it has: that nothing changed must not be told, so it
    /// counts as a change.
    /// </summary>
    static bool GuessesHidden(WritePlan plan, FieldCheck fields, Input input, StoredRow stored)
    {
        if (plan.Fields.Reads.IsEmpty && !plan.Model.Fields.Any(static f => f.IsUnreadable)) return false;
        bool[]? hidden = fields.Hidden(stored);
        return plan.Model.Fields.Any(f => input.Given[f.Ordinal] is Given.Value or Given.Merge
            && (f.IsUnreadable || hidden?[f.Ordinal] == true));
    }

    static Fault Refused(RuleCheck check, RecordShape shape) => check.Refused($"to change this {shape.Name} so");
}
