using System.Globalization;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// What one command has at hand in the writer's turn: the transaction, who asks, and when. Changes go through here, with their
/// events.
/// </summary>
sealed class WriteScope(WriteSchema schema, WriteTransaction transaction, EventWriter events, Caller caller, Moment moment)
{
    readonly EventOrigin _origin = new(caller.Subject, null, schema.Version);
    int _changed;

    public WriteSchema Schema => schema;

    public WriteTransaction Transaction => transaction;

    public Caller Caller => caller;

    public Moment Moment => moment;

    public RecordTable Table(string model) => schema.Table(model);

    public RecordTable Table(Model model) => schema.Table(model.Name);

    /// <summary>The record found that is not in the trash. A unique key may be held by trashed records besides.</summary>
    public StoredRow? Live(RecordTable table, SqlText select, ReadOnlySpan<Value> slots) =>
        Live(table, table.FindAll(transaction, select, slots, table.Model.IsSoftDelete ? int.MaxValue : 1));

    /// <summary>The record that the command names, unless it is in the trash.</summary>
    public StoredRow? LiveByKey(RecordTable table, WritePlan plan) => Sent is { } sent
        ? Live(table, table.FindAll(sent))
        : Live(table, table.Statements.SelectByKey, StoredKey(plan));

    /// <summary>The one of the rows found that is not in the trash.</summary>
    public static StoredRow? Live(RecordTable table, List<StoredRow> found)
    {
        foreach (StoredRow stored in found)
        {
            if (!table.Model.IsSoftDelete || !stored.IsTrashed(table.Model)) return stored;
        }
        return null;
    }

    /// <summary>The outcome of a command on one record, as far as its caller may see the record now.</summary>
    public Written Shown(WritePlan plan, WriteOutcome outcome, StoredRow stored)
    {
        RecordTable table = Table(plan.Model);
        bool readable = new RuleCheck(this, table, plan.Read).Sees(stored);
        FieldCheck fields = new(this, table, plan.Fields);
        return new Written(outcome, plan.Model)
        {
            Record = stored,
            IsReadable = readable,
            Hidden = readable ? fields.Hidden(stored) : null,
            NeedsBodyHash = !plan.Fields.Reads.IsEmpty,
        };
    }

    /// <summary>
    /// The values of the key that a command names, within its tenant: what <see cref="WriteStatements.SelectByKey"/> takes.
    /// </summary>
    public static Value[] StoredKey(WritePlan plan) => plan.LookupValues(plan.Model.KeyFields, plan.KeyValues);

    public ValueReader Reader() => new(schema.Shapes, moment, new Problems());

    /// <summary>A fault once the command has changed more rows than one may.</summary>
    public Fault? Count() => ++_changed <= schema.Limits.WriteRows
        ? null
        : Faults.CascadeTooLarge.Says(string.Create(CultureInfo.InvariantCulture,
            $"the command would change more than {schema.Limits.WriteRows} records (limits.writeRows); nothing was changed"));

    /// <summary>
    /// The mark of a soft deletion: the time, or the next microsecond that no earlier deletion has, for restoring tells sets apart by
    /// it.
    /// </summary>
    public Value DeletionTime() => Value.FromDateTime(schema.NextDeletion(moment.Now));

    /// <summary>The event of a create that is decided completely: sealing and digesting it need not take the writer's time.</summary>
    public static LogEvent? Prepare(WriteSchema schema, WritePlan plan, EventWriter events) =>
        plan.Command.Kind == CommandKind.Create && plan.Shape.Counted.IsEmpty && plan.Input is { } input
            ? events.Created(plan.Model, input.Values, version: 1, new EventOrigin(plan.Caller.Subject, null, schema.Version))
            : null;

    /// <summary>The event of the one record that the command creates, made before the writer's turn; null where it could not be.</summary>
    public LogEvent? Prepared { get; init; }

    /// <summary>The command's first statement, when it went ahead: the one that inserts its record, or looks for it.</summary>
    public Statement? Sent { get; init; }

    /// <summary>The insert that its record went ahead in, together with those of other commands.</summary>
    public SentInserts? Joined { get; init; }

    public void Created(Model model, Value[] row) => transaction.Append(Prepared ?? events.Created(model, row, version: 1, _origin));

    /// <summary>Writes the changed fields and their event; answers the row as it is now.</summary>
    public StoredRow Update(RecordTable table, StoredRow before, Value[] after)
    {
        table.Update(transaction, before, after);
        StoredRow now = new(before.Row, before.Version + 1, after);
        transaction.Append(events.Updated(table.Model, before.Values, after, now.Version, _origin));
        Watch(table, before, now);
        return now;
    }

    public StoredRow Trash(RecordTable table, StoredRow before, Value deletedAt)
    {
        Value[] after = Marked(table.Model, before, deletedAt);
        table.Update(transaction, before, after);
        transaction.Append(events.SoftDeleted(table.Model, before.Values, after, before.Version + 1, _origin));
        Watch(table, before, now: null);
        return new(before.Row, before.Version + 1, after);
    }

    public StoredRow Restore(RecordTable table, StoredRow before)
    {
        Value[] after = Marked(table.Model, before, Value.Null);
        table.Update(transaction, before, after);
        transaction.Append(events.Restored(table.Model, before.Values, after, before.Version + 1, _origin));
        return new(before.Row, before.Version + 1, after);
    }

    /// <summary>The row goes for good. Of a model with a trash nothing but the fact stays in the log.</summary>
    public void Remove(RecordTable table, StoredRow before)
    {
        table.Delete(transaction, before);
        Watch(table, before, now: null);
        Model model = table.Model;
        if (!model.IsSoftDelete)
        {
            transaction.Append(events.Deleted(model, before.Values, before.Version + 1, _origin));
            return;
        }
        transaction.RemovePayloads(model.Name, EventWriter.RecordId(model, before.Values));
        transaction.Append(events.Purged(model, before.Values, before.Version + 1, _origin));
    }

    /// <summary>Writes a record without what was personal in it, and an event of the whole row.</summary>
    public void Erase(RecordTable table, StoredRow before, Value[] after)
    {
        table.Update(transaction, before, after);
        transaction.Append(events.Erased(table.Model, before.Values, after, before.Version + 1, _origin));
        Watch(table, before, new(before.Row, before.Version + 1, after));
    }

    /// <summary>What the log had of a record that was gone before is erased.</summary>
    public void EraseGone(Model model, string recordId, string? tenant) =>
        transaction.Append(events.ErasedGone(model, recordId, tenant, _origin));

    /// <summary>Whose administrators went with the command; whether another is left is asked at its end.</summary>
    public HashSet<Value>? LostAdministrators { get; private set; }

    void Watch(RecordTable table, StoredRow before, StoredRow? now)
    {
        Value tenant = default;
        if (schema.Users?.LosesAdministrator(table, before, now, out tenant) == true) (LostAdministrators ??= []).Add(tenant);
    }

    static Value[] Marked(Model model, StoredRow stored, Value deletedAt)
    {
        Value[] after = [.. stored.Values];
        after[StoredRow.Mark(model).Ordinal] = deletedAt;
        if (model.VersionField is { } version) after[version.Ordinal] = Value.From(after[version.Ordinal].Int + 1);
        return after;
    }
}
