using System.Collections.Immutable;
using System.Globalization;
using Plinth.Evolution;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;
using Plinth.Store;
using Plinth.Text;

namespace Plinth.Log;

/// <summary>One migration in its transaction: the demands first, then the steps, then the record of the schema.</summary>
sealed class MigrationUnit : WriteUnit<MigrationReport>
{
    readonly EvolutionPlan _plan;
    readonly SchemaRecord _next;
    readonly EventStore _store;
    readonly AppSchema _schema;
    readonly IdSource _ids;
    readonly Action<MigrationReport>? _applied;
    readonly Ddl _ddl;
    readonly EventOrigin _origin;
    string _constrained = "";
    MigrationReport? _report;

    public MigrationUnit(
        EvolutionPlan plan, AppSchema schema, SchemaRecord next, EventStore store, IdSource ids, Action<MigrationReport>? applied)
    {
        (_plan, _schema, _next, _store, _ids, _applied) = (plan, schema, next, store, ids, applied);
        _ddl = new Ddl(store.Database.Dialect, schema);
        _origin = new EventOrigin("system", string.Create(CultureInfo.InvariantCulture, $"migration {next.Version}"), next.Version);
    }

    protected internal override bool IsExclusive => true;

    protected internal override bool SuspendsForeignKeys => _plan.RebuildsTables;

    protected override Result<MigrationReport> Execute(WriteTransaction transaction)
    {
        transaction.Connection.LockDefinitions();
        List<Fault> broken =
            [.. _plan.Steps.OfType<DataPrecondition>().Where(step => Breaks(transaction, step)).Select(static step => step.Refusal)];
        if (broken.Count > 0) return Migrator.Refused(broken);
        ReferenceSteps? references =
            _store.Database.Dialect.KeepsReferencesApart ? new(transaction.Connection, _ddl, _schema, _plan) : null;
        references?.DropHindering();
        foreach (EvolutionStep step in _plan.Steps)
        {
            _constrained = step.Description;
            if (Run(transaction, step) is { } refused) return refused;
        }

        _constrained = "check the references between tables";
        references?.AddMissing();

        TableGuards.Set(transaction.Connection, _schema);
        IReadOnlyList<string> lost = _plan.RebuildsTables ? transaction.Connection.BrokenForeignKeys() : [];
        if (lost.Count > 0)
        {
            return Faults.MigrationRefused.Says(
                $"Records refer to records that are not there: {lost[0]}.", "Correct those references first.");
        }

        GiveUpInline(transaction.Connection);
        SchemaRecords.Add(transaction.Connection, _next with { At = transaction.Now });
        _report = new MigrationReport(
            _next.Version, [.. _plan.Steps.Where(static step => step is not DataPrecondition).Select(static step => step.Description)],
            transaction.Position);
        return _report;
    }

    protected internal override void Committed(long position)
    {
        if (_report is not null) _applied?.Invoke(_report);
    }

    /// <summary>Rows that are there break a new key, check or reference.</summary>
    protected internal override Fault Refused(StoreConstraint constraint) => Faults.MigrationRefused.Says(
        $"Existing records stand against a step: {_constrained}.",
        constraint.Kind is ConstraintKind.Unique or ConstraintKind.PrimaryKey
            ? "Several records hold the same values in those fields; change or delete all but one."
            : "Correct the records that do not satisfy it first.");

    /// <summary>
    /// Records that get values here are not counted one by one: what is kept inline over them is counted anew afterwards.
    /// </summary>
    void GiveUpInline(Connection connection)
    {
        HashSet<string> filled = [.. _plan.Steps.OfType<FillColumns>().Select(static s => s.Model.Name),
            .. _plan.Steps.OfType<RebuildTable>().Select(static s => s.Table.Model.Name)];
        foreach (Model model in _schema.Models)
        {
            if (model.Projection is { IsInline: true } projection && filled.Contains(projection.From))
                ProjectionStates.GiveUp(connection, model.Name);
        }
    }

    /// <summary>What it writes is of two schemas.</summary>
    protected internal override bool IsDerivedFrom => false;

    bool Breaks(WriteTransaction transaction, DataPrecondition demand)
    {
        using Statement select = transaction.Prepare(_ddl.Breaks(demand));
        for (int i = 0; i < demand.Words.Length; i++) select.BindText(i + 1, demand.Words[i]);
        return select.Step();
    }

    /// <summary>Why it cannot be done; null when it was.</summary>
    Fault? Run(WriteTransaction transaction, EvolutionStep step)
    {
        Connection connection = transaction.Connection;
        switch (step)
        {
            case DataPrecondition: break;
            case RenameTable rename: connection.Execute(_ddl.RenameTable(rename.From, rename.To)); break;
            case RenameColumn rename: connection.Execute(_ddl.RenameColumn(rename.Model.Table, rename.From, rename.To)); break;
            case CreateTable create:
                connection.Execute(_ddl.CreateTable(create.Table, create.Table.Name));
                if (create.Table.Model.Projection is not null)
                    ProjectionStates.Put(connection, create.Table.Model.Name, new ProjectionState("", 0, 0));
                break;
            case DropTable drop: connection.Execute(_ddl.DropTable(drop.Table)); break;
            case AddColumn add: connection.Execute(_ddl.AddColumn(add.Model, add.Field)); break;
            case RebuildTable rebuild: return Rebuild(transaction, rebuild);
            case FillColumns fill: Fill(transaction, fill); break;
            case DropIndex drop: connection.Execute(_ddl.DropIndex(drop.Name)); break;
            case CreateIndex create: connection.Execute(_ddl.CreateIndex(create.Model, create.Index)); break;
            case DropFullText drop: connection.Execute(_ddl.DropTable(Ddl.FullTextTable(drop.Table))); break;
            case CreateFullText create: FillFullText(connection, create.Model); break;
            case RecordNames names: transaction.Append(EventWriter.Migrated(names.Model, MigrationPayload.Names(names), _origin)); break;
            case RecordVersion version:
                transaction.Append(EventWriter.Migrated(version.Model, MigrationPayload.Version(version), _origin));
                break;
            default: throw new InvalidOperationException($"no way to run {step.GetType().Name}");
        }

        return null;
    }

    Fault? Rebuild(WriteTransaction transaction, RebuildTable rebuild)
    {
        Connection connection = transaction.Connection;
        TableShape table = rebuild.Table;
        string temporary = "plinth_new_" + table.Name;
        connection.Execute(_ddl.CreateTable(table, temporary));
        string rowColumn = TableShape.RowColumnOf(table.Model);
        if (connection.ScalarInt64(_ddl.SelectOne(table.Name)) is not null)
        {
            // Rows that are there keep their numbers: full-text tables and others refer to them.
            List<string> kept = [.. rebuild.Kept, TableShape.VersionColumn];
            if (!table.HasRowKey) kept.Add(TableShape.RowColumn);
            if (CopyRows(transaction, rebuild, temporary, rowColumn, kept) is { } refused) return refused;
        }

        connection.Execute(_ddl.DropTable(table.Name));
        connection.Execute(_ddl.RenameTable(temporary, table.Name));
        if (!table.HasRowKey && _ddl.RowCounter(table.Name) is { } counter) connection.Execute(counter);
        return null;
    }

    Fault? CopyRows(WriteTransaction transaction, RebuildTable rebuild, string to, string rowColumn, List<string> kept)
    {
        Model model = rebuild.Table.Model;
        RowFiller filler = new(model, rebuild.Fills, transaction.Now, _schema, _ids, _store.Limits);
        using Statement select = transaction.Connection.PrepareScan(_ddl.SelectRows(model.Table, rowColumn, kept));
        using Statement insert =
            transaction.Prepare(_ddl.InsertRow(to, [.. kept, .. rebuild.Fills.Select(static fill => fill.Field.Column)]));
        BroughtRow brought = new(_schema, rebuild, kept);
        while (select.Step())
        {
            for (int i = 0; i < kept.Count; i++) insert.BindColumn(i + 1, select, i);
            Value[] row = ReadRow(select, model, kept, out long version, brought);
            if (brought.Bring(select, insert, row) is { } refused) return refused;
            filler.Fill(row);
            for (int i = 0; i < rebuild.Fills.Length; i++) insert.Bind(kept.Count + i + 1, row[rebuild.Fills[i].Field.Ordinal]);
            if (filler.IsPerRow)
            {
                insert.BindInt64(kept.IndexOf(TableShape.VersionColumn) + 1, version + 1);
                transaction.AppendOfMany(RowEvent(filler, row, version + 1));
            }

            insert.Run();
        }

        AppendModelEvent(transaction, filler);
        return null;
    }

    void Fill(WriteTransaction transaction, FillColumns step)
    {
        Model model = step.Model;
        RowFiller filler = new(model, step.Fills, transaction.Now, _schema, _ids, _store.Limits);
        string rowColumn = TableShape.RowColumnOf(model);
        List<string> read = [.. model.Fields.Select(static field => field.Column), TableShape.VersionColumn, rowColumn];
        using Statement select = transaction.Connection.PrepareScan(_ddl.SelectRows(model.Table, rowColumn, read));
        using Statement update = transaction.Prepare(
            _ddl.UpdateRow(model.Table, rowColumn, [.. step.Fills.Select(static fill => fill.Field.Column), TableShape.VersionColumn]));
        while (select.Step())
        {
            Value[] row = ReadRow(select, model, read, out long version);
            filler.Fill(row);
            for (int i = 0; i < step.Fills.Length; i++) update.Bind(i + 1, row[step.Fills[i].Field.Ordinal]);
            update.BindInt64(step.Fills.Length + 1, filler.IsPerRow ? version + 1 : version);
            update.BindInt64(step.Fills.Length + 2, select.ColumnInt64(read.Count - 1));
            update.Run();
            if (filler.IsPerRow) transaction.AppendOfMany(RowEvent(filler, row, version + 1));
        }

        AppendModelEvent(transaction, filler);
    }

    LogEvent RowEvent(RowFiller filler, Value[] row, long version)
    {
        Value[] before = [.. row];
        foreach (Field field in filler.PerRow) before[field.Ordinal] = Value.Null;
        return _store.Events.Updated(filler.Model, before, row, version, _origin);
    }

    void AppendModelEvent(WriteTransaction transaction, RowFiller filler)
    {
        if (filler.Constants.Count > 0)
        {
            transaction.Append(EventWriter.Migrated(filler.Model, MigrationPayload.Values(filler.Constants), _origin));
        }
    }

    void FillFullText(Connection connection, Model model)
    {
        ImmutableArray<Field> fields = TableShape.FullTextOf(model);
        connection.Execute(_ddl.CreateFullText(model, fields));
        string rowColumn = TableShape.RowColumnOf(model);
        using Statement select = connection.PrepareScan(
            _ddl.SelectRows(model.Table, rowColumn, [rowColumn, .. fields.Select(static field => field.Column)]));
        using Statement insert = connection.Prepare(_ddl.InsertTerms(model, fields));
        while (select.Step())
        {
            insert.BindInt64(1, select.ColumnInt64(0));
            for (int i = 0; i < fields.Length; i++) insert.BindText(i + 2, FullTextTerms.Of(select.ColumnValue(i + 1, fields[i])));
            insert.Run();
        }
    }

    static Value[] ReadRow(Statement select, Model model, List<string> columns, out long version, BroughtRow? brought = null)
    {
        Value[] row = new Value[model.Fields.Length];
        foreach (Field field in model.Fields)
        {
            int column = columns.IndexOf(field.Column);
            if (column >= 0 && brought?.Has(field) != true) row[field.Ordinal] = select.ColumnValue(column, field);
        }

        version = select.ColumnInt64(columns.IndexOf(TableShape.VersionColumn));
        return row;
    }
}
