using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Expressions;

public class CelCheckerTests
{
    [Theory]
    [InlineData("titel == 'x'", "unknown_name titel")]
    [InlineData("owner.nam == 'x'", "unknown_field nam")]
    [InlineData("auth.rol == 'admin'", "unknown_field rol")]
    [InlineData("address.steet == 'x'", "unknown_field steet")]
    [InlineData("blocks.exists(b, b.minuets == 1)", "unknown_field minuets")]
    [InlineData("stage == 'won'", "unknown_word 'won'")]
    [InlineData("stage in ['admin', 'boss']", "unknown_word 'boss'")]
    [InlineData("stage == boss", "unknown_name boss")]
    [InlineData("Role.boss == stage", "unknown_word boss")]
    [InlineData("blocks.exists(b, b.type == 'Note')", "unknown_word 'Note'")]
    [InlineData("title == 1", "type_mismatch title == 1")]
    [InlineData("amount == 1.5", "type_mismatch amount == 1.5")]
    [InlineData("score + 1.5 > 2.0", "type_mismatch score + 1.5")]
    [InlineData("createdAt > '2024-01-01'", "type_mismatch createdAt > '2024-01-01'")]
    [InlineData("owner.id == 'x'", "invalid_literal 'x'")]
    [InlineData("owner == auth", "type_mismatch owner == auth")]
    [InlineData("owner == company", "type_mismatch owner == company")]
    [InlineData("company.deals == null", "type_mismatch company.deals == null")]
    [InlineData("company.deals.title == 'x'", "type_mismatch title")]
    [InlineData("title.shout() == 'x'", "unknown_function shout")]
    [InlineData("title.startswith('x')", "unknown_function startswith")]
    [InlineData("title.matches('(a')", "invalid_literal '(a'")]
    [InlineData("title.matches('(?=a)')", "invalid_literal '(?=a)'")]
    [InlineData("timestamp('yesterday') < createdAt", "invalid_literal timestamp('yesterday')")]
    [InlineData("amount / amount > 1", "type_mismatch amount / amount")]
    [InlineData("score in [1, null]", "type_mismatch null")]
    [InlineData("before.score == 1", "unknown_name before")]
    [InlineData("title in 'abc'", "type_mismatch 'abc'")]
    [InlineData("createdAt.getHours('Europe/Atlantis') == 1", "invalid_literal 'Europe/Atlantis'")]
    [InlineData("createdAt.getHours('../passwd') == 1", "invalid_literal '../passwd'")]
    [InlineData("title.split(1) == []", "type_mismatch title.split(1)")]
    [InlineData("optional.of(owner).hasValue()", "type_mismatch optional.of(owner)")]
    [InlineData("company.deals.all(i, d, d.open)", "not_available company.deals")]
    [InlineData("cel.bind(a, auth, a.id == ownerId)", "type_mismatch auth")]
    [InlineData("tags.sortBy(t, t.length) == tags", "type_mismatch length")]
    [InlineData("address.?city.x == 1", "type_mismatch x")]
    [InlineData("data == {'a': 1, 'a': 2}", "invalid_literal 'a'")]
    [InlineData("'abc'.substring(2, 9) == ''", "invalid_literal 'abc'.substring(2, 9)")]
    [InlineData("ttle == 'a' && scor == 1", "unknown_name ttle; unknown_name scor")]
    public void A_mistake_is_named_with_its_place(string text, string expected) => Assert.Equal(expected, Expressing.Refused(text));

    [Theory]
    [InlineData("titel == 'x'", "did you mean 'title'?")]
    [InlineData("owner.nam == 'x'", "did you mean 'name'?")]
    [InlineData("stage == 'amdin'", "did you mean 'admin'?")]
    [InlineData("stage == amdin", "did you mean 'admin'?")]
    [InlineData("title.startswith('x')", "did you mean 'startsWith'?")]
    [InlineData("amount == 1.5", "decimals are exact: write the number as decimal(\"1.20\")")]
    public void The_nearest_name_is_suggested(string text, string hint) => Assert.Equal(hint, Expressing.Read(text).Diagnostics[0].Hint);

    [Theory]
    [InlineData("score", "expected bool, found int")]
    [InlineData("owner", "expected bool, found User")]
    [InlineData("data.flag", "expected bool, found dyn")]
    public void A_condition_is_a_bool(string text, string message) =>
        Assert.Equal(message, Expressing.Read(text, expected: CelType.Bool).Diagnostics[0].Message);

    [Fact]
    public void The_key_at_the_far_end_is_the_key_that_leads_there()
    {
        CheckedExpression expression = Expressing.Check("owner.id == auth.id");
        Assert.False(expression.ReadsRelations);
        Assert.Equal<string>(["ownerId"], expression.OwnFields);
    }

    [Theory]
    [InlineData("company == null", false)]
    [InlineData("owner == null", true)]
    public void A_relation_is_absent_when_its_key_is_unless_its_target_can_be_trashed(string text, bool entersIt) =>
        Assert.Equal(entersIt, Expressing.Check(text).ReadsRelations);

    [Fact]
    public void What_an_expression_reads_is_known()
    {
        CheckedExpression expression = Expressing.Check("owner.name == auth.name && score > 1 && now > createdAt && before.title == title",
            ExpressionScope.After(Expressing.Schema, Expressing.Deal));
        Assert.Equal<string>(["createdAt", "ownerId", "score", "title"], expression.OwnFields);
        Assert.True(expression is { ReadsRelations: true, ReadsCaller: true, ReadsNow: true, ReadsBefore: true,
            CanEvaluateInMemory: false });
    }

    [Fact]
    public void Where_a_caller_writes_the_expression_server_only_fields_are_unknown_names()
    {
        ExpressionScope filter = ExpressionScope.Filter(Expressing.Schema, Expressing.Deal);
        Assert.Equal("unknown_name hidden", Expressing.Refused("hidden == 'x'", filter));
        Assert.Equal("unknown_field secret", Expressing.Refused("owner.secret == 'x'", filter));
        Assert.NotNull(Expressing.Read("hidden == owner.secret").Expression);
    }

    [Theory]
    [InlineData("owner.name == 'x'", "not_available owner")]
    [InlineData("auth != null", "unknown_name auth")]
    [InlineData("createdAt < now", "unknown_name now")]
    public void A_check_depends_on_the_row_alone(string text, string expected) =>
        Assert.Equal(expected, Expressing.Refused(text, ExpressionScope.OwnFields(Expressing.Schema, Expressing.Deal)));

    [Theory]
    [InlineData("stage == admin")]
    [InlineData("admin == stage")]
    [InlineData("stage == Role.admin")]
    [InlineData("stage in [admin, manager]")]
    [InlineData("auth.role in ['admin', 'manager']")]
    [InlineData("auth().role == admin")]
    [InlineData("owner.id == '01930e5c-7a00-7000-8000-000000000001'")]
    [InlineData("amount >= 5 && amount < decimal('10.555')")]
    [InlineData("score > 1.5")]
    [InlineData("createdAt > now - duration('24h')")]
    [InlineData("createdAt.getFullYear('+02:00') == 2024")]
    [InlineData("day == date('2024-02-29')")]
    [InlineData("company.deals.exists(d, d.owner == owner)")]
    [InlineData("blocks.exists(b, b.text == 'x' && b.minutes > 1)")]
    [InlineData("address['street'] == 'x'")]
    [InlineData("data.a[0]['b'] == 1")]
    [InlineData("auth.teams.exists(t, t in tags)")]
    [InlineData("score > 0 ? title == 'a' : open")]
    [InlineData("type(score) == int && type(createdAt) == timestamp")]
    [InlineData("createdAt.getHours('Europe/Paris') == 1")]
    [InlineData("address.?city.orValue('') == 'Bonn'")]
    [InlineData("tags[?0].optMap(t, t.upperAscii()).orValue('') == 'A'")]
    [InlineData("cel.bind(c, company, c.name == 'x' && c.deals.exists(d, d.open))")]
    [InlineData("tags.transformMap(i, t, i).exists(k, v, v > 1)")]
    [InlineData("tags.sortBy(t, size(t)).join(',') == 'a,bb'")]
    [InlineData("'%s: %d'.format([title, score]) == 'x: 1'")]
    [InlineData("{'a': 1, 2: 'b'}[2] == 'b'")]
    [InlineData("request.ip == '::1' && request.method == 'GET'")]
    public void A_sound_condition_is_admitted(string text) => Assert.Equal(CelKind.Bool, Expressing.Check(text).Type.Kind);

    [Fact]
    public void A_computed_decimal_takes_the_scale_of_its_field()
    {
        CelType expected = new DecimalCelType(2);
        var (expression, _) = Expressing.Read("score * 2", expected: expected);
        Assert.Equal(expected, expression!.Type);
        Value value = CompiledExpression.Compile(expression).Evaluate(new EvaluationContext { Row = Expressing.Row(("score",
            Value.From(3L))) });
        Assert.Equal(Value.FromDecimal(600, 2), value);
    }

    [Fact]
    public void Paths_over_relations_are_bounded()
    {
        string text = "company.deals.exists(a, a.company.deals.exists(b, b.company.deals.exists(c, c.company.name == 'x')))";
        Assert.Equal("limit_exceeded", Expressing.Read(text).Diagnostics[0].Code);
        Assert.NotNull(Expressing.Read(text, limits: Limits.Default with { Hops = 7 }).Expression);
    }
}
