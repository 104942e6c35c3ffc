using Plinth.Schema;

namespace Plinth.Runtime;

/// <summary>
/// The records of a relation to many: those of a parent whose <see cref="ChildList"/> holds come from there, without a statement and
/// without a look-up each; for the others the database gives keys, and what they lead to is kept for the next answer.
/// </summary>
sealed partial class RecordRun
{
    /// <summary>Records per parent that room is made for at first.</summary>
    const int ChildrenGuess = 4;

    /// <summary>Gives for each parent the place of its first record, and one place more for the end of the last.</summary>
    int[] GatherMany(RecordRows parents, RecordInclude include, RecordRows included)
    {
        long wanted = asked.ChildrenWanted(include), limit = asked.ChildrenMax(include);
        ChildList?[] lists = ListsOf(parents, include, wanted);
        using KeyList keys = new();
        int[] ends = ReadKeys(parents, include, lists, limit, keys);
        asked.Cache.Fetch(keys.Span, include.Level.AsksValues);
        int[] starts = new int[parents.Count + 1];
        List<CachedRecord> looked = [];
        for (int i = 0, first = 0; i < ends.Length; first = ends[i++])
        {
            starts[i] = included.Count;
            long until = starts[i] + wanted;
            if (lists[i] is { } list)
            {
                Take(included, list.Records, until);
                continue;
            }
            bool isWhole = ends[i] - first < limit;
            bool isEnough = Take(included, keys, first, ends[i], until, looked);
            GaveUp |= !isEnough && !isWhole;
            if (include.Order is not null && !source.Lacks) Keep(parents, i, include, looked, isWhole && looked.Count == ends[i] - first);
        }
        starts[^1] = included.Count;
        return starts;
    }

    /// <summary>
    /// The lists of the parents that hold and suffice. In passes over all of them, so that the waits for their memory overlap.
    /// </summary>
    ChildList?[] ListsOf(RecordRows parents, RecordInclude include, long wanted)
    {
        ChildList?[] lists = new ChildList?[parents.Count];
        if (include.Order is not { } order) return lists;
        for (int i = 0; i < lists.Length; i++)
        {
            if (parents.Records[i].List(order) is not { } list || !list.Holds(asked.Cache.Children, asked.Position)) continue;
            Prefetch.Object(list.Records);
            lists[i] = list;
        }
        foreach (ChildList? list in lists)
        {
            if (list is null) continue;
            foreach (CachedRecord record in list.Records) Prefetch.Object(record);
        }
        if (include.Level.AsksValues)
        {
            foreach (ChildList? list in lists)
            {
                if (list is null) continue;
                foreach (CachedRecord record in list.Records) record.FetchValues();
            }
        }
        for (int i = 0; i < lists.Length; i++)
        {
            if (asked.IsShared && lists[i] is { } kept && !kept.IsOfCache(asked.Position)) lists[i] = null;
            if (lists[i] is { IsWhole: false } part && !Suffices(include.Level, part.Records, wanted)) lists[i] = null;
            if (lists[i] is not { } used) continue;
            _hits += used.Records.Length;
            _lists++;
        }
        return lists;
    }

    /// <summary>The beginning of a list shows the caller as many records as are wanted.</summary>
    bool Suffices(RecordLevel level, CachedRecord[] records, long wanted)
    {
        if (records.Length < wanted) return false;
        foreach (CachedRecord record in records)
        {
            if (Sees(level, record) && --wanted == 0) return true;
        }
        return false;
    }

    /// <summary>Reads the keys of the parents without a list, and gives for each parent where its keys end.</summary>
    int[] ReadKeys(RecordRows parents, RecordInclude include, ChildList?[] lists, long limit, KeyList keys)
    {
        int[] ends = new int[parents.Count];
        Value[] link = [];
        for (int i = 0; i < ends.Length; i++)
        {
            if (lists[i] is null)
            {
                if (link.Length == 0) link = new Value[include.Shape.ParentFields.Length];
                if (TryLink(parents, i, include, link)) source.AddChildren(include, link, limit, keys);
            }
            ends[i] = keys.Count;
        }
        return ends;
    }

    void Take(RecordRows rows, CachedRecord[] records, long until)
    {
        foreach (CachedRecord record in records)
        {
            if (rows.Count >= until) return;
            // Not as a use of the record: the list keeps it, so under pressure the cache may forget its own first.
            Add(rows, record);
        }
    }

    /// <summary>As for a page; <paramref name="looked"/> then holds the records that were looked at, seen or not.</summary>
    bool Take(RecordRows rows, KeyList keys, int first, int end, long until, List<CachedRecord> looked)
    {
        looked.Clear();
        foreach (ref readonly RecordKey key in keys.Span[first..end])
        {
            if (rows.Count >= until) return true;
            if (Find(rows.Level, key) is not { } record) continue;
            looked.Add(record);
            Add(rows, record);
        }
        return rows.Count >= until;
    }

    void Keep(RecordRows parents, int row, RecordInclude include, List<CachedRecord> records, bool isWhole)
    {
        if (records.Count > ChildList.RecordsMax || (records.Count == 0 && !isWhole)) return;
        Value[] link = new Value[include.Shape.TargetFields.Length];
        if (!TryLink(parents, row, include, link)) return;
        ChildPlace place = ChildPlaces.Of(include.Level.Model.Name, include.Shape.TargetFields.AsSpan(), link);
        // Changed since the snapshot, or about to: it would be of no use.
        if (!asked.Cache.Children.IsUnchanged(place, asked.Position)) return;
        // Not null: only relations with an order are kept.
        asked.Cache.Keep(parents.Records[row], new ChildList(include.Order!, place, asked.Position, [.. records], isWhole));
    }
}
