using System.Collections.Immutable;
using System.Reflection;
using Plinth.Policy;
using Plinth.Runtime;
using Plinth.Schema;

namespace Plinth.Cases;

/// <summary>Where plans take a caller's rules from; each is told a lie apart from the others.</summary>
enum PlanPlace
{
    /// <summary>What is read, listed, hopped into, included, or concerned by a filtered write.</summary>
    Reads,

    /// <summary>The rules of the written record: those of the operation, and those that say whether it is there for the caller.</summary>
    Writes,

    /// <summary>Whether a record that is referred to may be read, and bulk creates.</summary>
    References,
}

/// <summary>The rules of one operation of one model at one place of a plan, with one condition less.</summary>
/// <param name="Dropped">What was taken away, as it stood.</param>
/// <param name="Construct">Its kind, over all cases.</param>
/// <param name="Rules">The model's rules as that place sees them.</param>
sealed record PlanMutant(
    PlanPlace Place, string Model, Operation Operation, string Dropped, string Construct, ImmutableArray<AccessRule> Rules)
{
    /// <summary>All mutants of an operation's rules.</summary>
    public static IEnumerable<PlanMutant> Of(Model model, PlanPlace place, Operation operation)
    {
        for (int i = 0; i < model.Rules.Length; i++)
        {
            AccessRule rule = model.Rules[i];
            if (!rule.Operations.Contains(operation)) continue;
            string where = $"{place}, {operation}";
            foreach (var (left, dropped, construct) in Less(rule))
            {
                yield return new(
                    place, model.Name, operation, $"{dropped} of {model.Name}'s {where}", $"{construct}: {where}",
                    model.Rules.SetItem(i, left));
            }
        }
    }

    static IEnumerable<(AccessRule Left, string Dropped, string Construct)> Less(AccessRule rule)
    {
        string effect = rule.Effect == RuleEffect.Deny ? "deny" : "allow";
        if (rule.Effect == RuleEffect.Deny) yield return (rule with { Operations = [] }, rule.When?.Text ?? "all", "a deny");
        else if (Says(rule.When)) yield return (rule with { When = null }, rule.When!.Text, "the condition of an allow");
        if (Says(rule.After)) yield return (rule with { After = null }, rule.After!.Text, "the condition after an allow");
        foreach (var (left, dropped) in Sides(rule.When)) yield return (rule with { When = left }, dropped, $"a part of an {effect}");
        foreach (var (left, dropped) in Sides(rule.After)) yield return (rule with { After = left }, dropped, $"a part after an {effect}");
    }

    static bool Says(Condition? condition) => condition is { Text: not "true" };

    static IEnumerable<(Condition Left, string Dropped)> Sides(Condition? condition)
    {
        if (condition is null) yield break;
        Range[] sides = [.. Mutants.Split(condition.Text, .., ["&&", "||"])];
        for (int side = 0; sides.Length > 1 && side < sides.Length; side++)
            yield return (condition with { Text = Mutants.WithoutSide(condition.Text, sides, side) }, condition.Text[sides[side]].Trim());
    }
}

/// <summary>
/// Gives each place of the plans rules of its own, those of one place perhaps a mutant's. The product has no way to weaken a rule, and is
/// to have none; so it is done from outside, in memory.
/// </summary>
sealed class PlanTampering(PlanMutant? mutant)
{
    readonly Dictionary<PlanPlace, Policies> _policies = [];

    /// <summary>Before the first request under a schema.</summary>
    public void Install(Snapshot snapshot)
    {
        foreach (PlanPlace place in Enum.GetValues<PlanPlace>())
        {
            Policies policies = new(snapshot.Schema, Text.Limits.Default);
            if (mutant is not null && mutant.Place == place) Mutate(policies, mutant);
            _policies[place] = policies;
            (object owner, string field) = place switch
            {
                PlanPlace.Reads => ((object)snapshot.Reads, "<policies>P"),
                PlanPlace.Writes => (snapshot.Writes.Planner, "<policies>P"),
                _ => (snapshot.Writes, "<Policies>k__BackingField"),
            };
            Field(owner.GetType(), field).SetValue(owner, policies);
        }
    }

    /// <summary>The operations whose rules a place has asked for.</summary>
    public IEnumerable<(PlanPlace Place, Model Model, Operation Operation)> Asked() =>
        from place in _policies
        from model in place.Value.Schema.Models
        from operation in Enum.GetValues<Operation>()
        where Made(place.Value.Of(model))[(int)operation] is not null
        select (place.Key, model, operation);

    static void Mutate(Policies policies, PlanMutant mutant)
    {
        // Another schema of the same story: the mutant is of its last one.
        if (policies.Schema.FindModel(mutant.Model) is not { } model || model.Rules.Length != mutant.Rules.Length) return;
        Made(policies.Of(model))[(int)mutant.Operation] =
            OperationRules.Of(policies.Schema, model with { Rules = mutant.Rules }, mutant.Operation, Text.Limits.Default);
    }

    static OperationRules?[] Made(RowRules rules) => (OperationRules?[])Field(typeof(RowRules), "_byOperation").GetValue(rules)!;

    static FieldInfo Field(Type owner, string name) => owner.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new InvalidOperationException($"{owner.Name} keeps its rules elsewhere than in {name} now");
}
