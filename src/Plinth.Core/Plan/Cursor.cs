using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// A place in a sorted list, as an opaque text: the sort values of one row, behind a MAC that also covers what the list was (model,
/// sort, filter, search, trash). A cursor that was altered, or brought to another list, does not verify, so its values can be
/// trusted to have the kinds of the sort terms.
/// </summary>
/// <remarks>Form: base64url of one byte 1 (the version), the values, and 12 bytes of HMAC-SHA256 over the binding and both.</remarks>
static class Cursor
{
    const byte Version = 1;
    const int MacBytes = 12;

    /// <summary>Values of one cursor may not be larger than this; a text column that is, cannot be paged by.</summary>
    const int BytesMax = 16 << 10;

    /// <param name="secret">The key of this installation, at least 16 bytes.</param>
    /// <param name="binding">What the list is: <see cref="ReadBinding"/> writes it.</param>
    /// <param name="values">The row's values of all sort terms, tie-break included.</param>
    /// <param name="to">Receives the text, as UTF-8.</param>
    public static void Write(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> binding, ReadOnlySpan<Value> values, ByteOutput to)
    {
        using ByteOutput signed = new(binding.Length + 256);
        signed.Write(binding);
        signed.Write(Version);
        foreach (ref readonly Value value in values) WriteValue(signed, value);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, signed.Written, mac);
        signed.Write(mac[..MacBytes]);
        ReadOnlySpan<byte> plain = signed.Written[binding.Length..];
        Span<byte> text = to.GetSpan(Base64Url.GetEncodedLength(plain.Length));
        to.Advance(Base64Url.EncodeToUtf8(plain, text));
    }

    /// <summary>The values that a cursor carries, or the fault <c>malformed_cursor</c>.</summary>
    public static Result<ImmutableArray<Value>> Read(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> binding, string text, int values)
    {
        if (text.Length > BytesMax * 4 / 3 || Decode(text) is not { } plain) return Refused();
        if (plain.Length < 1 + MacBytes || plain[0] != Version) return Refused();
        using ByteOutput signed = new(binding.Length + plain.Length);
        signed.Write(binding);
        signed.Write(plain.AsSpan(0, plain.Length - MacBytes));
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, signed.Written, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac[..MacBytes], plain.AsSpan(plain.Length - MacBytes))) return Refused();

        Value[] read = new Value[values];
        ReadOnlySpan<byte> rest = plain.AsSpan(1, plain.Length - 1 - MacBytes);
        for (int i = 0; i < values; i++) read[i] = ReadValue(ref rest);
        return ImmutableArray.Create(read);
    }

    static Fault Refused() => Faults.MalformedCursor.Says("the cursor was not given out for this model, sort and filter");

    static byte[]? Decode(string text)
    {
        byte[] bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        // The form that answers a status: the one that answers a bool throws at some texts, even at ones that IsValid calls valid.
        OperationStatus status = Base64Url.DecodeFromChars(text, bytes, out int read, out int written);
        return status == OperationStatus.Done && read == text.Length ? bytes[..written] : null;
    }

    static void WriteValue(ByteOutput to, in Value value)
    {
        to.Write((byte)value.Kind);
        switch (value.Kind)
        {
            case ValueKind.Null: break;
            case ValueKind.Boolean: to.Write((byte)(value.IsTrue ? 1 : 0)); break;
            case ValueKind.Int: WriteInt64(to, value.Int); break;
            case ValueKind.Double: WriteInt64(to, BitConverter.DoubleToInt64Bits(value.Double)); break;
            case ValueKind.Decimal:
                to.Write((byte)value.DecimalScale);
                WriteInt64(to, value.DecimalUnits);
                break;
            case ValueKind.DateTime or ValueKind.Date or ValueKind.Time or ValueKind.Duration: WriteInt64(to, value.Ticks); break;
            case ValueKind.Uuid:
                value.WriteUuid(to.GetSpan(16));
                to.Advance(16);
                break;
            case ValueKind.String: WriteBytes(to, Encoding.UTF8.GetBytes(value.String)); break;
            case ValueKind.Bytes: WriteBytes(to, value.Bytes); break;
            default: throw new InvalidOperationException($"values of kind {value.Kind} are not sorted by");
        }
    }

    // Only ever reads what WriteValue wrote: the MAC has been checked.
    static Value ReadValue(ref ReadOnlySpan<byte> from)
    {
        ValueKind kind = (ValueKind)Take(ref from, 1)[0];
        return kind switch
        {
            ValueKind.Null => Value.Null,
            ValueKind.Boolean => Value.From(Take(ref from, 1)[0] != 0),
            ValueKind.Int => Value.From(ReadInt64(ref from)),
            ValueKind.Double => Value.From(BitConverter.Int64BitsToDouble(ReadInt64(ref from))),
            ValueKind.Decimal => ReadDecimal(ref from),
            ValueKind.DateTime => Value.FromDateTime(ReadInt64(ref from)),
            ValueKind.Date => Value.FromDate(ReadInt64(ref from)),
            ValueKind.Time => Value.FromTime(ReadInt64(ref from)),
            ValueKind.Duration => Value.FromDuration(ReadInt64(ref from)),
            ValueKind.Uuid => Value.FromUuid(Take(ref from, 16)),
            ValueKind.String => Value.From(Encoding.UTF8.GetString(ReadBytes(ref from))),
            ValueKind.Bytes => Value.FromBytes(ReadBytes(ref from).ToArray()),
            _ => throw new InvalidOperationException($"a cursor of ours holds a value of kind {kind}"),
        };
    }

    static Value ReadDecimal(ref ReadOnlySpan<byte> from)
    {
        int scale = Take(ref from, 1)[0];
        return Value.FromDecimal(ReadInt64(ref from), scale);
    }

    static void WriteInt64(ByteOutput to, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(to.GetSpan(8), value);
        to.Advance(8);
    }

    static long ReadInt64(ref ReadOnlySpan<byte> from) => BinaryPrimitives.ReadInt64BigEndian(Take(ref from, 8));

    static void WriteBytes(ByteOutput to, ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), bytes.Length);
        to.Advance(4);
        to.Write(bytes);
    }

    static ReadOnlySpan<byte> ReadBytes(ref ReadOnlySpan<byte> from) =>
        Take(ref from, BinaryPrimitives.ReadInt32BigEndian(Take(ref from, 4)));

    static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> from, int count)
    {
        ReadOnlySpan<byte> taken = from[..count];
        from = from[count..];
        return taken;
    }
}
