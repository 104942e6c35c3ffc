using Plinth.Expressions;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>What is made of rules for each pattern of claims is kept up to a bound, and is right beyond it.</summary>
public class KeptRulesTests
{
    const string Text = """
        auth { id Int   a Boolean?   b Boolean?   c Boolean? }
        model Note { id Int @id
          first String? @allow("read", auth.a == true)
          second String? @allow("read", auth.b == true)
          third String? @allow("read", auth.c == true)
          owner Int
          @@allow("list", owner == auth.id
            && (auth.a == true || owner > 1) && (auth.b == true || owner > 2) && (auth.c == true || owner > 3)) }
        """;

    static readonly AppSchema s_schema = Schemas.Load(Text);

    static IEnumerable<(bool A, bool B, bool C)> Patterns() =>
        from round in Enumerable.Range(0, 2)
        from bits in Enumerable.Range(0, 8)
        select ((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0);

    static Caller With(bool a, bool b, bool c) => new(
        Value.FromMap(new ValueMap([new("id", Value.From(4L)), new("a", Of(a)), new("b", Of(b)), new("c", Of(c))])), "someone");

    static Value Of(bool claim) => claim ? Value.True : Value.False;

    [Fact]
    public void Foldings()
    {
        Limits limits = new() { Folds = 3 };
        OperationRules rules = OperationRules.Of(s_schema, s_schema.Model("Note"), Operation.List, limits);
        foreach (var (a, b, c) in Patterns())
        {
            CallerRules mine = rules.For(With(a, b, c), now: 0);
            Assert.InRange(rules.FoldsKept, 1, 3);
            Value[] row = new Value[s_schema.Model("Note").Fields.Length];
            row[s_schema.Model("Note").Field("owner")!.Ordinal] = Value.From(4L);
            Assert.True(mine.Sees(Policies.Context(With(a, b, c), 0, limits, row)));
            // Each claim that is not there leaves one comparison of the owner more for the database.
            int compared = CheckedExpression.Of(mine.Folded.Predicate.Root).Root is AndNode and ? and.Items.Length : 1;
            Assert.Equal(1 + (a ? 0 : 1) + (b ? 0 : 1) + (c ? 0 : 1), compared);
        }
    }

    [Fact]
    public void Views_of_the_schema()
    {
        Limits limits = new() { ClaimPatterns = 4, Views = 2 };
        FieldRules rules = new(s_schema, limits);
        foreach (var (a, b, c) in Patterns())
        {
            Model seen = rules.SeenBy(With(a, b, c), now: 0).Schema.Model("Note");
            Assert.Equal((a, b, c), (Has(seen, "first"), Has(seen, "second"), Has(seen, "third")));
            Assert.InRange(rules.Kept.Patterns, 1, 4);
            Assert.InRange(rules.Kept.Views, 1, 2);
        }

        static bool Has(Model model, string field) => model.Field(field)!.IsUnreadable is false;
    }

    [Fact]
    public void What_an_identity_makes_of_a_rule_is_bounded_in_steps()
    {
        AppSchema schema = Schemas.Load("""
            auth { id Int   teams Int[] }
            model Note { id Int @id
              text String? @allow("read", auth.teams.all(t, auth.teams.exists(u, u == t)))
              @@allow("all", auth.teams.all(t, auth.teams.exists(u, u == t))) }
            """);
        Caller caller = new(Value.FromMap(new ValueMap(
        [
            new("id", Value.From(1L)), new("teams", Value.FromList([.. Enumerable.Range(0, 100).Select(n => Value.From((long)n))])),
        ])), "someone");
        Policies ample = new(schema, Limits.Default), scarce = new(schema, new Limits { ExpressionCost = 1000 });
        Model note = schema.Model("Note");
        Assert.Equal(RuleOutcome.Always, ample.Of(note).For(Operation.List, caller, now: 0).Outcome);
        Assert.Throws<ExpressionCostException>(() => scarce.Of(note).For(Operation.List, caller, now: 0));
        Assert.Throws<ExpressionCostException>(() => scarce.SeenBy(caller, now: 0));
        Assert.Throws<ExpressionCostException>(() => scarce.Fields.For(note, note.Field("text")!, FieldAccess.Read, caller, now: 0));
    }
}
