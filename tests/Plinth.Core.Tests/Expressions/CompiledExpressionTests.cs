using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

public class CompiledExpressionTests
{
    static readonly Guid s_ada = new("01930e5c-7a00-7000-8000-000000000001");

    [Theory]
    [InlineData("true", "true", Truth.True, Truth.True)]
    [InlineData("true", "false", Truth.False, Truth.True)]
    [InlineData("true", "null", Truth.Unknown, Truth.True)]
    [InlineData("false", "null", Truth.False, Truth.Unknown)]
    [InlineData("null", "false", Truth.False, Truth.Unknown)]
    [InlineData("null", "true", Truth.Unknown, Truth.True)]
    [InlineData("null", "null", Truth.Unknown, Truth.Unknown)]
    internal void Logic_is_Kleenes(string a, string b, Truth and, Truth or)
    {
        string Operand(string value) => value == "null" ? "(score > 0)" : value;
        Assert.Equal(and, Expressing.Decide($"{Operand(a)} && {Operand(b)}"));
        Assert.Equal(or, Expressing.Decide($"{Operand(a)} || {Operand(b)}"));
    }

    [Theory]
    [InlineData("score == null", Truth.True)]
    [InlineData("null != score", Truth.False)]
    [InlineData("score == score", Truth.Unknown)]
    [InlineData("score != 1", Truth.Unknown)]
    [InlineData("!(score == 1)", Truth.Unknown)]
    [InlineData("auth == null", Truth.True)]
    [InlineData("auth.role == admin", Truth.Unknown)]
    [InlineData("auth.role == null", Truth.True)]
    [InlineData("has(auth.role)", Truth.False)]
    [InlineData("has(address.city)", Truth.False)]
    [InlineData("score in []", Truth.False)]
    [InlineData("score in [1]", Truth.Unknown)]
    [InlineData("(score > 0 ? true : true)", Truth.Unknown)]
    [InlineData("1 / 0 == 1", Truth.Unknown)]
    [InlineData("9223372036854775807 + 1 > 0", Truth.Unknown)]
    [InlineData("-9223372036854775808 % -1 == 0", Truth.Unknown)]
    [InlineData("1e308 * 10.0 > 1.0", Truth.Unknown)]
    [InlineData("(open ? 'abc' : 'abcd').substring(2, 9) == ''", Truth.Unknown)]
    [InlineData("9007199254740993 == 9007199254740992.0", Truth.False)]
    [InlineData("9007199254740993 > 9007199254740992.0", Truth.True)]
    [InlineData("-9223372036854775808 == -9223372036854775808.0", Truth.True)]
    [InlineData("9223372036854775807 < 9223372036854775808.0", Truth.True)]
    [InlineData("18446744073709551615u < 18446744073709551616.0", Truth.True)]
    [InlineData("1u == 1", Truth.True)]
    [InlineData("'\\U0001F600' > '\\uFB01'", Truth.True)]
    [InlineData("size('a\\U0001F600') == 2", Truth.True)]
    [InlineData("'a\\U0001F600b'.substring(1, 2) == '\\U0001F600'", Truth.True)]
    [InlineData("'\\U0001F600'.matches('^.$')", Truth.True)]
    [InlineData("'\\U0001F600'.matches('^[^a]$')", Truth.True)]
    [InlineData("'a\\n'.matches('^a$')", Truth.False)]
    [InlineData("'٣'.matches('\\\\d')", Truth.False)]
    [InlineData("timestamp('2024-02-29T12:30:00Z').getDayOfWeek() == 4", Truth.True)]
    [InlineData("timestamp('1969-12-31T23:59:59.999999Z').getSeconds() == 59", Truth.True)]
    [InlineData("timestamp('2024-02-29T23:30:00Z').getDate('+02:00') == 1", Truth.True)]
    [InlineData("duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90", Truth.True)]
    [InlineData("timestamp('9999-12-31T23:59:59Z') + duration('1s') > now", Truth.Unknown)]
    [InlineData("decimal('1.20') == decimal('1.2')", Truth.True)]
    [InlineData("decimal('1.25') * 2 == decimal('2.5')", Truth.True)]
    [InlineData("string(duration('90s')) == '90s'", Truth.True)]
    [InlineData("[1, 2, 3].filter(x, x > 1).map(x, x * 2) == [4, 6]", Truth.True)]
    [InlineData("[1, 2].exists_one(x, x > 1)", Truth.True)]
    [InlineData("{'a': 1}['a'] == 1", Truth.True)]
    [InlineData("'a' in {'a': 1}", Truth.True)]
    [InlineData("1.0 / 0.0 > 0.0", Truth.Unknown)]
    [InlineData("double(open ? 'NaN' : 'Infinity') == 1.0", Truth.Unknown)]
    [InlineData("timestamp('2024-01-01T00:00:00.000000999Z') == timestamp('2024-01-01T00:00:00Z')", Truth.True)]
    [InlineData("duration('-999ns') == duration('0s')", Truth.True)]
    [InlineData("(open ? '' : 'a').replace('', 'x') == ''", Truth.Unknown)]
    [InlineData("timestamp('2024-07-01T12:00:00Z').getHours('Europe/Berlin') == 14", Truth.True)]
    [InlineData("timestamp('2024-01-01T12:00:00Z').getHours('Europe/Berlin') == 13", Truth.True)]
    [InlineData("optional.of(score).hasValue()", Truth.Unknown)]
    [InlineData("cel.bind(x, 1 / 0, true || x == 1)", Truth.True)]
    [InlineData("address.?city.hasValue()", Truth.False)]
    [InlineData("address.?city.orValue('none') == 'none'", Truth.True)]
    [InlineData("[1, 1 / 0].size() == 2", Truth.True)]
    [InlineData("[1, 2].transformMap(i, v, v * 2)[1] == 4", Truth.True)]
    [InlineData("type(1) == int && type(now) == timestamp", Truth.True)]
    [InlineData("'%.2f'.format([1.005]) == '1.00'", Truth.True)]
    [InlineData("math.greatest(1, 2, 3) == 3 && math.bitXor(5, 3) == 6", Truth.True)]
    internal void A_value_is_decided(string text, Truth expected) => Assert.Equal(expected, Expressing.Decide(text));

    [Theory]
    [InlineData("tags.exists(t, t == 'b')", Truth.True)]
    [InlineData("tags.all(t, t < 'b')", Truth.False)]
    [InlineData("'c' in tags", Truth.False)]
    [InlineData("tags[1] == 'b'", Truth.True)]
    [InlineData("tags[2] == 'b'", Truth.Unknown)]
    [InlineData("address.zip == 7 && address.city == null", Truth.True)]
    [InlineData("blocks.exists(b, b.type == 'Call' && b.minutes > 2)", Truth.True)]
    [InlineData("blocks.exists(b, b.minutes > 5)", Truth.Unknown)]
    [InlineData("data.a.b[1] == 2", Truth.True)]
    [InlineData("data.a.b == [1, 2]", Truth.True)]
    [InlineData("data.x == 'y'", Truth.Unknown)]
    [InlineData("data.flag == 1", Truth.False)]
    [InlineData("data.flag == true", Truth.True)]
    [InlineData("has(data.none)", Truth.True)]
    [InlineData("data.none == null", Truth.True)]
    [InlineData("has(data.x)", Truth.False)]
    internal void What_JSON_holds_is_looked_into(string text, Truth expected)
    {
        static Value Json(string text) => Value.FromJson(System.Text.Encoding.UTF8.GetBytes(text));
        Value[] row = Expressing.Row(("tags", Json("""["a","b"]""")), ("address", Json("""{"street":"x","zip":7}""")),
            ("blocks", Json("""[{"type":"Remark","text":"x"},{"type":"Call","text":"y","minutes":3}]""")),
            ("data", Json("""{"a":{"b":[1,2]},"flag":true,"none":null}""")));
        Assert.Equal(expected, Expressing.Decide(text, row));
    }

    [Fact]
    public void A_loop_over_records_asks_the_source_of_relations()
    {
        Value[] row = Expressing.Row(("companyId", Value.From(1L)));
        Value[][] deals = [Expressing.Row(("score", Value.From(5L))), Expressing.Row()];
        CompiledExpression any = CompiledExpression.Compile(Expressing.Check("company.deals.exists(d, d.score == 5)"));
        CompiledExpression all = CompiledExpression.Compile(Expressing.Check("company.deals.all(d, d.score == 5)"));
        EvaluationContext context = new()
        {
            Row = row,
            Related = (relation, _) => relation.Name == "company" ? [[Value.From(1L), Value.From("Acme")]] : deals,
        };
        Assert.Equal(Truth.True, any.Decide(context));
        Assert.Equal(Truth.Unknown, all.Decide(context));
    }

    [Fact]
    public void Loops_are_bounded()
    {
        string list = "[" + string.Join(',', Enumerable.Range(0, 90)) + "]";
        string text = $"{list}.all(a, {list}.all(b, {list}.all(c, a + b + c >= 0 || open)))";
        CompiledExpression expression = CompiledExpression.Compile(Expressing.Check(text));
        Assert.Throws<ExpressionCostException>(() => expression.Decide(new EvaluationContext { Row = Expressing.Row() }));
    }

    [Fact]
    public void A_typical_rule_allocates_nothing()
    {
        CompiledExpression rule = CompiledExpression.Compile(Expressing.Check(
            "auth.role in [admin, manager] || (owner.id == auth.id && score * 2 >= 10 && title.startsWith('A') && createdAt < now "
                + "&& 'x' in tags)"));
        EvaluationContext context = new()
        {
            Row = Expressing.Row(("ownerId", Value.From(s_ada)), ("score", Value.From(11L)), ("title", Value.From("Ada")),
                ("createdAt", Value.FromDateTime(1)), ("tags", Value.FromJson("[\"a\",\"x\"]"u8.ToArray()))),
            Auth = Expressing.Auth(("id", Value.From(s_ada)), ("role", Value.From("sales"))),
            NowMicroseconds = 2,
        };
        for (int i = 0; i < 100; i++) Assert.Equal(Truth.True, rule.Decide(context));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) rule.Decide(context);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
