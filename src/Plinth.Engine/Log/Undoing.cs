using Plinth.Schema;

namespace Plinth.Log;

/// <summary>
/// What the records of one model were at a position, found by undoing what happened after it: the events since, oldest first, and then,
/// for records that are still there, what they are now. The shape is today's: a field that came since has the value that it was given,
/// one that is gone is gone.
/// </summary>
/// <param name="schema">Of today.</param>
/// <param name="model">Whose records they are.</param>
/// <param name="keys">Opens sealed values.</param>
/// <param name="names">What names of then are called now.</param>
/// <param name="known">What was found up to an earlier end of the log; the events to come follow it.</param>
sealed class Undoing(
    AppSchema schema, Model model, LogKeys keys, NameHistory names, IReadOnlyDictionary<string, UndoneRecord>? known = null)
{
    // Tells a field that a payload did not name from one that it gave as null.
    static readonly Value s_unnamed = Value.Missing(new object());

    readonly Dictionary<string, UndoneRecord> _records = known is null
        ? new Dictionary<string, UndoneRecord>(StringComparer.Ordinal)
        : new Dictionary<string, UndoneRecord>(known, StringComparer.Ordinal);

    readonly Value[] _was = new Value[model.Fields.Length];

    /// <summary>Every record that something happened to since, by its id.</summary>
    public IReadOnlyDictionary<string, UndoneRecord> Records => _records;

    /// <summary>Takes the next event; a later position than all before.</summary>
    public void Add(LogEvent happened)
    {
        NamesThen then = names.At(schema, happened.Model, happened.Position);
        if (string.Equals(happened.Kind, EventKinds.Migrated, StringComparison.Ordinal))
        {
            AddMigrated(then, happened);
            return;
        }
        if (!_records.TryGetValue(happened.RecordId, out UndoneRecord? record))
        {
            bool existed = !string.Equals(happened.Kind, EventKinds.Created, StringComparison.Ordinal) && !IsOfGone(then, happened);
            record = existed ? new UndoneRecord(model.Fields.Length, happened.Version - 1) : UndoneRecord.Absent;
            _records.Add(happened.RecordId, record);
        }
        // A payload that was purged: what the record was then is not to be known any more.
        if (happened.Data is null || string.Equals(happened.Kind, EventKinds.Purged, StringComparison.Ordinal))
        {
            _records[happened.RecordId] = !record.Existed ? record
                : new UndoneRecord(model.Fields.Length, record.Version) { IsForgotten = true };
        }
        else if (record is { Existed: true, IsWhole: false }) Undo(record, then, happened);
    }

    /// <summary>An erasure of what the log had of a record that was not there any more.</summary>
    bool IsOfGone(NamesThen then, LogEvent happened) => happened is { Kind: EventKinds.Erased, Data: not null }
        && !Payload.Read(happened, "set"u8, model, then, keys, _was);

    void Undo(UndoneRecord record, NamesThen then, LogEvent happened)
    {
        _was.AsSpan().Fill(s_unnamed);
        Payload.Read(happened, "was"u8, model, then, keys, _was);
        foreach (Field field in model.Fields)
        {
            Value was = _was[field.Ordinal];
            // A field that has become required since takes what it was given then: there was no value that it could have now.
            bool isNamed = !ReferenceEquals(was.Reason, s_unnamed.Reason) && (field.IsNullable || !was.IsNull);
            if (isNamed) record.Learn(field.Ordinal, was);
        }
        // Gone for good: there is no row to learn the rest from.
        record.IsWhole = string.Equals(happened.Kind, EventKinds.Deleted, StringComparison.Ordinal)
            && !Payload.Read(happened, "set"u8, model, then, keys, _was);
    }

    /// <summary>A field that was added since: records that are gone by now never had it, and take what all others were given.</summary>
    void AddMigrated(NamesThen then, LogEvent happened)
    {
        _was.AsSpan().Fill(s_unnamed);
        if (!Payload.Read(happened, "set"u8, model, then, keys, _was)) return;
        foreach (Field field in model.Fields)
        {
            Value given = _was[field.Ordinal];
            if (ReferenceEquals(given.Reason, s_unnamed.Reason)) continue;
            foreach (UndoneRecord record in _records.Values.Where(static r => r is { IsKnown: true, IsWhole: true }))
                record.Learn(field.Ordinal, given);
        }
    }
}

/// <summary>One record at the position, as far as it is known yet; once it is whole, it does not change any more.</summary>
/// <param name="fields">Number of fields of the model.</param>
/// <param name="version">Its hidden version then.</param>
sealed class UndoneRecord(int fields, long version)
{
    /// <summary>One that was not there, or of which nothing is to be known.</summary>
    public static readonly UndoneRecord Absent = new(0, 0) { IsWhole = true };

    readonly bool[] _known = new bool[fields];

    /// <summary>It was there, or in the trash.</summary>
    public bool Existed => !ReferenceEquals(this, Absent);

    public long Version { get; } = version;

    public Value[] Values { get; } = new Value[fields];

    /// <summary>Nothing more is to be learned about it.</summary>
    public bool IsWhole { get; set; }

    /// <summary>It was there, and what it was is not to be known any more.</summary>
    public bool IsForgotten
    {
        get;
        init => IsWhole = field = value;
    }

    /// <summary>It was there, and is known.</summary>
    public bool IsKnown => Existed && !IsForgotten;

    /// <summary>The earliest that is said about a field is what it was.</summary>
    public void Learn(int ordinal, in Value value)
    {
        if (_known[ordinal]) return;
        _known[ordinal] = true;
        Values[ordinal] = value;
    }
}
