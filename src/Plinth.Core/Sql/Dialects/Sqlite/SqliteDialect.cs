using System.Globalization;
using System.Text;
using Plinth.Schema;

namespace Plinth.Sql.Dialects.Sqlite;

/// <summary>SQLite 3.35 and later.</summary>
sealed class SqliteDialect : Dialect
{
    public static readonly SqliteDialect It = new();

    public override string Name => "sqlite";

    public override void Placeholder(StringBuilder to, int number) => to.Append('?').Append(number.ToString(CultureInfo.InvariantCulture));

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
}
