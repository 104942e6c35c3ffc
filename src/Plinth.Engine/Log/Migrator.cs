using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>What a migration did.</summary>
/// <param name="Version">Of the schema that the database now has the form of.</param>
/// <param name="Steps">A sentence for each step; empty when nothing was to do.</param>
/// <param name="Position">Position of the last event of the log.</param>
sealed record MigrationReport(int Version, ImmutableArray<string> Steps, long Position);

/// <summary>
/// Brings the database to a schema: plans the steps from the one that it was last made for, and runs them, the events of changed values and
/// the record of the schema in one transaction on the writer's thread. Either all of it is there afterwards or none.
/// </summary>
/// <param name="store">What it migrates.</param>
/// <param name="ids">Makes ids for existing rows.</param>
sealed class Migrator(EventStore store, IdSource ids) : IDisposable
{
    readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>The steps to a schema without running them; what depends on the data is not looked at.</summary>
    public EvolutionPlan Plan(AppSchema desired, CancellationToken cancel)
    {
        using ReadLease lease = store.Database.Read(cancel);
        return PlanFrom(lease.Connection, desired, out _);
    }

    /// <summary>The version of the schema when the database already has its form; null when it would have to be migrated.</summary>
    public int? VersionOf(AppSchema schema, CancellationToken cancel)
    {
        using ReadLease lease = store.Database.Read(cancel);
        return SchemaRecords.Last(lease.Connection) is { } last && last.Ir.AsSpan().SequenceEqual(SchemaJson.Write(schema)) ? last.Version
            : null;
    }

    /// <summary>
    /// Applies a schema; the fault <c>migration_refused</c> lists everything that stands against it, and nothing was changed.
    /// </summary>
    /// <param name="desired">The schema that the database shall serve.</param>
    /// <param name="applied">
    /// Called on the writer's thread once the new form is durable and before any other command runs: here the running schema is swapped.
    /// Not called when there was nothing to apply.
    /// </param>
    /// <param name="cancel">Gives up waiting; a migration that runs, runs to its end.</param>
    public async Task<Result<MigrationReport>> ApplyAsync(AppSchema desired, Action<MigrationReport>? applied, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (VersionOf(desired, cancel) is { } same) return new MigrationReport(same, [], store.Log.Head);
            EvolutionPlan plan;
            SchemaRecord? last;
            using (ReadLease lease = store.Database.Read(cancel)) plan = PlanFrom(lease.Connection, desired, out last);
            if (!plan.Refusals.IsEmpty) return Refused(plan.Refusals);
            SchemaRecord next = new((last?.Version ?? 0) + 1, SchemaJson.Write(desired), 0);
            MigrationUnit unit = new(plan, desired, next, store, ids, applied);
            return await store.Committer.RunAsync(unit, cancel).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    EvolutionPlan PlanFrom(Connection connection, AppSchema desired, out SchemaRecord? last)
    {
        last = SchemaRecords.Last(connection);
        AppSchema? current = last is null ? null : SchemaJson.Read(last.Ir);
        EvolutionPlan plan = SchemaDiff.Between(current, desired);
        ImmutableArray<Fault> drift = Drift(connection.Tables(), current, plan);
        return plan with { Refusals = plan.Refusals.AddRange(drift).AddRange(Undefinable(desired, plan)) };
    }

    /// <summary>
    /// The tables must be as they were left: whoever changed them by hand is told, before steps are built on what is not so.
    /// </summary>
    static ImmutableArray<Fault> Drift(
        IReadOnlyDictionary<string, IReadOnlyList<string>> tables, AppSchema? current, EvolutionPlan plan)
    {
        List<Fault> faults = [];
        foreach (Model model in current?.Models ?? [])
        {
            if (!tables.TryGetValue(model.Table, out IReadOnlyList<string>? columns))
            {
                faults.Add(Drifted($"The table {model.Table} of {model.Name} is gone.", "Restore a backup."));
                continue;
            }

            string[] missing = [.. model.Fields.Select(static field => field.Column).Except(columns)];
            if (missing.Length > 0)
            {
                faults.Add(Drifted(
                    $"The table {model.Table} has lost the columns {string.Join(", ", missing)}.",
                    "Restore a backup."));
            }
        }

        foreach (CreateTable step in plan.Steps.OfType<CreateTable>())
        {
            bool isOurs = current?.Models.Any(model => string.Equals(model.Table, step.Table.Name, StringComparison.Ordinal)) ?? false;
            if (tables.ContainsKey(step.Table.Name) && !isOurs)
            {
                faults.Add(Drifted(
                    $"There is a table {step.Table.Name} already, and it was not made for this schema.",
                    $"Give {step.Table.Model.Name} another table with @@map, or move that table away."));
            }
        }

        return [.. faults];
    }

    /// <summary>An index whose condition the database cannot hold cannot be made; a check is held by the engine alone then.</summary>
    IEnumerable<Fault> Undefinable(AppSchema desired, EvolutionPlan plan)
    {
        Ddl ddl = new(store.Database.Dialect, desired);
        foreach (CreateIndex step in plan.Steps.OfType<CreateIndex>())
        {
            if (step.Index.Where is not { } where || ddl.IsDefinable(step.Model, where)) continue;
            yield return Faults.MigrationRefused.Says(
                $"The index {step.Index.Name} of {step.Model.Name} cannot be made: the database does not take its condition {where.Text}.",
                "Use comparisons of the record's own fields in it.");
        }
    }

    static Fault Drifted(string message, string hint) => Faults.MigrationRefused.Says(message, hint);

    /// <summary>All refusals as one fault: each a detail, message and remedy together.</summary>
    internal static Fault Refused(IReadOnlyList<Fault> refusals)
    {
        FaultDetail[] details =
            [.. refusals.Select(static fault =>
            new FaultDetail("", fault.Code, $"{fault.Message} {fault.Hint}"))];
        return refusals.Count == 1
            ? refusals[0] with { Details = [.. details] }
            : Faults.MigrationRefused.Says($"{refusals.Count} changes of the schema are refused.", details);
    }
}
