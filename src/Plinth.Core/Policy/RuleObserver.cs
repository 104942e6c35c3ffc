using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>Which ways one term of a rule came out.</summary>
/// <param name="WasDecided">False: it looks at other records, which the matrix has none of.</param>
sealed record TermCoverage(string Text, bool WasTrue, bool WasFalse, bool WasUnknown, bool WasDecided)
{
    public bool IsSeenBothWays => WasTrue && (WasFalse || WasUnknown);
}

/// <summary>
/// Runs one rule on made-up records and callers and notes how it, and every term of it, came out. Records are the caller's own and
/// another's, then each with one field changed to what the rules compare it with; callers likewise, claim by claim.
/// </summary>
sealed class RuleObserver
{
    readonly Observed? _when;
    readonly ImmutableArray<Observed> _terms;

    public RuleObserver(AppSchema schema, Model model, AccessRule rule)
    {
        ImmutableArray<Observed>.Builder terms = ImmutableArray.CreateBuilder<Observed>();
        if (rule.When is { } when)
        {
            CheckedExpression condition = CheckedExpression.OfText(when, ExpressionScope.Rule(schema, model));
            _when = new Observed(when.Text, condition, isAfter: false);
            Split(condition.Root, when.Text, isAfter: false, terms);
        }
        if (rule.After is { } after)
            Split(CheckedExpression.OfText(after, ExpressionScope.After(schema, model)).Root, after.Text, isAfter: true, terms);
        _terms = terms.ToImmutable();
    }

    /// <summary>How one condition came out so far.</summary>
    sealed class Observed(string text, CheckedExpression condition, bool isAfter)
    {
        readonly CompiledExpression? _compiled = condition.CanEvaluateInMemory ? CompiledExpression.Compile(condition) : null;

        public string Text { get; } = isAfter ? "after: " + text : text;

        public bool IsAfter { get; } = isAfter;

        public bool WasDecided => _compiled is not null;

        public HashSet<Truth> Seen { get; } = [];

        public void Observe(in EvaluationContext context)
        {
            if (_compiled is not null) Seen.Add(_compiled.Decide(context));
        }
    }

    public void Observe(Caller caller, long now, Limits limits, Value[] row, Value[] before)
    {
        EvaluationContext context = Policies.Context(caller, now, limits, row);
        EvaluationContext after = new()
        {
            Auth = caller.Auth, NowMicroseconds = now, Row = row, Before = before, Cost = limits.ExpressionCost,
        };
        _when?.Observe(context);
        foreach (Observed term in _terms) term.Observe(term.IsAfter ? after : context);
    }

    public RuleCoverage Coverage(Model model, AccessRule rule)
    {
        string text = $"@@{(rule.Effect == RuleEffect.Allow ? "allow" : "deny")} {rule.When?.Text ?? "true"}"
            + (rule.After is { } after ? $", after: {after.Text}" : "");
        bool isTrue = _when?.Seen.Contains(Truth.True) ?? true, isNot = _when?.Seen.Any(static t => t != Truth.True) ?? false;
        return new RuleCoverage(Explanation.PlaceOf(model, rule), text, isTrue, isNot, _when?.WasDecided ?? true,
        [
            .. _terms.Select(static t => new TermCoverage(
                t.Text, t.Seen.Contains(Truth.True), t.Seen.Contains(Truth.False), t.Seen.Contains(Truth.Unknown), t.WasDecided)),
        ]);
    }

    /// <summary>What stands between the words <c>and</c>, <c>or</c> and <c>not</c>.</summary>
    static void Split(CheckedNode node, string whole, bool isAfter, ImmutableArray<Observed>.Builder terms)
    {
        switch (node)
        {
            case AndNode and:
                foreach (CheckedNode item in and.Items) Split(item, whole, isAfter, terms);
                break;
            case OrNode or:
                foreach (CheckedNode item in or.Items) Split(item, whole, isAfter, terms);
                break;
            case NotNode not:
                Split(not.Operand, whole, isAfter, terms);
                break;
            case LiteralNode:
                break;
            default:
                terms.Add(new Observed(Explanation.TextOf(node, whole), CheckedExpression.Of(node), isAfter));
                break;
        }
    }

    /// <summary>The row, and the row with each field in turn as the rules compare it.</summary>
    public static IEnumerable<Value[]> Varied(Model model, Value[] row, RuleLiterals literals)
    {
        yield return row;
        foreach (Field field in model.Fields)
        {
            foreach (Value value in literals.OfField(field))
            {
                Value[] varied = [.. row];
                varied[field.Ordinal] = value;
                yield return varied;
            }
        }
    }

    /// <summary>The caller, and the caller with each claim in turn as the rules compare it.</summary>
    public static IEnumerable<Caller> Varied(AuthShape? auth, Caller caller, RuleLiterals literals)
    {
        yield return caller;
        if (auth is null || caller.Auth.IsNull) yield break;
        foreach (Field claim in auth.Claims.Where(static c => c.Name is not ("id" or Model.TenantId)))
        {
            foreach (Value value in literals.OfClaim(claim))
            {
                IEnumerable<KeyValuePair<string, Value>> others = auth.Claims.Where(c => c.Name != claim.Name)
                    .Where(c => caller.Auth.Map.TryGet(c.Name, out _))
                    .Select(c => KeyValuePair.Create(c.Name, caller.Auth.Map.TryGet(c.Name, out Value own) ? own : Value.Null));
                KeyValuePair<string, Value>[] varied = value.IsNull ? [] : [KeyValuePair.Create(claim.Name, value)];
                yield return new Caller(Value.FromMap(new ValueMap([.. others, .. varied])), "someone");
            }
        }
    }
}
