using System.Collections.Frozen;
using System.Diagnostics;
using Plinth.Log;
using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>
/// For every record that others refer to: the position of the last change among those that do, told before it is committed. A reference
/// is its fields and their values, and takes one place of a fixed number by its hash; two that share one are taken to change together,
/// which costs a list, never a wrong one. Written on the writer's thread; read by any thread without a lock.
/// </summary>
/// <remarks>
/// Why a list that was read in one snapshot is what another shows. Let p be the cache's position that the list's reader noted before its
/// snapshot, q that of whoever finds it, and let the place be unchanged since the lesser of both at the time of finding. A commit that
/// touched the place was announced here first, so its position is at most p and at most q: a reader's snapshot holds everything up to
/// the position that was noted before it. So both snapshots hold every such commit, and the list is the same in both.
/// </remarks>
sealed class ChildPlaces(bool isOn)
{
    const int Places = 1 << 16;

    // Half a megabyte of address space, touched as far as records change.
    readonly long[] _changed = isOn ? new long[Places] : [];
    long _allChanged;
    AppSchema? _schema;
    FrozenDictionary<string, Field[][]> _references = FrozenDictionary<string, Field[][]>.Empty;

    /// <summary>Values of these kinds are one value in one form on both ends of a reference; others take no place.</summary>
    public static bool Knows(Field field, Field other) =>
        field.StoredKind == other.StoredKind && field.StoredKind is ValueKind.Uuid or ValueKind.Int or ValueKind.String;

    /// <summary>The place of what refers to a record by some fields.</summary>
    /// <param name="model">Whose records refer.</param>
    /// <param name="fields">Theirs, in any order.</param>
    /// <param name="values">In the order of the fields.</param>
    public static int Of(string model, ReadOnlySpan<Field> fields, ReadOnlySpan<Value> values)
    {
        int hash = string.GetHashCode(model, StringComparison.Ordinal);
        for (int i = 0; i < fields.Length; i++) hash += HashCode.Combine(fields[i].Ordinal, values[i]);
        return (int)((uint)HashCode.Combine(hash) % Places);
    }

    /// <summary>Nothing that has this place changed after a position, as far as is told until now.</summary>
    public bool IsUnchanged(int place, long since) =>
        Volatile.Read(ref _changed[place]) <= since && Volatile.Read(ref _allChanged) <= since;

    /// <summary>Marks what a group is about to change: the places of each record's references, as they were and as they will be.</summary>
    public void Announce(AppSchema schema, Announcement announced)
    {
        if (!ReferenceEquals(_schema, schema)) Learn(schema);
        bool isKnown = announced.IsWhole;
        foreach (LogEvent happened in announced.Events) isKnown = isKnown && TryMark(happened, announced.Position);
        if (!isKnown) Volatile.Write(ref _allChanged, announced.Position);
    }

    /// <summary>False for an event that does not say what it changes.</summary>
    bool TryMark(LogEvent happened, long position)
    {
        if (happened.Row is null || !_references.TryGetValue(happened.Model, out Field[][]? references)) return false;
        foreach (Field[] reference in references)
        {
            Mark(happened.Model, reference, happened.Row, position);
            if (happened.RowBefore is { } before) Mark(happened.Model, reference, before, position);
        }
        return true;
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
        ref long changed = ref _changed[Of(model, reference, values)];
        Debug.Assert(changed <= position, "positions only grow");
        Volatile.Write(ref changed, position);
    }

    void Learn(AppSchema schema)
    {
        _references = schema.Models.ToFrozenDictionary(
            static model => model.Name,
            static model => model.Relations.Where(static r => r.IsOwning)
                .Select(r => r.Fields.Select(name => model.Field(name)).OfType<Field>().ToArray()).ToArray(),
            StringComparer.Ordinal);
        _schema = schema;
    }
}
