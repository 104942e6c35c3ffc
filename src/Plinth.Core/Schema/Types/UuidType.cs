using Plinth.Text;

namespace Plinth.Schema.Types;

/// <summary>RFC 9562, any version; written in lower case, read in either, stored as 16 bytes in network order.</summary>
sealed class UuidType : StringForm
{
    public static readonly UuidType It = new();

    public override string Name => "Uuid";

    public override ValueKind Kind => ValueKind.Uuid;

    public override string Expected => "a UUID such as 01930e5c-7a00-7000-8000-000000000001";

    public override string JsonSchema => """{"type":"string","format":"uuid"}""";

    public override bool TryParse(ReadOnlySpan<char> text, out Value value)
    {
        bool read = Guid.TryParseExact(text, "D", out Guid uuid);
        value = Value.From(uuid);
        return read;
    }

    protected override int Format(in Value value, Span<byte> to)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.WriteUuid(bytes);
        Format(bytes, to);
        return 36;
    }

    /// <summary>The 36 characters straight from the 16 stored bytes.</summary>
    public static void Format(ReadOnlySpan<byte> bytes, Span<byte> to)
    {
        ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
        int at = 0;
        for (int i = 0; i < 16; i++)
        {
            if (i is 4 or 6 or 8 or 10) to[at++] = (byte)'-';
            to[at++] = digits[bytes[i] >> 4];
            to[at++] = digits[bytes[i] & 15];
        }
    }

    /// <summary>The JSON form straight from the 16 stored bytes.</summary>
    public static void WriteJson(ByteOutput output, ReadOnlySpan<byte> bytes)
    {
        Span<byte> to = output.GetSpan(38);
        to[0] = (byte)'"';
        Format(bytes, to[1..]);
        to[37] = (byte)'"';
        output.Advance(38);
    }
}
