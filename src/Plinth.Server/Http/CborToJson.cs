using System.Formats.Cbor;
using System.Globalization;
using System.Numerics;
using Plinth.Text;

namespace Plinth.Http;

/// <summary>
/// A CBOR request body as the JSON that the planner reads: byte strings become base64, times and big numbers their text. Strict about
/// what has no such form (other tags, simple values, keys that are no text, the same key twice), and bounded in depth; the input is
/// bounded already, and what is written grows only linearly with it.
/// </summary>
static class CborToJson
{
    public static Result<ReadOnlyMemory<byte>> Transcode(ReadOnlyMemory<byte> cbor, Limits limits)
    {
        CborReader reader = new(cbor, CborConformanceMode.Strict);
        using ByteOutput output = new(cbor.Length * 2 + 64);
        try
        {
            if (Value(reader, output, limits.JsonDepth) is { } fault) return fault;
            if (reader.BytesRemaining > 0) return Wrong("the body goes on after its value", reader, cbor);
        }
        catch (Exception e) when (
            e is CborContentException or InvalidOperationException or OverflowException or FormatException or ArgumentException)
        {
            return Wrong("the body is not well-formed CBOR", reader, cbor);
        }
        return new ReadOnlyMemory<byte>(output.ToArray());

        static Fault Wrong(string message, CborReader reader, ReadOnlyMemory<byte> cbor) =>
            Faults.MalformedBody.Says(string.Create(
                CultureInfo.InvariantCulture, $"{message}, at byte {cbor.Length - reader.BytesRemaining}"));
    }

    static Fault? Value(CborReader reader, ByteOutput output, int depth)
    {
        switch (reader.PeekState())
        {
            case CborReaderState.Null or CborReaderState.SimpleValue when IsNull(reader): JsonText.WriteNull(output); return null;
            case CborReaderState.Boolean: JsonText.WriteBoolean(output, reader.ReadBoolean()); return null;
            case CborReaderState.UnsignedInteger: output.Write(Digits(reader.ReadUInt64())); return null;
            case CborReaderState.NegativeInteger: output.Write(
                Digits(-1 - (BigInteger)reader.ReadCborNegativeIntegerRepresentation())); return null;
            case CborReaderState.HalfPrecisionFloat or CborReaderState.SinglePrecisionFloat or CborReaderState.DoublePrecisionFloat:
                return Float(reader, output);
            case CborReaderState.TextString or CborReaderState.StartIndefiniteLengthTextString: return Text(
                reader.ReadTextString(), output);
            case CborReaderState.ByteString or CborReaderState.StartIndefiniteLengthByteString: JsonText.WriteString(
                output, Convert.ToBase64String(reader.ReadByteString())); return null;
            case CborReaderState.StartArray: return depth == 0 ? TooDeep() : Array(reader, output, depth - 1);
            case CborReaderState.StartMap: return depth == 0 ? TooDeep() : Map(reader, output, depth - 1);
            case CborReaderState.Tag: return Tagged(reader, output, depth);
            default: return Faults.MalformedBody.Says("the body holds a CBOR value that has no JSON form");
        }
    }

    // Undefined (simple value 23) is no null: it is refused with the other simple values.
    static bool IsNull(CborReader reader)
    {
        if (reader.PeekState() != CborReaderState.Null) return false;
        reader.ReadNull();
        return true;
    }

    static byte[] Digits<T>(T number)
        where T : IFormattable => System.Text.Encoding.ASCII.GetBytes(number.ToString(null, CultureInfo.InvariantCulture));

    static Fault? Float(CborReader reader, ByteOutput output)
    {
        double value = reader.ReadDouble();
        if (!double.IsFinite(value)) return Faults.ValidationFailed.Says("the body holds a number that is not finite");
        JsonText.WriteDouble(output, value);
        return null;
    }

    static Fault? Text(string text, ByteOutput output)
    {
        JsonText.WriteString(output, text);
        return null;
    }

    static Fault? Array(CborReader reader, ByteOutput output, int depth)
    {
        reader.ReadStartArray();
        output.Write((byte)'[');
        for (bool first = true; reader.PeekState() != CborReaderState.EndArray; first = false)
        {
            if (!first) output.Write((byte)',');
            if (Value(reader, output, depth) is { } fault) return fault;
        }
        output.Write((byte)']');
        reader.ReadEndArray();
        return null;
    }

    static Fault? Map(CborReader reader, ByteOutput output, int depth)
    {
        reader.ReadStartMap();
        output.Write((byte)'{');
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (bool first = true; reader.PeekState() != CborReaderState.EndMap; first = false)
        {
            if (reader.PeekState() is not (CborReaderState.TextString or CborReaderState.StartIndefiniteLengthTextString))
                return Faults.MalformedBody.Says("the body holds a map with a key that is not text");
            string name = reader.ReadTextString();
            if (!seen.Add(name)) return Faults.MalformedBody.Says($"the body holds the key '{Shown.Name(name)}' twice in one map");
            if (!first) output.Write((byte)',');
            JsonText.WriteName(output, name);
            if (Value(reader, output, depth) is { } fault) return fault;
        }
        output.Write((byte)'}');
        reader.ReadEndMap();
        return null;
    }

    /// <summary>Tags that say how a value of ours may be written (RFC 8949, 3.4): times, big numbers, decimals, UUIDs,
    /// self-description.</summary>
    static Fault? Tagged(CborReader reader, ByteOutput output, int depth)
    {
        if (depth == 0) return TooDeep();
        switch (reader.PeekTag())
        {
            case CborTag.DateTimeString:
                reader.ReadTag();
                return Value(reader, output, depth - 1);
            case CborTag.UnixTimeSeconds:
                JsonText.WriteString(output, reader.ReadUnixTimeSeconds()
                    .ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture));
                return null;
            case CborTag.UnsignedBigNum or CborTag.NegativeBigNum:
                JsonText.WriteString(output, Digits(reader.ReadBigInteger()));
                return null;
            case CborTag.DecimalFraction:
                JsonText.WriteString(output, Digits(reader.ReadDecimal()));
                return null;
            case (CborTag)37:
                reader.ReadTag();
                byte[] bytes = reader.ReadByteString();
                if (bytes.Length != 16) return Faults.MalformedBody.Says("the body holds a UUID that has not 16 bytes");
                JsonText.WriteString(output, new Guid(bytes, bigEndian: true).ToString());
                return null;
            case CborTag.SelfDescribeCbor or CborTag.Base64 or CborTag.Base64Url or CborTag.Uri:
                reader.ReadTag();
                return Value(reader, output, depth - 1);
            default:
                return Faults.MalformedBody.Says(
                    string.Create(CultureInfo.InvariantCulture,
                    $"the body holds the CBOR tag {(ulong)reader.PeekTag()}, which is not taken"));
        }
    }

    static Fault TooDeep() => Faults.LimitExceeded.Says("the body is nested too deeply", hint: "limits.jsonDepth is the setting");
}
