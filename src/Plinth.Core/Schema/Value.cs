using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;

namespace Plinth.Schema;

/// <summary>What a <see cref="Value"/> holds.</summary>
enum ValueKind : byte
{
    /// <summary>Absent; in an expression also "unknown", which is an error that carries its reason.</summary>
    Null,
    Boolean,

    /// <summary>64-bit signed: Int, BigInt and CEL int.</summary>
    Int,

    /// <summary>64-bit unsigned, CEL only.</summary>
    Uint,
    Double,

    /// <summary>Scaled integer and its scale (digits after the point).</summary>
    Decimal,

    /// <summary>Text: String, Text, enums, Cuid, NanoId, Url.</summary>
    String,
    Bytes,

    /// <summary>Microseconds since 1970-01-01T00:00:00Z.</summary>
    DateTime,

    /// <summary>Days since 1970-01-01.</summary>
    Date,

    /// <summary>Microseconds since midnight.</summary>
    Time,

    /// <summary>Signed microseconds.</summary>
    Duration,
    Uuid,
    List,

    /// <summary>String keys to values, in the order they were written.</summary>
    Map,

    /// <summary>A JSON document as UTF-8 bytes: Json fields, embedded types and unions as they are stored.</summary>
    Json,

    /// <summary>Something that only expressions know (a type value, an optional, an error); the object is theirs.</summary>
    Other,
}

/// <summary>
/// One value of any type, without boxing: 64 or 128 bits in place, or one reference. Values of one field always have the one
/// kind of its type, so plans read them without looking twice.
/// </summary>
readonly struct Value : IEquatable<Value>
{
    readonly object? _reference;
    readonly long _low;
    readonly long _high;

    Value(ValueKind kind, long low, long high = 0, object? reference = null) =>
        (Kind, _low, _high, _reference) = (kind, low, high, reference);

    public static Value Null => default;

    public static Value True => new(ValueKind.Boolean, 1);

    public static Value False => new(ValueKind.Boolean, 0);

    public ValueKind Kind { get; }

    public bool IsNull => Kind == ValueKind.Null;

    public bool IsTrue => Kind == ValueKind.Boolean && _low != 0;

    public bool IsFalse => Kind == ValueKind.Boolean && _low == 0;

    public bool Boolean => Is(ValueKind.Boolean)._low != 0;

    public long Int => Is(ValueKind.Int)._low;

    public ulong Uint => (ulong)Is(ValueKind.Uint)._low;

    public double Double => BitConverter.Int64BitsToDouble(Is(ValueKind.Double)._low);

    /// <summary>The decimal as an integer of units of 10^-<see cref="DecimalScale"/>.</summary>
    public long DecimalUnits => Is(ValueKind.Decimal)._low;

    public int DecimalScale => (int)Is(ValueKind.Decimal)._high;

    public string String => (string)Is(ValueKind.String)._reference!;

    public byte[] Bytes => (byte[])Is(ValueKind.Bytes)._reference!;

    /// <summary>Microseconds (DateTime since the epoch, Time since midnight, Duration signed) or days (Date).</summary>
    public long Ticks
    {
        get
        {
            Debug.Assert(Kind is ValueKind.DateTime or ValueKind.Time or ValueKind.Duration or ValueKind.Date, "a value of time");
            return _low;
        }
    }

    public Guid Uuid
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            WriteUuid(bytes);
            return new Guid(bytes, bigEndian: true);
        }
    }

    public ImmutableArray<Value> List =>
        System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray((Value[])Is(ValueKind.List)._reference!);

    public ValueMap Map => (ValueMap)Is(ValueKind.Map)._reference!;

    /// <summary>The UTF-8 bytes of the JSON document.</summary>
    public byte[] Json => (byte[])Is(ValueKind.Json)._reference!;

    public object Other => Is(ValueKind.Other)._reference!;

    /// <summary>Why an expression has no value here; null for a value that is simply absent.</summary>
    public object? Reason => Kind == ValueKind.Null ? _reference : null;

    /// <summary>
    /// What an instant or a duration has beyond its microseconds, 0 to 999. Only expressions know it: what is stored has none.
    /// </summary>
    public int Nanoseconds
    {
        get
        {
            Debug.Assert(Kind is ValueKind.DateTime or ValueKind.Duration, "an instant or a duration");
            return (int)_high;
        }
    }

    public static Value From(bool value) => value ? True : False;

    public static Value From(long value) => new(ValueKind.Int, value);

    public static Value From(ulong value) => new(ValueKind.Uint, (long)value);

    public static Value From(double value) => new(ValueKind.Double, BitConverter.DoubleToInt64Bits(value));

    public static Value From(string value) => new(ValueKind.String, 0, 0, value);

    public static Value From(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return FromUuid(bytes);
    }

    /// <param name="bytes">16 bytes, big-endian, as RFC 9562 writes them and as they are stored.</param>
    public static Value FromUuid(ReadOnlySpan<byte> bytes) =>
        new(ValueKind.Uuid, BinaryPrimitives.ReadInt64BigEndian(bytes[8..]), BinaryPrimitives.ReadInt64BigEndian(bytes));

    public static Value FromBytes(byte[] value) => new(ValueKind.Bytes, 0, 0, value);

    public static Value FromDecimal(long units, int scale) => new(ValueKind.Decimal, units, scale);

    public static Value FromDateTime(long microseconds) => new(ValueKind.DateTime, microseconds);

    /// <param name="nanoseconds">0 to 999, counted on from the microseconds.</param>
    public static Value FromDateTime(long microseconds, int nanoseconds) => new(ValueKind.DateTime, microseconds, nanoseconds);

    public static Value FromDate(long days) => new(ValueKind.Date, days);

    public static Value FromTime(long microseconds) => new(ValueKind.Time, microseconds);

    public static Value FromDuration(long microseconds) => new(ValueKind.Duration, microseconds);

    /// <param name="nanoseconds">0 to 999, counted on from the microseconds, also where those are negative.</param>
    public static Value FromDuration(long microseconds, int nanoseconds) => new(ValueKind.Duration, microseconds, nanoseconds);

    public static Value FromList(params Value[] items) => new(ValueKind.List, 0, 0, items);

    public static Value FromMap(ValueMap map) => new(ValueKind.Map, 0, 0, map);

    public static Value FromJson(byte[] utf8) => new(ValueKind.Json, 0, 0, utf8);

    public static Value FromOther(object value) => new(ValueKind.Other, 0, 0, value);

    /// <summary>No value, and why. Everyone who does not ask for the reason sees <see cref="Null"/>.</summary>
    public static Value Missing(object reason) => new(ValueKind.Null, 0, 0, reason);

    /// <summary>Writes the 16 bytes of a Uuid, big-endian.</summary>
    public void WriteUuid(Span<byte> to)
    {
        Debug.Assert(Kind == ValueKind.Uuid, "a Uuid");
        BinaryPrimitives.WriteInt64BigEndian(to, _high);
        BinaryPrimitives.WriteInt64BigEndian(to[8..], _low);
    }

    /// <summary>Identity of stored values: same kind, same bits, same content. Not CEL's <c>==</c>, which knows numbers across
    /// kinds.</summary>
    public bool Equals(Value other)
    {
        if (Kind != other.Kind) return false;
        return Kind switch
        {
            ValueKind.Null => true,
            ValueKind.String => string.Equals((string?)_reference, (string?)other._reference, StringComparison.Ordinal),
            ValueKind.Bytes or ValueKind.Json => Equals((byte[])_reference!, (byte[])other._reference!),
            ValueKind.List => ((Value[])_reference!).AsSpan().SequenceEqual((Value[])other._reference!),
            ValueKind.Map => Map.Equals(other.Map),
            ValueKind.Other => object.Equals(_reference, other._reference),
            _ => _low == other._low && _high == other._high,
        };
    }

    public override bool Equals(object? obj) => obj is Value other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(Kind);
        switch (Kind)
        {
            case ValueKind.String: hash.Add(((string)_reference!).GetHashCode(StringComparison.Ordinal)); break;
            case ValueKind.Bytes or ValueKind.Json: hash.AddBytes((byte[])_reference!); break;
            case ValueKind.List: foreach (Value item in (Value[])_reference!) hash.Add(item); break;
            case ValueKind.Map: hash.Add(Map.Count); break;
            case ValueKind.Null: break;
            case ValueKind.Other: hash.Add(_reference); break;
            default: hash.Add(_low); hash.Add(_high); break;
        }
        return hash.ToHashCode();
    }

    /// <summary>For debuggers and test output only; the wire forms are the types' own.</summary>
    public override string ToString() => Kind switch
    {
        ValueKind.Null => "null",
        ValueKind.Boolean => _low != 0 ? "true" : "false",
        ValueKind.String => (string)_reference!,
        ValueKind.Double => Double.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Uuid => Uuid.ToString(),
        ValueKind.Json => System.Text.Encoding.UTF8.GetString(Json),
        ValueKind.List => "[" + string.Join(", ", List) + "]",
        ValueKind.Other => _reference!.ToString()!,
        ValueKind.Int or ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration =>
            _low.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => Kind.ToString(),
    };

    public static bool operator ==(Value left, Value right) => left.Equals(right);

    public static bool operator !=(Value left, Value right) => !left.Equals(right);

    static bool Equals(byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b);

    Value Is(ValueKind kind)
    {
        Debug.Assert(Kind == kind, "the kind that the field's type promises");
        return this;
    }
}
