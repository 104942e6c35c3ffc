using Plinth.Schema;

namespace Plinth.Expressions;

public class FoldingTests
{
    static readonly Guid s_ada = new("01930e5c-7a00-7000-8000-000000000001");

    [Theory]
    [InlineData("auth != null", null, "Boolean=\"false\":bool")]
    [InlineData("auth.role == admin || open", "sales", "@.open")]
    [InlineData("auth.role == admin || open", "admin", "Boolean=\"true\":bool")]
    [InlineData("auth.role == admin && open", "sales", "Boolean=\"false\":bool")]
    [InlineData("auth.role == admin && open", null, "&(@.open,Null=\"null\":bool)")]
    [InlineData("!(auth.role == admin) && open", "sales", "@.open")]
    [InlineData("(auth.role == admin ? score > 1 : open)", "sales", "@.open")]
    [InlineData("score == null && auth.role == admin", "admin", "null(@.score)")]
    [InlineData("open && now > createdAt", null, "&(@.open,Greater:bool(DateTime=\"7\":timestamp,@.createdAt))")]
    [InlineData("auth.teams.exists(t, t == title && auth.role == admin)", "sales", "Boolean=\"false\":bool")]
    [InlineData("tags.exists(t, t == 'x' && auth.role == admin)", "admin", "Exists:0(@.tags,Equal:bool(v0,String=\"x\":string))")]
    [InlineData("title in auth.teams", "sales", "in(@.title,list(String=\"x\":string,String=\"y\":string))")]
    [InlineData("title in auth.teams", null, "Null=\"null\":bool")]
    public void The_callers_part_becomes_its_value(string text, string? role, string shape) =>
        Assert.Equal(shape, ShapeKey.Of(Fold(text, role, truthOnly: false)));

    [Theory]
    [InlineData("auth.role == admin && open", "Boolean=\"false\":bool")]
    [InlineData("auth.role == admin || open", "@.open")]
    [InlineData("!(auth.role == admin) || open", "@.open")]
    [InlineData("!(auth.role == admin && open)", "!(@.open)")]
    [InlineData("auth.id == owner.id", "Boolean=\"false\":bool")]
    [InlineData("title in auth.teams", "Boolean=\"false\":bool")]
    public void Where_only_truth_counts_unknown_is_false(string text, string shape)
    {
        string folded = ShapeKey.Of(Fold(text, role: null, truthOnly: true));
        // Of a negation whose inside is unknown for the caller nothing can become true but by the rest being false.
        Assert.Equal(shape, folded);
    }

    [Fact]
    public void Folding_keeps_the_meaning()
    {
        string[] texts =
        [
            "auth.role == admin || owner.id == auth.id", "!(auth.role == admin && open) || score > 1", "auth == null ? open : score > 0",
            "auth.teams.exists(t, t == title)", "auth.teams.all(t, t != title && open)", "title in auth.teams && !open",
            "score in [1, 2] || auth.role in [sales]", "has(auth.role) && auth.role != manager || open",
        ];
        foreach (string text in texts)
        {
            CheckedExpression whole = Expressing.Check(text);
            foreach (string? role in new[] { null, "admin", "sales" })
            {
                CheckedExpression exact = Fold(text, role, truthOnly: false), truth = Fold(text, role, truthOnly: true);
                foreach (Value[] row in Rows())
                {
                    EvaluationContext context = Context(role, row);
                    Truth expected = CompiledExpression.Compile(whole).Decide(context);
                    Assert.Equal(expected, CompiledExpression.Compile(exact).Decide(context));
                    Assert.Equal(expected == Truth.True, CompiledExpression.Compile(truth).IsTrue(context));
                }
            }
        }
    }

    [Fact]
    public void Texts_that_differ_in_values_share_a_shape()
    {
        var (a, first) = LiteralLifter.Lift(Expressing.Check("score > 1 && title == 'x' && score in [1, 2]"));
        var (b, second) = LiteralLifter.Lift(Expressing.Check("score > 7 && title == 'yy' && score in [3, 4]"));
        Assert.Equal(ShapeKey.Of(a), ShapeKey.Of(b));
        Assert.Equal<Value>([Value.From(1L), Value.From("x"), Value.From(1L), Value.From(2L)], first);
        Assert.Equal<Value>([Value.From(7L), Value.From("yy"), Value.From(3L), Value.From(4L)], second);
    }

    [Theory]
    [InlineData("score > 1", "score >= 1")]
    [InlineData("score == 1", "score == null")]
    [InlineData("score in [1]", "score in [1, 2]")]
    [InlineData("open == true", "open == false")]
    [InlineData("amount > decimal('1.5')", "amount > decimal('1.555')")]
    [InlineData("tags[0] == 'x'", "tags[1] == 'x'")]
    [InlineData("data.a == 'x'", "data.b == 'x'")]
    [InlineData("title.matches('a')", "title.matches('b')")]
    [InlineData("score > 1", "score > 5000000000")]
    public void Texts_that_need_other_SQL_have_another_shape(string a, string b) => Assert.NotEqual(
        ShapeKey.Of(LiteralLifter.Lift(Expressing.Check(a)).Shape), ShapeKey.Of(LiteralLifter.Lift(Expressing.Check(b)).Shape));

    static CheckedExpression Fold(string text, string? role, bool truthOnly) =>
        PartialEvaluator.Fold(Expressing.Check(text), Context(role, null), truthOnly);

    static EvaluationContext Context(string? role, Value[]? row) => new()
    {
        Row = row,
        NowMicroseconds = 7,
        Auth = role is null ? Value.Null : Expressing.Auth(("id", Value.From(s_ada)), ("role", Value.From(role)),
            ("teams", Value.FromList(Value.From("x"), Value.From("y")))),
    };

    static IEnumerable<Value[]> Rows()
    {
        foreach (bool open in new[] { true, false })
        {
            foreach (Value score in new[] { Value.Null, Value.From(1L), Value.From(5L) })
            {
                foreach (string title in new[] { "x", "z" })
                {
                    yield return Expressing.Row(("open", Value.From(open)), ("score", score), ("title", Value.From(title)),
                        ("ownerId", Value.From(title == "x" ? s_ada : Guid.Empty)));
                }
            }
        }
    }
}
