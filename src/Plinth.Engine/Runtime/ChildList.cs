namespace Plinth.Runtime;

/// <summary>
/// The first records that one record's relation to many leads to, in one order and before any rule, as a reader's snapshot showed them.
/// Kept with the record that the relation starts at. It holds until a record that the relation leads to, or led to before, changes in any
/// way (<see cref="ChildPlaces"/>), so the records in it are as true as the list. Immutable.
/// </summary>
/// <param name="order">Which relation, and how it is sorted.</param>
/// <param name="place">Where <see cref="ChildPlaces"/> knows it.</param>
/// <param name="position">That of the snapshot, or of the cache before it was taken.</param>
/// <param name="records">In their order.</param>
/// <param name="isWhole">There are no more.</param>
/// <param name="next">The list of another order at the same record.</param>
sealed class ChildList(string order, ChildPlace place, long position, CachedRecord[] records, bool isWhole, ChildList? next = null)
{
    /// <summary>Orders that one record keeps lists of.</summary>
    public const int OrdersMax = 4;

    /// <summary>Longer lists are the database's: they are pages of their own rather than a part of another's answer.</summary>
    public const int RecordsMax = 100;

    const int EntryBytes = 120, SlotBytes = 8;

    public string Order => order;

    public CachedRecord[] Records => records;

    public bool IsWhole => isWhole;

    public ChildList? Next => next;

    /// <summary>
    /// What it costs, about. Its records count whole, though the cache may hold them besides: one that is pushed out there lives on here.
    /// </summary>
    public int Bytes { get; } = EntryBytes + records.Length * SlotBytes + records.Sum(static r => r.OwnBytes);

    /// <summary>Whether it is what a snapshot shows that was taken after the cache stood at a position.</summary>
    public bool Holds(ChildPlaces places, long at) => places.IsUnchanged(place, Math.Min(position, at));

    /// <summary>
    /// Whether each of its records is one that the cache answers for, and not newer than a position. Needed where changes are told of by
    /// the log, which says of a record that it has changed and not always which lists it is in.
    /// </summary>
    public bool IsOfCache(long at)
    {
        foreach (CachedRecord record in records)
        {
            if (record.Index < 0 || record.Position > at) return false;
            record.Use();
        }
        return true;
    }

    /// <summary>The same list, before those of other orders; the last ones go when there are too many.</summary>
    public ChildList Before(ChildList? others) => new(order, place, position, records, isWhole, Rest(others, order, OrdersMax - 1));

    static ChildList? Rest(ChildList? list, string without, int count)
    {
        while (list is not null && string.Equals(list.Order, without, StringComparison.Ordinal)) list = list.Next;
        return list is null || count == 0 ? null : list.With(Rest(list.Next, without, count - 1));
    }

    ChildList With(ChildList? rest) => ReferenceEquals(rest, next) ? this : new(order, place, position, records, isWhole, rest);
}
