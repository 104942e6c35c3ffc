using System.Collections.Immutable;
using System.Globalization;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Evolution;

/// <summary>What a step costs while it runs; every step holds the writer's lane for so long.</summary>
enum StepCost
{
    /// <summary>Only the catalogue changes.</summary>
    Instant,

    /// <summary>Every row is read.</summary>
    Scan,

    /// <summary>Every row is written.</summary>
    Rewrite,
}

/// <summary>One step from a schema to the next, in the order in which the steps stand in their plan.</summary>
abstract record EvolutionStep
{
    private protected EvolutionStep()
    {
    }

    public abstract StepCost Cost { get; }

    /// <summary>A sentence for the person who changed the schema.</summary>
    public abstract string Description { get; }
}

/// <summary>What must hold of the data before anything is changed.</summary>
enum DataDemand
{
    /// <summary>The table has no rows.</summary>
    Empty,

    /// <summary>The column is null in every row.</summary>
    AllNull,

    /// <summary>The column is null in no row.</summary>
    NoNull,

    /// <summary>The column holds none of <see cref="DataPrecondition.Words"/>.</summary>
    NoWords,
}

/// <summary>Looks at the data first: the plan is refused where the demand does not hold. Names are those before any other step.</summary>
sealed record DataPrecondition(string Table, string? Column, DataDemand Demand, ImmutableArray<string> Words, Fault Refusal) : EvolutionStep
{
    public override StepCost Cost => StepCost.Scan;

    public override string Description => $"require that {Table}{(Column is null ? "" : "." + Column)} {Says(Demand)}";

    static string Says(DataDemand demand) => demand switch
    {
        DataDemand.Empty => "has no rows",
        DataDemand.AllNull => "holds no values",
        DataDemand.NoNull => "holds no nulls",
        DataDemand.NoWords => "does not hold the removed words",
        _ => throw new InvalidOperationException($"no demand {demand}"),
    };
}

sealed record RenameTable(string From, string To, Model Model) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => $"rename table {From} to {To}";
}

sealed record RenameColumn(Model Model, string From, string To) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => $"rename column {Model.Table}.{From} to {To}";
}

sealed record CreateTable(TableShape Table) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => $"create table {Table.Name}";
}

sealed record DropTable(string Table, string Model) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => $"drop table {Table}, which is empty";
}

/// <summary>A column that may be null, at the end of the table.</summary>
sealed record AddColumn(Model Model, Field Field) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => $"add column {Model.Table}.{Field.Column}";
}

/// <summary>
/// Makes the table anew and copies every row: for what the database cannot alter in place. New columns that may not be null get their
/// values in the copy.
/// </summary>
/// <param name="Table">As it shall be.</param>
/// <param name="Kept">Columns whose values are copied.</param>
/// <param name="Fills">Values of new columns that may not be null.</param>
/// <param name="Reasons">Why, each as a few words.</param>
sealed record RebuildTable(TableShape Table, ImmutableArray<string> Kept, ImmutableArray<ColumnFill> Fills, ImmutableArray<string> Reasons)
    : EvolutionStep
{
    /// <summary>Kept columns whose values are brought to the form of the new version in the copy.</summary>
    public ImmutableArray<BroughtColumn> Brought { get; init; } = [];

    public override StepCost Cost => StepCost.Rewrite;

    public override string Description => $"rebuild table {Table.Name}: {string.Join(", ", Reasons)}";
}

/// <param name="Was">As its values are stored, with the column that it has by then.</param>
/// <param name="Now">As they shall be.</param>
/// <param name="Version">Of the schema that the values are of.</param>
sealed record BroughtColumn(Field Was, Field Now, int Version);

/// <summary>The value of one new column in rows that are there already.</summary>
abstract record ColumnFill(Field Field);

/// <summary>The same in every row: recorded as one event of the model.</summary>
sealed record ConstantFill(Field Field, Value Value) : ColumnFill(Field);

/// <summary>The time of the migration in every row: recorded as one event of the model.</summary>
sealed record NowFill(Field Field) : ColumnFill(Field);

/// <summary>Another in each row: recorded as one event per row.</summary>
sealed record GeneratedFill(Field Field, IdGenerator Generator) : ColumnFill(Field);

/// <summary>Computed from each row: recorded as one event per row.</summary>
sealed record ComputedFill(Field Field, Condition Expression) : ColumnFill(Field);

/// <summary>Gives rows that are there already the values of new columns.</summary>
sealed record FillColumns(Model Model, ImmutableArray<ColumnFill> Fills) : EvolutionStep
{
    public override StepCost Cost => StepCost.Rewrite;

    public override string Description =>
        $"fill {string.Join(", ", Fills.Select(fill => $"{Model.Table}.{fill.Field.Column}"))} in existing rows";
}

/// <param name="Table">The table's name when this step runs.</param>
sealed record DropIndex(string Table, string Name) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => $"drop index {Name} of {Table}";
}

sealed record CreateIndex(Model Model, IndexShape Index) : EvolutionStep
{
    public override StepCost Cost => StepCost.Scan;

    public override string Description => $"create {(Index.IsUnique ? "unique " : "")}index {Index.Name} on {Model.Table}";
}

sealed record DropFullText(string Table) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => $"drop the full-text index of {Table}";
}

/// <summary>Makes the full-text table and fills it with the terms of every row.</summary>
sealed record CreateFullText(Model Model) : EvolutionStep
{
    public override StepCost Cost => StepCost.Rewrite;

    public override string Description => $"build the full-text index of {Model.Table} over {string.Join(", ", Model.FullText)}";
}

/// <summary>What became of a model's and its fields' names: recorded as one event, so that older events can be read.</summary>
sealed record RecordNames(Model Model, string? RenamedFrom, ImmutableArray<RenamedField> Renamed,
    ImmutableArray<string> Dropped) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => string.Create(CultureInfo.InvariantCulture,
        $"record the new names of {Model.Name} ({Renamed.Length + Dropped.Length + (RenamedFrom is null ? 0 : 1)})");
}

sealed record RenamedField(string From, string To);

/// <summary>
/// From here on the values of some fields are of another form: recorded as one event, so that older ones are brought when they are read.
/// </summary>
/// <param name="Model">As it is from here on.</param>
/// <param name="From">The version that values were of.</param>
/// <param name="To">The version that they are of from here on.</param>
/// <param name="Fields">Which, by their names from here on.</param>
sealed record RecordVersion(Model Model, int From, int To, ImmutableArray<string> Fields) : EvolutionStep
{
    public override StepCost Cost => StepCost.Instant;

    public override string Description => string.Create(CultureInfo.InvariantCulture,
        $"record that values of {Model.Name} are of version {To} ({string.Join(", ", Fields)})");
}

/// <summary>The way from one schema to the next, or why there is none.</summary>
/// <param name="Steps">In order; empty when the database needs nothing.</param>
/// <param name="Refusals">Everything that cannot be done, each with its remedy. Nothing runs unless this is empty.</param>
sealed record EvolutionPlan(ImmutableArray<EvolutionStep> Steps, ImmutableArray<Fault> Refusals)
{
    /// <summary>A table is made anew, during which references cannot be checked row by row.</summary>
    public bool RebuildsTables => Steps.Any(static step => step is RebuildTable);
}
