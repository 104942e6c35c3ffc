using Npgsql;
using Plinth.Schema;

namespace Plinth.Store.Postgres;

/// <summary>A statement of one connection: bound here, sent with what waits before it, answered into memory.</summary>
sealed class PostgresStatement(PostgresConnection connection, PostgresText text, bool isScan) : Statement
{
    const int ScannedRows = 1000;

    readonly PostgresBinding[] _bindings = new PostgresBinding[text.Parameters];
    PostgresRows? _rows;
    string? _cursor;
    int _row;
    bool _isSent;

    // Of a part: the row behind it, and the column that it begins with.
    int _end = int.MaxValue;
    int _firstColumn;

    public override int ColumnCount => _rows is null ? 0 : _rows.Columns - _firstColumn;

    public override int ParameterCount => text.Parameters;

    /// <summary>Rows that the statement itself inserted, updated or deleted; what it selected, for a select.</summary>
    public long RowsConcerned { get; private set; }

    public override void BindNull(int parameter) => _bindings[parameter - 1] = PostgresBinding.Null;

    public override void BindInt64(int parameter, long value) => _bindings[parameter - 1] = PostgresBinding.Of(value);

    public override void BindDouble(int parameter, double value) => _bindings[parameter - 1] = PostgresBinding.Of(value);

    public override void BindText(int parameter, ReadOnlySpan<byte> utf8) =>
        _bindings[parameter - 1] = PostgresBinding.OfText(utf8.ToArray());

    public override void BindText(int parameter, string text) => _bindings[parameter - 1] = PostgresBinding.OfText(text);

    public override void BindBytes(int parameter, ReadOnlySpan<byte> bytes) =>
        _bindings[parameter - 1] = PostgresBinding.OfBytes(bytes.ToArray());

    public override void BindItems(int parameter, ValueKind kind, Value[] values) =>
        _bindings[parameter - 1] = PostgresBinding.OfItems(kind, values);

    public override void BindArray(int parameter, Array values) => _bindings[parameter - 1] = PostgresBinding.OfArray(values);

    public override void Bind(int parameter, in Value value) => _bindings[parameter - 1] = PostgresBinding.Of(value);

    public override void BindColumn(int parameter, Statement from, int column)
    {
        if (from is PostgresStatement { _rows: { } rows } answered)
        {
            _bindings[parameter - 1] = PostgresBinding.Of(rows, answered._row, column + answered._firstColumn);
            return;
        }

        base.BindColumn(parameter, from, column);
    }

    public override async ValueTask OpenAsync(CancellationToken cancel)
    {
        if (_isSent)
        {
            if (!Rows.IsAnswered) await connection.FlushAsync(cancel);
            TakeSent();
        }

        if (_rows is not null) return;
        PostgresRows rows = new();
        RowsConcerned = await connection.RunAsync(Command(text.Sql), rows, cancel);
        Answer(rows);
    }

    public override bool Step()
    {
        if (isScan) return StepScan();
        if (_isSent) TakeSent();
        if (_rows is null)
        {
            PostgresRows rows = new();
            RowsConcerned = connection.Run(Command(text.Sql), rows);
            Answer(rows);
        }

        if (_row + 1 >= Math.Min(_end, _rows!.Count)) return false; // Set above.
        _row++;
        return true;
    }

    public override Statement Part(int firstRow, int rows, int firstColumn)
    {
        PostgresRows shared = Rows;
        shared.Share();
        return new PostgresStatement(connection, text, isScan: false)
        {
            _rows = shared,
            _row = firstRow - 1,
            _end = firstRow + rows,
            _firstColumn = firstColumn,
        };
    }

    public override void RunLater() => connection.ChangeLater(Command(text.Sql));

    public override void Send()
    {
        PostgresRows rows = new();
        connection.Later(Command(text.Sql), rows);
        Answer(rows);
        _isSent = true;
    }

    public override void Reset()
    {
        if (_cursor is not null) connection.Later(new NpgsqlBatchCommand("close " + _cursor));
        _rows?.Release();
        (_rows, _cursor, _row, _isSent) = (null, null, -1, false);
    }

    public override StoredKind ColumnType(int column) => Rows.Kind(_row, column + _firstColumn);

    public override long ColumnInt64(int column) => Rows.Int64(_row, column + _firstColumn);

    public override double ColumnDouble(int column) => Rows.Double(_row, column + _firstColumn);

    public override ReadOnlySpan<byte> ColumnBytes(int column) => Rows.Bytes(_row, column + _firstColumn);

    public override void Dispose() => Reset();

    PostgresRows Rows => _rows ?? throw new InvalidOperationException("a statement that was not run has no columns");

    void Answer(PostgresRows rows) => (_rows, _row) = (rows, -1);

    /// <summary>The first that is asked for brings the answers of all that were sent.</summary>
    void TakeSent()
    {
        _isSent = false;
        PostgresRows rows = Rows;
        if (!rows.IsAnswered) connection.Flush();
        if (!rows.IsAnswered) throw new StoreException(StoreFailure.Unavailable, "What was sent ahead was lost with its transaction.");
        RowsConcerned = rows.Concerned;
        connection.Taken(rows);
    }

    /// <summary>Many rows, while other statements run: a cursor gives them in parts. It lives in a transaction.</summary>
    bool StepScan()
    {
        if (_rows is null)
        {
            connection.RequireTransaction();
            _cursor = connection.NextCursor();
            connection.Later(Command(
                $"declare {_cursor} no scroll cursor for select record_send(scanned) from ({text.Sql}) as scanned"));
            Answer(new PostgresRows { AreRecords = true });
            Fetch(_rows!); // Set by the line before.
        }

        if (_row + 1 >= _rows!.Count)
        {
            if (_rows.Count < ScannedRows) return false;
            _rows.Clear();
            _row = -1;
            Fetch(_rows);
            if (_rows.Count == 0) return false;
        }

        _row++;
        return true;
    }

    void Fetch(PostgresRows rows) => connection.Run(new NpgsqlBatchCommand($"fetch forward {ScannedRows} from {_cursor}"), rows);

    NpgsqlBatchCommand Command(string sql)
    {
        NpgsqlBatchCommand command = new(sql);
        foreach (ref readonly PostgresBinding binding in _bindings.AsSpan()) command.Parameters.Add(binding.Parameter());
        return command;
    }
}
