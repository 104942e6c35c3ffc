using System.Collections.Immutable;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

public class CelParserTests
{
    [Theory]
    [InlineData("1", "1")]
    [InlineData("-1", "-1")]
    [InlineData("- 1", "-1")]
    [InlineData("-9223372036854775808", "-9223372036854775808")]
    [InlineData("0xFF", "255")]
    [InlineData("7u", "7u")]
    [InlineData("1.5e2", "150.0")]
    [InlineData(".5", "0.5")]
    [InlineData("'a'", "\"a\"")]
    [InlineData("\"\"\"a\n\"b\"\"\"\"", null)]
    [InlineData("'''a\n'b'''", "\"a\n'b\"")]
    [InlineData("r'\\n'", "\"\\n\"")]
    [InlineData("'\\x41\\101\\u00e9\\U0001F600\\n'", "\"AAé\U0001F600\n\"")]
    [InlineData("b'\\xff\\377a'", "bytes(255,255,97)")]
    [InlineData("null", "null")]
    [InlineData("[1, 2,]", "[1, 2]")]
    [InlineData("{'a': 1}", "{\"a\": 1}")]
    public void A_literal_is_read(string text, string? shown) => Assert.Equal(shown, Shown(text));

    [Theory]
    [InlineData("a || b && c", "(a || (b && c))")]
    [InlineData("a && b || c", "((a && b) || c)")]
    [InlineData("a == b && c < d", "((a == b) && (c < d))")]
    [InlineData("1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)")]
    [InlineData("a - b - c", "((a - b) - c)")]
    [InlineData("a / b % c", "((a / b) % c)")]
    [InlineData("!a && -b < c", "(!a && (-b < c))")]
    [InlineData("a ? b : c ? d : e", "(a ? b : (c ? d : e))")]
    [InlineData("a in b == c", "((a in b) == c)")]
    [InlineData("(a || b) && c", "((a || b) && c)")]
    [InlineData("a.b.c[0].d(1, e)", "a.b.c[0].d(1, e)")]
    [InlineData("a.exists(x, x == 1)", "a.Exists(x, (x == 1))")]
    [InlineData("a.map(x, x > 0, x + 1)", "a.Map(x, (x > 0), (x + 1))")]
    [InlineData("has(a.b)", "has(a.b)")]
    [InlineData("[?a, b]", "[?a, b]")]
    [InlineData("{?'k': a}", "{\"k\": ?a}")]
    [InlineData("a.transformMap(k, v, v > 0, v)", "a.TransformMap(k, v, (v > 0), v)")]
    [InlineData("cel.bind(x, a + b, x * x)", "cel.bind(x, (a + b), (x * x))")]
    [InlineData("auth().id", "auth.id")]
    [InlineData("a // comment\n && b", "(a && b)")]
    [InlineData("`in`.`order by`", "in.order by")]
    [InlineData("pkg.Type{a: 1}", "pkg.Type{a: 1}")]
    public void Operators_bind_as_in_the_grammar(string text, string shown) => Assert.Equal(shown, Shown(text));

    [Theory]
    [InlineData("", "0 expected a value, found the end")]
    [InlineData("a &", "2 '&' does not belong into an expression")]
    [InlineData("a = b", "2 '=' does not belong into an expression")]
    [InlineData("a and b", "2 expected an operator or the end, found 'and'")]
    [InlineData("(a", "2 expected ')', found the end")]
    [InlineData("a b", "2 expected an operator or the end, found 'b'")]
    [InlineData("'abc", "0 the literal has no closing quote")]
    [InlineData("'\\q'", "1 \\q is no escape")]
    [InlineData("'\\ud800'", "6 the escape is no character of Unicode")]
    [InlineData("9223372036854775808", "0 9223372036854775808 is beyond the range of an int")]
    [InlineData("1e999", "0 1e999 is beyond the range of a double")]
    [InlineData("12ab", "0 '12a' is neither a number nor a name")]
    [InlineData("a.exists(1, true)", "9 the first argument of exists names a variable, as in exists(x, …)")]
    [InlineData("has(a)", "4 has() asks for a member, as in has(address.street)")]
    [InlineData("while", "0 'while' is a reserved word")]
    [InlineData("`b-c`", "0 'b-c' is no name")]
    [InlineData("a.`$b`", "3 a quoted name is made of letters, digits, '_', '.', '-', '/' and spaces")]
    [InlineData("a.all(x, x, x)", "9 the two variables of all need different names")]
    [InlineData("a.map(__result__, 1)", "6 '__result__' is no name for a variable")]
    public void A_mistake_is_shown_where_it_is(string text, string expected)
    {
        var (root, diagnostics) = CelParser.Parse(text);
        Assert.Null(root);
        Diagnostic only = Assert.Single(diagnostics);
        Assert.Equal(expected, $"{only.Span.Start} {only.Message}");
    }

    [Fact]
    public void Spans_count_from_the_start_of_the_whole_source()
    {
        SourceText source = new("schema", "@@allow(a == b)");
        var (root, _) = CelParser.Parse(source, new Span(8, 6), Limits.Default);
        Assert.Equal("a == b", source.Slice(root!.Span));
        Assert.Equal("b", source.Slice(((CelBinary)root).Right.Span));
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("!", "")]
    [InlineData("-", "")]
    [InlineData("a ? b : ", "")]
    public void Nesting_is_bounded(string open, string close)
    {
        string text = string.Concat(Enumerable.Repeat(open, 100_000)) + "a" + string.Concat(Enumerable.Repeat(close, 100_000));
        Assert.Equal("limit_exceeded", Assert.Single(CelParser.Parse(text).Diagnostics).Code);
    }

    [Fact]
    public void The_number_of_parts_is_bounded()
    {
        string text = string.Join(" + ", Enumerable.Repeat("1", 100_000));
        Assert.Equal("limit_exceeded", Assert.Single(CelParser.Parse(text).Diagnostics).Code);
        Assert.NotNull(CelParser.Parse(string.Join(" + ", Enumerable.Repeat("1", 500))).Root);
    }

    [Fact]
    public void Noise_is_refused_or_read_and_never_breaks()
    {
        int seed = Counts.Seed(), count = Counts.Of(test: 20_000, soak: 2_000_000), read = 0;
        Random random = new(seed);
        string[] words =
        [
            "a", "auth", "1", "1.5", "'x'", "b'x'", "r\"", "(", ")", "[", "]", "{", "}", ",", ".", "?", ":", "&&", "||", "!", "-", "==",
                "<", "in",
            "has", "exists", "x", "\\", "\"", "'''", "\u0000", "\uD800", "é", "`", "//", "\n", "0x", "u", "e9", "null", "true", "deals",
        ];
        for (int i = 0; i < count; i++)
        {
            StringBuilder text = new();
            for (int n = random.Next(12); n >= 0; n--) text.Append(words[random.Next(words.Length)]).Append(random.Next(2) == 0 ? " " : "");
            try
            {
                var (root, diagnostics) = CelParser.Parse(text.ToString());
                Assert.Equal(root is null, !diagnostics.IsEmpty);
                if (root is null) continue;
                read++;
                Expressing.Read(text.ToString());
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}: {text}\n{e}");
            }
        }
        Counts.Report("expressions, noise", count, seed, $"{read} read");
        Assert.InRange(read, 1, count - 1);
    }

    static string? Shown(string text) => CelParser.Parse(text).Root is { } root ? Show(root) : null;

    static string Show(CelNode node) => node switch
    {
        CelLiteral literal => Show(literal.Value),
        CelIdentifier name => name.Name,
        CelSelect select => $"{Show(select.Target)}.{select.Name}",
        CelIndex index => $"{Show(index.Target)}[{Show(index.Index)}]",
        CelCall call => $"{(call.Target is null ? "" : Show(call.Target) + ".")}{call.Name}({Show(call.Arguments)})",
        CelUnary unary => (unary.Operator == CelOperator.Not ? "!" : "-") + Show(unary.Operand),
        CelBinary binary => $"({Show(binary.Left)} {Symbol(binary.Operator)} {Show(binary.Right)})",
        CelConditional c => $"({Show(c.Condition)} ? {Show(c.Then)} : {Show(c.Else)})",
        CelListLiteral list => $"[{Show(list.Items)}]",
        CelMapLiteral map => "{" + string.Join(", ", map.Entries.Select(e => $"{Show(e.Key)}: {Show(e.Value)}")) + "}",
        CelMessage message => message.TypeName + "{" + string.Join(", ", message.Fields.Select(f => $"{f.Key}: {Show(f.Value)}")) + "}",
        CelHas has => $"has({Show(has.Select)})",
        CelMacro { Transform: { } transform } macro =>
            $"{Show(macro.Range)}.{macro.Kind}({Names(macro)}, {Show(macro.Body)}, {Show(transform)})",
        CelMacro macro => $"{Show(macro.Range)}.{macro.Kind}({Names(macro)}, {Show(macro.Body)})",
        CelBind bind => $"cel.bind({bind.Variable.Name}, {Show(bind.Value)}, {Show(bind.Body)})",
        CelOptionalItem item => $"?{Show(item.Value)}",
        _ => throw new InvalidOperationException(node.GetType().Name),
    };

    static string Names(CelMacro macro) => string.Join(", ", macro.Variables.Select(v => v.Name));

    static string Show(ImmutableArray<CelNode> nodes) => string.Join(", ", nodes.Select(Show));

    static string Show(Value value) => value.Kind switch
    {
        ValueKind.String => $"\"{value.String}\"",
        ValueKind.Uint => $"{value.Uint}u",
        ValueKind.Double => value.Double.ToString("0.0###", System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Bytes => $"bytes({string.Join(',', value.Bytes)})",
        _ => value.ToString(),
    };

    static string Symbol(CelOperator op) => op switch
    {
        CelOperator.Or => "||",
        CelOperator.And => "&&",
        CelOperator.Equal => "==",
        CelOperator.Less => "<",
        CelOperator.Greater => ">",
        CelOperator.In => "in",
        CelOperator.Add => "+",
        CelOperator.Subtract => "-",
        CelOperator.Multiply => "*",
        CelOperator.Divide => "/",
        CelOperator.Modulo => "%",
        _ => op.ToString(),
    };
}
