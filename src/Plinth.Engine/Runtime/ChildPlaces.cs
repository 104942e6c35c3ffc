using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text.Json;
using Plinth.Log;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>Where the changes of what refers to one record are known.</summary>
/// <param name="Own">Of this reference.</param>
/// <param name="Model">Of changes that may concern any reference of the model.</param>
readonly record struct ChildPlace(int Own, int Model);

/// <summary>
/// For every record that others refer to: the position of the last change among those that do. A reference is its fields and their
/// values, and takes one place of a fixed number by its hash; two that share one are taken to change together, which costs a list, never
/// a wrong one.
/// Places are marked before a group's commit; where others write as well, when their events come, and before the cache says that they have.
/// Read by any thread without a lock.
/// </summary>
/// <remarks>
/// Why a list that was read in one snapshot is what another shows. Let p be the cache's position that the list's reader noted before its
/// snapshot, q that of whoever finds it, and let the place be unchanged since the lesser of both at the time of finding. A commit that
/// touched the place was announced here first, so its position is at most p and at most q: a reader's snapshot holds everything up to
/// the position that was noted before it. So both snapshots hold every such commit, and the list is the same in both.
/// Where others write, p and q are the positions of the snapshots themselves, and neither is used before the cache has come up to it: every
/// commit up to the greater of both is marked by then, and none of those after the lesser has this place.
/// An event of another node names the fields that it changed, not the record's others. So a change says where it belongs only if it is of
/// the reference itself; one of a field that lists are sorted by, or of being in the trash, concerns all lists of the model; and one of
/// another field is known by the record, which is no longer the cache's (<see cref="ChildList.IsOfCache"/>).
/// </remarks>
/// <param name="isOn">There is a cache.</param>
/// <param name="keys">Open what events have sealed.</param>
sealed class ChildPlaces(bool isOn, LogKeys? keys = null)
{
    const int Places = 1 << 16;

    // Half a megabyte of address space, touched as far as records change.
    readonly long[] _changed = isOn ? new long[Places] : [];
    readonly ConcurrentDictionary<(string Model, string Field), bool> _sorts = [];
    long _allChanged;
    References _known = new(null, FrozenDictionary<string, Field[][]>.Empty);

    /// <summary>Values of these kinds are one value in one form on both ends of a reference; others take no place.</summary>
    public static bool Knows(Field field, Field other) =>
        field.StoredKind == other.StoredKind && field.StoredKind is ValueKind.Uuid or ValueKind.Int or ValueKind.String;

    /// <summary>The place of what refers to a record by some fields.</summary>
    /// <param name="model">Whose records refer.</param>
    /// <param name="fields">Theirs, in any order.</param>
    /// <param name="values">In the order of the fields.</param>
    public static ChildPlace Of(string model, ReadOnlySpan<Field> fields, ReadOnlySpan<Value> values)
    {
        int hash = string.GetHashCode(model, StringComparison.Ordinal);
        int ofModel = OfModel(model);
        for (int i = 0; i < fields.Length; i++) hash += HashCode.Combine(fields[i].Ordinal, values[i]);
        return new ChildPlace((int)((uint)HashCode.Combine(hash) % Places), ofModel);
    }

    static int OfModel(string model) => (int)((uint)string.GetHashCode(model, StringComparison.Ordinal) % Places);

    /// <summary>Nothing that has this place changed after a position, as far as is told until now.</summary>
    public bool IsUnchanged(ChildPlace place, long since) => Volatile.Read(ref _changed[place.Own]) <= since
        && Volatile.Read(ref _changed[place.Model]) <= since && Volatile.Read(ref _allChanged) <= since;

    /// <summary>Lists sorted by a field may be kept from now on. Called before the snapshot is taken that one is read in.</summary>
    public void Sorts(string model, string field) => _sorts.TryAdd((model, field), true);

    /// <summary>Marks what a group is about to change: the places of each record's references, as they were and as they will be.</summary>
    public void Announce(AppSchema schema, Announcement announced)
    {
        bool isKnown = announced.IsWhole;
        foreach (LogEvent happened in announced.Events) isKnown = isKnown && TryMark(schema, happened, announced.Position);
        if (!isKnown) Raise(ref _allChanged, announced.Position);
    }

    /// <summary>Marks what an event of the log has changed.</summary>
    public void Follow(AppSchema schema, int schemaVersion, LogEvent happened)
    {
        if (TryMark(schema, happened, happened.Position)) return;
        if (happened.SchemaVersion != schemaVersion || schema.FindModel(happened.Model) is not { } model || happened.RecordId.Length == 0)
        {
            Raise(ref _allChanged, happened.Position);
            return;
        }
        foreach (Field[] reference in ReferencesOf(schema)[model.Name])
        {
            if (!TryMark(happened, model, reference)) Raise(ref _changed[OfModel(model.Name)], happened.Position);
        }
    }

    /// <summary>False for an event that does not bring its rows.</summary>
    bool TryMark(AppSchema schema, LogEvent happened, long position)
    {
        (Value[]? before, Value[]? after) = happened.Rows ?? (happened.RowBefore, happened.Row);
        if ((before ?? after) is null || !ReferencesOf(schema).TryGetValue(happened.Model, out Field[][]? references)) return false;
        foreach (Field[] reference in references)
        {
            if (before is not null) Mark(happened.Model, reference, before, position);
            if (after is not null) Mark(happened.Model, reference, after, position);
        }
        return true;
    }

    /// <summary>False for an event whose payload does not say which records' lists it concerns.</summary>
    bool TryMark(LogEvent happened, Model model, Field[] reference)
    {
        if (keys is null || happened.Data is not { } data) return false;
        bool isWhole = happened.Kind == EventKinds.Created || (happened.Kind == EventKinds.Deleted && !model.IsSoftDelete);
        if (!isWhole && happened.Kind != EventKinds.Updated) return false;
        try
        {
            if (!isWhole)
            {
                IReadOnlyList<string> changed = Payload.FieldNames(data);
                int count = reference.Count(field => changed.Contains(field.Name, StringComparer.Ordinal));
                if (count == 0) return !changed.Any(field => _sorts.ContainsKey((model.Name, field)));
                if (count < reference.Length) return false;
            }
            Value[] row = new Value[model.Fields.Length];
            bool hasSet = Payload.Read(happened, "set"u8, model, null, keys, row);
            if (hasSet) Mark(model.Name, reference, row, happened.Position);
            bool hasWas = Payload.Read(happened, "was"u8, model, null, keys, row);
            if (hasWas) Mark(model.Name, reference, row, happened.Position);
            return isWhole ? hasSet || hasWas : hasSet && hasWas;
        }
        catch (Exception e) when (e is InvalidDataException or JsonException or FormatException or CryptographicException)
        {
            // It names what the schema does not have any more, or nobody can read it: whatever it says, all lists are told.
            return false;
        }
    }

    void Mark(string model, Field[] reference, Value[] row, long position)
    {
        Value[] values = new Value[reference.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = row[reference[i].Ordinal];
            // Refers to nothing, so no list has it.
            if (values[i].IsNull) return;
        }
        Raise(ref _changed[Of(model, reference, values).Own], position);
    }

    /// <summary>Forward only: where others write, the log's events and those of our own groups come from two sides.</summary>
    static void Raise(ref long changed, long position)
    {
        for (long known = Volatile.Read(ref changed); known < position;)
        {
            long found = Interlocked.CompareExchange(ref changed, position, known);
            if (found == known) return;
            known = found;
        }
    }

    FrozenDictionary<string, Field[][]> ReferencesOf(AppSchema schema)
    {
        References known = Volatile.Read(ref _known);
        if (ReferenceEquals(known.Schema, schema)) return known.ByModel;
        known = new References(schema, schema.Models.ToFrozenDictionary(
            static model => model.Name,
            static model => model.Relations.Where(static r => r.IsOwning)
                .Select(r => r.Fields.Select(name => model.Field(name)).OfType<Field>().ToArray()).ToArray(),
            StringComparer.Ordinal));
        Volatile.Write(ref _known, known);
        return known.ByModel;
    }

    /// <param name="Schema">Of which they are.</param>
    /// <param name="ByModel">The fields of each reference of each model.</param>
    sealed record References(AppSchema? Schema, FrozenDictionary<string, Field[][]> ByModel);
}
