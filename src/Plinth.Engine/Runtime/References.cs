using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// The records that a row refers to. They must exist and live; where the caller named the reference, the caller must also be able to read
/// them, or the answer would tell that a hidden record exists. What the engine itself filled in (a default from a claim) tells nothing.
/// </summary>
static class References
{
    /// <summary>The first reference of the row that leads to nothing (for this caller); null when all lead somewhere.</summary>
    /// <param name="scope">The command.</param>
    /// <param name="table">The row's table.</param>
    /// <param name="row">The values to be.</param>
    /// <param name="before">Values that are there already: references that stay the same are not looked at.</param>
    /// <param name="given">What the caller named; null when nothing was.</param>
    public static Fault? Check(WriteScope scope, RecordTable table, Value[] row, Value[]? before, Given[]? given)
    {
        foreach (Relation relation in table.Statements.Parents)
        {
            if (!Concerns(table.Model, relation, row, before)) continue;
            bool leads = IsNamed(table.Model, relation, given) && IsReadable(scope, table, relation, row) is { } readable
                ? readable
                : IsItself(table.Model, relation, row) || RecordTable.Any(scope.Transaction, table.Statements.Parent(relation), row);
            if (!leads) return Unknown(relation);
        }
        return null;
    }

    /// <summary>The same without asking whether the record exists, which the guarded insert does.</summary>
    public static Fault? CheckReadable(WriteScope scope, RecordTable table, Value[] row, Given[] given)
    {
        foreach (Relation relation in table.Statements.Parents)
        {
            if (!Concerns(table.Model, relation, row, null) || !IsNamed(table.Model, relation, given)) continue;
            if (IsReadable(scope, table, relation, row) == false) return Unknown(relation);
        }
        return null;
    }

    /// <summary>Whether the caller may read all that these rows name, after at most one statement for each relation.</summary>
    /// <param name="scope">The command.</param>
    /// <param name="table">The rows' table.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="known">What was found readable in this transaction before, by relation and key.</param>
    public static bool AreReadable(WriteScope scope, RecordTable table, ReadOnlySpan<Input> rows, HashSet<RecordKey> known)
    {
        foreach (Relation relation in table.Statements.Parents)
        {
            RecordTable parents = scope.Table(relation.Target);
            CallerRules rules = scope.Schema.Policies.Of(parents.Model).For(Operation.Get, scope.Caller, scope.Moment.Now);
            if (rules.Outcome == RuleOutcome.Always) continue;
            var joins = scope.Schema.Schema.Joins(relation);
            List<Value[]> keys = [];
            foreach (Input row in rows)
            {
                if (!Concerns(table.Model, relation, row.Values, null) || !IsNamed(table.Model, relation, row.Given)) continue;
                if (IsItself(table.Model, relation, row.Values)) continue;
                Value[] key = [.. joins.Select(join => row.Values[join.Own.Ordinal])];
                if (known.Add(RecordKey.OfStored(relation.Name, key))) keys.Add(key);
            }

            if (AreReadable(scope, parents, [.. joins.Select(static join => join.Other)], rules, keys)) continue;
            foreach (Value[] key in keys) known.Remove(RecordKey.OfStored(relation.Name, key));
            return false;
        }

        return true;
    }

    static bool AreReadable(
        WriteScope scope, RecordTable parents, ImmutableArray<Field> fields, CallerRules rules, List<Value[]> keys)
    {
        if (keys.Count == 0) return true;
        if (rules.Outcome == RuleOutcome.Never) return false;
        RuleCheck check = new(scope, parents, rules);
        foreach (List<StoredRow> found in parents.FindAll(scope.Transaction, fields, keys))
        {
            if (!check.Sees(WriteScope.Live(parents, found))) return false;
        }

        return true;
    }

    /// <summary>Whether the caller may read all that the row names, known without a look at it.</summary>
    public static bool AreReadable(WriteScope scope, RecordTable table, Value[] row, Given[] given)
    {
        foreach (Relation relation in table.Statements.Parents)
        {
            if (!Concerns(table.Model, relation, row, null) || !IsNamed(table.Model, relation, given)) continue;
            if (IsItself(table.Model, relation, row)) continue;
            Model parent = scope.Table(relation.Target).Model;
            CallerRules rules = scope.Schema.Policies.Of(parent).For(Operation.Get, scope.Caller, scope.Moment.Now);
            if (rules.Outcome != RuleOutcome.Always) return false;
        }
        return true;
    }

    public static Fault Unknown(Relation relation)
    {
        string name = string.Join(',', relation.Fields);
        return Faults.UnknownReference.Says(
            $"{name}: there is no {relation.Target} with this key",
            [.. relation.Fields.Select(
                f => new FaultDetail(f, Faults.UnknownReference.Code, $"there is no {relation.Target} with this key"))]);
    }

    /// <summary>
    /// What refused the guarded insert of a row that nothing else than a reference can be in the way of: known without a look at it where
    /// there is one reference; null where there are several.
    /// </summary>
    public static Fault? OnlyUnknown(RecordTable table, Value[] row)
    {
        Relation? only = null;
        foreach (Relation relation in table.Statements.Parents)
        {
            if (!Concerns(table.Model, relation, row, null) || IsItself(table.Model, relation, row)) continue;
            if (only is not null) return null;
            only = relation;
        }

        return only is null ? null : Unknown(only);
    }

    /// <summary>The rows of the relation's model that refer to a record with these values, trashed ones too.</summary>
    public static List<StoredRow> To(WriteScope scope, RecordTable children, Relation relation, Model parent, Value[] values)
    {
        // As its child sees it: the key, within the tenant.
        Value[] key = [.. scope.Schema.Schema.Joins(relation).Select(join => values[join.Other.Ordinal])];
        if (Array.Exists(key, static part => part.IsNull)) return [];
        // One more than may be changed: the count then refuses.
        return children.FindAll(scope.Transaction, children.Statements.Referring(relation), key, scope.Schema.Limits.WriteRows + 1);
    }

    /// <summary>
    /// Points a row elsewhere, or nowhere, because what it referred to goes or has another key: the engine's own change, with its
    /// event.
    /// </summary>
    public static Fault? Set(WriteScope scope, RecordTable table, StoredRow child, Relation relation, ReadOnlySpan<Value> key)
    {
        Value[] after = [.. child.Values];
        for (int i = 0; i < key.Length; i++) after[Ordinal(table.Model, relation.Fields[i])] = key[i];
        ValueReader reader = scope.Reader();
        after = Deciding.Touch(scope.Schema.Shapes.Model(table.Model.Name), child.Values, after, reader);
        if (reader.Problems.ToFault() is { } unacceptable) return unacceptable;
        if (Conflicts.Find(scope, table, after, child.Row, child.Values) is { } taken) return taken;
        scope.Update(table, child, after);
        return null;
    }

    /// <summary>What refers to a key that has changed (not an id: those never do) follows it, is cleared, or forbids it.</summary>
    public static Fault? Follow(WriteScope scope, RecordTable table, StoredRow before, StoredRow after)
    {
        foreach (Relation relation in table.Statements.Dependents)
        {
            if (!Moves(table.Model, relation, before.Values, after.Values)) continue;
            RecordTable children = scope.Table(relation.Model);
            Value[] key = [.. relation.References.Select(name => relation.OnUpdate == ReferentialAction.Cascade
                ? after.Values[Ordinal(table.Model, name)]
                : Value.Null)];
            foreach (StoredRow child in To(scope, children, relation, table.Model, before.Values))
            {
                if (relation.OnUpdate == ReferentialAction.Restrict) return Restricted(relation);
                if (scope.Count() is { } large) return large;
                if (Set(scope, children, child, relation, key) is { } refused) return refused;
            }
        }
        return null;
    }

    /// <summary>Whether the change is one of a key that other records may refer to.</summary>
    public static bool Moves(RecordTable table, Value[] before, Value[] after) =>
        table.Statements.Dependents.Any(relation => Moves(table.Model, relation, before, after));

    static bool Moves(Model parent, Relation relation, Value[] before, Value[] after)
    {
        foreach (string name in relation.References)
        {
            int ordinal = Ordinal(parent, name);
            if (before[ordinal] != after[ordinal]) return true;
        }
        return false;
    }

    public static Fault Restricted(Relation relation) => Faults.RestrictedByReference.Says(
        $"{relation.Model} records refer to it by {string.Join(", ", relation.Fields)}",
        new FaultDetail("", Faults.RestrictedByReference.Code, $"{relation.Model}.{relation.Name} refers to it"));

    /// <summary>A reference is there when all its parts are; it concerns us when one of them changed.</summary>
    static bool Concerns(Model model, Relation relation, Value[] row, Value[]? before)
    {
        bool changed = before is null;
        foreach (string name in relation.Fields)
        {
            int ordinal = Ordinal(model, name);
            if (row[ordinal].IsNull) return false;
            changed |= before is not null && before[ordinal] != row[ordinal];
        }
        return changed;
    }

    static bool IsItself(Model model, Relation relation, Value[] row)
    {
        if (!string.Equals(relation.Target, model.Name, StringComparison.Ordinal)) return false;
        for (int i = 0; i < relation.Fields.Length; i++)
        {
            if (row[Ordinal(model, relation.Fields[i])] != row[Ordinal(model, relation.References[i])]) return false;
        }
        return true;
    }

    static bool IsNamed(Model model, Relation relation, Given[]? given)
    {
        if (given is null) return false;
        foreach (string name in relation.Fields)
        {
            if (given[Ordinal(model, name)] == Given.Value) return true;
        }
        return false;
    }

    /// <summary>
    /// Whether the record is there for the caller, after the same statements when it is hidden as when it is not there; null when whoever
    /// asks may read all that there are.
    /// </summary>
    static bool? IsReadable(WriteScope scope, RecordTable table, Relation relation, Value[] row)
    {
        RecordTable parents = scope.Table(relation.Target);
        CallerRules rules = scope.Schema.Policies.Of(parents.Model).For(Operation.Get, scope.Caller, scope.Moment.Now);
        // That a record refers to itself tells nothing of another.
        if (IsItself(table.Model, relation, row) || rules.Outcome == RuleOutcome.Always) return null;
        if (rules.Outcome == RuleOutcome.Never) return false;
        var joins = scope.Schema.Schema.Joins(relation);
        Value[] key = [.. joins.Select(join => row[join.Own.Ordinal])];
        StoredRow? parent = scope.Live(
            parents, parents.Statements.SelectBy([.. joins.Select(static join => join.Other)], locks: false), key);
        return new RuleCheck(scope, parents, rules).Sees(parent);
    }

    static int Ordinal(Model model, string field) =>
        model.Field(field)?.Ordinal ?? throw new InvalidOperationException($"{model.Name}: a relation over '{field}', which is not there");
}
