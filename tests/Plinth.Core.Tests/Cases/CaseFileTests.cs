namespace Plinth.Cases;

public class CaseFileTests
{
    const string Text = """
        # the owner reads his own
        # a remark
        -- schema -- model Note { id Int @id }
        -- rows Note --
        {"id":1}
        {"id":2}
        -- reply 200 --
        """;

    [Fact]
    public void A_section_may_start_on_its_own_line_or_below_and_may_be_empty()
    {
        CaseFile file = CaseFile.Parse("a.case", Text);
        Assert.Equal("the owner reads his own", file.Title);
        Assert.Equal("model Note { id Int @id }", file.Get("schema").Content);
        CaseSection rows = file.Get("rows");
        Assert.Equal(("Note", "{\"id\":1}\n{\"id\":2}", 4), (rows.Arguments, rows.Content, rows.Line));
        Assert.Equal(("200", ""), (file.Get("reply").Arguments, file.Get("reply").Content));
    }

    [Fact]
    public void A_case_is_written_as_it_was_read() => Assert.Equal(Text + "\n", CaseFile.Parse("a.case", Text).Write());

    [Fact]
    public void What_is_no_case_is_refused_with_its_line()
    {
        Assert.StartsWith("a.case:1", Assert.Throws<FormatException>(() => CaseFile.Parse("a.case", "-- schema -- x")).Message);
        Assert.StartsWith("a.case:2", Assert.Throws<FormatException>(() => CaseFile.Parse("a.case", "# t\nwhat")).Message);
        Assert.Throws<FormatException>(() => CaseFile.Parse("a.case", "# t\n-- odd -- x").AllowOnly("schema"));
    }

    [Theory]
    [InlineData("{\"a\":1,\"b\":[true,null]}", "{\"b\":[true,null],\"a\":1}", null)]
    [InlineData("{\"a\":1}", "{\"a\":1.0}", "$.a: expected 1, got 1.0")]
    [InlineData("{\"a\":1}", "{\"a\":1,\"b\":2}", "$: unexpected member 'b' = 2")]
    [InlineData("{\"a\":1,\"b\":2}", "{\"a\":1}", "$: the member 'b' is missing")]
    [InlineData("[1]", "[1,2]", "$: expected 1 items, got 2: [1,2]")]
    [InlineData("{\"a\":\"$any\"}", "{\"a\":[1]}", null)]
    [InlineData("{\"a\":\"$any\"}", "{}", "$: the member 'a' is missing")]
    [InlineData("\"$uuid\"", "\"0190e1f0-0000-7000-8000-000000000000\"", null)]
    [InlineData("\"$uuid\"", "\"0190e1f0\"", "$: expected $uuid, got '0190e1f0'")]
    [InlineData("\"$time\"", "\"2024-01-02T03:04:05.123456Z\"", null)]
    [InlineData("\"$time\"", "\"2024-01-02 03:04\"", "$: expected $time, got '2024-01-02 03:04'")]
    [InlineData("[\"$any x\",\"$any x\"]", "[1,2]", "$[1]: 'x' was '1' and is '2' here")]
    [InlineData("[\"$any x\",\"${x}\"]", "[\"1\",\"1\"]", null)]
    public void Json_matches_exactly_but_for_wildcards(string expected, string actual, string? difference) =>
        Assert.Equal(difference, new JsonMatch().Difference(expected, actual));
}
