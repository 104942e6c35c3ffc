using System.Buffers.Binary;
using System.Globalization;
using Npgsql;

namespace Plinth.Store.Postgres;

/// <summary>
/// All rows of a statement as one stream of the server's (<c>copy … to stdout</c>), read in place: no message of the driver's for each row,
/// and no object. Until it is disposed its connection runs nothing else. Of the values that a statement takes it takes whole numbers, as
/// the server's command has no parameters.
/// </summary>
sealed class PostgresCopy(PostgresConnection connection, PostgresText text) : Statement
{
    const int BufferBytes = 256 * 1024;

    /// <summary>A signature of 11 bytes, flags, and the length of what may follow them.</summary>
    const int HeaderBytes = 19;

    readonly long?[] _numbers = new long?[text.Parameters];
    NpgsqlRawCopyStream? _stream;
    uint[] _types = [];
    int[] _cells = []; // Start and length of each; a length of -1 is null.
    byte[] _bytes = [];
    int _at, _filled;
    bool _isAtEnd;

    public override int ColumnCount => _types.Length;

    public override int ParameterCount => text.Parameters;

    public override void BindInt64(int parameter, long value) => _numbers[parameter - 1] = value;

    public override void BindNull(int parameter) => throw NoParameter();

    public override void BindDouble(int parameter, double value) => throw NoParameter();

    public override void BindText(int parameter, ReadOnlySpan<byte> utf8) => throw NoParameter();

    public override void BindText(int parameter, string text) => throw NoParameter();

    public override void BindBytes(int parameter, ReadOnlySpan<byte> bytes) => throw NoParameter();

    static InvalidOperationException NoParameter() => new("what is streamed takes whole numbers only");

    public override bool Step()
    {
        if (_isAtEnd) return false;
        try
        {
            if (_stream is null) Open();
            if (Need(sizeof(short)) is var columns && BinaryPrimitives.ReadInt16BigEndian(columns) < 0)
            {
                _isAtEnd = true;
                return false;
            }

            TakeRow();
            return true;
        }
        catch (Exception e) when (PostgresErrors.IsFromServer(e))
        {
            Exception told = connection.FailedCopy(e);
            if (_stream is { } stream) connection.EndCopy(stream, isAtEnd: true);
            _stream = null;
            throw told;
        }
    }

    public override void Reset()
    {
        if (_stream is { } stream) connection.EndCopy(stream, isAtEnd: _isAtEnd);
        (_stream, _isAtEnd, _at, _filled) = (null, false, 0, 0);
    }

    public override void Dispose() => Reset();

    public override StoredKind ColumnType(int column) =>
        _cells[(column * 2) + 1] < 0 ? StoredKind.Null : PostgresRows.KindOf(_types[column]);

    public override long ColumnInt64(int column) => PostgresRows.Int64Of(_types[column], ColumnBytes(column));

    public override double ColumnDouble(int column) => PostgresRows.DoubleOf(_types[column], ColumnBytes(column));

    public override ReadOnlySpan<byte> ColumnBytes(int column) =>
        _bytes.AsSpan(_cells[column * 2], Math.Max(0, _cells[(column * 2) + 1]));

    void Open()
    {
        string sql = text.Sql;
        for (int i = _numbers.Length; i > 0; i--)
        {
            long number = _numbers[i - 1] ?? throw new InvalidOperationException("a number that was not given");
            sql = sql.Replace(
                string.Create(CultureInfo.InvariantCulture, $"${i}"), string.Create(CultureInfo.InvariantCulture, $"({number})"),
                StringComparison.Ordinal);
        }

        // The stream does not say of what types its columns are.
        PostgresRows described = new();
        connection.Run(new NpgsqlBatchCommand($"select * from ({sql}) as described limit 0"), described);
        _types = [.. Enumerable.Range(0, described.Columns).Select(described.Type)];
        described.Release();
        _cells = new int[_types.Length * 2];
        if (_bytes.Length == 0) _bytes = new byte[BufferBytes];
        _stream = connection.BeginCopy($"copy ({sql}) to stdout (format binary)");
        Need(HeaderBytes);
        int more = BinaryPrimitives.ReadInt32BigEndian(_bytes.AsSpan(_at + HeaderBytes - sizeof(int)));
        Need(HeaderBytes + more);
        _at += HeaderBytes + more;
    }

    /// <summary>The number of columns, and of each its length and its bytes.</summary>
    void TakeRow()
    {
        int length = sizeof(short);
        for (int column = 0; column < _types.Length; column++)
        {
            int cell = BinaryPrimitives.ReadInt32BigEndian(Need(length + sizeof(int))[length..]);
            length += sizeof(int);
            // From the row's beginning: what follows may move it in the buffer.
            (_cells[column * 2], _cells[(column * 2) + 1]) = (length, cell);
            length += Math.Max(0, cell);
        }

        Need(length);
        for (int column = 0; column < _types.Length; column++) _cells[column * 2] += _at;
        _at += length;
    }

    /// <summary>So many bytes from where it stands, read where they are not there yet.</summary>
    ReadOnlySpan<byte> Need(int bytes)
    {
        if (_filled - _at < bytes) Fill(bytes);
        return _bytes.AsSpan(_at, bytes);
    }

    void Fill(int bytes)
    {
        _bytes.AsSpan(_at, _filled - _at).CopyTo(_bytes);
        (_at, _filled) = (0, _filled - _at);
        if (_bytes.Length < bytes) Array.Resize(ref _bytes, Math.Max(bytes, _bytes.Length * 2));
        // A read gives a row or less: as many as fit, so that what is left is moved rarely.
        while (_filled < bytes || _bytes.Length - _filled > _bytes.Length / 2)
        {
            int read = _stream!.Read(_bytes.AsSpan(_filled)); // Opened by the caller.
            if (read > 0) _filled += read;
            else if (_filled >= bytes) return;
            else throw new StoreException(StoreFailure.Unavailable, "The server ended a stream of rows in the middle of one.");
        }
    }
}
