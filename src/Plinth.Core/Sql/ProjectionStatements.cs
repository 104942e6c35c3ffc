using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// The statements that keep one projection. Values of its rows travel in the slots of their ordinals, those of the model's records in
/// the slots of the stored key; the texts depend on the schema alone.
/// </summary>
sealed class ProjectionStatements
{
    readonly Dialect _dialect;
    readonly Model _model, _source;
    readonly ImmutableArray<Field> _read;

    /// <param name="dialect">How it is spelt.</param>
    /// <param name="model">The projection.</param>
    /// <param name="source">The model that it is made from.</param>
    /// <param name="read">The fields of that model that are read.</param>
    public ProjectionStatements(Dialect dialect, Model model, Model source, ImmutableArray<Field> read)
    {
        (_dialect, _model, _source, _read) = (dialect, model, source, read);
        Row = SelectRow(locks: false);
        LockedRow = SelectRow(locks: true);
        Rows = Select(model.Table, model.Fields).Build();
        Update = WriteUpdate();
        Delete = WriteKey(New().Raw("delete from ").Name(model.Table)).Build();
        Clear = New().Raw("delete from ").Name(model.Table).Build();
        Record = WriteRecord();
        Records = Select(source.Table, read).Build();
        Count = New().Raw("select count(*) from ").Name(source.Table).Build();
        Drop = New().Raw("drop table if exists ").Name(Beside).Build();
        Take = WriteTake();
    }

    /// <summary>The table that a rebuild fills beside the one that is read.</summary>
    public string Beside => "plinth_new_" + _model.Table;

    /// <summary>The fields of the row with the stored key in the slots of its fields.</summary>
    public SqlText Row { get; }

    /// <summary>The same, held until the end of the transaction where others may write.</summary>
    public SqlText LockedRow { get; }

    /// <summary>The fields of all rows, in no order.</summary>
    public SqlText Rows { get; }

    /// <summary>Sets all fields but the key.</summary>
    public SqlText Update { get; }

    public SqlText Delete { get; }

    /// <summary>Removes all rows.</summary>
    public SqlText Clear { get; }

    /// <summary>The fields that are read of the record with the stored key in slots 0, 1, …</summary>
    public SqlText Record { get; }

    /// <summary>The same of all records.</summary>
    public SqlText Records { get; }

    /// <summary>How many they are.</summary>
    public SqlText Count { get; }

    /// <summary>Removes the table beside, if there is one.</summary>
    public SqlText Drop { get; }

    /// <summary>Copies all rows from the table beside.</summary>
    public SqlText Take { get; }

    /// <summary>Adds a row where there is none of its key.</summary>
    /// <param name="table">The projection's own, or the one beside it.</param>
    public SqlText Insert(string table)
    {
        SqlWriter sql = New().Raw("insert into ").Name(table).Raw(" (");
        WriteColumns(sql, _model.Fields);
        sql.Raw(") values (");
        foreach (Field field in _model.Fields)
        {
            if (field.Ordinal > 0) sql.Raw(", ");
            sql.Slot(field.Ordinal, field);
        }
        return sql.Raw(") on conflict do nothing").Build();
    }

    /// <summary>
    /// What is read of the records that hold a value, those with the smallest (or largest) first: of all records whose fields have the
    /// values in their slots.
    /// </summary>
    /// <param name="by">Fields of the model whose values are known, the tenant among them.</param>
    /// <param name="value">The field that is looked for; null where it is made of several, and there is no order.</param>
    /// <param name="descending">Largest first.</param>
    /// <param name="rowsMax">No more than these; 0 for all.</param>
    public SqlText Extreme(ImmutableArray<Field> by, Field? value, bool descending, int rowsMax)
    {
        SqlWriter sql = Select(_source.Table, _read);
        string between = " where ";
        for (int i = 0; i < by.Length; i++)
        {
            sql.Raw(between).Name(by[i].Column).Raw(" = ").Slot(i, by[i]);
            between = " and ";
        }
        if (_source.IsSoftDelete)
        {
            sql.Raw(between).Name(_source.Field(Model.DeletedAt)!.Column).Raw(" is null"); // Implied by the trash.
            between = " and ";
        }
        if (value is null) return sql.Build();
        sql.Raw(between).Name(value.Column).Raw(" is not null order by ");
        foreach (Field field in by)
        {
            sql.Name(field.Column);
            _dialect.WriteOrder(sql, descending, field.IsNullable);
            sql.Raw(", ");
        }
        sql.Name(value.Column);
        _dialect.WriteOrder(sql, descending, value.IsNullable);
        if (rowsMax > 0) sql.Raw(" limit ").Number(rowsMax);
        return sql.Build();
    }

    SqlWriter New() => new(_dialect);

    SqlText SelectRow(bool locks)
    {
        SqlWriter sql = WriteKey(Select(_model.Table, _model.Fields));
        if (locks && _dialect.LocksRows) sql.Raw(" for update");
        return sql.Build();
    }

    SqlWriter Select(string table, ImmutableArray<Field> fields)
    {
        SqlWriter sql = New().Raw("select ");
        WriteColumns(sql, fields);
        return sql.Raw(" from ").Name(table);
    }

    SqlText WriteUpdate()
    {
        SqlWriter sql = New().Raw("update ").Name(_model.Table);
        sql.Raw(" set ").Name(TableShape.VersionColumn).Raw(" = ").Name(TableShape.VersionColumn).Raw(" + 1");
        foreach (Field field in _model.Fields.Except(_model.StoredKey))
            sql.Raw(", ").Name(field.Column).Raw(" = ").Slot(field.Ordinal, field);
        return WriteKey(sql).Build();
    }

    SqlText WriteRecord()
    {
        SqlWriter sql = Select(_source.Table, _read);
        for (int i = 0; i < _source.StoredKey.Length; i++)
        {
            Field field = _source.StoredKey[i];
            sql.Raw(i == 0 ? " where " : " and ").Name(field.Column).Raw(" = ").Slot(i, field);
        }
        return sql.Build();
    }

    SqlText WriteTake()
    {
        SqlWriter sql = New().Raw("insert into ").Name(_model.Table).Raw(" (");
        WriteColumns(sql, _model.Fields);
        sql.Raw(") select ");
        WriteColumns(sql, _model.Fields);
        return sql.Raw(" from ").Name(Beside).Build();
    }

    SqlWriter WriteKey(SqlWriter sql)
    {
        string between = " where ";
        foreach (Field field in _model.StoredKey)
        {
            sql.Raw(between).Name(field.Column).Raw(" = ").Slot(field.Ordinal, field);
            between = " and ";
        }
        return sql;
    }

    static void WriteColumns(SqlWriter sql, ImmutableArray<Field> fields)
    {
        for (int i = 0; i < fields.Length; i++)
        {
            if (i > 0) sql.Raw(", ");
            sql.Name(fields[i].Column);
        }
    }
}
