using System.Collections.Immutable;
using Plinth.Log;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>What an erasure came to.</summary>
/// <param name="Records">Records whose personal fields are empty now.</param>
/// <param name="Events">Events whose personal values nobody can read any more.</param>
/// <param name="Answers">Kept answers of earlier requests that gave up their bodies.</param>
sealed record ErasureReport(int Records, long Events, int Answers)
{
    /// <summary>Position of the last event; 0 until it is committed.</summary>
    public long Position { get; init; }

    /// <summary>
    /// What the database itself still kept of it is gone as well; null where its own housekeeping does that, false when it could not be
    /// done now.
    /// </summary>
    public bool? IsScrubbed { get; init; }

    /// <summary>Full-text tables that held words of it.</summary>
    public ImmutableArray<string> FullText { get; init; } = [];
}

/// <summary>
/// Erases one person in the writer's turn: the record itself and all records that say by <c>@@subject</c> that they are about it, those
/// that are gone included. Rows, their words for searching, what the log has of them, and kept answers go in one transaction, or nothing
/// does.
/// </summary>
/// <param name="current">The schema that serves, asked in the writer's turn.</param>
/// <param name="events">Makes events.</param>
/// <param name="answers">Kept answers of earlier requests.</param>
/// <param name="caller">Who asks.</param>
/// <param name="moment">When.</param>
/// <param name="model">Whose record is the person.</param>
/// <param name="key">The parts of its key as a URL has them, decoded.</param>
sealed class Erasure(
    Func<WriteSchema> current, EventWriter events, AnswerStore answers, Caller caller, Moment moment, string model,
    ImmutableArray<string> key)
    : WriteUnit<ErasureReport>
{
    readonly Dictionary<(string Model, string RecordId), (RecordTable Table, StoredRow? Stored)> _concerned = [];
    readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    readonly List<ErasedRecord> _ofGone = [];
    string? _tenant;
    long _position;

    protected internal override bool IsExclusive => true;

    public long Position => _position;

    protected internal override void Committed(long position) => _position = position;

    protected internal override Fault Refused(Store.StoreConstraint constraint) => Conflicts.Of(current().Schema, constraint);

    protected override Result<ErasureReport> Execute(WriteTransaction transaction)
    {
        _concerned.Clear();
        _keys.Clear();
        _ofGone.Clear();
        WriteSchema schema = current();
        WriteScope scope = new(schema, transaction, events, caller, moment);
        if (schema.Schema.FindModel(model) is not { } person) return Faults.UnknownModel.Says($"there is no model '{model}'");
        if (Refusal(schema.Schema, person) is { } refused) return refused;
        if (Find(scope, person).Failed(out Fault? fault, out bool isKnown)) return fault;
        if (!isKnown) return KeyValues.NotFound(person);
        return EraseAll(scope);
    }

    /// <summary>Whoever is erased is a person of their own.</summary>
    static Fault? Refusal(AppSchema schema, Model person)
    {
        if (person.SubjectRelation is { } relation)
        {
            return Faults.Conflict.Says(
                $"a {person.Name} is about a {relation.Target}: that is who can be erased",
                $"erase the {relation.Target} that {relation.Name} leads to");
        }
        bool isAbout = person.IsPersonal || schema.Models.Any(m => m.SubjectRelation is { } r
            && string.Equals(r.Target, person.Name, StringComparison.Ordinal));
        return isAbout ? null : Faults.Conflict.Says($"nothing of a {person.Name} is personal: no field is @pii, and nothing is about it");
    }

    /// <summary>Finds all that is about the person; false when there never was such a record.</summary>
    Result<bool> Find(WriteScope scope, Model person)
    {
        AppSchema schema = scope.Schema.Schema;
        Value[] parts = new Value[person.Key.Length], row = new Value[person.Fields.Length];
        if (KeyValues.Bind(person, key, parts) is { } malformed) return malformed;
        for (int i = 0; i < parts.Length; i++) row[person.KeyFields[i].Ordinal] = parts[i];
        if (person.TenantField is { } field)
        {
            if (caller.Tenant.IsNull && row[field.Ordinal].IsNull) return KeyValues.NeedsTenant(person);
            if (!caller.Tenant.IsNull) row[field.Ordinal] = caller.Tenant;
        }
        _tenant = person.TenantField is { } of ? EventWriter.Part(of, row) : null;
        string recordId = EventWriter.RecordId(person, row);
        FormerNames former = FormerNames.Of(scope.Transaction.Connection, person.Name);
        if (Add(scope, person, recordId).Failed(out Fault? large, out StoredRow? stored) && large is not null) return large;
        bool isKnown = stored is not null || former.History(scope.Transaction.Connection, recordId, after: 0, eventsMax: 1).Count > 0;
        foreach (Model other in schema.Models)
        {
            if (other.SubjectRelation is not { } relation) continue;
            if (!string.Equals(relation.Target, person.Name, StringComparison.Ordinal)) continue;
            RecordTable table = scope.Table(other);
            foreach (StoredRow about in References.To(scope, table, relation, person, row))
            {
                if (Add(scope, other, EventWriter.RecordId(other, about.Values)).Fault is { } fault) return fault;
            }
        }
        if (person.Key.Length > 1) return isKnown;
        // Records that are about the person and gone by now, or that lead nowhere since the person's own record is gone.
        string only = EventWriter.Part(person.KeyFields[0], row);
        int recordsMax = scope.Schema.Limits.WriteRows + 1;
        foreach (ErasedRecord about in ErasedEvents.About(scope.Transaction.Connection, schema, former, only, _tenant, recordsMax))
        {
            if (about.Model is null) _ofGone.Add(about);
            else if (Add(scope, about.Model, about.RecordId).Fault is { } fault) return fault;
        }
        return isKnown || _concerned.Count + _ofGone.Count > 1;
    }

    /// <summary>Adds a record once; answers its row, if it has one.</summary>
    Result<StoredRow?> Add(WriteScope scope, Model of, string recordId)
    {
        RecordTable table = scope.Table(of);
        if (_concerned.TryGetValue((of.Name, recordId), out var known)) return known.Stored;
        if (scope.Count() is { } large) return large;
        StoredRow? stored = null;
        if (RecordIds.TryRead(of, recordId, out Value[]? stands))
        {
            stored = table.Find(scope.Transaction, table.Statements.SelectByKey, stands);
            _keys.Add(string.Join(',', of.KeyFields.Select(f => Text(f, stands[of.StoredKey.IndexOf(f)]))));
        }
        _concerned.Add((of.Name, recordId), (table, stored));
        return stored;
    }

    static string Text(Field field, in Value value) =>
        field.Type is ScalarFieldType { Scalar: var scalar } ? scalar.Format(value) : value.String;

    Result<ErasureReport> EraseAll(WriteScope scope)
    {
        AppSchema schema = scope.Schema.Schema;
        int records = 0;
        long gone = 0;
        HashSet<string> fullText = new(StringComparer.Ordinal);
        Dictionary<string, FormerNames> former = new(StringComparer.Ordinal);
        if (_ofGone.Count > 0)
        {
            NameHistory names = FormerNames.Of(scope.Transaction.Connection, model).Names;
            gone += _ofGone.Sum(about => ErasedEvents.RunGone(scope.Transaction.Connection, schema, names, about));
        }
        foreach (var ((name, recordId), (table, stored)) in _concerned)
        {
            if (!table.Model.IsPersonal) continue;
            if (!former.TryGetValue(name, out FormerNames? names))
                former.Add(name, names = FormerNames.Of(scope.Transaction.Connection, name));
            long events = ErasedEvents.Run(scope.Transaction.Connection, schema, table.Model, names, recordId);
            gone += events;
            if (stored is null)
            {
                if (events > 0) scope.EraseGone(table.Model, recordId, table.Model.TenantField is null ? null : _tenant);
                continue;
            }
            Value[] after = [.. stored.Values];
            foreach (Field field in table.Model.Fields)
            {
                if (field is { IsPii: true, Computed: null }) after[field.Ordinal] = ErasedValue.Of(field, recordId);
            }
            ValueReader reader = scope.Reader();
            after = Deciding.Touch(scope.Schema.Shapes.Model(name), stored.Values, after, reader);
            if (reader.Problems.ToFault() is { } unacceptable) return unacceptable;
            // Erased before, and nothing has come since.
            if (events == 0 && after.AsSpan().SequenceEqual(stored.Values)) continue;
            scope.Erase(table, stored, after);
            records++;
            if (table.Model.FullText.Any(f => table.Model.Field(f) is { IsPii: true })) fullText.Add(Ddl.FullTextTable(table.Model.Table));
        }
        int kept = answers.ForgetBodies(scope.Transaction, _keys);
        return new ErasureReport(records, gone, kept) { FullText = [.. fullText] };
    }
}
