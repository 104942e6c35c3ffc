using Plinth.Plan;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// PUT in the writer's turn: replaces the record that the key leads to, or creates it. A key held by a record that the caller may not read,
/// or by one in the trash, is the conflict of a create, decided after the rules of creating: the two must not be told apart from a free key
/// by who may not create either.
/// </summary>
static class Upserts
{
    public static Result<Written> One(WriteScope scope, WritePlan plan)
    {
        RecordTable table = scope.Table(plan.Model);
        Input input = plan.Input ?? throw new InvalidOperationException("an upsert without a body");
        if (Named(plan, input) is { } differs) return differs;
        input = WithKey(plan, input);
        StoredRow? stored = scope.Live(
            table,
            table.Statements.SelectBy(plan.Model.Within(plan.KeyFields), locks: true),
            plan.LookupValues(plan.KeyFields, plan.KeyValues));
        RuleCheck reads = new(scope, table, plan.Read);
        // A record whose key the caller does not see under the name that they gave is not found by it.
        bool isSeen = reads.Sees(stored) && new FieldCheck(scope, table, plan.Fields).Shows(plan.KeyFields, stored);
        return stored is not null && isSeen ? Replace(scope, plan, input, stored) : Create(scope, plan, input);
    }

    static Result<Written> Replace(WriteScope scope, WritePlan plan, Input input, StoredRow stored)
    {
        if (plan.Update.Refusal(scope.Caller, $"to change {plan.Model.Name} records") is { } refusal) return refusal;
        if (Preconditions.Check(plan, stored, isRequired: plan.Model.VersionField is not null) is { } failed) return failed;
        ValueReader reader = scope.Reader();
        Input whole = new FieldCheck(scope, scope.Table(plan.Model), plan.Fields).Completed(input, stored);
        if (Updates.Change(scope, plan, plan.Update, stored, input, row => Deciding.Replace(plan.Shape, row, whole, reader), reader)
            .Failed(out Fault? fault, out StoredRow? now)) return fault;
        return scope.Shown(plan, WriteOutcome.Updated, now);
    }

    static Result<Written> Create(WriteScope scope, WritePlan plan, Input input)
    {
        if (plan.Rules.Refusal(scope.Caller, $"to create {plan.Model.Name} records") is { } refusal) return refusal;
        if (Preconditions.CheckAbsent(plan) is { } absent) return absent;
        ValueReader reader = scope.Reader();
        WritePlanner.DecideNew(plan.Shape, input, reader);
        if (reader.Problems.ToFault() is { } unacceptable) return unacceptable;
        if (Creates.Insert(scope, plan.Shape, plan.Rules, plan.Fields, input).Failed(out Fault? fault, out StoredRow? stored)) return fault;
        return scope.Shown(plan, WriteOutcome.Created, stored);
    }

    /// <summary>The record that the path and the body describe together; a copy, because the body is the plan's.</summary>
    static Input WithKey(WritePlan plan, Input input)
    {
        Input whole = new([.. input.Values], [.. input.Given]);
        for (int i = 0; i < plan.KeyFields.Length; i++)
        {
            int ordinal = plan.KeyFields[i].Ordinal;
            (whole.Values[ordinal], whole.Given[ordinal]) = (plan.KeyValues[i], Given.Value);
        }
        return whole;
    }

    /// <summary>The body may repeat the key of the path, not contradict it.</summary>
    static Fault? Named(WritePlan plan, Input input)
    {
        Problems problems = new();
        for (int i = 0; i < plan.KeyFields.Length; i++)
        {
            Field field = plan.KeyFields[i];
            if (input.Given[field.Ordinal] != Given.Value) continue;
            Value given = Normalising.Apply(field, input.Values[field.Ordinal]);
            if (given != plan.KeyValues[i]) problems.Add(field.Name, "key", "is another than the path's");
        }
        return problems.ToFault();
    }
}
