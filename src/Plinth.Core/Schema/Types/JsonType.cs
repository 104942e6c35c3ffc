using System.Text;
using System.Text.Json;
using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>Any JSON value but null (which is the field's null). Value-equal on the way back: insignificant space is dropped.</summary>
sealed class JsonType : ScalarType
{
    public static readonly JsonType It = new();

    public override string Name => "Json";

    public override ValueKind Kind => ValueKind.Json;

    public override string Expected =>
        "a JSON value without duplicate members, U+0000, lone surrogates and numbers beyond the range of a double";

    public override string JsonSchema => "{}";

    public override bool TryRead(ref Utf8JsonReader json, out Value value)
    {
        using ByteOutput output = new();
        bool copied = JsonCopy.TryCopy(ref json, output);
        value = copied ? Value.FromJson(output.ToArray()) : default;
        return copied;
    }

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        value = default;
        byte[] utf8 = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = Encoding.UTF8.GetBytes(text, utf8);
        Utf8JsonReader reader = new(utf8.AsSpan(0, length), new JsonReaderOptions { MaxDepth = Limits.Default.JsonDepth });
        try
        {
            return reader.Read() && TryRead(ref reader, out value) && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public override void WriteJson(ByteOutput output, in Value value) => output.Write(value.Json);

    public override string Format(in Value value) => Encoding.UTF8.GetString(value.Json);
}
