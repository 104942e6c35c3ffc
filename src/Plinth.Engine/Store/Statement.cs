using System.Collections.Immutable;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Sql;

namespace Plinth.Store;

/// <summary>
/// One prepared statement of one connection: bind by number from 1, step, read columns by number from 0. Not thread-safe: it belongs to
/// the thread that holds the connection. Disposing resets it and gives it back to the connection's cache.
/// </summary>
/// <remarks>Spans that it returns live until the next step, reset or dispose.</remarks>
abstract class Statement : IDisposable
{
    public abstract int ColumnCount { get; }

    public abstract int ParameterCount { get; }

    public abstract void BindNull(int parameter);

    public abstract void BindInt64(int parameter, long value);

    public abstract void BindDouble(int parameter, double value);

    /// <summary>Binds text given as UTF-8; the bytes are copied.</summary>
    public abstract void BindText(int parameter, ReadOnlySpan<byte> utf8);

    public abstract void BindText(int parameter, string text);

    /// <summary>Binds bytes; they are copied.</summary>
    public abstract void BindBytes(int parameter, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Asks the database, so that <see cref="Step"/> and the columns find what it answered without waiting. An embedded database answers
    /// while it is stepped and has nothing to wait for. Who does not call it is answered all the same, and holds the thread meanwhile:
    /// right for start-up, migrations and the writer's own thread, wrong for requests.
    /// </summary>
    /// <exception cref="StoreException">The database refused or failed.</exception>
    public virtual ValueTask OpenAsync(CancellationToken cancel) => ValueTask.CompletedTask;

    /// <summary>
    /// Runs it, and looks at nothing of its result: at once, or in front of the next statement of its connection that is waited for.
    /// </summary>
    public virtual void RunLater() => Run();

    /// <summary>
    /// Lets it go together with the next statement of its connection that is waited for; its rows are there then. Only where the
    /// connection sends ahead (<see cref="Connection.SendsAhead"/>), and only for statements that answer rows.
    /// </summary>
    public virtual void Send() => throw new InvalidOperationException("an embedded database answers in place");

    /// <summary>
    /// Some of the rows that it was answered, which are in memory, as a statement of its own: for whoever they are for, on any thread. It
    /// keeps them after this one is disposed.
    /// </summary>
    /// <param name="firstRow">From 0.</param>
    /// <param name="rows">How many.</param>
    /// <param name="firstColumn">What comes before it is not theirs.</param>
    public virtual Statement Part(int firstRow, int rows, int firstColumn) =>
        throw new InvalidOperationException("an embedded database answers in place");

    /// <summary>Runs to the next row; false when there is none.</summary>
    /// <exception cref="StoreException">The database refused or failed.</exception>
    public abstract bool Step();

    /// <summary>Makes it ready to run again. Parameters keep their values until they are bound anew.</summary>
    public abstract void Reset();

    public abstract StoredKind ColumnType(int column);

    public abstract long ColumnInt64(int column);

    public abstract double ColumnDouble(int column);

    /// <summary>The bytes of a column, or its text as UTF-8; empty for null.</summary>
    public abstract ReadOnlySpan<byte> ColumnBytes(int column);

    public abstract void Dispose();

    /// <summary>Binds whole numbers, texts or bytes as one array, where the dialect takes them.</summary>
    public virtual void BindArray(int parameter, Array values) =>
        throw new InvalidOperationException("an embedded database takes rows one by one");

    /// <summary>Binds the values of one parameter for many items at once, where the dialect takes them.</summary>
    public virtual void BindItems(int parameter, ValueKind kind, Value[] values) =>
        throw new InvalidOperationException("an embedded database takes items one by one");

    /// <summary>Binds a value in the form in which its type is stored; Decimals must already have their field's scale.</summary>
    public virtual void Bind(int parameter, in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null: BindNull(parameter); break;
            case ValueKind.Boolean: BindInt64(parameter, value.Boolean ? 1 : 0); break;
            case ValueKind.Int: BindInt64(parameter, value.Int); break;
            case ValueKind.Decimal: BindInt64(parameter, value.DecimalUnits); break;
            case ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration: BindInt64(parameter, value.Ticks); break;
            case ValueKind.Double: BindDouble(parameter, value.Double); break;
            case ValueKind.String: BindText(parameter, value.String); break;
            case ValueKind.Json: BindText(parameter, value.Json); break;
            case ValueKind.Bytes: BindBytes(parameter, value.Bytes); break;
            case ValueKind.Uuid:
                Span<byte> uuid = stackalloc byte[16];
                value.WriteUuid(uuid);
                BindBytes(parameter, uuid);
                break;
            default: throw new InvalidOperationException($"a value of kind {value.Kind} is not stored");
        }
    }

    /// <summary>Binds all parameters of a text: constants of the plan, and the request's values by their slots.</summary>
    public void Bind(SqlText sql, ReadOnlySpan<Value> slots)
    {
        ImmutableArray<SqlParameter> parameters = sql.Parameters;
        for (int i = 0; i < parameters.Length; i++)
        {
            switch (parameters[i])
            {
                case SlotParameter { Slot: var slot }: Bind(i + 1, slots[slot]); break;
                case ConstantParameter { Value: var constant }: Bind(i + 1, constant); break;
                default: throw new InvalidOperationException($"no source of a parameter: {parameters[i]}");
            }
        }
    }

    /// <summary>Reads a column as the value of one kind; <see cref="Value.Null"/> for null.</summary>
    /// <param name="column">Number of the column, from 0.</param>
    /// <param name="kind">The kind that the field's type promises.</param>
    /// <param name="scale">Digits after the point, for decimals.</param>
    public Value ColumnValue(int column, ValueKind kind, int scale = 0)
    {
        if (IsNull(column)) return Value.Null;
        return kind switch
        {
            ValueKind.Boolean => Value.From(ColumnInt64(column) != 0),
            ValueKind.Int => Value.From(ColumnInt64(column)),
            ValueKind.Decimal => Value.FromDecimal(ColumnInt64(column), scale),
            ValueKind.DateTime => Value.FromDateTime(ColumnInt64(column)),
            ValueKind.Date => Value.FromDate(ColumnInt64(column)),
            ValueKind.Time => Value.FromTime(ColumnInt64(column)),
            ValueKind.Duration => Value.FromDuration(ColumnInt64(column)),
            ValueKind.Double => Value.From(ColumnDouble(column)),
            ValueKind.String => Value.From(ColumnText(column)),
            ValueKind.Json => Value.FromJson(ColumnBytes(column).ToArray()),
            ValueKind.Bytes => Value.FromBytes(ColumnBytes(column).ToArray()),
            ValueKind.Uuid => Value.FromUuid(ColumnBytes(column)),
            _ => throw new InvalidOperationException($"values of kind {kind} are not stored"),
        };
    }

    /// <summary>Reads a column as the value of a field.</summary>
    public Value ColumnValue(int column, Field field) => field.Type switch
    {
        _ when field.IsJsonStored => ColumnValue(column, ValueKind.Json),
        ScalarFieldType { Scalar: DecimalType { Scale: var scale } } => ColumnValue(column, ValueKind.Decimal, scale),
        ScalarFieldType { Scalar.Kind: var kind } => ColumnValue(column, kind),
        EnumFieldType => ColumnValue(column, ValueKind.String),
        _ => throw new InvalidOperationException($"a field of type {field.Type.Name} has no column of its own"),
    };

    /// <summary>Binds what a column of another statement holds, as it is stored.</summary>
    public virtual void BindColumn(int parameter, Statement from, int column)
    {
        switch (from.ColumnType(column))
        {
            case StoredKind.Null: BindNull(parameter); break;
            case StoredKind.Integer: BindInt64(parameter, from.ColumnInt64(column)); break;
            case StoredKind.Real: BindDouble(parameter, from.ColumnDouble(column)); break;
            case StoredKind.Text: BindText(parameter, from.ColumnBytes(column)); break;
            case StoredKind.Bytes: BindBytes(parameter, from.ColumnBytes(column)); break;
            default: throw new InvalidOperationException($"nothing is stored as {from.ColumnType(column)}");
        }
    }

    /// <summary>Text as UTF-8: what <see cref="ColumnBytes"/> gives for a text column.</summary>
    public ReadOnlySpan<byte> ColumnUtf8(int column) => ColumnBytes(column);

    public bool IsNull(int column) => ColumnType(column) == StoredKind.Null;

    public string ColumnText(int column) => System.Text.Encoding.UTF8.GetString(ColumnBytes(column));

    public string? ColumnTextOrNull(int column) => IsNull(column) ? null : ColumnText(column);

    /// <summary>Runs to the end, passing over rows, and leaves it ready to run again.</summary>
    public void Run()
    {
        try
        {
            while (Step())
            {
            }
        }
        finally
        {
            Reset();
        }
    }
}

/// <summary>How a value is stored, whatever its column declares.</summary>
enum StoredKind
{
    Null,
    Integer,
    Real,
    Text,
    Bytes,
}
