using Plinth.Schema;

namespace Plinth.Plan;

public sealed class ValueChecksTests
{
    [Theory]
    [InlineData(null, 1.5, 1.5, null)]
    [InlineData(null, 1.5, 1.6, "must be at most 1.5")]
    [InlineData(-1.5, null, -1.5, null)]
    [InlineData(-1.5, null, -1.6, "must be at least -1.5")]
    [InlineData(0.1, 0.2, 0.1, null)]
    [InlineData(0.1, 0.2, 0.3, "must be from 0.1 to 0.2")]
    public void A_float_is_in_its_range_with_its_ends(double? min, double? max, double value, string? problem) =>
        Assert.Equal(problem, new RangeCheck((decimal?)min, (decimal?)max).Problem(Value.From(value)));

    [Theory]
    [InlineData(null, 5, 5, null)]
    [InlineData(null, 5, 6, "must be at most 5")]
    [InlineData(5, null, 4, "must be at least 5")]
    [InlineData(1, 5, 0, "must be from 1 to 5")]
    public void A_whole_number_is_in_its_range(int? min, int? max, long value, string? problem) =>
        Assert.Equal(problem, new RangeCheck(min, max).Problem(Value.From(value)));

    [Theory]
    [InlineData(2, 2, "a", "must have exactly 2 characters, has 1")]
    [InlineData(2, 3, "a", "must have 2 to 3 characters, has 1")]
    [InlineData(2, null, "a", "must have at least 2 characters, has 1")]
    [InlineData(null, 2, "abc", "must have at most 2 characters, has 3")]
    [InlineData(null, 2, "ab", null)]
    public void A_length_is_told_with_its_bound(int? min, int? max, string text, string? problem) =>
        Assert.Equal(problem, new LengthCheck(min, max).Problem(Value.From(text)));

    [Theory]
    [InlineData("a@b.co", true)]
    [InlineData("a.b+c@d-e.f.org", true)]
    [InlineData("grüße@straße.de", true)]
    [InlineData("a@b", false)]
    [InlineData("@b.co", false)]
    [InlineData("a..b@c.de", false)]
    [InlineData("a@-b.co", false)]
    [InlineData("a@b-.co", false)]
    [InlineData("a@b.c0", false)]
    [InlineData("a b@c.de", false)]
    [InlineData("a\u0085b@c.de", false)]
    [InlineData("a\u00a0b@c.de", false)]
    [InlineData("a@b_c.de", false)]
    public void An_address_is_pragmatic(string text, bool isEmail) =>
        Assert.Equal(isEmail, new EmailCheck().Problem(Value.From(text)) is null);

    [Fact]
    public void An_address_has_bounds()
    {
        Assert.NotNull(new EmailCheck().Problem(Value.From(new string('a', 65) + "@b.co")));
        Assert.NotNull(new EmailCheck().Problem(Value.From("a@" + new string('b', 64) + ".co")));
        Assert.NotNull(new EmailCheck().Problem(Value.From("a@" + string.Concat(Enumerable.Repeat("bcd.", 70)) + "co")));
    }

    [Fact]
    public void A_list_of_documents_is_a_document()
    {
        Value[] items = [Value.FromJson("{}"u8.ToArray()), Value.FromJson("1"u8.ToArray())];
        Value list = WireJson.List(new ScalarFieldType(Schema.Types.JsonType.It), items);
        Assert.Equal("[{},1]", System.Text.Encoding.UTF8.GetString(list.Json));
    }
}
