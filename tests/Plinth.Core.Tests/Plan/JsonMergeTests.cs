using System.Text;

namespace Plinth.Plan;

/// <summary>The examples of RFC 7396, appendix A, whose patches are objects.</summary>
public sealed class JsonMergeTests
{
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""["a","b"]""", """{"a":"b"}""", """{"a":"b"}""")]
    [InlineData("\"foo\"", """{"a":1,"b":null}""", """{"a":1}""")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [InlineData("", """{"a":{"b":1}}""", """{"a":{"b":1}}""")]
    public void A_patch_changes_what_it_names_and_nothing_else(string target, string patch, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(JsonMerge.Apply(Encoding.UTF8.GetBytes(target), Encoding.UTF8.GetBytes(patch))));
}
