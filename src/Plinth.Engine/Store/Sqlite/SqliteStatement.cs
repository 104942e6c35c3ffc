using SQLitePCL;

namespace Plinth.Store.Sqlite;

/// <summary>A prepared statement over the raw API: no string and no boxed value per cell.</summary>
sealed class SqliteStatement : Statement
{
    readonly SqliteConnection _connection;
    readonly sqlite3_stmt _handle;
    readonly bool _writes;
    bool _isRunning;

    internal SqliteStatement(SqliteConnection connection, sqlite3_stmt handle, string sql)
    {
        (_connection, _handle, Sql) = (connection, handle, sql);
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

    public override void BindNull(int parameter) => Check(raw.sqlite3_bind_null(_handle, parameter));

    public override void BindInt64(int parameter, long value) => Check(raw.sqlite3_bind_int64(_handle, parameter, value));

    public override void BindDouble(int parameter, double value) => Check(raw.sqlite3_bind_double(_handle, parameter, value));

    // An empty span has no address, which the library would take for null; hence the empty forms below.
    public override void BindText(int parameter, ReadOnlySpan<byte> utf8) =>
        Check(utf8.IsEmpty ? raw.sqlite3_bind_text(_handle, parameter, "") : raw.sqlite3_bind_text(_handle, parameter, utf8));

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

    public override void BindBytes(int parameter, ReadOnlySpan<byte> bytes) =>
        Check(bytes.IsEmpty ? raw.sqlite3_bind_zeroblob(_handle, parameter, 0) : raw.sqlite3_bind_blob(_handle, parameter, bytes));

    public override bool Step()
    {
        if (!_isRunning)
        {
            _isRunning = true;
            _connection.CountStatement();
        }

        int code = raw.sqlite3_step(_handle);
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
        raw.sqlite3_reset(_handle);
    }

    public override StoredKind ColumnType(int column) => raw.sqlite3_column_type(_handle, column) switch
    {
        raw.SQLITE_INTEGER => StoredKind.Integer,
        raw.SQLITE_FLOAT => StoredKind.Real,
        raw.SQLITE_TEXT => StoredKind.Text,
        raw.SQLITE_BLOB => StoredKind.Bytes,
        _ => StoredKind.Null,
    };

    public override long ColumnInt64(int column) => raw.sqlite3_column_int64(_handle, column);

    public override double ColumnDouble(int column) => raw.sqlite3_column_double(_handle, column);

    // On a text column of a UTF-8 database this is the text itself, and unlike the text call it does not search for its end.
    public override ReadOnlySpan<byte> ColumnBytes(int column) => raw.sqlite3_column_blob(_handle, column);

    public override string ColumnName(int column) => raw.sqlite3_column_name(_handle, column).utf8_to_string();

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
