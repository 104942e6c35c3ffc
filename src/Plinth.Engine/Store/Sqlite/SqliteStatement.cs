using SQLitePCL;

namespace Plinth.Store.Sqlite;

/// <summary>A prepared statement over the raw API: no string, no boxed value and no counted handle per cell.</summary>
sealed unsafe class SqliteStatement : Statement
{
    readonly SqliteConnection _connection;
    readonly sqlite3_stmt _handle;

    // The address behind the handle, which this statement owns: it is good until Close.
    readonly nint _address;
    readonly bool _writes;
    bool _isRunning;

    internal SqliteStatement(SqliteConnection connection, sqlite3_stmt handle, string sql)
    {
        (_connection, _handle, _address, Sql) = (connection, handle, handle.DangerousGetHandle(), sql);
        ColumnCount = raw.sqlite3_column_count(handle);
        ParameterCount = raw.sqlite3_bind_parameter_count(handle);
        _writes = raw.sqlite3_stmt_readonly(handle) == 0;
    }

    public override int ColumnCount { get; }

    public override int ParameterCount { get; }

    internal string Sql { get; }

    /// <summary>Lent out: the same text asked for meanwhile gets a statement of its own.</summary>
    internal bool IsLent { get; set; }

    /// <summary>In the connection's cache, so disposing keeps it.</summary>
    internal bool IsKept { get; set; }

    /// <summary>Order of use, for dropping the one unused for longest.</summary>
    internal long UsedAt { get; set; }

    public override void BindNull(int parameter) => Check(SqliteFunctions.BindNull(_address, parameter));

    public override void BindInt64(int parameter, long value) => Check(SqliteFunctions.BindInt64(_address, parameter, value));

    public override void BindDouble(int parameter, double value) => Check(SqliteFunctions.BindDouble(_address, parameter, value));

    // An empty span has no address, which the library would take for null; hence the empty forms below.
    public override void BindText(int parameter, ReadOnlySpan<byte> utf8)
    {
        fixed (byte* start = utf8.IsEmpty ? "\0"u8 : utf8)
            Check(SqliteFunctions.BindText(_address, parameter, start, utf8.Length, SqliteFunctions.Transient));
    }

    public override void BindText(int parameter, string text)
    {
        if (text.Length is > 0 and <= 256)
        {
            Span<byte> utf8 = stackalloc byte[768];
            BindText(parameter, utf8[..System.Text.Encoding.UTF8.GetBytes(text, utf8)]);
            return;
        }

        Check(raw.sqlite3_bind_text(_handle, parameter, text));
    }

    public override void BindBytes(int parameter, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes.IsEmpty ? "\0"u8 : bytes)
            Check(SqliteFunctions.BindBlob(_address, parameter, start, bytes.Length, SqliteFunctions.Transient));
    }

    public override bool Step()
    {
        if (!_isRunning)
        {
            _isRunning = true;
            _connection.CountStatement();
        }

        int code = SqliteFunctions.Step(_address);
        if (code == raw.SQLITE_ROW) return true;
        if (code == raw.SQLITE_DONE)
        {
            if (_writes) _connection.CountRows();
            return false;
        }

        throw _connection.Failed(code);
    }

    public override void Reset()
    {
        if (!_isRunning) return;
        _isRunning = false;

        // Its result repeats the failure that the step has already thrown.
        _ = SqliteFunctions.Reset(_address);
    }

    public override StoredKind ColumnType(int column) => SqliteFunctions.ColumnType(_address, column) switch
    {
        raw.SQLITE_INTEGER => StoredKind.Integer,
        raw.SQLITE_FLOAT => StoredKind.Real,
        raw.SQLITE_TEXT => StoredKind.Text,
        raw.SQLITE_BLOB => StoredKind.Bytes,
        _ => StoredKind.Null,
    };

    public override long ColumnInt64(int column) => SqliteFunctions.ColumnInt64(_address, column);

    public override double ColumnDouble(int column) => SqliteFunctions.ColumnDouble(_address, column);

    // On a text column of a UTF-8 database this is the text itself, and unlike the text call it does not search for its end.
    public override ReadOnlySpan<byte> ColumnBytes(int column)
    {
        byte* start = SqliteFunctions.ColumnBlob(_address, column);
        return new(start, SqliteFunctions.ColumnBytes(_address, column));
    }

    public override void Dispose()
    {
        if (!IsLent) return;
        Reset();
        IsLent = false;
        if (!IsKept) Close();
    }

    internal void Close() => _handle.manual_close();

    void Check(int code)
    {
        if (code != raw.SQLITE_OK) throw _connection.Failed(code);
    }
}
