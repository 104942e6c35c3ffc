using Npgsql;
using NpgsqlTypes;
using Plinth.Schema;

namespace Plinth.Store.Postgres;

/// <summary>The values of a statement's parameters until it is sent, without a box for numbers.</summary>
struct PostgresBinding
{
    ValueKind _kind;
    long _number;
    int _scale;
    object? _reference;

    public static PostgresBinding Null => default;

    public static PostgresBinding Of(long number) => new() { _kind = ValueKind.Int, _number = number };

    public static PostgresBinding Of(double number) => new() { _kind = ValueKind.Double, _number = BitConverter.DoubleToInt64Bits(number) };

    public static PostgresBinding OfText(object text) => new() { _kind = ValueKind.String, _reference = text };

    public static PostgresBinding OfBytes(byte[] bytes) => new() { _kind = ValueKind.Bytes, _reference = bytes };

    public static PostgresBinding OfArray(object array) => new() { _kind = ValueKind.List, _reference = array };

    /// <summary>Values of one kind, each of which may be null, in the form in which one of them is sent.</summary>
    public static PostgresBinding OfItems(ValueKind kind, Value[] values) => new()
    {
        _kind = ValueKind.List,
        _number = (int)kind,
        _reference = kind switch
        {
            ValueKind.Uuid => Array.ConvertAll(values, static v => v.IsNull ? null : (Guid?)v.Uuid),
            ValueKind.Int => Array.ConvertAll(values, static v => v.IsNull ? null : (long?)v.Int),
            ValueKind.Boolean => Array.ConvertAll(values, static v => v.IsNull ? null : (bool?)v.Boolean),
            ValueKind.String => Array.ConvertAll(values, static v => v.IsNull ? null : v.String),
            ValueKind.Double => Array.ConvertAll(values, static v => v.IsNull ? null : (double?)v.Double),
            ValueKind.Decimal =>
                Array.ConvertAll(values, static v => v.IsNull ? null : (decimal?)Decimal(v.DecimalUnits, v.DecimalScale)),
            ValueKind.DateTime =>
                Array.ConvertAll(values, static v => v.IsNull ? null : (long?)(v.Ticks - PostgresRows.MicrosecondsTo2000)),
            ValueKind.Date => Array.ConvertAll(values, static v => v.IsNull ? null : (int?)((int)v.Ticks - PostgresRows.DaysTo2000)),
            ValueKind.Time or ValueKind.Duration => Array.ConvertAll(values, static v => v.IsNull ? null : (long?)v.Ticks),
            ValueKind.Json => Array.ConvertAll(values, static v => v.IsNull ? null : v.Json),
            ValueKind.Bytes => Array.ConvertAll(values, static v => v.IsNull ? null : v.Bytes),
            _ => throw new InvalidOperationException($"values of kind {kind} are not sent as an array"),
        },
    };

    public static PostgresBinding Of(in Value value) => value.Kind switch
    {
        ValueKind.Null => default,
        ValueKind.Boolean => new() { _kind = value.Kind, _number = value.Boolean ? 1 : 0 },
        ValueKind.Int => Of(value.Int),
        ValueKind.Double => Of(value.Double),
        ValueKind.Decimal => new() { _kind = value.Kind, _number = value.DecimalUnits, _scale = value.DecimalScale },
        ValueKind.DateTime or ValueKind.Date or ValueKind.Time => new() { _kind = value.Kind, _number = value.Ticks },
        ValueKind.Duration => Of(value.Ticks),
        ValueKind.String => OfText(value.String),
        ValueKind.Json => new() { _kind = value.Kind, _reference = value.Json },
        ValueKind.Bytes => OfBytes(value.Bytes),
        ValueKind.Uuid => new() { _kind = value.Kind, _reference = value.Uuid },
        _ => throw new InvalidOperationException($"a value of kind {value.Kind} is not stored"),
    };

    /// <summary>What a column of an answer holds, in the type that it has there.</summary>
    public static PostgresBinding Of(PostgresRows rows, int row, int column)
    {
        if (rows.IsNull(row, column)) return default;
        return rows.Type(column) switch
        {
            PostgresRows.Bool => new() { _kind = ValueKind.Boolean, _number = rows.Int64(row, column) },
            PostgresRows.Int8 or PostgresRows.Int4 or PostgresRows.Int2 => Of(rows.Int64(row, column)),
            PostgresRows.Float8 or PostgresRows.Float4 => Of(rows.Double(row, column)),
            PostgresRows.TimestampTz or PostgresRows.Timestamp => new() { _kind = ValueKind.DateTime, _number = rows.Int64(row, column) },
            PostgresRows.Date => new() { _kind = ValueKind.Date, _number = rows.Int64(row, column) },
            PostgresRows.Time => new() { _kind = ValueKind.Time, _number = rows.Int64(row, column) },
            PostgresRows.Numeric =>
                new() { _kind = ValueKind.Decimal, _number = rows.Int64(row, column), _scale = rows.Bytes(row, column)[7] },
            PostgresRows.Uuid => new() { _kind = ValueKind.Uuid, _reference = new Guid(rows.Bytes(row, column), bigEndian: true) },
            PostgresRows.Json => new() { _kind = ValueKind.Json, _reference = rows.Bytes(row, column).ToArray() },
            PostgresRows.Bytea => OfBytes(rows.Bytes(row, column).ToArray()),
            _ => OfText(rows.Bytes(row, column).ToArray()),
        };
    }

    public readonly NpgsqlParameter Parameter() => _kind switch
    {
        // Times go as the server keeps them: the framework's own would turn the first and the last of them into infinities.
        // Null has no type: the statement says it.
        ValueKind.Null => new NpgsqlParameter { Value = DBNull.Value },
        ValueKind.Boolean => new NpgsqlParameter<bool> { TypedValue = _number != 0, NpgsqlDbType = NpgsqlDbType.Boolean },
        ValueKind.Int => new NpgsqlParameter<long> { TypedValue = _number, NpgsqlDbType = NpgsqlDbType.Bigint },
        ValueKind.Double =>
            new NpgsqlParameter<double> { TypedValue = BitConverter.Int64BitsToDouble(_number), NpgsqlDbType = NpgsqlDbType.Double },
        ValueKind.Decimal => new NpgsqlParameter<decimal> { TypedValue = Decimal(_number, _scale), NpgsqlDbType = NpgsqlDbType.Numeric },
        ValueKind.DateTime =>
            new NpgsqlParameter<long> { TypedValue = _number - PostgresRows.MicrosecondsTo2000, NpgsqlDbType = NpgsqlDbType.TimestampTz },
        ValueKind.Date =>
            new NpgsqlParameter<int> { TypedValue = (int)_number - PostgresRows.DaysTo2000, NpgsqlDbType = NpgsqlDbType.Date },
        ValueKind.Time => new NpgsqlParameter<long> { TypedValue = _number, NpgsqlDbType = NpgsqlDbType.Time },
        ValueKind.String when _reference is string text =>
            new NpgsqlParameter<string> { TypedValue = text, NpgsqlDbType = NpgsqlDbType.Text },
        ValueKind.String => Bytes(NpgsqlDbType.Text),
        ValueKind.Json => Bytes(NpgsqlDbType.Json),
        ValueKind.Bytes => Bytes(NpgsqlDbType.Bytea),
        ValueKind.Uuid => new NpgsqlParameter<Guid> { TypedValue = (Guid)_reference!, NpgsqlDbType = NpgsqlDbType.Uuid }, // Its kind.
        ValueKind.List => _reference switch
        {
            Guid?[] keys => Items(keys, NpgsqlDbType.Uuid),
            long?[] numbers => Items(numbers, (ValueKind)_number switch
            {
                ValueKind.DateTime => NpgsqlDbType.TimestampTz,
                ValueKind.Time => NpgsqlDbType.Time,
                _ => NpgsqlDbType.Bigint,
            }),
            int?[] dates => Items(dates, NpgsqlDbType.Date),
            bool?[] truths => Items(truths, NpgsqlDbType.Boolean),
            double?[] numbers => Items(numbers, NpgsqlDbType.Double),
            decimal?[] numbers => Items(numbers, NpgsqlDbType.Numeric),
            long[] numbers => Items(numbers, NpgsqlDbType.Bigint),
            string?[] texts => Items(texts, NpgsqlDbType.Text),
            byte[]?[] bytes => Items(bytes, (ValueKind)_number == ValueKind.Json ? NpgsqlDbType.Json : NpgsqlDbType.Bytea),
            _ => throw new InvalidOperationException("an array of no known kind"),
        },
        _ => throw new InvalidOperationException($"a value of kind {_kind} is not sent"),
    };

    readonly NpgsqlParameter<byte[]> Bytes(NpgsqlDbType type) =>
        new() { TypedValue = (byte[])_reference!, NpgsqlDbType = type }; // Set for every kind that comes here.

    static NpgsqlParameter<T> Items<T>(T items, NpgsqlDbType type) =>
        new() { TypedValue = items, NpgsqlDbType = NpgsqlDbType.Array | type };

    static decimal Decimal(long number, int scale)
    {
        ulong units = number < 0 ? (ulong)-(number + 1) + 1 : (ulong)number;
        return new decimal((int)units, (int)(units >> 32), 0, number < 0, (byte)scale);
    }
}
