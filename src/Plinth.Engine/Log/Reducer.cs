using Plinth.Schema;

namespace Plinth.Log;

/// <summary>Events in, rows out: what the tables must hold when every event up to a position has been applied to nothing.</summary>
sealed class Reducer(AppSchema schema, LogKeys keys, NameHistory names)
{
    readonly Dictionary<string, Dictionary<string, ReplayedRow>> _models = new(StringComparer.Ordinal);

    /// <summary>The rows of a model by record id.</summary>
    public IReadOnlyDictionary<string, ReplayedRow> Rows(Model model) => RowsOf(model);

    /// <summary>A record that is there before the first event.</summary>
    public void Seed(Model model, string recordId, Value[] values, long version, bool isKnown) =>
        RowsOf(model).Add(recordId, new ReplayedRow([.. values]) { Version = version, IsKnown = isKnown });

    /// <exception cref="InvalidDataException">The event does not fit what came before it, or the schema.</exception>
    public void Apply(LogEvent happened)
    {
        NamesThen then = names.At(schema, happened.Model, happened.Position);

        // The records of a model that is gone were gone before it: there is no table to hold them.
        if (then.Model is not { } model) return;
        Dictionary<string, ReplayedRow> rows = RowsOf(model);
        switch (happened.Kind)
        {
            case EventKinds.Created: Create(rows, model, then, happened); break;
            case EventKinds.Purged: Remove(rows, happened); break;
            case EventKinds.Migrated: Migrate(rows, model, then, happened); break;
            case EventKinds.Erased: Erase(rows, model, then, happened); break;
            default: Change(rows, model, then, happened); break;
        }
    }

    Dictionary<string, ReplayedRow> RowsOf(Model model)
    {
        if (!_models.TryGetValue(model.Name, out Dictionary<string, ReplayedRow>? rows))
        {
            _models.Add(model.Name, rows = new Dictionary<string, ReplayedRow>(StringComparer.Ordinal));
        }

        return rows;
    }

    void Create(Dictionary<string, ReplayedRow> rows, Model model, NamesThen then, LogEvent happened)
    {
        ReplayedRow row = new(new Value[model.Fields.Length]) { Version = happened.Version, IsKnown = happened.Data is not null };
        if (row.IsKnown) Payload.Read(happened, "set"u8, model, then, keys, row.Values);
        if (rows.TryAdd(happened.RecordId, row)) return;

        // Purging took the payload of the deletion before it as well, which said whether the record went or into the trash.
        if (row.IsKnown || rows[happened.RecordId].IsKnown) throw Unfit(happened, "is there already");
        rows[happened.RecordId] = row;
    }

    void Change(Dictionary<string, ReplayedRow> rows, Model model, NamesThen then, LogEvent happened)
    {
        if (!rows.TryGetValue(happened.RecordId, out ReplayedRow? row)) throw Unfit(happened, "is not there");

        // A payload that purging removed: the record is not known from here on, and a later event takes it away.
        row.IsKnown &= happened.Data is not null;
        row.Version = happened.Version;
        bool sets = happened.Data is not null && Payload.Read(happened, "set"u8, model, then, keys, row.Values);
        if (!sets && happened is { Kind: EventKinds.Deleted, Data: not null }) rows.Remove(happened.RecordId);
    }

    /// <summary>What the record is from here on, whatever is not to be known of it any more; or that it was gone before.</summary>
    void Erase(Dictionary<string, ReplayedRow> rows, Model model, NamesThen then, LogEvent happened)
    {
        if (happened.Data is null)
        {
            // Purging took what it said, and with it whether the record was there.
            if (rows.TryGetValue(happened.RecordId, out ReplayedRow? known)) (known.IsKnown, known.Version) = (false, happened.Version);
            return;
        }

        ReplayedRow row = new(new Value[model.Fields.Length]) { Version = happened.Version, IsKnown = true };
        if (!Payload.Read(happened, "set"u8, model, then, keys, row.Values)) rows.Remove(happened.RecordId);
        else if (rows.ContainsKey(happened.RecordId)) rows[happened.RecordId] = row;
        else throw Unfit(happened, "is not there");
    }

    void Migrate(Dictionary<string, ReplayedRow> rows, Model model, NamesThen then, LogEvent happened)
    {
        Value[] values = new Value[model.Fields.Length];
        if (!Payload.Read(happened, "set"u8, model, then, keys, values)) return;
        List<int> set = [.. model.Fields.Select(static field => field.Ordinal).Where(ordinal => !values[ordinal].IsNull)];
        foreach (ReplayedRow row in rows.Values)
        {
            foreach (int ordinal in set) row.Values[ordinal] = values[ordinal];
        }
    }

    static void Remove(Dictionary<string, ReplayedRow> rows, LogEvent happened)
    {
        if (!rows.Remove(happened.RecordId)) throw Unfit(happened, "is not there");
    }

    static InvalidDataException Unfit(LogEvent happened, string what) =>
        new($"position {happened.Position}: {happened.Kind} of {happened.Model} {happened.RecordId}, which {what}");
}

/// <summary>A row that was folded out of its events.</summary>
sealed class ReplayedRow(Value[] values)
{
    public Value[] Values { get; } = values;

    public long Version { get; set; }

    /// <summary>A row of the table was held against it.</summary>
    public bool IsSeen { get; set; }

    /// <summary>False when a payload that it needs was removed.</summary>
    public bool IsKnown { get; set; }
}
