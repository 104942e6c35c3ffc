using System.Formats.Cbor;
using System.Text;
using Plinth.Text;

namespace Plinth.Http;

public class CborTests
{
    static string Json(Action<CborWriter> write)
    {
        CborWriter writer = new(CborConformanceMode.Lax);
        write(writer);
        var result = CborToJson.Transcode(writer.Encode(), Limits.Default);
        return result.IsOk ? Encoding.UTF8.GetString(result.Value.Span) : result.Fault.Code;
    }

    static string Json(string hex)
    {
        var result = CborToJson.Transcode(Convert.FromHexString(hex), Limits.Default);
        return result.IsOk ? Encoding.UTF8.GetString(result.Value.Span) : result.Fault.Code;
    }

    [Fact]
    public void Values_have_one_json_form() => Assert.Equal(
        """
        {"a":1,"b":-2,"c":"x\"\n","d":[true,false,null,1.5],"e":"AQID","f":"18446744073709551616","g":"12.50",
        "h":"2026-01-31T00:00:00Z","i":"2026-01-31T00:00:00Z","j":-18446744073709551616}
        """.ReplaceLineEndings(""),
        Json(w =>
        {
            w.WriteStartMap(null);
            w.WriteTextString("a"); w.WriteInt32(1);
            w.WriteTextString("b"); w.WriteInt32(-2);
            w.WriteTextString("c"); w.WriteTextString("x\"\n");
            w.WriteTextString("d"); w.WriteStartArray(4); w.WriteBoolean(true); w.WriteBoolean(false); w.WriteNull(); w.WriteDouble(
                1.5); w.WriteEndArray();
            w.WriteTextString("e"); w.WriteByteString([1, 2, 3]);
            w.WriteTextString("f"); w.WriteBigInteger(System.Numerics.BigInteger.Pow(2, 64));
            w.WriteTextString("g"); w.WriteDecimal(12.50m);
            w.WriteTextString("h"); w.WriteTag(CborTag.DateTimeString); w.WriteTextString("2026-01-31T00:00:00Z");
            w.WriteTextString("i"); w.WriteUnixTimeSeconds(1769817600);
            w.WriteTextString("j"); w.WriteCborNegativeIntegerRepresentation(ulong.MaxValue);
            w.WriteEndMap();
        }));

    [Theory]
    [InlineData("9fff", "[]")] // indefinite array
    [InlineData("bf616101ff", """{"a":1}""")] // indefinite map
    [InlineData("7f61616162ff", "\"ab\"")] // indefinite text
    [InlineData("5f41014102ff", "\"AQI=\"")] // indefinite bytes
    [InlineData("f97e00", "validation_failed")] // NaN
    [InlineData("f7", "malformed_body")] // undefined
    [InlineData("f0", "malformed_body")] // simple(16)
    [InlineData("a10102", "malformed_body")] // a key that is no text
    [InlineData("a2616101616102", "malformed_body")] // a key twice
    [InlineData("d9010001", "malformed_body")] // tag 256
    [InlineData("0101", "malformed_body")] // two values
    [InlineData("", "malformed_body")]
    [InlineData("9f", "malformed_body")]
    [InlineData("62c328", "malformed_body")] // text that is not UTF-8
    [InlineData("ff", "malformed_body")]
    [InlineData("9bffffffffffffffff", "malformed_body")] // a length that nothing has
    [InlineData("d82541ff", "malformed_body")] // a UUID of one byte
    public void What_has_no_json_form_is_refused(string hex, string expected) => Assert.Equal(expected, Json(hex));

    [Fact]
    public void Depth_is_bounded()
    {
        Assert.Equal("limit_exceeded", Json(string.Concat(Enumerable.Repeat("81", 33)) + "01"));
        Assert.Equal(new string('[', 32) + "1" + new string(']', 32), Json(string.Concat(Enumerable.Repeat("81", 32)) + "01"));
        Assert.Equal("limit_exceeded", Json(string.Concat(Enumerable.Repeat("d9d9f7", 100_000)) + "01"));
    }

    [Fact]
    public void Noise_is_answered_and_never_thrown()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 20_000, soak: 2_000_000);
        Random random = new(seed);
        for (int i = 0; i < count; i++)
        {
            byte[] noise = new byte[random.Next(60)];
            random.NextBytes(noise);
            try
            {
                CborToJson.Transcode(noise, Limits.Default);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, bytes {Convert.ToHexString(noise)}: {e}");
            }
        }
        Counts.Report("CBOR, noise", count, seed, "no exception");
    }

    [Fact]
    public void Answers_hold_bytes_natively_wherever_a_bytes_field_stands()
    {
        string page = """
            {"items":[{"id":1,"text":"AQID","data":"AQID","score":1.5,
            "author":{"id":2,"photo":"AQID","notes":[{"data":null}]}}],"page":{"next":null}}
            """.ReplaceLineEndings("");
        byte[] cbor = JsonToCbor.Transcode(Encoding.UTF8.GetBytes(page), CborShape.OfList(SampleSchema.Schema, SampleSchema.Note));
        CborReader reader = new(cbor);
        reader.ReadStartMap();
        Assert.Equal("items", reader.ReadTextString());
        reader.ReadStartArray();
        reader.ReadStartMap();
        Assert.Equal("id", reader.ReadTextString());
        Assert.Equal(1, reader.ReadInt32());
        reader.ReadTextString();
        Assert.Equal("AQID", reader.ReadTextString());
        Assert.Equal("data", reader.ReadTextString());
        Assert.Equal([1, 2, 3], reader.ReadByteString());
        reader.ReadTextString();
        Assert.Equal(1.5, reader.ReadDouble());
        Assert.Equal("author", reader.ReadTextString());
        reader.ReadStartMap();
        reader.ReadTextString();
        reader.ReadInt32();
        Assert.Equal("photo", reader.ReadTextString());
        Assert.Equal([1, 2, 3], reader.ReadByteString());
        // And back: what a client sends as it was answered is what JSON would have said.
        Assert.Equal(page, Encoding.UTF8.GetString(CborToJson.Transcode(cbor, Limits.Default).Value.Span));
    }
}
