using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

/// <summary>What an expression may cost: estimated when it is read, counted while it runs.</summary>
public class ExpressionCostTests
{
    [Theory]
    [InlineData("title == 'x'", 10)]
    [InlineData("tags.exists(t, t == 'x')", 1_000)]
    [InlineData("tags.exists(t, auth.teams.exists(u, u == t))", 100_000)]
    [InlineData("[1, 2].all(a, [1, 2].all(b, a + b > 0))", 50)]
    [InlineData("cel.bind(l, [1, 2], l.all(a, l.all(b, a + b > 0)))", 60)]
    public void The_estimate_counts_what_is_written_and_assumes_the_rest(string text, long atMost) =>
        Assert.InRange(CostEstimate.Of(Expressing.Check(text).Root), atMost / 20, atMost);

    [Fact]
    public void An_expression_that_may_cost_too_much_is_refused_before_it_runs()
    {
        const string Text = "tags.all(a, tags.all(b, tags.all(c, tags.all(d, a + b + c + d != title))))";
        Diagnostic refused = Assert.Single(Expressing.Read(Text).Diagnostics);
        Assert.Equal("limit_exceeded", refused.Code);
        Assert.Equal("limits.expressionEstimate", refused.Hint);
        Assert.NotNull(Expressing.Read(Text, limits: Limits.Default with { ExpressionEstimate = long.MaxValue }).Expression);
    }

    [Fact]
    public void What_the_binder_admitted_under_wider_bounds_is_not_judged_again()
    {
        SourceText source = new("rule", "tags.all(a, tags.all(b, tags.all(c, tags.all(d, a + b + c + d != title))))");
        Condition condition = new(source.Text, source, new Span(0, source.Text.Length));
        Assert.Equal(CelKind.Bool, CheckedExpression.Of(condition, Expressing.Rule).Type.Kind);
    }

    /// <summary>Each doubles what it is given: unbounded, ten lines of it would fill any memory.</summary>
    [Theory]
    [InlineData("{0} + {0}", "title")]
    [InlineData("{0} + {0}", "tags")]
    [InlineData("[{0}, {0}]", "tags")]
    [InlineData("{0}.replace('a', 'aa')", "title")]
    [InlineData("[{0}, {0}].join('-')", "title")]
    [InlineData("'%s %s'.format([{0}, {0}])", "title")]
    public void What_grows_without_end_runs_into_the_bound(string step, string seed)
    {
        string text = "size(x40) > 0";
        for (int i = 40; i > 0; i--) text = $"cel.bind(x{i}, {step.Replace("{0}", $"x{i - 1}", StringComparison.Ordinal)}, {text})";
        text = $"cel.bind(x0, {seed}, {text})";
        if (step[0] == '[' && seed == "tags") text = text.Replace("size(x40) > 0", "x40 == x40", StringComparison.Ordinal);
        CompiledExpression expression = CompiledExpression.Compile(Expressing.Check(text));
        Value[] row = Expressing.Row(("title", Value.From(new string('a', 100))), ("tags", Value.FromJson("[\"a\",\"b\"]"u8.ToArray())));
        Assert.Throws<ExpressionCostException>(() => expression.Evaluate(new EvaluationContext { Row = row }));
    }

    [Fact]
    public void A_pattern_takes_time_in_proportion_to_the_text()
    {
        CompiledExpression expression = CompiledExpression.Compile(Expressing.Check("title.matches('^(a+)+$')"));
        Value[] row = Expressing.Row(("title", Value.From(new string('a', 20_000) + "b")));
        // A backtracking matcher would not end in the lifetime of the machine.
        Assert.Equal(Truth.False, expression.Decide(new EvaluationContext { Row = row }));
    }
}
