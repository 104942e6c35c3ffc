using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>
/// Removes a record and does what its relations say must follow, with one event per record: nothing changes behind the log. Everything that
/// goes is found first; only when nothing forbids it is anything changed, children before the records they refer to.
/// </summary>
/// <remarks>
/// Deleting softly marks what goes, with one time for all of it, by which restoring finds that set again. Children whose model has no trash
/// stay as they are (their parent's row is still there) and go with it when it is purged.
/// </remarks>
/// <param name="scope">The command.</param>
/// <param name="deletedAt">The mark of a soft deletion; Null removes for good.</param>
sealed class Deletion(WriteScope scope, Value deletedAt)
{
    readonly HashSet<(string Model, long Row)> _going = [];
    readonly List<(RecordTable Table, StoredRow Stored)> _order = [];

    bool IsSoft => !deletedAt.IsNull;

    bool Took(Model model, long row) => _going.Contains((model.Name, row));

    /// <summary>Removes the record, unless it has gone with an earlier one already.</summary>
    public Fault? Remove(RecordTable table, StoredRow stored)
    {
        int from = _order.Count;
        if (Collect(table, stored) is { } large) return large;
        List<(RecordTable Table, StoredRow Stored, Relation Relation)> cleared = [];
        for (int i = from; i < _order.Count; i++)
        {
            if (Follow(_order[i].Table, _order[i].Stored, cleared) is { } refused) return refused;
        }
        foreach (var (child, row, relation) in cleared)
        {
            if (Clear(child, row, relation) is { } refused) return refused;
        }
        bool defers = !IsSoft && _order.Count - from > 1;
        if (defers) scope.Transaction.Connection.DeferForeignKeys(true);
        for (int i = from; i < _order.Count; i++)
        {
            var (going, row) = _order[i];
            // Clearing may have written the row since it was collected: its version, and what it refers to, are those of now.
            StoredRow now = going.Find(scope.Transaction, row.Row) ?? throw new InvalidOperationException("a row went before its turn");
            if (IsSoft) scope.Trash(going, now, deletedAt);
            else scope.Remove(going, now);
        }
        if (defers) scope.Transaction.Connection.DeferForeignKeys(false);
        return null;
    }

    /// <summary>Finds all that goes, each record after those that refer to it. Circles end where they meet themselves.</summary>
    Fault? Collect(RecordTable table, StoredRow root)
    {
        if (!_going.Add((table.Model.Name, root.Row))) return null;
        Stack<(RecordTable Table, StoredRow Stored, IEnumerator<(RecordTable, StoredRow)> Children)> open = new();
        open.Push((table, root, Cascaded(table, root).GetEnumerator()));
        if (scope.Count() is { } fault) return fault;
        while (open.TryPeek(out var top))
        {
            if (!top.Children.MoveNext())
            {
                open.Pop();
                _order.Add((top.Table, top.Stored));
                continue;
            }
            var (child, stored) = top.Children.Current;
            if (!_going.Add((child.Model.Name, stored.Row))) continue;
            if (scope.Count() is { } large) return large;
            open.Push((child, stored, Cascaded(child, stored).GetEnumerator()));
        }
        return null;
    }

    IEnumerable<(RecordTable Table, StoredRow Stored)> Cascaded(RecordTable table, StoredRow stored)
    {
        foreach (Relation relation in table.Statements.Dependents)
        {
            if (relation.OnDelete != ReferentialAction.Cascade) continue;
            RecordTable children = scope.Table(relation.Model);
            if (IsSoft && !children.Model.IsSoftDelete) continue;
            foreach (StoredRow child in Referring(children, relation, table.Model, stored)) yield return (children, child);
        }
    }

    /// <summary>What refers to a record that goes, and does not go itself: it forbids, or it is cleared.</summary>
    Fault? Follow(RecordTable table, StoredRow stored, List<(RecordTable, StoredRow, Relation)> cleared)
    {
        foreach (Relation relation in table.Statements.Dependents)
        {
            RecordTable children = scope.Table(relation.Model);
            if (relation.OnDelete == ReferentialAction.Cascade) continue;
            foreach (StoredRow child in Referring(children, relation, table.Model, stored))
            {
                if (Took(children.Model, child.Row)) continue;
                if (relation.OnDelete == ReferentialAction.Restrict) return References.Restricted(relation);
                if (scope.Count() is { } large) return large;
                cleared.Add((children, child, relation));
            }
        }
        return null;
    }

    Fault? Clear(RecordTable table, StoredRow found, Relation relation)
    {
        // Two relations of one child may both be cleared: each on top of the other.
        StoredRow child = table.Find(scope.Transaction, found.Row) ?? throw new InvalidOperationException("a row went before its turn");
        return References.Set(scope, table, child, relation, [.. relation.Fields.Select(static _ => Value.Null)]);
    }

    /// <summary>
    /// A soft deletion leaves what lies in the trash already alone; a hard one must not leave anything that refers to the row.
    /// </summary>
    List<StoredRow> Referring(RecordTable children, Relation relation, Model parent, StoredRow stored)
    {
        List<StoredRow> referring = References.To(scope, children, relation, parent, stored.Values);
        if (IsSoft && children.Model.IsSoftDelete) referring.RemoveAll(child => child.IsTrashed(children.Model));
        return referring;
    }
}
