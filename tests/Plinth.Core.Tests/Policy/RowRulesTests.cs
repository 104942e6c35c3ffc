using Plinth.Expressions;
using Plinth.Language;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

public class RowRulesTests
{
    const string Start = """
        auth { id Int   role Role?   teams Int[]   quota Int? }
        enum Role { admin sales }
        model Owner { id Int @id   name String   notes Note[]   @@allow("all", true) }

        """;

    static RowRules Rules(string rules) =>
        RowRules.Of(Schemas.Load(Start + Model(rules)), Schemas.Load(Start + Model(rules)).Model("Note"), Limits.Default);

    static string Model(string rules) => "model Note { id Int @id   text String?   score Int?   owner Owner @relation\n" + rules + "\n}";

    static readonly Caller s_anonymous = Caller.Anonymous();

    static Caller With(params (string Name, Value Value)[] claims) =>
        new(Value.FromMap(new ValueMap([.. claims.Select(c => KeyValuePair.Create(c.Name, c.Value))])), "someone");

    static Caller User(long id, string? role = null) =>
        role is null ? With(("id", Value.From(id))) : With(("id", Value.From(id)), ("role", Value.From(role)));

    static CallerRules Read(string rules, Caller caller) => Rules(rules).For(Operation.List, caller, now: 0);

    [Fact]
    public void A_model_without_an_allow_is_closed_to_all_but_the_system()
    {
        RowRules rules = Rules("");
        Assert.True(rules.IsUnreachable);
        Assert.Equal(RuleOutcome.Never, rules.For(Operation.Get, User(1, "admin"), 0).Outcome);
        Assert.Equal(RuleOutcome.Always, rules.For(Operation.Get, Caller.System, 0).Outcome);
    }

    [Fact]
    public void A_condition_on_the_caller_alone_is_decided_before_any_row()
    {
        const string Rule = "@@allow(\"read\", auth.role == \"admin\")";
        Assert.Equal(RuleOutcome.Always, Read(Rule, User(1, "admin")).Outcome);
        Assert.Equal(RuleOutcome.Never, Read(Rule, User(1, "sales")).Outcome);
        Assert.Equal(RuleOutcome.Never, Read(Rule, s_anonymous).Outcome);
    }

    [Fact]
    public void A_refusal_whatever_the_row_is_401_for_the_anonymous_and_403_for_others()
    {
        const string Rule = "@@allow(\"read\", auth.role == \"admin\")";
        Assert.Equal(Faults.Unauthorized, Read(Rule, s_anonymous).Refusal(s_anonymous, "to list Note")?.Kind);
        Assert.Equal(Faults.Forbidden, Read(Rule, User(1)).Refusal(User(1), "to list Note")?.Kind);
    }

    [Fact]
    public void The_schemas_own_message_is_what_a_refused_caller_is_told()
    {
        CallerRules rules = Read("@@allow(\"read\", auth.role == \"admin\", message: \"admins only\")", User(1));
        Assert.Equal("admins only", rules.Refusal(User(1), "to list Note")?.Message);
    }

    [Fact]
    public void A_comparison_of_a_field_with_a_claim_that_is_absent_can_never_hold()
    {
        Assert.Equal(RuleOutcome.Never, Read("@@allow(\"read\", score > auth.quota)", User(1)).Outcome);
        Assert.Equal(RuleOutcome.Never, Read("@@allow(\"read\", owner.id == auth.id)", s_anonymous).Outcome);
        Assert.Equal(RuleOutcome.Depends, Read("@@allow(\"read\", owner.id == auth.id)", User(1)).Outcome);
    }

    [Fact]
    public void The_null_test_of_a_claim_is_true_and_not_unknown()
    {
        Assert.Equal(RuleOutcome.Always, Read("@@allow(\"read\", auth.quota == null)", User(1)).Outcome);
        Assert.Equal(RuleOutcome.Always, Read("@@allow(\"read\", auth == null)", s_anonymous).Outcome);
        Assert.Equal(RuleOutcome.Never, Read("@@allow(\"read\", auth == null)", User(1)).Outcome);
    }

    [Fact]
    public void A_deny_that_is_true_or_unknown_for_the_caller_closes_the_model()
    {
        const string Allow = "@@allow(\"read\", true)\n";
        Assert.Equal(RuleOutcome.Never, Read(Allow + "@@deny(\"read\", auth.role == \"sales\")", User(1, "sales")).Outcome);
        Assert.Equal(RuleOutcome.Never, Read(Allow + "@@deny(\"read\", auth.role == \"sales\")", User(1)).Outcome);
        Assert.Equal(RuleOutcome.Always, Read(Allow + "@@deny(\"read\", auth.role == \"sales\")", User(1, "admin")).Outcome);
    }

    [Fact]
    public void A_deny_over_the_row_leaves_its_negation_in_the_predicate()
    {
        CallerRules rules = Read("@@allow(\"read\", true)\n@@deny(\"read\", score > 10)", User(1));
        Assert.Equal(RuleOutcome.Depends, rules.Outcome);
        Assert.IsType<NotNode>(rules.Folded.Predicate.Root);
        Assert.Single(rules.Folded.Denies);
    }

    [Fact]
    public void Callers_with_one_pattern_of_claims_share_a_fold_and_keep_their_values_apart()
    {
        RowRules rules = Rules("@@allow(\"read\", owner.id == auth.id)");
        CallerRules first = rules.For(Operation.List, User(7), 0), second = rules.For(Operation.List, User(8), 0);
        Assert.Same(first.Folded, second.Folded);
        Assert.Equal(Value.From(7L), first.Values[0]);
        Assert.Equal(Value.From(8L), second.Values[0]);
    }

    [Fact]
    public void A_claim_that_is_a_list_takes_as_many_slots_as_its_length_rounded_up()
    {
        RowRules rules = Rules("@@allow(\"read\", score in auth.teams)");
        Caller Teams(params long[] ids) => With(("id", Value.From(1L)), ("teams", Value.FromList([.. ids.Select(Value.From)])));
        CallerRules three = rules.For(Operation.List, Teams(1, 2, 3), 0), four = rules.For(Operation.List, Teams(4, 5, 6, 7), 0);
        Assert.Same(three.Folded, four.Folded);
        Assert.Equal([Value.From(1L), Value.From(2L), Value.From(3L), Value.From(3L)], three.Values.ToArray());
        Assert.Equal(RuleOutcome.Never, rules.For(Operation.List, Teams(), 0).Outcome);
    }

    [Fact]
    public void Rules_of_one_operation_do_not_speak_for_another()
    {
        RowRules rules = Rules("@@allow(\"list\", true)\n@@allow(\"update\", auth.role == \"admin\")");
        Assert.Equal(RuleOutcome.Always, rules.For(Operation.List, User(1), 0).Outcome);
        Assert.Equal(RuleOutcome.Never, rules.For(Operation.Get, User(1), 0).Outcome);
        Assert.Equal(RuleOutcome.Never, rules.For(Operation.Update, User(1), 0).Outcome);
    }

    [Fact]
    public void A_condition_and_its_after_stay_one_pair()
    {
        CallerRules rules = Rules("""
            @@allow("update", auth.role == "admin")
            @@allow("update", owner.id == auth.id, after: owner.id == before.owner.id)
            """).For(Operation.Update, User(1, "sales"), 0);
        AllowPair pair = Assert.Single(rules.Folded.AllowPairs);
        Assert.NotNull(pair.When);
        Assert.NotNull(pair.After);
        Assert.Equal(RuleOutcome.Depends, rules.Outcome);
    }

    [Fact]
    public void An_after_that_can_never_hold_takes_its_rule_away()
    {
        CallerRules rules = Rules("@@allow(\"update\", true, after: score > auth.quota)").For(Operation.Update, User(1), 0);
        Assert.Equal(RuleOutcome.Never, rules.Outcome);
        Assert.Empty(rules.Folded.AllowPairs);
    }

    /// <summary>What memory evaluates is the rule as it was written: a hop that the fold has taken away is still in it.</summary>
    [Fact]
    public void A_rule_whose_hop_is_folded_away_is_not_decided_in_memory()
    {
        CallerRules rules = Read("@@allow(\"read\", owner.name == auth.role || score > 1)", User(1));
        Assert.True(rules.Folded.Predicate.CanEvaluateInMemory);
        Assert.False(rules.Folded.IsOwn);
    }
}
