using System.Globalization;
using Plinth.Schema;

namespace Plinth.Expressions;

/// <summary>The narrow steps of a bound environment give what the operations give, edges and nulls included.</summary>
public class NarrowStepTests
{
    static readonly long[] s_edges =
        [0, 1, -1, 2, 7, -10, 3037000500, -3037000500, long.MaxValue, long.MinValue, long.MaxValue - 1, 1L << 32];

    [Theory]
    [InlineData("+", nameof(CelFunction.Add))]
    [InlineData("-", nameof(CelFunction.Subtract))]
    [InlineData("*", nameof(CelFunction.Multiply))]
    [InlineData("/", nameof(CelFunction.Divide))]
    [InlineData("%", nameof(CelFunction.Modulo))]
    [InlineData("<", nameof(CelFunction.Less))]
    [InlineData("<=", nameof(CelFunction.LessOrEqual))]
    [InlineData(">", nameof(CelFunction.Greater))]
    [InlineData(">=", nameof(CelFunction.GreaterOrEqual))]
    [InlineData("==", nameof(CelFunction.Equal))]
    [InlineData("!=", nameof(CelFunction.NotEqual))]
    public void Ints(string symbol, string function)
    {
        CelFunction operation = Enum.Parse<CelFunction>(function);
        CompiledExpression fields = CompiledExpression.Compile(Expressing.Check($"score {symbol} company.id"));
        foreach (long a in s_edges)
        {
            foreach (long b in s_edges)
            {
                Value expected = Operations.Apply(operation, Value.From(a), Value.From(b));
                string literal = b.ToString(CultureInfo.InvariantCulture);
                CompiledExpression written = CompiledExpression.Compile(Expressing.Check($"score {symbol} {literal}"));
                Value[] row = Expressing.Row(("score", Value.From(a)), ("companyId", Value.From(b)));
                Assert.Equal(expected, fields.Evaluate(new EvaluationContext { Row = row }));
                Assert.Equal(expected, written.Evaluate(new EvaluationContext { Row = row }));
            }
        }
        Assert.True(fields.Evaluate(new EvaluationContext { Row = Expressing.Row(("score", Value.From(1L))) }).IsNull);
        Assert.True(fields.Evaluate(new EvaluationContext { Row = Expressing.Row(("companyId", Value.From(1L))) }).IsNull);
    }

    [Theory]
    [InlineData("'b' in tags", "[\"a\",\"b\"]", Truth.True)]
    [InlineData("'c' in tags", "[\"a\",\"b\"]", Truth.False)]
    [InlineData("'c' in tags", "[]", Truth.False)]
    [InlineData("title in tags", "[]", Truth.False)]
    [InlineData("title in tags", "[\"a\"]", Truth.Unknown)]
    [InlineData("'\u00e9\"' in tags", "[\"\\u00e9\\\"\"]", Truth.True)]
    [InlineData("tags.exists(t, t == 'b')", "[\"a\",\"b\"]", Truth.True)]
    [InlineData("tags.exists(t, 'c' == t)", "[\"a\",\"b\"]", Truth.False)]
    [InlineData("tags.exists(t, t == title)", "[\"a\"]", Truth.Unknown)]
    [InlineData("tags.exists(t, t == t)", "[\"a\"]", Truth.True)]
    internal void Stored_lists_of_texts_are_searched_where_they_lie(string text, string list, Truth expected)
    {
        Value[] row = Expressing.Row(("tags", Value.FromJson(System.Text.Encoding.UTF8.GetBytes(list))));
        Assert.Equal(expected, Expressing.Decide(text, row));
    }

    [Theory]
    [InlineData("title.contains('da')", Truth.True)]
    [InlineData("title.startsWith('Ad') && title.endsWith('a')", Truth.True)]
    [InlineData("title != 'Ada' || title == 'Eve'", Truth.False)]
    [InlineData("title.size() == 3", Truth.True)]
    [InlineData("title in ['Eve', 'Ada']", Truth.True)]
    [InlineData("title in ['Eve']", Truth.False)]
    internal void Texts(string text, Truth expected)
    {
        Assert.Equal(expected, Expressing.Decide(text, Expressing.Row(("title", Value.From("Ada")))));
        Assert.Equal(Truth.Unknown, Expressing.Decide(text));
    }
}
