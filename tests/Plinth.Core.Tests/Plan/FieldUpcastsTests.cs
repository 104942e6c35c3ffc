using System.Text;
using System.Text.Json;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

public sealed class FieldUpcastsTests
{
    static AppSchema Read(string fields)
    {
        SchemaReading reading = SchemaReader.Read([new SourceText("test.plinth",
            $"app test {{ version = 9 }}\nenum Stage {{ open closed }}\nmodel Doc {{ id Int @id  {fields}  @@allow(\"all\", true) }}")]);
        Assert.True(reading.Schema is not null, string.Join('\n', reading.Diagnostics.Select(d => d.Message)));
        return reading.Schema;
    }

    static string Brought(string field, int version, string json)
    {
        AppSchema schema = Read(field);
        Field of = schema.Model("Doc").Fields[1];
        FieldUpcasts steps = FieldUpcasts.Of(schema, of, version) ?? throw new InvalidOperationException("nothing to bring");
        using ByteOutput output = new();
        steps.Write(output, Encoding.UTF8.GetBytes(json));
        return Encoding.UTF8.GetString(output.Written);
    }

    [Theory]
    [InlineData(1, "\"7\"", "\"8.00\"")]
    [InlineData(2, "7", "\"8.00\"")]
    [InlineData(3, "8", "\"8.00\"")]
    public void A_value_takes_the_steps_of_the_versions_after_its_own(int version, string json, string expected) => Assert.Equal(
        expected,
        Brought("n Decimal(12, 2) @upcast(2, int(old), from: String) @upcast(3, old + 1, from: Int) @upcast(5, decimal(old), from: Int)",
            version, json));

    [Theory]
    [InlineData("stage Stage @upcast(2, old == \"won\" ? \"closed\" : old)", "\"won\"", "\"closed\"")]
    [InlineData("stage Stage @upcast(2, old == \"won\" ? \"closed\" : old)", "\"open\"", "\"open\"")]
    [InlineData("stage Stage? @upcast(2, old == \"won\" ? \"closed\" : old)", "\"gone\"", "null")]
    [InlineData("n Int @upcast(2, int(old), from: String)", "\"x\"", "null")]
    [InlineData("n Int @upcast(2, int(old), from: String)", "7", "null")]
    [InlineData("n Int @upcast(2, old * 100000)", "100000", "null")]
    [InlineData("n Int? @upcast(2, old == null ? 0 : old)", "null", "0")]
    [InlineData("n Int? @upcast(2, old == 0 ? null : old)", "0", "null")]
    [InlineData("u Url @upcast(2, \"https://\" + old, from: String)", "\"example.org\"", "\"https://example.org\"")]
    [InlineData("u Url @upcast(2, old, from: String)", "\"no address\"", "null")]
    public void What_the_field_could_not_hold_is_nothing(string field, string json, string expected) =>
        Assert.Equal(expected, Brought(field, 1, json));

    [Fact]
    public void Values_of_the_last_version_have_nothing_to_take()
    {
        AppSchema schema = Read("n Int @upcast(2, old + 1)");
        Assert.Null(FieldUpcasts.Of(schema, schema.Model("Doc").Fields[1], 2));
        Assert.NotNull(FieldUpcasts.Of(schema, schema.Model("Doc").Fields[1], 1));
    }

    static FieldUpcasts StepsOf(string field)
    {
        AppSchema schema = Read(field);
        return FieldUpcasts.Of(schema, schema.Model("Doc").Fields[1], 1) ?? throw new InvalidOperationException("nothing to bring");
    }

    [Fact]
    public void A_token_that_is_no_value_of_then_is_not_read()
    {
        FieldUpcasts steps = StepsOf("n Int @upcast(2, int(old), from: String)");
        Utf8JsonReader json = new("7"u8);
        json.Read();
        Assert.False(steps.TryRead(ref json, out _));
    }

    [Fact]
    public void A_step_that_takes_too_long_gives_nothing_with_a_reason()
    {
        FieldUpcasts steps =
            StepsOf("n String @upcast(2, old.split(\",\").map(a, old.split(\",\").map(b, a + b).join(\"\")).join(\"\"))");
        Assert.Equal("aa", steps.Bring(Value.From("a")).String);
        Value tooLong = steps.Bring(Value.From(string.Join(',', Enumerable.Repeat("x", Limits.UpcastCost / 10))));
        Assert.True(tooLong.IsNull);
        Assert.NotNull(tooLong.Reason);
    }
}
