using Plinth.Http;
using Plinth.Plan;
using Plinth.Text;

namespace Plinth.Rest;

public class ReadParametersTests
{
    static Result<ReadRequest> List(string query)
    {
        var split = QueryString.Split(query, Limits.Default);
        return split.IsOk ? ReadParameters.List(SampleSchema.Note, split.Value, Limits.Default) : split.Fault;
    }

    [Fact]
    public void A_list_takes_each_parameter_into_its_place()
    {
        ReadRequest request = List(
            "filter=score%20%3E%3D%2010&sort=-score,text:de&limit=5&offset=10&select=id,text&include=author(select:id+name)"
            + "&count=exact&search=some+words&trashed=with&text=a%2Cb&score[gte]=3&author.name[starts]=A").Value;
        Assert.Equal("score >= 10", request.Filter);
        Assert.Equal<SortKey>([new SortKey("score", true), new SortKey("text", false, "de")], request.Sort);
        Assert.Equal((5, 10), (request.Limit, request.Offset));
        Assert.Equal<string>(["id", "text"], request.Select);
        Assert.Equal("author", request.Include.Single().Relation);
        Assert.Equal<string>(["id", "name"], request.Include.Single().Select);
        Assert.Equal((CountMode.Exact, TrashMode.With, "some words"), (request.Count, request.Trashed, request.Search));
        Assert.Equal<ShortFilter>([new ShortFilter("text", "eq", "a,b"), new ShortFilter("score", "gte", "3"),
            new ShortFilter("author.name", "starts", "A")], request.ShortFilters);
    }

    [Theory]
    [InlineData("lmit=1", "unknown_parameter", "did you mean 'limit'?")]
    [InlineData("secret=x", "unknown_parameter", null)]
    [InlineData("asOf=", "malformed_parameter", null)]
    [InlineData("scroe[gte]=1", "unknown_parameter", "did you mean 'score'?")]
    [InlineData("score[near]=1", "malformed_parameter", null)]
    [InlineData("limit=1&limit=2", "malformed_parameter", null)]
    [InlineData("score=1&score=2", "malformed_parameter", "for one of several values write field[in]=a,b")]
    [InlineData("limit=-1", "malformed_parameter", null)]
    [InlineData("limit=99999999999", "malformed_parameter", null)]
    [InlineData("limit=", "malformed_parameter", null)]
    [InlineData("filter=", "malformed_parameter", null)]
    [InlineData("count=some", "malformed_parameter", null)]
    [InlineData("trashed=no", "malformed_parameter", null)]
    [InlineData("select=id,,text", "malformed_parameter", null)]
    [InlineData("select=id,id", "malformed_parameter", null)]
    [InlineData("after=a&before=b", "malformed_parameter", null)]
    [InlineData("after=a&offset=1", "malformed_parameter", null)]
    [InlineData("text=%zz", "malformed_parameter", null)]
    [InlineData("text=%00", "malformed_parameter", null)]
    [InlineData("text=%ED%A0%80", "malformed_parameter", null)]
    [InlineData("%ff=1", "malformed_parameter", null)]
    [InlineData("sort=a,b,c,d,e,f,g,h,i", "limit_exceeded", null)]
    public void What_cannot_be_taken_is_refused_by_name(string query, string code, string? hint)
    {
        Fault fault = List(query).Fault!;
        Assert.Equal(code, fault.Code);
        if (hint is not null) Assert.Equal(hint, fault.Hint);
    }

    [Fact]
    public void One_parameter_over_the_limit_is_too_many()
    {
        string at = string.Join('&', Enumerable.Range(0, Limits.Default.Parameters).Select(i => $"p{i}=1"));
        Assert.Equal("unknown_parameter", List(at).Fault!.Code);
        Assert.Equal("limit_exceeded", List(at + "&q=1").Fault!.Code);
    }

    [Fact]
    public void A_filter_is_bounded_in_bytes_and_not_in_characters()
    {
        Limits limits = Limits.Default with { FilterBytes = 4 };
        Assert.True(ReadParameters.List(SampleSchema.Note, [new("filter", "aaaa")], limits).IsOk);
        Assert.Equal("limit_exceeded", ReadParameters.List(SampleSchema.Note, [new("filter", "äää")], limits).Fault!.Code);
    }

    [Fact]
    public void An_aggregate_counts_when_nothing_else_is_asked()
    {
        ReadRequest request = ReadParameters.Aggregate(
            SampleSchema.Note, [new("groupBy", "authorId"), new("sum", "score,id")], Limits.Default).Value;
        Assert.Equal<string>(["authorId"], request.Aggregate!.GroupBy);
        Assert.False(request.Aggregate.Count);
        Assert.Equal<AggregateTerm>([new AggregateTerm("sum", "score"), new AggregateTerm("sum", "id")], request.Aggregate.Terms);
        Assert.True(ReadParameters.Aggregate(SampleSchema.Note, [], Limits.Default).Value.Aggregate!.Count);
        Assert.True(ReadParameters.Aggregate(SampleSchema.Note, [new("count", "")], Limits.Default).Value.Aggregate!.Count);
        Assert.Equal("unknown_parameter", ReadParameters.Aggregate(SampleSchema.Note, [new("limit", "1")], Limits.Default).Fault!.Code);
    }

    [Fact]
    public void A_record_takes_no_filters()
    {
        Assert.Equal("unknown_parameter", ReadParameters.One(SampleSchema.Note, [new("text", "a")], ["1"], Limits.Default).Fault!.Code);
        Assert.Equal<string>(["text"], ReadParameters.One(SampleSchema.Note, [new("select", "text")], ["1"], Limits.Default).Value.Select);
    }

    [Theory]
    [InlineData("""{"filter":"a","limit":5,"sort":["-a","b"],"score[in]":[1,2],"include":["author","notes(limit:1,select:id)"],"x":true}""",
        "filter=a|limit=5|sort=-a,b|score[in]=1,2|include=author,notes(limit:1,select:id)|x=true")]
    [InlineData("{}", "")]
    public void A_body_names_the_same_parameters(string json, string expected)
    {
        var parsed = QueryBody.Parse(System.Text.Encoding.UTF8.GetBytes(json), Limits.Default);
        Assert.Equal(expected, string.Join('|', parsed.Value.Select(p => $"{p.Name}={p.Text}")));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"filter":null}""")]
    [InlineData("""{"filter":{}}""")]
    [InlineData("""{"score[in]":["a,b"]}""")]
    [InlineData("""{"a":"\u0000"}""")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a":[[1]]}""")]
    [InlineData("{} {}")]
    public void A_body_of_another_shape_is_refused(string json) =>
        Assert.Equal("malformed_body", QueryBody.Parse(System.Text.Encoding.UTF8.GetBytes(json), Limits.Default).Fault!.Code);
}
