using System.Text;
using System.Text.Json;
using Plinth.Schema;
using Plinth.Schema.Types;
using Plinth.Text;

namespace Plinth.Tests.Schema;

public sealed class ScalarTypes_keep_their_values
{
    static ScalarType Named(string name) => name.StartsWith("Decimal", StringComparison.Ordinal) ? new DecimalType(6, 2)
        : ScalarTypes.Find(name)!;

    [Theory]
    [InlineData("String", "\"a\\\"b\\\\\\n\\u0001é😀\"", "\"a\\\"b\\\\\\n\\u0001é😀\"")]
    [InlineData("Text", "\"x\"", "\"x\"")]
    [InlineData("Boolean", "true", "true")]
    [InlineData("Int", "-2147483648", "-2147483648")]
    [InlineData("BigInt", "\"-9223372036854775808\"", "\"-9223372036854775808\"")]
    [InlineData("BigInt", "9223372036854775807", "\"9223372036854775807\"")]
    [InlineData("Float", "1.5e300", "1.5E+300")]
    [InlineData("Float", "-0.0", "0")]
    [InlineData("Decimal", "\"-0012.5\"", "\"-12.50\"")]
    [InlineData("Decimal", "1234.56", "\"1234.56\"")]
    [InlineData("Decimal", "\"0.01\"", "\"0.01\"")]
    [InlineData("DateTime", "\"2026-01-31T08:30:00+02:00\"", "\"2026-01-31T06:30:00.000Z\"")]
    [InlineData("DateTime", "\"1969-12-31T23:59:59.1234567Z\"", "\"1969-12-31T23:59:59.123456Z\"")]
    [InlineData("DateTime", "\"0001-01-01T00:00:00Z\"", "\"0001-01-01T00:00:00.000Z\"")]
    [InlineData("DateTime", "\"9999-12-31T23:59:59.999999Z\"", "\"9999-12-31T23:59:59.999999Z\"")]
    [InlineData("Date", "\"2024-02-29\"", "\"2024-02-29\"")]
    [InlineData("Time", "\"08:30:00.5\"", "\"08:30:00.500\"")]
    [InlineData("Duration", "\"PT90M\"", "\"PT1H30M\"")]
    [InlineData("Duration", "\"-P1DT0.000001S\"", "\"-P1DT0.000001S\"")]
    [InlineData("Duration", "\"1h30m\"", "\"PT1H30M\"")]
    [InlineData("Duration", "\"PT0S\"", "\"PT0S\"")]
    [InlineData("Duration", "\"PT60S\"", "\"PT1M\"")]
    [InlineData("Uuid", "\"01930E5C-7A00-7000-8000-000000000001\"", "\"01930e5c-7a00-7000-8000-000000000001\"")]
    [InlineData("Cuid", "\"tz4a98xxat96iws9zmbrgj3a\"", "\"tz4a98xxat96iws9zmbrgj3a\"")]
    [InlineData("NanoId", "\"V1StGXR8_Z5jdHi6B-myT\"", "\"V1StGXR8_Z5jdHi6B-myT\"")]
    [InlineData("Bytes", "\"AAEC/w==\"", "\"AAEC/w==\"")]
    [InlineData("Json", "{ \"a\" : [1, 2.50, null, {\"b\":\"\\u0041\"}] }", "{\"a\":[1,2.50,null,{\"b\":\"A\"}]}")]
    [InlineData("Url", "\"https://example.org/a?b=c\"", "\"https://example.org/a?b=c\"")]
    public void What_is_read_is_written_in_the_canonical_form_and_reads_back_the_same(string type, string json, string canonical)
    {
        ScalarType scalar = Named(type);
        Assert.True(TryRead(scalar, json, out Value value));
        Assert.Equal(scalar.Kind, value.Kind);
        string written = Write(scalar, value);
        Assert.Equal(canonical, written);
        Assert.True(TryRead(scalar, written, out Value again));
        Assert.Equal(value, again);
        Assert.True(scalar.TryParse(scalar.Format(value), out Value parsed));
        Assert.Equal(value, parsed);
        Assert.Equal(value.GetHashCode(), parsed.GetHashCode());
    }

    [Theory]
    [InlineData("String", "\"a\\u0000b\"")]
    [InlineData("String", "\"\\ud800\"")]
    [InlineData("String", "1")]
    [InlineData("Boolean", "\"true\"")]
    [InlineData("Int", "2147483648")]
    [InlineData("Int", "1.5")]
    [InlineData("Int", "\"1\"")]
    [InlineData("BigInt", "9223372036854775808")]
    [InlineData("BigInt", "\"1e3\"")]
    [InlineData("Float", "1e999")]
    [InlineData("Float", "\"NaN\"")]
    [InlineData("Decimal", "\"12345\"")]
    [InlineData("Decimal", "\"1.234\"")]
    [InlineData("Decimal", "\"1.\"")]
    [InlineData("Decimal", "\"--1\"")]
    [InlineData("Decimal", "\"\"")]
    [InlineData("DateTime", "\"2026-02-30T00:00:00Z\"")]
    [InlineData("DateTime", "\"2026-01-31T08:30:00\"")]
    [InlineData("DateTime", "\"9999-12-31T23:59:59-01:00\"")]
    [InlineData("DateTime", "\"2026-01-31T24:00:00Z\"")]
    [InlineData("Date", "\"2023-02-29\"")]
    [InlineData("Time", "\"25:00:00\"")]
    [InlineData("Duration", "\"P1M\"")]
    [InlineData("Duration", "\"PT\"")]
    [InlineData("Duration", "\"PT1.5H2M\"")]
    [InlineData("Uuid", "\"01930e5c7a0070008000000000000001\"")]
    [InlineData("Cuid", "\"ABC\"")]
    [InlineData("NanoId", "\"a b\"")]
    [InlineData("Bytes", "\"a\"")]
    [InlineData("Json", "{\"a\":1,\"a\":2}")]
    [InlineData("Json", "[1e999]")]
    [InlineData("Json", "\"\\udc00\"")]
    [InlineData("Url", "\"javascript:alert(1)\"")]
    [InlineData("Url", "\"/relative\"")]
    public void What_is_no_value_of_the_type_is_refused(string type, string json) => Assert.False(TryRead(Named(type), json, out _));

    [Fact]
    public void Every_type_says_what_it_expects_and_describes_its_json()
    {
        foreach (string name in ScalarTypes.Names)
        {
            ScalarType type = Named(name);
            Assert.NotEmpty(type.Expected);
            using JsonDocument schema = JsonDocument.Parse(type.JsonSchema);
            Assert.Equal(JsonValueKind.Object, schema.RootElement.ValueKind);
        }
    }

    static bool TryRead(ScalarType type, string json, out Value value)
    {
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(json));
        reader.Read();
        return type.TryRead(ref reader, out value);
    }

    static string Write(ScalarType type, Value value)
    {
        using ByteOutput output = new();
        type.WriteJson(output, value);
        return Encoding.UTF8.GetString(output.Written);
    }
}
