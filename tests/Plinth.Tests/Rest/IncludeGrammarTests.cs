using System.Collections.Immutable;
using Plinth.Plan;
using Plinth.Text;

namespace Plinth.Rest;

public class IncludeGrammarTests
{
    static string Text(ImmutableArray<IncludeRequest> includes) => string.Join(" ", includes.Select(i =>
        $"{i.Relation}[{i.Limit};{string.Join(',', i.Sort.Select(s => (s.Descending ? "-" : "") + s.Field))};"
        + $"{string.Join(',', i.Select)};{i.Filter};{Text(i.Include)}]"));

    [Theory]
    [InlineData("author", "author[;;;;]")]
    [InlineData("author,comments", "author[;;;;] comments[;;;;]")]
    [InlineData("comments(limit:5,sort:-createdAt+id,select:id+text)", "comments[5;-createdAt,id;id,text;;]")]
    [InlineData("comments(select:id text)", "comments[;;id,text;;]")]
    [InlineData("a(include:b+c(include:d))", "a[;;;;b[;;;;] c[;;;;d[;;;;]]]")]
    [InlineData("a(filter:x == \"),(\" && f(1, [2, 3]),limit:1),b", "a[1;;;x == \"),(\" && f(1, [2, 3]);] b[;;;;]")]
    [InlineData("a(filter:x == 'it\\'s)')", "a[;;;x == 'it\\'s)';]")]
    [InlineData("a(sort:b.name)", "a[;b.name;;;]")]
    public void Includes_are_read_at_any_level(string text, string expected) =>
        Assert.Equal(expected, Text(IncludeGrammar.Parse(text, Limits.Default).Value));

    [Theory]
    [InlineData("", 1)]
    [InlineData(",a", 1)]
    [InlineData("a,", 3)]
    [InlineData("a b", 2)]
    [InlineData("a(", 3)]
    [InlineData("a()", 3)]
    [InlineData("a(limit:x)", 9)]
    [InlineData("a(limit:5", 10)]
    [InlineData("a(limit:5))", 11)]
    [InlineData("a(limt:5)", 3)]
    [InlineData("a(limit:1,limit:2)", 11)]
    [InlineData("a(select:)", 10)]
    [InlineData("a(filter:)", 10)]
    [InlineData("a(filter:'x)", 10)]
    [InlineData("a,a", 4)]
    public void A_mistake_is_named_with_its_column(string text, int column)
    {
        Fault fault = IncludeGrammar.Parse(text, Limits.Default).Fault!;
        Assert.Equal("malformed_parameter", fault.Code);
        Assert.StartsWith($"include, column {column}: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_and_number_are_bounded()
    {
        Limits limits = Limits.Default with { IncludeDepth = 2, Includes = 3 };
        Assert.True(IncludeGrammar.Parse("a(include:b),c", limits).IsOk);
        Assert.Equal("limit_exceeded", IncludeGrammar.Parse("a(include:b(include:c))", limits).Fault!.Code);
        Assert.Equal("limit_exceeded", IncludeGrammar.Parse("a,b,c,d", limits).Fault!.Code);
        string deep = string.Concat(Enumerable.Repeat("a(include:", 100_000));
        Assert.Equal("limit_exceeded", IncludeGrammar.Parse(deep, Limits.Default).Fault!.Code);
    }

    [Fact]
    public void Noise_is_answered_and_never_thrown()
    {
        int seed = Counts.Seed();
        Random random = new(seed);
        const string Alphabet = "ab(),:+- '\"\\[]{}15limitsortselectfilterinclude.";
        int accepted = 0, count = Counts.Of(test: 20_000, soak: 2_000_000);
        for (int i = 0; i < count; i++)
        {
            string text = string.Create(random.Next(40), random, (to, r) =>
            {
                for (int j = 0; j < to.Length; j++) to[j] = Alphabet[r.Next(Alphabet.Length)];
            });
            try
            {
                if (IncludeGrammar.Parse(text, Limits.Default).IsOk) accepted++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, text '{text}': {e}");
            }
        }
        Counts.Report("include grammar, noise", count, seed, $"{accepted} accepted");
        Assert.InRange(accepted, 1, count - 1);
    }
}
