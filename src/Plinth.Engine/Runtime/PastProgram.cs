using System.Numerics;
using Plinth.Plan;
using Plinth.Schema;
using Plinth.Sql;

namespace Plinth.Runtime;

/// <summary>A plan that asks for records as they were, ready to run. Texts that take rows exist once per power of two of them.</summary>
sealed class PastProgram
{
    /// <summary>Records of one statement. A statement takes 32,766 parameters at most, so wide records are fewer.</summary>
    const int RowsMax = 1024, ParametersMax = 32_000;

    readonly SqlText?[] _past = new SqlText?[11], _countPast = new SqlText?[11], _countKeys = new SqlText?[11], _rows = new SqlText?[11];
    /// <summary>Keys of one statement that takes them as arrays: its answer is held in memory.</summary>
    const int KeysMax = 10_000;

    readonly bool _areArrays;
    readonly ReadSql _sql;
    readonly Dialect _dialect;

    public PastProgram(AppSchema schema, ReadPlan plan, ReadSql sql, Dialect dialect)
    {
        (Plan, _sql, _dialect) = (plan, sql, dialect);
        LevelShape root = plan.Shape.Root;
        bool isList = plan.Shape.Kind == ReadKind.List;
        Columns = ReadColumns.Of(root, cursors: isList, version: true, field => plan.Mask(root.Model, field) is not null, key: true);
        Writer = new RowWriter(root.Fields, Columns.Shown);
        Width = sql.PastWidth;
        Present = sql.Root(Columns);
        Count = plan.Shape.Count == CountMode.None ? null : sql.Count();
        RowsPerStatement = Math.Min(RowsMax, 1 << BitOperations.Log2((uint)Math.Max(1, ParametersMax / Width)));
        _areArrays = ReadSql.StoredKeysAreArrays(dialect, root.Model);
        KeysPerStatement = _areArrays ? KeysMax : RowsPerStatement;
        // Written once here, so that what cannot be written is known before anything runs.
        Past(1);
        ByRecord = PastRecordProgram.Of(schema, plan, sql, dialect);
    }

    /// <summary>How one record is answered that by itself decides who sees it; null where the database has to.</summary>
    public PastRecordProgram? ByRecord { get; }

    public ReadPlan Plan { get; }

    public Model Model => Plan.Shape.Root.Model;

    public ReadColumns Columns { get; }

    public RowWriter Writer { get; }

    /// <summary>Values of one row of the past.</summary>
    public int Width { get; }

    public int RowsPerStatement { get; }

    /// <summary>Fields whose rule decides, record by record, whether a search sees them.</summary>
    public IReadOnlyList<Field> MaskedWords => _sql.MaskedWords;

    /// <summary>The records as they are now.</summary>
    public SqlText Present { get; }

    public SqlText? Count { get; }

    public (SqlText Sql, int Rows) Past(int rows) => Sized(_past, rows, n => _sql.OfPast(Columns, n));

    public (SqlText Sql, int Rows) CountPast(int rows) => Sized(_countPast, rows, _sql.CountOfPast);

    public (SqlText Sql, int Rows) CountKeys(int rows) => Sized(_countKeys, rows, _sql.CountOfKeys);

    /// <summary>Rows of the table that one statement gives by their stored keys.</summary>
    public int KeysPerStatement { get; }

    /// <summary>The rows of the table by their stored keys.</summary>
    public SqlText Rows(int rows) => Sized(_rows, _areArrays ? 1 : rows, n => ReadSql.RowsOfKeys(_dialect, Model, n)).Sql;

    static (SqlText Sql, int Rows) Sized(SqlText?[] texts, int rows, Func<int, SqlText> write)
    {
        int log = rows <= 1 ? 0 : BitOperations.Log2((uint)rows - 1) + 1;
        return (texts[log] ??= write(1 << log), 1 << log);
    }
}
