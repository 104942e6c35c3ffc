using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Expressions;
using Plinth.Plan;
using Plinth.Policy;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// The statements of a read plan: one for its root, one per included relation for all parents at once, one for the count. The text
/// depends on the plan only; how many parents an include has is rounded up, so that few texts serve all pages.
/// </summary>
sealed partial class ReadSql(AppSchema schema, ReadPlan plan, Dialect dialect)
{
    ReadShape Shape => plan.Shape;

    ReadSlots Slots => plan.Slots;

    /// <summary>The log's position, as an expression, for columns that have it.</summary>
    public string? LogPosition { get; init; }

    /// <summary>The root's records: by key, or one page and one record more.</summary>
    /// <param name="columns">What is selected.</param>
    /// <param name="ruled">False where the caller's rule is held against each record afterwards; their tenant is held here always.</param>
    /// <param name="limit">The number of records, where the text shall be for this one alone.</param>
    public SqlText Root(ReadColumns columns, bool ruled = true, int? limit = null) => Root(dialect, columns, ruled, limit);

    /// <summary>
    /// The record of a key, or a page, for as many callers as there are items, each after the number of its item; null where the dialect,
    /// or the plan, has no such form.
    /// </summary>
    public SqlText? RootOfItems(ReadColumns columns, int? limit = null) =>
        dialect.ForItems(to => Root(to, columns, ruled: true, limit));

    SqlText Root(Dialect to, ReadColumns columns, bool ruled, int? limit)
    {
        SqlWriter sql = new(to);
        string row = sql.NextAlias();
        LevelShape root = Shape.Root;
        WriteColumns(sql.Raw("select "), columns, root, row);
        sql.Raw(" from ").Name(root.Model.Table).Raw(" ").Raw(row);
        Conjuncts where = new(sql);
        if (Shape.Kind == ReadKind.Get) WriteKey(where, root.Model, row);
        WriteWhere(where, root, row, number: 0, ruled);
        if (Shape.Start is PageStart.After or PageStart.Before) WriteBoundary(where, row);
        if (Shape.Kind == ReadKind.Get) return sql.Build();
        WriteOrder(sql.Raw(" order by "), root, row, reversed: Shape.Start == PageStart.Before);
        WriteLimit(sql, Slots.Limit, limit);
        if (Slots.Offset >= 0) sql.Raw(" offset ").Slot(Slots.Offset, ValueKind.Int);
        return sql.Build();
    }

    /// <summary>How many records the whole list has, whatever the page.</summary>
    public SqlText Count()
    {
        SqlWriter sql = new(dialect);
        string row = sql.NextAlias();
        sql.Raw("select count(*) from ").Name(Shape.Root.Model.Table).Raw(" ").Raw(row);
        WriteWhere(new Conjuncts(sql), Shape.Root, row, number: 0);
        return sql.Build();
    }

    /// <summary>Groups in the order of their fields; an average is asked for as its sum and count.</summary>
    public SqlText Aggregate(AggregateShape aggregate)
    {
        SqlWriter sql = new(dialect);
        string row = sql.NextAlias();
        // Where a record may not show a field, the shown values are a table of their own: what is summed up is then columns again.
        bool isMasked = aggregate.GroupBy.Any(IsMasked) || aggregate.Columns.Any(c => IsMasked(c.Field));
        string shown = isMasked ? sql.NextAlias() : row;
        string between = "select ";
        foreach (Field field in aggregate.GroupBy)
        {
            sql.Raw(between).Column(shown, field.Column);
            between = ", ";
        }
        if (aggregate.Count)
        {
            sql.Raw(between).Raw("count(*)");
            between = ", ";
        }
        foreach (AggregateColumn column in aggregate.Columns)
        {
            WriteAggregate(sql.Raw(between), column, shown);
            between = ", ";
        }
        if (isMasked) WriteShown(sql.Raw(" from (select "), aggregate, row);
        sql.Raw(" from ").Name(Shape.Root.Model.Table).Raw(" ").Raw(row);
        WriteWhere(new Conjuncts(sql), Shape.Root, row, number: 0);
        if (isMasked) sql.Raw(") ").Raw(shown);
        if (aggregate.GroupBy.IsEmpty) return sql.Build();
        WriteFields(sql.Raw(" group by "), aggregate.GroupBy, shown, static (_, _) => { });
        WriteFields(
            sql.Raw(" order by "), aggregate.GroupBy, shown,
            (to, field) => to.Dialect.WriteOrder(to, descending: false, field.IsNullable || IsMasked(field)));
        sql.Raw(" limit ").Slot(Slots.Limit, ValueKind.Int);
        return sql.Build();
    }

    bool IsMasked(Field field) => plan.Mask(Shape.Root.Model, field) is not null;

    /// <summary>The columns of an aggregate under their own names, as the caller may see them.</summary>
    void WriteShown(SqlWriter sql, AggregateShape aggregate, string row)
    {
        string between = "";
        foreach (Field field in aggregate.GroupBy.Concat(aggregate.Columns.Select(static c => c.Field)).DistinctBy(f => f.Ordinal))
        {
            WritePath(sql.Raw(between), new FieldPath([], field), Shape.Root.Model, row);
            sql.Raw(" as ").Name(field.Column);
            between = ", ";
        }
    }

    static void WriteAggregate(SqlWriter sql, AggregateColumn asked, string row)
    {
        string column = asked.Field.Column;
        switch (asked.Function)
        {
            case AggregateFunction.Min: sql.Raw("min(").Column(row, column).Raw(")"); return;
            case AggregateFunction.Max: sql.Raw("max(").Column(row, column).Raw(")"); return;
            case AggregateFunction.Sum or AggregateFunction.Average: break;
            default: throw new InvalidOperationException($"no such aggregate: {asked.Function}");
        }
        if (asked.Field.StoredKind == ValueKind.Double) sql.Raw("sum(").Column(row, column).Raw(")");
        else sql.Dialect.WriteExactSum(sql, row, asked.Field);
        if (asked.Function == AggregateFunction.Average) sql.Raw(", count(").Column(row, column).Raw(")");
    }

    /// <summary>
    /// The records of one relation for as many parents as there are key rows. The first column is the number of the key row. Keys come
    /// as parameters after the plan's slots, row by row; rows that are not used are null and match nothing.
    /// </summary>
    /// <param name="include">The relation.</param>
    /// <param name="columns">What is selected.</param>
    /// <param name="keyRows">How many parents; any number where the keys are arrays (<see cref="KeysAreArrays"/>).</param>
    /// <param name="limit">The number of records of each parent, where the text shall be for this one alone.</param>
    /// <param name="ruled">False where the caller's rule is held against each record afterwards; their tenant is held here always.</param>
    public SqlText Include(IncludeShape include, ReadColumns columns, int keyRows, int? limit = null, bool ruled = true)
    {
        SqlWriter sql = new(dialect);
        string keys = sql.NextAlias(), row = sql.NextAlias();
        WriteKeys(sql, keys, include.TargetFields, keyRows);
        sql.Raw(" select ").Raw(keys).Raw(".n, ");
        LevelShape level = include.Level;
        WriteColumns(sql, columns, level, row);
        sql.Raw(" from ").Raw(keys).Raw(" cross join ");
        if (include.Single)
        {
            sql.Name(level.Model.Table).Raw(" ").Raw(row);
            Conjuncts where = new(sql);
            WriteKeyMatch(where, include, keys, row);
            WriteWhere(where, level, row, include.Number + 1);
            return sql.Build();
        }

        // Only the first few of each parent are visited, along the index on the foreign key, whatever the parent has.
        string inner = sql.NextAlias();
        string identity = TableShape.RowColumnOf(level.Model);
        if (dialect.HasLateral) sql.Raw("lateral (select ").Raw(inner).Raw(".*");
        else sql.Name(level.Model.Table).Raw(" ").Raw(row).Raw(" where ").Column(row, identity).Raw(" in (select ").Column(inner, identity);
        sql.Raw(" from ").Name(level.Model.Table).Raw(" ").Raw(inner);
        Conjuncts limited = new(sql);
        WriteKeyMatch(limited, include, keys, inner);
        WriteWhere(limited, level, inner, include.Number + 1, ruled);
        WriteOrder(sql.Raw(" order by "), level, inner, reversed: false);
        WriteLimit(sql, Slots.IncludeLimits + include.Number, limit);
        sql.Raw(")");

        // A limit within is reached by a loop over the keys alone: the rows of a key come behind one another, in their order. Sorting them
        // once more cost as much as a tenth of the statement.
        if (dialect.HasLateral) return sql.Raw(" ").Raw(row).Build();
        WriteOrder(sql.Raw(" order by ").Raw(keys).Raw(".n, "), level, row, reversed: false);
        return sql.Build();
    }

    /// <summary>
    /// What is selected of the first records that one parent includes, in order and before any rule but that of the caller's tenant: the
    /// rule is held against each record afterwards. The parent's key comes after the plan's slots; how many records, in the slot of the
    /// include's limit.
    /// </summary>
    public SqlText Children(IncludeShape include, ReadColumns columns)
    {
        SqlWriter sql = new(dialect);
        string row = sql.NextAlias();
        LevelShape level = include.Level;
        WriteColumns(sql.Raw("select "), columns, level, row);
        sql.Raw(" from ").Name(level.Model.Table).Raw(" ").Raw(row);
        Conjuncts where = new(sql);
        for (int i = 0; i < include.TargetFields.Length; i++)
            where.Next().Column(row, include.TargetFields[i].Column).Raw(" = ").Slot(Slots.Count + i, include.TargetFields[i]);
        WriteWhere(where, level, row, include.Number + 1, ruled: false);
        WriteOrder(sql.Raw(" order by "), level, row, reversed: false);
        return sql.Raw(" limit ").Slot(Slots.IncludeLimits + include.Number, ValueKind.Int).Build();
    }

    /// <summary>One live record as it is answered by default, by its stored key (slots from 0), whoever asks: no rule is in it.</summary>
    public static SqlText Record(Dialect dialect, Model model, ReadColumns columns)
    {
        SqlWriter sql = new(dialect);
        string row = sql.NextAlias();
        sql.Raw("select ");
        foreach (FieldPath path in columns.Paths) sql.Column(row, path.Field.Column).Raw(", ");
        sql.Column(row, TableShape.VersionColumn).Raw(" from ").Name(model.Table).Raw(" ").Raw(row);
        Conjuncts where = new(sql);
        int slot = 0;
        foreach (Field field in model.StoredKey) where.Next().Column(row, field.Column).Raw(" = ").Slot(slot++, field);
        WriteLiveness(where, model, TrashMode.Without, row);
        return sql.Build();
    }

    /// <summary>
    /// The same of many, whose keys are one array for each part: the first column is the number of the key, from 0. Null where the dialect
    /// takes no such arrays.
    /// </summary>
    public SqlText? Records(Model model, ReadColumns columns)
    {
        if (!StoredKeysAreArrays(dialect, model)) return null;
        SqlWriter sql = new(dialect);
        string keys = sql.NextAlias(), row = sql.NextAlias();
        WriteKeyArrays(sql, keys, model.StoredKey);
        sql.Raw(" select ").Raw(keys).Raw(".n");
        foreach (FieldPath path in columns.Paths) sql.Raw(", ").Column(row, path.Field.Column);
        sql.Raw(", ").Column(row, TableShape.VersionColumn);
        WritePosition(sql, columns);
        sql.Raw(" from ").Raw(keys).Raw(" cross join ").Name(model.Table).Raw(" ").Raw(row);
        Conjuncts where = new(sql);
        for (int i = 0; i < model.StoredKey.Length; i++)
            where.Next().Column(row, model.StoredKey[i].Column).Raw(" = ").Raw(keys).Raw(".k").Number(i);
        WriteLiveness(where, model, TrashMode.Without, row);
        return sql.Build();
    }

    static void WriteLimit(SqlWriter sql, int slot, int? limit)
    {
        sql.Raw(" limit ");
        if (limit is { } number) sql.Number(number);
        else sql.Slot(slot, ValueKind.Int);
    }

    /// <summary>The keys of an include are one array for each part.</summary>
    public bool KeysAreArrays(IncludeShape include) => include.TargetFields.All(f => dialect.TakesArrays(f.StoredKind));

    void WriteKeys(SqlWriter sql, string name, ImmutableArray<Field> fields, int rows)
    {
        if (fields.All(f => dialect.TakesArrays(f.StoredKind))) WriteKeyArrays(sql, name, fields);
        else WriteKeyRows(sql, name, fields, rows, Slots.Count);
    }

    static void WriteKeyArrays(SqlWriter sql, string name, ImmutableArray<Field> fields)
    {
        int parts = fields.Length;
        sql.Raw("with ").Raw(name).Raw("(n");
        for (int part = 0; part < parts; part++) sql.Raw(", k").Number(part);
        sql.Raw(") as (select u.n - 1");
        for (int part = 0; part < parts; part++) sql.Raw(", u.k").Number(part);
        sql.Raw(" from unnest(");
        for (int part = 0; part < parts; part++) sql.Raw(part == 0 ? "" : ", ").Array(part, fields[part].StoredKind);
        sql.Raw(") with ordinality u(");
        for (int part = 0; part < parts; part++) sql.Raw("k").Number(part).Raw(", ");
        sql.Raw("n))");
    }

    static void WriteKeyRows(SqlWriter sql, string name, ImmutableArray<Field> fields, int rows, int firstSlot)
    {
        int parts = fields.Length;
        sql.Raw("with ").Raw(name).Raw("(n");
        for (int part = 0; part < parts; part++) sql.Raw(", k").Number(part);
        sql.Raw(") as (values ");
        for (int i = 0; i < rows; i++)
        {
            sql.Raw(i == 0 ? "(" : ", (").Number(i);
            for (int part = 0; part < parts; part++) sql.Raw(", ").FreshSlot(firstSlot + i * parts + part, fields[part].StoredKind);
            sql.Raw(")");
        }
        sql.Raw(")");
    }

    void WriteKeyMatch(Conjuncts where, IncludeShape include, string keys, string row)
    {
        Model model = include.Level.Model;
        for (int i = 0; i < include.TargetFields.Length; i++)
        {
            Field field = include.TargetFields[i];
            where.Next().Column(row, field.Column).Raw(" = ").Raw(keys).Raw(".k").Number(i);
            if (plan.Mask(model, field) is var (rules, slot)) WriteRule(where.Next(), rules, slot, model, row);
        }
    }

    void WriteKey(Conjuncts where, Model model, string row)
    {
        int slot = Slots.Key;
        foreach (Field field in model.KeyFields) where.Next().Column(row, field.Column).Raw(" = ").Slot(slot++, field);
    }

    /// <summary>Liveness, the caller's rules, what the request asks, and its search.</summary>
    /// <param name="number">Of the level: 0 is the root, an include is its number plus 1.</param>
    /// <param name="ruled">With the rules.</param>
    void WriteWhere(Conjuncts where, LevelShape level, string row, int number, bool ruled = true)
    {
        WriteLiveness(where, level.Model, level.Trashed, row);
        if (ruled) WriteRules(where, level.Need, level.Model, row);
        else WriteTenant(where, level.Need, level.Model, row);
        if (level.TrashNeeds is { } trash) WriteEither(where, trash.Restore, trash.Purge, level.Model, row);
        if (level.Filter is { } filter)
        {
            WriteCondition(where.Next(), filter.Root, level.Model, row, Slots.Filters[number], isOfRequest: true);
        }
        if (level.Search) WriteSearch(where.Next(), level.Model, row);
    }

    /// <summary>
    /// All terms occur in the fields that the record shows. A search over some fields finds no more than one over others besides, so it is
    /// enough to ask, for each set of fields that records may show, for its terms and for the rules of its fields.
    /// </summary>
    void WriteSearch(SqlWriter sql, Model model, string row)
    {
        if (IsPast(row))
        {
            WriteFound(sql, model);
            return;
        }
        ImmutableArray<Field> seen = TableShape.FullTextOf(model);
        Field[] masked = [.. seen.Where(f => plan.Mask(model, f) is not null)];
        if (masked.Length == 0 && seen.Length == schema.Model(model.Name).FullText.Length)
        {
            dialect.WriteSearch(sql, model, row, Slots.Search);
            return;
        }
        string between = "(";
        for (int set = (1 << masked.Length) - 1; set >= 0; set--)
        {
            ImmutableArray<Field> fields = [.. seen.Where(f => Array.IndexOf(masked, f) is var i && (i < 0 || (set >> i & 1) == 1))];
            if (fields.IsEmpty) continue;
            dialect.WriteSearch(sql.Raw(between), model, row, Slots.Search, fields);
            foreach (Field field in fields)
            {
                if (plan.Mask(model, field) is var (rules, slot)) WriteRule(sql.Raw(" and "), rules, slot, model, row);
            }
            between = " or ";
        }
        sql.Raw(")");
    }

    /// <summary>A rule of a record; of one of the past also of what it is now, if it still is.</summary>
    void WriteRule(SqlWriter sql, FoldedRules rules, int slot, Model model, string row)
    {
        if (!IsPast(row))
        {
            WriteCondition(sql, rules.Predicate.Root, model, row, slot, isOfRequest: false);
            return;
        }
        WriteCondition(sql.Raw("("), rules.Predicate.Root, model, row, slot, isOfRequest: false);
        sql.Raw(" and (").Column(Present, TableShape.VersionColumn).Raw(" is null or ");
        WriteCondition(sql, rules.Predicate.Root, model, Present, slot, isOfRequest: false);
        sql.Raw("))");
    }

    static void WriteLiveness(Conjuncts where, Model model, TrashMode trashed, string row)
    {
        if (!model.IsSoftDelete || trashed == TrashMode.With) return;
        string mark = model.Field(Model.DeletedAt)?.Column ?? throw new InvalidOperationException("a trash without its mark");
        where.Next().Column(row, mark).Raw(trashed == TrashMode.Only ? " is not null" : " is null");
    }

    void WriteRules(Conjuncts where, int need, Model model, string row)
    {
        FoldedRules rules = plan.Rules[need];
        if (rules.Predicate.Root is LiteralNode { Value.IsTrue: true }) return;
        WriteRule(where.Next(), rules, Slots.Rules[need], model, row);
    }

    void WriteTenant(Conjuncts where, int need, Model model, string row)
    {
        if (plan.Rules[need].Guard is { } guard)
            WriteCondition(where.Next(), guard.Folded.Root, model, row, Slots.Rules[need], isOfRequest: false);
    }

    void WriteEither(Conjuncts where, int first, int second, Model model, string row)
    {
        if (IsTrue(plan.Rules[first]) || IsTrue(plan.Rules[second])) return;
        SqlWriter sql = where.Next().Raw("(");
        WriteRule(sql, plan.Rules[first], Slots.Rules[first], model, row);
        WriteRule(sql.Raw(" or "), plan.Rules[second], Slots.Rules[second], model, row);
        sql.Raw(")");
    }

    static bool IsTrue(FoldedRules rules) => rules.Predicate.Root is LiteralNode { Value.IsTrue: true };

    void WriteBoundary(Conjuncts where, string row)
    {
        ImmutableArray<SortTerm> sort = Shape.Root.Sort;
        Keyset keyset = new(
            [.. sort.Select((term, i) => new KeysetTerm(
                term.Descending != (Shape.Start == PageStart.Before), IsNullable(term.Path, Shape.Root.Model), plan.NullBoundary[i],
                Slots.Boundary + i, term.Path.Field.StoredKind))],
            (sql, i) => WritePath(sql, sort[i].Path, Shape.Root.Model, row));
        keyset.Write(where.Next());
    }

    void WriteOrder(SqlWriter sql, LevelShape level, string row, bool reversed)
    {
        for (int i = 0; i < level.Sort.Length; i++)
        {
            SortTerm term = level.Sort[i];
            if (i > 0) sql.Raw(", ");
            WritePath(sql, term.Path, level.Model, row);
            dialect.WriteOrder(sql, term.Descending != reversed, IsNullable(term.Path, level.Model));
        }
    }

    bool IsNullable(FieldPath path, Model model) => path.IsNullable || plan.Mask(model, path.Field) is not null;

    static void WriteFields(SqlWriter sql, ImmutableArray<Field> fields, string row, Action<SqlWriter, Field> then)
    {
        for (int i = 0; i < fields.Length; i++)
        {
            if (i > 0) sql.Raw(", ");
            sql.Column(row, fields[i].Column);
            then(sql, fields[i]);
        }
    }

    void WriteColumns(SqlWriter sql, ReadColumns columns, LevelShape level, string row)
    {
        for (int i = 0; i < columns.Paths.Length; i++)
        {
            if (i > 0) sql.Raw(", ");
            WritePath(sql, columns.Paths[i], level.Model, row);
        }
        if (columns.Version >= 0) sql.Raw(", ").Column(row, TableShape.VersionColumn);
        foreach (Field field in level.Fields)
        {
            if (plan.Mask(level.Model, field) is not var (rules, slot)) continue;
            WriteRule(sql.Raw(", case when "), rules, slot, level.Model, row);
            sql.Raw(" then 1 else 0 end");
        }
        WritePosition(sql, columns);
    }

    void WritePosition(SqlWriter sql, ReadColumns columns)
    {
        if (columns.Position < 0) return;
        sql.Raw(", ").Raw(LogPosition ?? throw new InvalidOperationException("nobody has said where the log's position stands"));
    }

    void WritePath(SqlWriter sql, FieldPath path, Model model, string row)
    {
        if (path.IsOwn && plan.Mask(model, path.Field) is null)
        {
            sql.Column(row, path.Field.Column);
            return;
        }
        ExpressionLowering.WriteStored(sql, ShortTerms.Read(schema, model, path), Scope(model, row, slotBase: 0, isOfRequest: true));
    }

    void WriteCondition(SqlWriter sql, CheckedNode condition, Model model, string row, int slotBase, bool isOfRequest) =>
        ExpressionLowering.WriteTruth(sql, condition, Scope(model, row, slotBase, isOfRequest));

    /// <summary>
    /// Hops that the request writes enter their target under the caller's rule for it; hops in rules see all live records.
    /// </summary>
    LoweringScope Scope(Model model, string row, int slotBase, bool isOfRequest) => new()
    {
        Schema = schema,
        Row = model,
        Alias = row,
        SlotBase = slotBase,
        HopPredicate = isOfRequest ? HopRule : null,
        FieldPredicate = isOfRequest ? FieldRule : null,
        Present = IsPast(row) ? Present : null,
    };

    HopCondition? FieldRule(Model model, Field field) =>
        plan.Mask(model, field) is var (rules, slot) ? new HopCondition(rules.Predicate.Root, slot) : null;

    HopCondition? HopRule(Relation relation)
    {
        int need = Shape.HopNeed(relation.Target);
        FoldedRules rules = plan.Rules[need];
        return IsTrue(rules) ? null : new HopCondition(rules.Predicate.Root, Slots.Rules[need]);
    }
}
