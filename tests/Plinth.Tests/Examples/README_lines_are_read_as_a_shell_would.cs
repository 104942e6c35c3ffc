namespace Plinth.Examples;

public sealed class README_lines_are_read_as_a_shell_would
{
    [Fact]
    public void A_line_becomes_the_request_that_curl_sends()
    {
        ReadmeRequest read = ReadmeRequest.Parse("curl -s -G localhost:4747/api/cities --data-urlencode 'filter=a > 1' -d sort=-a   # 200");
        Assert.Equal((HttpMethod.Get, "/api/cities?filter=a%20%3E%201&sort=-a", 200), (read.Method, read.Target, read.Status));

        ReadmeRequest write = ReadmeRequest.Parse(
            """curl localhost:4747/api/books -H 'content-type: application/json' -d '{"title": "X"}' # 201""");
        Assert.Equal((HttpMethod.Post, "/api/books", """{"title": "X"}""", 201), (write.Method, write.Target, write.Body, write.Status));
        Assert.Equal([("content-type", "application/json")], write.Headers.ToArray());
    }

    [Theory]
    [InlineData("curl localhost:4747/api/books", "states no status")]
    [InlineData("curl localhost:4747/api/books?a=1&b=2 # 200", "means something to a shell")]
    [InlineData("curl 'localhost:4747/api/books?a[gte]=1' # 200", "need -g")]
    [InlineData("curl -k localhost:4747/api/books # 200", "-k is not known")]
    [InlineData("curl 'localhost:4747/api/books # 200", "not closed")]
    [InlineData("curl example.org/api/books # 200", "no address")]
    public void A_line_that_would_not_work_as_pasted_is_refused(string line, string reason) =>
        Assert.Contains(reason, Assert.Throws<FormatException>(() => ReadmeRequest.Parse(line)).Message, StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(All))]
    public void Every_README_starts_a_server_and_asks_it_something(string name)
    {
        var parts = Example.Readme(name);
        Assert.NotEmpty(parts);
        Assert.All(parts, part => Assert.NotEmpty(part.Requests));
    }

    public static TheoryData<string> All => Example.All;
}
