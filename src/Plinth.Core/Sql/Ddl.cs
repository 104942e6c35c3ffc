using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// The statements that make tables, indexes and full-text tables. What a model demands is <see cref="TableShape"/>'s to say.
/// </summary>
/// <param name="dialect">How it is spelt.</param>
/// <param name="schema">The schema whose conditions they carry.</param>
sealed class Ddl(Dialect dialect, AppSchema schema)
{
    /// <summary>The table that holds the terms of a model's full-text fields.</summary>
    public static string FullTextTable(string table) => table + "_fts";

    /// <summary>
    /// The column of the full-text table for a field. Prefixed, because full-text tables have names of their own (<c>rank</c>).
    /// </summary>
    public static string FullTextColumn(Field field) => "terms_" + field.Column;

    /// <summary>The column of the full-text table that bears the number of the table's row.</summary>
    public const string FullTextRow = "rowid";

    /// <param name="table">The shape.</param>
    /// <param name="name">Its name; another than the shape's while a table is rebuilt.</param>
    public string CreateTable(TableShape table, string name)
    {
        SqlWriter sql = New().Raw("create table ").Name(name).Raw(" (");
        if (!table.HasRowKey) sql.Name(TableShape.RowColumn).Raw(" ").Raw(dialect.RowKeyType).Raw(", ");
        foreach (ColumnShape column in table.Columns)
        {
            bool isRowKey = table.HasRowKey && string.Equals(column.Name, TableShape.RowColumnOf(table.Model), StringComparison.Ordinal);
            WriteColumn(sql, column.Field, isRowKey);
            sql.Raw(", ");
        }

        sql.Name(TableShape.VersionColumn).Raw(" ").Raw(dialect.ColumnType(ValueKind.Int)).Raw(" not null default 1");
        foreach (CheckShape check in table.Checks)
        {
            // The engine holds every check; where the database can, it holds it too, against whatever goes past the engine.
            if (!IsDefinable(table.Model, check.Condition)) continue;
            sql.Raw(", constraint ").Name(check.Name).Raw(" check (");
            WriteCondition(sql, table.Model, check.Condition);
            sql.Raw(")");
        }

        if (!dialect.KeepsReferencesApart)
        {
            foreach (ReferenceShape reference in table.References) WriteReference(sql.Raw(", "), reference);
        }

        return sql.Raw(")").Raw(dialect.TableOptions).Build().Text;
    }

    /// <summary>Adds a reference of a table, where references are constraints apart; checked at once, or later where asked for.</summary>
    public string AddReference(string table, ReferenceShape reference)
    {
        SqlWriter sql = New().Raw("alter table ").Name(table).Raw(" add ");
        WriteReference(sql, reference);
        return sql.Raw(" deferrable initially immediate").Build().Text;
    }

    public string DropConstraint(string table, string name) =>
        New().Raw("alter table ").Name(table).Raw(" drop constraint ").Name(name).Build().Text;

    /// <summary>Lets a table's hidden numbers go on after those that were copied into it; null where they do so by themselves.</summary>
    public string? RowCounter(string table)
    {
        SqlWriter sql = New();
        dialect.WriteRowCounter(sql, table);
        return sql.Length == 0 ? null : sql.Build().Text;
    }

    static void WriteReference(SqlWriter sql, ReferenceShape reference)
    {
        sql.Raw("foreign key (");
        WriteNames(sql, reference.Columns);
        sql.Raw(") references ").Name(reference.Table).Raw(" (");
        WriteNames(sql, reference.Referred);
        sql.Raw(")");
    }

    public string AddColumn(Model model, Field field)
    {
        SqlWriter sql = New().Raw("alter table ").Name(model.Table).Raw(" add column ");
        WriteColumn(sql, field, isRowKey: false);
        return sql.Build().Text;
    }

    public string RenameColumn(string table, string from, string to) =>
        New().Raw("alter table ").Name(table).Raw(" rename column ").Name(from).Raw(" to ").Name(to).Build().Text;

    public string RenameTable(string from, string to) =>
        New().Raw("alter table ").Name(from).Raw(" rename to ").Name(to).Build().Text;

    public string DropTable(string table) => New().Raw("drop table ").Name(table).Build().Text;

    public string CreateIndex(Model model, IndexShape index)
    {
        // In the order of lists, nulls included, or lists could not follow it.
        SqlWriter sql = New().Raw(index.IsUnique ? "create unique index " : "create index ").Name(index.Name);
        sql.Raw(" on ").Name(model.Table).Raw(" (");
        for (int i = 0; i < index.Columns.Length; i++)
        {
            if (i > 0) sql.Raw(", ");
            sql.Name(index.Columns[i].Name);
            dialect.WriteOrder(sql, index.Columns[i].Descending, IsNullable(model, index.Columns[i].Name));
        }

        sql.Raw(")");
        if (index.LiveOnly) sql.Raw(" where ").Name(DeletedColumn(model)).Raw(" is null");
        if (index.Where is { } where)
        {
            sql.Raw(index.LiveOnly ? " and (" : " where (");
            WriteCondition(sql, model, where);
            sql.Raw(")");
        }

        return sql.Build().Text;
    }

    public string DropIndex(string name) => New().Raw("drop index if exists ").Name(name).Build().Text;

    public string CreateFullText(Model model, ImmutableArray<Field> fields)
    {
        SqlWriter sql = New();
        dialect.CreateFullText(sql, FullTextTable(model.Table), [.. fields.Select(FullTextColumn)]);
        return sql.Build().Text;
    }

    /// <summary>Adds the terms of one row, its number and the terms of each field as parameters.</summary>
    public string InsertTerms(Model model, ImmutableArray<Field> fields)
    {
        SqlWriter sql = new(dialect);
        dialect.WriteInsertTerms(sql, FullTextTable(model.Table), [.. fields.Select(FullTextColumn)]);
        return sql.Build().Text;
    }

    /// <summary>One row where the table has any.</summary>
    public string SelectOne(string table) => New().Raw("select 1 from ").Name(table).Raw(" limit 1").Build().Text;

    /// <summary><c>select columns… from table order by row</c></summary>
    public string SelectRows(string table, string rowColumn, IReadOnlyList<string> columns)
    {
        SqlWriter sql = New().Raw("select ");
        WriteNames(sql, columns);
        return sql.Raw(" from ").Name(table).Raw(" order by ").Name(rowColumn).Build().Text;
    }

    /// <summary><c>insert into table (columns…) values (parameters…)</c>, parameters in the order of the columns.</summary>
    public string InsertRow(string table, IReadOnlyList<string> columns)
    {
        SqlWriter sql = new SqlWriter(dialect).Raw("insert into ").Name(table).Raw(" (");
        WriteNames(sql, columns);
        sql.Raw(") values (");
        for (int i = 0; i < columns.Count; i++)
        {
            if (i > 0) sql.Raw(", ");
            sql.Slot(i);
        }

        return sql.Raw(")").Build().Text;
    }

    /// <summary><c>update table set columns… where row = …</c>, parameters in the order of the columns, the row last.</summary>
    public string UpdateRow(string table, string rowColumn, IReadOnlyList<string> columns)
    {
        SqlWriter sql = new SqlWriter(dialect).Raw("update ").Name(table).Raw(" set ");
        for (int i = 0; i < columns.Count; i++)
        {
            if (i > 0) sql.Raw(", ");
            sql.Name(columns[i]).Raw(" = ").Slot(i);
        }

        return sql.Raw(" where ").Name(rowColumn).Raw(" = ").Slot(columns.Count).Build().Text;
    }

    /// <summary>One row when the data breaks the demand, none when it holds; removed words are its parameters.</summary>
    public string Breaks(DataPrecondition demand)
    {
        SqlWriter sql = new SqlWriter(dialect).Raw("select 1 from ").Name(demand.Table);
        string column = demand.Column ?? "";
        switch (demand.Demand)
        {
            case DataDemand.Empty: break;
            case DataDemand.AllNull: sql.Raw(" where ").Name(column).Raw(" is not null"); break;
            case DataDemand.NoNull: sql.Raw(" where ").Name(column).Raw(" is null"); break;
            case DataDemand.NoWords:
                sql.Raw(" where ").Name(column).Raw(" in (");
                for (int i = 0; i < demand.Words.Length; i++)
                {
                    if (i > 0) sql.Raw(", ");
                    sql.Slot(i);
                }

                sql.Raw(")");
                break;
            default: throw new InvalidOperationException($"no demand {demand.Demand}");
        }

        return sql.Raw(" limit 1").Build().Text;
    }

    /// <summary>
    /// Whether the database takes a condition in a definition: one with a form in SQL that looks at the row's own columns only.
    /// </summary>
    public bool IsDefinable(Model model, Condition condition) =>
        ExpressionLowering.Refusal(Checked(model, condition), schema, model, dialect, forDefinition: true) is null;

    // Unknown stays unknown: a check passes it, as the engine does, and an index leaves the row out.
    void WriteCondition(SqlWriter sql, Model model, Condition condition) => ExpressionLowering.WriteThreeValued(
        sql, Checked(model, condition).Root, new LoweringScope { Schema = schema, Row = model });

    CheckedExpression Checked(Model model, Condition condition) =>
        CheckedExpression.Of(condition, ExpressionScope.OwnFields(schema, model));

    void WriteColumn(SqlWriter sql, Field field, bool isRowKey)
    {
        sql.Name(field.Column).Raw(" ").Raw(isRowKey ? dialect.RowKeyTypeOf(field) : dialect.ColumnType(field));
        if (!field.IsNullable) sql.Raw(" not null");
    }

    static void WriteNames(SqlWriter sql, IReadOnlyList<string> names)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (i > 0) sql.Raw(", ");
            sql.Name(names[i]);
        }
    }

    static bool IsNullable(Model model, string column) =>
        model.Fields.FirstOrDefault(field => string.Equals(field.Column, column, StringComparison.Ordinal)) is { IsNullable: true };

    static string DeletedColumn(Model model) => model.Field(Model.DeletedAt)?.Column
        ?? throw new InvalidOperationException($"{model.Name} is soft-deleted without the implied field");

    SqlWriter New() => new(dialect, forDefinitions: true);
}
