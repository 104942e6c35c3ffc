using Plinth.Evolution;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;

namespace Plinth.Log;

/// <summary>
/// The references of a migration where they are constraints apart: those that stand in the way of a table that is made anew go first, and
/// what is missing is added when all tables and indexes are there, which looks at every row that refers.
/// </summary>
sealed class ReferenceSteps(Connection connection, Ddl ddl, AppSchema schema, EvolutionPlan plan)
{
    public void DropHindering()
    {
        if (!plan.Steps.Any(static step => step is RebuildTable or DropTable or RenameTable)) return;
        HashSet<string> ours = new(schema.Models.Select(static model => model.Table), StringComparer.Ordinal);
        ours.UnionWith(plan.Steps.OfType<DropTable>().Select(static step => step.Table));
        ours.UnionWith(plan.Steps.OfType<RenameTable>().Select(static step => step.From));
        foreach (StoredReference reference in connection.References())
        {
            if (ours.Contains(reference.Table)) connection.Execute(ddl.DropConstraint(reference.Table, reference.Name));
        }
    }

    public void AddMissing()
    {
        HashSet<(string, string)> there = connection.References().Select(static known => (known.Table, known.Columns)).ToHashSet();
        foreach (Model model in schema.Models)
        {
            foreach (ReferenceShape reference in TableShape.Of(schema, model).References)
            {
                if (!there.Contains((model.Table, string.Join(',', reference.Columns))))
                    connection.Execute(ddl.AddReference(model.Table, reference));
            }
        }
    }
}
