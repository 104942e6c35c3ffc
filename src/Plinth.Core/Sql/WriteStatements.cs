using System.Collections.Frozen;
using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Sql;

/// <summary>
/// The statements that write one model. Their texts depend on the schema alone (an update's also on the set of its columns), so each
/// is made
/// once. Row values travel in the slots of their ordinals; what else a statement needs is in the slots after them.
/// </summary>
sealed class WriteStatements
{
    readonly Dialect _dialect;
    readonly AppSchema _schema;
    readonly Limits _limits;
    readonly BoundedCache<SqlText> _updates;
    readonly BoundedCache<SqlText> _checks;
    readonly FrozenDictionary<string, SqlText> _parents;
    readonly FrozenDictionary<string, SqlText> _referring;
    readonly FrozenDictionary<string, SqlText> _holders;
    readonly FrozenDictionary<string, CompiledExpression> _held;

    public WriteStatements(AppSchema schema, Model model, Dialect dialect, Limits limits)
    {
        (_schema, Model, _dialect, _limits) = (schema, model, dialect, limits);
        (_updates, _checks) = (new(limits.WriteTexts), new(limits.WriteTexts));
        Parents = [.. model.Relations.Where(r => r.IsOwning)];
        Dependents = [.. schema.Models.SelectMany(m => m.Relations).Where(r => r.IsOwning && IsOf(model, r.Target))];
        IsFollowed = Dependents.Any(r => r.References.Any(name => !model.Key.Contains(name, StringComparer.Ordinal)));
        RowSlot = model.Fields.Length;
        Insert = WriteInsert(dialect, isOfMany: false);
        InsertMany = dialect.ForRows(ofItems => WriteInsert(ofItems, isOfMany: true));
        if (model.Uniques.IsEmpty && model.KeyFields.Any(static field => field.Default is GeneratedDefault))
            InsertManyNew = dialect.ForRows(ofItems => WriteInsert(ofItems, isOfMany: true, areNew: true));
        SelectByRow = Select(sql => sql.Raw(" where ").Name(TableShape.RowColumnOf(model)).Raw(" = ").Slot(0, ValueKind.Int), locks: true);
        SelectByKey = SelectBy(model.StoredKey, locks: true);
        Delete = New().Raw("delete from ").Name(model.Table).Raw(" where ").Name(TableShape.RowColumnOf(model))
            .Raw(" = ").Slot(0, ValueKind.Int).Build();
        InsertTerms = model.FullText.IsEmpty ? null : WriteInsertTerms(dialect);
        InsertManyTerms = model.FullText.IsEmpty ? null : dialect.ForRows(WriteInsertTerms);
        DeleteTerms = model.FullText.IsEmpty ? null
            : New().Raw("delete from ").Name(Ddl.FullTextTable(model.Table)).Raw(" where rowid = ").Slot(0, ValueKind.Int).Build();
        _parents = Parents.ToFrozenDictionary(r => r.Name, WriteParent, StringComparer.Ordinal);
        _referring = Parents.ToFrozenDictionary(
            r => r.Name, r => SelectBy([.. schema.Joins(r).Select(static join => join.Own)], locks: true), StringComparer.Ordinal);
        _held = model.Uniques.Where(u => u.Where is not null)
            // Not null: above.
            .ToFrozenDictionary(u => u.Name, u => CompiledExpression.Compile(ConditionOf(u.Where!)), StringComparer.Ordinal);
        _holders = model.Uniques.ToFrozenDictionary(u => u.Name, WriteHolder, StringComparer.Ordinal);
    }

    public Model Model { get; }

    /// <summary>Relations of this model that hold a key: each refers to a record that must exist and live.</summary>
    public ImmutableArray<Relation> Parents { get; }

    /// <summary>Relations of any model (this one included) whose key refers to this model.</summary>
    public ImmutableArray<Relation> Dependents { get; }

    /// <summary>Some record may refer to this model by fields that can change.</summary>
    public bool IsFollowed { get; }

    /// <summary>Slot of the row's identity in statements that take a whole row.</summary>
    public int RowSlot { get; }

    public int TextsKept => _updates.Count + _checks.Count;

    /// <summary>Slot of the version that was read.</summary>
    public int VersionSlot => RowSlot + 1;

    /// <summary>
    /// Inserts a row where every record that it refers to exists and lives, and nothing holds its keys; else it does nothing. Guard and
    /// insert are one statement, so no live child can appear under a parent that is going.
    /// </summary>
    public SqlText Insert { get; }

    /// <summary>
    /// The same of many rows, in their order, each behind its own guards; answers the identities and the keys of those that it inserted.
    /// Rows that it inserts do not see one another. Null where rows go one by one.
    /// </summary>
    public SqlText? InsertMany { get; }

    /// <summary>
    /// The same of rows whose keys have just been made, so that nothing can hold them: the database need not look for each of them first,
    /// nor be ready to take it back (2 of 19 µs for a row of 12 columns with four indexes). If one is held all the same, the statement
    /// fails. Null where something else than the key is unique.
    /// </summary>
    public SqlText? InsertManyNew { get; }

    /// <summary>Identity, version and every field of the row with the identity in slot 0, trashed or not.</summary>
    public SqlText SelectByRow { get; }

    /// <summary>The same by the stored key's values (the tenant's first) in slots 0, 1, …</summary>
    public SqlText SelectByKey { get; }

    /// <summary>Removes the row with the identity in slot 0.</summary>
    public SqlText Delete { get; }

    /// <summary>
    /// One row when the record that the relation refers to exists and lives; its key's values in the slots of the row's fields.
    /// </summary>
    public SqlText Parent(Relation relation) => _parents[relation.Name];

    /// <summary>Whether the row is one of those that the unique key is held over.</summary>
    public bool IsHeld(UniqueKey unique, Value[] row) =>
        !_held.TryGetValue(unique.Name, out CompiledExpression? condition)
        || condition.IsTrue(new EvaluationContext { Row = row, Cost = _limits.ExpressionCost });

    /// <summary>One row when another row than the one in the row slot (none: null) holds these values of a unique key.</summary>
    public SqlText Holder(UniqueKey unique) => _holders[unique.Name];

    /// <summary>
    /// Identity, version and fields of this model's rows that refer, by one of its own relations, to the key in slots 0, 1, … (of what
    /// the relation joins by)
    /// </summary>
    public SqlText Referring(Relation relation) => _referring[relation.Name];

    /// <summary>Identity, version and fields of the rows with these values in slots 0, 1, …</summary>
    /// <param name="fields">Whose values.</param>
    /// <param name="locks">What is decided on them must hold until the end of the transaction.</param>
    public SqlText SelectBy(ImmutableArray<Field> fields, bool locks) => Select(sql => WriteHolds(sql, fields), locks);

    /// <summary>
    /// The same for many keys at once, after the number of the key, from 1; locks nothing. Null where the database takes one at a time.
    /// </summary>
    public SqlText? SelectManyBy(ImmutableArray<Field> fields) =>
        _dialect.ForItems(ofItems => Select(new SqlWriter(ofItems), sql => WriteHolds(sql, fields), locks: false));

    static void WriteHolds(SqlWriter sql, ImmutableArray<Field> fields)
    {
        for (int i = 0; i < fields.Length; i++)
        {
            sql.Raw(i == 0 ? " where " : " and ").Name(fields[i].Column).Raw(" = ").Slot(i, fields[i]);
        }
    }

    /// <summary>
    /// Identity, version and fields of the rows whose text in this field begins with none of the prefixes in slots 0, 1, …
    /// </summary>
    /// <param name="text">The field.</param>
    /// <param name="lengths">Characters of each prefix.</param>
    public SqlText SelectUnlike(Field text, IReadOnlyList<int> lengths) => Select(
        sql =>
        {
            sql.Raw(" where ").Name(text.Column).Raw(" is not null");
            for (int i = 0; i < lengths.Count; i++)
                sql.Raw(" and substr(").Name(text.Column).Raw(", 1, ").Number(lengths[i]).Raw(") <> ").Slot(i, text);
        },
        locks: false);

    /// <summary>Sets the changed columns of the row in the row slot, if its version is still the one in the version slot.</summary>
    public SqlText Update(ReadOnlySpan<bool> changed)
    {
        Span<char> key = stackalloc char[changed.Length / 16 + 1];
        key.Clear();
        for (int i = 0; i < changed.Length; i++)
        {
            if (changed[i]) key[i / 16] |= (char)(1 << (i % 16));
        }
        return _updates.Find(key) ?? _updates.Keep(key.ToString(), WriteUpdate(changed));
    }

    /// <summary>
    /// One row when the condition holds for the row with the identity in slot 0. The condition's own values follow from slot 1.
    /// </summary>
    public SqlText Check(CheckedExpression condition, Value[]? before)
    {
        // Values of the state before are constants of the text's parameters, so such a text is of one use.
        if (before is not null) return WriteCheck(condition, before);
        string key = ShapeKey.Of(condition);
        return _checks.Find(key) ?? _checks.Keep(key, WriteCheck(condition, before));
    }

    /// <summary>Adds the terms of the row in slot 0; those of the full-text fields follow. Null where the model has none.</summary>
    public SqlText? InsertTerms { get; }

    /// <summary>The same of many rows; null where <see cref="InsertMany"/> is.</summary>
    public SqlText? InsertManyTerms { get; }

    /// <summary>Removes the terms of the row in slot 0.</summary>
    public SqlText? DeleteTerms { get; }

    CheckedExpression ConditionOf(Condition condition) => CheckedExpression.Of(condition, ExpressionScope.OwnFields(_schema, Model));

    SqlWriter New() => new(_dialect);

    SqlText Select(Action<SqlWriter> where, bool locks) => Select(New(), where, locks);

    SqlText Select(SqlWriter sql, Action<SqlWriter> where, bool locks)
    {
        sql.Raw("select ").Name(TableShape.RowColumnOf(Model)).Raw(", ").Name(TableShape.VersionColumn);
        foreach (Field field in Model.Fields) sql.Raw(", ").Name(field.Column);
        sql.Raw(" from ").Name(Model.Table);
        where(sql);

        // In one order, so that two that lock the same rows do not wait for one another.
        if (locks && _dialect.LocksRows) sql.Raw(" order by ").Name(TableShape.RowColumnOf(Model)).Raw(" for update");
        return sql.Build();
    }

    SqlText WriteInsert(Dialect dialect, bool isOfMany, bool areNew = false)
    {
        SqlWriter sql = new SqlWriter(dialect).Raw("insert into ").Name(Model.Table).Raw(" (");
        foreach (Field field in Model.Fields) sql.Name(field.Column).Raw(", ");
        sql.Name(TableShape.VersionColumn).Raw(") select ");
        foreach (Field field in Model.Fields) sql.Slot(field.Ordinal, field).Raw(", ");
        sql.Raw(isOfMany ? "1 from items where 1 = 1" : "1 where 1 = 1");
        foreach (Relation relation in Parents)
        {
            sql.Raw(" and (");
            foreach (string field in relation.Fields)
            {
                if (FieldOf(field).IsNullable) sql.Slot(FieldOf(field).Ordinal, FieldOf(field)).Raw(" is null or ");
            }
            if (IsSelf(relation)) WriteOwnKey(sql, relation);
            sql.Raw("exists (");
            WriteParent(sql, relation);
            sql.Raw("))");
        }
        if (isOfMany) sql.Raw(" order by items.n");
        if (!areNew) sql.Raw(" on conflict do nothing");
        if (_dialect.ReturnsRows) sql.Raw(" returning ").Name(TableShape.RowColumnOf(Model));
        foreach (Field field in isOfMany ? Model.StoredKey : []) sql.Raw(", ").Name(field.Column);
        return sql.Build();
    }

    /// <summary>A record may refer to itself: it is not there yet when the guard looks.</summary>
    void WriteOwnKey(SqlWriter sql, Relation relation)
    {
        for (int i = 0; i < relation.Fields.Length; i++)
        {
            sql.Raw(i == 0 ? "(" : " and ").Slot(FieldOf(relation.Fields[i]).Ordinal, FieldOf(relation.Fields[i]));
            sql.Raw(" = ").Slot(FieldOf(relation.References[i]).Ordinal, FieldOf(relation.References[i]));
        }
        sql.Raw(") or ");
    }

    SqlText WriteParent(Relation relation)
    {
        SqlWriter sql = New();
        WriteParent(sql, relation);
        return sql.Build();
    }

    void WriteParent(SqlWriter sql, Relation relation)
    {
        Model target = _schema.TargetOf(relation);
        sql.Raw("select 1 from ").Name(target.Table);
        string between = " where ";
        foreach (var (own, other) in _schema.Joins(relation))
        {
            sql.Raw(between).Name(other.Column).Raw(" = ").Slot(own.Ordinal, own);
            between = " and ";
        }
        if (target.IsSoftDelete) sql.Raw(" and ").Name(FieldOf(target, Model.DeletedAt).Column).Raw(" is null");

        // It must not go while the row that refers to it is on its way.
        if (_dialect.LocksRows) sql.Raw(" for key share");
    }

    SqlText WriteHolder(UniqueKey unique)
    {
        string alias = "t";
        SqlWriter sql = New().Raw("select 1 from ").Name(Model.Table).Raw(" ").Raw(alias).Raw(" where (")
            .Slot(RowSlot, ValueKind.Int).Raw(" is null or ").Column(alias, TableShape.RowColumnOf(Model))
            .Raw(" <> ").Slot(RowSlot, ValueKind.Int).Raw(")");
        foreach (Field field in Model.Within([.. unique.Fields.Select(FieldOf)]))
        {
            sql.Raw(" and ").Column(alias, field.Column).Raw(" = ").Slot(field.Ordinal, field);
        }
        if (Model.IsSoftDelete) sql.Raw(" and ").Column(alias, FieldOf(Model.DeletedAt).Column).Raw(" is null");
        if (unique.Where is { } where)
        {
            ExpressionLowering.WriteTruth(sql.Raw(" and "), ConditionOf(where).Root, Scope(alias, slotBase: RowSlot + 1, before: null));
        }
        return sql.Build();
    }

    SqlText WriteInsertTerms(Dialect dialect)
    {
        SqlWriter sql = new(dialect);
        dialect.WriteInsertTerms(
            sql, Ddl.FullTextTable(Model.Table), [.. Model.FullText.Select(field => Ddl.FullTextColumn(FieldOf(field)))]);
        return sql.Build();
    }

    SqlText WriteUpdate(ReadOnlySpan<bool> changed)
    {
        SqlWriter sql = New().Raw("update ").Name(Model.Table);
        sql.Raw(" set ").Name(TableShape.VersionColumn).Raw(" = ").Name(TableShape.VersionColumn).Raw(" + 1");
        foreach (Field field in Model.Fields)
        {
            if (changed[field.Ordinal]) sql.Raw(", ").Name(field.Column).Raw(" = ").Slot(field.Ordinal, field);
        }
        return sql.Raw(" where ").Name(TableShape.RowColumnOf(Model)).Raw(" = ").Slot(RowSlot, ValueKind.Int)
            .Raw(" and ").Name(TableShape.VersionColumn).Raw(" = ").Slot(VersionSlot, ValueKind.Int).Build();
    }

    SqlText WriteCheck(CheckedExpression condition, Value[]? before)
    {
        SqlWriter sql = New();
        string alias = sql.NextAlias();
        sql.Raw("select 1 from ").Name(Model.Table).Raw(" ").Raw(alias).Raw(" where ")
            .Column(alias, TableShape.RowColumnOf(Model)).Raw(" = ").Slot(0, ValueKind.Int).Raw(" and ");
        ExpressionLowering.WriteTruth(sql, condition.Root, Scope(alias, slotBase: 1, before));
        return sql.Build();
    }

    LoweringScope Scope(string alias, int slotBase, Value[]? before) =>
        new() { Schema = _schema, Row = Model, Alias = alias, SlotBase = slotBase, Before = before };

    bool IsSelf(Relation relation) => IsOf(Model, relation.Target);

    static bool IsOf(Model model, string name) => string.Equals(model.Name, name, StringComparison.Ordinal);

    Field FieldOf(string name) => FieldOf(Model, name);

    static Field FieldOf(Model model, string name) =>
        model.Field(name) ?? throw new InvalidOperationException($"{model.Name}: the binder admitted a field '{name}' that is not there");
}
