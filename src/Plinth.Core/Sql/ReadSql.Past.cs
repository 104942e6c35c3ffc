using System.Collections.Immutable;
using Plinth.Evolution;
using Plinth.Plan;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>
/// The statements of a read of the past. Records that have not changed since are read from their table as ever; those that have are given
/// as parameters, rows of what they were, and stand beside what they are now: a rule must hold for both. Hops lead into the present.
/// </summary>
sealed partial class ReadSql
{
    const string Past = "past", Present = "present";

    /// <summary>The rows of the root come as parameters.</summary>
    bool IsOfPast { get; init; }

    bool IsPast(string row) => IsOfPast && string.Equals(row, Past, StringComparison.Ordinal);

    /// <summary>The fields of the full-text index that records may show or not, as the caller sees the model.</summary>
    public ImmutableArray<Field> MaskedWords => [.. TableShape.FullTextOf(Shape.Root.Model).Where(IsMasked)];

    /// <summary>
    /// Values of one row of the past: its fields, its version, and with a search, for each set of <see cref="MaskedWords"/>, 1 where all
    /// terms occur in the fields of the set and those that are always shown.
    /// </summary>
    public int PastWidth => Shape.Root.Model.Fields.Length + 1 + (Shape.Root.Search ? 1 << MaskedWords.Length : 0);

    /// <summary>
    /// Those of so many records of the past that the caller may see and the request asks for, in no order: who joins them with those of
    /// the present puts both into one, and finds the page.
    /// </summary>
    /// <param name="columns">What is selected.</param>
    /// <param name="rows">Rows given, after the plan's slots, row by row; those not used are null.</param>
    public SqlText OfPast(ReadColumns columns, int rows)
    {
        SqlWriter sql = new(dialect);
        ReadSql past = new(schema, plan, dialect) { IsOfPast = true };
        past.WritePastRows(sql, rows);
        past.WriteColumns(sql.Raw(" select "), columns, Shape.Root, Past);
        Conjuncts where = past.WritePastFrom(sql);
        if (Shape.Kind == ReadKind.Get) past.WriteKey(where, Shape.Root.Model, Past);
        past.WriteWhere(where, Shape.Root, Past, number: 0);
        return sql.Build();
    }

    /// <summary>How many of so many records of the past the whole list has.</summary>
    public SqlText CountOfPast(int rows)
    {
        SqlWriter sql = new(dialect);
        ReadSql past = new(schema, plan, dialect) { IsOfPast = true };
        past.WritePastRows(sql, rows);
        sql.Raw(" select count(*)");
        past.WriteWhere(past.WritePastFrom(sql), Shape.Root, Past, number: 0);
        return sql.Build();
    }

    /// <summary>How many of so many records, named by their stored keys after the plan's slots, the list of the present has.</summary>
    public SqlText CountOfKeys(int keyRows)
    {
        SqlWriter sql = new(dialect);
        Model model = Shape.Root.Model;
        string keys = sql.NextAlias(), row = sql.NextAlias();
        WriteKeyRows(sql, keys, model.StoredKey, keyRows, Slots.Count);
        sql.Raw(" select count(*) from ").Raw(keys).Raw(" cross join ").Name(model.Table).Raw(" ").Raw(row);
        Conjuncts where = new(sql);
        WriteStoredKeyMatch(where, model, keys, row);
        WriteWhere(where, Shape.Root, row, number: 0);
        return sql.Build();
    }

    /// <summary>
    /// The rows of a model's table with these stored keys (slots from 0, or an array for each part): the key's number, the version, the
    /// fields. No rule is in it.
    /// </summary>
    /// <param name="dialect">How it is spelt.</param>
    /// <param name="model">Whose table.</param>
    /// <param name="keyRows">How many, where they are no arrays.</param>
    public static SqlText RowsOfKeys(Dialect dialect, Model model, int keyRows)
    {
        SqlWriter sql = new(dialect);
        string keys = sql.NextAlias(), row = sql.NextAlias();
        if (StoredKeysAreArrays(dialect, model)) WriteKeyArrays(sql, keys, model.StoredKey);
        else WriteKeyRows(sql, keys, model.StoredKey, keyRows, firstSlot: 0);
        sql.Raw(" select ").Raw(keys).Raw(".n, ").Column(row, TableShape.VersionColumn);
        foreach (Field field in model.Fields) sql.Raw(", ").Column(row, field.Column);
        sql.Raw(" from ").Raw(keys).Raw(" cross join ").Name(model.Table).Raw(" ").Raw(row);
        WriteStoredKeyMatch(new Conjuncts(sql), model, keys, row);
        return sql.Build();
    }

    /// <summary>Any number of keys are one statement's.</summary>
    public static bool StoredKeysAreArrays(Dialect dialect, Model model) => model.StoredKey.All(f => dialect.TakesArrays(f.StoredKind));

    /// <summary>
    /// One row, whether the record is there or not: first what else is asked of the same snapshot, then the version and the fields of a
    /// stored key (slots from 0). No rule is in it.
    /// </summary>
    /// <param name="dialect">How it is spelt.</param>
    /// <param name="model">Whose table.</param>
    /// <param name="beside">Expressions, each a column.</param>
    public static SqlText RowBeside(Dialect dialect, Model model, params ReadOnlySpan<string> beside)
    {
        SqlWriter sql = new(dialect);
        string row = sql.NextAlias();
        sql.Raw("select ");
        foreach (string expression in beside) sql.Raw(expression).Raw(", ");
        sql.Column(row, TableShape.VersionColumn);
        foreach (Field field in model.Fields) sql.Raw(", ").Column(row, field.Column);
        sql.Raw(" from (select 1) as always left join ").Name(model.Table).Raw(" ").Raw(row);
        string between = " on ";
        int slot = 0;
        foreach (Field field in model.StoredKey)
        {
            sql.Raw(between).Column(row, field.Column).Raw(" = ").Slot(slot++, field);
            between = " and ";
        }
        return sql.Build();
    }

    static void WriteStoredKeyMatch(Conjuncts where, Model model, string keys, string row)
    {
        int part = 0;
        foreach (Field field in model.StoredKey) where.Next().Column(row, field.Column).Raw(" = ").Raw(keys).Raw(".k").Number(part++);
    }

    void WritePastRows(SqlWriter sql, int rows)
    {
        Model model = Shape.Root.Model;
        sql.Raw("with rows_then (");
        foreach (Field field in model.Fields) sql.Name(field.Column).Raw(", ");
        sql.Name(TableShape.VersionColumn);
        int fields = model.Fields.Length, width = PastWidth;
        for (int set = 0; set < width - fields - 1; set++) sql.Raw(", found").Number(set);
        sql.Raw(") as (values ");
        for (int i = 0; i < rows; i++)
        {
            for (int c = 0; c < width; c++)
            {
                ValueKind kind = c < fields ? model.Fields[c].StoredKind : ValueKind.Int;
                sql.Raw(c > 0 ? ", " : i == 0 ? "(" : ", (").FreshSlot(Slots.Count + i * width + c, kind);
            }
            sql.Raw(")");
        }
        sql.Raw(")");
    }

    Conjuncts WritePastFrom(SqlWriter sql)
    {
        Model model = Shape.Root.Model;
        sql.Raw(" from rows_then ").Raw(Past).Raw(" left join ").Name(model.Table).Raw(" ").Raw(Present).Raw(" on ");
        string between = "";
        foreach (Field field in model.StoredKey)
        {
            sql.Raw(between).Column(Present, field.Column).Raw(" = ").Column(Past, field.Column);
            between = " and ";
        }
        Conjuncts where = new(sql);
        where.Next().Column(Past, TableShape.VersionColumn).Raw(" is not null");
        return where;
    }

    /// <summary>The same choice of sets as of a search of the present, only that what a set holds is known already.</summary>
    void WriteFound(SqlWriter sql, Model model)
    {
        ImmutableArray<Field> masked = MaskedWords;
        string between = "(";
        for (int set = (1 << masked.Length) - 1; set >= 0; set--)
        {
            sql.Raw(between).Raw(Past).Raw(".found").Number(set).Raw(" = 1");
            for (int i = 0; i < masked.Length; i++)
            {
                if ((set >> i & 1) == 1 && plan.Mask(model, masked[i]) is var (rules, slot))
                    WriteRule(sql.Raw(" and "), rules, slot, model, Past);
            }
            between = " or ";
        }
        sql.Raw(")");
    }
}
