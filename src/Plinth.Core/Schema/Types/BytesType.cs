using System.Buffers.Text;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>Bytes: base64 (RFC 4648, with padding) in JSON and text, native in CBOR.</summary>
sealed class BytesType : ScalarType
{
    public static readonly BytesType It = new();

    public override string Name => "Bytes";

    public override ValueKind Kind => ValueKind.Bytes;

    public override string Expected => "bytes in base64";

    public override string JsonSchema => """{"type":"string","contentEncoding":"base64"}""";

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        value = default;
        if (json.TokenType != JsonTokenType.String || !json.TryGetBytesFromBase64(out byte[]? bytes)) return false;
        value = Value.FromBytes(bytes);
        return true;
    }

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        value = default;
        byte[] bytes = new byte[text.Length];
        if (!Convert.TryFromBase64Chars(text, bytes, out int length)) return false;
        value = Value.FromBytes(bytes[..length]);
        return true;
    }

    public override void WriteJson(ByteOutput output, in Value value) => WriteJson(output, value.Bytes);

    /// <summary>The JSON form straight from the stored bytes.</summary>
    public static void WriteJson(ByteOutput output, ReadOnlySpan<byte> bytes)
    {
        Span<byte> to = output.GetSpan(Base64.GetMaxEncodedToUtf8Length(bytes.Length) + 2);
        to[0] = (byte)'"';
        Base64.EncodeToUtf8(bytes, to[1..], out _, out int length);
        to[length + 1] = (byte)'"';
        output.Advance(length + 2);
    }

    public override string Format(in Value value) => Convert.ToBase64String(value.Bytes);
}
