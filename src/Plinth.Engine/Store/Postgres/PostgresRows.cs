using System.Buffers;
using System.Buffers.Binary;
using Npgsql;

namespace Plinth.Store.Postgres;

/// <summary>
/// What one statement answered, as the server sent it: the cells' binary forms behind one another, read in place. No object per cell, and
/// the connection is free again before the first row is looked at.
/// </summary>
sealed class PostgresRows
{
    // Types by their numbers in the catalogue, which are part of the protocol.
    public const uint Bool = 16, Bytea = 17, Int8 = 20, Int2 = 21, Int4 = 23, Text = 25, Json = 114, Float4 = 700, Float8 = 701,
        Varchar = 1043, Date = 1082, Time = 1083, Timestamp = 1114, TimestampTz = 1184, Numeric = 1700, Uuid = 2950;

    public const long MicrosecondsTo2000 = 946_684_800_000_000;
    public const int DaysTo2000 = 10_957;

    /// <summary>Room that is there for a cell before it is looked at.</summary>
    const int CellBytes = 256;

    const int FirstBytes = 4096, FirstCells = 256;

    byte[] _bytes = [];
    int _used;

    // Start and length of each cell; a length of -1 is null.
    int[] _cells = [];
    int _cellCount;
    uint[] _types = [];
    int _users = 1;

    public int Count { get; private set; }

    public int Columns => _types.Length;

    /// <summary>The server has answered; before, there are no rows to look at.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Rows that the statement inserted, updated or deleted.</summary>
    public long Concerned { get; private set; }

    public void Answer(NpgsqlBatchCommand command) => (IsAnswered, Concerned) = (true, Math.Max(0, (long)command.RecordsAffected));

    /// <summary>
    /// Each row is one cell: a whole record in its binary form, with the types of its columns. The driver's share of a row is by the
    /// cell, and of the eight or more that scans have it was half of reading them.
    /// </summary>
    public bool AreRecords { get; init; }

    public void Describe(NpgsqlDataReader reader)
    {
        if (AreRecords) return;
        _types = new uint[reader.FieldCount];
        for (int i = 0; i < _types.Length; i++) _types[i] = reader.GetDataTypeOID(i);
    }

    /// <summary>Takes the row that the reader stands on.</summary>
    public void Add(NpgsqlDataReader reader)
    {
        if (AreRecords)
        {
            AddRecord(reader);
            return;
        }
        int columns = _types.Length;
        if (_cells.Length < _cellCount + (columns * 2)) GrowCells(columns * 2);
        for (int i = 0; i < columns; i++)
        {
            int length = reader.IsDBNull(i) ? -1 : Take(reader, i);

            _cells[_cellCount++] = _used;
            _cells[_cellCount++] = length;
            _used += Math.Max(0, length);
        }

        Count++;
    }

    /// <summary>A record: how many columns, and of each its type, its length (-1 for null) and its bytes.</summary>
    void AddRecord(NpgsqlDataReader reader)
    {
        int at = _used;
        _used += Take(reader, 0);
        int columns = BinaryPrimitives.ReadInt32BigEndian(_bytes.AsSpan(at));
        if (_types.Length == 0) _types = new uint[columns];
        if (_cells.Length < _cellCount + (columns * 2)) GrowCells(columns * 2);
        at += sizeof(int);
        for (int i = 0; i < columns; i++)
        {
            _types[i] = BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(at));
            int length = BinaryPrimitives.ReadInt32BigEndian(_bytes.AsSpan(at + sizeof(int)));
            at += 2 * sizeof(int);
            _cells[_cellCount++] = at;
            _cells[_cellCount++] = length;
            at += Math.Max(0, length);
        }

        Count++;
    }

    /// <summary>One call brings most cells; only one that fills what is left may be longer, and is asked for its length.</summary>
    int Take(NpgsqlDataReader reader, int column)
    {
        if (_bytes.Length - _used < CellBytes) Grow(CellBytes);
        int room = _bytes.Length - _used;
        int length = (int)reader.GetBytes(column, 0, _bytes, _used, room);
        if (length < room) return length;
        length = (int)reader.GetBytes(column, 0, null, 0, 0);
        if (length <= room) return length;
        Grow(length);
        return (int)reader.GetBytes(column, 0, _bytes, _used, length);
    }

    void Grow(int more) => Grow(ref _bytes, _used, Math.Max(_used + more, Math.Max(FirstBytes, _bytes.Length * 2)));

    void GrowCells(int more) => Grow(ref _cells, _cellCount, Math.Max(_cellCount + more, Math.Max(FirstCells, _cells.Length * 2)));

    /// <summary>From the pool and back to it: a page is 30 KB, and growing to it anew for each request was twice as much garbage.</summary>
    static void Grow<T>(ref T[] array, int used, int length)
    {
        T[] larger = ArrayPool<T>.Shared.Rent(length);
        array.AsSpan(0, used).CopyTo(larger);
        GiveBack(ref array);
        array = larger;
    }

    static void GiveBack<T>(ref T[] array)
    {
        if (array.Length > 0) ArrayPool<T>.Shared.Return(array);
        array = [];
    }

    /// <summary>Somebody else looks at the rows as well, and releases them too.</summary>
    public void Share() => Interlocked.Increment(ref _users);

    /// <summary>Does not look at the rows any more, or at what was read in place; the last who does gives the memory back.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        Clear();
        GiveBack(ref _bytes);
        GiveBack(ref _cells);
    }

    /// <summary>Forgets the rows, and keeps the memory and the description.</summary>
    public void Clear() => (_used, _cellCount, Count) = (0, 0, 0);

    public uint Type(int column) => _types[column];

    public bool IsNull(int row, int column) => _cells[Cell(row, column) + 1] < 0;

    public ReadOnlySpan<byte> Bytes(int row, int column)
    {
        int cell = Cell(row, column);
        return _bytes.AsSpan(_cells[cell], Math.Max(0, _cells[cell + 1]));
    }

    /// <summary>
    /// A whole number, truth or time in the form in which the engine computes: microseconds since 1970 or midnight, days since 1970, the
    /// units of a decimal. 0 for null.
    /// </summary>
    public long Int64(int row, int column) => Int64Of(_types[column], Bytes(row, column));

    /// <summary>The same of a cell.</summary>
    public static long Int64Of(uint type, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return 0;
        return type switch
        {
            Int8 or Time => BinaryPrimitives.ReadInt64BigEndian(bytes),
            Int4 => BinaryPrimitives.ReadInt32BigEndian(bytes),
            Int2 => BinaryPrimitives.ReadInt16BigEndian(bytes),
            Bool => bytes[0],
            TimestampTz or Timestamp => BinaryPrimitives.ReadInt64BigEndian(bytes) + MicrosecondsTo2000,
            Date => BinaryPrimitives.ReadInt32BigEndian(bytes) + DaysTo2000,
            Numeric => Units(bytes),
            _ => throw new InvalidOperationException($"a cell of type {type} is no whole number"),
        };
    }

    public double Double(int row, int column) => DoubleOf(_types[column], Bytes(row, column));

    public static double DoubleOf(uint type, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return 0;
        return type switch
        {
            Float8 => BinaryPrimitives.ReadDoubleBigEndian(bytes),
            Float4 => BinaryPrimitives.ReadSingleBigEndian(bytes),
            _ => Int64Of(type, bytes),
        };
    }

    public StoredKind Kind(int row, int column) => IsNull(row, column) ? StoredKind.Null : KindOf(_types[column]);

    /// <summary>How values of a type are stored.</summary>
    public static StoredKind KindOf(uint type) => type switch
    {
        Float8 or Float4 => StoredKind.Real,
        Bytea or Uuid => StoredKind.Bytes,
        Text or Varchar or Json => StoredKind.Text,
        _ => StoredKind.Integer,
    };

    int Cell(int row, int column) => ((row * _types.Length) + column) * 2;

    /// <summary>A numeric: groups of four digits, the weight of the first, the sign, and the digits after the point.</summary>
    static long Units(ReadOnlySpan<byte> bytes)
    {
        int groups = BinaryPrimitives.ReadInt16BigEndian(bytes);
        int weight = BinaryPrimitives.ReadInt16BigEndian(bytes[2..]);
        bool isNegative = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) == 0x4000;
        int scale = BinaryPrimitives.ReadInt16BigEndian(bytes[6..]);
        Int128 units = 0;
        int written = 0;
        for (; written < groups; written++) units = (units * 10_000) + BinaryPrimitives.ReadInt16BigEndian(bytes[(8 + (written * 2))..]);

        // The groups stand for units of 10000^(weight + 1 - groups); what is asked for is units of 10^-scale.
        int shift = ((weight + 1 - groups) * 4) + scale;
        for (; shift > 0; shift--) units *= 10;
        for (; shift < 0; shift++) units /= 10;
        return checked((long)(isNegative ? -units : units));
    }
}
