using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Plinth.Evolution;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Sql.Dialects.Sqlite;

/// <summary>SQLite 3.35 and later.</summary>
sealed partial class SqliteDialect : Dialect
{
    public static readonly SqliteDialect It = new();

    public override string Name => "sqlite";

    public override string Clock => "cast((julianday('now') - 2440587.5) * 86400000000 as integer)";

    public override void Placeholder(StringBuilder to, int number, ValueKind kind) =>
        to.Append('?').Append(number.ToString(CultureInfo.InvariantCulture));

    protected override bool IsNullSmallest => true;

    public override void WriteSearch(SqlWriter sql, Model model, string row, int slot)
    {
        string index = Ddl.FullTextTable(model.Table);
        sql.Column(row, TableShape.RowColumnOf(model)).Raw(" in (select rowid from ").Name(index);
        sql.Raw(" where ").Name(index).Raw(" match ").Slot(slot, ValueKind.String).Raw(")");
    }

    public override void WriteSearch(SqlWriter sql, Model model, string row, int slot, ImmutableArray<Field> fields)
    {
        string index = Ddl.FullTextTable(model.Table);
        sql.Column(row, TableShape.RowColumnOf(model)).Raw(" in (select rowid from ").Name(index).Raw(" where ").Name(index);
        // Names of columns are ours, and quoted inside of the query as they are outside of it.
        string columns = string.Join(' ', fields.Select(f => $"\"{Ddl.FullTextColumn(f)}\""));
        sql.Raw(" match '{").Raw(columns.Replace("'", "''", StringComparison.Ordinal))
            .Raw("} : (' || ").Slot(slot, ValueKind.String).Raw(" || ')')");
    }

    public override Value? SearchValue(string text)
    {
        // Encoded terms are letters and digits: nothing in them is syntax of the query language. The last is a prefix, since people
        // search while they type.
        string terms = SearchTerms.Encode(text);
        if (terms.Length == 0) return null;
        return Value.From("\"" + terms.Replace(" ", "\" \"", StringComparison.Ordinal) + "\" *");
    }

    public override string ColumnType(Field field)
    {
        if (field.IsJsonStored) return "TEXT";
        return field.Type switch
        {
            EnumFieldType => "TEXT",
            ScalarFieldType { Scalar.Kind: var kind } => ColumnType(kind),
            _ => throw new InvalidOperationException($"no column type for {field.Type.Name}"),
        };
    }

    public override string ColumnType(ValueKind kind) => kind switch
    {
        ValueKind.String => "TEXT",
        ValueKind.Boolean or ValueKind.Int or ValueKind.Decimal => "INTEGER",
        ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration => "INTEGER",
        ValueKind.Double => "REAL",
        ValueKind.Uuid or ValueKind.Bytes => "BLOB",
        _ => throw new InvalidOperationException($"values of kind {kind} are not stored"),
    };

    /// <summary>The library knows tables that check the types of their columns (3.37); which library runs is known to the driver.</summary>
    public bool HasStrictTables { get; init; }

    public override string RowKeyType => "INTEGER PRIMARY KEY";

    public override string TableOptions => HasStrictTables ? " strict" : "";

    public override void Literal(StringBuilder to, in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null: to.Append("null"); break;
            case ValueKind.Boolean: to.Append(value.Boolean ? '1' : '0'); break;
            case ValueKind.Int: to.Append(CultureInfo.InvariantCulture, $"{value.Int}"); break;
            case ValueKind.Decimal: to.Append(CultureInfo.InvariantCulture, $"{value.DecimalUnits}"); break;
            case ValueKind.Double: to.Append(CultureInfo.InvariantCulture, $"{value.Double:E17}"); break;
            case ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration:
                to.Append(CultureInfo.InvariantCulture, $"{value.Ticks}");
                break;
            case ValueKind.String: Text(to, value.String); break;
            case ValueKind.Json: Text(to, Encoding.UTF8.GetString(value.Json)); break;
            case ValueKind.Bytes: to.Append("x'").Append(Convert.ToHexString(value.Bytes)).Append('\''); break;
            case ValueKind.Uuid: to.Append("x'").Append(value.Uuid.ToString("N")).Append('\''); break;
            default: throw new InvalidOperationException($"a value of kind {value.Kind} is not stored");
        }
    }

    // Encoded terms are ASCII letters, digits and underscores: nothing is left for the tokenizer to decide.
    public override void CreateFullText(SqlWriter to, string name, IReadOnlyList<string> columns)
    {
        to.Raw("create virtual table ").Name(name).Raw(" using fts5(");
        foreach (string column in columns) to.Name(column).Raw(", ");
        to.Raw("tokenize = 'ascii tokenchars ''_''', prefix = '2 3')");
    }

    static void Text(StringBuilder to, string text) =>
        to.Append('\'').Append(text.Replace("'", "''", StringComparison.Ordinal)).Append('\'');
}
