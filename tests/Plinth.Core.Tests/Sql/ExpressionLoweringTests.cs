using Plinth.Expressions;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Sql.Dialects.Postgres;
using Plinth.Sql.Dialects.Sqlite;

namespace Plinth.Sql;

/// <summary>The text that is written. That it means the same as the evaluator is for the differential test.</summary>
public class ExpressionLoweringTests
{
    [Theory]
    [InlineData("title == 'x' && score > 1", """(("t"."title" = ?1) and ("t"."score" > ?2))""")]
    [InlineData("open", """("t"."open" = true)""")]
    [InlineData("!open", """("t"."open" = false)""")]
    [InlineData("!(score > 1 || open)", """((not ("t"."score" > ?1)) and ("t"."open" = false))""")]
    [InlineData("score == null", """("t"."score" is null)""")]
    [InlineData("!(score == null)", """("t"."score" is not null)""")]
    [InlineData("stage in [admin, manager]", """("t"."stage" in (?1, ?2))""")]
    [InlineData("stage in []", "false")]
    [InlineData("owner.id == '01930e5c-7a00-7000-8000-000000000001'", """("t"."owner_id" = ?1)""")]
    [InlineData("score + 1 > 2", """(("t"."score" + ?1) > ?2)""")]
    [InlineData("amount >= 5", """("t"."amount" >= ?1)""")]
    [InlineData("title.startsWith('A')", """(substr("t"."title", 1, length(?1)) = ?2)""")]
    [InlineData("title.contains('%')", """(instr("t"."title", ?1) > 0)""")]
    [InlineData("title.matches('^A')", """plinth_matches("t"."title", ?1)""")]
    [InlineData("createdAt > timestamp('2024-02-29T12:30:00Z')", """("t"."created_at" > ?1)""")]
    [InlineData("address.city == 'x'", """(json_extract("t"."address", ?1) = ?2)""")]
    [InlineData("'x' in tags", """(exists (select 1 from json_each("t"."tags") t0 where (t0."value" = ?1)))""")]
    [InlineData("owner.name == 'x'",
        """((select t0."name" from "users" t0 where t0."id" = "t"."owner_id" and t0."deleted_at" is null) = ?1)""")]
    [InlineData("company.deals.exists(d, d.open)",
        """(exists (select 1 from ~ and (t1."open" = true)))""")]
    [InlineData("company.deals.all(d, d.open)",
        """(not exists (select 1 from ~ and (t1."open" = true) is not true))""")]
    [InlineData("company.deals.size() == 0",
        """((select count(*) from ~) = ?1)""")]
    public void A_condition_is_written(string text, string expected) =>
        Assert.Equal(expected.Replace("from ~", DealsOfCompany, StringComparison.Ordinal).Replace("\"t\"", "t", StringComparison.Ordinal),
            Truth(Expressing.Check(text)).Text);

    const string DealsOfCompany = """
        from "companies" t0 join "deals" t1 on t1."company_id" = t0."id" where t0."id" = "t"."company_id"
        """;

    [Fact]
    public void Exactly_a_loop_is_three_cases()
    {
        SqlWriter sql = new(SqliteDialect.It);
        ExpressionLowering.WriteThreeValued(sql, Expressing.Check("company.deals.exists(d, d.score > 1)").Root, Scope());
        string first = DealsOfCompany.Replace("\"t\"", "t", StringComparison.Ordinal);
        string second = first.Replace("t1", "t3", StringComparison.Ordinal).Replace("t0", "t2", StringComparison.Ordinal);
        Assert.Equal($"case when exists (select 1 {first} and (t1.\"score\" > ?1)) then true "
            + $"when exists (select 1 {second} and ((t3.\"score\" > ?2) is null)) then null else false end", sql.Build().Text);
    }

    [Fact]
    public void A_hop_that_a_request_writes_is_under_the_rule_of_its_target()
    {
        CheckedNode rule = LiteralLifter.Lift(Expressing.Check("name == 'x'",
            ExpressionScope.Rule(Expressing.Schema, Expressing.Schema.Model("User")))).Shape.Root;
        SqlWriter sql = new(SqliteDialect.It);
        ExpressionLowering.WriteTruth(sql, LiteralLifter.Lift(Expressing.Check("owner.role == admin")).Shape.Root,
            Scope() with { HopPredicate = _ => new HopCondition(rule, SlotBase: 5), SlotBase = 2 });
        SqlText text = sql.Build();
        const string Expected = """
            ((select t0."role" from "users" t0 where t0."id" = t."owner_id" and t0."deleted_at" is null and (t0."name" = ?1)) = ?2)
            """;
        Assert.Equal(Expected, text.Text);
        Assert.Equal<SqlParameter>([new SlotParameter(5, ValueKind.String), new SlotParameter(2, ValueKind.String)], text.Parameters);
    }

    [Fact]
    public void The_row_before_is_bound_as_values()
    {
        CheckedExpression expression = Expressing.Check("before.score < score && before.title != null",
            ExpressionScope.After(Expressing.Schema, Expressing.Deal));
        SqlWriter sql = new(SqliteDialect.It);
        ExpressionLowering.WriteTruth(sql, expression.Root, Scope() with { Before = Expressing.Row(("score", Value.From(3L))) });
        SqlText text = sql.Build();
        Assert.Equal("((?1 < t.\"score\") and (null is not null))", text.Text);
        Assert.Equal<SqlParameter>([new ConstantParameter(Value.From(3L))], text.Parameters);
    }

    [Theory]
    [InlineData("tags.map(t, t + 'x') == ['x']", "a whole list(string) is compared in memory only")]
    [InlineData("tags.filter(t, t > 'a').exists(t, t == 'b')",
        "a loop over filter() or map() runs in memory only: put both conditions into one loop")]
    [InlineData("int(title) == 1", "string becomes int in memory only")]
    [InlineData("data.a == data.b", "two parts of open JSON are compared in memory only")]
    [InlineData("'a' in title.split(',')", "what split() makes is looked into in memory only")]
    [InlineData("math.sqrt(double(score)) > 2.0", "math.sqrt() runs in memory only")]
    [InlineData("tags.join(',') == 'a,b'", "join() runs in memory only")]
    [InlineData("[title, 'b'].map(t, t + 'x').exists(t, t == 'ax')",
        "a loop over filter() or map() runs in memory only: put both conditions into one loop")]
    [InlineData("tags.slice(0, 1) == ['a']", "a whole list(string) is compared in memory only")]
    public void What_has_no_form_in_SQL_is_said(string text, string reason) =>
        Assert.Equal(reason, ExpressionLowering.Refusal(Expressing.Check(text), Expressing.Schema, Expressing.Deal, SqliteDialect.It));

    [Theory]
    [InlineData("math.floor(double(score)) == 2.0")]
    [InlineData("math.ceil(double(score) / 2.0) > 1.0 && math.round(0.5 * double(score)) < math.trunc(double(score))")]
    [InlineData("[title, 'b'].exists(t, t == 'b')")]
    [InlineData("title in ['a', 'b'] && size([1, 2]) == 2")]
    [InlineData("tags.filter(t, t > 'a').size() > 1")]
    public void What_both_databases_can_do_is_theirs(string text)
    {
        foreach (Dialect dialect in (Dialect[])[SqliteDialect.It, PostgresDialect.It])
            Assert.Null(ExpressionLowering.Refusal(Expressing.Check(text), Expressing.Schema, Expressing.Deal, dialect));
    }

    /// <summary>A pattern that is not written out cannot be translated into the syntax of a database's own matcher.</summary>
    [Fact]
    public void A_pattern_that_is_not_written_out_is_reported_where_the_rule_stands()
    {
        SchemaReading reading = Schemas.Read("""
            model Note {
              id Int @id  text String  pattern String
              @@allow("read", text.matches(pattern))
              @@allow("list", text.matches("^a"))
            }
            """);
        Plinth.Text.Diagnostic found = Assert.Single(reading.Diagnostics);
        Assert.Equal("schema.plinth:3:32", found.Place);
        Assert.Equal("the pattern of matches() is a literal", found.Message);
    }

    [Fact]
    public void What_runs_in_memory_only_is_reported_for_every_database_with_its_place()
    {
        AppSchema schema = Schemas.Load("""
            model Note {
              id Int @id  text String
              @@allow("read", text.matches("^a") && text.split(",").size() > 1)
            }
            """);
        foreach (Dialect dialect in (Dialect[])[SqliteDialect.It, PostgresDialect.It])
        {
            Plinth.Text.Diagnostic found = Assert.Single(RuleLowering.Check(schema, dialect));
            Assert.Equal(("no_sql_form", "schema.plinth:3:19"), (found.Code, found.Place));
            Assert.Contains("split()", found.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("auth.role == admin || owner.name == auth.name")]
    [InlineData("title in auth.teams && auth.teams.exists(t, t in tags)")]
    [InlineData("createdAt > now - duration('24h')")]
    public void The_callers_part_is_taken_as_given(string text) =>
        Assert.Null(ExpressionLowering.Refusal(Expressing.Check(text), Expressing.Schema, Expressing.Deal, SqliteDialect.It));

    [Fact]
    public void A_rule_that_the_database_cannot_decide_is_found_at_load()
    {
        AppSchema schema = Schemas.Load("""
            model Note {
              id Int @id  text String  tags String[]
              @@allow("create", int(text) > 1)
              @@allow("read", int(text) > 2)
              @@check(int(text) > 3)
              @@index([text], where: tags.exists(t, t == "x"))
            }
            """);
        string[] found = [.. RuleLowering.Check(schema, SqliteDialect.It).Select(d => $"{d.Code} {d.Source.Slice(d.Span)}: {d.Message}")];
        Assert.Equal(
        [
            "no_sql_form int(text) > 2: the database cannot decide this condition: string becomes int in memory only",
            "no_sql_form tags.exists(t, t == \"x\"): the database cannot decide this condition: a definition cannot loop over a list",
        ], found);
    }

    [Fact]
    public void A_definition_has_no_subquery()
    {
        CheckedExpression sum = Expressing.Check("score * score * score * score > 0"), loop = Expressing.Check("tags.exists(t, t == 'x')");
        SqlWriter sql = new(SqliteDialect.It, forDefinitions: true);
        ExpressionLowering.WriteThreeValued(sql, sum.Root, Scope());
        Assert.DoesNotContain("select", sql.Build().Text, StringComparison.Ordinal);
        Assert.Null(ExpressionLowering.Refusal(sum, Expressing.Schema, Expressing.Deal, SqliteDialect.It, forDefinition: true));
        Assert.NotNull(ExpressionLowering.Refusal(loop, Expressing.Schema, Expressing.Deal, SqliteDialect.It, forDefinition: true));
    }

    [Fact]
    public void Nesting_does_not_multiply_the_text()
    {
        string text = "open";
        for (int i = 0; i < 8; i++) text = $"(({text}) ? score > {i} : score < {i})";
        Assert.InRange(Truth(Expressing.Check(text)).Text.Length, 1, 3000);
        string sum = string.Join(" + ", Enumerable.Repeat("score", 400)) + " > 1";
        Assert.InRange(Truth(Expressing.Check(sum)).Text.Length, 400 * 9, 400 * 13);
        Assert.InRange(Truth(Expressing.Check("math.abs(score * score * score) > 1")).Text.Length, 1, 1000);
    }

    [Fact]
    public void What_the_databases_parser_cannot_hold_is_refused()
    {
        string text = "score";
        for (int i = 0; i < 12; i++) text = $"math.abs({text} * score * score)";
        Assert.Equal("the expression nests too deeply for the database",
            ExpressionLowering.Refusal(Expressing.Check(text + " > 1"), Expressing.Schema, Expressing.Deal, SqliteDialect.It));
    }

    static SqlText Truth(CheckedExpression expression)
    {
        SqlWriter sql = new(SqliteDialect.It);
        ExpressionLowering.WriteTruth(sql, expression.Root, Scope());
        return sql.Build();
    }

    static LoweringScope Scope() => new() { Schema = Expressing.Schema, Row = Expressing.Deal, Alias = "t" };
}
