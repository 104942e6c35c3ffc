using System.Collections.Immutable;
using Plinth.Expressions;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Policy;

/// <summary>One side of a rule's outermost <c>&amp;&amp;</c> or <c>||</c>, and what it comes to.</summary>
/// <param name="Truth">true, false, unknown, or "depends on the record".</param>
/// <param name="Reads">Of what it reads, whether it is there: never a value.</param>
sealed record ExplainedTerm(string Text, string Truth, string Reads);

/// <summary>One rule, held against a caller and, where one was named, a record.</summary>
/// <param name="Place"><c>file:line:column</c></param>
/// <param name="Truth">Of its condition as a whole.</param>
sealed record ExplainedRule(string Place, string Text, string Truth, ImmutableArray<ExplainedTerm> Terms);

/// <summary>Asks of the record that is explained whether a condition, as text, holds: true, false or (null) unknown.</summary>
delegate ValueTask<bool?> AskOfRecord(string condition, CancellationToken cancel);

/// <summary>
/// Why an operation is allowed or refused: every rule that is about it, its terms, and for each what it comes to. Values are named by
/// whether they are there, never by what they are.
/// </summary>
static class Explanation
{
    const string Depends = "depends on the record";

    /// <param name="ask">Null: no record was named.</param>
    public static async ValueTask<ImmutableArray<ExplainedRule>> OfAsync(
        AppSchema schema, Model model, Operation operation, Caller caller, long now, Limits limits, AskOfRecord? ask,
        CancellationToken cancel)
    {
        ImmutableArray<ExplainedRule>.Builder rules = ImmutableArray.CreateBuilder<ExplainedRule>();
        foreach (AccessRule rule in model.Rules.Where(r => r.Operations.Contains(operation)))
        {
            string place = PlaceOf(model, rule);
            string text = $"@@{(rule.Effect == RuleEffect.Allow ? "allow" : "deny")} {rule.When?.Text ?? "true"}"
                + (rule.After is { } after ? $", after: {after.Text}" : "");
            if (rule.When is not { } when)
            {
                rules.Add(new ExplainedRule(place, text, "true", []));
                continue;
            }
            CheckedExpression whole = CheckedExpression.OfText(when, ExpressionScope.Rule(schema, model));
            ImmutableArray<ExplainedTerm>.Builder terms = ImmutableArray.CreateBuilder<ExplainedTerm>();
            foreach (CheckedNode term in Terms(whole.Root))
                terms.Add(await TermAsync(term, TextOf(term, when.Text), caller, now, limits, ask, cancel).ConfigureAwait(false));
            string truth = await TruthAsync(whole, when.Text, caller, now, limits, ask, cancel).ConfigureAwait(false);
            rules.Add(new ExplainedRule(place, text, truth, terms.ToImmutable()));
        }
        return rules.ToImmutable();
    }

    /// <summary><c>file:line:column</c> of a rule as it was written.</summary>
    public static string PlaceOf(Model model, AccessRule rule)
    {
        var (source, span) = ((rule.When ?? rule.After)?.Source ?? model.Source).Written(rule.Span);
        var (line, column) = source.Position(span.Start);
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{source.Path}:{line}:{column}");
    }

    static ImmutableArray<CheckedNode> Terms(CheckedNode root) => root switch
    {
        AndNode and => and.Items,
        OrNode or => or.Items,
        _ => [root],
    };

    static string TextOf(CheckedNode node, string whole)
    {
        bool isPlaced = node.Span.Length > 0 && node.Span.Start + node.Span.Length <= whole.Length;
        return isPlaced ? whole.Substring(node.Span.Start, node.Span.Length) : whole;
    }

    static async ValueTask<ExplainedTerm> TermAsync(
        CheckedNode term, string text, Caller caller, long now, Limits limits, AskOfRecord? ask, CancellationToken cancel)
    {
        CheckedExpression expression = CheckedExpression.Of(term);
        List<string> reads = [];
        ClaimFinder claims = new();
        claims.Visit(term);
        foreach (string claim in claims.Names)
        {
            bool isThere = caller.Auth.Kind == ValueKind.Map && caller.Auth.Map.TryGet(claim, out Value value) && !value.IsNull;
            reads.Add($"auth.{claim} is {(isThere ? "there" : "missing")}");
        }
        foreach (string field in ask is null ? [] : expression.OwnFields)
        {
            bool? isNull = await ask!($"{field} == null", cancel).ConfigureAwait(false); // Not null: then there are no fields.
            reads.Add($"{field} is {(isNull is { } known ? known ? "null" : "there" : "not to be asked for")}");
        }
        return new ExplainedTerm(
            text, await TruthAsync(expression, text, caller, now, limits, ask, cancel).ConfigureAwait(false), string.Join(", ", reads));
    }

    static async ValueTask<string> TruthAsync(
        CheckedExpression expression, string text, Caller caller, long now, Limits limits, AskOfRecord? ask, CancellationToken cancel)
    {
        CheckedExpression folded = PartialEvaluator.Fold(expression, Policies.Context(caller, now, limits));
        if (Simplifier.Simplify(folded.Root, UnknownMeans.Unknown) is LiteralNode literal)
            return literal.Value.IsNull ? "unknown" : literal.Value.IsTrue ? "true" : "false";
        if (ask is null) return Depends;
        return await ask(text, cancel).ConfigureAwait(false) switch { true => "true", false => "false", null => "unknown" };
    }

    sealed class ClaimFinder : NodeVisitor
    {
        public SortedSet<string> Names { get; } = new(StringComparer.Ordinal);

        public override void Visit(CheckedNode node)
        {
            if (node is ClaimNode claim) Names.Add(claim.Claim.Name);
            base.Visit(node);
        }
    }
}
