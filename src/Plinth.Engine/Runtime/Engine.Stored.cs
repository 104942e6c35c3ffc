using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>
/// Records as they are stored, with what never leaves: for the product's own work (comparing a password), never for a surface. No
/// caller is asked for because none is ever answered from here.
/// </summary>
sealed partial class Engine
{
    /// <summary>The records whose field has this value, but for those in the trash; at most so many.</summary>
    public List<StoredRow> FindStored(string model, string field, Value value, int rowsMax, CancellationToken cancel)
    {
        RecordTable table = Current.Writes.Table(model);
        Field by = table.Model.Field(field) ?? throw new InvalidOperationException($"{model} has no field {field}");
        using ReadLease lease = Store.Database.Read(cancel);
        List<StoredRow> found = table.FindAll(lease.Connection, table.Statements.SelectBy([by], locks: false), [value], rowsMax);
        found.RemoveAll(row => row.IsTrashed(table.Model));
        return found;
    }

    /// <summary>A record whose text in a field begins with none of the prefixes, if there is one; it may be in the trash.</summary>
    public StoredRow? FindUnlike(string model, string field, IReadOnlyList<string> prefixes, CancellationToken cancel)
    {
        RecordTable table = Current.Writes.Table(model);
        Field of = table.Model.Field(field) ?? throw new InvalidOperationException($"{model} has no field {field}");
        using ReadLease lease = Store.Database.Read(cancel);
        SqlText unlike = table.Statements.SelectUnlike(of, [.. prefixes.Select(static prefix => prefix.Length)]);
        return table.FindAll(lease.Connection, unlike, [.. prefixes.Select(Value.From)], 1) is [var found] ? found : null;
    }

    /// <summary>Every record of a small model, in no order; at most so many.</summary>
    public List<StoredRow> AllStored(string model, int rowsMax, CancellationToken cancel)
    {
        RecordTable table = Current.Writes.Table(model);
        using ReadLease lease = Store.Database.Read(cancel);
        return table.FindAll(lease.Connection, table.Statements.SelectBy([], locks: false), [], rowsMax);
    }
}
