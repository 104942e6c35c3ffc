using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Plinth.Evolution;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Sql.Dialects.Postgres;

/// <summary>PostgreSQL 15 and later.</summary>
sealed partial class PostgresDialect : Dialect
{
    public static readonly PostgresDialect It = new(isOfItems: false);

    /// <summary>Spells parameters as the columns of the items that a statement is run for.</summary>
    static readonly PostgresDialect s_ofItems = new(isOfItems: true);

    readonly bool _isOfItems;

    PostgresDialect(bool isOfItems) => _isOfItems = isOfItems;

    public override string Name => "postgres";

    /// <summary>
    /// The type stands with the placeholder, so that a null is typed as well, and so that no statement means something else because the
    /// server guessed another type for it.
    /// </summary>
    public override void Placeholder(StringBuilder to, int number, ValueKind kind)
    {
        if (_isOfItems)
        {
            to.Append(CultureInfo.InvariantCulture, $"(items.p{number}{(kind == ValueKind.String ? " collate \"C\"" : "")})");
            return;
        }

        to.Append('$').Append(number.ToString(CultureInfo.InvariantCulture));
        if (kind != ValueKind.Null) to.Append("::").Append(ParameterType(kind));
    }

    protected override bool IsNullSmallest => false;

    public override string FollowsAnother => "pg_is_in_recovery()";

    public override string Clock => "(extract(epoch from clock_timestamp()) * 1000000)::bigint";

    public override bool ReturnsRows => true;

    public override bool LocksRows => true;

    public override bool HasLateral => true;

    public override bool KeepsReferencesApart => true;

    public override bool PlansByLimit => true;

    public override bool TakesArrays(ValueKind kind) => kind is ValueKind.Uuid or ValueKind.Int or ValueKind.String or ValueKind.Boolean;

    /// <summary>
    /// In a select of its own, so that the planner does not see how many items there are: a plan for few of them looks cheaper to it than
    /// one for any number, and so it made one anew each time (130 µs of planning for 45 of execution).
    /// </summary>
    public override void ArrayPlaceholder(StringBuilder to, int number, ValueKind kind) =>
        to.Append(CultureInfo.InvariantCulture, $"(select ${number}::{(kind == ValueKind.String ? "text" : ParameterType(kind))}[])");

    public override SqlText? ForItems(Func<Dialect, SqlText> write)
    {
        SqlText one = write(s_ofItems);
        if (one.Parameters.IsEmpty || !one.Parameters.All(static parameter => IsItem(SqlWriter.KindOf(parameter)))) return null;
        StringBuilder text = new("select items.n, item.* from ");
        WriteItems(text, one.Parameters);
        text.Append(" cross join lateral (").Append(one.Text).Append(") item");
        return new SqlText(text.ToString(), one.Parameters);
    }

    /// <summary>Values of this kind are sent as the items of an array.</summary>
    static bool IsItem(ValueKind kind) => kind is ValueKind.Uuid or ValueKind.Int or ValueKind.String or ValueKind.Boolean
        or ValueKind.Double or ValueKind.Decimal or ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration;

    public override SqlText ForRows(Func<Dialect, SqlText> write)
    {
        SqlText one = write(s_ofItems);
        StringBuilder text = new("with items as (select * from ");
        WriteItems(text, one.Parameters);
        text.Append(") ").Append(one.Text);
        return new SqlText(text.ToString(), one.Parameters);
    }

    /// <summary>The values of all items as a table, an array for each parameter.</summary>
    void WriteItems(StringBuilder text, ImmutableArray<SqlParameter> parameters)
    {
        StringBuilder names = new();
        text.Append("unnest(");
        for (int i = 0; i < parameters.Length; i++)
        {
            if (i > 0) text.Append(", ");
            ArrayPlaceholder(text, i + 1, SqlWriter.KindOf(parameters[i]));
            names.Append(CultureInfo.InvariantCulture, $"p{i + 1}, ");
        }

        text.Append(") with ordinality items(").Append(names).Append("n)");
    }

    public override void WriteSearch(SqlWriter sql, Model model, string row, int slot)
    {
        sql.Column(row, TableShape.RowColumnOf(model)).Raw(" in (select rowid from ").Name(Ddl.FullTextTable(model.Table));
        sql.Raw(" where terms @@ cast(").Slot(slot, ValueKind.String).Raw(" as tsquery))");
    }

    /// <summary>What is in some fields is in all of them, which have the index.</summary>
    public override void WriteSearch(SqlWriter sql, Model model, string row, int slot, ImmutableArray<Field> fields)
    {
        sql.Column(row, TableShape.RowColumnOf(model)).Raw(" in (select rowid from ").Name(Ddl.FullTextTable(model.Table));
        sql.Raw(" where terms @@ cast(").Slot(slot, ValueKind.String).Raw(" as tsquery) and (");
        for (int i = 0; i < fields.Length; i++) sql.Raw(i == 0 ? "" : " || ").Name(Ddl.FullTextColumn(fields[i]));
        sql.Raw(") @@ cast(").Slot(slot, ValueKind.String).Raw(" as tsquery))");
    }

    public override Value? SearchValue(string text)
    {
        // Encoded terms are letters, digits and underscores: nothing in them is syntax of the query language.
        string terms = SearchTerms.Encode(text);
        return terms.Length == 0 ? null : Value.From("'" + terms.Replace(" ", "' & '", StringComparison.Ordinal) + "':*");
    }

    /// <summary>A column for the terms of all fields, which most searches ask, and one for those of each.</summary>
    public override void CreateFullText(SqlWriter to, string name, IReadOnlyList<string> columns)
    {
        to.Raw("create table ").Name(name).Raw(" (rowid bigint not null primary key, terms tsvector not null");
        foreach (string column in columns) to.Raw(", ").Name(column).Raw(" tsvector not null");
        to.Raw("); create index ").Name(name + "_terms").Raw(" on ").Name(name).Raw(" using gin (terms)");
    }

    /// <summary>The engine made the terms: the database is told words, not a text to parse.</summary>
    public override void WriteInsertTerms(SqlWriter sql, string table, IReadOnlyList<string> columns)
    {
        sql.Raw("insert into ").Name(table).Raw(" (rowid, terms");
        foreach (string column in columns) sql.Raw(", ").Name(column);
        sql.Raw(") select ").Slot(0, ValueKind.Int);
        WriteTerms(sql, 0, columns.Count);
        for (int i = 0; i < columns.Count; i++) WriteTerms(sql, i, 1);
        if (_isOfItems) sql.Raw(" from items");
    }

    static void WriteTerms(SqlWriter sql, int first, int count)
    {
        sql.Raw(", array_to_tsvector(array_remove(string_to_array(");
        for (int i = first; i < first + count; i++) sql.Raw(i == first ? "" : " || ' ' || ").Slot(i + 1, ValueKind.String);
        sql.Raw(", ' '), ''))");
    }

    public override string ColumnType(Field field)
    {
        // As it came, not as a parsed form: what the log says and what the table holds must be the same bytes.
        if (field.IsJsonStored) return "json";
        return field.Type switch
        {
            EnumFieldType => ColumnType(ValueKind.String),
            ScalarFieldType { Scalar: IntType } => "integer",
            ScalarFieldType { Scalar: DecimalType { Precision: var precision, Scale: var scale } } =>
                string.Create(CultureInfo.InvariantCulture, $"numeric({precision}, {scale})"),
            ScalarFieldType { Scalar.Kind: var kind } => ColumnType(kind),
            _ => throw new InvalidOperationException($"no column type for {field.Type.Name}"),
        };
    }

    public override string ColumnType(ValueKind kind) => ParameterType(kind);

    static string ParameterType(ValueKind kind) => kind switch
    {
        ValueKind.Boolean => "boolean",
        ValueKind.Int or ValueKind.Duration => "bigint",
        ValueKind.Double => "double precision",
        ValueKind.Decimal => "numeric",
        // Text compares by code point, whatever the database was made with.
        ValueKind.String => "text collate \"C\"",
        ValueKind.Bytes => "bytea",
        ValueKind.DateTime => "timestamptz",
        ValueKind.Date => "date",
        ValueKind.Time => "time",
        ValueKind.Uuid => "uuid",
        ValueKind.Json => "json",
        _ => throw new InvalidOperationException($"values of kind {kind} are not stored"),
    };

    public override string RowKeyType => "bigint generated by default as identity primary key";

    public override string RowKeyTypeOf(Field field) => ColumnType(field) + " primary key";

    public override void WriteRowCounter(SqlWriter sql, string table) => sql.Raw("select setval(pg_get_serial_sequence(")
        .Constant(Value.From(Quoted(table))).Raw(", '_row'), (select coalesce(max(_row), 0) + 1 from ").Name(table).Raw("), false)");

    string Quoted(string name)
    {
        StringBuilder quoted = new();
        QuoteName(quoted, name);
        return quoted.ToString();
    }

    public override void Literal(StringBuilder to, in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null: to.Append("null"); break;
            case ValueKind.Boolean: to.Append(value.Boolean ? "true" : "false"); break;
            case ValueKind.Int: to.Append(CultureInfo.InvariantCulture, $"'{value.Int}'::bigint"); break;
            case ValueKind.Duration: to.Append(CultureInfo.InvariantCulture, $"'{value.Ticks}'::bigint"); break;
            case ValueKind.Decimal:
                Span<byte> digits = stackalloc byte[48];
                int length = DecimalType.Format(value.DecimalUnits, value.DecimalScale, digits);
                Quote(to, Encoding.ASCII.GetString(digits[..length]), ValueKind.Decimal);
                break;
            case ValueKind.Double: to.Append(CultureInfo.InvariantCulture, $"'{value.Double:R}'::double precision"); break;
            case ValueKind.DateTime: Quote(to, DateTimeType.It.Format(value), ValueKind.DateTime); break;
            case ValueKind.Date: Quote(to, DateType.It.Format(value), ValueKind.Date); break;
            case ValueKind.Time: Quote(to, TimeType.It.Format(value), ValueKind.Time); break;
            case ValueKind.String: Quote(to, value.String, ValueKind.String); break;
            case ValueKind.Json: Quote(to, Encoding.UTF8.GetString(value.Json), ValueKind.Json); break;
            case ValueKind.Bytes: Quote(to, "\\x" + Convert.ToHexString(value.Bytes), ValueKind.Bytes); break;
            case ValueKind.Uuid: Quote(to, value.Uuid.ToString("D"), ValueKind.Uuid); break;
            default: throw new InvalidOperationException($"a value of kind {value.Kind} is not stored");
        }
    }

    static void Quote(StringBuilder to, string text, ValueKind kind) => to.Append('\'')
        .Append(text.Replace("'", "''", StringComparison.Ordinal)).Append("'::").Append(ParameterType(kind));

    /// <summary>Sums of whole numbers are numerics, which do not overflow; they come in the two halves that readers put together.</summary>
    public override void WriteExactSum(SqlWriter sql, string row, Field field)
    {
        WriteHalf("div(");
        sql.Raw(", 4294967296)::bigint, ");
        WriteHalf("mod(");
        sql.Raw(", 4294967296)::bigint");

        void WriteHalf(string function)
        {
            sql.Raw(function).Raw("sum(").Column(row, field.Column).Raw(")::numeric");
            if (field.StoredKind == ValueKind.Decimal) WriteTimes(sql, field.Scale);
        }
    }

    static void WriteTimes(SqlWriter sql, int scale)
    {
        if (scale > 0) sql.Raw(" * 1" + new string('0', scale));
    }
}
