using System.Globalization;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Evolution;

/// <summary>
/// Schema × schema → steps. Pure: what depends on the data (may this column be dropped?) becomes a demand that is looked at when the steps
/// run. Only what cannot lose or bend data is a step; everything else is refused with the way to do it on purpose.
/// </summary>
static class SchemaDiff
{
    /// <param name="current">What the database was last made for; null for a new one.</param>
    /// <param name="desired">What it shall serve.</param>
    public static EvolutionPlan Between(AppSchema? current, AppSchema desired)
    {
        Sections sections = new();
        if (current is not null && desired.Version < current.Version)
        {
            sections.Refusals.Add(Faults.MigrationRefused.Says(string.Create(CultureInfo.InvariantCulture,
                $"The schema is of version {desired.Version}, and the database is of version {current.Version} already."),
                string.Create(CultureInfo.InvariantCulture, $"Write app {{ version = {current.Version} }}, or a higher one.")));
        }

        HashSet<string> used = new(StringComparer.Ordinal);
        foreach (Model model in desired.Models)
        {
            Model? before = Predecessor(current, desired, model);
            if (before is null)
            {
                AddNew(sections, desired, model);
                continue;
            }

            used.Add(before.Name);
            if (before.Projection is not null || model.Projection is not null)
            {
                MakeAnew(sections, current!, desired, before, model); // Not null: as below.
                continue;
            }

            new ModelDiff(sections, current!, desired, before, model).Run(); // There is a predecessor only where there is a current schema.
        }

        foreach (Model model in current?.Models ?? [])
        {
            if (!used.Contains(model.Name)) Drop(sections, model);
        }

        return sections.Plan();
    }

    /// <summary>The model of the current schema that a model of the desired one continues.</summary>
    static Model? Predecessor(AppSchema? current, AppSchema desired, Model model)
    {
        if (current?.FindModel(model.Name) is { } same) return same;
        bool isFree = model.RenamedFrom is { } old && desired.FindModel(old) is null;
        return isFree ? current?.FindModel(model.RenamedFrom!) : null; // Free only when it is named.
    }

    static void AddNew(Sections sections, AppSchema desired, Model model)
    {
        TableShape table = TableShape.Of(desired, model);
        sections.Tables.Add(new CreateTable(table));
        foreach (IndexShape index in table.Indexes) sections.Indexes.Add(new CreateIndex(model, index));
        if (!table.FullText.IsEmpty) sections.FullText.Add(new CreateFullText(model));
    }

    /// <summary>
    /// The rows of a projection are the engine's: where its table changes, it is made anew, and its rows are counted anew. Records that
    /// someone wrote are not lost to a model that becomes a projection.
    /// </summary>
    static void MakeAnew(Sections sections, AppSchema current, AppSchema desired, Model before, Model after)
    {
        bool bothAre = before.Projection is not null && after.Projection is not null;
        if (bothAre && TableShape.Of(current, before).IsSame(TableShape.Of(desired, after))) return;
        Drop(sections, before);
        AddNew(sections, desired, after);
    }

    static void Drop(Sections sections, Model model)
    {
        if (model.Projection is null)
        {
            sections.Demands.Add(new DataPrecondition(model.Table, null, DataDemand.Empty, [], Faults.MigrationRefused.Says(
                $"The model {model.Name} is gone from the schema, but its table has records.",
                $"Delete its records first, or keep the model; if it was renamed, write @@renamedFrom(\"{model.Name}\") on the new one.")));
        }

        if (!model.FullText.IsEmpty) sections.Drops.Add(new DropFullText(model.Table));
        sections.Drops.Add(new DropTable(model.Table, model.Name));
    }
}

/// <summary>The parts of a plan in the order in which they must run.</summary>
sealed class Sections
{
    public List<DataPrecondition> Demands { get; } = [];

    public List<EvolutionStep> Renames { get; } = [];

    public List<EvolutionStep> Drops { get; } = [];

    public List<EvolutionStep> Tables { get; } = [];

    public List<EvolutionStep> Fills { get; } = [];

    public List<EvolutionStep> Indexes { get; } = [];

    public List<EvolutionStep> FullText { get; } = [];

    public List<EvolutionStep> Names { get; } = [];

    public List<Fault> Refusals { get; } = [];

    // Demands look at the tables as they were. Names are recorded before values, which go by the new names. Indexes come after the fills,
    // so that they are built once over the final rows.
    public EvolutionPlan Plan() =>
        new([.. Demands, .. Renames, .. Drops, .. Names, .. Tables, .. Fills, .. Indexes, .. FullText], [.. Refusals]);
}
