using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Runtime;

/// <summary>Unique keys that are taken. The answer names the constraint's fields and nothing of who holds it.</summary>
static class Conflicts
{
    /// <summary>The first unique key of the row that another row holds; null when all are free.</summary>
    /// <param name="scope">The command.</param>
    /// <param name="table">The row's table.</param>
    /// <param name="row">Its values.</param>
    /// <param name="identity">The row itself, when it is there already.</param>
    /// <param name="changed">Values that are there already: keys that stay the same are not looked at.</param>
    public static Fault? Find(WriteScope scope, RecordTable table, Value[] row, long? identity, Value[]? changed)
    {
        foreach (UniqueKey unique in table.Model.Uniques)
        {
            if (changed is not null && !Differs(table.Model, unique, row, changed)) continue;
            if (!table.Statements.IsHeld(unique, row)) continue;
            Value[] slots = [.. row, identity is { } own ? Value.From(own) : Value.Null];
            if (RecordTable.Any(scope.Transaction, table.Statements.Holder(unique), slots)) return Of(unique.Fields, unique.Code);
        }
        return null;
    }

    /// <summary>What the database itself refused: the guards should have seen it first, so this is the second line.</summary>
    public static Fault Of(AppSchema schema, StoreConstraint constraint)
    {
        Model? model = schema.Models.FirstOrDefault(m => string.Equals(m.Table, constraint.Table, StringComparison.Ordinal));
        if (model is null) return Faults.Conflict.Says("a constraint of the database refused the change");
        UniqueKey? unique = model.Uniques.FirstOrDefault(u => string.Equals(u.Name, constraint.Name, StringComparison.Ordinal));
        if (unique is not null) return Of(unique.Fields, unique.Code);
        if (constraint is { Kind: ConstraintKind.Unique or ConstraintKind.PrimaryKey, Columns.Count: 0 }) return Key(model);
        ImmutableArray<string> fields =
            [.. model.Fields.Where(f => constraint.Columns.Contains(f.Column, StringComparer.Ordinal)).Select(f => f.Name)];
        return Of(fields, model.Uniques.FirstOrDefault(
            u => u.Fields.Length == fields.Length && u.Fields.All(f => fields.Contains(f, StringComparer.Ordinal)))?.Code);
    }

    public static Fault Key(Model model) => Of(model.Key, null);

    static Fault Of(ImmutableArray<string> fields, string? code)
    {
        Fault fault = Faults.Conflict.Says(
            $"{string.Join(", ", fields)}: another record holds this",
            [.. fields.Select(f => new FaultDetail(f, code ?? Faults.Conflict.Code, "is already taken"))]);
        return fault with { OwnCode = code };
    }

    static bool Differs(Model model, UniqueKey unique, Value[] row, Value[] before)
    {
        // A condition of the key may read any field, so a row may enter it without a change of the key's own.
        if (unique.Where is not null) return true;
        foreach (string name in unique.Fields)
        {
            int ordinal = model.Field(name)!.Ordinal; // The binder admits only keys over fields that are there.
            if (row[ordinal] != before[ordinal]) return true;
        }
        return false;
    }
}
