using Plinth.Log;
using Plinth.Runtime;
using Plinth.Schema;
using Plinth.Store;

namespace Plinth.Live;

/// <summary>An event as live queries look at it: the record before and after, where that can be told, and the fields that differ.</summary>
/// <param name="happened">The event.</param>
/// <param name="snapshot">The schema that the queries are of.</param>
/// <param name="model">Its model.</param>
sealed class LiveChange(LogEvent happened, Snapshot snapshot, Model model)
{
    /// <summary>Later events of a record that are undone to find what it was; beyond, the queries are run again.</summary>
    const int UndoneMax = 64;

    HashSet<string>? _changed;

    public LogEvent Event => happened;

    public long Position => happened.Position;

    public Model Model => model;

    /// <summary>Both sides are known.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>The record before; null when it was not there.</summary>
    public Value[]? Before { get; private set; }

    /// <summary>The record after; null when it is not there any more.</summary>
    public Value[]? After { get; private set; }

    /// <summary>The record came or went, in the eyes of whoever lists.</summary>
    public bool IsOfExistence => happened.Kind != EventKinds.Updated;

    /// <summary>Names of the fields whose values differ.</summary>
    public HashSet<string> Changed => _changed ??= ChangedNames();

    /// <summary>Finds both sides: the writer of this process has left them with the event, the log has those of records that came or
    /// went; else the record as it is now is brought back to the event.</summary>
    /// <exception cref="StoreException">The database cannot be asked.</exception>
    public void Complete(EventStore store)
    {
        if (IsWhole) return;
        if (happened.SchemaVersion != snapshot.Version) return;
        if (happened.Rows is var (before, after))
        {
            (IsWhole, Before, After) = (true, before, after);
            return;
        }
        if (happened.Data is null) return;
        try
        {
            IsWhole = happened.Kind switch
            {
                EventKinds.Created => (After = Side("set"u8, store.Keys)) is not null,
                EventKinds.Deleted when !model.IsSoftDelete => (Before = Side("was"u8, store.Keys)) is not null,
                EventKinds.Updated or EventKinds.Deleted or EventKinds.Restored => Undo(store),
                _ => false,
            };
        }
        catch (InvalidDataException)
        {
            // It names what the schema does not have any more.
            IsWhole = false;
        }
    }

    Value[]? Side(ReadOnlySpan<byte> side, LogKeys keys)
    {
        Value[] row = new Value[model.Fields.Length];
        return Payload.Read(happened, side, model, null, keys, row) ? row : null;
    }

    bool Undo(EventStore store)
    {
        if (!RecordIds.TryRead(model, happened.RecordId, out Value[]? key)) return false;
        Value[]? row;
        List<LogEvent> later;
        using (ReadLease lease = store.Database.Read(CancellationToken.None))
        {
            lease.Connection.BeginRead();
            RecordTable table = snapshot.Writes.Table(model.Name);
            row = table.FindByKey(lease.Connection, key) is { } found ? [.. found.Values] : null;
            later = EventLog.History(lease.Connection, model.Name, happened.RecordId, Position, UndoneMax);
        }
        if (later.Count == UndoneMax) return false;
        for (int i = later.Count - 1; i >= 0; i--)
        {
            if (!TryUndo(later[i], ref row, store.Keys)) return false;
        }
        After = row;
        if (row is null || !TryUndo(happened, ref row, store.Keys)) return false;
        Before = row;
        return true;
    }

    bool TryUndo(LogEvent later, ref Value[]? row, LogKeys keys)
    {
        if (later.Data is null || later.SchemaVersion != snapshot.Version) return false;
        switch (later.Kind)
        {
            case EventKinds.Created:
                row = null;
                return true;
            case EventKinds.Updated or EventKinds.Restored or EventKinds.Deleted:
                Value[] was = row is null ? new Value[model.Fields.Length] : [.. row];
                // Only a record that went for good has left its whole row.
                if (row is null && (later.Kind != EventKinds.Deleted || model.IsSoftDelete)) return false;
                row = was;
                return Payload.Read(later, "was"u8, model, null, keys, was);
            default:
                return false;
        }
    }

    HashSet<string> ChangedNames()
    {
        if (happened.Rows is not ({ } before, { } after)) return [.. happened.Data is { } data ? Payload.FieldNames(data) : []];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (Field field in model.Fields)
        {
            if (before[field.Ordinal] != after[field.Ordinal]) names.Add(field.Name);
        }
        return names;
    }
}
